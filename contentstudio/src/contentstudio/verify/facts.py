"""What a sentence says otherwise than its whole source: what is counted, months and days of the
week, people, and how far something is the first. Pure.

These need no passage that is near: a number, a date or a name tells by itself where it is from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from contentstudio.text import measures
from contentstudio.text.numbers import Quantity
from contentstudio.verify.claims import Finding
from contentstudio.verify.statements import Mark, Side, Statement, is_material

_LEAST = 13  # smaller numbers count too many things in one text
_MONTH_AND_YEAR = re.compile(
    rf"\b(?P<month>{'|'.join(sorted(measures.MONTHS, key=len, reverse=True))})\b\.?"
    r"(?: de(?:l)?)? (?P<year>(?:19|20)\d\d)\b",
    re.I,
)
_PERSON = re.compile(r"\b([A-Z][^\W\d_]+) ((?:de |van |von |di |da )?[A-Z][^\W\d_]+)\b")
_NO_FORENAME = re.compile(r"(?:er|in|ende|ung|or|ist|ent|ant|chef|mann|frau|ei|schaft|heit|keit)$")


def findings(claim: Statement, passages: Sequence[Statement], whole: Statement) -> list[Finding]:
    """What a sentence says otherwise than its source. `whole` is all of its text."""
    rules = (_things(claim, passages), _months(claim, whole), _weekdays(claim, whole))
    return [
        finding
        for rule in (*rules, _persons(claim, whole), _scopes(claim, passages))
        for finding in rule
    ]


def _things(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """A number counts a thing of the source that it does not count there: "580 trout"."""
    for ours in claim.quantities():
        thing = claim.counted(ours)
        if thing is None or ours.units or ours.is_year or max(ours.values) < _LEAST:
            continue
        places = [(p, q) for p in passages for q in p.quantities() if q.values & ours.values]
        counted = [p.counted(q) for p, q in places]
        measured = [q for _, q in places if q.units]
        is_known = any(thing.stem in passage.stems for passage in passages)
        is_there = any(thing.stem in p.stems for p, _ in places)
        if not places or is_there:
            continue
        if all(counted) and not measured and is_known:
            there = counted[0]
            assert there
            reason = f"counts “{places[0][1].shown} {there.text}” and not “{thing.text}”"
            yield Finding("counted", reason, places[0][0].text)
        elif len(measured) == len(places) and not any(_is_share(q) for q in measured):
            reason = f"says “{measured[0].shown}” and not “{ours.shown} {thing.text}”"
            yield Finding("counted", reason, places[0][0].text)


def _is_share(quantity: Quantity) -> bool:
    return bool({"%", "‰", "pp"} & set(quantity.units))


def _units(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """A number with another unit than in the source: "two days" of "two hours"."""
    for ours in claim.quantities():
        if not ours.units or _is_share(ours):
            continue
        same = [q for p in passages for q in p.quantities() if q.values & ours.values]
        if same and all(q.units and not set(q.units) & set(ours.units) for q in same):
            yield Finding("unit", f"says “{same[0].shown}” and not “{ours.shown}”", "")


def _months(claim: Statement, whole: Statement) -> Iterator[Finding]:
    """A month of a year of which the source tells another month."""
    there = {_month_and_year(match): match[0] for match in _MONTH_AND_YEAR.finditer(whole.text)}
    for match in _MONTH_AND_YEAR.finditer(claim.text):
        month, year = _month_and_year(match)
        others = [shown for (_, known_year), shown in there.items() if known_year == year]
        is_numeric = re.search(rf"\b{year}-\d\d|[./]{year}\b|\d+\.{year}\b", whole.text)
        if others and (month, year) not in there and not is_numeric:
            yield Finding("date", f"says “{others[0]}” and not “{match[0]}”", "")


def _month_and_year(match: re.Match[str]) -> tuple[int, str]:
    return measures.MONTHS[match["month"].lower()], match["year"]


def _weekdays(claim: Statement, whole: Statement) -> Iterator[Finding]:
    """A day of the week of which the source tells nothing, though it tells of others."""
    if claim.has("negation") or any(map(_is_closed, claim.sides())):
        return  # the days that are left
    theirs = whole.sides()
    for ours in claim.sides():
        if ours.is_converse or not _is_calendar(claim, ours.number):
            continue
        same = [side for side in theirs if side.number == ours.number]
        if same and all(side.side != ours.side for side in same):
            yield Finding("date", f"says “{same[0].text}” and not “{ours.text}”", "")


_SEVEN = 7
_OPENING = 3  # the set of what is open and closed: the fourth in every pack


def _is_closed(side: Side) -> bool:
    return (side.number, side.side) == (_OPENING, 1)


def _is_calendar(statement: Statement, number: int) -> bool:
    """Whether a set has the days of the week."""
    return statement.sides_of(number) == _SEVEN


def _persons(claim: Statement, whole: Statement) -> Iterator[Finding]:
    """A surname of the source with another forename: "Jonas Rehm" of "Jakob Rehm"."""
    for match in _PERSON.finditer(claim.text):
        forename, surname = match.groups()
        is_name = is_material(forename.casefold(), claim.language)
        is_name = is_name and not _NO_FORENAME.search(forename)
        if not is_name or re.search(rf"\b{forename}\b", whole.text):
            continue
        known = re.search(rf"\b([A-Z][^\W\d_]+) {re.escape(surname)}\b", whole.text)
        if known and not _NO_FORENAME.search(known[1]):
            yield Finding("name", f"says “{known[0]}” and not “{match[0]}”", "")


def _scopes(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """Nothing in the world, the country or history is more so: and the source does not say so."""
    scope = next(iter(claim.marks("scopes")), None)
    mark = _most(claim)
    if scope and mark and not any(p.has("scopes") and _most(p) for p in passages):
        reason = f"does not say “{mark.text} … {scope.text}”"
        yield Finding("superlative", reason, "")


_MORE_IS_MOST = frozenset({"es", "fr", "it", "pt"})


def _most(statement: Statement) -> Mark | Side | None:
    """What says that nothing is more so; in Spanish or French a word for more does."""
    if mark := next(iter(statement.marks("superlatives")), None):
        return mark
    if statement.language not in _MORE_IS_MOST:
        return None
    return next((side for side in statement.sides() if side.compares and side.side == 0), None)
