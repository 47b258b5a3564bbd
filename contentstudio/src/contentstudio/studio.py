"""What the steps lean on."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from contentstudio.config import Config
from contentstudio.memory import Memory
from contentstudio.publish.port import Publisher
from contentstudio.publish.static import StaticSite
from contentstudio.research.fetch import Fetcher
from contentstudio.research.records import Records
from contentstudio.writing.port import Writer


@dataclass(frozen=True)
class Studio:
    """The adapters of one config."""

    config: Config
    memory: Memory
    records: Records
    fetcher: Fetcher
    writer: Writer
    turns: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def turn(self, site: str) -> asyncio.Lock:
        """One article of a site at a time. To be taken before leave is asked to publish: leave must not grow old."""
        return self.turns[site]

    def publisher(self, site: str) -> Publisher:
        """Where a site is published."""
        found = self.config.find(site)
        return StaticSite(found, self.config.folder(found))
