"""The port of a writer: from what research found to a brief, and from a brief to a draft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from contentstudio.brief import Brief, Research
from contentstudio.config import Site
from contentstudio.model import Draft, Fault
from overnight import Context


class Writer(Protocol):
    """Plans and writes articles. Raises `Transient` or `Permanent`, or what the model's call
    raises.
    """

    def canary(self, job_id: str) -> str:
        """The mark in the prompts of a job, which no article may hold; empty where no prompt is
        sent.
        """
        ...

    async def brief(self, ctx: Context[Any], site: Site, research: Research) -> Brief:
        """The plan of an article that states some of these notes, and nothing else. Raises
        `TooThin` where they do not suffice.
        """
        ...

    async def write(self, ctx: Context[Any], site: Site, brief: Brief) -> Draft:
        """A draft by a brief: its sentences name the notes that they state."""
        ...

    async def rewrite(
        self,
        ctx: Context[Any],
        site: Site,
        draft: Draft,
        research: Research,
        reasons: Sequence[str],
    ) -> Draft | None:
        """The draft once more, with the reasons why it failed in view; None from a writer that
        cannot.
        """
        ...

    async def mend(
        self,
        ctx: Context[Any],
        site: Site,
        draft: Draft,
        research: Research,
        faults: Sequence[Fault],
    ) -> Draft | None:
        """The draft with other words at the places of these faults alone; None from a writer that
        cannot.
        """
        ...
