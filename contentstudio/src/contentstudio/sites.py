"""What an owner sees of a site, and does with it: its sources, where it is published, and its
numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from contentstudio.config import (
    Config,
    FeedSource,
    KeywordsSource,
    PageSource,
    SearchConsoleSource,
    Site,
    SitemapSource,
    Static,
)
from contentstudio.pipelines.discovering import jobs_of
from contentstudio.pipelines.wishes import day_of
from contentstudio.pipelines.work import SiteRequest
from contentstudio.store.publications import Publications
from contentstudio.store.sites import Sites
from overnight import App
from overnight.operations import actors, runs
from overnight.operations.incidents import Incident, Remedy
from overnight.store.database import Database, Row

NIGHTS = 7  # that tell how a source is
RESULT_DAYS = 28
NEWEST = 5  # articles that the page of a site shows
NONE: Mapping[str, Any] = {"published": 0, "waiting": 0, "under_way": 0}
UNREAD: Mapping[str, Any] = {"state": "not read yet", "at": None, "error": None, "job_id": None}


async def check(
    app: App,
    config: Config,
    database: Database,
    site: str,
    *,
    reason: str = "",
    by: str | None = None,
) -> str:
    """Have a worker look at a site: one sentence. Raises `ConfigError` for one that there
    is not.
    """
    work = SiteRequest(site=config.find(site).name, requested_at=await Publications(database).now())
    await runs.start(app, database, "check", work, by=by or actors.whoami(), reason=reason.strip())
    return f"a worker looks at {site}; what it finds is on the page of the site in a moment"


async def listed(config: Config, database: Database, days: int) -> list[dict[str, Any]]:
    """The sites of a config with their numbers of the last days, and the last verdict."""
    sites = Sites(database)
    since = await Publications(database).now() - timedelta(days=days)
    counts, checks = await sites.counts(since), await sites.checks()
    return [
        {**counts.get(site.name, NONE), "site": site, "check": checks.get(site.name)}
        for site in config.site
    ]


async def read(app: App, config: Config, database: Database, name: str) -> dict[str, Any]:
    """A site with the health of its sources, the last verdict on it, its numbers, and what came to
    it last. Raises `ConfigError` for one that there is not.
    """
    site, sites = config.find(name), Sites(database)
    now = await Publications(database).now()
    counts = await sites.counts(now - timedelta(days=RESULT_DAYS))
    return {
        "site": site,
        "target": target(config, site),
        "sources": await sources(app, config, database, site),
        "check": (await sites.checks()).get(name),
        "counts": counts.get(name, NONE),
        "results": await sites.results(name, RESULT_DAYS),
        "newest": await sites.newest(name, NEWEST),
    }


async def unfit(config: Config, database: Database) -> list[Incident]:
    """The sites whose last check says that they are not fit any more, though they were."""
    checks = await Sites(database).checks()
    found = [checks[site.name] for site in config.site if site.active and site.name in checks]
    return [_unfit(row) for row in found if not row["ok"] and row["changed_at"]]


def _unfit(row: Row) -> Incident:
    site, wrong = row["site"], [each for each in row["findings"] if not each["ok"]]
    return Incident(
        "app",
        "look",
        f"site:{site}",
        f"{site} is not fit for publishing any more",
        " ".join(f"{each['what']}: {each['mend']}." for each in wrong),
        "It is checked again each night.",
        f"site check {site} --job",
        f"/sites/{site}",
        since=row["changed_at"],
        remedy=Remedy("check-site", "Check now", {"site": site}),
    )


def target(config: Config, site: Site) -> str:
    """Where a site is published, in words."""
    publish = site.publish
    if isinstance(publish, Static):
        return f"files in {config.folder(site)}"
    if publish.to == "git":
        return f"the Git repository {publish.repository}, branch {publish.branch}"
    return f"{'WordPress' if publish.to == 'wordpress' else 'Ghost'} at {publish.url or site.url}"


async def sources(app: App, config: Config, database: Database, site: Site) -> list[dict[str, Any]]:
    """Each source of a site: when it was read last, what came of it, how many of the last nights
    failed, and how many items it gave then.
    """
    today = day_of(config, await Publications(database).now())
    jobs = [_jobs(app, site, today - timedelta(days=ago)) for ago in range(NIGHTS)]
    rows = await Sites(database).reads([job for night in jobs for job in night])
    nights = list(zip(*jobs, strict=True))
    return [
        {"name": name, "kind": kind, **health([rows[job] for job in of if job in rows])}
        for (name, kind), of in zip(_named(site), nights, strict=True)
    ]


def _jobs(app: App, site: Site, day: date) -> list[str]:
    """The jobs that read the sources of a site in a night, in their order."""
    return [
        app.pipeline(pipeline).job(work).job_id
        for pipeline, work in jobs_of(site, day)
        if pipeline in ("source", "demand")
    ]


def _named(site: Site) -> Iterator[tuple[str, str]]:
    """What each source is called, and its kind, in their order."""
    for source in site.sources:
        match source:
            case str(url):
                yield url, "feed or page"
            case FeedSource(feed=url):
                yield url, "feed"
            case PageSource(page=url):
                yield url, "page"
            case SitemapSource(sitemap=url):
                yield url, "sitemap"
            case KeywordsSource():
                yield source.address, "keywords"
            case SearchConsoleSource():
                yield source.address, "Search Console"


def health(nights: list[Row]) -> dict[str, Any]:
    """How a source is, of what became of its jobs, the latest night first. Pure."""
    last = next((row for row in nights if row["at"] is not None), None)
    if last is None:
        return {**UNREAD, "failures": 0, "nights": len(nights), "items": 0}
    return {
        "state": _state(last),
        "at": last["at"],
        "error": last["error"] or "; ".join(last["faults"]) or None,
        "job_id": last["job_id"],
        "failures": sum(row["status"] == "dead" for row in nights),
        "nights": len(nights),
        "items": sum(row["entries"] + row["demands"] + row["is_page"] for row in nights),
    }


def _state(row: Row) -> str:
    if row["status"] == "succeeded":
        return "nothing new" if row["outcome"] == "no_work" else "ok"
    words = {"dead": "failed", "cancelled": "refused"}
    return words.get(row["status"], "retry" if row["failures"] else "waiting")
