"""The port of a writer: from a topic and the texts it may cite to a draft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from contentstudio.config import Site
from contentstudio.model import Draft, Snapshot
from overnight import Context


class Writer(Protocol):
    """Writes one article. Raises `Transient` or `Permanent`, or what the model's call raises."""

    def canary(self, job_id: str) -> str:
        """The mark in the prompts of a job, which no article may hold; empty where no prompt is
        sent.
        """
        ...

    async def write(
        self, ctx: Context[Any], site: Site, slug: str, title: str, snapshots: Sequence[Snapshot]
    ) -> Draft:
        """A draft that cites some of these snapshots, and nothing else."""
        ...

    async def rewrite(
        self,
        ctx: Context[Any],
        site: Site,
        draft: Draft,
        snapshots: Sequence[Snapshot],
        reasons: Sequence[str],
    ) -> Draft | None:
        """The draft once more, with the reasons why it failed in view; None from a writer that
        cannot.
        """
        ...
