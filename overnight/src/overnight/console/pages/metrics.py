"""The golden signals as charts."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

from overnight.console.charts import bars, chart
from overnight.console.extension import Context, Values
from overnight.console.pages.common import number
from overnight.observability import charts

MARKED = (
    "latency",
    "errors",
    "cost",
    "saturation",
)  # what is unusual of these is a mark in its chart


async def signals(context: Context, values: Values) -> dict[str, Any]:
    """The golden signals as charts: latency, traffic, errors, saturation, and cost; what is unusual
    is marked.
    """
    database, hours = context.database, number(values.get("hours"), 24, most=24 * 90)
    now = await charts.ledger_now(database)
    since, month = now - timedelta(hours=hours), now - timedelta(days=30)
    unusual = await charts.anomalies(database, now)
    marks = {kind: [each for each in unusual if each.kind == kind] for kind in MARKED}
    tallies = await charts.tallies(database, since, now=now)
    queue = await charts.saturation(database, since, now=now)
    latency, traffic, errors = (
        charts.latency(tallies),
        charts.traffic(tallies),
        charts.errors(tallies),
    )
    costs = await charts.cost(database, month, now=now)
    draw = partial(chart, since=since)
    retries = Counter[int]()
    for tally in tallies:
        retries.update(tally.failures)
    return {
        "hours": hours,
        "anomalies": unusual,
        "steps": charts.steps(await charts.tallies(database, since, span=charts.WHOLE, now=now)),
        "charts": [
            draw(
                "Latency, p95",
                latency,
                "p95_seconds",
                name="step",
                unit=" s",
                marks=marks["latency"],
            ),
            draw("Latency, p50", latency, "p50_seconds", name="step", unit=" s"),
            draw("Traffic: attempts that ended", traffic, "attempts", name="step"),
            draw(
                "Errors: attempts that failed", errors, "failed", name="step", marks=marks["errors"]
            ),
            draw(
                "Waiting: the oldest due",
                queue,
                "oldest_due_seconds",
                unit=" s",
                marks=marks["saturation"],
            ),
            draw("Waiting: how many are due", queue, "due"),
            chart("Cost a day", costs, "cost_usd", unit=" $", since=month, marks=marks["cost"]),
        ],
        "retries": bars(
            "Retries to success", retries, lambda n: "10 or more" if n >= 10 else str(n)
        ),
        "costs": [
            (
                f"Cost by {context.app.key_name}",
                await charts.cost_of_each(database, since, "key", now),
            ),
            ("Cost by model", await charts.cost_of_each(database, since, "model", now)),
        ],
    }
