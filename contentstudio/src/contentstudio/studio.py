"""What the steps lean on."""

from __future__ import annotations

from dataclasses import dataclass

from contentstudio.config import Config
from contentstudio.memory import Memory
from contentstudio.publish.port import Publisher
from contentstudio.publish.static import StaticSite
from contentstudio.research.fetch import Fetcher
from contentstudio.writing.port import Writer


@dataclass(frozen=True)
class Studio:
    """The adapters of one config."""

    config: Config
    memory: Memory
    fetcher: Fetcher
    writer: Writer

    def publisher(self, site: str) -> Publisher:
        """Where a site is published."""
        found = self.config.find(site)
        return StaticSite(found, self.config.folder(found))
