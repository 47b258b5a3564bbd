"""What a page itself says besides the article: labels and dates, in the language of its text."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ps", "ur", "yi"})
# The marks around a quote as readers of the language know them; in French with the no-break spaces
# that belong to them.
_QUOTATION_MARKS = {
    **dict.fromkeys(("bg", "cs", "de", "et", "is", "ka", "lt", "sk", "sl"), ("„", "“")),
    **dict.fromkeys(("hr", "hu", "pl", "ro", "sr"), ("„", "”")),
    **dict.fromkeys(("ar", "el", "es", "fa", "hy", "it", "no", "ru", "uk"), ("«", "»")),
    **dict.fromkeys(("de-ch", "fr-ch", "pt-pt"), ("«", "»")),
    **dict.fromkeys(("fi", "sv"), ("”", "”")),
    **dict.fromkeys(("ja", "zh-hant", "zh-hk", "zh-tw"), ("「", "」")),
    "fr": ("«\u00a0", "\u00a0»"),
}


def labels(language: str) -> dict[str, str]:
    """Name to label, with the `language` that they are in: English where we have none in that of
    the text.
    """
    languages, code = _labels(), language.lower()[:2]
    code = "no" if code in ("nb", "nn") else code
    code = code if code in languages else "en"
    return {**languages[code], "language": code}


def quotation_marks(language: str) -> tuple[str, str]:
    """What stands before and behind the words of a quote in a text of the language."""
    code = language.lower().replace("_", "-")
    base = code.partition("-")[0]
    base = "no" if base in ("nb", "nn") else base
    return _QUOTATION_MARKS.get(code) or _QUOTATION_MARKS.get(base) or ("“", "”")


def direction(language: str) -> str:
    """How a text of the language is written, as HTML's `dir` takes it."""
    return "rtl" if language.lower()[:2] in _RIGHT_TO_LEFT else "ltr"


def day(moment: datetime, language: str) -> str:
    """The date (UTC) for readers: in words where Babel knows the language, else as ISO 8601.

    Never by the process's locale. The day comes first in English.
    """
    from babel import Locale, UnknownLocaleError
    from babel.dates import format_date

    date = moment.astimezone(UTC).date()
    try:
        locale = Locale.parse(
            "en_GB" if language.lower()[:2] == "en" else language.replace("-", "_")
        )
    except (UnknownLocaleError, ValueError):
        return date.isoformat()
    return format_date(date, "long", locale=locale)


@cache
def _labels() -> dict[str, dict[str, str]]:
    """Language to its labels."""
    return tomllib.loads((files("contentstudio.publish") / "labels.toml").read_text("utf-8"))
