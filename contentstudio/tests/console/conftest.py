"""The studio's console before a browser without a screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from contentstudio.config import Config
from desk import Desk
from overnight.store.database import Database


@pytest.fixture
def desk(database: Database, write_config: Callable[..., Config], tmp_path: Path) -> Desk:
    write_config(["https://a.example"], extra="[publishing]\ndebounce_seconds = 0")
    return Desk(database, tmp_path / "contentstudio.toml")


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx2.AsyncClient]:
    async with desk.console() as client:
        yield client
