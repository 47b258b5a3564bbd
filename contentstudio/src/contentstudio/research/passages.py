"""Which passages of which pages answer a question: ranked by their words. Pure.

A word counts by how rare it is among all passages, in whatever form it stands there.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum, log

from contentstudio.model import Snapshot
from contentstudio.text.sentences import placed
from contentstudio.text.wording import grams, tokens
from contentstudio.text.words import is_unspaced, words_in_order

LONGEST = 900  # characters of a passage; a longer paragraph is cut between its sentences
# of BM25, as Robertson and Zaragoza give them (The Probabilistic Relevance Framework, 2009)
_SATURATION, _LENGTH = 1.2, 0.75
_FEW = 20  # passages; fewer say too little of how rare a word is, and count as so many
_HEADING = 120  # characters; what is longer and ends without a stop is a caption or a cut text
_PARAGRAPH = re.compile(r"\S(?:.*?\S)?(?=\s*\n\s*\n|\s*\Z)", re.S)


@dataclass(frozen=True)
class Passage:
    """A piece of a page: `text` is what stands from `start` to `end` of the snapshot `sha256`."""

    sha256: str
    start: int
    end: int
    text: str
    language: str = "en"

    @cached_property
    def counts(self) -> Counter[str]:
        """How often it has each of its words."""
        return Counter(terms(self.text, self.language))


class Ranking:
    """Passages of some pages, and how well each answers a question."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self.passages = list(passages)
        self._holding: defaultdict[str, list[int]] = defaultdict(list)
        for number, passage in enumerate(self.passages):
            for term in passage.counts:
                self._holding[term].append(number)
        count = max(len(self.passages), _FEW)
        self._weights = {term: _weight(len(each), count) for term, each in self._holding.items()}
        self._unknown = _weight(0, count)
        self._length = sum(p.counts.total() for p in self.passages) / (len(self.passages) or 1)

    def weight(self, term: str) -> float:
        """How much a word tells: the rarer, the more; always above 0."""
        return self._weights.get(term, self._unknown)

    def share(self, words: frozenset[str], among: frozenset[str] | Counter[str]) -> float:
        """Which share of what some words tell is among others: 0 to 1."""
        whole = fsum(map(self.weight, words))
        return fsum(self.weight(word) for word in words if word in among) / (whole or 1)

    def sharing(self, words: frozenset[str], least: float) -> list[Passage]:
        """The passages that have at least this share of what some words tell."""
        shares: defaultdict[int, float] = defaultdict(float)
        for word in sorted(words & self._holding.keys()):
            for number in self._holding[word]:
                shares[number] += self.weight(word)
        enough = least * fsum(map(self.weight, words))
        return [self.passages[number] for number in sorted(shares) if shares[number] >= enough]

    def score(self, question: Iterable[str], passage: Passage) -> float:
        """How well a passage answers a question, by the question's terms; 0 where it has none."""
        counts = passage.counts
        length = 1 - _LENGTH + _LENGTH * counts.total() / (self._length or 1)
        return fsum(
            self.weight(term)
            * counts[term]
            * (_SATURATION + 1)
            / (counts[term] + _SATURATION * length)
            for term in set(question)
            if counts[term]
        )

    def ranked(self, question: str) -> list[Passage]:
        """The passages that have a word of the question, the best first."""
        languages = {passage.language for passage in self.passages}
        query = {language: terms(question, language) for language in languages}
        scores = [(self.score(query[each.language], each), each) for each in self.passages]
        best = sorted(scores, key=lambda one: (-one[0], one[1].sha256, one[1].start))
        return [passage for score, passage in best if score > 0]


def best(questions: Sequence[str], snapshot: Snapshot, most: int) -> str:
    """What a page says that answers the questions, in its own order and of at most so many
    characters; all of a page that is not longer. No question is answered first for all others.
    """
    if len(snapshot.text) <= most:
        return snapshot.text
    ranking = Ranking(passages(snapshot))
    queues = [ranking.ranked(question) for question in questions]
    chosen: dict[Passage, None] = {}
    left = most
    for passage in [*_in_turn(queues), *ranking.passages]:
        if passage not in chosen and len(passage.text) + 2 <= left:
            chosen[passage] = None
            left -= len(passage.text) + 2
    in_order = sorted(chosen, key=lambda passage: passage.start)
    return "\n\n".join(passage.text for passage in in_order)


def passages(snapshot: Snapshot) -> Iterator[Passage]:
    """The paragraphs of a page that hold a sentence; long ones in several passages."""
    language = (snapshot.language or "en").lower()[:2]
    for paragraph in _PARAGRAPH.finditer(snapshot.text):
        spans = [span for _, span in placed(paragraph[0], language)]
        for start, end in _joined(spans):
            at = paragraph.start()
            text = snapshot.text[at + start : at + end]
            yield Passage(snapshot.sha256, at + start, at + end, text, language)


def sentences(snapshot: Snapshot) -> Iterator[Passage]:
    """The sentences of a page, each as a passage."""
    language = (snapshot.language or "en").lower()[:2]
    for _, (start, end) in placed(snapshot.text, language):
        yield Passage(snapshot.sha256, start, end, snapshot.text[start:end], language)


def headings(snapshot: Snapshot, most: int = 20) -> tuple[str, ...]:
    """What a page covers, by its headings: short lines without a sentence above a text with one."""
    language = (snapshot.language or "en").lower()[:2]
    blocks = [match[0] for match in _PARAGRAPH.finditer(snapshot.text)]
    are_prose = [bool(next(placed(block, language), None)) for block in blocks]
    texts = [
        block
        for block, is_prose, leads in zip(blocks, are_prose, are_prose[1:], strict=False)
        if not is_prose and leads and len(block) <= _HEADING and block != snapshot.title
    ]
    return tuple(texts[:most])


def terms(text: str, language: str = "en") -> list[str]:
    """The words by which texts are compared; in scripts without blanks every two characters."""
    if is_unspaced(text):
        return ["".join(pair) for pair in grams(tokens(text), 2)]
    return words_in_order(text, language)


def _weight(holding: int, count: int) -> float:
    """What a word tells that so many of `count` passages hold."""
    return log(1 + (count - holding + 0.5) / (holding + 0.5))


def _joined(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sentences of a paragraph, put together up to the length of a passage."""
    first: int | None = None
    last = 0
    for start, end in spans:
        if first is not None and end - first > LONGEST:
            yield first, last
            first = None
        first, last = start if first is None else first, end
    if first is not None:
        yield first, last


def _in_turn(queues: Sequence[Sequence[Passage]]) -> Iterator[Passage]:
    """The first of each queue, then the second of each."""
    for place in range(max(map(len, queues), default=0)):
        yield from (queue[place] for queue in queues if place < len(queue))
