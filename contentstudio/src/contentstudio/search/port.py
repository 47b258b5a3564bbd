"""The port of a search: from a query to pages that may answer it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import Field

from contentstudio.model import Model
from overnight import Context


class Hit(Model):
    """A page that a search gives. `text` is what the search shows of it, `sha256` the snapshot of
    its text, where it was read before.
    """

    url: str = Field(min_length=1)
    title: str = ""
    text: str = ""
    published_at: datetime | None = None
    sha256: str | None = None


class Search(Protocol):
    """Finds pages. `name` is what costs, breakers and the cache know it by."""

    @property
    def name(self) -> str: ...

    async def find(
        self, ctx: Context[Any], site: str, query: str, *, language: str, limit: int = 10
    ) -> Sequence[Hit]:
        """The pages that fit best, the best first; none where nothing fits.

        Raises `Transient` and `Permanent` as a call of a model does, and before money is spent what
        `LLM.ask` raises: a budget without room, a kill switch that is off.
        """
        ...
