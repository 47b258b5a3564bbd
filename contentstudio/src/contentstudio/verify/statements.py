"""A sentence as it is compared: the words that carry its matter, in order, and the marks that turn
it round, weaken or strengthen it, as the pack of its language lists them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from contentstudio.text import measures, numbers, packs, stems
from contentstudio.text.numbers import Quantity
from contentstudio.text.wording import normal

SECTION = "claims"
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_ELISION = re.compile(r"(?<!\w)([^\W\d_]{1,8}')(?=\w)")  # `l'eau` is two words
_ELIDING = frozenset({"fr", "it"})
_MONTH_VERBS = frozenset({"may", "march"})  # months have a capital
_CLOSE = 12  # characters between a number and what it counts
_PARTITIVE = re.compile(
    r" (?:of (?:the|them|its|their|these|those)|von (?:den|diesen)|der|des|d' entre|de l[oa]s"
    r"|dei|delle|degli|van (?:de|deze)|d[oa]s)\b"
)
_ITEM = re.compile(r"\d+[.)] ")  # of a list
_BREAK = re.compile(r"[,;:](?!\d)|[()\[\]!?…]| - ")
_AND = re.compile(r"[,;](?!\d)|\b(?:and|und|et|y|e|en|but|aber|mais|pero|ma|maar|mas|while)\b")
# Lists of a pack whose words carry no matter themselves.
_IMMATERIAL = (
    *("function", "negation", "without", "avoidance", "hedges", "hints", "reported"),
    *("universals", "superlatives", "relatives", "at_least", "at_most", "numerals"),
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word that carries matter, at `text[start:end]` of its statement, by its stem."""

    start: int
    end: int
    text: str
    stem: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word or phrase of one of the pack's lists."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Side:
    """A word that excludes others: its set and its side in it. `is_converse` says that the sides
    change with the order of what is said (A is above B, B is below A), `compares` that it is of
    those for more and less.
    """

    start: int
    end: int
    text: str
    number: int
    side: int
    is_converse: bool
    compares: bool


@dataclass(frozen=True)
class Statement:
    """A sentence in a language that has a pack. `text` is as it is compared."""

    text: str
    language: str
    words: tuple[Word, ...]

    @property
    def stems(self) -> frozenset[str]:
        return _stems(self)

    @property
    def is_question(self) -> bool:
        return self.text.rstrip("\"' )").endswith("?")

    def marks(self, name: str) -> tuple[Mark, ...]:
        """The marks of a list of the pack, in reading order."""
        return _marks(self.text, self.language, name)

    def has(self, *names: str) -> bool:
        """Whether it has a mark of one of these lists."""
        return any(self.marks(name) for name in names)

    def quantities(self) -> tuple[Quantity, ...]:
        return _quantities(self.text, self.language)

    def counted(self, number: Quantity) -> Word | None:
        """What a number counts: a word that carries matter right behind it, in its clause."""
        _, end = self.clause_of(number.start)
        following = self.after(number.end, end)[:1]
        if not following or following[0].start - number.end > _CLOSE:
            return None
        if _PARTITIVE.match(self.text, number.end):
            return None  # a part of them: how many they are is another number
        word = following[0]
        is_thing = not word.stem.startswith("#") and not measures.unit_pattern().fullmatch(
            word.text
        )
        return word if is_thing else None

    def sides(self) -> tuple[Side, ...]:
        """Its words that exclude others."""
        return _sides(self.text, self.language)

    def sides_of(self, number: int) -> int:
        """How many sides a set of words has that exclude one another."""
        return _set_sizes(self.language).get(number, 0)

    def clauses(self) -> tuple[tuple[int, int], ...]:
        """Where its clauses begin and end, as characters."""
        return _clauses(self.text, self.language)

    def clause_of(self, position: int) -> tuple[int, int]:
        """The clause at a place."""
        return next(span for span in reversed(self.clauses()) if span[0] <= position)

    def cuts(self) -> list[int]:
        """Where its parts begin and end: at commas and at words for `and`."""
        cuts = {0, *(match.end() for match in _AND.finditer(self.text)), len(self.text)}
        return sorted(cuts)

    def part_of(self, position: int) -> tuple[int, int]:
        """The part at a place."""
        return next(span for span in pairwise(self.cuts()) if position < span[1])

    def after(self, position: int, end: int | None = None) -> list[Word]:
        """The words that carry matter from a place on, to another or to the end."""
        return [
            word
            for word in self.words
            if word.start >= position and (end is None or word.start < end)
        ]

    def before(self, position: int, start: int = 0) -> list[Word]:
        """The words that carry matter before a place, the nearest first."""
        return [
            word for word in reversed(self.words) if word.end <= position and word.start >= start
        ]


@lru_cache(maxsize=20_000)
def read(text: str, language: str) -> Statement:
    """A sentence as it is compared. Its language has a pack."""
    plain = _apart(normal(text), language)
    return Statement(plain, language, tuple(_words(plain, language)))


def stem(word: str, language: str) -> str:
    """What is the same of the forms of a word (in lower case), and of words that exclude the same
    others: "rise" and "grow" are one.
    """
    keys = [key for key in _contrasts(language)[0].of(word) if not key[2]]
    return "{}/{}".format(*min(keys)[:2]) if keys else _stem(word, language)


@lru_cache(maxsize=20_000)
def _stems(statement: Statement) -> frozenset[str]:
    return frozenset(word.stem for word in statement.words)


@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    return stems.stem(word, language)


def _apart(text: str, language: str) -> str:
    return _ELISION.sub(r"\1 ", text) if language in _ELIDING else text


def _words(text: str, language: str) -> list[Word]:
    """The words that carry matter, and the numbers, by their values."""
    numbered = [
        Word(one.start, one.start + 1, one.shown, f"#{min(one.values)}")
        for one in _quantities(text, language)
        if not (one.start == 0 and _ITEM.match(text))
    ]
    return sorted([*_lettered(text, language), *numbered], key=lambda word: word.start)


def _lettered(text: str, language: str) -> Iterator[Word]:
    for match in _WORD.finditer(text):
        word = match[0].casefold()
        plain = word.removesuffix("'s")
        if len(plain) > 1 and not any(map(str.isdigit, plain)) and _is_material(word, language):
            yield Word(match.start(), match.end(), match[0], stem(plain, language))


def is_material(word: str, language: str) -> bool:
    """Whether a word (in lower case) carries matter."""
    return _is_material(word, language)


@lru_cache(maxsize=50_000)
def _is_material(word: str, language: str) -> bool:
    listed = _lookup(language)
    return not listed.has(word) and not listed.has(word.removesuffix("'s"))


@dataclass(frozen=True)
class _Lookup:
    """Words, and beginnings of words, that a list has."""

    words: frozenset[str]
    beginnings: frozenset[str]

    def has(self, word: str) -> bool:
        return word in self.words or any(
            word[:length] in self.beginnings for length in range(2, len(word) + 1)
        )


@cache
def _lookup(language: str) -> _Lookup:
    listed = [word for name in _IMMATERIAL for word in packs.words(language, SECTION, name)]
    single = [word for word in listed if " " not in word and not word.startswith("*")]
    return _Lookup(
        frozenset(word.rstrip("'") for word in single if not word.endswith("*")),
        frozenset(word.removesuffix("*") for word in single if word.endswith("*")),
    )


@lru_cache(maxsize=100_000)
def _marks(text: str, language: str, name: str) -> tuple[Mark, ...]:
    pattern = _pattern(language, name)
    return tuple(Mark(*m.span(), m[0]) for m in pattern.finditer(text)) if pattern else ()


@cache
def _pattern(language: str, name: str) -> re.Pattern[str] | None:
    return packs.any_of(_apart(word, language) for word in packs.words(language, SECTION, name))


@lru_cache(maxsize=20_000)
def _quantities(text: str, language: str) -> tuple[Quantity, ...]:
    return tuple(numbers.quantities(text, language))


@lru_cache(maxsize=20_000)
def _clauses(text: str, language: str) -> tuple[tuple[int, int], ...]:
    cuts = {0, *(match.end() for match in _BREAK.finditer(text))}
    cuts |= {mark.start for mark in _marks(text, language, "conjunctions")}
    starts = sorted(cuts)
    return tuple(zip(starts, [*starts[1:], len(text)], strict=True))


@lru_cache(maxsize=20_000)
def _sides(text: str, language: str) -> tuple[Side, ...]:
    table, phrases = _contrasts(language)
    found = [
        _side(match, key)
        for match in _WORD.finditer(text)
        if not (language == "en" and match[0] in _MONTH_VERBS)
        for key in table.of(match[0].casefold())
    ]
    for phrase, key in phrases.items():
        found += [_side(match, key) for match in phrase.finditer(text)]
    return tuple(sorted(found, key=lambda side: side.start))


_Key = tuple[int, int, bool, bool]


def _side(match: re.Match[str], key: _Key) -> Side:
    number, side, is_converse, compares = key
    return Side(match.start(), match.end(), match[0], number, side, is_converse, compares)


@dataclass(frozen=True)
class _Table:
    words: Mapping[str, tuple[_Key, ...]]
    beginnings: Mapping[str, tuple[_Key, ...]]

    def of(self, word: str) -> Iterator[_Key]:
        yield from self.words.get(word, ())
        for length in range(2, len(word) + 1):
            yield from self.beginnings.get(word[:length], ())


@cache
def _set_sizes(language: str) -> dict[int, int]:
    sets = packs.words(language, SECTION, "contrasts")
    return {number: len(line.split("/")) for number, line in enumerate(sets)}


@cache
def _contrasts(language: str) -> tuple[_Table, dict[re.Pattern[str], _Key]]:
    words: dict[str, tuple[_Key, ...]] = {}
    beginnings: dict[str, tuple[_Key, ...]] = {}
    phrases: dict[re.Pattern[str], _Key] = {}
    sets = [(line, False) for line in packs.words(language, SECTION, "contrasts")]
    sets += [(line, True) for line in packs.words(language, SECTION, "converses")]
    comparisons = packs.words(language, SECTION, "converses")[0]  # more and less
    for number, (line, is_converse) in enumerate(sets):
        for side, members in enumerate(line.split("/")):
            key = (number, side, is_converse, line == comparisons)
            for member in map(str.strip, members.split(",")):
                if set(" '-") & set(member):
                    pattern = packs.any_of([_apart(member, language)])
                    assert pattern
                    phrases[pattern] = key
                elif member.endswith("*"):
                    beginning = member.removesuffix("*")
                    beginnings[beginning] = (*beginnings.get(beginning, ()), key)
                else:
                    words[member] = (*words.get(member, ()), key)
    return _Table(words, beginnings), phrases
