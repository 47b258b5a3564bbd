"""The front matter of other people's Markdown: values that stand before a text. It is data, and
never executed.

Generators read YAML between `---`, TOML between `+++`, and JSON between braces. A file that has
none, or one that nobody can read, is a text without values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from overnight import logs

EXTENSIONS = frozenset({".md", ".markdown", ".mdown", ".mkdn", ".mkd", ".mdx", ".html", ".htm"})
MAX_CHARACTERS = 100_000  # of front matter; a longer one is not read
_YAML = re.compile(
    r"---[ \t]*\r?\n(.*?)(?:^|\n)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_TOML = re.compile(
    r"\+\+\+[ \t]*\r?\n(.*?)(?:^|\n)\+\+\+[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)


def parted(text: str) -> tuple[dict[str, Any], str]:
    """The values by their names in small letters, and the text below them."""
    text = text.removeprefix("\ufeff").lstrip("\r\n")
    if text.startswith("{"):
        return _json(text)
    for fence, read in ((_YAML, _yaml), (_TOML, _toml)):
        if (match := fence.match(text)) and len(match[1]) <= MAX_CHARACTERS:
            values = _read(read, match[1]) or _lines(match[1])
            return values, text[match.end() :].strip()
    return {}, text.strip()


def is_hidden(values: Mapping[str, Any]) -> bool:
    """Whether readers do not see the post: `draft: true`, or `published: false`."""
    return _truth(values.get("draft")) is True or _truth(values.get("published")) is False


def moment(values: Mapping[str, Any]) -> datetime | None:
    """When the post was published, as far as it says so."""
    for name in ("pubdate", "publishdate", "date"):
        if (instant := _moment(values.get(name))) is not None:
            return instant
    return None


def text_of(values: Mapping[str, Any], name: str) -> str | None:
    """A value that is a short text, or a number in the place of one; None where there is none."""
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float | date):
        return None
    return logs.clean(str(value)).strip() or None


def _json(text: str) -> tuple[dict[str, Any], str]:
    try:
        values, end = json.JSONDecoder().raw_decode(text[:MAX_CHARACTERS])
    except (ValueError, RecursionError):
        return {}, text.strip()
    return _named(values) or {}, text[end:].strip()


def _read(read: Callable[[str], Any], text: str) -> dict[str, Any] | None:
    import yaml

    try:
        return _named(read(text))
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ):
        return None  # whatever a library says of a text that is none of its kind


def _lines(text: str) -> dict[str, Any]:
    """The lines that are a name and a value, of front matter with a slip somewhere."""
    pairs = re.findall(r"^(\w+)[ \t]*[:=][ \t]*(.*?)[ \t]*\r?$", text, re.MULTILINE)
    return {name.lower(): value.strip("'\"") for name, value in pairs}


def _yaml(text: str) -> Any:
    import yaml

    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
        raise ValueError("aliases may grow a short text without end")
    return yaml.safe_load(text)


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


def _named(values: Any) -> dict[str, Any] | None:
    return (
        {str(name).lower(): value for name, value in values.items()}
        if isinstance(values, dict)
        else None
    )


def _truth(value: Any) -> bool | None:
    words = {"true": True, "yes": True, "false": False, "no": False}
    return (
        value
        if isinstance(value, bool)
        else words.get(value.lower())
        if isinstance(value, str)
        else None
    )


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day, tzinfo=UTC)
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(_iso(str(value)))
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _iso(text: str) -> str:
    """Jekyll's `2026-01-02 10:00:00 +0100` as ISO 8601 has it."""
    return re.sub(r" ?([+-]\d\d):?(\d\d)$", r"\1:\2", text.strip())
