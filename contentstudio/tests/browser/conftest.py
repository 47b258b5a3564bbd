"""The studio's console after a night on the demo's small web, before a real headless Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import eyes
import month as sample
import pytest
from playwright.async_api import Browser

from contentstudio import app as studio
from contentstudio import console
from contentstudio.config import Config
from contentstudio.demo.web import FEEDS, GONE, INDEXNOW, DemoWeb
from overnight import App, http
from overnight.console import site
from overnight.console.access import Access
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with eyes.chromium() as browser:
        yield browser


@pytest.fixture
def pictures() -> Path | None:
    return eyes.pictures()


@pytest.fixture
def config(web: DemoWeb, write_config: Callable[..., Config]) -> Config:
    return write_config([web.url + path for path in (*FEEDS, GONE)], ping=web.url + INDEXNOW)


@pytest.fixture
async def app(config: Config, database: Database, clock: Clock) -> App:
    """After a night that published, failed, and left an article for review."""
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    return app


@pytest.fixture
async def url(app: App, config: Config, database: Database) -> AsyncIterator[str]:
    built = site.build(app, database, Access({}), own=console.build(config))
    with http.listen("127.0.0.1", 0) as listener:
        async with http.served(built, listener) as url:
            yield url


@pytest.fixture
async def waiting(app: App, database: Database) -> str:
    """The job of the article that waits for review."""
    (row,) = await database.fetch("select job_id from runs where status = 'needs_review'")
    return str(row["job_id"])


@pytest.fixture
async def month(database: Database, clock: Clock) -> AsyncIterator[App]:
    """Four weeks of three sites up to now, as the documents show them, while a worker lives."""
    await clock.set(datetime.now(UTC))  # pages say how long ago things were
    app = await sample.fill(database)
    async with sample.at_work(database):
        yield app


@pytest.fixture
async def month_url(month: App, database: Database) -> AsyncIterator[str]:
    """Where the console of the month is."""
    own = console.build(sample.load_config())
    built = site.build(month, database, Access({}), own=own)
    with http.listen("127.0.0.1", 0) as listener:
        async with http.served(built, listener) as url:
            yield url
