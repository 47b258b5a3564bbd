"""What a site reads, and how pages are fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Field, Tag

from contentstudio.config.fields import HttpUrl, Section


class Fetch(Section):
    """How pages are read. A host is asked one thing at a time, with a pause of `pause_seconds`
    after it.

    `allow_loopback` is for trials: no other private address is ever read, and loopback is read
    without pauses. What
    `user_agent` begins with is the name by which robots.txt may call us.
    """

    allow_loopback: bool = False
    pause_seconds: float = Field(default=1.0, ge=0, le=60)
    timeout_seconds: float = Field(default=20, gt=0, le=300)
    max_bytes: int = Field(default=5_000_000, ge=1_000)
    max_redirects: int = Field(default=5, ge=0, le=20)
    user_agent: str = "contentstudio/0.1"


class FeedSource(Section):
    """A feed; what else comes is an error."""

    feed: HttpUrl


class PageSource(Section):
    """A page; a feed that comes is not followed."""

    page: HttpUrl


class SitemapSource(Section):
    """The pages of a sitemap whose path contains `match`, on its own host or one of `hosts`."""

    sitemap: HttpUrl
    match: str = ""
    hosts: list[str] = Field(default=[])


class KeywordsSource(Section):
    """A file beside the config: what the site is to be found by."""

    keywords: Path

    @property
    def address(self) -> str:
        """Its name among the sources of demands."""
        return str(self.keywords)


class SearchConsoleSource(Section):
    """The queries of a property of Google's Search Console, over so many days. It keeps sixteen
    months.
    """

    search_console: str = Field(pattern=r"^(sc-domain:[\w.-]+|https?://\S+/)$")
    days: int = Field(default=28, ge=1, le=480)

    @property
    def address(self) -> str:
        """Its name among the sources of demands."""
        return self.search_console


SOURCES: dict[str, type[BaseModel]] = {
    "feed": FeedSource,
    "page": PageSource,
    "sitemap": SitemapSource,
    "keywords": KeywordsSource,
    "search_console": SearchConsoleSource,
}


def _kind_of(source: Any) -> str | None:
    """Which source it is: a plain URL, or a table with the key of its kind."""
    if isinstance(source, str):
        return "url"
    keys = source if isinstance(source, dict) else getattr(source, "__dict__", {})
    kinds = [kind for kind in SOURCES if kind in keys]
    return kinds[0] if len(kinds) == 1 else None


Source = Annotated[
    Annotated[HttpUrl, Tag("url")]
    | Annotated[FeedSource, Tag("feed")]
    | Annotated[PageSource, Tag("page")]
    | Annotated[SitemapSource, Tag("sitemap")]
    | Annotated[KeywordsSource, Tag("keywords")]
    | Annotated[SearchConsoleSource, Tag("search_console")],
    Discriminator(_kind_of),
]
