"""Texts as vectors of length 1, so that how alike two texts are is one product. The port, and the
default of the house.

The default is lexical: it knows which words two texts share, and nothing of what they mean.
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

from contentstudio.text.words import CJK, words_in_order
from overnight import Context

Vector = list[float]

_UNSPACED = re.compile(rf"[{CJK}]{{2,}}")  # of which two characters count as a word


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
    """Hashed words and pairs of words, the frequent ones damped. No model, no network, no cost;
    made for English.
    """

    DIMENSION = 512
    PAIR = 0.5  # what a pair of words counts beside a word
    name = "lexical-1"
    scale = Scale(same=0.48, related=0.12)

    async def embed(self, ctx: Context[Any], texts: Sequence[str]) -> list[Vector]:
        import asyncio

        return await asyncio.to_thread(lambda: [self.vector(text) for text in texts])

    def vector(self, text: str) -> Vector:
        """Each term adds to one place, or takes from it: so terms that meet in a place by chance
        cancel out.
        """
        vector = [0.0] * self.DIMENSION
        words = list(_words(text))
        for terms, weight in (
            (words, 1.0),
            ([" ".join(pair) for pair in pairwise(words)], self.PAIR),
        ):
            for term, count in Counter(terms).items():
                place, sign = _place(term, self.DIMENSION)
                vector[place] += sign * weight * (1 + math.log(count))
        return unit(vector)


def unit(vector: Sequence[float]) -> Vector:
    """The vector at length 1."""
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else list(vector)


def _words(text: str) -> Iterator[str]:
    for word in words_in_order(text):
        unspaced = _UNSPACED.fullmatch(word)
        yield from map("".join, pairwise(word)) if unspaced else [word]


@lru_cache(maxsize=100_000)
def _place(term: str, dimension: int) -> tuple[int, int]:
    number = int.from_bytes(
        hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    )
    return number // 2 % dimension, 1 if number % 2 else -1
