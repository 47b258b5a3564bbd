"""What the steps lean on."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from contentstudio import publish
from contentstudio.config import Config
from contentstudio.memory import Memory
from contentstudio.memory.documents import Documents
from contentstudio.publish.port import Publisher
from contentstudio.store.pages import Records
from contentstudio.store.publications import Turns
from contentstudio.web.fetch import Fetcher
from contentstudio.writing.port import Writer


@dataclass(frozen=True)
class Studio:
    """The adapters of one config."""

    config: Config
    memory: Memory
    documents: Documents
    records: Records
    fetcher: Fetcher
    writer: Writer
    turns: Turns

    def publisher(self, site: str) -> AbstractAsyncContextManager[Publisher]:
        """Where a site is published, for as long as it is open."""
        return publish.opened(self.config, self.config.find(site))
