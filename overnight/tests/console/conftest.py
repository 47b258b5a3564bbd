"""The console served for real, and a browser without a screen's manners: no redirects followed,
cookies kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import console_night as night
import httpx2
import pytest
from console_night import Open

from overnight import App, http
from overnight.console import site
from overnight.console.access import Access
from overnight.store.database import Database
from overnight.testing import Clock


@pytest.fixture
async def app(database: Database, clock: Clock) -> App:
    return await night.fill(database, clock)


@pytest.fixture
def opened(database: Database) -> Open:
    """Serves the console of an app, and gives a client of it."""

    @asynccontextmanager
    async def opened(
        app: App, access: Access | None = None, on: Database = database
    ) -> AsyncIterator[httpx2.AsyncClient]:
        with http.listen("127.0.0.1", 0) as listener:
            built = site.build(app, on, access or Access({}))
            async with (
                http.served(built, listener) as url,
                httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
            ):
                yield client

    return opened


@pytest.fixture
async def hurried(database: Database) -> AsyncIterator[Database]:
    """The same ledger, where a statement that does not end at once has met its time limit."""
    async with Database(database.url, options="-c statement_timeout=50ms") as hurried:
        yield hurried


@pytest.fixture
async def client(app: App, opened: Open) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody at this machine, without a password."""
    async with opened(app) as client:
        yield client
