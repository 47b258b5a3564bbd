"""What the studio knows: the texts it read and the topics it found, in Postgres."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date

from contentstudio.model import Snapshot
from contentstudio.sql import queries
from overnight.database import Database


class Memory:
    """Snapshots and topics. Every write is an upsert by its natural key, so a repeated step changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep_snapshot(self, snapshot: Snapshot) -> None:
        await self._database.fetch(queries["snapshot_keep"], snapshot.model_dump())

    async def snapshots(self, hashes: Iterable[str]) -> dict[str, Snapshot]:
        """Snapshots by their hash; a hash that is not known is missing from the answer."""
        rows = await self._database.fetch(queries["snapshot_read"], {"sha256": list(hashes)})
        return {row["sha256"]: Snapshot(**row) for row in rows}

    async def keep_topic(
        self, *, site: str, slug: str, title: str, snapshot: Snapshot, factors: dict[str, float], found_on: date
    ) -> tuple[str, date]:
        """Keep a topic unless its slug is known already. (URL, day) of the one that is kept."""
        row = await self._database.one(
            queries["topic_keep"],
            {
                "site": site,
                "slug": slug,
                "title": title,
                "url": snapshot.url,
                "snapshot": snapshot.sha256,
                "score": factors["score"],
                "factors": json.dumps(factors),
                "found_on": found_on,
            },
        )
        assert row is not None
        return row["url"], row["found_on"]

    async def topic(self, site: str, slug: str) -> tuple[str, list[Snapshot]]:
        """A topic's title and the snapshots that an article on it may cite."""
        row = await self._database.one(queries["topic_read"], {"site": site, "slug": slug})
        if row is None:
            raise LookupError(f"the topic {site}/{slug} is not known")
        title = row.pop("title")
        return title, [Snapshot(title=row.pop("page_title"), **row)]
