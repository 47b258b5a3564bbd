"""The steps that others see: the article on its site, and the search engines told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from contentstudio.config import Config, RemoteCms, Site, Static, Window, windows
from contentstudio.google import indexing
from contentstudio.indexing import indexnow
from contentstudio.indexing.indexnow import Pinged
from contentstudio.model import Draft, Existing, Published
from contentstudio.pipelines import pace, picturing
from contentstudio.pipelines.work import (
    ArticleRequest,
    Ctx,
    Inspected,
    Judged,
    Night,
    Rendered,
    SiteNight,
    SiteRequest,
    Swept,
    Unpublished,
)
from contentstudio.publish.port import GONE, Article, Conflict, Effect
from contentstudio.publish.static import StaticPublisher
from contentstudio.store.publications import PublishLock
from contentstudio.writing.offline import WRITER as OFFLINE
from overnight import Cancel, NoWork, Review, Snooze
from overnight.errors import LedgerUnavailable, Permanent, Transient

MOMENT = "%Y-%m-%d %H:%M"
BUSY_SECONDS = 3.0  # after which a slug that another job is at is tried again


async def publish(ctx: Ctx, judged: Judged) -> Published | Review | Snooze:
    """Put the article on its site, with the slug as the key. What a person changed there is for a
    person.
    """
    deps, draft = ctx.deps, judged.draft
    site = deps.config.find(draft.site)
    window = (
        site.window if ctx.run.pipeline == "article" else None
    )  # a person who asks by name does not wait for it
    if window is not None:
        wait = await pace.held(deps.config, deps.publications, site.name, draft.slug, ctx.job_id)
        if wait is not None:
            seconds, why = wait
            return Snooze(seconds, f"{why}{await _failing(ctx)}")
    await deps.articles.move(draft, ctx.job_id, "ready")
    pictures = await picturing.bytes_of(deps, site, draft)
    article = _article(deps.config, site, judged, pictures, await _newest_source(ctx, draft))
    locks, publishers = deps.locks.take(site.name, draft.slug), deps.publisher(site.name)
    async with patient(ctx, site, window), locks as lock, publishers as publisher:
        if lock is None:
            return Snooze(BUSY_SECONDS, f"another job is publishing “{draft.slug}”")
        recorded = await deps.publications.read(site.name, draft.slug)
        await deps.publications.begin(site.name, draft.slug, article.sha256, ctx.job_id)
        try:
            published, there = await publisher.publish(
                article, _effect(ctx, lock), recorded.existing, [*recorded.begun, article.sha256]
            )
        except Conflict as conflict:
            await deps.articles.move(draft, ctx.job_id, "review")
            return _for_a_person(ctx.job_id, article, conflict, recorded.existing)
        if (
            there.state == "published" and published.action != "unchanged" and article.indexed
        ):  # before it is kept, or a crash forgets it
            await deps.index.note_change(site.name, draft.slug, published.url, ctx.job_id)
        there = there.model_copy(update={"differs": published.differs})
        await deps.publications.keep(site.name, draft, article.sha256, there, ctx.job_id)
    await deps.documents.keep_draft(draft, "published", ctx.job_id, published.url)
    await deps.articles.publish(draft, ctx.job_id, published.url)
    return published.model_copy(update={"indexed": article.indexed})


@asynccontextmanager
async def patient(ctx: Ctx, site: Site, window: Window | None) -> AsyncIterator[None]:
    """What a CMS that is away raises within says since when, and until when it is tried again;
    after that it is permanent. The hours count, not the attempts: a closed window, an open breaker
    and a `Retry-After` take their time.
    """
    try:
        yield
    except LedgerUnavailable:
        raise
    except Transient as error:
        publications = ctx.deps.publications
        since, now = await publications.failing_since(ctx.run.id, ctx.run.failures)
        until = windows.gives_up_at(window, since, ctx.deps.config.publishing.retry_hours)
        if now < until:
            message = (
                f"{error}; not done since {since:{MOMENT}} UTC, and tried again until "
                f"{until:{MOMENT}} UTC"
            )
            raise Transient(message, retry_after=error.retry_after) from error
        raise Permanent(
            f"“{site.name}” cannot be written to since {since:{MOMENT}} UTC "
            f"({ctx.run.failures + 1} tries; the last: "
            f"{error}), so this was given up: replay it when the site answers again"
        ) from error


async def _failing(ctx: Ctx) -> str:
    """How a sentence on waiting goes on for an article that failed before."""
    if not ctx.run.failures:
        return ""
    since, _ = await ctx.deps.publications.failing_since(ctx.run.id, ctx.run.failures)
    return (
        ", and the site did not take the article when it was open (first failure "
        f"{since:{MOMENT}} UTC)"
    )


async def _newest_source(ctx: Ctx, draft: Draft) -> datetime | None:
    """The date of an article of the offline writer, which has no news of its own: that of its
    newest source.
    """
    if draft.writer != OFFLINE:
        return None
    snapshots = await ctx.deps.snapshots.read(reference.sha256 for reference in draft.references)
    return max((s.published_at for s in snapshots.values() if s.published_at), default=None)


def _article(
    config: Config,
    site: Site,
    judged: Judged,
    pictures: Mapping[str, bytes],
    source_date: datetime | None,
) -> Article:
    """The draft on its way out, with the bytes of its pictures."""
    state = "published" if isinstance(site.publish, Static) else site.publish.state
    now = datetime.now(UTC)
    return Article(
        judged.draft,
        min(source_date or now, now),
        state,
        pictures,
        judged.over,
        indexed=judged.draft.writer != OFFLINE or config.writing.offline_articles == "publish",
        backdated=source_date is not None and source_date < now,
    )


def _effect(ctx: Ctx, lock: PublishLock) -> Effect:
    """The effect ledger, asked for permission only while the lock is still ours."""

    async def effect(
        name: str, *, content: Any, call: Callable[[], Awaitable[Any]], **options: Any
    ) -> Any:
        await lock.check()
        return await ctx.effect(name, content=content, call=call, **options)

    return effect


def _for_a_person(
    job_id: str, article: Article, conflict: Conflict, recorded: Existing | None
) -> Review:
    """Nothing was written. Approved, what stands there stays; `articles.overwrite` has ours written
    over it.
    """
    there = conflict.there
    over = there.fingerprint if there else GONE
    where = "in its place" if there or recorded else "all the same"
    ours = f"; contentstudio overwrite {job_id} --reason … publishes ours {where}" if over else ""
    stays = there or recorded or Existing(url=conflict.url, sha256=None)
    return Review(
        [
            f"{conflict}, so it was left as it is",
            f"approve, and it stays{ours}",
        ],
        Published(url=stays.url, action="left", path=stays.path, sha256=article.sha256, over=over),
    )


async def before(ctx: Ctx, request: ArticleRequest) -> Judged | Cancel:
    """An earlier version, to be published again; it was judged when it was."""
    draft = await ctx.deps.publications.version_before(request.site, request.slug, request.version)
    if draft is not None:
        return Judged(draft=draft, verdicts=[])
    what = "version before this one" if request.version is None else f"version {request.version}"
    return Cancel(f"“{request.slug}” has no {what}")


async def last(ctx: Ctx, request: ArticleRequest) -> Judged | Cancel:
    """What was approved last, to be published again; it was judged when it was."""
    draft = await ctx.deps.publications.approved(request.site, request.slug)
    return (
        Judged(draft=draft, verdicts=[])
        if draft
        else Cancel(f"nothing of “{request.slug}” was approved yet")
    )


async def unpublish(ctx: Ctx, request: ArticleRequest) -> Unpublished | NoWork | Review | Snooze:
    """Take an article from readers; what we know of it is kept."""
    deps, site = ctx.deps, ctx.deps.config.find(request.site)
    locks, publishers = deps.locks.take(request.site, request.slug), deps.publisher(request.site)
    async with patient(ctx, site, None), locks as lock, publishers as publisher:
        if lock is None:
            return Snooze(BUSY_SECONDS, f"another job is publishing “{request.slug}”")
        recorded = (await deps.publications.read(request.site, request.slug)).existing
        if recorded is None:
            return NoWork(f"“{request.slug}” was not published by us")
        try:
            there = await publisher.unpublish(request.slug, _effect(ctx, lock), recorded)
        except Conflict as conflict:
            reasons = [f"{conflict}, so it was left as it is", "approve, and it stays"]
            return Review(reasons, Unpublished(url=recorded.url, state="left"))
        await deps.publications.keep_state(request.site, request.slug, there)
        await deps.index.forget(request.site, request.slug)
        await deps.articles.unpublish(request.site, request.slug, ctx.job_id)
    return Unpublished(url=recorded.url, state="draft" if there else "gone")


async def render(ctx: Ctx, work: SiteRequest) -> Rendered | NoWork:
    """Make the pages of a static site again, of the drafts that stand there."""
    drafts, fingerprints = await ctx.deps.publications.current(work.site)
    async with ctx.deps.publisher(work.site) as publisher:
        if not isinstance(publisher, StaticPublisher):
            return NoWork(f"the CMS of “{work.site}” makes its pages")
        rendered, left = await publisher.render_again(drafts, fingerprints, ctx.effect)
    return Rendered(pages=len(rendered), left=tuple(left))


async def sites_to_sweep(ctx: Ctx, night: Night) -> list[str]:
    """A sweep of each site that has a CMS, where something may lie about."""
    remote = [
        site
        for site in ctx.deps.config.site
        if site.name in night.sites and isinstance(site.publish, RemoteCms)
    ]
    return [ctx.spawn("sweep", SiteNight(site=site.name, date=night.date)) for site in remote]


async def sweep(ctx: Ctx, work: SiteNight) -> Swept | NoWork:
    """Remove what was begun on a site and never went on."""
    async with ctx.deps.publisher(work.site) as publisher:
        slugs = await publisher.sweep(
            ctx.effect, partial(ctx.deps.publications.under_way, work.site)
        )
    return Swept(slugs=tuple(slugs)) if slugs else NoWork("nothing lay about")


async def ping(ctx: Ctx, published: Published) -> Pinged | Snooze:
    """Tell the endpoint of IndexNow, which may know already by the ping of another page."""
    site, index = ctx.deps.config.find(ctx.run.key), ctx.deps.index
    await ctx.deps.articles.decide(ctx.job_id, "published")  # where a person let another one stand
    if site.ping.endpoint is None or not published.indexed:
        return Pinged(url=published.url, state="none")
    status = await index.ping_status(site.name, published.url, site.ping.apart_seconds)
    if status is None or (status.submitted and published.action in ("unchanged", "left")):
        return Pinged(url=published.url, state="unchanged")
    if status.submitted:
        return Pinged(url=published.url, state="accepted" if status.accepted else "submitted")
    if status.wait:
        return Snooze(status.wait, f"{published.url} was told of a moment ago")
    await indexnow.check_key(index, ctx.deps.fetcher, site)

    async def call() -> Pinged:
        return await indexnow.ping(index, site, published.url)

    answer: Any = await ctx.effect("ping", content=published.sha256, call=call, repeatable=True)
    return Pinged(**answer)


async def sites_to_inspect(ctx: Ctx, night: Night) -> list[str]:
    """An inspection of each site that has a property of Search Console."""
    sites = [
        site for site in ctx.deps.config.site if site.name in night.sites and site.search_console
    ]
    return [ctx.spawn("inspection", SiteNight(site=site.name, date=night.date)) for site in sites]


async def inspect(ctx: Ctx, work: SiteNight) -> Inspected | NoWork:
    """Submit the sitemap where something changed, and ask what became of pages. Each answer is kept
    as it comes.
    """
    site, index = ctx.deps.config.find(work.site), ctx.deps.index
    if site.search_console is None:
        return NoWork("the site has no property of Search Console any more")
    news = await index.sitemap_news(site.name)
    pages = await index.due(site.name, site.search_console.inspections)
    if news is None and not pages:
        return NoWork("nothing changed, and every page was asked about lately")
    indexed: list[str] = []
    async with indexing.opened(ctx.deps.config, site.search_console) as console:
        if news is not None:
            await ctx.effect(
                "sitemap",
                content=site.sitemap,
                call=partial(console.submit, site.sitemap),
                repeatable=True,
            )
            await index.keep_sitemap(site.name, news)
        for slug, url in pages:
            answer = await console.inspect(url)
            await index.keep_verdict(site.name, slug, **answer.model_dump())
            indexed += [url] if answer.indexed else []
    return Inspected(
        sitemap=site.sitemap if news else None, pages=len(pages), indexed=tuple(indexed)
    )
