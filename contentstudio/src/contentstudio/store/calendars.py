"""What stands on the days of a calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from contentstudio.store.sql import queries
from overnight.store.database import Database, Row


class Calendars:
    """What was published, and what is planned, on all sites."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def entries(
        self, site: str | None, days: Sequence[tuple[date, datetime, datetime]], limit: int
    ) -> list[Row]:
        """The articles of each day, which is given with its first moment and that of the next one:
        at most `limit` of each `kind` (published, updated, planned), with the `total` of it.
        """
        names, begins, ends = ([each[n] for each in days] for n in range(3))
        params = {"site": site, "days": names, "begins": begins, "ends": ends, "limit": limit}
        return await self._database.fetch(queries["calendar_entries"], params)

    async def unplanned(self, site: str | None, today: date, limit: int) -> list[Row]:
        """What is on its way and has no due day, or one that is past: what waits for a person
        first.
        """
        params = {"site": site, "today": today, "limit": limit}
        return await self._database.fetch(queries["calendar_unplanned"], params)
