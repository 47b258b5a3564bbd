"""Schedules: the last and the next slot of each, and the slots that nobody started."""

from __future__ import annotations

from typing import Any

from overnight.console.extension import Context, Values
from overnight.console.pages.common import titled
from overnight.operations import incidents, queries


async def schedules(context: Context, _: Values) -> dict[str, Any]:
    rows = await queries.schedules(context.database, context.app)
    return {"rows": [_with_remedy(row, context) for row in await titled(context, rows)]}


def _with_remedy(row: dict[str, Any], context: Context) -> dict[str, Any]:
    """What starts the slot that is overdue, where there is one."""
    remedy = incidents.start_slot(row, context.app) if row["overdue"] else None
    return {**row, "remedy": remedy}
