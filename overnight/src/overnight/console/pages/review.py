"""What waits for a person: the list, and one item with its revision."""

from __future__ import annotations

from html import escape
from typing import Any

from overnight.console.extension import Context, Values
from overnight.console.pages.common import ROWS, titled
from overnight.errors import NotFound
from overnight.operations import queries


async def review(context: Context, _: Values) -> dict[str, Any]:
    rows = await queries.review(context.database, limit=ROWS)
    return {"rows": await titled(context, rows)}


async def review_item(context: Context, values: Values) -> dict[str, Any]:
    """One item that waits for a person, with its revision."""
    rows = await titled(context, await queries.review(context.database, values["job"], 1))
    if not rows:
        raise NotFound(f"nothing of job {values['job']} waits for review any more")
    verbs = [(name, verb.label) for name, verb in context.own.verbs.items() if verb.fits(rows[0])]
    return {"row": rows[0], "verbs": verbs}


async def preview(context: Context, job_id: str) -> str:
    """What waits for review as a page of HTML."""
    page = await context.own.preview(context.database, job_id) if context.own.preview else None
    if page is not None:
        return page
    row = (await review_item(context, {"job": job_id}))["row"]
    title = escape(row["title"] or job_id)
    return f"<!doctype html><title>{title}</title><pre>{escape(row['shown'])}</pre>"
