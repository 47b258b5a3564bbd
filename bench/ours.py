"""overnight as a contestant: one worker with everything it has at its defaults, its log
in a file.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from app import app, chain, held, on_begin, single
from overnight import Worker, logs
from overnight.operations import control
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.migrations import migrate
from overnight.store.records import Ending
from workloads import STEPS, Handled, answer, called, drain, latencies, running

BULK = 5_000  # jobs that one enqueue takes
UNFINISHED = "select id from runs where status in ('queued', 'running') limit 1"


async def measure(dsn: str, workload: str, count: int) -> dict[str, Any]:
    async with Database(dsn) as database:
        await migrate(database)
        if workload == "w3":
            return await _latencies(database, count)
        if workload == "memory":
            return await _memory(database, count)
        return await _drain(database, workload, count)


async def _work(database: Database, **options: Any) -> None:
    """A worker that goes on until it is cancelled, or a step fails: no bench counts failures."""

    def look(ending: Ending) -> None:
        if ending.transition.failed:
            print(ending.transition.error, file=sys.stderr)
            worker.stop()

    worker = Worker(app, database, on_ending=look, **options)
    await worker.run()


async def _drain(database: Database, workload: str, count: int) -> dict[str, Any]:
    pipeline = single if workload == "w1" else chain
    handled = Handled(count * (1 if workload == "w1" else STEPS))
    on_begin.append(handled.note)

    async def enqueue() -> None:
        for start in range(0, count, BULK):
            jobs = [pipeline.job(number) for number in range(start, min(start + BULK, count))]
            await Ledger(database).enqueue(jobs)

    return await drain(
        count,
        handled,
        enqueue,
        lambda: database.fetch("analyze"),
        lambda: _work(database),
        lambda: database.one(UNFINISHED),
    )


async def _latencies(database: Database, count: int) -> dict[str, Any]:
    handled = Handled(count)
    on_begin.append(handled.note)
    return await latencies(
        count,
        handled,
        lambda number: control.start(app, database, "single", number),
        lambda: _work(database),
    )


async def _memory(database: Database, count: int) -> dict[str, Any]:
    """Megabytes that this process holds with `count` steps in flight."""
    handled = Handled(count)
    on_begin.append(handled.note)
    await Ledger(database).enqueue([held.job(number) for number in range(count)])
    async with running(lambda: _work(database, concurrency=count, grace=0.0)):
        await handled.all.wait()
        status = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
        )
    return {
        name: int(status[field].split()[0]) / 1024
        for name, field in (("rss_mb", "VmRSS"), ("peak_mb", "VmHWM"))
    }


if __name__ == "__main__":
    with tempfile.TemporaryFile("w") as log:
        logs.configure(log)
        answer(asyncio.run(measure(*called())))
