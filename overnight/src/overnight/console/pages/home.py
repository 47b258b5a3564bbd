"""The first page of an app without a desk: what hinders, what failed, what waits, what it cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from overnight.console.extension import Context, Values
from overnight.console.pages.alerts import named
from overnight.console.pages.common import number, titled
from overnight.llm import budgets
from overnight.operations import failures, incidents, queries

SHOWN = 10  # rows of each list


async def overview(context: Context, values: Values) -> dict[str, Any]:
    """What hinders the work, what needs a person, what it cost, and whether all is well."""
    database, app = context.database, context.app
    hours = number(values.get("hours"), 24, most=24 * 31)
    since = datetime.now(UTC) - timedelta(hours=hours)
    standing = await queries.standing(database, app)
    totals = await queries.since(database, since)
    troubles = await incidents.of(standing, database, app)
    now = totals["now"]
    return {
        "hours": hours,
        "workers": standing["workers"],
        "now": now,
        "incidents": troubles,
        "health": incidents.health(troubles, now["dead"], now["needs_review"]),
        "failures": await failures.read(database, app),
        "totals": totals,
        "waiting": await titled(context, await queries.review(database, limit=SHOWN)),
        "alerts": await named(context, await queries.alerts(database, limit=SHOWN)),
        "budgets": await budgets.read(database),
    }
