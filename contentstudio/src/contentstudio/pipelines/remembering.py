"""The steps that keep the memory: what a site has already, and which of its articles are worth
writing again.
"""

from __future__ import annotations

import asyncio
from functools import partial
from zoneinfo import ZoneInfo

from contentstudio.config import Site
from contentstudio.pipelines.work import (
    ArticleRequest,
    ChoiceResult,
    Ctx,
    ReadResult,
    RequestedTopic,
    SiteNight,
    Source,
    Topic,
    WeeklyRefresh,
)
from contentstudio.publish.port import OwnPost
from contentstudio.research import extract, refresh, sitemaps
from contentstudio.research.extract import NoContent
from contentstudio.web.fetch import Fetched
from contentstudio.web.polite import Disallowed, HostBusy
from overnight import Cancel, NoWork, Snooze
from overnight.errors import Permanent, Transient


async def remember(ctx: Ctx, work: SiteNight) -> ReadResult | NoWork | Cancel | Snooze:
    """Take in the posts that the site has, whoever wrote them, and forget those that it has no
    more.
    """
    site, documents = ctx.deps.config.find(work.site), ctx.deps.documents
    try:
        pages = await _listed(ctx, site, work)
    except HostBusy as busy:
        return Snooze(busy.retry_after or 0, str(busy))
    except Disallowed as refusal:
        return Cancel(str(refusal))
    urls = [*pages.entries, *await _at_the_publisher(ctx, site)]
    if not pages.faults:
        await documents.forget_own_posts(site.name, urls)
    return (
        ReadResult(entries=len(urls), faults=tuple(pages.faults))
        if urls
        else NoWork("the site has no posts yet")
    )


async def _listed(ctx: Ctx, site: Site, work: SiteNight) -> sitemaps.Listed:
    """What the sitemap of the owner's posts lists; some pages that are new or changed begin to be
    read.
    """
    if site.posts is None:
        return sitemaps.Listed()
    get = partial(ctx.deps.fetcher.get, types=sitemaps.TYPES, max_unpacked=sitemaps.MAX_UNPACKED)
    sitemap = await sitemaps.collect(get, site.posts)
    requested = await ctx.deps.pages.requested_at(site.name, list(sitemap.entries))
    for page in sitemaps.choose(
        sitemap.entries.values(), requested, ctx.deps.config.research.pages_per_sitemap
    ):
        ctx.spawn("source", Source(site=site.name, url=page.url, date=work.date, kind="own"))
    return sitemap


async def _at_the_publisher(ctx: Ctx, site: Site) -> list[str]:
    """The URLs of the posts where the site is published; those that are new or changed are taken
    in.
    """
    documents, urls = ctx.deps.documents, []
    recorded = await documents.known_since(site.name)
    async with ctx.deps.publisher(site.name) as publisher:
        async for post in publisher.posts():
            urls.append(post.url)
            if post.url not in recorded or post.modified > recorded[post.url]:
                await documents.keep_own_post(
                    site.name, post.url, post.title, await asyncio.to_thread(_text, post)
                )
    return urls


def _text(post: OwnPost) -> str:
    """The prose of a post, be it a whole page or its body; nothing where there is too
    little of it.
    """
    page = (
        post.html
        if "</html>" in post.html
        else f"<html><body><article>{post.html}</article></body></html>"
    )
    body = page.encode("utf-8", "replace")
    try:
        return extract.page(Fetched(post.url, post.url, 200, "text/html", "utf-8", body)).text
    except NoContent:
        return ""


async def again(ctx: Ctx, work: WeeklyRefresh) -> list[str]:
    """Start the look at the articles of every site."""
    return [ctx.spawn("renewal", SiteNight(site=site, date=work.date)) for site in work.sites]


async def renew(ctx: Ctx, work: SiteNight) -> ChoiceResult | NoWork:
    """Have articles written again whose sources changed or whose clicks fell, as many as the config
    allows.
    """
    documents, ideas = ctx.deps.documents, ctx.deps.ideas
    clicks = await ctx.deps.demands.clicks(work.site)
    language = ctx.deps.config.find(work.site).language
    articles = []
    for row in await documents.published(work.site):
        news = await documents.news(work.site, row)
        before, now = refresh.clicks(row["title"], clicks, language)
        changed = tuple(one["url"] for one in news if one["changed"])
        snapshots = tuple(dict.fromkeys(one["snapshot"] for one in news))
        articles.append(
            refresh.Article(row["slug"], row["title"], row["url"], before, now, changed, snapshots)
        )
    choices = refresh.choose(articles, ctx.deps.config.refresh)
    await ideas.keep(work.site, work.date, ctx.job_id, choices)
    targets = await ideas.targets(work.site, ctx.job_id)
    for slug, day in targets:
        ctx.emit("topic.validated", Topic(site=work.site, slug=slug, date=day))
    if not targets:
        return NoWork(f"of {len(articles)} articles none is to be written again")
    return ChoiceResult(
        pages=len(articles), stories=len(choices), slugs=tuple(slug for slug, _ in targets)
    )


async def reread(ctx: Ctx, request: ArticleRequest) -> ChoiceResult | Cancel | Snooze:
    """Read the sources of an article once more, and have it written again of what they say now. Of
    a source that cannot be read what it said last counts; where none can be read, this is tried
    again.
    """
    ideas = ctx.deps.ideas
    idea = await ideas.find(request.site, request.slug)
    snapshots = await ideas.texts(request.site, request.slug)
    if idea is None or not snapshots:
        return Cancel(f"the sources of “{request.slug}” are not known")
    hashes, faults = list[str](), list[Permanent | Transient]()
    for url in dict.fromkeys(snapshot.url for snapshot in snapshots):
        try:
            hashes.append(await _once_more(ctx, url))
        except HostBusy as busy:
            return Snooze(busy.retry_after or 0, str(busy))
        except (NoContent, Permanent, Transient) as fault:
            ctx.log.warning("source not read", url=url, error=str(fault))
            faults.append(fault)
    if faults and not hashes:
        raise faults[0]
    day = request.requested_at.astimezone(ZoneInfo(ctx.deps.config.research.timezone)).date()
    await ideas.keep(
        request.site,
        day,
        ctx.job_id,
        [refresh.requested(request.slug, idea["title"], snapshots, hashes)],
    )
    ctx.emit(
        "topic.validated",
        RequestedTopic(
            site=request.site, slug=request.slug, date=day, requested_at=request.requested_at
        ),
    )
    return ChoiceResult(pages=len(hashes), stories=1, slugs=(request.slug,))


async def _once_more(ctx: Ctx, url: str) -> str:
    """The hash of what a page says now, which is kept."""
    fetched = await ctx.deps.fetcher.get(url)
    snapshot = await asyncio.to_thread(extract.page, fetched)
    await ctx.deps.snapshots.keep(snapshot)
    return snapshot.sha256
