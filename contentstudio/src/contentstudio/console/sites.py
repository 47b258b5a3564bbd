"""Sites: what each is, and what the last days brought it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from contentstudio.config import Config
from contentstudio.store.nights import Nights
from overnight.console.extension import Context, Page, Values
from overnight.observability import charts
from overnight.operations import queries

DAYS = 7  # that the page counts
SPAN = timedelta(days=DAYS)


def pages(config: Config) -> tuple[Page, ...]:
    return (Page("/sites", "sites.html", partial(_sites, config), "Sites", "w", "desk", "site"),)


async def _sites(config: Config, context: Context, _: Values) -> dict[str, Any]:
    """The sites, with what the last days brought them."""
    since = await charts.ago(context.database, SPAN)
    night = await Nights(context.database).since(since)
    off = {row["scope"] for row in await queries.switches(context.database) if not row["enabled"]}
    done = [*night["published"], *night["updated"]]
    rows = [
        {
            "site": site,
            "published": sum(row["site"] == site.name for row in done),
            "waiting": sum(row["site"] == site.name for row in night["needs_review"]),
            "off": f"key:{site.name}" in off,
        }
        for site in config.site
    ]
    return {"rows": rows, "days": DAYS}
