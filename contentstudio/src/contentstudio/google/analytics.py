"""What people searched for before they saw a site: the queries of Google's Search Console.

Its limits, as documented: 25,000 rows an answer, 50,000 a day and type of search; days are those of
the Pacific, and final two to three days later.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import BaseModel, Field, ValidationError

from contentstudio.config import SearchConsoleSource
from contentstudio.google import service_account
from contentstudio.google.service_account import Account, NoAccess, body_of
from contentstudio.model import Demand, distinct
from contentstudio.web.fetch import waiting
from overnight.errors import Permanent, Transient

if TYPE_CHECKING:
    import httpx2

SCOPE = "https://www.googleapis.com/auth/webmasters.readonly"
PAGE_ROWS = 25_000
MAX_ROWS = 50_000
LATE_DAYS = 3
TIMEOUT_SECONDS = 60.0  # for one answer
QUOTA_WAIT = 3_600.0  # seconds, where a quota is used up and nobody says when it is refilled
_TOO_OFTEN = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}
)


class BadProperty(Permanent):
    """Search Console does not know the property, or not the request."""


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
    import httpx2

    account = await asyncio.to_thread(service_account.load, key_file)
    first, last = span(day, source.days)
    asked: dict[str, Any] = {
        "startDate": first.isoformat(),
        "endDate": last.isoformat(),
        "dimensions": ["query"],
        "type": "web",
        "dataState": "final",
        "rowLimit": PAGE_ROWS,
    }
    name = quote(source.search_console, safe="")
    url = f"{endpoint.rstrip('/')}/webmasters/v3/sites/{name}/searchAnalytics/query"
    rows: list[_Row] = []
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        token = await service_account.token(account, SCOPE, client)
        client.headers["Authorization"] = f"Bearer {token}"
        while len(rows) < MAX_ROWS:
            page = await _ask(client, url, {**asked, "startRow": len(rows)}, source, account)
            rows += page
            if len(page) < PAGE_ROWS:
                break
    return distinct(_demand(row, source.address) for row in rows)


async def _ask(
    client: httpx2.AsyncClient,
    url: str,
    body: dict[str, Any],
    source: SearchConsoleSource,
    account: Account,
) -> list[_Row]:
    import httpx2

    try:
        answer = await client.post(url, json=body)
    except httpx2.TransportError as error:
        raise Transient(
            f"Search Console did not answer: {error or type(error).__name__}."
        ) from None
    if answer.status_code != 200:
        raise failure(answer, source.search_console, account)
    try:
        return _Answer.model_validate_json(answer.content).rows
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise Transient(
            f"Search Console answered 200 with something else than rows: {wrong}."
        ) from None


def failure(answer: httpx2.Response, name: str, account: Account) -> Permanent | Transient:
    """What an answer that is no success means for the property of that name."""
    status = answer.status_code
    told = body_of(answer).get("error")
    told = told if isinstance(told, dict) else {}
    why = f"{status}: {str(told.get('message') or answer.reason_phrase)[:300]}"
    if status == 429 or status >= 500:
        return Transient(
            f"Search Console is not to be had now ({why}).", retry_after=waiting(answer.headers)
        )
    if status == 403 and _reasons(told) & _TOO_OFTEN:
        return Transient(
            f"Search Console was asked too often ({why}).",
            retry_after=waiting(answer.headers) or QUOTA_WAIT,
        )
    if status in (401, 403):
        return NoAccess(
            f"Search Console does not let {account.client_email} read {name} ({why}): "
            "add that address to the "
            "property's users, and switch on the Search Console API in its project."
        )
    return BadProperty(
        f"Search Console refuses the question for {name} ({why}): check search_console "
        "in the config."
    )


def _reasons(told: dict[Any, Any]) -> set[str]:
    errors = told.get("errors")
    return (
        {str(e.get("reason")) for e in errors if isinstance(e, dict)}
        if isinstance(errors, list)
        else set()
    )


def _demand(row: _Row, source: str) -> Demand:
    return Demand(
        query=row.keys[0],
        source=source,
        impressions=int(row.impressions),
        clicks=int(row.clicks),
        position=round(row.position, 1),
    )
