"""What articles earned and what they cost: the reports of all sites put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from contentstudio.analytics.report import BEST, DAYS, Advice, DayResult, Report
from contentstudio.config import Config
from contentstudio.pipelines.measuring import report_jobs
from contentstudio.store.results import Results
from overnight.observability import charts
from overnight.store.database import Database

WEEK = 7  # days over which what sites cost is added up
ORDER = ("refresh", "merge", "title")  # of advice: what is lost first, then what may be won


async def overview(config: Config, database: Database, site: str | None) -> dict[str, Any]:
    """What a site, or each of them, earned and cost, and what to do. Raises `ConfigError` for a
    site that there is not.

    `totals` and `best` are over `days` days, with those before beside them, up to the day `until`,
    None where no figures were read yet; `sites` are over the last week, their money to this moment.
    """
    names = [config.find(site).name] if site else [each.name for each in config.site]
    now = await charts.ago(database, timedelta())
    results = Results(database)
    reports = latest(await results.reports(report_jobs(config, names, now.date())))
    until = max((each.day for each in reports), default=None)
    best = sorted(
        (row for each in reports for row in each.best),
        key=lambda row: (-row.clicks, -row.visits, row.site, row.slug),
    )[:BEST]
    costs = await results.costs((row.site, row.slug) for row in best)
    return {
        "until": until,
        "days": DAYS,
        "totals": totals(merged_days(reports), until),
        "by_day": merged_days(reports),
        "sites": await _sites(database, results, names, reports),
        "best": [
            {**row.model_dump(), "cost_usd": costs.get((row.site, row.slug), 0.0)} for row in best
        ],
        "advice": [each.model_dump() for each in advice(reports)],
    }


def latest(reports: Iterable[Report]) -> list[Report]:
    """One report a site: the one that reaches furthest, with the advice on queries that any of them
    has.
    """
    sites: dict[str, list[Report]] = {}
    for each in reports:
        sites.setdefault(each.site, []).append(each)
    return [_latest(group) for _, group in sorted(sites.items())]


def _latest(group: Sequence[Report]) -> Report:
    merges = next((each.merges for each in group if each.merges is not None), None)
    return max(group, key=lambda each: each.day).model_copy(update={"merges": merges})


def merged_days(reports: Iterable[Report]) -> list[DayResult]:
    """All sites by day."""
    sums: dict[date, Counter[str]] = {}
    for each in reports:
        for row in each.days:
            sums.setdefault(row.day, Counter()).update(row.model_dump(exclude={"day"}))
    return [DayResult(day=day, **counts) for day, counts in sorted(sums.items())]


def totals(days: Sequence[DayResult], until: date | None) -> dict[str, int]:
    """Clicks, impressions and visits over the days of a report, and over those `_before`."""
    if until is None:
        return {}
    since = until - timedelta(days=DAYS)
    return {
        f"{name}{suffix}": sum(getattr(row, name) for row in days if (row.day > since) is is_now)
        for name in ("clicks", "impressions", "visits")
        for suffix, is_now in (("", True), ("_before", False))
    }


def advice(reports: Iterable[Report]) -> list[Advice]:
    """What to do, over all sites: the most urgent kind first, in the order of each report."""
    all_of_it = [row for each in reports for row in (*each.advice, *(each.merges or ()))]
    return sorted(all_of_it, key=lambda row: ORDER.index(row.action))


async def _sites(
    database: Database, results: Results, names: Sequence[str], reports: Sequence[Report]
) -> list[dict[str, Any]]:
    """What each site cost in the last week, and what it has for that; the dearest first."""
    since = await charts.ago(database, timedelta(days=WEEK))
    costs = {row["name"]: row for row in await charts.cost_of_each(database, since, "key")}
    published = await results.published(since)
    weeks = {each.site: _week(each) for each in reports}
    rows = [
        {
            "site": name,
            "cost_usd": float(costs[name]["cost_usd"]) if name in costs else 0.0,
            "published": published.get(name, 0),
            **weeks.get(name, {"clicks": None, "visits": None}),
        }
        for name in names
    ]
    return sorted(rows, key=lambda row: (-row["cost_usd"], row["site"]))


def _week(report: Report) -> dict[str, int]:
    """Clicks and visits of the last week of a report."""
    week = [row for row in report.days if row.day > report.day - timedelta(days=WEEK)]
    return {"clicks": sum(row.clicks for row in week), "visits": sum(row.visits for row in week)}
