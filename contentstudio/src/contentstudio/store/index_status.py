"""The pages that readers can see by our hand, and what search engines know of them.

Being notified, accepted, crawled and indexed are four things. An answer of 200 is the second of
them, and says no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from contentstudio.model import Model
from contentstudio.store.sql import queries
from overnight.store.database import Database

State = Literal["unknown", "submitted", "accepted", "crawled", "indexed"]


class PageStatus(Model):
    """A page of a site. The schema says what each time means; `verdict` is in Google's own
    words.
    """

    site: str
    slug: str
    url: str
    job_id: str
    changed_at: datetime
    told_at: datetime | None = None
    submitted_at: datetime | None = None
    accepted_at: datetime | None = None
    sitemap_at: datetime | None = None
    asked_at: datetime | None = None
    crawled_at: datetime | None = None
    indexed: bool = False
    verdict: str | None = None

    @property
    def state(self) -> State:
        """The furthest that is known of this version; of an indexed page Google may have an older
        one.
        """

        def since_it_changed(moment: datetime | None) -> bool:
            return moment is not None and moment >= self.changed_at

        if self.indexed:
            return "indexed"
        if since_it_changed(self.crawled_at):
            return "crawled"
        if since_it_changed(self.accepted_at):
            return "accepted"
        return (
            "submitted"
            if since_it_changed(self.submitted_at) or since_it_changed(self.sitemap_at)
            else "unknown"
        )


class PingStatus(Model):
    """What IndexNow knows of a page: `wait` is in seconds, until it may be pinged again."""

    submitted: bool
    accepted: bool
    wait: float


class Batch(Model):
    """The URLs of one ping, and when it was started."""

    urls: tuple[str, ...]
    told_at: datetime


class IndexStatus:
    """The published pages of all sites, and the keys of IndexNow that were found."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note_change(self, site: str, slug: str, url: str, job_id: str) -> None:
        """Readers can see the page, or see another version of it."""
        await self._database.fetch(
            queries["listing_note"], {"site": site, "slug": slug, "url": url, "job_id": job_id}
        )

    async def forget(self, site: str, slug: str) -> None:
        """Readers see the page no more."""
        await self._database.fetch(queries["listing_forget"], {"site": site, "slug": slug})

    async def ping_status(self, site: str, url: str, min_interval: float) -> PingStatus | None:
        """What IndexNow knows of a page, where two pings are `min_interval` seconds apart; None
        for one that is not listed.
        """
        row = await self._database.one(
            queries["listing_wait"], {"site": site, "url": url, "apart": min_interval}
        )
        return PingStatus(**{**row, "wait": max(row["wait"], 0.0)}) if row else None

    async def take(
        self, site: str, url: str, origin: str, min_interval: float, max_urls: int
    ) -> Batch | None:
        """The pages of a ping that is for one of them; None where another ping has that page."""
        params = {
            "site": site,
            "url": url,
            "origin": origin,
            "apart": min_interval,
            "most": max_urls,
        }
        rows = await self._database.fetch(queries["listing_take"], params)
        return (
            Batch(urls=tuple(sorted(row["url"] for row in rows)), told_at=rows[0]["told_at"])
            if rows
            else None
        )

    async def arrived(self, site: str, batch: Batch, *, accepted: bool) -> None:
        """The ping arrived."""
        await self._database.fetch(
            queries["listing_arrived"], {"accepted": accepted, **_of(site, batch)}
        )

    async def give_back(self, site: str, batch: Batch) -> None:
        """The ping was refused: IndexNow does not know of its pages."""
        await self._database.fetch(queries["listing_give_back"], _of(site, batch))

    async def sitemap_news(self, site: str) -> datetime | None:
        """The ledger's now, where something changed since the sitemap was submitted."""
        (row,) = await self._database.fetch(queries["listing_news"], {"site": site})
        return row["now"] if row["news"] else None

    async def keep_sitemap(self, site: str, moment: datetime) -> None:
        """The sitemap was submitted at that moment."""
        await self._database.fetch(queries["listing_sitemap"], {"site": site, "moment": moment})

    async def due(self, site: str, limit: int) -> list[tuple[str, str]]:
        """Slugs and URLs of the pages to ask about, at most so many."""
        rows = await self._database.fetch(queries["listing_due"], {"site": site, "most": limit})
        return [(row["slug"], row["url"]) for row in rows]

    async def keep_verdict(
        self,
        site: str,
        slug: str,
        *,
        crawled_at: datetime | None,
        indexed: bool,
        verdict: str,
    ) -> None:
        """What Google said of a page."""
        answer = {"crawled_at": crawled_at, "indexed": indexed, "verdict": verdict}
        await self._database.fetch(queries["listing_keep"], {"site": site, "slug": slug, **answer})

    async def read(self, site: str, limit: int) -> Sequence[PageStatus]:
        """A site's pages, the latest first."""
        rows = await self._database.fetch(queries["listings_read"], {"site": site, "limit": limit})
        return [PageStatus.model_validate(row) for row in rows]

    async def has_key(self, site: str, key: str, key_url: str) -> bool:
        """Whether the key was found at this address before."""
        params = {"site": site, "key": key, "key_url": key_url}
        return await self._database.one(queries["key_read"], params) is not None

    async def keep_key(self, site: str, key: str, key_url: str) -> None:
        """The key was found at its address."""
        params = {"site": site, "key": key, "key_url": key_url}
        await self._database.fetch(queries["key_keep"], params)

    async def forget_key(self, site: str) -> None:
        """The endpoint did not find the key, so it is looked for again."""
        await self._database.fetch(queries["key_forget"], {"site": site})


def _of(site: str, batch: Batch) -> dict[str, object]:
    return {"site": site, "urls": list(batch.urls), "told_at": batch.told_at}
