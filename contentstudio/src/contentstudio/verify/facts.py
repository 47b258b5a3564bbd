"""What a sentence says otherwise than its whole source: people, and how far something is the first.
Pure.

These need no passage that is near: a name tells by itself where it is from. Numbers, units, dates
and what is counted are those of `counted`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from contentstudio.verify.claims import Finding
from contentstudio.verify.statements import Mark, Side, Statement, is_material

_PERSON = re.compile(r"\b([A-Z][^\W\d_]+) ((?:de |van |von |di |da )?[A-Z][^\W\d_]+)\b")
_NO_FORENAME = re.compile(r"(?:er|in|ende|ung|or|ist|ent|ant|chef|mann|frau|ei|schaft|heit|keit)$")


def findings(claim: Statement, passages: Sequence[Statement], whole: Statement) -> list[Finding]:
    """What a sentence says otherwise than its source. `whole` is all of its text."""
    return [*_persons(claim, whole), *_scopes(claim, passages)]


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
