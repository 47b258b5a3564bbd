"""The port of a writer: from a topic and the texts it may cite to a draft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from contentstudio.config import Site
from contentstudio.model import Draft, Snapshot
from overnight import Context


class Writer(Protocol):
    """Writes one article. Raises `Transient` or `Permanent`, or what the model's call raises."""

    async def write(
        self, ctx: Context[Any], site: Site, slug: str, title: str, snapshots: Sequence[Snapshot]
    ) -> Draft: ...
