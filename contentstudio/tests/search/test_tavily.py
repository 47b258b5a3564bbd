"""Tavily: what it is asked, and its own numbers for a spent plan."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from search_engines import KEY, Searcher, Server, refused

from contentstudio.search.tavily import Tavily
from overnight.store.database import Database

Serve = Callable[[str], Server]
pytestmark = pytest.mark.contract


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve("tavily")


async def test_it_is_asked_with_the_key_and_the_depth(searcher: Searcher, server: Server) -> None:
    await searcher.ask(searcher.connect(Tavily(server.url, KEY, "advanced")), "tomato", limit=7)
    (request,) = server.requests
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.get_json() == {
        "query": "tomato",
        "max_results": 7,
        "search_depth": "advanced",
    }


async def test_another_depth_is_another_search(searcher: Searcher, server: Server) -> None:
    for depth in ("basic", "advanced", "basic"):
        await searcher.ask(searcher.connect(Tavily(server.url, KEY, depth)), "tomato")
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [432, 433])
async def test_a_spent_plan_is_permanent(
    searcher: Searcher, server: Server, database: Database, status: int
) -> None:
    reason = "This request exceeds your plan's set usage limit."
    server.answers = [refused(status, {"detail": {"error": reason}})]
    told = await searcher.ask(searcher.of(server), "tomato")
    assert told == f"tavily answered {status}: {reason}"
    (call,) = await database.fetch("select error_kind from llm_calls")
    (run,) = await database.fetch("select error_class from runs")
    assert (call["error_kind"], run["error_class"]) == ("spend_cap", "permanent")
