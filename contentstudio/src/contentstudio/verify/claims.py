"""What a sentence says otherwise than the passage that it was made from, told by code. Pure.

Each rule compares a sentence with one passage. It speaks where the evidence is strong: the words of
the sentence stand in the passage, and exactly one thing is turned round, weaker there, or missing.
What cannot be told is passed by: it is for the judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product

from contentstudio.text import measures
from contentstudio.text.numbers import Quantity
from contentstudio.verify.statements import Mark, Side, Statement, Word, read, stem

# Shares of the words of a sentence that stand in the passage. Measured on the articles of the
# suite: with less, a passage tells of something else too often.
NEAR = 0.6
NEARER = 0.75
NEAREST = 0.85
_LEAST_REVERSE = 0.4  # of the words of a passage; a longer one has words of much else
_ALL = 0.95
EQUAL = 0.05  # of two passages whose shares differ by less, either may be the one
REACH = 3  # words that carry matter beside a mark, to either side
_FEW = 2  # words that must be common
_FEWEST_OF_PART = 3  # words that carry matter; fewer are no statement of their own

Rule = Callable[["Pair"], str | None]
Rules = Mapping[str, Rule]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a sentence, as the rest of a sentence that begins with its source, and the
    passage that says so. `kind` is the rule's name.
    """

    kind: str
    reason: str
    passage: str = ""


@dataclass(frozen=True)
class Pair:
    """A sentence and a passage."""

    claim: Statement
    passage: Statement

    @cached_property
    def shared(self) -> frozenset[str]:
        """The stems that both have."""
        return self.claim.stems & self.passage.stems

    @cached_property
    def exchanged(self) -> tuple[tuple[Side, Side], ...]:
        """Words of the sentence that the passage has not, each with the one of the passage that
        excludes it.
        """
        ours, theirs = self.claim.sides(), self.passage.sides()
        return tuple(
            (a, b)
            for a, b in product(ours, theirs)
            if a.number == b.number
            and a.side != b.side
            and not _has(theirs, a.number, a.side)
            and not _has(ours, b.number, b.side)
        )

    def coverage(self, without: Iterable[str] = ()) -> float:
        """The share of the words of the sentence that the passage has too; of a word that it has
        turned round, as if it had it. Those of `without` are not counted.
        """
        left_out = set(without)
        turned = {_stem_at(self.claim, a) for a, _ in self.exchanged}
        counted = self.claim.stems - left_out
        return len(counted & (self.passage.stems | turned)) / len(counted) if counted else 0.0

    @cached_property
    def reverse(self) -> float:
        """The share of the words of the passage that the sentence has."""
        turned = {_stem_at(self.passage, b) for _, b in self.exchanged}
        stems = self.passage.stems
        return len(stems & (self.claim.stems | turned)) / len(stems) if stems else 0.0

    def is_near(self, share: float, words: int = _FEW, without: Iterable[str] = ()) -> bool:
        """Whether enough of the sentence stands in the passage. Where few words are common, all
        must be.
        """
        left_out = set(without)
        common = len(self.shared - left_out)
        coverage = self.coverage(left_out)
        if self.reverse < _LEAST_REVERSE:
            share = max(share, NEAREST)
        return common >= words and (coverage >= share if common > _FEW else coverage == 1.0)


def findings(
    claim: Statement, passages: Sequence[Statement], *, least: float = NEAR, words: int = _FEW
) -> list[Finding]:
    """What a sentence says otherwise than the nearest of the passages; nothing where one that is as
    near says the same. `least` is the share of its words that must stand there, `words` how many.
    """
    if claim.is_question:
        return []
    whole = _of_nearest(claim, passages, least, words, (_TURNING, _RULES))
    if whole or claim.has("conditionals"):
        return whole
    parts = [part for part in _parts(claim) if len(part.words) >= _FEWEST_OF_PART]
    return [
        finding
        for part in parts
        if part.text != claim.text
        for finding in _of_nearest(part, passages, NEAREST, words, (_TURNING, _OF_PARTS))
    ]


def _of_nearest(
    claim: Statement,
    passages: Sequence[Statement],
    least: float,
    words: int,
    rules: tuple[Rules, Rules],
) -> list[Finding]:
    """What the rules say of a sentence, or a part of one, beside the nearest passage."""
    pairs = [
        pair
        for passage in (_narrowed(claim, one) for one in passages)
        if len(claim.stems & passage.stems) >= words
        and not passage.is_question
        and (pair := Pair(claim, passage)).coverage() >= least
    ]
    best = max((pair.coverage() for pair in pairs), default=0.0)
    nearest = [pair for pair in pairs if pair.coverage() >= best - EQUAL]
    all_findings = [list(_of_pair(pair, *rules)) for pair in nearest]
    if not all_findings or not all(all_findings):
        return []
    ranked = sorted(zip(nearest, all_findings, strict=True), key=lambda one: -one[0].reverse)
    return ranked[0][1]


def _narrowed(claim: Statement, passage: Statement) -> Statement:
    """The part of a passage between semicolons that has all that the two have in common, or the
    whole of it.
    """
    if ";" not in passage.text:
        return passage
    parts = [read(part.strip(), passage.language) for part in passage.text.split(";")]
    common = claim.stems & passage.stems
    return next((part for part in parts if common <= part.stems), passage)


def _of_pair(pair: Pair, turning: Rules, rules: Rules) -> Iterable[Finding]:
    # A negation and a word that is turned round cancel each other: "not open" is "closed".
    turned = {name: rule(pair) for name, rule in turning.items()}
    reasons = {} if all(turned.values()) else turned
    reasons |= {name: rule(pair) for name, rule in rules.items()}
    for name, reason in reasons.items():
        if reason:
            yield Finding(name, reason, pair.passage.text)


# Negation: "Bees can reach the nectar" of "Bees cannot reach the nectar".


def negation(pair: Pair) -> str | None:
    """One of the two denies a word that the other states."""
    ours, theirs = pair.claim, pair.passage
    is_undone = any(_is_denied_at(ours, a) != _is_denied_at(theirs, b) for a, b in pair.exchanged)
    allowing = [_stem_at(ours, side) for side in ours.sides() if side.number == _PERMISSION]
    if is_undone or not pair.is_near(NEARER, without=allowing):
        return None
    if word := _denied(ours, theirs, pair):
        return f"states what the sentence denies (“{word}”)"
    if word := _denied(theirs, ours, pair):
        return f"denies what the sentence states (“{word}”)"
    return None


_PERMISSION = 2  # the set of what is allowed and forbidden: the third in every pack
_DENIALS = ("negation", "without", "avoidance")


def _denied(one: Statement, other: Statement, pair: Pair) -> str | None:
    """The mark of `one` that denies a word which `other` plainly states."""
    if other.has(*_DENIALS, "weak_negation", "neutral") or other.has("exceptive") != one.has(
        "exceptive"
    ):
        return None
    names = _DENIALS if pair.is_near(NEAREST) and pair.reverse >= NEAR else _DENIALS[:1]
    marks = [mark for name in names for mark in one.marks(name) if _denies(one, mark)]
    clauses = {one.clause_of(mark.start) for mark in marks}
    is_mirrored = pair.is_near(_ALL, 3) and pair.reverse >= NEAREST
    if len(clauses) != 1 or not (is_mirrored or _is_shared(one, clauses.pop(), other)):
        return None  # none, or two that may undo each other; or it tells of something else
    for mark in marks:
        focus = _focus(one, mark)
        if focus and focus[0].stem.startswith("#") and mark in one.marks("avoidance"):
            continue  # "12 instead of 8" tells how it was
        stems = {word.stem for word in focus}
        if not (is_mirrored or _is_shared_verb(one, mark, focus, other)):
            continue
        stated = [word for word in other.words if word.stem in stems]
        if stated and not any(_is_supposed(other, word) for word in stated):
            return mark.text
    return None


def _is_shared(one: Statement, clause: tuple[int, int], other: Statement) -> bool:
    """Whether a clause of one statement is made of words of another."""
    stems = {word.stem for word in one.after(*clause)}
    common = stems & other.stems
    return len(common) >= _FEW and len(common) >= NEARER * len(stems)


def _is_shared_verb(one: Statement, mark: Mark, focus: Sequence[Word], other: Statement) -> bool:
    """Whether a verb that says little, between a mark and what it denies, stands in the other."""
    end = focus[0].start if focus else mark.end
    said = {verb.text.casefold() for verb in other.marks("light")}
    return all(
        verb.text.casefold() in said for verb in one.marks("light") if mark.end <= verb.start < end
    )


def _is_supposed(statement: Statement, word: Word) -> bool:
    """Whether a word stands in a condition, or only tells which one is meant."""
    start, end = statement.clause_of(word.start)
    if any(start <= mark.start < end for mark in statement.marks("conditionals")):
        return True
    return any(
        mark.end < word.start
        and statement.text.count(" ", mark.end, word.start) <= REACH
        and not statement.text[: mark.start].rstrip().endswith(",")
        for mark in statement.marks("pronouns")
    )


def _denies(statement: Statement, mark: Mark) -> bool:
    """Whether a mark denies what stands beside it, and says not only when, or how much."""
    start, end = statement.clause_of(mark.start)
    clause = [*statement.marks("neutral"), *statement.marks("conditionals")]
    if any(start <= other.start < end for other in clause):
        return False
    return not any(other.start >= mark.end for other in statement.marks("exceptive"))


def _focus(statement: Statement, mark: Mark) -> list[Word]:
    """What a mark denies: the word behind it, or those before it where none is behind."""
    start, end = statement.clause_of(mark.start)
    return statement.after(mark.end, end)[:1] or statement.before(mark.start, start)[:REACH]


# Contrast: "The museum is closed on Mondays" of "The museum is open on Mondays".


def contrast(pair: Pair) -> str | None:
    """A word of the sentence excludes the one that stands in its place in the passage."""
    for ours, theirs in pair.exchanged:
        left_out = {_stem_at(pair.claim, ours)}
        others = pair.claim.stems - left_out
        common = others & pair.passage.stems
        enough = len(common) >= _FEW or (common and common == others)
        if (
            enough
            and len(common) >= (NEAR if pair.reverse >= _LEAST_REVERSE else NEAREST) * len(others)
            and _is_in_place(pair, ours, theirs)
            and _is_denied_at(pair.claim, ours) == _is_denied_at(pair.passage, theirs)
        ):
            return f"says “{theirs.text}” and not “{ours.text}”"
    return None


def _is_in_place(pair: Pair, ours: Side, theirs: Side) -> bool:
    """Whether the same words stand beside both; for a converse, on the same sides."""
    left = _stems(pair.claim.before(ours.start)), _stems(pair.passage.before(theirs.start))
    right = _stems(pair.claim.after(ours.end)), _stems(pair.passage.after(theirs.end))
    if ours.is_converse:
        both = ((pair.claim, ours), (pair.passage, theirs))
        if any(_is_denied_at(*one) or one[0].has("avoidance") for one in both):
            return False
        same = set(left[0]) & set(left[1]) and (set(right[0]) & set(right[1]) or not right[0])
        crossed = set(left[0]) & set(right[1]) or set(right[0]) & set(left[1])
        return bool(same and not crossed)
    near = {*left[0][:2], *right[0][:2]}
    there = {*left[1][:REACH], *right[1][:REACH]}
    return bool(near & there)


def _is_denied_at(statement: Statement, side: Side) -> bool:
    """Whether a negation of its clause, or a word right before it, turns a word round."""
    start, end = statement.clause_of(side.start)
    if any(
        start <= mark.start < end and mark.start != side.start
        for mark in statement.marks("negation")
    ):
        return True
    return any(
        0 < side.start - mark.end <= _BESIDE
        for name in ("without", "avoidance", "weak_negation")
        for mark in statement.marks(name)
        if mark.start != side.start
    )


_BESIDE = 12  # characters between a word and one that turns it round


# Numbers: what they measure or count, and how they are bounded.


def number(pair: Pair) -> str | None:
    """The passage gives another number of the same: "35 minutes" of "Bake it for 30 minutes"."""
    there = _quantities(pair.passage)
    values = {value for one in there for value in one.values}
    for ours in _quantities(pair.claim):
        if ours.values & values:
            continue
        for theirs in there:
            is_said = any(theirs.values & one.values for one in pair.claim.quantities())
            if not is_said and _measures_same(pair, ours, theirs) and _is_near_number(pair, ours):
                return f"says “{theirs.shown}” and not “{ours.shown}”"
    return None


_NAMED = re.compile(r"[A-Z][\w+#-]* $")


def _quantities(statement: Statement) -> list[Quantity]:
    """The numbers that measure or count something; `Python 3` is a name."""
    return [
        one
        for one in statement.quantities()
        if (one.units or one.is_year or not _NAMED.search(statement.text[: one.start]))
        and any(word.start == one.start for word in statement.words)
    ]


def _is_near_number(pair: Pair, ours: Quantity) -> bool:
    return pair.is_near(NEARER, without=_stems(_within(pair.claim, ours)))


def counted(pair: Pair) -> str | None:
    """The number counts another thing there: "40 programs" of "40 questions to five programs"."""
    for ours in _quantities(pair.claim):
        thing = pair.claim.counted(ours)
        if ours.units or ours.is_year or thing is None:
            continue
        others = [(one, pair.passage.counted(one)) for one in _quantities(pair.passage)]
        same = [one for one, what in others if one.values & ours.values]
        of_it = [one for one, what in others if what and what.stem == thing.stem]
        things = [what for one, what in others if one in same]
        if same and of_it and all(things) and not any(one.values & ours.values for one in of_it):
            return f"says “{of_it[0].shown} {thing.text}” and not “{ours.shown} {thing.text}”"
    return None


def crossed(pair: Pair) -> str | None:
    """The number belongs to another part of the passage: "A sheep eats 9 kg" of "A cow eats 9 kg
    a day, a sheep 2 kg".
    """
    theirs = _quantities(pair.passage)
    for ours in _quantities(pair.claim):
        same = [one for one in theirs if one.values & ours.values and one.units == ours.units]
        others = [
            one
            for one in theirs
            if not one.values & ours.values
            and (one.units == ours.units and not one.is_year and not ours.is_year)
        ]
        if len(same) != 1 or not pair.is_near(NEARER):
            continue
        here = _stems(_part(pair.passage, same[0]))
        part = _part(pair.claim, ours)
        is_alone = len(pair.claim.quantities()) == 1
        for other in others:
            there = _stems(_part(pair.passage, other))
            if _is_of(part, here, there) or (is_alone and _is_subject_of(pair, ours, here, there)):
                return f"says “{other.shown}” of it and not “{ours.shown}”"
    return None


def _is_of(part: Sequence[Word], here: Sequence[str], there: Sequence[str]) -> bool:
    """Whether a part has words of `there` alone, and none of `here` alone; numbers left out."""
    told = {stem for stem in _stems(part) if not stem.startswith("#")}
    own = {stem for stem in set(here) - set(there) if not stem.startswith("#")}
    return bool(own and told & (set(there) - set(here))) and not told & own


def _is_subject_of(pair: Pair, ours: Quantity, here: Sequence[str], there: Sequence[str]) -> bool:
    subjects = [*pair.claim.words[:1], *pair.claim.before(ours.start)[:1]]
    is_of_other = set(_stems(subjects)) & (set(there) - set(here))
    return bool(is_of_other and here and here[0] not in pair.claim.stems)


def swapped(pair: Pair) -> str | None:
    """Two that are compared have changed places: "A is bigger than B" of "B is bigger than A"."""
    if not pair.is_near(NEAREST, 3) or pair.reverse < NEAREST:
        return None
    for ours, theirs in product(pair.claim.sides(), pair.passage.sides()):
        if (ours.number, ours.side) != (theirs.number, theirs.side) or not ours.compares:
            continue
        left, right = pair.claim.before(ours.start), pair.claim.after(ours.end)
        before, after = pair.passage.before(theirs.start), pair.passage.after(theirs.end)
        to_right = (set(_stems(left)) & set(_stems(after))) - set(_stems(before))
        to_left = (set(_stems(right)) & set(_stems(before))) - set(_stems(after))
        if to_right and to_left:
            return "compares them the other way round"
    return None


def bounds(pair: Pair) -> str | None:
    """A number is the least there and the most here: "at most 20" of "at least 20"."""
    for name, opposite in (("at_least", "at_most"), ("at_most", "at_least")):
        for ours, theirs in product(pair.claim.quantities(), pair.passage.quantities()):
            if not ours.values & theirs.values:
                continue
            mark, other = _bound(pair.claim, ours, name), _bound(pair.passage, theirs, opposite)
            if mark and other:
                return f"says “{other.text} {theirs.shown}” and not “{mark.text} {ours.shown}”"
    return None


def _bound(statement: Statement, number: Quantity, name: str) -> Mark | None:
    """The mark of a list right before a number."""
    return next((m for m in statement.marks(name) if 0 <= number.start - m.end <= 2), None)


def _measures_same(pair: Pair, ours: Quantity, theirs: Quantity) -> bool:
    if ours.units or theirs.units:
        return bool(set(ours.units) & set(theirs.units))
    if ours.is_year or theirs.is_year:
        return ours.is_year and theirs.is_year
    thing, there = pair.claim.counted(ours), pair.passage.counted(theirs)
    return thing is not None and there is not None and thing.stem == there.stem


def _within(statement: Statement, number: Quantity) -> list[Word]:
    return [w for w in statement.words if number.start <= w.start < number.end]


def _parts(statement: Statement) -> list[Statement]:
    """The parts of a sentence, each as one of its own."""
    return [
        read(statement.text[start:end].strip(), statement.language)
        for start, end in pairwise(statement.cuts())
    ]


def _part(statement: Statement, number: Quantity) -> list[Word]:
    """The words of the part of a sentence in which a number stands; parts end at commas and at
    words for `and`.
    """
    cuts = statement.cuts()
    start = max(cut for cut in cuts if cut <= number.start)
    end = min((cut for cut in cuts if cut >= number.end), default=len(statement.text))
    return statement.after(start, end)


# How sure a statement is.


def hedge(pair: Pair) -> str | None:
    """The passage is not sure: "Garlic lowers the pressure" of "Garlic may lower the pressure"."""
    is_same = len(pair.shared) >= _FEW and min(pair.coverage(), pair.reverse) >= NEAR
    is_near = is_same or pair.is_near(NEARER)
    if pair.claim.has("hedges", "hints", "reported") or not is_near:
        return None
    for mark in pair.passage.marks("hedges"):
        if mark.text == "May" and mark.start:
            continue
        if _governs_shared(pair, mark):
            return f"says “{mark.text}”, and the sentence is sure"
    return None


def hint(pair: Pair) -> str | None:
    """The passage says so of some, or that it can be: "Bees are solitary" of "Most bees are"."""
    is_same = pair.is_near(_ALL, 3) and pair.reverse >= NEAR and _states(pair.claim)
    if not is_same or pair.claim.has("hedges", "hints", "reported", "universals", "negation"):
        return None
    for mark in pair.passage.marks("partial"):
        if _governs_shared(pair, mark) and not pair.passage.has("negation"):
            return f"says “{mark.text}”, and the sentence does not"
    return None


def report(pair: Pair) -> str | None:
    """The passage tells the word of another: "It removes all stains" of "The maker claims that it
    removes all stains".
    """
    named = ("reported", "hedges", "hints", "sayings", "authorities")
    if pair.claim.has(*named) or not pair.is_near(NEARER):
        return None
    for mark in pair.passage.marks("reported"):
        following = pair.passage.after(mark.end)[:REACH]
        if set(_stems(following or pair.passage.before(mark.start)[:REACH])) & pair.shared:
            return f"gives it as another's word (“{mark.text}”), and the sentence as a fact"
    return None


def universal(pair: Pair) -> str | None:
    """The sentence says of all what the passage says of some: "All bees are solitary" of "Most bees
    are solitary".
    """
    if _without_hints(pair.passage, "universals"):
        return None
    denials = {mark.start for name in _DENIALS for mark in pair.claim.marks(name)}
    for mark in _without_hints(pair.claim, "sure"):
        if mark.start in denials and pair.passage.has(*_DENIALS):
            continue
        _, end = pair.claim.clause_of(mark.start)
        beside = pair.claim.after(mark.end, end)[:1] or pair.claim.before(mark.start)[:1]
        is_same = pair.is_near(NEAREST, 3) and pair.reverse >= NEAR
        is_same = is_same or (pair.is_near(NEARER, 3) and pair.reverse >= NEAREST)
        is_shared = bool(set(_stems(beside)) & pair.shared)
        may_add = is_same and mark.start not in denials and pair.claim.after(mark.end, end)
        if _is_time(pair.claim.text, mark.end) or not (is_shared or may_add):
            continue
        weaker = _weaker(pair.passage, set(_stems(beside)))
        is_near = pair.is_near(NEARER) or (pair.is_near(NEAR) and pair.reverse >= NEAR)
        if weaker and is_near:
            return f"says “{weaker.text}” and not “{mark.text}”"
        is_sure = _states(pair.claim) and not pair.claim.has("hints", "hedges")
        if is_sure and is_same:
            return f"does not say “{mark.text}”"
    return None


def _without_hints(statement: Statement, name: str) -> list[Mark]:
    """The marks of a list that says that it is so of all; not within `not all`."""
    weaker = statement.marks("hints")
    return [
        mark
        for mark in statement.marks(name)
        if not any(hint.start <= mark.start < hint.end for hint in weaker)
    ]


def _weaker(passage: Statement, stems: set[str]) -> Mark | None:
    """What makes a statement of some, beside one of these words."""
    return next(
        (
            mark
            for mark in passage.marks("hints")
            if stems
            & {*_stems(passage.after(mark.end)[:1]), *_stems(passage.before(mark.start)[:1])}
        ),
        None,
    )


def superlative(pair: Pair) -> str | None:
    """The sentence says that nothing is more so: "the oldest" of "one of the oldest"."""
    if pair.claim.has("relatives") or not pair.is_near(NEARER):
        return None
    mark = next(iter(pair.claim.marks("superlatives")), None)
    weaker = next(iter(pair.passage.marks("relatives")), None)
    if mark and weaker:
        return f"says “{weaker.text}”, and the sentence “{mark.text}”"
    if mark and not pair.passage.has("superlatives", "universals") and _is_plain(pair):
        return f"does not say “{mark.text}”"
    if raised := _raised(pair):
        return f"does not say “{raised}”"
    return None


_RAISED = {
    "en": re.compile(r"\b(\w{3,}?)(?:i?est)\b", re.I),
    "de": re.compile(r"\b(\w{3,}?)e?ste[nrsm]?\b", re.I),
    "nl": re.compile(r"\b(\w{3,}?)ste\b", re.I),
}


def _raised(pair: Pair) -> str | None:
    """A superlative whose simple form stands in the passage."""
    pattern = _RAISED.get(pair.claim.language)
    if pattern is None or not _is_plain(pair) or pair.passage.has("superlatives"):
        return None
    there = {word.text.casefold() for word in pair.passage.words}
    for match in pattern.finditer(pair.claim.text):
        base = match[1].casefold()
        if {base, f"{base}e", f"{base}y", base[:-1]} & there and match[0].casefold() not in there:
            return match[0]
    return None


def _is_plain(pair: Pair) -> bool:
    """Whether the two say nearly the same."""
    return pair.is_near(NEAREST) and pair.reverse >= NEAR


def _governs_shared(pair: Pair, mark: Mark) -> bool:
    """Whether the word that a mark of the passage weakens stands in the sentence too, and so does
    what it is said of, where that is not the one who says it.
    """
    start, end = pair.passage.clause_of(mark.start)
    following = pair.passage.after(mark.end, end)[:2]
    subject = pair.passage.before(mark.start, start)[:1]
    governed = set(_stems(following or subject)) & pair.shared
    says = any(saying.start == mark.start for saying in pair.passage.marks("sayings"))
    is_same = not subject or set(_stems(subject)) & pair.shared or pair.is_near(NEAREST)
    return bool(governed and (says or is_same))


_NEXT_WORD = re.compile(r"\W*([^\W\d_]+)")


def _is_time(text: str, position: int) -> bool:
    """Whether a time follows: `every day` is no universal."""
    following = _NEXT_WORD.match(text, position)
    unit = following and measures.unit_pattern().fullmatch(following[1])
    return bool(unit and measures.unit_of(unit) in ("s", "min", "h", "d", "wk", "mo", "yr", "dec"))


def _states(statement: Statement) -> bool:
    """Whether it tells how something is, and not what the reader may do."""
    return not (statement.has("reader", "duties") or _tells(statement))


def _tells(statement: Statement) -> bool:
    return any(mark.start == 0 for mark in statement.marks("imperatives"))


def _has(sides: Iterable[Side], number: int, side: int) -> bool:
    return any((one.number, one.side) == (number, side) for one in sides)


def _stem_at(statement: Statement, side: Side) -> str:
    """The stem of a word that excludes others, or its own text where it carries no matter else."""
    word = next((w for w in statement.words if w.start == side.start), None)
    return word.stem if word else stem(side.text.casefold(), statement.language)


def _stems(words: Iterable[Word]) -> list[str]:
    return [word.stem for word in words]


_TURNING: dict[str, Rule] = {"negation": negation, "contrast": contrast}
_OF_PARTS: dict[str, Rule] = {"number": number, "crossed": crossed, "bounds": bounds}
_RULES: dict[str, Rule] = {
    "number": number,
    "counted": counted,
    "crossed": crossed,
    "bounds": bounds,
    "swapped": swapped,
    "hedge": hedge,
    "hint": hint,
    "report": report,
    "universal": universal,
    "superlative": superlative,
}
