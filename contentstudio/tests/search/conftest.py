"""A server of each engine, and a step that searches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from pytest_httpserver import HTTPServer
from search_engines import ENGINES, Searcher, Server

from overnight.store.database import Database


@pytest.fixture
def serve(httpserver: HTTPServer) -> Callable[[str], Server]:
    """Starts the server of an engine."""

    def start(engine: str) -> Server:
        server = Server(engine, httpserver.url_for(f"/{engine}"))
        path = "/brave/web/search" if engine == "brave" else f"/{engine}/search"
        method = "POST" if engine == "tavily" else "GET"
        httpserver.expect_request(path, method).respond_with_handler(server.respond)
        return server

    return start


@pytest.fixture(params=list(ENGINES))
def server(request: pytest.FixtureRequest, serve: Callable[[str], Server]) -> Server:
    """The server of each engine in turn."""
    return serve(request.param)


@pytest.fixture
async def searcher(database: Database) -> AsyncIterator[Searcher]:
    searcher = Searcher(database)
    yield searcher
    await searcher.aclose()
