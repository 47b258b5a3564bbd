"""Worker processes that may be killed, and the check of what they leave behind."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import random
import secrets
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from overnight.engine.decide import MAX_LOSSES
from overnight.engine.rescuer import SETTLE
from overnight.errors import LedgerUnavailable
from overnight.operations import runs as jobs
from overnight.store import database as database_module
from overnight.testing import fresh_database

PATIENCE = 45.0  # seconds within which what is waited for has come about, on a slow machine too
APP = Path(__file__).with_name("app.py")

_spec = importlib.util.spec_from_file_location("crash_app", APP)
assert _spec
assert _spec.loader
app = importlib.util.module_from_spec(_spec)
sys.modules["crash_app"] = app  # where typing looks for the names in its annotations
_spec.loader.exec_module(app)


class Scene:
    """One folder, one database, the workers that were started on them, and what is known to be
    finished.
    """

    def __init__(self, folder: Path, database: database_module.Database, place: list[str]) -> None:
        self.world = app.World(folder)
        self.app = app.make_app(folder)
        self.database = database
        self.orders = 0
        self.begun: list[subprocess.Popen[bytes]] = []
        self._place = place
        self._log = folder / "workers.log"
        self._finished: list[tuple[int, set[tuple[str, str]]]] = []

    def start(self, **options: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, APP, self.world.folder, *self._place]
        command += [f"--{name}={value}" for name, value in options.items()]
        with self._log.open("ab") as log:
            self.begun.append(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            )
        return self.begun[-1]

    def close(self) -> None:
        for process in self.begun:
            process.kill()
            process.wait()
        print(
            "\n".join(app.lines(self._log)[-int(os.environ.get("CRASH_TAIL", "40")) :])
        )  # pytest shows it where the test failed

    async def order(self, count: int) -> None:
        for _ in range(count):
            await jobs.start(self.app, self.database, "order", app.Order(number=self.orders))
            self.orders += 1

    async def fetch(self, sql: str) -> list[dict[str, Any]]:
        """Rows of the ledger as soon as its server answers; not through the pool, which is slow to
        see that it does.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                async with await self.database.connect() as connection:
                    return await database_module.run(connection, sql, ())
            except (psycopg.OperationalError, LedgerUnavailable):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)

    def executions(self) -> list[list[str]]:
        return [line.split() for line in app.lines(self.world.executions)]

    async def note_finished(self) -> None:
        """What is succeeded by now may have no execution from now on."""
        rows = await self.fetch("select job_id, step from runs where status = 'succeeded'")
        self._finished.append(
            (len(self.executions()), {(row["job_id"], row["step"]) for row in rows})
        )

    async def until(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"it did not come about: {what}"
            await asyncio.sleep(0.01)

    async def until_row(self, what: str, sql: str) -> None:
        """Until the statement has a row."""
        deadline = time.monotonic() + PATIENCE
        while not await self.fetch(sql):
            assert time.monotonic() < deadline, f"it did not come about: {what}"
            await asyncio.sleep(0.02)

    async def until_executing(self, process: subprocess.Popen[bytes]) -> None:
        """Until an execution began after this call, or nothing is left to execute."""
        seen = len(self.executions())
        await self.until(
            "an execution", lambda: len(self.executions()) > seen or process.poll() is not None
        )

    async def until_ended(self, process: subprocess.Popen[bytes]) -> int:
        await self.until("the end of a worker", lambda: process.poll() is not None)
        return int(process.wait())

    async def check(self) -> None:
        """Every order, with its children, ended as designed, and no step of it twice."""
        runs = {
            (row["job_id"], row["step"]): row
            for row in await self.fetch("select * from runs order by id")
        }
        executions = self.executions()
        self._check_executions(runs, executions)
        await self._check_history(runs)
        await self._check_outside(runs)
        assert {row["status"] for row in runs.values()} <= {
            "succeeded",
            "needs_review",
            "dead",
            "cancelled",
        }
        expected = {
            place for number in range(self.orders) for place in self._check_order(runs, number)
        }
        assert set(runs) == expected, "a job is there that nobody started"

    def _check_executions(
        self, runs: dict[tuple[str, str], dict[str, Any]], executions: list[list[str]]
    ) -> None:
        for seen, finished in self._finished:
            again = [e for e in executions[seen:] if e[0] == "begin" and (e[1], e[2]) in finished]
            assert not again, f"finished steps were executed again: {again}"
        begun: dict[tuple[str, str], list[int]] = defaultdict(list)
        ended = set()
        for kind, job_id, step, attempt, _ in executions:
            if kind == "begin":
                begun[job_id, step].append(int(attempt))
            else:
                ended.add((job_id, step, int(attempt)))
        for place, run in runs.items():
            attempts = begun[place]
            assert attempts == sorted(set(attempts)), (
                f"{place} was executed twice as one attempt: {attempts}"
            )
            if run["status"] != "dead":
                assert attempts[-1] == run["attempt"], (
                    f"{place} was executed after it was finished: {attempts}"
                )
                assert (*place, run["attempt"]) in ended, (
                    f"{place} was finished by an attempt that never ended"
                )

    async def _check_history(self, runs: dict[tuple[str, str], dict[str, Any]]) -> None:
        history: dict[int, dict[int, str]] = defaultdict(dict)
        for row in await self.fetch("select run_id, attempt, outcome from attempts"):
            history[row["run_id"]][row["attempt"]] = row["outcome"]
        for place, run in runs.items():
            outcomes = history[run["id"]]
            explained = run["attempt"] - (run["outcome"] == "done")
            assert sorted(outcomes) == list(range(1, explained + 1)), (
                f"the history of {place} has holes: {outcomes}"
            )
            assert run["worker"] is None
            counts = Counter(outcomes.values())
            assert (counts["retry"], counts["lost"]) == (run["failures"], run["losses"]), (
                f"{place}: {outcomes}"
            )
            assert set(counts) <= {"retry", "lost", "handed_back", "review", "cancel"}

    async def _check_outside(self, runs: dict[tuple[str, str], dict[str, Any]]) -> None:
        written = Counter(tuple(line.split()[:2]) for line in app.lines(self.world.outside))
        twice = {place for place, count in written.items() if count > 1}
        assert not twice, f"written outside more than once: {twice}"
        done = {
            place
            for place, run in runs.items()
            if place[1] in ("publish", "send") and run["status"] != "dead"
        }
        assert done <= set(written), "a step is finished, but its write outside never happened"
        effects = {
            (row["job_id"], row["name"]): row for row in await self.fetch("select * from effects")
        }
        assert set(written) <= set(effects), "something was written outside without an intent"
        for place in done:
            assert effects[place]["status"] == "done"
            assert effects[place]["result"] == {"receipt": app.receipt(*place)}

    def _check_order(
        self, runs: dict[tuple[str, str], dict[str, Any]], number: int
    ) -> Iterator[tuple[str, str]]:
        """The runs that an order has, each checked; the chain may end only in a step that lost too
        many owners.
        """
        order = app.Order(number=number)
        plain, failures = {"number": number}, order.transient_failures
        published = {"number": number, "receipt": app.receipt(order.name, "publish")}
        for step, given, output in (
            ("fetch", plain, plain),
            ("write", plain, {"number": number, "text": f"the text of {order.name}"}),
            ("publish", {"number": number, "text": f"the text of {order.name}"}, published),
            ("close", published, published),
        ):
            yield (order.name, step)
            if not _went_on(
                runs, order.name, step, given, output, failures if step in ("fetch", "write") else 0
            ):
                return
        parcel, audit = f"parcel-{number:03}", f"audit-{number:03}"
        yield (audit, "check")
        status = {0: "needs_review", 1: "cancelled", 2: "succeeded"}[number % 3]
        _went_on(runs, audit, "check", plain, None if status == "cancelled" else plain, 0, status)
        yield (parcel, "pack")
        if _went_on(runs, parcel, "pack", plain, plain, 0):
            yield (parcel, "send")
            _went_on(
                runs,
                parcel,
                "send",
                plain,
                {"number": number, "receipt": app.receipt(parcel, "send")},
                0,
            )
        yield (order.name, "settle")
        is_sent = runs.get((parcel, "send"), {"status": "dead"})["status"] == "succeeded"
        got = app.receipt(parcel, "send") if is_sent else published["receipt"]
        value = {"number": number, "receipt": got}
        if _went_on(runs, order.name, "settle", published, value, 0):
            yield (order.name, "archive")
            _went_on(runs, order.name, "archive", value, got if is_sent else "late", 0)


def _went_on(
    runs: dict[tuple[str, str], dict[str, Any]],
    job_id: str,
    step: str,
    given: object,
    output: object,
    failures: int,
    status: str = "succeeded",
) -> bool:
    """Whether the run ended as it should. False when it is a dead letter, which only lost owners
    can make it here.
    """
    assert (job_id, step) in runs, f"{job_id} lost its step {step}"
    run = runs[job_id, step]
    assert run["input"] == given
    if run["status"] == "dead":
        assert (run["losses"], run["outcome"]) == (MAX_LOSSES, "lost")
        return False
    assert (run["status"], run["output"], run["failures"]) == (status, output, failures), (
        f"{job_id} {step}"
    )
    return True


@pytest.fixture
def rng() -> random.Random:
    """What chooses the moments. OVERNIGHT_SEED repeats the choice of a run that failed, which
    pytest shows.
    """
    seed = os.environ.get("OVERNIGHT_SEED") or str(secrets.randbits(32))
    print(f"OVERNIGHT_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
async def scene(server_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """A database of its own on the shared server, which is old enough that a free lock proves a
    worker dead.
    """
    async with fresh_database(server_url) as database:
        scene = Scene(tmp_path, database, ["--url", database.url])
        await scene.until_row(
            "a server that has settled",
            "select 1 where pg_postmaster_start_time() < clock_timestamp() - interval "
            f"'{SETTLE + 0.1} s'",
        )
        try:
            yield scene
        finally:
            scene.close()


@pytest.fixture
def make_scene() -> Callable[[Path, database_module.Database, list[str]], Scene]:
    """For a test that brings a server of its own."""
    return Scene
