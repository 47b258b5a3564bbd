"""One embedded Postgres for the whole test run, shared by its processes; a cloned database for each test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from overnight.database import Database
from overnight.embedded import EmbeddedServer
from overnight.embedded_launch import Binaries
from overnight.testing import Clock, fresh_database


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the server; the first process starts it, the last one stops it.

    OVERNIGHT_TEST_POSTGRES names the programs of another Postgres, such as /usr/lib/postgresql/15/bin.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base  # one folder for all processes of a run
    server = EmbeddedServer(shared / "postgres")
    if programs := os.environ.get("OVERNIGHT_TEST_POSTGRES"):
        server.binaries = Binaries(Path(programs), int(Path(programs).parent.name))
    server.hold()
    with psycopg.connect(server.url, autocommit=True) as connection:
        # No test pulls the plug, so none needs to wait for the disk.
        connection.execute("alter system set fsync = off")
        connection.execute("select pg_reload_conf()")
    yield server.url
    server.release()


@pytest.fixture
async def database(server_url: str) -> AsyncIterator[Database]:
    """An empty ledger with a clock that can be moved."""
    async with fresh_database(server_url) as database:
        yield database


@pytest.fixture
def clock(database: Database) -> Clock:
    """Moves the time of `database`."""
    return Clock(database)
