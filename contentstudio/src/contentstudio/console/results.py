"""Results: what articles earned, what they cost, and what to do about it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

from contentstudio import results
from contentstudio.config import Config
from contentstudio.console.common import chosen, names
from overnight.console.charts import chart
from overnight.console.extension import Context, Page, Values
from overnight.observability import charts

NAMES = {"clicks": "Clicks a day", "impressions": "Impressions a day", "visits": "Visits a day"}


def pages(config: Config) -> tuple[Page, ...]:
    read = partial(_results, config)
    return (Page("/results", "results.html", read, "Results", "y", "desk", "results"),)


async def _results(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """What a site, or all of them, earned and cost."""
    site = chosen(config, values)
    overview = await results.overview(config, context.database, site)
    since = await charts.ago(context.database, timedelta(days=2 * overview["days"]))
    points = [
        {**row.model_dump(), "at": datetime.combine(row.day, time(), UTC)}
        for row in overview["by_day"]
    ]
    drawn = [
        chart(title, points, value, since=since)
        for value, title in NAMES.items()
        if any(row[value] for row in points)
    ]
    return {**overview, "site": site, "site_names": names(config), "charts": drawn}
