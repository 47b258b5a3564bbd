"""The zip as it is deployed, and a Postgres that may be restarted."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aws_fixtures import aws, client, queue, sqs

from contentstudio.store.sql import queries
from overnight.postgres.server import EmbeddedServer
from overnight.store.database import Database
from overnight.testing import fresh_database, postgres

PACKAGE = Path(__file__).parents[3] / "deploy/aws/package.py"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CONFIG = (
    '[[site]]\nname = "garden"\nurl = "https://garden.example"\nsources = ["https://a.example/"]\n'
)


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that Lambda would unpack the zip into. Its config is overruled: each test has its
    own web.
    """
    folder = tmp_path_factory.mktemp("zip")
    (folder / "contentstudio.toml").write_text(CONFIG, "utf-8")
    spec = spec_from_file_location("package", PACKAGE)
    assert spec is not None
    assert spec.loader is not None
    package: Any = module_from_spec(spec)
    spec.loader.exec_module(package)
    told = package.build(folder / "contentstudio.toml", "x86_64", PYTHON, PACKAGE.parent / "dist")
    with zipfile.ZipFile(told["file"]) as archive:
        archive.extractall(folder / "task")
    return folder / "task"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("postgres")


@pytest.fixture(scope="session")
def server_url(home: Path) -> Iterator[str]:
    """A server of these tests alone."""
    with postgres(home) as url:
        yield url


@pytest.fixture
async def database(server_url: str) -> AsyncIterator[Database]:
    """As everywhere; but the connection that drops it at the end may have gone with its server."""
    with suppress(psycopg.OperationalError):
        async with fresh_database(server_url, queries) as database:
            yield database


@pytest.fixture
def server(server_url: str, home: Path) -> EmbeddedServer:
    """The same, to be stopped and started."""
    return EmbeddedServer(home)
