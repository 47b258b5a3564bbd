"""The steps from a night to its topics: whose sources are read, what they gave, and what is worth an article."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from functools import partial

from contentstudio.config import FeedSource, KeywordsSource, PageSource, SearchConsoleSource, Site, SitemapSource
from contentstudio.model import Snapshot
from contentstudio.pipelines.work import Ctx, Demanded, Found, Night, SiteNight, Source, Topic
from contentstudio.research import demands, extract, feeds, search_console, sitemaps, topics
from contentstudio.research.extract import NoContent
from contentstudio.research.fetch import Fetched
from contentstudio.research.manners import Disallowed, HostBusy
from contentstudio.research.records import Reader
from overnight import Cancel, NoWork, Snooze, hash_id

READ_SECONDS = 280  # beside the reading itself: for the turn at hosts, for robots.txt, and a sitemap's many files


async def sites(ctx: Ctx, night: Night) -> list[str]:
    """Start the research of every active site."""
    for site in night.sites:
        ctx.spawn("research", SiteNight(site=site, date=night.date))
    return night.sites


async def plan(ctx: Ctx, work: SiteNight) -> list[str]:
    """Start the reading of every source of a site."""
    return [ctx.spawn(pipeline, job) for pipeline, job in jobs_of(ctx.deps.config.find(work.site), work.date)]


def jobs_of(site: Site, day: date) -> list[tuple[str, Source | Demanded]]:
    """What a site's sources are in one night: a pipeline and its input for each."""
    jobs: list[tuple[str, Source | Demanded]] = []
    for source in site.sources:
        match source:
            case str(url):
                jobs.append(("source", Source(site=site.name, url=url, date=day)))
            case FeedSource(feed=url):
                jobs.append(("source", Source(site=site.name, url=url, date=day, kind="feed")))
            case PageSource(page=url):
                jobs.append(("source", Source(site=site.name, url=url, date=day, kind="page")))
            case SitemapSource(sitemap=url, match=match, hosts=hosts):
                sitemap = Source(site=site.name, url=url, date=day, kind="sitemap", match=match, hosts=tuple(hosts))
                jobs.append(("source", sitemap))
            case KeywordsSource() | SearchConsoleSource():
                jobs.append(("demand", Demanded(site=site.name, source=source, date=day)))
    return jobs


async def read(ctx: Ctx, source: Source) -> Found | NoWork | Cancel | Snooze:
    """Read one URL. Only what the config names may be more than a page, so that no feed can send us on for ever."""
    try:
        return await (_read_sitemap if source.kind == "sitemap" else _read_changed)(ctx, source)
    except HostBusy as busy:
        return Snooze(busy.retry_after or 0, str(busy))
    except Disallowed as refusal:
        return Cancel(str(refusal))


async def _read_changed(ctx: Ctx, source: Source) -> Found | NoWork | Cancel:
    """Read a feed or a page, unless it is as it was. One that was turned away is read whole again, every night."""
    config, records = ctx.deps.config, ctx.deps.records
    settings = hash_id(config.research.model_dump_json(), config.find(source.site).language)
    reader = Reader(source.site, ctx.job_id, settings)
    before = await records.page(reader, source.url)
    fetched = await ctx.deps.fetcher.get_if_changed(source.url, before[0] if before else None)
    if fetched is None and before:
        await records.page_is_unchanged(source.site, source.url)
        return NoWork(f"unchanged since {before[1]:%Y-%m-%d}")
    assert fetched is not None
    is_feed = source.kind == "feed" or (source.kind == "any" and feeds.looks_like_feed(fetched))
    found = await (_entries if is_feed else _page)(ctx, source, fetched)
    await records.keep_page(reader, fetched, conditional=not isinstance(found, Cancel))
    return found


async def _entries(ctx: Ctx, source: Source, fetched: Fetched) -> Found | NoWork:
    """Start the reading of a feed's newest entries."""
    entries = await asyncio.to_thread(feeds.parse, fetched.body, fetched.final_url)
    for entry in entries[: ctx.deps.config.research.entries_per_feed]:
        ctx.spawn("source", Source(site=source.site, url=entry.url, date=source.date, kind="page"))
    return Found(entries=len(entries)) if entries else NoWork("the feed has no entries")


async def _read_sitemap(ctx: Ctx, source: Source) -> Found | NoWork:
    """Start the reading of what is new or changed; what does not fit into a night is read in the next one."""
    get = partial(ctx.deps.fetcher.get, types=sitemaps.TYPES)
    listed = await sitemaps.collect(get, source.url, match=source.match, hosts=source.hosts)
    asked = await ctx.deps.records.asked(source.site, list(listed.entries))
    pages = sitemaps.choose(listed.entries.values(), asked, ctx.deps.config.research.pages_per_sitemap)
    for page in pages:
        ctx.spawn("source", Source(site=source.site, url=page.url, date=source.date, kind="page"))
    if not pages and not listed.faults:
        return NoWork(f"of the {len(listed.entries)} pages that the sitemap lists for us, none is new or changed")
    return Found(entries=len(pages), faults=tuple(listed.faults))


async def _page(ctx: Ctx, source: Source, fetched: Fetched) -> Found | NoWork | Cancel:
    """Keep the text of a page, whatever becomes of it."""
    try:
        snapshot = await asyncio.to_thread(extract.page, fetched)
    except NoContent as nothing:
        return Cancel(str(nothing))
    await ctx.deps.memory.keep_snapshot(snapshot)
    return await _topic(ctx, source, snapshot)


async def gather(ctx: Ctx, work: Demanded) -> Found | NoWork:
    """Keep what people look for, instead of what the source told the night before."""
    config, source = ctx.deps.config, work.source
    if isinstance(source, KeywordsSource):
        found = await asyncio.to_thread(demands.read_keywords, config.beside(source.keywords), source.address)
    else:
        found = await search_console.queries(source, config.google.endpoint, config.google_key_file(), work.date)
    await ctx.deps.records.keep_demands(work.site, source.address, found)
    return Found(demands=len(found)) if found else NoWork(f"{source.address} tells of nothing that people look for")


async def _topic(ctx: Ctx, source: Source, snapshot: Snapshot) -> Found | NoWork | Cancel:
    """A topic that is new tonight and good enough becomes an article job."""
    site = ctx.deps.config.find(source.site)
    if snapshot.language not in (None, site.language):
        return Cancel(f"the page is in “{snapshot.language}”, the site in “{site.language}”")
    title = topics.clean_title(snapshot.title)
    factors = topics.score(snapshot, datetime.now(UTC))
    if factors["score"] < ctx.deps.config.research.min_score:
        return NoWork(
            f"its score is {factors['score']:.2f}; at least {ctx.deps.config.research.min_score:.2f} is wanted"
        )
    slug = topics.slug_of(title)
    url, found_on = await ctx.deps.memory.keep_topic(
        site=site.name, slug=slug, title=title, snapshot=snapshot, factors=factors, found_on=source.date
    )
    if (url, found_on) != (snapshot.url, source.date):
        return NoWork(f"the topic “{slug}” is known since {found_on}, from {url}")
    ctx.emit("topic.validated", Topic(site=site.name, slug=slug, date=found_on))
    return Found(slug=slug)
