"""Home: what needs a person, what came out, what it cost, and what comes next."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from contentstudio import calendar, sites
from contentstudio.config import Config
from contentstudio.console import thumbnails
from contentstudio.console.calendar import moves
from contentstudio.console.sites import paused
from contentstudio.pipelines.wishes import day_of
from contentstudio.store.publications import Publications
from contentstudio.store.sites import Sites
from overnight.console.charts import Days
from overnight.console.charts import days as days_chart
from overnight.console.extension import Context, Page, Values
from overnight.llm import budgets
from overnight.observability import charts
from overnight.operations import failures, incidents, queries
from overnight.store.database import Database, Row
from overnight.titles import titles_of

PUBLISHED = 6  # articles that are shown with their pictures
WAITING = 6  # of what waits for a person
AHEAD = 7  # days that are to come
PER_DAY = 3  # of each kind that a day shows
DAYS = 7  # that the sites count
COST_DAYS = 28


def pages(config: Config) -> tuple[Page, ...]:
    return (Page("/", "home.html", partial(_home, config), "Home", "h", "desk", "home"),)


async def _home(config: Config, context: Context, _: Values) -> dict[str, Any]:
    """All that an owner looks at first."""
    database = context.database
    now = await Publications(database).now()
    today, waiting = day_of(config, now), await _waiting(context)
    standing = await queries.standing(database, context.app)
    hindering = await incidents.of(standing, database, context.app)
    failed = await failures.read(database, context.app)
    days = [today + timedelta(days=n) for n in range(AHEAD)]
    newest = await Sites(database).newest(None, PUBLISHED)
    off = await paused(context)
    rows = await sites.listed(config, database, DAYS)
    return {
        "health": incidents.health(hindering, failed.count, len(waiting)),
        "incidents": hindering,
        "failures": failed,
        "waiting": waiting,
        "shown": WAITING,
        "published": await thumbnails.of(config, database, newest),
        "costs": await _costs(database, now),
        "night": next((row for row in standing["schedules"] if row["pipeline"] == "night"), None),
        "ahead": await calendar.days_of(config, database, None, days, PER_DAY),
        "moves": moves(today),
        "today": today,
        "sites": [{**row, "off": off.get(row["site"].name)} for row in rows],
        "days": DAYS,
    }


async def _waiting(context: Context) -> list[dict[str, Any]]:
    """What waits for a person, the oldest first, by its title; one more than is shown."""
    rows = await queries.review(context.database, limit=WAITING + 1)
    titles = await titles_of(context.app, context.database, [row["job_id"] for row in rows])
    return [{**row, "title": titles.get(row["job_id"]) or _title(row)} for row in rows]


def _title(row: Row) -> str:
    """The title of what waits, where its job has none."""
    output = row["output"] if isinstance(row["output"], dict) else {}
    draft, titles = output.get("draft"), output.get("titles")
    if isinstance(draft, dict) and draft.get("title"):
        return str(draft["title"])
    return str(titles[0]) if isinstance(titles, list) and titles else str(row["pipeline"])


async def _costs(database: Database, now: datetime) -> dict[str, Any]:
    """What the last weeks cost, day by day (UTC), beside the budget of everything."""
    last = now.astimezone(UTC).date()
    first = last - timedelta(days=COST_DAYS - 1)
    since = datetime.combine(first, datetime.min.time(), UTC)
    points = await charts.cost(database, since)
    limits = [row for row in await budgets.read(database) if row["scope"] == "all"]
    limit = limits[0] if limits else None
    return {"budget": limit, "chart": _chart(points, first, last, limit)}


def _chart(points: list[charts.CostPoint], first: date, last: date, budget: Row | None) -> Days:
    amounts = {point["at"].astimezone(UTC).date(): point["cost_usd"] for point in points}
    limit = float(budget["usd_per_day"]) if budget else None
    return days_chart("Cost a day", amounts, first=first, last=last, limit=limit)
