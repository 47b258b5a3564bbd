"""What a number counts or measures, and per which time, otherwise than its source says. Pure.

The number of a sentence stands in its source, but there it counts another thing (`40 litres of
water`, where the source has 40 litres of milk), has another unit, or is said of another time (`150
euros a day` of 150 a month), or what changed is told the other way round. It is compared with every
place of the source where the number stands; where one of them can be meant, nothing is found. What
a number counts is the word right behind it; words that may stand for many things (`people`,
`pieces`) tell nothing, and neither does a word that stands in the same sentence of the source. What
has many names (`visitors`, `guests`) is another thing where the source has both words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, pairwise

from contentstudio.text import dates, packs
from contentstudio.text.measures import MONTH_NAMES, unit_of, unit_pattern
from contentstudio.text.numbers import Quantity
from contentstudio.verify.derivation import SECTION, ends_with, periods
from contentstudio.verify.statements import Statement, Word, read

_BEHIND = 30  # characters behind a number in which its period stands
NEAR = 0.34  # of a sentence's other words stand in the place of the source that it is held against
LARGE = 10  # a number from here on that stands in a source once or twice tells which place is meant
_SEVERAL = 2
_SMALL = 12
NEARER = 0.5  # of a sentence's words stand in the place of which it tells
_FEWEST = 2  # words of a sentence that tells which place it is from
_ROOT = 4  # letters that forms of a word share, and words of one origin
_OF = re.compile(
    r" (?:(?:of|von|van|de|di|del|des|du|dos|das|do|da|dei|degli|delle|della|der)"
    r"(?: (?:the|its|their|these|la|les|los|las|het|de|den))? |d' ?|dell' ?)",
    re.I,
)
_CUT = re.compile(r"[,;:]\s|\b(?:and|und|et|y|e|en|while|but|aber|mais|pero|ma|maar|mas)\b")
_NEXT = re.compile(r" ([^\W\d_]+)")
_WORD = re.compile(r"[^\W\d_]+")
_BARE = frozenset({"de", "nl"})  # `40 Liter Wasser`
_PLURAL = {
    "en": re.compile(r"(?:[^s]s|men|people|children|feet|teeth|mice|sheep|fish)$"),
    "de": re.compile(r"^[A-ZÄÖÜ]"),
    "fr": re.compile(r"[sx]$"),
    "es": re.compile(r"s$"),
    "it": re.compile(r"[ie]$"),
    "nl": re.compile(r"(?:en|s)$"),
    "pt": re.compile(r"s$"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, as the end of a sentence, and the passage that says otherwise."""

    reason: str
    passage: str


def findings(text: str, language: str, sentences: Sequence[str]) -> list[Finding]:
    """What the numbers and dates of a text say otherwise than the sentences of its source. Nothing
    in a language without a pack.
    """
    if not packs.is_known(language):
        return []
    claim = read(text, language)
    places = [read(sentence, language) for sentence in sentences]
    found = [_of_number(one, claim, places) for one in claim.quantities() if not one.is_year]
    found += [*_of_dates(claim, places), _of_changes(claim, places), _of_parts(claim, places)]
    return [one for one in found if one]


def _of_number(ours: Quantity, claim: Statement, places: Sequence[Statement]) -> Finding | None:
    same = [
        (place, theirs)
        for place in places
        for theirs in place.quantities()
        if theirs.values & ours.values
    ]
    if not same:
        return _of_small(ours, claim, places) or _of_days(ours, claim, places)
    thing = thing_of(ours, claim)
    rest = claim.stems - ({thing.stem} if thing else set())
    shares = [len(rest & place.stems) / len(rest) if rest else 0.0 for place, _ in same]
    is_rare = min(ours.values) >= LARGE and len(same) <= _SEVERAL
    if far := _of_nearest(ours, claim, places):
        return far
    if max(shares) < NEAR and not is_rare:
        return _of_days(ours, claim, places)
    elsewhere = thing is not None and any(_stands(thing, place) for place in places)
    reasons = [_otherwise(ours, claim, theirs, place, elsewhere) for place, theirs in same]
    best = shares.index(max(shares))
    reason = reasons[best]
    return Finding(reason, same[best][0].text) if reason and all(reasons) else None


def _of_nearest(ours: Quantity, claim: Statement, places: Sequence[Statement]) -> Finding | None:
    """A number of another place of the source, where the one of which the sentence tells has
    another of the same unit.
    """
    measured = [w for w in claim.words for one in claim.quantities() if _is_within(w, one)]
    stems = frozenset(word.stem for word in claim.words if word not in measured)
    if not ours.units or _is_reckoned(claim) or len(stems) < _FEWEST:
        return None
    same = [p for p in places if any(one.values & ours.values for one in p.quantities())]
    share = max(len(stems & place.stems) / len(stems) for place in same)
    best = max(places, key=lambda place: len(stems & place.stems))
    said = {value for one in claim.quantities() for value in one.values}
    theirs = [
        one
        for one in best.quantities()
        if set(one.units) & set(ours.units) and not one.values & said
    ]
    if len(theirs) != 1 or len(stems & best.stems) < NEARER * len(stems) or 2 * share >= NEARER:
        return None
    return Finding(f"says “{theirs[0].shown}” and not “{ours.shown}”", best.text)


def _of_small(ours: Quantity, claim: Statement, places: Sequence[Statement]) -> Finding | None:
    """A small number that stands nowhere in the source, which counts the same with another one. The
    larger ones stand nowhere without more ado.
    """
    thing = thing_of(ours, claim)
    if thing is None or max(ours.values) > _SMALL or _is_reckoned(claim):
        return None
    rest = claim.stems - {thing.stem}
    for place in places:
        for theirs in place.quantities():
            there = thing_of(theirs, place)
            share = len(rest & place.stems) / len(rest) if rest else 0.0
            if there and there.stem == thing.stem and share >= NEAR:
                reason = f"says “{theirs.shown} {there.text}” and not “{ours.shown}”"
                return Finding(reason, place.text)
    return None


def _is_reckoned(claim: Statement) -> bool:
    """Whether a sentence may reckon."""
    listed = (packs.pattern(claim.language, SECTION, name) for name in ("difference", "sum", "so"))
    return any(pattern and pattern.search(claim.text) for pattern in listed)


def _of_days(ours: Quantity, claim: Statement, places: Sequence[Statement]) -> Finding | None:
    """So many days a week, where the source names more of them, or fewer."""
    if set(ours.units) != {"d"} or "wk" not in _period(ours, claim):
        return None
    measured = (q for place in places for q in place.quantities() if "d" in q.units)
    if any(q.values & ours.values for q in measured):
        return None
    for place in places:
        count = len(dates.weekdays(place.text, claim.language))
        if count > 1 and Fraction(count) not in ours.values and claim.stems & place.stems:
            return Finding(f"names {count} days of the week and not {ours.shown}", place.text)
    return None


def _otherwise(
    ours: Quantity, claim: Statement, theirs: Quantity, place: Statement, elsewhere: bool
) -> str | None:
    """How a place of the source speaks of the number otherwise; None where it may be meant.
    `elsewhere` says whether what the sentence counts stands in the source.
    """
    if ours.units and theirs.units and not set(ours.units) & set(theirs.units):
        return f"says “{theirs.shown}” and not “{ours.shown}”"
    mine, other = _period(ours, claim), _period(theirs, place)
    if mine and other and not mine & other:
        return f"says “{_shown(theirs, place)}” and not “{_shown(ours, claim)}”"
    thing, there = thing_of(ours, claim), thing_of(theirs, place)
    if ours.units and not theirs.units:
        return _counts(theirs, place, ours)
    if thing is None or _is_one_of(thing, claim.language, "general"):
        return None
    words = f"says “{theirs.shown} {there.text if there else ''}”".replace(" ”", "”")
    reason = f"{words} and not “{ours.shown} {thing.text}”"
    if _is_swapped(claim, theirs, thing, there):
        return reason
    if _stands(thing, place) or (there and _stands(there, claim)):
        return None
    if there is None:
        return reason if theirs.units and not ours.units else None
    is_vague = any(
        _is_one_of(word, claim.language, name)
        for word, name in ((there, "general"), (there, "roles"), (thing, "roles"))
    )
    return reason if elsewhere or not is_vague else None


def _counts(theirs: Quantity, place: Statement, ours: Quantity) -> str | None:
    """That the source counts with the number, and measures nothing: `two times a month`."""
    behind = _NEXT.match(place.text, theirs.end)
    if behind is None or not _PLURAL[place.language].search(behind[1]):
        return None
    words = _WORD.findall(place.text[theirs.end : theirs.end + _BEHIND])
    found = (unit_pattern().fullmatch(word) for word in words)
    if {unit_of(match) for match in found if match} & set(ours.units):
        return None
    return f"says “{theirs.shown} {behind[1]}” and not “{ours.shown}”"


def thing_of(number: Quantity, statement: Statement) -> Word | None:
    """What a number counts, or is a measure of: the word right behind it, or behind a word for
    `of`, where it carries matter and may be the plural of a noun.
    """
    of = _OF.match(statement.text, number.end)
    end = of.end() if of else number.end + 1
    word = next((word for word in statement.words if word.start == end), None)
    if word is None or (number.units and not of and statement.language not in _BARE):
        return None
    return word if number.units or _PLURAL[statement.language].search(word.text) else None


def _is_swapped(claim: Statement, theirs: Quantity, thing: Word, there: Word | None) -> bool:
    """Whether the sentence speaks of what the source counts, and gives it another number: `140
    coaches with five places` of `five coaches with 140 places`.
    """
    if there is None or there.stem == thing.stem:
        return False
    of_it = [
        one for one in claim.quantities() if (w := thing_of(one, claim)) and w.stem == there.stem
    ]
    return bool(of_it) and not any(one.values & theirs.values for one in of_it)


def _stands(word: Word, statement: Statement) -> bool:
    """Whether a word, one of its origin, or one that is made of it, stands in a statement."""
    root = word.text.casefold()[:_ROOT]
    return word.stem in statement.stems or any(
        root in one.text.casefold() for one in statement.words
    )


def _is_one_of(word: Word, language: str, name: str) -> bool:
    pattern = packs.pattern(language, SECTION, name)
    return bool(pattern and pattern.fullmatch(word.text))


def _period(number: Quantity, statement: Statement) -> frozenset[str]:
    return periods(
        statement.text[number.end : _end_of_period(number, statement)], statement.language
    )


def _end_of_period(number: Quantity, statement: Statement) -> int:
    """Where what belongs to a number ends: at the end of its clause, or before the next number."""
    _, end = statement.clause_of(number.end)
    following = [one.start for one in statement.quantities() if one.start >= number.end]
    return min([end, number.end + _BEHIND, *following])


def _shown(number: Quantity, statement: Statement) -> str:
    return statement.text[number.start : _end_of_period(number, statement)].strip()


def _of_dates(claim: Statement, places: Sequence[Statement]) -> Iterator[Finding | None]:
    yield _of_weekdays(claim, places)
    yield _of_months(claim, places)


def _of_weekdays(claim: Statement, places: Sequence[Statement]) -> Finding | None:
    """A day of the week that the source does not name, where it names others of the same."""
    ours = dates.weekdays(claim.text, claim.language)
    each = [(place, dates.weekdays(place.text, claim.language)) for place in places]
    known = frozenset().union(*(days for _, days in each))
    if not ours - known or claim.has("negation", "without") or _tells_closed(claim):
        return None
    near = [one for one in each if one[1] and len(claim.stems & one[0].stems) >= 1]
    if not near:
        return None
    place, _ = max(near, key=lambda one: len(claim.stems & one[0].stems))
    return Finding("names other days of the week", place.text)


def _tells_closed(claim: Statement) -> bool:
    pattern = packs.pattern(claim.language, SECTION, "closed")
    return bool(pattern and pattern.search(claim.text))


def _of_months(claim: Statement, places: Sequence[Statement]) -> Finding | None:
    """A month that the source does not name, where it names another with the same year."""
    for match in _month(claim.language).finditer(claim.text):
        month, year = match["month"].casefold(), match["year"]
        of_year = [
            (other["month"].casefold(), place)
            for place in places
            for other in _month(claim.language).finditer(place.text)
            if other["year"] == year
        ]
        if of_year and not any(_tells_month(place, month, year) for place in places):
            name, place = of_year[0]
            return Finding(f"says “{name} {year}” and not “{match[0]}”", place.text)
    return None


def _tells_month(place: Statement, month: str, year: str) -> bool:
    """Whether a place names a month of a year, shortened or with a day too (`Aug. 12, 2021`), or
    has a date in figures, which may be of it.
    """
    named = rf"\b{month[:3]}\w*\.?(?: \d{{1,2}}(?:st|nd|rd|th)?,?)?,? (?:del? )?{year}\b"
    in_figures = rf"\b{year}-\d\d|\d[./-] ?{year}\b"
    return bool(re.search(rf"{named}|{in_figures}", place.text, re.I))


@lru_cache(maxsize=10)
def _month(language: str) -> re.Pattern[str]:
    names = "|".join(MONTH_NAMES.get(language, ("(?!)",)))
    return re.compile(rf"\b(?P<month>{names}),? (?:del? )?(?P<year>\d{{4}})\b", re.I)


def _of_changes(claim: Statement, places: Sequence[Statement]) -> Finding | None:
    """A change that went the other way: `30 minutes instead of 40` of `from 30 to 40 minutes`."""
    theirs = {change: place for place in places for change in _changes(place)}
    for before, after in _changes(claim):
        if (after, before) in theirs and (before, after) not in theirs:
            passage = theirs[after, before].text
            return Finding(f"tells a change from {after} to {before}, and not back", passage)
    return None


def _changes(statement: Statement) -> Iterator[tuple[Fraction, Fraction]]:
    """What something was, and what it became."""
    for one, other in pairwise(statement.quantities()):
        before, between = statement.text[: one.start], statement.text[one.end : other.start]
        if len(between) > _BEHIND or not (len(one.values) == len(other.values) == 1):
            continue
        first, second = min(one.values), min(other.values)
        if ends_with(between, statement.language, "instead"):
            yield second, first
        elif ends_with(between, statement.language, "to") and ends_with(
            before, statement.language, "from"
        ):
            yield first, second


def _of_parts(claim: Statement, places: Sequence[Statement]) -> Finding | None:
    """Two numbers that changed places: `a walker pays 5 euros, a car 2 euros` of `2 euros for a
    walker, 5 euros for a car`.
    """
    ours = _parts(claim)
    for place in places:
        theirs = _parts(place)
        for (a, of_a), (b, of_b) in combinations(ours.items(), 2):
            there_a, there_b = theirs.get(a), theirs.get(b)
            if there_a is None or there_b is None:
                continue
            crossed = of_a & there_b and of_b & there_a
            if crossed and not (of_a & there_a or of_b & there_b):
                return Finding(f"gives {a} and {b} to the other of two", place.text)
    return None


def _parts(statement: Statement) -> dict[Fraction, frozenset[str]]:
    """Each number that stands alone in its part of a sentence, with the words of the part."""
    cuts = [0, *(match.end() for match in _CUT.finditer(statement.text)), len(statement.text)]
    found = {}
    for start, end in pairwise(cuts):
        inside = [one for one in statement.quantities() if start <= one.start < end]
        if len(inside) == 1 and len(inside[0].values) == 1 and not inside[0].is_year:
            words = [
                word for word in statement.after(start, end) if not _is_within(word, inside[0])
            ]
            found[min(inside[0].values)] = frozenset(word.stem for word in words)
    return found


def _is_within(word: Word, number: Quantity) -> bool:
    return number.start <= word.start < number.end
