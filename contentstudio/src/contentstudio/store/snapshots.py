"""The texts that were read, word for word."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from contentstudio.model import Snapshot
from contentstudio.store.sql import queries
from overnight.store.database import Database


class Snapshots:
    """Every text is kept once, by its hash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, snapshot: Snapshot) -> None:
        """Keep a text, and note that its page has it from now on."""
        await self._database.fetch(queries["snapshot_keep"], snapshot.model_dump())

    async def read(self, hashes: Iterable[str]) -> dict[str, Snapshot]:
        """Snapshots by their hash; a hash that is not known is missing from the answer."""
        rows = await self._database.fetch(queries["snapshot_read"], {"sha256": list(hashes)})
        return {row["sha256"]: Snapshot(**row) for row in rows}

    async def recent_urls(self, hashes: Collection[str]) -> list[str]:
        """The URLs of those snapshots that were read within the last hour."""
        rows = await self._database.fetch(queries["snapshots_lately"], {"sha256": list(hashes)})
        return [row["url"] for row in rows]
