"""What people searched for before they saw a site: the queries of Google's Search Console.

Its limits, as documented: 25,000 rows an answer, 50,000 a day and type of search; days are those of
the Pacific, and final two to three days later.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from contentstudio.config import SearchConsoleSource
from contentstudio.google import client
from contentstudio.google.client import BadProperty, Client
from contentstudio.model import Demand, distinct

__all__ = ["BadProperty", "queries", "span"]

SCOPE = "https://www.googleapis.com/auth/webmasters.readonly"
PAGE_ROWS = 25_000
MAX_ROWS = 50_000
LATE_DAYS = 3


class _Row(BaseModel):
    keys: list[str] = Field(min_length=1)
    clicks: float = Field(ge=0)
    impressions: float = Field(ge=0)
    position: float


class _Answer(BaseModel):
    rows: list[_Row] = []


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
    question: dict[str, Any] = {
        "startDate": first.isoformat(),
        "endDate": last.isoformat(),
        "dimensions": ["query"],
        "type": "web",
        "dataState": "final",
        "rowLimit": PAGE_ROWS,
    }
    async with client.opened(endpoint, key_file, SCOPE, source.search_console) as console:
        rows = await _rows(console, question)
    return distinct(_demand(row, source.address) for row in rows)


async def _rows(console: Client, question: dict[str, Any]) -> list[_Row]:
    """All pages of an answer, up to `MAX_ROWS`."""
    rows: list[_Row] = []
    path = f"{console.path}/searchAnalytics/query"
    while len(rows) < MAX_ROWS:
        page = await console.read(_Answer, "rows", path, {**question, "startRow": len(rows)})
        rows += page.rows
        if len(page.rows) < PAGE_ROWS:
            break
    return rows


def _demand(row: _Row, source: str) -> Demand:
    return Demand(
        query=row.keys[0],
        source=source,
        impressions=int(row.impressions),
        clicks=int(row.clicks),
        position=round(row.position, 1),
    )
