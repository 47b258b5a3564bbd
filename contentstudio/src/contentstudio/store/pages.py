"""What is known of the pages and hosts that research reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contentstudio.model import Snapshot
from contentstudio.store.sql import queries
from contentstudio.web.fetch import Fetched, Known
from overnight.store.database import Database, Row


@dataclass(frozen=True)
class Reader:
    """Who reads, and under which settings: other settings may judge the same page otherwise."""

    site: str
    job_id: str
    settings: str


class Pages:
    """Pages, robots.txt and host leases. Every write is an upsert by its natural key, so a
    repeated step changes nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, reader: Reader, url: str) -> tuple[Known, datetime] | None:
        """What the server said of a page when another job of the site read it, and when."""
        row = await self._database.one(
            queries["page_read"],
            {"site": reader.site, "url": url, "settings": reader.settings, "job_id": reader.job_id},
        )
        return (
            (Known(row["answered_by"], row["etag"], row["last_modified"]), row["read_at"])
            if row
            else None
        )

    async def keep(self, reader: Reader, fetched: Fetched, *, conditional: bool) -> None:
        """Note that a page was read; `conditional` says whether the next night may ask only if it
        changed.
        """
        validators = fetched.known
        await self._database.fetch(
            queries["page_keep"],
            {
                "site": reader.site,
                "url": fetched.url,
                "answered_by": validators.url,
                "etag": validators.etag if conditional else None,
                "last_modified": validators.last_modified if conditional else None,
                "settings": reader.settings,
                "job_id": reader.job_id,
            },
        )

    async def keep_unchanged(self, site: str, url: str) -> None:
        """Note that a page was asked for and is as it was."""
        await self._database.fetch(queries["page_asked"], {"site": site, "url": url})

    async def requested_at(self, site: str, urls: Sequence[str]) -> dict[str, datetime]:
        """When the site last asked for each of these URLs; what it never asked for is missing."""
        rows = await self._database.fetch(
            queries["pages_asked"], {"site": site, "urls": list(urls)}
        )
        return {row["url"]: row["asked_at"] for row in rows}

    async def readings(self, job_id: str, urls: Sequence[str]) -> dict[str, Snapshot | str]:
        """What these pages gave when they were read within a day, or why they gave nothing when
        this job read them; what is to be read is missing.
        """
        if not urls:
            return {}
        rows = await self._database.fetch(
            queries["readings_read"], {"job_id": job_id, "urls": list(urls)}
        )
        answers: dict[str, Snapshot | str] = {}
        for row in rows:
            url, fault = row.pop("requested_url"), row.pop("fault")
            answers[url] = Snapshot(**row) if fault is None else fault
        return answers

    async def keep_reading(self, job_id: str, url: str, answer: Snapshot | str) -> None:
        """Keep what a page gave, a text that is kept already or the reason why it gave none."""
        text, fault = (answer, None) if isinstance(answer, Snapshot) else (None, answer)
        params = {"job_id": job_id, "url": url, "snapshot": text and text.sha256, "fault": fault}
        await self._database.fetch(queries["reading_keep"], params)

    async def unread(self, job_id: str) -> list[Row]:
        """The pages that a job could not read, and why."""
        return await self._database.fetch(queries["readings_failed"], {"job_id": job_id})

    async def robots(self, origin: str) -> str | None:
        """The robots.txt of an origin, or None where it was not read within a day."""
        row = await self._database.one(queries["robots_read"], {"origin": origin})
        return row["rules"] if row else None

    async def keep_robots(self, origin: str, rules: str) -> None:
        """Keep the robots.txt of an origin as it was read now."""
        await self._database.fetch(queries["robots_keep"], {"origin": origin, "rules": rules})

    async def lease_host(self, host: str, holder: str, seconds: float) -> float | None:
        """Take the lease of a host for at most so many seconds: None. Else the seconds until it is
        free.
        """
        row = await self._database.one(
            queries["host_take"], {"host": host, "holder": holder, "seconds": seconds}
        )
        wait = row["wait"] if row else 0.1
        return wait or None

    async def release_host(self, host: str, holder: str, pause: float) -> None:
        """Give the lease back; the next one begins after the pause."""
        await self._database.fetch(
            queries["host_give"], {"host": host, "holder": holder, "pause": pause}
        )
