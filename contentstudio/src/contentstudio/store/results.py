"""What readers did with articles, by day and source; and the reports that jobs made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from pydantic_core import to_json

from contentstudio.analytics.pages import Row, address
from contentstudio.analytics.report import SPAN, ArticleResult, DayResult, Report
from contentstudio.store.sql import queries
from overnight.store.database import Database

DAY = SPAN / SPAN.days


class Results:
    """The figures of all sites."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, site: str, source: str, rows: Sequence[Row]) -> None:
        """Keep what a source says of articles, instead of what it said of those days before."""
        params = {"site": site, "source": source, "rows": to_json(rows).decode()}
        await self._database.fetch(queries["results_keep"], params)

    async def addresses(self, site: str) -> dict[str, str]:
        """The slugs of a site's articles, by the addresses of their pages."""
        rows = await self._database.fetch(queries["results_addresses"], {"site": site})
        return {address(row["url"]): row["slug"] for row in rows}

    async def last_told(self, site: str, source: str) -> date | None:
        """The last day of which a source told figures; None before it did."""
        params = {"site": site, "source": source}
        row = await self._database.one(queries["results_span"], params)
        return row["last"] if row else None

    async def last_day(self, site: str) -> date | None:
        """The last day of a site's figures, of search engines where there are any; None without."""
        row = await self._database.one(queries["results_last"], {"site": site})
        return row["last"] if row else None

    async def articles(self, site: str, last: date) -> list[ArticleResult]:
        """Each article of a site over the days of a report that ends with `last`."""
        params = {"site": site, "last": last, "since": last - SPAN + DAY}
        params |= {"first": last - 2 * SPAN + DAY}
        rows = await self._database.fetch(queries["results_articles"], params)
        return [ArticleResult(**row) for row in rows]

    async def days(self, site: str, last: date) -> list[DayResult]:
        """All articles of a site by day, over the days of a report and those before."""
        params = {"site": site, "first": last - 2 * SPAN + DAY, "last": last}
        return [
            DayResult(**row) for row in await self._database.fetch(queries["results_days"], params)
        ]

    async def reports(self, jobs: Sequence[str]) -> list[Report]:
        """The latest report of each site and pipeline, among these jobs."""
        rows = await self._database.fetch(queries["results_reports"], {"jobs": list(jobs)})
        return [Report.model_validate(row["output"]) for row in rows]

    async def costs(self, articles: Iterable[tuple[str, str]]) -> dict[tuple[str, str], float]:
        """Dollars of all jobs of articles, by site and slug."""
        pairs = list(articles)
        params = {"sites": [site for site, _ in pairs], "slugs": [slug for _, slug in pairs]}
        rows = await self._database.fetch(queries["results_costs"], params)
        return {(row["site"], row["slug"]): row["cost_usd"] for row in rows}

    async def published(self, since: datetime) -> dict[str, int]:
        """How many articles were published for the first time since a moment, by site."""
        rows = await self._database.fetch(queries["results_published"], {"since": since})
        return {row["site"]: row["articles"] for row in rows}
