"""What the tests of the application share: a config that reads a small web on loopback, and its
database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path

import gate_suite
import pytest
from small_web import SmallWeb

from contentstudio import config as settings
from contentstudio.config import Config
from contentstudio.demo.web import INDEXNOW, KEYS, DemoWeb
from contentstudio.gates.input import Case
from contentstudio.research.researcher import OfflineResearcher
from contentstudio.store.sql import queries
from overnight.store.database import Database
from overnight.testing import fresh_database


@pytest.fixture
def web() -> Iterator[DemoWeb]:
    """The demo's own web."""
    with DemoWeb(date(2026, 11, 23)) as web:
        yield web


@pytest.fixture
def small_web() -> Iterator[SmallWeb]:
    """A web whose answers the test writes down."""
    with SmallWeb() as web:
        yield web


@pytest.fixture
async def database(server_url: str) -> AsyncIterator[Database]:
    """An empty ledger with the application's tables, and a clock that can be moved."""
    async with fresh_database(server_url, queries) as database:
        yield database


@pytest.fixture
def write_config(tmp_path: Path) -> Callable[..., Config]:
    """Writes a `contentstudio.toml` of one site, `garden`, and loads it."""

    def write(
        sources: list[str],
        *,
        ping: str = "",
        extra: str = "",
        offline: str = "publish",
        gates: str = "",
    ) -> Config:
        where = ping.replace(INDEXNOW, f"{KEYS}test-key-1.txt")
        told = (
            f'ping = {{ endpoint = "{ping}", key = "test-key-1", key_url = "{where}" }}'
            if ping
            else ""
        )
        listed = ", ".join(f'"{url}"' for url in sources)
        file = tmp_path / "contentstudio.toml"
        file.write_text(
            "[fetch]\nallow_loopback = true\ntimeout_seconds = 5\n[writing]\nwriter = 'offline'\n"
            f"offline_articles = '{offline}'\n{extra}\n"
            "[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = "
            f"[{listed}]\n{told}\n" + (f"[site.gates]\n{gates}\n" if gates else ""),
            "utf-8",
        )
        return settings.load(file)

    return write


@pytest.fixture
def offline_research(monkeypatch: pytest.MonkeyPatch) -> None:
    """Research without a model, for tests that count and break the calls of the writing alone."""
    monkeypatch.setattr(
        "contentstudio.app._researcher", lambda config, _: OfflineResearcher(config.research)
    )


@pytest.fixture(scope="session")
def full_case() -> Callable[..., Case]:
    """Makes a case of a draft as its site would render it, with every other fact known and well; or
    changed. Its judge turns nothing down.
    """
    return gate_suite.full_case
