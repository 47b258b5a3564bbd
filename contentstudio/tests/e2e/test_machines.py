"""Several machines: two workers and a console, each a process of its own, on one Postgres; one
worker is killed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import urlopen

import psycopg
import pytest

from contentstudio import app, pipelines
from contentstudio import config as settings
from contentstudio.demo.web import FEEDS, GONE, DemoWeb
from contentstudio.store.sql import queries
from overnight.store.database import Database
from overnight.testing import fresh_database

T = TypeVar("T")
ENDED = {"succeeded", "cancelled", "needs_review", "dead"}
PATIENCE = 90.0  # seconds


@pytest.fixture
async def database(server_url: str) -> AsyncIterator[Database]:
    async with fresh_database(server_url, queries) as database:
        yield database


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A config that all of them read."""
    with DemoWeb(datetime.now(UTC).date()) as web:
        sources = ", ".join(f'"{web.url}{path}"' for path in (*FEEDS, GONE))
        made = tmp_path / "contentstudio.toml"
        made.write_text(
            "[fetch]\nallow_loopback = true\n[research]\nsettle_seconds = 0.5\n"
            "[writing]\nwriter = 'offline'\noffline_articles = "
            "'publish'\n[publishing]\ndebounce_seconds = 1\n"
            f"[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = [{sources}]\n",
            "utf-8",
        )
        yield made


@pytest.fixture
def machines(file: Path, database: Database) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command as on another machine: in a folder of its own, with nothing but the config
    and the Postgres.
    """
    clean = {
        name: v
        for name, v in os.environ.items()
        if not name.startswith(("OVERNIGHT_", "ANTHROPIC_"))
    }
    with ExitStack() as stack:
        started: list[subprocess.Popen[str]] = []

        def start(*command: str) -> subprocess.Popen[str]:
            folder = file.parent / f"machine-{len(started)}"
            folder.mkdir()
            log = stack.enter_context((folder / "log.jsonl").open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", "contentstudio.cli.main", "--config", str(file), *command],
                cwd=folder,
                env=clean | {"OVERNIGHT_DATABASE_URL": database.url, "OVERNIGHT_HOME": str(folder)},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            started.append(process)
            return process

        try:
            yield start
        finally:
            for process in started:
                process.kill()
                process.communicate()


def ask(database: Database, sql: str) -> list[dict[str, Any]]:
    with psycopg.connect(database.url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(sql).fetchall()


def wait_until(look: Callable[[], T]) -> T:
    """What it finds, once it finds anything."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)
    return found


def working(database: Database) -> set[int]:
    """The processes that are signed in."""
    return {row["pid"] for row in ask(database, "select pid from workers where stopped_at is null")}


def busy(database: Database, workers: set[int]) -> int | None:
    """One of the workers that have a run in hand."""
    names = [
        row["worker"] for row in ask(database, "select worker from runs where status = 'running'")
    ]
    return next((pid for pid in workers if any(f"-{pid}-" in name for name in names)), None)


async def test_when_one_of_two_workers_dies_the_other_ends_the_night(
    database: Database, file: Path, machines: Callable[..., subprocess.Popen[str]]
) -> None:
    workers = {
        each.pid: each for each in (machines("worker", "--concurrency", "1") for _ in range(2))
    }
    console = machines("console", "--port", "0")
    assert console.stdout is not None
    url = re.search(r"http://\S+(?=;)", console.stdout.readline())
    assert url is not None
    wait_until(lambda: working(database) == set(workers))

    config = settings.load(file)
    await pipelines.begin(app.build(config), database, config, datetime.now(UTC))
    died = workers.pop(wait_until(lambda: busy(database, set(workers))) or 0)
    died.send_signal(signal.SIGKILL)
    died.wait(10)
    (left,) = workers.values()

    with urlopen(f"{url[0]}/health", timeout=10) as answer:
        assert answer.status == 200
    wait_until(lambda: {row["status"] for row in ask(database, "select status from runs")} <= ENDED)
    wait_until(lambda: working(database) == {left.pid})
    published = ask(
        database,
        "select job_id, count(*) as n from effects where name = 'publish' and status = "
        "'done' group by 1",
    )
    assert len(published) == 8
    assert {row["n"] for row in published} == {1}
    manifest = json.loads((file.parent / "sites/garden/.contentstudio.json").read_text("utf-8"))
    assert len(manifest["pages"]) == 8

    left.terminate()
    assert left.wait(40) == 128 + signal.SIGTERM
    assert working(database) == set()
