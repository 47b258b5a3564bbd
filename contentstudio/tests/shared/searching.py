"""A search that knows what a test tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from contentstudio.pipelines.deps import Deps
from contentstudio.search.port import Hit
from overnight import App, Context
from overnight.store.database import Database


class MemorySearch:
    """Gives its hits to every query, and remembers what was looked for."""

    name = "memory"

    def __init__(self, *hits: Hit) -> None:
        self.hits = list(hits)
        self.asked: list[tuple[str, str, str]] = []

    async def find(
        self, ctx: Context[Any], site: str, query: str, *, language: str, limit: int = 10
    ) -> Sequence[Hit]:
        self.asked.append((site, query, language))
        return self.hits[:limit]


def searching(app: App, search: MemorySearch, **changes: Any) -> App:
    """The app with another search, and other changes of what its steps depend on."""
    opened = app.resources

    @asynccontextmanager
    async def resources(database: Database) -> AsyncIterator[Deps]:
        async with opened(database) as deps:
            yield replace(deps, search=search, **changes)

    app.resources = resources
    return app
