"""A real headless Chromium before a real console. OVERNIGHT_SCREENSHOTS names a folder for pictures
of every page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import console_night as night
import eyes
import pytest
from playwright.async_api import Browser

from overnight import App, http
from overnight.console import site
from overnight.console.access import Access
from overnight.store.database import Database
from overnight.testing import Clock


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with eyes.chromium() as browser:
        yield browser


@pytest.fixture
async def app(database: Database, clock: Clock) -> App:
    return await night.fill(database, clock)


@pytest.fixture
async def url(app: App, database: Database) -> AsyncIterator[str]:
    """Where the console of the night is."""
    with http.listen("127.0.0.1", 0) as listener:
        async with http.served(site.build(app, database, Access({})), listener) as url:
            yield url


@pytest.fixture
def pictures() -> Path | None:
    return eyes.pictures()
