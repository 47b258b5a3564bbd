"""Search over all that has a page: pages of the menu, what the app finds, keys, and jobs by id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from overnight.console.extension import Context, Found, Page, Values
from overnight.operations import runs
from overnight.store.database import Row
from overnight.titles import titles_of

MAX_TEXT = 200  # characters of what is searched for; no name is longer
MAX_KEYS = 8
MIN_ID = 4  # characters: of fewer any job would match


async def search(context: Context, text: str, pages: Sequence[Page] = ()) -> list[Found]:
    """What a text finds, the best first: what the app has, keys, jobs by id, and `pages`."""
    text = " ".join(text.split())[:MAX_TEXT]
    found = [each for each in map(_page, pages) if text.lower() in each.title.lower()]
    if not text:
        return found
    own = await context.own.search(context.database, text) if context.own.search else ()
    return [*own, *_keys(context, text, own), *found, *await _jobs(context, text)]


def _page(page: Page) -> Found:
    return Found(page.path, page.title, "page")


def _keys(context: Context, text: str, own: Sequence[Found]) -> list[Found]:
    """The runs of a key, unless the app has a page for it."""
    name = context.app.key_name
    if any(each.kind == name for each in own):
        return []
    keys = [key for key in context.app.keys() or () if text.lower() in key.lower()]
    return [Found(f"/runs?key={quote(key)}", key, name) for key in keys[:MAX_KEYS]]


async def _jobs(context: Context, text: str) -> list[Found]:
    """Jobs whose id begins so."""
    if len(text) < MIN_ID or " " in text:
        return []
    rows = await runs.jobs_named(context.database, text)
    titles = await titles_of(context.app, context.database, [row["job_id"] for row in rows])
    return [_job(row, titles.get(row["job_id"])) for row in rows]


def _job(row: Row, title: str | None) -> Found:
    job = row["job_id"]
    line = f"{row['pipeline']}, {job[:12]}" if title else row["pipeline"] or ""
    return Found(f"/jobs/{quote(job, safe='')}", title or job, "job", line)


async def page(context: Context, values: Values, pages: Sequence[Page]) -> dict[str, Any]:
    """The results of `q`, by their kind."""
    text = values.get("q", "")
    groups: dict[str, list[Found]] = {}
    for each in await search(context, text, pages):
        groups.setdefault(each.kind, []).append(each)
    return {"text": text, "groups": groups}
