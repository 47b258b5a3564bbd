"""Calls of models: the list, and one with what was sent and what came back."""

from __future__ import annotations

from typing import Any

from overnight.console.extension import Context, Values
from overnight.console.pages.common import HIGHEST_ID, ROWS, number, older, titled
from overnight.operations import queries
from overnight.operations import runs as operations


async def calls(context: Context, values: Values) -> dict[str, Any]:
    """Calls of models, the newest first, a page at a time; of one job where one is named."""
    job = values.get("job", "").strip().lower()
    whole = await operations.find_job(context.database, job) if job else None
    before = number(values.get("before"), 0, most=HIGHEST_ID) or None
    rows = await queries.calls(context.database, whole, limit=ROWS, before=before)
    return {"rows": await titled(context, rows), "older": older(rows, {"job": whole})}


async def call(context: Context, values: Values) -> dict[str, Any]:
    """What a model was asked in one call, and what it answered."""
    row = await queries.call(context.database, number(values["call"], 0, most=HIGHEST_ID))
    (row,) = await titled(context, [row])
    return {"call": row}
