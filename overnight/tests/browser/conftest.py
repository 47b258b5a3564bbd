"""A real headless Chromium before a real console. OVERNIGHT_SCREENSHOTS names a folder for pictures of every page."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import console_night as night
import pytest
from playwright.async_api import Browser, async_playwright

from overnight import App, serving
from overnight.console import site
from overnight.console.access import Access
from overnight.database import Database
from overnight.testing import Clock

CHROMIUM = os.environ.get("OVERNIGHT_CHROMIUM") or shutil.which("chromium")
QUIET = [  # Chromium's own business, such as updates, is none of these tests'
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM, "there is no chromium: apt-get install chromium, or name it with OVERNIGHT_CHROMIUM"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()


@pytest.fixture
async def app(database: Database, clock: Clock) -> App:
    return await night.fill(database, clock)


@pytest.fixture
async def url(app: App, database: Database) -> AsyncIterator[str]:
    """Where the console of the night is."""
    with serving.listen("127.0.0.1", 0) as listener:
        async with serving.served(site.build(app, database, Access({})), listener) as url:
            yield url


@pytest.fixture
def pictures() -> Path | None:
    named = os.environ.get("OVERNIGHT_SCREENSHOTS")
    return Path(named) if named else None
