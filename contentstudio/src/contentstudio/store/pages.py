"""What research keeps in Postgres: what is known of pages and hosts, and what people look for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contentstudio.model import Clicks, Demand
from contentstudio.store.sql import queries
from contentstudio.web.fetch import Fetched, Known
from overnight.store.database import Database


@dataclass(frozen=True)
class Reader:
    """Who reads, and under which settings: other settings may judge the same page otherwise."""

    site: str
    job_id: str
    settings: str


class Records:
    """Every write is an upsert by its natural key, so a repeated step changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, reader: Reader, url: str) -> tuple[Known, datetime] | None:
        """What another job of the site was told of a page when it read it, and when that was."""
        row = await self._database.one(
            queries["page_read"],
            {"site": reader.site, "url": url, "settings": reader.settings, "job_id": reader.job_id},
        )
        return (
            (Known(row["answered_by"], row["etag"], row["last_modified"]), row["read_at"])
            if row
            else None
        )

    async def keep_page(self, reader: Reader, fetched: Fetched, *, conditional: bool) -> None:
        """Note that a page was read; `conditional` says whether the next night may ask only if it
        changed.
        """
        known = fetched.known
        await self._database.fetch(
            queries["page_keep"],
            {
                "site": reader.site,
                "url": fetched.url,
                "answered_by": known.url,
                "etag": known.etag if conditional else None,
                "last_modified": known.last_modified if conditional else None,
                "settings": reader.settings,
                "job_id": reader.job_id,
            },
        )

    async def page_is_unchanged(self, site: str, url: str) -> None:
        """Note that a page was asked for and is as it was."""
        await self._database.fetch(queries["page_asked"], {"site": site, "url": url})

    async def asked(self, site: str, urls: Sequence[str]) -> dict[str, datetime]:
        """When the site last asked for each of these URLs; what it never asked for is missing."""
        rows = await self._database.fetch(
            queries["pages_asked"], {"site": site, "urls": list(urls)}
        )
        return {row["url"]: row["asked_at"] for row in rows}

    async def robots(self, origin: str) -> str | None:
        """The robots.txt of an origin, or None where it was not read within a day."""
        row = await self._database.one(queries["robots_read"], {"origin": origin})
        return row["rules"] if row else None

    async def keep_robots(self, origin: str, rules: str) -> None:
        await self._database.fetch(queries["robots_keep"], {"origin": origin, "rules": rules})

    async def lease_host(self, host: str, holder: str, seconds: float) -> float | None:
        """Take the turn at a host for at most so many seconds: None. Else the seconds until it is
        free.
        """
        row = await self._database.one(
            queries["host_take"], {"host": host, "holder": holder, "seconds": seconds}
        )
        wait = row["wait"] if row else 0.1
        return wait or None

    async def release_host(self, host: str, holder: str, pause: float) -> None:
        await self._database.fetch(
            queries["host_give"], {"host": host, "holder": holder, "pause": pause}
        )

    async def keep_demands(self, site: str, source: str, demands: Sequence[Demand]) -> None:
        """Keep what a source tells, instead of what it told before."""
        rows = json.dumps([demand.model_dump(exclude={"source"}) for demand in demands])
        await self._database.fetch(
            queries["demand_keep"], {"site": site, "source": source, "demands": rows}
        )

    async def demands(self, site: str) -> list[Demand]:
        """What people look for on a site, from all its sources, the most wanted first."""
        return [
            Demand(**row)
            for row in await self._database.fetch(queries["demand_read"], {"site": site})
        ]

    async def two_times(self, site: str) -> list[Clicks]:
        """The clicks of each query now and a month before, as far as sources told of both."""
        return [
            Clicks(**row)
            for row in await self._database.fetch(queries["demand_two_times"], {"site": site})
        ]
