"""What people look for, as each source says it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from contentstudio.model import Clicks, Demand
from contentstudio.store.sql import queries
from overnight.store.database import Database


class Demands:
    """The demands of all sites."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace(self, site: str, source: str, demands: Sequence[Demand]) -> None:
        """Keep what a source says, instead of what it said before."""
        rows = json.dumps([demand.model_dump(exclude={"source"}) for demand in demands])
        await self._database.fetch(
            queries["demand_keep"], {"site": site, "source": source, "demands": rows}
        )

    async def read(self, site: str) -> list[Demand]:
        """What people look for on a site, from all its sources, the most wanted first."""
        rows = await self._database.fetch(queries["demand_read"], {"site": site})
        return [Demand(**row) for row in rows]

    async def clicks(self, site: str) -> list[Clicks]:
        """The clicks of each query now and a month before, as far as sources said both."""
        rows = await self._database.fetch(queries["demand_two_times"], {"site": site})
        return [Clicks(**row) for row in rows]
