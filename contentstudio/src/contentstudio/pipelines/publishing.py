"""The steps that others see: the article on its site, and the search engines told of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from contentstudio.indexing import indexnow
from contentstudio.indexing.indexnow import Pinged
from contentstudio.model import Published
from contentstudio.pipelines.work import Ctx, Judged
from contentstudio.publish.port import content_sha256


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
