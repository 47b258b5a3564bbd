"""The port of a researcher, and the adapter that needs no language model: it takes what to look for
and what a page states from the words themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from contentstudio.brief import Idea
from contentstudio.config import Research as Limits
from contentstudio.config import Site
from contentstudio.model import Snapshot
from contentstudio.research import notes
from contentstudio.research.notes import Fact
from overnight import Context


class Researcher(Protocol):
    """Says what to look for, and what a page states. Raises what a model's call raises."""

    async def questions(
        self, ctx: Context[Any], site: Site, idea: Idea, pages: Sequence[Snapshot]
    ) -> tuple[str, ...]:
        """What research should answer for an idea, beside what these pages tell."""
        ...

    async def facts(
        self, ctx: Context[Any], site: Site, idea: Idea, questions: Sequence[str], page: Snapshot
    ) -> list[Fact]:
        """What a page states that helps to answer the questions. Not checked."""
        ...


class OfflineResearcher:
    """The researcher without a model: it looks for the idea's title and its queries, and takes
    sentences for facts.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    async def questions(
        self, ctx: Context[Any], site: Site, idea: Idea, pages: Sequence[Snapshot]
    ) -> tuple[str, ...]:
        """The title and the queries that people search by."""
        return asked(idea, self._limits.questions)

    async def facts(
        self, ctx: Context[Any], site: Site, idea: Idea, questions: Sequence[str], page: Snapshot
    ) -> list[Fact]:
        """Sentences that stand alone; of a page that a search gave, those about the idea."""
        is_own = page.sha256 in idea.snapshots
        most = self._limits.notes_per_page
        return await asyncio.to_thread(
            partial(notes.quoted, page, questions, most, is_about=is_own)
        )


def asked(idea: Idea, most: int) -> tuple[str, ...]:
    """What people ask who look for an idea: its title, and its queries by their weight."""
    queries = sorted(
        (signal for signal in idea.signals if signal.kind in ("query", "suggestion", "wish")),
        key=lambda signal: -signal.weight,
    )
    texts = (" ".join(text.split()) for text in (idea.title, *(query.text for query in queries)))
    return tuple({text.casefold(): text for text in texts}.values())[:most]
