"""The whole flow on one page.

04:00 → night: a research job for each active site
        research: a source job for each source
        source: read it → a feed or a sitemap gives source jobs, a page gives a topic → topic.validated
        demand: gather → what people look for, kept for the scores of topics
        article: generate → gate → (wait) → publish → ping
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Literal
from zoneinfo import ZoneInfo

from contentstudio import evidence, gates
from contentstudio.config import (
    Config,
    FeedSource,
    KeywordsSource,
    PageSource,
    SearchConsoleSource,
    Site,
    SitemapSource,
)
from contentstudio.gates import facts
from contentstudio.gates.case import Case, Link, Unknown
from contentstudio.indexing import indexnow
from contentstudio.indexing.indexnow import Pinged
from contentstudio.model import Draft, Model, Published, Snapshot, Verdict
from contentstudio.publish import render
from contentstudio.publish.port import content_sha256
from contentstudio.research import demands, extract, feeds, search_console, sitemaps, topics
from contentstudio.research.extract import NoContent
from contentstudio.research.fetch import Fetched
from contentstudio.research.manners import Disallowed, HostBusy
from contentstudio.research.records import Reader
from contentstudio.studio import Studio
from contentstudio.writing.offline import TooThin
from overnight import (
    App,
    Cancel,
    Context,
    Cron,
    Debounce,
    NoWork,
    On,
    Pipeline,
    Retry,
    Review,
    Snooze,
    control,
    hash_id,
    job_id,
)
from overnight.database import Database
from overnight.errors import BudgetSpent, InvalidPayload, Permanent
from overnight.llm.fallback import AllResting

Ctx = Context[Studio]

WAITING_SECONDS = 280  # beside the reading itself: for the turn at hosts, for robots.txt, and a sitemap's many files
WRITING_CALLS = 4  # one after another, for which there is time in an attempt; the next one goes on with what is stored


class Night(Model):
    """One night of these sites; `date` is the slot's day in the schedule's zone."""

    date: date
    sites: list[str]


class SiteNight(Model):
    """One site's research of one night."""

    site: str
    date: date


class Source(Model):
    """One URL that a site reads in one night: one of the config, or a page that such a feed or sitemap lists.

    `any` is a feed or a page, whichever comes; `match` and `hosts` are of a sitemap.
    """

    site: str
    url: str
    date: date
    kind: Literal["any", "feed", "page", "sitemap"] = "any"
    match: str = ""
    hosts: tuple[str, ...] = ()


class Demanded(Model):
    """A source of demands, to be asked in one night."""

    site: str
    source: KeywordsSource | SearchConsoleSource
    date: date


class Topic(Model):
    """A topic that is worth an article; `date` is the day it was found."""

    site: str
    slug: str
    date: date


class Found(Model):
    """What a source gave: the slug of a topic, how many entries a feed has or pages of a sitemap are read tonight, or
    how many demands were kept. `faults` are what could not be read beside that.
    """

    slug: str | None = None
    entries: int = 0
    demands: int = 0
    faults: tuple[str, ...] = ()


class Judged(Model):
    """A draft with what every gate said of it."""

    draft: Draft
    verdicts: list[Verdict]


async def sites(ctx: Ctx, night: Night) -> list[str]:
    """Start the research of every active site."""
    for site in night.sites:
        ctx.spawn("research", SiteNight(site=site, date=night.date))
    return night.sites


async def plan(ctx: Ctx, work: SiteNight) -> list[str]:
    """Start the reading of every source of a site."""
    return [ctx.spawn(pipeline, job) for pipeline, job in _jobs(ctx.deps.config.find(work.site), work.date)]


def _jobs(site: Site, day: date) -> list[tuple[str, Source | Demanded]]:
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


async def generate(ctx: Ctx, topic: Topic) -> Draft | Cancel | Snooze:
    """Write the article. Each answer of a model is stored before anything else happens, so no retry pays again."""
    title, snapshots = await ctx.deps.memory.topic(topic.site, topic.slug)
    try:
        draft = await ctx.deps.writer.write(ctx, ctx.deps.config.find(topic.site), topic.slug, title, snapshots)
    except TooThin as thin:
        return Cancel(str(thin))
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))
    await evidence.keep(ctx.ledger.database, ctx.job_id, draft, snapshots)
    return draft


async def gate(ctx: Ctx, draft: Draft) -> Judged | Review:
    """Ask every gate. What other words may mend is rewritten, as often as the config allows; what fails then is for a
    person.
    """
    database, site = ctx.ledger.database, ctx.deps.config.find(draft.site)
    place = await facts.take_place(database, site.name, ctx.job_id)
    verdicts = await _judged(ctx, site, draft, place, 0)
    notes: list[str] = []
    for rewrite in range(1, ctx.deps.config.writing.rewrites + 1):
        reasons = gates.to_mend(verdicts)
        again = await _rewritten(ctx, site, draft, reasons, notes) if reasons else None
        if again is None:
            break
        draft, verdicts = again, await _judged(ctx, site, again, place, rewrite)
    judged = Judged(draft=draft, verdicts=verdicts)
    failed = [f"{verdict.gate}: {verdict.reason}" for verdict in verdicts if not verdict.passed]
    if not failed:
        return judged
    await facts.give_place_back(database, site.name, ctx.job_id)
    return Review([*failed, *notes], judged)


async def _judged(ctx: Ctx, site: Site, draft: Draft, place: tuple[date, int], rewrite: int) -> list[Verdict]:
    """What every gate says, kept. The facts are gathered here, so that the gates need nobody."""
    database = ctx.ledger.database
    pool = await _pool(ctx, draft)
    page = await asyncio.to_thread(_page_of, site, draft)
    links = Unknown("there is no page") if isinstance(page, Unknown) else await _links(ctx, site, draft, page)
    case = Case(
        *(draft, pool, site, page, links),
        neighbours=await facts.neighbours(database, ctx.job_id),
        others_today=place[1],
        canary=ctx.deps.writer.canary(ctx.job_id),
        today=place[0],
    )
    verdicts = await asyncio.to_thread(gates.judge, case)
    await facts.keep_verdicts(database, ctx.job_id, ctx.attempt, rewrite, verdicts)
    return verdicts


async def _pool(ctx: Ctx, draft: Draft) -> dict[str, Snapshot]:
    """The texts that a draft may cite, by the ids that it knows them by."""
    texts = await ctx.deps.memory.snapshots(reference.sha256 for reference in draft.references)
    return {r.id: texts[r.sha256] for r in draft.references if r.sha256 in texts}


def _page_of(site: Site, draft: Draft) -> str | Unknown:
    """The article as its site will show it."""
    now = datetime.now(UTC)
    try:
        return render.article(site, draft, published_at=now, updated_at=now)
    except InvalidPayload as error:
        return Unknown(f"it cannot be rendered: {error}")


async def _links(ctx: Ctx, site: Site, draft: Draft, page: str) -> dict[str, Link]:
    lately = await facts.read_lately(ctx.ledger.database, [reference.sha256 for reference in draft.references])
    return await facts.ask(ctx.deps.fetcher, facts.links_of(page, site.url, draft.slug), lately)


async def _rewritten(ctx: Ctx, site: Site, draft: Draft, reasons: list[str], notes: list[str]) -> Draft | None:
    """The draft once more, written with the reasons in view; None, with a note, where that is not to be had."""
    try:
        snapshots = list((await _pool(ctx, draft)).values())
        again = await ctx.deps.writer.rewrite(ctx, site, draft, snapshots, reasons)
    except (BudgetSpent, Permanent) as error:
        notes.append(f"rewrite: It was not made: {error}")
        return None
    if again is not None:
        await evidence.keep(ctx.ledger.database, ctx.job_id, again, snapshots)
    return again


async def publish(ctx: Ctx, judged: Judged) -> Published:
    """Put the article on its site, with the slug as the key."""
    draft = judged.draft
    publisher = ctx.deps.publisher(draft.site)
    sha256 = content_sha256(draft)

    async def probe() -> Published | None:
        there = await asyncio.to_thread(publisher.find, draft.slug)
        if there is None or there.sha256 != sha256:
            return None
        return Published(url=there.url, action=there.action, path=there.path, sha256=sha256)

    async def call() -> Published:
        published = await asyncio.to_thread(publisher.publish, draft, published_at=datetime.now(UTC))
        interrupted = published.action == "unchanged" and ctx.attempt > 1  # an earlier attempt of ours wrote it
        return (await probe() if interrupted else None) or published

    async with ctx.deps.turn(draft.site):
        return Published(**await ctx.effect("publish", content=sha256, call=call, probe=probe))


async def ping(ctx: Ctx, published: Published) -> Pinged:
    """Tell the search engines. Told twice is told once, so a crash in between just tells them again."""
    site = ctx.deps.config.find(ctx.run.key)
    if published.action == "unchanged":
        return Pinged(url=published.url, state="unchanged")

    async def call() -> Pinged:
        return await indexnow.ping(site, published.url)

    told: Any = await ctx.effect("ping", content=published.sha256, call=call, repeatable=True)
    return Pinged(**told)


def night_of(config: Config, moment: datetime) -> Night:
    """The night that a moment belongs to, in the schedule's zone: the same job as the slot of that day."""
    day = moment.astimezone(ZoneInfo(config.research.timezone)).date()
    return Night(date=day, sites=[site.name for site in config.site if site.active])


async def begin(app: App, database: Database, config: Config, moment: datetime) -> bool:
    """Begin tonight's work by hand. False where it had been begun; then what the config gained since is begun."""
    night = night_of(config, moment)
    _, new = await control.start(app, database, "night", night)
    for name in [] if new else night.sites:
        for pipeline, job in _jobs(config.find(name), night.date):
            await control.start(app, database, pipeline, job)
    return new


def _source_id(source: Source | Demanded) -> str:
    """URLs tell capitals apart, which an id does not: so what is read goes in as its own hash."""
    what = source.model_dump_json(exclude={"site", "date"})
    return hash_id(source.site, hashlib.sha256(what.encode()).hexdigest(), str(source.date))


def build(config: Config) -> list[Pipeline]:
    """The pipelines, each step with its policy."""
    nightly = Cron(config.research.cron, config.research.timezone, input=lambda slot: night_of(config, slot))
    deadline = config.writing.deadline_seconds

    night = Pipeline("night", on=[nightly], id=lambda n: hash_id("night", str(n.date), *n.sites))
    night.step(sites)

    research = Pipeline("research", id=lambda r: hash_id(r.site, str(r.date)), key=lambda r: r.site)
    research.step(plan)

    source = Pipeline("source", id=_source_id, key=lambda s: s.site)
    source.step(read, retry=Retry(3), timeout=config.fetch.timeout_seconds + WAITING_SECONDS)

    demand = Pipeline("demand", id=_source_id, key=lambda d: d.site)
    demand.step(gather, retry=Retry(3), timeout=300, breaker="search_console")

    article = Pipeline(
        "article",
        on=[On("topic.validated")],
        id=lambda t: job_id(t.slug, t.site, str(t.date)),
        key=lambda t: t.site,
    )
    wait = config.publishing.debounce_seconds
    last_look = Debounce(wait, at_most=max(wait, config.publishing.debounce_at_most_seconds))
    # With a fallback each model has a breaker of its own: where this one held the step, nobody would ask the other.
    breaker = "writer" if config.writing.fallback is None else None
    article.step(generate, retry=Retry(3), timeout=WRITING_CALLS * deadline + 60, breaker=breaker)
    article.step(gate, retry=Retry(3), timeout=(1 + config.writing.rewrites) * (deadline + 120))
    article.step(publish, retry=Retry(3), timeout=120, after=last_look, breaker="cms {key}")
    article.step(ping, retry=Retry(3), timeout=60, breaker="indexnow")
    return [night, research, source, demand, article]
