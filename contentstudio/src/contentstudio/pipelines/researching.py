"""The steps from a night to its topics: whose sources are read, what they gave, and what is worth
an article.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial

from contentstudio.config import (
    FeedSource,
    KeywordsSource,
    PageSource,
    SearchConsoleSource,
    Site,
    SitemapSource,
)
from contentstudio.google import analytics
from contentstudio.model import Demand, Snapshot
from contentstudio.pipelines import answering
from contentstudio.pipelines.ids import article_id
from contentstudio.pipelines.work import (
    Candidate,
    ChoiceResult,
    Ctx,
    DemandQuery,
    Night,
    ReadResult,
    SiteNight,
    Source,
    Topic,
)
from contentstudio.research import demands, extract, feeds, sitemaps, topics
from contentstudio.research.extract import NoContent
from contentstudio.store.pages import Reader
from contentstudio.text.slugs import slug_of
from contentstudio.text.titles import clean_title
from contentstudio.web.fetch import ANY_TYPE, UNSTATED, Fetched, require_page
from contentstudio.web.polite import Disallowed, HostBusy
from overnight import Cancel, NoWork, Snooze, hash_id

# beside the reading itself: for the turn at hosts, for robots.txt, and a sitemap's many files
READ_SECONDS = 280


async def sites(ctx: Ctx, night: Night) -> list[str]:
    """Start the research of every active site."""
    for site in night.sites:
        ctx.spawn("research", SiteNight(site=site, date=night.date))
    return night.sites


async def plan(ctx: Ctx, work: SiteNight) -> list[str]:
    """Start the reading of every source of a site."""
    return [
        ctx.spawn(pipeline, job)
        for pipeline, job in jobs_of(ctx.deps.config.find(work.site), work.date)
    ]


def jobs_of(site: Site, day: date) -> list[tuple[str, SiteNight | Source | DemandQuery]]:
    """What is read for a site in one night, what it has itself among it: a pipeline and its input
    for each.
    """
    jobs: list[tuple[str, SiteNight | Source | DemandQuery]] = [
        ("memory", SiteNight(site=site.name, date=day))
    ]
    for source in site.sources:
        match source:
            case str(url):
                jobs.append(("source", Source(site=site.name, url=url, date=day)))
            case FeedSource(feed=url):
                jobs.append(("source", Source(site=site.name, url=url, date=day, kind="feed")))
            case PageSource(page=url):
                jobs.append(("source", Source(site=site.name, url=url, date=day, kind="page")))
            case SitemapSource(sitemap=url, match=match, hosts=hosts):
                sitemap = Source(
                    site=site.name,
                    url=url,
                    date=day,
                    kind="sitemap",
                    match=match,
                    hosts=tuple(hosts),
                )
                jobs.append(("source", sitemap))
            case KeywordsSource() | SearchConsoleSource():
                jobs.append(("demand", DemandQuery(site=site.name, source=source, date=day)))
    return jobs


async def read(ctx: Ctx, source: Source) -> ReadResult | NoWork | Cancel | Snooze:
    """Read one URL. Only what the config names may be more than a page, so that no feed can send us
    on for ever.
    """
    try:
        return await (_read_sitemap if source.kind == "sitemap" else _read_changed)(ctx, source)
    except HostBusy as busy:
        return Snooze(busy.retry_after or 0, str(busy))
    except Disallowed as refusal:
        return Cancel(str(refusal))


async def _read_changed(ctx: Ctx, source: Source) -> ReadResult | NoWork | Cancel:
    """Read a feed or a page, unless it is as it was. One that was turned away is read whole again,
    every night.
    """
    pages = ctx.deps.pages
    reader = Reader(source.site, ctx.job_id, _settings(ctx, source))
    before = await pages.read(reader, source.url)
    types = (
        ANY_TYPE if source.kind in ("feed", "any") else UNSTATED
    )  # what the owner named is known by its content
    fetched = await ctx.deps.fetcher.get_if_changed(
        source.url, before[0] if before else None, types=types
    )
    if fetched is None and before:
        await pages.keep_unchanged(source.site, source.url)
        return NoWork(f"unchanged since {before[1]:%Y-%m-%d}")
    assert fetched is not None
    is_feed = source.kind == "feed" or (source.kind == "any" and feeds.looks_like_feed(fetched))
    if not is_feed:
        require_page(fetched)
    result = await (_entries if is_feed else _page)(ctx, source, fetched)
    await pages.keep(reader, fetched, conditional=not isinstance(result, Cancel))
    return result


async def _entries(ctx: Ctx, source: Source, fetched: Fetched) -> ReadResult | NoWork:
    """Start the reading of a feed's newest entries."""
    entries = await asyncio.to_thread(feeds.parse, fetched.body, fetched.final_url, fetched.charset)
    charset = feeds.charset_of(fetched)
    for entry in entries[: ctx.deps.config.research.entries_per_feed]:
        hints = entry.hints(charset)
        ctx.spawn(
            "source",
            Source(site=source.site, url=entry.url, date=source.date, kind="page", hints=hints),
        )
    return ReadResult(entries=len(entries)) if entries else NoWork("the feed has no entries")


async def _read_sitemap(ctx: Ctx, source: Source) -> ReadResult | NoWork:
    """Start the reading of what is new or changed; what does not fit into a night is read in the
    next one.
    """
    get = partial(ctx.deps.fetcher.get, types=sitemaps.TYPES, max_unpacked=sitemaps.MAX_UNPACKED)
    sitemap = await sitemaps.collect(get, source.url, match=source.match, hosts=source.hosts)
    requested = await ctx.deps.pages.requested_at(source.site, list(sitemap.entries))
    pages = sitemaps.choose(
        sitemap.entries.values(), requested, ctx.deps.config.research.pages_per_sitemap
    )
    for page in pages:
        ctx.spawn("source", Source(site=source.site, url=page.url, date=source.date, kind="page"))
    if not pages and not sitemap.faults:
        return NoWork(
            f"of the {len(sitemap.entries)} pages that the sitemap lists for us, none is "
            "new or changed"
        )
    return ReadResult(entries=len(pages), faults=tuple(sitemap.faults))


async def _page(ctx: Ctx, source: Source, fetched: Fetched) -> ReadResult | NoWork | Cancel:
    """Keep the text of a page, whatever becomes of it."""
    try:
        snapshot = await asyncio.to_thread(extract.page, fetched, source.hints)
    except NoContent as nothing:
        return Cancel(str(nothing))
    if source.kind == "own":
        await ctx.deps.documents.keep_own_post(
            source.site, source.url, clean_title(snapshot.title), snapshot.text
        )
        return ReadResult(slug=slug_of(clean_title(snapshot.title)))
    await ctx.deps.snapshots.keep(snapshot)
    return await _candidate(ctx, source, snapshot)


async def gather(ctx: Ctx, work: DemandQuery) -> ReadResult | NoWork:
    """Keep what people look for, instead of what the source told the night before."""
    config, source = ctx.deps.config, work.source
    if isinstance(source, KeywordsSource):
        wanted = await asyncio.to_thread(
            demands.read_keywords, config.beside(source.keywords), source.address
        )
    else:
        wanted = await analytics.queries(
            source, config.google.endpoint, config.google_key_file(), work.date
        )
    await ctx.deps.demands.replace(work.site, source.address, wanted)
    return (
        ReadResult(demands=len(wanted))
        if wanted
        else NoWork(f"{source.address} tells of nothing that people look for")
    )


async def _candidate(ctx: Ctx, source: Source, snapshot: Snapshot) -> ReadResult | NoWork | Cancel:
    """A page whose text is new to the site is one to choose from."""
    site = ctx.deps.config.find(source.site)
    if snapshot.language not in (None, site.language):
        return Cancel(f"the page is in “{snapshot.language}”, the site in “{site.language}”")
    settings = _settings(ctx, source)
    url, found_on = await ctx.deps.documents.keep_candidate(
        site.name, snapshot, source.date, settings
    )
    if (url, found_on) != (snapshot.url, source.date):
        return NoWork(f"what the page says is known since {found_on}, from {url}")
    ctx.emit(
        "candidate.found", Candidate(site=site.name, date=source.date, snapshot=snapshot.sha256)
    )
    return ReadResult(slug=slug_of(clean_title(snapshot.title)))


def _settings(ctx: Ctx, source: Source) -> str:
    """What a page is judged by: under other settings it is read and judged again."""
    config = ctx.deps.config
    judged_by = config.research.model_dump_json(exclude=answering.SETTINGS)
    return hash_id(judged_by, config.find(source.site).language)


async def choose(ctx: Ctx, latest: Candidate) -> ChoiceResult | NoWork:
    """Decide on all pages of the site that wait for it, the latest of which began this. What was
    decided is kept before anything is emitted, so that another attempt goes on with it.
    """
    deps, site = ctx.deps, ctx.deps.config.find(latest.site)
    documents = deps.documents
    await documents.settle(site.name)
    await deps.articles.settle(site.name)
    await documents.embed(ctx, site.name)
    pages = await documents.pages(site.name)
    demands = await deps.demands.read(site.name)
    stories = await asyncio.to_thread(topics.stories, pages, documents.scale.same)
    choices = [
        await _choice(ctx, site, story, demands)
        for story in await _addressed(ctx, site.name, stories)
    ]
    writers = {choice.slug: article_id(site.name, choice.slug, latest.date) for choice in choices}
    await deps.topics.keep_choices(site.name, latest.date, ctx.job_id, choices, writers)
    await deps.articles.add_ideas(site.name, ctx.job_id)
    targets = await deps.topics.targets(site.name, ctx.job_id)
    for slug, day in targets:
        ctx.emit("topic.validated", Topic(site=site.name, slug=slug, date=day))
    slugs = tuple(slug for slug, _ in targets)
    result = ChoiceResult(pages=len(pages), stories=len(stories), slugs=slugs)
    return result if targets else NoWork(f"of {len(stories)} stories none is worth an article")


async def _addressed(ctx: Ctx, site: str, stories: Sequence[topics.Story]) -> list[topics.Story]:
    """The stories with the slugs that they have on their site, or are given: no two of them have
    one.
    """
    slugs: dict[str, str] = {}
    addressed = []
    for story in stories:
        slug = await ctx.deps.topics.slug_for(site, story.title, slugs)
        slugs[slug] = story.title
        addressed.append(replace(story, assigned_slug=slug))
    return addressed


async def _choice(
    ctx: Ctx, site: Site, story: topics.Story, demands: Sequence[Demand]
) -> topics.Choice:
    documents, now = ctx.deps.documents, datetime.now(UTC)
    scale = documents.scale
    near = await documents.near(site.name, story.slug, story.pages[0].text_sha256)
    competing = await documents.competing(site.name, story.title)
    rivalry = competing[0].similarity if competing else 0.0
    factors = topics.factors(
        story, near, demands, now, same=scale.same, related=scale.related, rivalry=rivalry
    )
    close = [one for one in near if one.likeness >= scale.same or one.slug == story.slug]
    if close:
        close[0] = replace(close[0], sources=await documents.sources(site.name, close[0].slug))
    return topics.decide(story, close, factors, ctx.deps.config.research, now)
