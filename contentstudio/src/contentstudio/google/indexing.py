"""Google's Search Console: submit a sitemap, and ask how a page stands. There is no way to ping
Google of articles.

Its limits, as documented: 2,000 inspections a day and property.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from pydantic import BaseModel, Field

from contentstudio.config import Config, Property
from contentstudio.google import client
from contentstudio.google.client import Client, quoted
from contentstudio.model import Model

SCOPE = "https://www.googleapis.com/auth/webmasters"


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
    """A property. Every method raises NoAccess, BadProperty, or `Transient`."""

    def __init__(self, console: Client) -> None:
        self._console = console

    async def check_access(self) -> None:
        """See that the account may ask for the property."""
        await self._console.ask("GET", self._console.path)

    async def submit(self, sitemap: str) -> None:
        """Submit a sitemap; again is no error."""
        await self._console.ask("PUT", f"{self._console.path}/sitemaps/{quoted(sitemap)}")

    async def inspect(self, url: str) -> Inspection:
        """What Google knows of a page."""
        question = {"inspectionUrl": url, "siteUrl": self._console.property_name}
        answer = await self._console.read(
            _Answer, "an inspection", "/v1/urlInspection/index:inspect", question
        )
        status = answer.result.status
        return Inspection(
            indexed=status.verdict == "PASS",
            verdict=status.coverage or status.verdict,
            crawled_at=status.crawled_at,
        )


@asynccontextmanager
async def opened(config: Config, of: Property) -> AsyncIterator[SearchConsole]:
    """Search Console as the service account. Raises NoAccess, BadKeyFile, or `Transient`."""
    endpoint, key_file = config.google.endpoint, config.google_key_file()
    async with client.opened(endpoint, key_file, SCOPE, of.name) as console:
        yield SearchConsole(console)
