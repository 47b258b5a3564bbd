"""Search engines on loopback, each by its own protocol, and a step that asks them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug import Request, Response

from contentstudio.search.brave import Brave
from contentstudio.search.port import Hit, Search
from contentstudio.search.searxng import SearXNG
from contentstudio.search.tavily import Tavily
from contentstudio.search.web import Engine, WebSearch
from contentstudio.store.archive import RunDays
from overnight import App, Budgets, Context, Pipeline, Retry
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import run_until_idle

KEY = "key-not-to-be-told"
USD = 0.005
ENGINES: dict[str, Callable[[str], Engine]] = {
    "searxng": SearXNG,
    "brave": lambda url: Brave(url, KEY),
    "tavily": lambda url: Tavily(url, KEY),
}
PAGE = {"url": "https://a.example/seeds", "title": "Seeds", "text": "Seeds keep for years."}


def result(engine: str, url: Any, title: Any = "T", text: Any = "x", at: Any = None) -> Any:
    """A result as an engine writes it."""
    names = {
        "searxng": ("content", "publishedDate"),
        "brave": ("description", "page_age"),
        "tavily": ("content", "published_date"),
    }[engine]
    return {"url": url, "title": title, names[0]: text, names[1]: at, "score": 0.5}


def answer(engine: str, results: Any) -> dict[str, Any]:
    """An answer as an engine writes it."""
    match engine:
        case "brave":
            web = {"web": {"type": "search", "results": results}} if results else {}
            return {"type": "search", "query": {"original": "q"}, **web}
        case "tavily":
            return {"query": "q", "answer": None, "images": [], "results": results}
    return {"query": "q", "results": results, "suggestions": [], "unresponsive_engines": []}


@dataclass
class Server:
    """Answers as one engine does, with one page or with what a test wrote down, the last of which
    stays; keeps the requests.
    """

    engine: str
    url: str
    answers: list[Any] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def respond(self, request: Request) -> Response:
        request.get_data()
        self.requests.append(request)
        page = [result(self.engine, PAGE["url"], PAGE["title"], PAGE["text"])]
        one: Any = answer(self.engine, page)
        if self.answers:
            one = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(one, Response):
            return one
        body = one if isinstance(one, bytes) else json.dumps(one)
        return Response(body, content_type="application/json")


def refused(status: int, body: Any = b"", **headers: str) -> Response:
    """An answer of another status than 200."""
    text = body if isinstance(body, bytes) else json.dumps(body)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(text, status, names)


class Searcher:
    """Makes searches, and jobs with one step that searches."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._engines: list[Engine] = []
        self._jobs = 0

    def connect(self, engine: Engine, usd: float = USD, deadline: float = 10) -> Search:
        self._engines.append(engine)
        day = RunDays(self.database).read
        return WebSearch(engine, usd, self.database, deadline=deadline, day=day)

    def of(self, server: Server, **options: Any) -> Search:
        return self.connect(ENGINES[server.engine](server.url), **options)

    async def ask(
        self,
        search: Search,
        *queries: str,
        language: str = "en",
        limit: int = 10,
        budgets: dict[str, float] | None = None,
        **options: Any,
    ) -> list[Sequence[Hit]] | str:
        """The hits of each query, or the sentence with which the step failed."""
        found: list[Sequence[Hit]] = []
        pipeline = Pipeline("looking")

        @pipeline.step(retry=Retry(0))
        async def look(ctx: Context[None], what: str) -> None:
            for query in queries:
                hits = await search.find(ctx, "garden", query, language=language, limit=limit)
                found.append(hits)

        app = App("test", [pipeline], extensions=[Budgets(budgets or {})])
        self._jobs += 1
        job, _ = await runs.start(app, self.database, "looking", str(self._jobs))
        await run_until_idle(app, self.database, **options)
        row = await self.database.one("select error from runs where job_id = %s", [job])
        assert row is not None
        return str(row["error"]) if row["error"] else found

    async def calls(self) -> list[tuple[str, float]]:
        """What the ledger says of each call: status and dollars."""
        rows = await self.database.fetch(
            "select status, cost_usd::float8 as usd from llm_calls order by id"
        )
        return [(row["status"], row["usd"]) for row in rows]

    async def aclose(self) -> None:
        for engine in self._engines:
            await engine.aclose()
