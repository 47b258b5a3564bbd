"""A data sync: pages of an HTTP API become rows of a table in the same Postgres, every night.

Shown: a job for each page, which starts the next one; a rate limit and a breaker; conditional
requests, so that a page without news ends as NoWork; tables of one's own (shop_tables/sql), with
upserts by key, so that storing twice equals storing once.

    python shop_api.py &
    overnight --app data_sync:app start sync '{"slot": "by hand"}'
    overnight --app data_sync:app worker --until-idle

Without --until-idle the worker stays, and fires the schedule.
"""

import asyncio
import json
import os
from contextlib import nullcontext
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from pydantic import BaseModel

from overnight import App, Context, Cron, Limit, NoWork, Pipeline, Retry
from overnight.store.database import Database
from overnight.store.sql import SqlFolder

SHOP = os.environ.get("SHOP_URL", "http://127.0.0.1:8402")
Ctx = Context[Database]
tables = SqlFolder("shop_tables")


class Page(BaseModel):
    slot: str
    cursor: str = ""


class Goods(Page):
    etag: str
    next: str | None
    items: list[dict[str, Any]]


def get(url: str, etag: str) -> tuple[dict[str, Any], str] | None:
    """The JSON of a page and its mark, or None where it still is what that mark stands for."""
    try:
        with urlopen(Request(url, headers={"If-None-Match": etag}), timeout=10) as answer:  # noqa: S310
            return json.load(answer), answer.headers["ETag"]
    except HTTPError as error:
        if error.code == 304:
            return None
        raise  # a 429 and a 5xx are retried, a 404 is not


sync = Pipeline("sync", on=[Cron("0 4 * * *")], expect_within=3600)


@sync.step(retry=Retry(6), timeout=30, breaker="shop", limits=[Limit("shop", starts=10, per=1.0)])
async def pull(ctx: Ctx, page: Page) -> Goods | NoWork:
    before = await ctx.deps.one(tables["page"], {"cursor": page.cursor})
    etag = before["etag"] if before else ""
    if answer := await asyncio.to_thread(get, f"{SHOP}/items?cursor={page.cursor}", etag):
        return Goods(slot=page.slot, cursor=page.cursor, etag=answer[1], **answer[0])
    if before and before["next"]:
        ctx.spawn("sync", Page(slot=page.slot, cursor=before["next"]))
    return NoWork("the page is what it was")


@sync.step
async def store(ctx: Ctx, goods: Goods) -> None:
    await ctx.deps.fetch(tables["store"], {**goods.model_dump(), "items": json.dumps(goods.items)})
    if goods.next:
        ctx.spawn("sync", Page(slot=goods.slot, cursor=goods.next))


app = App("data_sync", [sync], resources=nullcontext, schema=tables)
