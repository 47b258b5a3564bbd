"""Alerts: what a person should know, and whether it reached one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from overnight.alerts import Alerts, rules
from overnight.console.extension import Context, Values
from overnight.console.pages.common import ROWS, titled
from overnight.operations import queries
from overnight.store.database import Row


async def alerts(context: Context, values: Values) -> dict[str, Any]:
    everything = "all" in values
    rows = await queries.alerts(context.database, everything=everything, limit=ROWS)
    settings = context.app.extension(Alerts)
    heartbeats = (
        await queries.heartbeats(context.database, context.app.name) if settings.heartbeat else []
    )
    return {
        "rows": await named(context, rows),
        "everything": everything,
        "channels": [channel.name for channel in settings.channels],
        "deliveries": await queries.deliveries(context.database, context.app.name),
        "heartbeats": heartbeats,
    }


async def named(context: Context, rows: Sequence[Row]) -> list[Row]:
    """Alerts as a message names them, each with the title of its job, and the page where something
    can be done about it.
    """
    return [
        {**row, **dict(zip(("what", "page"), rules.named(row["kind"], row["job_id"]), strict=True))}
        for row in await titled(context, rows)
    ]
