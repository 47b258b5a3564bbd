"""What readers can see by our hand, in Postgres, and how it stands with search engines.

Being told, accepted, crawled and indexed are four things. An answer of 200 is the second of them,
and says no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from contentstudio.model import Model
from contentstudio.store.sql import queries
from overnight.store.database import Database

State = Literal["unknown", "submitted", "accepted", "crawled", "indexed"]


class Listing(Model):
    """A page of a site. What each time means is told in the schema; `verdict` is in Google's own
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


class Standing(Model):
    """How a page stands with IndexNow: `wait` is in seconds, until it may be told of again."""

    submitted: bool
    accepted: bool
    wait: float


class Batch(Model):
    """The URLs that one ping tells of, and when it was begun."""

    urls: tuple[str, ...]
    told_at: datetime


async def note(database: Database, site: str, slug: str, url: str, job_id: str) -> None:
    """Readers can see the page, or see another version of it."""
    await database.fetch(
        queries["listing_note"], {"site": site, "slug": slug, "url": url, "job_id": job_id}
    )


async def forget(database: Database, site: str, slug: str) -> None:
    """Readers see the page no more."""
    await database.fetch(queries["listing_forget"], {"site": site, "slug": slug})


async def standing(database: Database, site: str, url: str, apart: float) -> Standing | None:
    """How a page stands with IndexNow where two pings are `apart` seconds; None for one that is not
    listed.
    """
    row = await database.one(queries["listing_wait"], {"site": site, "url": url, "apart": apart})
    return Standing(**{**row, "wait": max(row["wait"], 0.0)}) if row else None


async def take(
    database: Database, site: str, url: str, origin: str, apart: float, most: int
) -> Batch | None:
    """What a ping for a page is to tell; None where another one tells of that page."""
    params = {"site": site, "url": url, "origin": origin, "apart": apart, "most": most}
    rows = await database.fetch(queries["listing_take"], params)
    return (
        Batch(urls=tuple(sorted(row["url"] for row in rows)), told_at=rows[0]["told_at"])
        if rows
        else None
    )


async def arrived(database: Database, site: str, batch: Batch, *, accepted: bool) -> None:
    """The ping arrived."""
    await database.fetch(queries["listing_arrived"], {"accepted": accepted, **_of(site, batch)})


async def give_back(database: Database, site: str, batch: Batch) -> None:
    """The ping was refused: nothing was told."""
    await database.fetch(queries["listing_give_back"], _of(site, batch))


def _of(site: str, batch: Batch) -> dict[str, object]:
    return {"site": site, "urls": list(batch.urls), "told_at": batch.told_at}


async def sitemap_news(database: Database, site: str) -> datetime | None:
    """The ledger's now, where something changed since the sitemap was submitted."""
    (row,) = await database.fetch(queries["listing_news"], {"site": site})
    return row["now"] if row["news"] else None


async def keep_sitemap(database: Database, site: str, moment: datetime) -> None:
    """The sitemap was submitted at that moment."""
    await database.fetch(queries["listing_sitemap"], {"site": site, "moment": moment})


async def due(database: Database, site: str, most: int) -> list[tuple[str, str]]:
    """Slugs and URLs of the pages to ask about, at most so many."""
    rows = await database.fetch(queries["listing_due"], {"site": site, "most": most})
    return [(row["slug"], row["url"]) for row in rows]


async def keep_verdict(
    database: Database,
    site: str,
    slug: str,
    *,
    crawled_at: datetime | None,
    indexed: bool,
    verdict: str,
) -> None:
    """What was said of a page."""
    told = {"crawled_at": crawled_at, "indexed": indexed, "verdict": verdict}
    await database.fetch(queries["listing_keep"], {"site": site, "slug": slug, **told})


async def read(database: Database, site: str, limit: int) -> Sequence[Listing]:
    """A site's pages, the latest first."""
    rows = await database.fetch(queries["listings_read"], {"site": site, "limit": limit})
    return [Listing.model_validate(row) for row in rows]
