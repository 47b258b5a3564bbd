"""The whole flow on one page.

04:00 → night: a research job for each active site
        research: a source job for each source
        source: read it → a feed gives source jobs, a page gives a topic → topic.validated
        article: generate → gate → (wait) → publish → ping
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from contentstudio import gates
from contentstudio.config import Config
from contentstudio.indexing import indexnow
from contentstudio.indexing.indexnow import Pinged
from contentstudio.model import Draft, Model, Published, Snapshot, Verdict
from contentstudio.publish.port import content_sha256
from contentstudio.research import extract, feeds, topics
from contentstudio.research.extract import NoContent
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
    control,
    hash_id,
    job_id,
)
from overnight.database import Database

Ctx = Context[Studio]


class Night(Model):
    """One night of these sites; `date` is the slot's day in the schedule's zone."""

    date: date
    sites: list[str]


class SiteNight(Model):
    """One site's research of one night."""

    site: str
    date: date


class Source(Model):
    """One URL that a site reads in one night: a feed or a page of the config, or an entry of such a feed."""

    site: str
    url: str
    date: date


class Topic(Model):
    """A topic that is worth an article; `date` is the day it was found."""

    site: str
    slug: str
    date: date


class Found(Model):
    """What a source gave: the slug of a topic, or how many entries a feed has."""

    slug: str | None = None
    entries: int = 0


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
    urls = ctx.deps.config.find(work.site).sources
    for url in urls:
        ctx.spawn("source", Source(site=work.site, url=url, date=work.date))
    return urls


async def read(ctx: Ctx, source: Source) -> Found | NoWork | Cancel:
    """Read one URL. Only what the config names may be a feed, so that no feed can send us through feeds for ever."""
    fetched = await ctx.deps.fetcher.get(source.url)
    if source.url in ctx.deps.config.find(source.site).sources and feeds.looks_like_feed(fetched):
        entries = await asyncio.to_thread(feeds.parse, fetched.body, fetched.final_url)
        for entry in entries[: ctx.deps.config.research.entries_per_feed]:
            ctx.spawn("source", Source(site=source.site, url=entry.url, date=source.date))
        return Found(entries=len(entries)) if entries else NoWork("the feed has no entries")
    try:
        snapshot = await asyncio.to_thread(extract.page, fetched)
    except NoContent as nothing:
        return Cancel(str(nothing))
    return await _topic(ctx, source, snapshot)


async def _topic(ctx: Ctx, source: Source, snapshot: Snapshot) -> Found | NoWork | Cancel:
    """Keep what was read; a topic that is new tonight and good enough becomes an article job."""
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
    await ctx.deps.memory.keep_snapshot(snapshot)
    url, found_on = await ctx.deps.memory.keep_topic(
        site=site.name, slug=slug, title=title, snapshot=snapshot, factors=factors, found_on=source.date
    )
    if (url, found_on) != (snapshot.url, source.date):
        return NoWork(f"the topic “{slug}” is known since {found_on}, from {url}")
    ctx.emit("topic.validated", Topic(site=site.name, slug=slug, date=found_on))
    return Found(slug=slug)


async def generate(ctx: Ctx, topic: Topic) -> Draft | Cancel:
    """Write the article. The answer of a model is stored before anything else happens, so no retry pays again."""
    title, snapshots = await ctx.deps.memory.topic(topic.site, topic.slug)
    try:
        return await ctx.deps.writer.write(ctx, ctx.deps.config.find(topic.site), topic.slug, title, snapshots)
    except TooThin as thin:
        return Cancel(str(thin))


async def gate(ctx: Ctx, draft: Draft) -> Judged | Review:
    """Ask every gate; one that fails sends the article to a person instead of to the site."""
    texts = await ctx.deps.memory.snapshots(reference.sha256 for reference in draft.references)
    pool = {r.id: texts[r.sha256] for r in draft.references if r.sha256 in texts}
    verdicts = await asyncio.to_thread(gates.judge, draft, pool, ctx.deps.config.find(draft.site).gates)
    judged = Judged(draft=draft, verdicts=verdicts)
    failed = [f"{verdict.gate}: {verdict.reason}" for verdict in verdicts if not verdict.passed]
    return Review(failed, judged) if failed else judged


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
        for url in config.find(name).sources:
            await control.start(app, database, "source", Source(site=name, url=url, date=night.date))
    return new


def _source_id(source: Source) -> str:
    """URLs tell capitals apart, which an id does not: so the URL goes in as its own hash."""
    return hash_id(source.site, hashlib.sha256(source.url.encode()).hexdigest(), str(source.date))


def build(config: Config) -> list[Pipeline]:
    """The pipelines, each step with its policy."""
    nightly = Cron(config.research.cron, config.research.timezone, input=lambda slot: night_of(config, slot))
    deadline = config.writing.deadline_seconds

    night = Pipeline("night", on=[nightly], id=lambda n: hash_id("night", str(n.date), *n.sites))
    night.step(sites)

    research = Pipeline("research", id=lambda r: hash_id(r.site, str(r.date)), key=lambda r: r.site)
    research.step(plan)

    source = Pipeline("source", id=_source_id, key=lambda s: s.site)
    source.step(read, retry=Retry(3), timeout=config.fetch.timeout_seconds + 60)

    article = Pipeline(
        "article",
        on=[On("topic.validated")],
        id=lambda t: job_id(t.slug, t.site, str(t.date)),
        key=lambda t: t.site,
    )
    wait = config.publishing.debounce_seconds
    last_look = Debounce(wait, at_most=max(wait, config.publishing.debounce_at_most_seconds))
    article.step(generate, retry=Retry(3), timeout=deadline + 60, breaker="writer")
    article.step(gate, retry=Retry(0), timeout=120)
    article.step(publish, retry=Retry(3), timeout=120, after=last_look, breaker="cms {key}")
    article.step(ping, retry=Retry(3), timeout=60, breaker="indexnow")
    return [night, research, source, article]
