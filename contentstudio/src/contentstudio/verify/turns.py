"""What a sentence turns round in its source, told by what stands beside a word and not by how near
the whole sentence is: who it is said of, what a number belongs to, what is denied. Pure.

Each rule needs one place of the source that says otherwise, and no place that says the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from contentstudio.text import measures
from contentstudio.verify.claims import Finding, Pair
from contentstudio.verify.statements import Mark, Side, Statement, Word

_HALF = 0.6  # of the words of a sentence that denies what a passage states, or the reverse
_PART = 0.4  # of the words of a passage; a longer one tells of much else
_NEARLY = 0.8  # of the words of both
_FEW = 2
_BESIDE = 8  # characters between a mark and the word that it belongs to: `of the`
_CALENDAR = 7  # sides of the set of the days of the week
_OPENING = 3  # the set of what is open and closed: the fourth in every pack
_DENIALS = ("negation", "without", "avoidance")
_UNSURE = (*_DENIALS, "weak_negation", "neutral", "exceptive", "conditionals", "reported")
# Languages in which two negations are not one: of `ne … pas` and `no … nunca` they are.
_COUNTED = frozenset({"de", "en", "nl"})
_COUNTING = ("negation", "without")
_TOKEN = re.compile(r"\w+")
_FIGURES = re.compile(r"\d+(?:[.:,]\d+)*")


def findings(claim: Statement, passages: Sequence[Statement]) -> list[Finding]:
    """What a sentence turns round, with the passage that says otherwise: the first thing of it."""
    if claim.is_question:
        return []
    told = [passage for passage in passages if not passage.is_question]
    rules = (_of_all, _of_number, _of_day, _changed, _more, _denied, _same_words, _parity)
    return [finding for rule in rules for finding in rule(claim, told)][:1]


def _of_all(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """What is said of some is said of all: "All anglers fear it" of "Some anglers fear it"."""
    if claim.has("portions"):
        return
    for mark in claim.marks("sure"):
        thing = _beside(claim, mark)
        if thing is None or any(_has_beside(p, "sure", thing) for p in passages):
            continue
        for passage in passages:
            common = claim.stems & passage.stems - {thing.stem}
            portion = _has_beside(passage, "portions", thing)
            if portion and common:
                reason = f"says “{portion.text} {thing.text}” and not “{mark.text}”"
                yield Finding("universal", reason, passage.text)


def _has_beside(statement: Statement, name: str, thing: Word) -> Mark | None:
    """The mark of a list that belongs to a word; of `almost all` it is not `all`."""
    portions = statement.marks("portions") if name != "portions" else ()
    return next(
        (
            mark
            for mark in statement.marks(name)
            if (word := _beside(statement, mark))
            and word.stem == thing.stem
            and not any(one.start <= mark.start < one.end for one in portions)
        ),
        None,
    )


def _beside(statement: Statement, mark: Mark) -> Word | None:
    """The word that a mark belongs to; no time, as of `every day`."""
    following = statement.after(mark.end)[:1]
    if not following or following[0].start - mark.end > _BESIDE:
        return None
    word = following[0]
    return None if measures.unit_pattern().fullmatch(word.text) else word


def _of_number(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """What a number is said of is turned round: "Eight closed" of "There were eight openings"."""
    for key, start in _numbers(claim):
        places = [(p, at) for p in passages for known, at in _numbers(p) if known == key]
        if len(places) != 1:
            continue
        passage, position = places[0]
        ours, theirs = _sides_at(claim, start), _sides_at(passage, position)
        common = claim.stems & passage.stems - {f"#{key}"}
        for a, b in ((a, b) for a in ours for b in theirs if a.number == b.number):
            is_said = _has_side(passage, a) and not _has_side(claim, b)
            is_other = a.side != b.side and not is_said and a.side not in _of_set(theirs, a)
            if is_other and common and not (_is_denied(claim, a) or _is_denied(passage, b)):
                reason = f"says “{b.text}” of it and not “{a.text}”"
                yield Finding("contrast", reason, passage.text)


def _numbers(statement: Statement) -> list[tuple[str, int]]:
    """The numbers of a statement and where they stand; a time of the day is one."""
    read = [(str(min(one.values)), one.start) for one in statement.quantities()]
    starts = {start for _, start in read}
    clocks = [m for m in _FIGURES.finditer(statement.text) if ":" in m[0]]
    return [*read, *((m[0], m.start()) for m in clocks if m.start() not in starts)]


def _sides_at(statement: Statement, position: int) -> list[Side]:
    """The words of a part of a sentence that exclude one other."""
    start, end = statement.part_of(position)
    return [
        side
        for side in statement.sides()
        if start <= side.start < end
        and not side.is_converse
        and statement.sides_of(side.number) == _FEW
    ]


def _has_side(statement: Statement, side: Side) -> bool:
    return side.side in _of_set(statement.sides(), side)


def _of_set(sides: Sequence[Side], of: Side) -> set[int]:
    return {one.side for one in sides if one.number == of.number}


def _is_denied(statement: Statement, side: Side) -> bool:
    """Whether something in its clause turns a word round."""
    start, end = statement.clause_of(side.start)
    return any(start <= m.start < end for name in _DENIALS for m in statement.marks(name))


def _of_day(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """A day on which it is closed is one on which it is open, or the reverse."""
    ours = _opening(claim)
    if ours is None:
        return
    days = _days(claim)
    told = [p for p in passages if _days(p) == days and _opening(p) is not None]
    if days and told and all(_opening(p) != ours for p in told):
        yield Finding("contrast", "says of that day the opposite", told[0].text)


def _opening(statement: Statement) -> bool | None:
    """Whether it says open, or closed; nothing where it says both or denies it."""
    sides = {side.side for side in statement.sides() if side.number == _OPENING}
    if len(sides) != 1 or statement.has(*_UNSURE):
        return None
    return sides == {0}


def _days(statement: Statement) -> frozenset[int]:
    return frozenset(
        side.side for side in statement.sides() if statement.sides_of(side.number) == _CALENDAR
    )


_FROM_TO = {
    "de": r"von (\d+)(?: \w+)? auf (\d+)",
    "en": r"from (\d+)(?: \w+)? to (\d+)",
    "es": r"de (\d+)(?: \w+)? a (\d+)",
    "fr": r"de (\d+)(?: \w+)? à (\d+)",
    "it": r"da (\d+)(?: \w+)? a (\d+)",
    "nl": r"van (\d+)(?: \w+)? naar (\d+)",
    "pt": r"de (\d+)(?: \w+)? (?:para|a) (\d+)",
}
_INSTEAD = {
    "de": r"(\d+)(?: \w+)? (?:statt|anstatt|anstelle von) (\d+)",
    "en": r"(\d+)(?: \w+)? (?:instead of|rather than|up from|down from) (\d+)",
    "es": r"(\d+)(?: \w+)? (?:en vez de|en lugar de) (\d+)",
    "fr": r"(\d+)(?: \w+)? (?:au lieu de|contre) (\d+)",
    "it": r"(\d+)(?: \w+)? (?:invece di|anziché|al posto di) (\d+)",
    "nl": r"(\d+)(?: \w+)? (?:in plaats van) (\d+)",
    "pt": r"(\d+)(?: \w+)? (?:em vez de|ao invés de|em lugar de) (\d+)",
}


def _changed(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """A change goes the other way: "30 instead of 40" of "from 30 to 40"."""
    told = {change: p for p in passages for change in _changes(p)}
    for before, after in _changes(claim):
        if (after, before) in told and (before, after) not in told:
            reason = f"says “{after}” before and “{before}” after"
            yield Finding("crossed", reason, told[after, before].text)


def _changes(statement: Statement) -> list[tuple[str, str]]:
    """What became what, as figures."""
    text, language = statement.text, statement.language
    turned = [(m[2], m[1]) for m in re.finditer(_INSTEAD[language], text, re.I)]
    return [*turned, *((m[1], m[2]) for m in re.finditer(_FROM_TO[language], text, re.I))]


def _more(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """Of the same there is more, or less: "fewer young people" of "more young people"."""
    for ours, following in _compared(claim):
        told = [(p, one) for p in passages for one, same in _compared(p) if same == following]
        sides = {one.side for _, one in told}
        if told and ours.side not in sides:
            reason = f"says “{told[0][1].text}” and not “{ours.text}”"
            yield Finding("contrast", reason, told[0][0].text)


def _compared(statement: Statement) -> list[tuple[Side, tuple[str, ...]]]:
    """Words for more and less, each with the two words behind it, the first of which
    carries matter."""
    found = []
    for side in statement.sides():
        tokens = _TOKEN.finditer(statement.text, side.end)
        following = [match for _, match in zip(range(_FEW), tokens, strict=False)]
        if len(following) < _FEW:
            continue
        text = statement.text[side.end : following[-1].end()]
        carries = any(
            word.start == following[0].start() and not word.stem.startswith("#")
            for word in statement.words
        )
        if side.compares and carries and not re.search(r"[,.;:]", text):
            found.append((side, tuple(match[0].casefold() for match in following)))
    return found


def _denied(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """A passage denies all that a clause of the sentence states: "They do not eat fish"."""
    if claim.has(*_UNSURE) or not passages:
        return
    pairs = [Pair(claim, passage) for passage in passages]
    best = max(pair.coverage() for pair in pairs)
    for pair in pairs:
        if pair.coverage() < max(_HALF, best) or pair.exchanged:
            continue
        for mark in pair.passage.marks("negation"):
            scope = _scope(pair.passage, mark)
            is_whole = pair.reverse >= _PART or len(scope) >= _NEARLY * len(claim.stems)
            if len(scope) >= _FEW and scope <= claim.stems and is_whole:
                yield Finding("negation", f"denies it (“{mark.text}”)", pair.passage.text)


def _scope(statement: Statement, mark: Mark) -> set[str]:
    """The words that a mark denies, to the end of its clause; none where it only limits them."""
    start, end = statement.clause_of(mark.start)
    limits = ("neutral", "conditionals", "exceptive", "hints", "weak_negation", "without")
    if any(start <= one.start < end for name in limits for one in statement.marks(name)):
        return set()
    return {word.stem for word in statement.after(mark.end, end)}


def _same_words(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """A clause has the words of one of the source, and one of the two is denied: "everyone must
    bring one" of "nobody must bring one".
    """
    theirs = [(p, *clause) for p in passages for clause in _clauses(p)]
    for tokens, is_denied in _clauses(claim):
        same = [(p, denied) for p, known, denied in theirs if known == tokens]
        if same and all(denied != is_denied for _, denied in same):
            yield Finding("negation", "denies one of the two", same[0][0].text)


def _clauses(statement: Statement) -> list[tuple[frozenset[str], bool]]:
    """The words of each clause but its negation and universals, and whether it is denied. Those of
    fewer than three words are none.
    """
    found = []
    for start, end in statement.clauses():
        limits = ("neutral", "conditionals", "hints", "exceptive", "weak_negation")
        marks = [m for name in ("negation", "sure") for m in statement.marks(name)]
        tokens = frozenset(
            match[0].casefold()
            for match in _TOKEN.finditer(statement.text, start, end)
            if not any(mark.start <= match.start() < mark.end for mark in marks)
        )
        if any(start <= m.start < end for name in limits for m in statement.marks(name)):
            continue
        is_of_all = any(start <= mark.start < end for mark in statement.marks("sure"))
        is_material = len(statement.after(start, end)) >= (1 if is_of_all else _FEW)
        denied = any(start <= mark.start < end for mark in statement.marks("negation"))
        if len(tokens - _LINKS) > _FEW and is_material:
            found.append((tokens - _LINKS, denied))
    return found


_LINKS = frozenset(["and", "und", "et", "y", "e", "en", "do", "does", "did"])


def _parity(claim: Statement, passages: Sequence[Statement]) -> Iterator[Finding]:
    """Nearly all words are the same, and one has a negation more: "may not walk without"."""
    if claim.language not in _COUNTED:
        return
    for passage in passages:
        pair = Pair(claim, passage)
        is_same = pair.coverage() >= _NEARLY and pair.reverse >= _NEARLY and len(pair.shared) > 3
        limits = ("weak_negation", "neutral", "exceptive", "conditionals", "pronouns")
        if not is_same or pair.exchanged or claim.has(*limits) or passage.has(*limits):
            continue
        is_of_it = all(_is_denial_shared(one, pair) for one in (claim, passage))
        if is_of_it and (_count(claim) - _count(passage)) % 2:
            yield Finding("negation", "has a negation more or less", passage.text)


def _count(statement: Statement) -> int:
    """How many words deny; the answer `No,` does not."""
    marks = [mark for name in _COUNTING for mark in statement.marks(name)]
    return sum(not statement.text.startswith(",", mark.end) for mark in marks)


def _is_denial_shared(statement: Statement, pair: Pair) -> bool:
    """Whether the clauses that deny something have nearly no word that the other has not."""
    marks = [mark for name in _COUNTING for mark in statement.marks(name)]
    spans = {statement.clause_of(mark.start) for mark in marks}
    stems = {word.stem for span in spans for word in statement.after(*span)}
    return len(stems & pair.shared) >= _NEARLY * len(stems)
