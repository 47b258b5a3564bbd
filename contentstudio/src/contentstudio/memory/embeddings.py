"""Texts as vectors of length 1, so that how alike two texts are is one product. The port, and the
default of the house.

The default is lexical: it knows which words, names and numbers two texts share, and nothing of what
they mean.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

from contentstudio.text import languages
from contentstudio.text.words import CJK, matter_of
from overnight import Context

Vector = list[float]

_UNSPACED = re.compile(rf"[{CJK}]{{2,}}")  # of which two characters count as a word
_TERM = re.compile(
    r"(?<![^\W_])(?P<number>\d{1,3}(?:[.,’' \u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?![^\W_])|[^\W_]+(?:['’](?:t|s)(?![^\W_]))?"
)
_GROUPED = re.compile(r"[.,’' \u00a0\u202f](?=\d{3}(?!\d))")  # between the thousands of a number
_YEAR = re.compile(r"#(?:19|20)\d\d")
_BEGINS = re.compile(
    r"[.!?:;…\n\"“„«»‚(\[]"
)  # a sentence or a quote; there every word has a capital


@dataclass(frozen=True, slots=True)
class Scale:
    """What a provider's likenesses mean: from `same` on two texts tell one story, from `related` on
    one subject.
    """

    same: float
    related: float


class Embedder(Protocol):
    """Makes vectors. `name` tells providers, models and versions apart: vectors of two names are
    never compared.
    """

    @property
    def name(self) -> str: ...

    @property
    def scale(self) -> Scale: ...

    async def embed(self, ctx: Context[Any], texts: Sequence[str]) -> list[Vector]:
        """A vector of length 1 for each text (all zeros for one that says nothing), each of the
        same dimension.
        """
        ...


class Lexical:
    """Hashed words, numbers and pairs of words, the frequent ones damped. No model, no network, no
    cost.

    The words are those that carry matter in the language that the text is plainly in, else in
    English. What news is about counts more than how it is told: names and numbers more than other
    words. The figures are those with which `bench/likeness.py` parts the same event from others of
    its kind best: docs/decisions/0038.
    """

    DIMENSION = 1024
    NAME = 1.75  # what a name counts beside a word; in German no capital tells one
    NUMBER = 3.0  # what a number counts that has three digits or a fraction
    PAIR = 0.25  # what a pair of words counts
    name = "lexical-2"
    scale = Scale(same=0.42, related=0.14)

    async def embed(self, ctx: Context[Any], texts: Sequence[str]) -> list[Vector]:
        import asyncio

        return await asyncio.to_thread(lambda: [self.vector(text) for text in texts])

    def vector(self, text: str) -> Vector:
        """Each term adds to one place, or takes from it: so terms that meet in a place by chance
        cancel out.
        """
        language = languages.plain(text) or "en"
        words = list(_words(text, language))
        terms = [word.term for word in words]
        tell = language != "de" and not text.isupper()  # else every name and noun has a capital
        names = _names(words) if tell else set[str]()
        vector = [0.0] * self.DIMENSION

        def add(term: str, weight: float) -> None:
            place, sign = _place(term, self.DIMENSION)
            vector[place] += sign * weight

        for term, count in Counter(terms).items():
            weight = self.NAME if term in names else self.NUMBER if _tells(term) else 1.0
            add(term, weight * (1 + math.log(count)))
        for pair, count in Counter(map(" ".join, pairwise(terms))).items():
            add(pair, self.PAIR * (1 + math.log(count)))
        return unit(vector)


def unit(vector: Sequence[float]) -> Vector:
    """The vector at length 1."""
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else list(vector)


@dataclass(frozen=True, slots=True)
class _Word:
    """A term of a text. `has_capital` is None where every word has one."""

    term: str
    has_capital: bool | None


def _words(text: str, language: str) -> Iterator[_Word]:
    end = 0
    for found in _TERM.finditer(text):
        word, begins = found[0], not end or _BEGINS.search(text, end, found.start()) is not None
        end = found.end()
        if found["number"]:
            yield _Word(f"#{_GROUPED.sub('', word)}", False)
        elif _UNSPACED.fullmatch(word):
            yield from (_Word("".join(pair), False) for pair in pairwise(word))
        elif term := matter_of(word.lower(), language):
            yield _Word(term, None if begins else word[0].isupper())


def _names(words: Sequence[_Word]) -> set[str]:
    """What has a capital within a sentence, and never none."""
    return {word.term for word in words if word.has_capital} - {
        word.term for word in words if word.has_capital is False
    }


def _tells(term: str) -> bool:
    """Whether it is a number that stands in few texts: not of one or two digits, and no year of
    ours.
    """
    return term[0] == "#" and len(term) > 3 and _YEAR.fullmatch(term) is None


@lru_cache(maxsize=100_000)
def _place(term: str, dimension: int) -> tuple[int, int]:
    number = int.from_bytes(
        hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    )
    return number // 2 % dimension, 1 if number % 2 else -1
