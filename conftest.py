"""One embedded Postgres for the whole test run, shared by its processes; a cloned database for each
test.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from overnight import logs
from overnight.store.database import Database
from overnight.testing import Clock, fresh_database, postgres

KINDS = {  # folders that no room of the source stands for: the kind of their tests
    "browser",
    "crash",
    "e2e",
    "fuzz",
    "generators",
    "model",
    "on_lambda",
    "wordpress",
}

# How long an example takes depends on what else the machine does.
settings.register_profile("any speed", deadline=None)
settings.load_profile("any speed")
settings.register_profile(  # of `make test-fuzz`
    "fuzz",
    max_examples=int(os.environ.get("OVERNIGHT_EXAMPLES") or 10_000),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in the folder of a kind get the marker of its name; those with a database get `db`."""
    for item in items:
        for kind in KINDS.intersection(item.path.relative_to(item.config.rootpath).parts):
            item.add_marker(kind)
        if "server_url" in getattr(item, "fixturenames", ()):
            item.add_marker("db")


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the server; the first process starts it, the last one stops it.

    OVERNIGHT_TEST_POSTGRES names the programs of another Postgres, such as
    /usr/lib/postgresql/15/bin.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (
        base.parent if base.name.startswith("popen-") else base
    )  # one folder for all processes of a run
    programs = os.environ.get("OVERNIGHT_TEST_POSTGRES")
    with postgres(shared / "postgres", Path(programs) if programs else None) as url:
        yield url


@pytest.fixture
async def database(server_url: str) -> AsyncIterator[Database]:
    """An empty ledger with a clock that can be moved."""
    async with fresh_database(server_url) as database:
        yield database


@pytest.fixture
def clock(database: Database) -> Clock:
    """Moves the time of `database`."""
    return Clock(database)


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """What one test configured of the log, such as its level and what it hides, is not the next
    one's.
    """
    yield
    structlog.reset_defaults()
    logs.hidden.clear()


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    """Of pytest-httpserver; a guard lets an address through by its number, not as localhost."""
    return "127.0.0.1", 0
