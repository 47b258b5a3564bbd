"""Nothing that is still to come is told as if it had happened.

A day after today is a fault in a sentence that has words of the past and none of a plan. The words
are those of the language packs. Whether a date stands in its source is for `sources`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from contentstudio import places
from contentstudio.gates.input import Case, fault, known, skipped, verdict
from contentstudio.model import Verdict
from contentstudio.text import packs
from contentstudio.text.measures import MONTH_NAMES
from contentstudio.text.wording import normal

_YEAR = re.compile(r"\b(20\d\d)\b")
_ISO = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
_BEFORE = 25  # characters before a year in which its month stands
_NEAR = 45  # characters around a date in which the verb stands that tells it
_FAR = 50  # years ahead; what lies farther is a count and no year


def check(case: Case) -> Verdict:
    """Look for days to come in what is told of the past."""
    today = known(case.today, "today's date")
    if why := unmeasured_in(case.language):
        return skipped("dates", why)
    wrong = [
        fault(text, f"tells of “{when}” as if it were past; today is {today}.")
        for text in places.texts(case.draft)
        for when in _told_as_past(normal(text.text), case.language, today)
    ]
    return verdict("dates", wrong, "No day to come is told as if it were past.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return (
        "" if packs.is_known(language) else f"the words of the past are not known in “{language}”"
    )


def _told_as_past(words: str, language: str, today: date) -> Iterator[str]:
    past, future = (packs.pattern(language, "dates", name) for name in ("past", "future"))
    assert past is not None
    assert future is not None
    for match in _YEAR.finditer(words):
        when = _first_day(words, match, language)
        if when is None or when <= today or when.year > today.year + _FAR:
            continue
        around = words[max(0, match.start() - _NEAR) : match.end() + _NEAR]
        if past.search(around) and not future.search(around):
            yield match[0]


def _first_day(words: str, year: re.Match[str], language: str) -> date | None:
    """The first day that a date can mean: of its month, if one is named, or else of its year."""
    number = int(year[1])
    if iso := _ISO.match(words, year.start()):
        month = int(iso[2])
        return date(number, month, 1) if 1 <= month <= 12 else None
    before = words[max(0, year.start() - _BEFORE) : year.start()].casefold()
    for month, name in enumerate(MONTH_NAMES.get(language, ()), 1):
        if re.search(rf"(?<!\w){re.escape(name)}\W+(?:de\s+|del\s+)?$", before):
            return date(number, month, 1)
    return date(number, 1, 1)
