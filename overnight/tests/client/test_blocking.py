"""The client of programs without an event loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from overnight import App, BlockingClient, Context, JobFailed, On, Permanent, Pipeline, Status
from overnight.errors import ConfigError, DatabaseUnavailable
from overnight.store.database import Database
from overnight.testing import run_until_idle

doubles = Pipeline[int, int]("doubles", on=[On("number")])


@doubles.step
def double(ctx: Context, value: int) -> int:
    if value < 0:
        raise Permanent("it is negative")
    return 2 * value


app = App("numbers", [doubles])

# What nobody closes ends with its process; a fork connects by itself.
SCRIPT = """
import os, sys
from overnight import App, BlockingClient, Pipeline

doubles = Pipeline[int, int]("doubles")

@doubles.step
def double(ctx, value: int) -> int:
    return 2 * value

client = BlockingClient(App("numbers", [doubles]), sys.argv[1])
print(client.start(doubles, 1).id, flush=True)
if (child := os.fork()) == 0:
    print(client.start(doubles, 2).id, flush=True)
    sys.exit(0)
os.waitpid(child, 0)
print(client.job(client.start(doubles, 1).id).status().state, flush=True)
"""


async def in_a_thread(work: Any) -> Any:
    """What a program without an event loop does, beside the loop of this test."""
    return await asyncio.to_thread(work)


async def test_jobs_are_started_and_waited_for(database: Database) -> None:
    def start(client: BlockingClient) -> list[Any]:
        return [client.start(doubles, 4), client.start("doubles", -1), *client.emit("number", 5)]

    with BlockingClient(app, database.url) as client:
        jobs = await in_a_thread(lambda: start(client))
        assert (await in_a_thread(jobs[0].status)).state is Status.QUEUED
        await run_until_idle(app, database)
        assert await in_a_thread(lambda: jobs[0].result(60)) == 8
        with pytest.raises(JobFailed, match="failed at double: it is negative"):
            await in_a_thread(jobs[1].result)
        assert await in_a_thread(jobs[2].result) == 10
        assert await in_a_thread(client.job(jobs[0].id, doubles).result) == 8


async def test_threads_share_one_client_and_its_connections(database: Database) -> None:
    client = BlockingClient(app, database.url)

    def many() -> list[str]:
        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(lambda n: client.start(doubles, n).id, range(40)))

    assert len(set(await in_a_thread(many))) == 40
    (row,) = await database.fetch(
        "select count(*) as n from pg_stat_activity where datname = current_database() "
        "and backend_type = 'client backend'"
    )
    assert row["n"] <= 2 * 4  # the test's pool and the client's
    await in_a_thread(client.close)


async def test_a_closed_client_connects_again_when_it_is_used(database: Database) -> None:
    client = BlockingClient(app, database.url)
    first = await in_a_thread(lambda: client.start(doubles, 1).id)
    assert [each for each in threading.enumerate() if each.name == "overnight_client"]
    client.close()
    client.close()
    assert not [each for each in threading.enumerate() if each.name == "overnight_client"]
    assert await in_a_thread(lambda: client.start(doubles, 1).id) == first
    client.close()


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", DatabaseUnavailable),
        ("no url", ConfigError),
    ],
)
def test_a_database_that_is_not_there_is_one_sentence(url: str, error: type[Exception]) -> None:
    client = BlockingClient(app, url)
    for _ in range(2):  # and it leaves nothing behind
        with pytest.raises(error):
            client.start(doubles, 1)
    assert not [each for each in threading.enumerate() if each.name == "overnight_client"]


def test_a_process_may_fork_and_end_without_closing(database: Database) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT, database.url],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    first, second, state = done.stdout.split()
    assert first != second
    assert (state, done.returncode) == ("queued", 0)
