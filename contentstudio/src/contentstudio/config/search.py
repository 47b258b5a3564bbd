"""Where research searches, and what a search costs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from contentstudio.config.fields import Dollars, HttpUrl, Section

Engine = Literal["archive", "searxng", "brave", "tavily"]
CREDITS = {"basic": 1, "advanced": 2}  # of Tavily, for a search of each depth


class SearXNG(Section):
    """A SearXNG of one's own: `base_url` ends before /search. Its settings.yml has to list json
    among search.formats. It costs nothing, unless `usd_per_search` says so.
    """

    base_url: HttpUrl
    usd_per_search: Dollars = 0.0


class Brave(Section):
    """Brave's Search API. The key is BRAVE_API_KEY. `country` is where the results come from, two
    letters; Brave takes US where none is named.

    The price is that of the plan Search, $5 for 1,000 requests, as of 2026:
    https://api-dashboard.search.brave.com/app/plans
    """

    base_url: HttpUrl = "https://api.search.brave.com/res/v1"
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    usd_per_search: Dollars = 0.005


class Tavily(Section):
    """Tavily's API. The key is TAVILY_API_KEY.

    The price, unless `usd_per_search` says otherwise, is $0.008 for a credit, which is what is paid
    as you go, as of 2026: https://docs.tavily.com/documentation/api-credits. A search of depth
    `basic` takes one credit, an `advanced` one two.
    """

    base_url: HttpUrl = "https://api.tavily.com"
    depth: Literal["basic", "advanced"] = "basic"
    usd_per_search: Dollars | None = None

    @property
    def price(self) -> float:
        """Dollars for one search."""
        listed = 0.008 * CREDITS[self.depth]
        return listed if self.usd_per_search is None else self.usd_per_search


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Engines = Annotated[list[Engine], BeforeValidator(_listed), Field(min_length=1)]


class Search(Section):
    """Where research searches: `engine` is one of archive (everything that was ever read, by the
    full-text search of Postgres, without a key), searxng, brave and tavily, or a list of them,
    whose results are put together.

    `results` is for one query of one engine. `deadline_seconds` is for one call. Keys stand in the
    environment.
    """

    engine: Engines = Field(default=["archive"])
    results: int = Field(default=10, ge=1, le=20)
    deadline_seconds: float = Field(default=30, gt=0, le=300)
    searxng: SearXNG | None = None
    brave: Brave = Brave()
    tavily: Tavily = Tavily()

    @model_validator(mode="after")
    def _is_complete(self) -> Search:
        if len(set(self.engine)) < len(self.engine):
            raise ValueError("names an engine twice")
        if "searxng" in self.engine and self.searxng is None:
            raise ValueError(
                "names the engine searxng and not where it is: write searxng = "
                '{ base_url = "http://127.0.0.1:8888" } there'
            )
        return self

    def usd_per_search(self, engine: Engine) -> float:
        """Dollars for one search by an engine."""
        match engine:
            case "searxng":
                return self.searxng.usd_per_search if self.searxng else 0.0
            case "brave":
                return self.brave.usd_per_search
            case "tavily":
                return self.tavily.price
        return 0.0
