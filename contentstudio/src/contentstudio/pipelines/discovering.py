"""The steps from a night to its ideas: whose sources are read, what they gave, and what is worth an
article.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
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
from contentstudio.pipelines import measuring, researching, wishes
from contentstudio.pipelines.ids import article_id
from contentstudio.pipelines.work import (
    Candidate,
    ChoiceResult,
    Ctx,
    DemandQuery,
    FiguresQuery,
    Night,
    ReadResult,
    SiteNight,
    Source,
    Topic,
)
from contentstudio.research import clusters, demands, extract, feeds, ideas, naming, sitemaps
from contentstudio.research.extract import NoContent
from contentstudio.research.ideas import Story
from contentstudio.store.pages import Reader
from contentstudio.text.slugs import slug_of
from contentstudio.text.titles import clean_title
from contentstudio.web.fetch import ANY_TYPE, UNSTATED, Fetched, require_page
from contentstudio.web.polite import Disallowed, HostBusy
from overnight import Cancel, NoWork, Snooze, hash_id
from overnight.errors import BudgetReserved, BudgetSpent, Permanent, Transient
from overnight.llm.fallback import AllResting

# beside the reading itself: for the turn at hosts, for robots.txt, and a sitemap's many files
READ_SECONDS = 280
Job = SiteNight | Source | DemandQuery | FiguresQuery
NAMING_TRIES = 3  # of a model, before ideas are named without one


async def sites(ctx: Ctx, night: Night) -> list[str]:
    """Start the research of every active site."""
    for site in night.sites:
        ctx.spawn("research", SiteNight(site=site, date=night.date))
    return night.sites


async def plan(ctx: Ctx, work: SiteNight) -> list[str]:
    """Start the reading of every source of a site, and the articles that are due."""
    await wishes.begin_due(ctx, work)
    return [
        ctx.spawn(pipeline, job)
        for pipeline, job in jobs_of(ctx.deps.config.find(work.site), work.date)
    ]


def jobs_of(site: Site, day: date) -> list[tuple[str, Job]]:
    """What is read for a site in one night, what it has itself among it: a pipeline and its input
    for each.
    """
    jobs: list[tuple[str, Job]] = [("memory", SiteNight(site=site.name, date=day))]
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
    return [*jobs, *measuring.jobs_of(site, day)]


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
    judged_by = config.research.model_dump_json(exclude=researching.SETTINGS)
    return hash_id(judged_by, config.find(source.site).language)


async def choose(ctx: Ctx, latest: Candidate) -> ChoiceResult | NoWork | Snooze:
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
    clustered = await asyncio.to_thread(ideas.stories, pages, documents.scale.same)
    try:
        stories = await _named(ctx, site, clustered, demands)
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))
    choices = await _choices(ctx, site, stories, demands)
    writers = {choice.slug: article_id(site.name, choice.slug, latest.date) for choice in choices}
    await deps.ideas.keep(site.name, latest.date, ctx.job_id, choices, writers)
    await deps.articles.add_ideas(site.name, ctx.job_id)
    targets = await deps.ideas.targets(site.name, ctx.job_id)
    for slug, day in targets:
        ctx.emit("topic.validated", Topic(site=site.name, slug=slug, date=day))
    slugs = tuple(slug for slug, _ in targets)
    result = ChoiceResult(pages=len(pages), stories=len(clustered), slugs=slugs)
    return result if targets else NoWork(f"of {len(clustered)} stories none is worth an article")


async def _named(
    ctx: Ctx, site: Site, stories: Sequence[Story], demands: Sequence[Demand]
) -> list[Story]:
    """The ideas of a night: by a model where there is one, that answers and has a budget, and more
    than one signal to put together.
    """
    models = ctx.deps.models
    if models is not None and stories and len(stories) + len(demands) > 1:
        try:
            return await clusters.named(ctx, models, site, stories, demands)
        except BudgetReserved:
            raise  # the calls under way end soon
        except (BudgetSpent, Permanent, Transient) as error:
            if isinstance(error, Transient) and ctx.attempt < NAMING_TRIES:
                raise
            ctx.log.warning("ideas are named without a model", error=str(error))
    return await asyncio.to_thread(ideas.asked, stories, demands, site.language)


async def _choices(
    ctx: Ctx, site: Site, stories: Sequence[Story], demands: Sequence[Demand]
) -> list[ideas.Choice]:
    """What becomes of each idea. No two of them have one slug on their site."""
    sources = [title for story in stories for title in story.source_titles]
    taken: dict[str, str] = {}
    choices = []
    for story in stories:
        named = await _entitled(ctx, site, story, sources, taken)
        taken[named.slug] = named.title
        choices.append(await _choice(ctx, site, named, demands))
    return choices


async def _near(ctx: Ctx, site: str, story: Story) -> list[ideas.Near]:
    """The documents most like a story, and first of all the one under its slug."""
    if not story.pages:
        return []
    return await ctx.deps.documents.near(site, story.slug, story.pages[0].text_sha256)


async def _entitled(
    ctx: Ctx, site: Site, story: Story, sources: Sequence[str], taken: Mapping[str, str]
) -> Story:
    """A story with its title and slug. What pages alone tell takes the first title that is free,
    unless the site tells it already: then it comes to nothing, or to that article.
    """
    store, title = ctx.deps.ideas, story.title
    if not title:
        same = ctx.deps.documents.scale.same
        known = any(one.likeness >= same for one in await _near(ctx, site.name, story))
        titles = [clean_title(each) for each in story.source_titles]
        texts = [page.text for page in story.pages]
        for title in naming.of_story(titles, texts, site.language, sources):
            if (known and slug_of(title) not in taken) or await store.is_free(
                site.name, title, taken
            ):
                break
    slug = await store.slug_for(site.name, title, taken)
    return replace(story, title=title, slug=slug)


async def _choice(ctx: Ctx, site: Site, story: Story, demands: Sequence[Demand]) -> ideas.Choice:
    documents, now = ctx.deps.documents, datetime.now(UTC)
    scale, near = documents.scale, await _near(ctx, site.name, story)
    competing = await documents.competing(site.name, story.title, language=site.language)
    factors = ideas.factors(
        story,
        near,
        demands,
        now,
        same=scale.same,
        related=scale.related,
        rivalry=competing[0].similarity if competing else 0.0,
        pillars=site.subjects,
        language=site.language,
    )
    close = [one for one in near if one.likeness >= scale.same or one.slug == story.slug]
    if close:
        close[0] = replace(close[0], sources=await documents.sources(site.name, close[0].slug))
    return ideas.decide(story, close, factors, ctx.deps.config.research, now)
