"""Which articles hold a place in their site's day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from contentstudio.store.sql import queries
from overnight.store.database import Database


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a day (UTC): `others` is how many articles of the site have a place before it."""

    day: date
    others: int


class Quota:
    """The places of all sites. They are given out one after the other, whoever asks at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, site: str, job_id: str) -> Place:
        """Take a place in the day, unless the job holds one already."""
        row = await self._database.one(queries["cadence_take"], {"site": site, "job_id": job_id})
        assert row is not None
        return Place(row["day"], row["place"] - 1)

    async def count(self, site: str) -> int:
        """How many articles of a site have a place in this day."""
        row = await self._database.one(queries["cadence_read"], {"site": site})
        assert row is not None
        return int(row["count"])

    async def give_back(self, site: str, job_id: str) -> None:
        """An article that waits for a person keeps nobody else waiting."""
        await self._database.fetch(queries["cadence_leave"], {"site": site, "job_id": job_id})
