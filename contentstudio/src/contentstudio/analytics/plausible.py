"""Plausible.

Protocol: https://plausible.io/docs/stats-api (POST /api/v2/query with a Bearer key; metrics,
dimensions, a date_range of two days, pagination of up to 10,000 rows; 401 for a wrong key or site,
429 above 600 questions an hour).
"""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, TypeAdapter

from contentstudio.analytics import client
from contentstudio.model import Figures

KEY = "PLAUSIBLE_API_KEY"
PAGE_ROWS = 10_000


class _Row(BaseModel):
    dimensions: tuple[str, date]
    metrics: tuple[int]


class _Answer(BaseModel):
    results: list[_Row] = Field()


ANSWER = TypeAdapter(_Answer)


class Plausible:
    """One site of Plausible. `script` is the address of its script, on whose host the API is too;
    `url` is the site's own address.
    """

    def __init__(self, script: str, domain: str | None, url: str, key: str) -> None:
        parts = urlsplit(script)
        self._endpoint = f"{parts.scheme}://{parts.netloc}/api/v2/query"
        self._domain = domain or urlsplit(url).hostname or ""
        self._url = url.rstrip("/")
        self._key = key

    async def read(self, first: date, last: date) -> list[Figures]:
        rows: list[_Row] = []
        while True:
            page = await self._page(first, last, len(rows))
            rows += page
            if len(page) < PAGE_ROWS:
                return [self._figures(row) for row in rows]

    async def _page(self, first: date, last: date, offset: int) -> list[_Row]:
        question: dict[str, Any] = {
            "site_id": self._domain,
            "metrics": ["visits"],
            "date_range": [first.isoformat(), last.isoformat()],
            "dimensions": ["event:page", "time:day"],
            "pagination": {"limit": PAGE_ROWS, "offset": offset},
        }
        headers = {"Authorization": f"Bearer {self._key}"}
        answer = await client.ask(
            "Plausible", KEY, self._endpoint, ANSWER, json=question, headers=headers
        )
        return answer.results

    def _figures(self, row: _Row) -> Figures:
        path, day = row.dimensions
        return Figures(url=f"{self._url}{path}", day=day, visits=row.metrics[0])
