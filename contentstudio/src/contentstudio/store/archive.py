"""Search in everything that was ever read, by the full-text search of Postgres."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from contentstudio.search.excerpt import excerpt
from contentstudio.search.port import Hit
from contentstudio.store.sql import queries
from contentstudio.text.words import UNSPACED, WORD
from overnight import Context
from overnight.store.database import Database

CHARACTERS = 400  # of the excerpt of a hit
MAX_WORDS = 32  # of a query


class Archive:
    """The texts that all sites have read. What was read is the public web, so a page that one site
    read is found for every other; what the owner publishes or plans is not in it.

    Of each page only its newest text is found. It costs nothing, and asks nobody.
    """

    name = "archive"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, ctx: Context[Any], site: str, query: str, *, language: str, limit: int = 10
    ) -> Sequence[Hit]:
        """See `Search.find`. Texts in other languages are left out."""
        words = list(_words(query))[:MAX_WORDS]
        params = {"words": words, "language": language, "limit": limit}
        rows = await self._database.fetch(queries["archive_search"], params)
        return [Hit(**{**row, "text": excerpt(row["text"], words, CHARACTERS)}) for row in rows]


class RunDays:
    """On which day a run was made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, ctx: Context[Any]) -> date:
        """The day (UTC) on which the run of this attempt was made."""
        row = await self._database.one(queries["run_day"], {"run": ctx.run.id})
        assert row is not None
        day: date = row["day"]
        return day


def _words(query: str) -> Iterator[str]:
    """The words of a query, each once. What is written without blanks gives its pairs of
    characters: a text has them, whatever it takes for a word.
    """
    words = (part for word in WORD.findall(query.lower()) for part in _parts(word))
    return iter(dict.fromkeys(words))


def _parts(word: str) -> Iterator[str]:
    unspaced = len(word) > 1 and UNSPACED.search(word)
    yield from map("".join, pairwise(word)) if unspaced else [word]
