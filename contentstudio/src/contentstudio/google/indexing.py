"""Google's Search Console: submit a sitemap, and ask what became of a page. There is no way to ping
Google of articles.

Its limits, as documented: 2,000 inspections a day and property.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, Field, ValidationError

from contentstudio.config import Config, Property
from contentstudio.google import service_account
from contentstudio.google.analytics import failure
from contentstudio.google.service_account import Account
from contentstudio.model import Model
from overnight.errors import Transient

if TYPE_CHECKING:
    import httpx2

SCOPE = "https://www.googleapis.com/auth/webmasters"
TIMEOUT_SECONDS = 60.0  # for one answer; an inspection takes some seconds


class Inspection(Model):
    """What Google says of a page, in its own words, and when it last read it. `indexed` is its
    verdict PASS.
    """

    indexed: bool
    verdict: str
    crawled_at: datetime | None


class _Status(BaseModel):
    verdict: str
    coverage: str = Field(default="", alias="coverageState")
    crawled_at: datetime | None = Field(default=None, alias="lastCrawlTime")


class _Result(BaseModel):
    status: _Status = Field(alias="indexStatusResult")


class _Answer(BaseModel):
    result: _Result = Field(alias="inspectionResult")


class SearchConsole:
    """A property, with a token for an hour."""

    def __init__(
        self, client: httpx2.AsyncClient, endpoint: str, account: Account, property: str
    ) -> None:
        self._client = client
        self._endpoint = endpoint.rstrip("/")
        self._account = account
        self._property = property

    async def known(self) -> None:
        """See that the account may ask for the property. Raises NoAccess, BadProperty, or
        `Transient`.
        """
        await self._ask("GET", f"/webmasters/v3/sites/{_quoted(self._property)}")

    async def submit(self, sitemap: str) -> None:
        """Submit a sitemap; again is no error. Raises NoAccess, BadProperty, or `Transient`."""
        await self._ask(
            "PUT", f"/webmasters/v3/sites/{_quoted(self._property)}/sitemaps/{_quoted(sitemap)}"
        )

    async def inspect(self, url: str) -> Inspection:
        """What became of a page. Raises NoAccess, BadProperty, or `Transient`."""
        body = {"inspectionUrl": url, "siteUrl": self._property}
        answer = await self._ask("POST", "/v1/urlInspection/index:inspect", body)
        try:
            status = _Answer.model_validate_json(answer.content).result.status
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]["msg"]
            raise Transient(
                f"Search Console answered 200 with something else than an inspection: {wrong}."
            ) from None
        return Inspection(
            indexed=status.verdict == "PASS",
            verdict=status.coverage or status.verdict,
            crawled_at=status.crawled_at,
        )

    async def _ask(
        self, method: Literal["GET", "PUT", "POST"], path: str, body: Any = None
    ) -> httpx2.Response:
        import httpx2

        try:
            answer = await self._client.request(method, self._endpoint + path, json=body)
        except httpx2.TransportError as error:
            raise Transient(
                f"Search Console did not answer: {error or type(error).__name__}."
            ) from None
        if answer.status_code not in (200, 204):
            raise failure(answer, self._property, self._account)
        return answer


@asynccontextmanager
async def opened(config: Config, property: Property) -> AsyncIterator[SearchConsole]:
    """Search Console as the service account. Raises NoAccess, BadKeyFile, or `Transient`."""
    import httpx2

    account = await asyncio.to_thread(service_account.load, config.google_key_file())
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        token = await service_account.token(account, SCOPE, client)
        client.headers["Authorization"] = f"Bearer {token}"
        yield SearchConsole(client, config.google.endpoint, account, property.name)


def _quoted(text: str) -> str:
    return quote(text, safe="")
