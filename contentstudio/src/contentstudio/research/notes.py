"""From what a page states to notes: facts whose passages stand in their snapshots. Pure.

A note is kept only where code finds its passage word for word, where the passage has the note's
numbers, and where its dates can be understood without knowing when the page was written. Nothing
that a model says of its source is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from contentstudio.brief import Note, SourcePage
from contentstudio.model import Snapshot
from contentstudio.research import passages
from contentstudio.research.passages import Passage, Ranking
from contentstudio.text import dates, numbers, prose
from contentstudio.text.wording import located, normal, tokens
from contentstudio.text.words import is_unspaced

SHORTEST, LONGEST = 4, 1_000  # words and characters of a passage; less states nothing by itself
ALIKE = 0.8  # of the words of two notes together; from here on they say the same
ABOUT = 0.5  # of what a question's words tell, in a sentence that answers it
CONFIRMS = 0.6  # of what a note's words tell, in one sentence of another page that says it too
SAME_SUBJECT = 0.5  # of what the words of two notes tell together; then they can contradict
SAME_STATEMENT = 0.75  # beside it, where a negation or a date is all in which two notes differ
_NEGATIONS = {
    "en": r"not|no|never|none|nor|without|cannot|\w+n['’]t",
    "de": r"nicht|kein\w*|nie|niemals|ohne",
    "fr": r"pas|jamais|aucune?|sans|ni",
    "es": r"no|nunca|jamás|sin|ning[uú]na?o?",
}
_NAME = re.compile(r"(?<=[\w,;:] )[A-Z][\w-]*[a-z]\w*")
_YEAR = re.compile(r"1\d{3}|20\d{2}")


@dataclass(frozen=True, slots=True)
class Fact:
    """What somebody says that a page states: `text` words it, `span` is the passage of the
    snapshot `sha256` that it rests on. Not checked yet.
    """

    text: str
    span: str
    sha256: str


@dataclass(frozen=True)
class _Checked:
    """A fact whose passage was found, with what it is compared by."""

    text: str
    start: int
    end: int
    page: Snapshot
    language: str

    @property
    def host(self) -> str:
        return host_of(self.page)

    @cached_property
    def terms(self) -> frozenset[str]:
        return frozenset(passages.terms(self.text, self.language))

    @cached_property
    def words(self) -> frozenset[str]:
        """Its terms without figures and negations, in which those differ that contradict it."""
        return frozenset(filter(_is_word, self.terms))

    @cached_property
    def claimed(self) -> list[frozenset[str]]:
        return [number.values for number in numbers.claimed(self.text, self.language)]

    @cached_property
    def is_negated(self) -> bool:
        return _is_negated(self.text, self.language)


def quoted(
    snapshot: Snapshot, questions: Sequence[str], most: int, *, is_about: bool = True
) -> list[Fact]:
    """The facts of a page without a model: sentences that can stand by themselves, those first that
    answer the questions, in the order of the page. One with a relative date cannot.

    Of a page of which nobody said that it `is_about` what is asked, those alone that have most of
    what a question tells.
    """
    language = language_of(snapshot)
    ranking = Ranking(passages.sentences(snapshot))
    terms = [term for question in questions for term in passages.terms(question, language)]
    alone = [
        passage
        for passage in ranking.passages
        if _stands_alone(passage.text, language)
        and (is_about or _answers(passage, questions, ranking))
    ]
    scored = sorted(alone, key=lambda p: (-ranking.score(terms, p), p.start))
    return [
        Fact(" ".join(passage.text.split()), passage.text, snapshot.sha256)
        for passage in sorted(scored[:most], key=lambda p: p.start)
    ]


def assemble(
    facts: Iterable[Fact], pages: Sequence[Snapshot], most: int | None = None
) -> tuple[Note, ...]:
    """The notes of some pages, numbered in the order of the facts: checked, each once, with the
    hosts that say it and the notes that say otherwise. What cannot be checked is left out.
    """
    by_hash = {page.sha256: page for page in pages}
    checked = filter(None, (_checked(fact, by_hash) for fact in facts))
    distinct: list[tuple[_Checked, set[str]]] = []
    for fact in checked:
        same = next((one for one in distinct if _is_same(one[0], fact)), None)
        if same is not None:
            same[1].add(fact.host)
        elif most is None or len(distinct) < most:
            distinct.append((fact, {fact.host}))
    ranking = Ranking(passage for page in pages for passage in passages.sentences(page))
    notes = [fact for fact, _ in distinct]
    contradicts = _contradictions(notes, ranking)
    return tuple(
        Note(
            id=f"n{number + 1}",
            text=fact.text,
            span=fact.page.text[fact.start : fact.end],
            start=fact.start,
            end=fact.end,
            sha256=fact.page.sha256,
            hosts=_hosts(fact, hosts, by_hash, ranking),
            contradicts=tuple(f"n{other + 1}" for other in sorted(contradicts[number])),
        )
        for number, (fact, hosts) in enumerate(distinct)
    )


def host_of(page: Snapshot) -> str:
    """Who says what a page says: two pages of one host are one voice."""
    return SourcePage(sha256=page.sha256, url=page.url, title=page.title).host


def language_of(page: Snapshot, default: str = "en") -> str:
    """The two-letter code of a page's language."""
    return (page.language or default).lower()[:2]


def _checked(fact: Fact, pages: Mapping[str, Snapshot]) -> _Checked | None:
    """The fact with the place of its passage; None where it does not hold what it says."""
    page = pages.get(fact.sha256)
    text = " ".join(fact.text.split())
    place = located(fact.span, page.text) if page else None
    if page is None or place is None or not text:
        return None
    start, end = place
    span, language = page.text[start:end], language_of(page)
    if end - start > LONGEST or _size(span) < SHORTEST:
        return None
    dated = _dated(text, language, page)
    if dated is None or not _has_numbers(text, span, language, page):
        return None
    return _Checked(dated, start, end, page, language)


def _size(span: str) -> int:
    return len(tokens(span)) // (2 if is_unspaced(span) else 1)


def _dated(text: str, language: str, page: Snapshot) -> str | None:
    """The text without relative dates; None where one remains."""
    if page.day is not None:
        text = dates.absolute(text, language, page.day)
    return None if dates.is_relative(text, language) else text


def _has_numbers(text: str, span: str, language: str, page: Snapshot) -> bool:
    """Whether the passage has every number of the text, its relative dates resolved."""
    there = numbers.values(dates.with_dates(span, language, page.day), language)
    return all(number.values & there for number in numbers.claimed(text, language))


def _stands_alone(text: str, language: str) -> bool:
    flat = " ".join(text.split())
    return (
        prose.is_prose(flat)
        and not prose.leans(flat, language)
        and not dates.is_relative(flat, language)
    )


def _answers(passage: Passage, questions: Sequence[str], ranking: Ranking) -> bool:
    term_sets = (frozenset(passages.terms(each, passage.language)) for each in questions)
    return any(ranking.share(words, passage.counts) >= ABOUT for words in term_sets)


def _is_same(one: _Checked, other: _Checked) -> bool:
    """Whether two facts say the same in nearly the same words."""
    return (
        len(one.terms & other.terms) >= ALIKE * len(one.terms | other.terms)
        and one.is_negated == other.is_negated
        and len(one.claimed) == len(other.claimed)
        and all(any(a & b for b in other.claimed) for a in one.claimed)
    )


def _hosts(
    fact: _Checked, hosts: set[str], pages: Mapping[str, Snapshot], ranking: Ranking
) -> tuple[str, ...]:
    """Its own host first, then the others that say it."""
    confirming = {
        host_of(pages[passage.sha256])
        for passage in ranking.sharing(fact.terms, CONFIRMS)
        if _confirms(passage, fact, pages[passage.sha256])
    }
    return (fact.host, *sorted((hosts | confirming) - {fact.host}))


def _confirms(passage: Passage, fact: _Checked, page: Snapshot) -> bool:
    """Whether a sentence that has a fact's words says what it says: its names, its figures, and no
    more or less denied.
    """
    language = language_of(page)
    if language != fact.language:
        return False
    if _is_negated(passage.text, language) != fact.is_negated:
        return False
    if not _names(fact.text, language) <= set(normal(passage.text).split()):
        return False
    there = numbers.values(passage.text, language)
    return all(values & there for values in fact.claimed)


def _names(text: str, language: str) -> set[str]:
    """The names in a text, by their capitals within a sentence; in German every noun has one."""
    return set() if language == "de" else set(_NAME.findall(normal(text)))


def _contradictions(facts: Sequence[_Checked], ranking: Ranking) -> list[set[int]]:
    """Of each fact the numbers of those that say otherwise; both know of it."""
    pairs: list[set[int]] = [set() for _ in facts]
    for first, one in enumerate(facts):
        for second in range(first + 1, len(facts)):
            if _contradict(one, facts[second], ranking):
                pairs[first].add(second)
                pairs[second].add(first)
    return pairs


def _contradict(one: _Checked, other: _Checked, ranking: Ranking) -> bool:
    """Whether two facts of different pages are about the same and differ in a number or a negation.

    What differs in its time too (`in 2019 …`, `in 2020 …`) may both be true.
    """
    if one.page.sha256 == other.page.sha256 or one.language != other.language:
        return False
    alike = _alike(one, other, ranking)
    if alike < SAME_SUBJECT:
        return False
    (one_amounts, one_times), (other_amounts, other_times) = _kinds(one), _kinds(other)
    times_differ = bool(one_times and other_times and not one_times & other_times)
    amounts_differ = any(
        not one_amounts[unit] & other_amounts[unit] for unit in one_amounts.keys() & other_amounts
    )
    if amounts_differ:
        return not times_differ
    if alike < SAME_STATEMENT:
        return False
    if one.is_negated != other.is_negated:
        return not times_differ
    return times_differ and not one_amounts and not other_amounts


def _alike(one: _Checked, other: _Checked, ranking: Ranking) -> float:
    """What two facts share of all that their words tell."""
    return ranking.share(one.words | other.words, one.words & other.words)


def _is_word(term: str) -> bool:
    return not any(map(str.isdigit, term)) and not any(
        re.fullmatch(pattern, term) for pattern in _NEGATIONS.values()
    )


def _kinds(fact: _Checked) -> tuple[dict[str, set[str]], set[str]]:
    """The numbers of a fact: amounts by what they measure, and times."""
    amounts: dict[str, set[str]] = {}
    times: set[str] = set()
    for values in fact.claimed:
        if any(value.startswith(("date ", "day ", "any ", "time ", "clock ")) for value in values):
            times |= values
        elif any(map(_YEAR.fullmatch, values)):
            times |= {f"year {value}" for value in values if _YEAR.fullmatch(value)}
        else:
            for value in values:
                figure, _, unit = value.partition(" ")
                if unit not in ("bare", "alone"):
                    amounts.setdefault(unit, set()).add(figure)
    return amounts, times


def _is_negated(text: str, language: str) -> bool:
    pattern = _NEGATIONS.get(language)
    negations = re.findall(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.I) if pattern else []
    return len(negations) % 2 == 1
