"""What people searched for before they saw a site, and which pages they chose: the figures of
Google's Search Console.

Its limits, as documented: 25,000 rows an answer, 50,000 a day and type of search; days are those of
the Pacific, and final two to three days later.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from contentstudio.config import SearchConsoleSource
from contentstudio.google import client
from contentstudio.google.client import BadProperty, Client
from contentstudio.model import Demand, Figures, QueryFigures, distinct

__all__ = ["BadProperty", "pages", "queries", "span"]

SCOPE = "https://www.googleapis.com/auth/webmasters.readonly"
PAGE_ROWS = 25_000
MAX_ROWS = 50_000
LATE_DAYS = 3


class _Row(BaseModel):
    """A row of figures; its `keys` are the values of the dimensions that were asked for."""

    clicks: float = Field(ge=0)
    impressions: float = Field(ge=0)
    position: float


class _QueryRow(_Row):
    keys: tuple[str]


class _DayRow(_Row):
    keys: tuple[date, str]


class _PageRow(_Row):
    keys: tuple[str, str]


R = TypeVar("R", bound=_Row)


class _Answer(BaseModel, Generic[R]):
    rows: list[R] = []


def span(day: date, days: int) -> tuple[date, date]:
    """The first and the last day to ask for on a day: `days` of them, all final wherever on earth
    `day` has begun.
    """
    last = day - timedelta(days=LATE_DAYS)
    return last - timedelta(days=days - 1), last


async def queries(
    source: SearchConsoleSource, endpoint: str, key_file: Path | None, day: date
) -> list[Demand]:
    """The queries of a property, as far as the API gives them, those with the most clicks first.

    Raises NoAccess, BadKeyFile or BadProperty, which say what to do, or `Transient` where a later
    try may work.
    """
    first, last = span(day, source.days)
    async with client.opened(endpoint, key_file, SCOPE, source.search_console) as console:
        rows = await _rows(console, _Answer[_QueryRow], _question(first, last, "query"), MAX_ROWS)
    return distinct(_demand(row, source.address) for row in rows)


async def pages(
    name: str, endpoint: str, key_file: Path | None, first: date, last: date, since: date
) -> tuple[list[Figures], list[QueryFigures]]:
    """The figures of each page of a property on each day from `first` to `last`, and for which
    queries each was shown from `since` to `last`. Raises as `queries` does.
    """
    by_day, by_query = (
        _question(first, last, "date", "page"),
        _question(since, last, "query", "page"),
    )
    days = (last - first).days + 1
    async with client.opened(endpoint, key_file, SCOPE, name) as console:
        day_rows = await _rows(console, _Answer[_DayRow], by_day, MAX_ROWS * days)
        page_rows = await _rows(console, _Answer[_PageRow], by_query, MAX_ROWS)
    return [_figures(row) for row in day_rows], [_query_figures(row) for row in page_rows]


def _question(first: date, last: date, *dimensions: str) -> dict[str, Any]:
    return {
        "startDate": first.isoformat(),
        "endDate": last.isoformat(),
        "dimensions": list(dimensions),
        "type": "web",
        "dataState": "final",
        "rowLimit": PAGE_ROWS,
    }


async def _rows(
    console: Client, answer: type[_Answer[R]], question: dict[str, Any], limit: int
) -> list[R]:
    """All pages of an answer, up to `limit` rows."""
    rows: list[R] = []
    path = f"{console.path}/searchAnalytics/query"
    while len(rows) < limit:
        page = await console.read(answer, "rows", path, {**question, "startRow": len(rows)})
        rows += page.rows
        if len(page.rows) < PAGE_ROWS:
            break
    return rows


def _demand(row: _QueryRow, source: str) -> Demand:
    return Demand(
        query=row.keys[0],
        source=source,
        impressions=int(row.impressions),
        clicks=int(row.clicks),
        position=round(row.position, 1),
    )


def _figures(row: _DayRow) -> Figures:
    day, url = row.keys
    return Figures(
        url=url,
        day=day,
        clicks=int(row.clicks),
        impressions=int(row.impressions),
        position=row.position if row.position > 0 else None,
    )


def _query_figures(row: _PageRow) -> QueryFigures:
    query, url = row.keys
    return QueryFigures(query=query, url=url, impressions=int(row.impressions))
