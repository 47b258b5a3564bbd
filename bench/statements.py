"""The engine's own claim and finish statements in a bare loop: what they cost without the worker
around them.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from app import app, chain, single
from ours import BULK
from overnight.engine.runner import LEASE
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.migrations import migrate
from overnight.store.records import Ending, Run, Status, Transition
from workloads import OUTPUT, answer, called

BATCH = 100
DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)


def ended(run: Run) -> Ending:
    """A success with the output of its workload, and the step that follows."""
    pipeline = app.pipelines[run.pipeline]
    output = "null" if pipeline is single else f'"{OUTPUT}"'
    return Ending(run, DONE, output, next=pipeline.follow(run))


async def measure(dsn: str, workload: str, count: int) -> dict[str, Any]:
    pipeline = single if workload == "w1" else chain
    async with Database(dsn) as database, database.hot() as hot:
        await migrate(database)
        ledger = Ledger(hot)
        began = time.perf_counter()
        for start in range(0, count, BULK):
            await ledger.enqueue([pipeline.job(n) for n in range(start, min(start + BULK, count))])
        enqueued = time.perf_counter()
        await database.fetch("analyze")
        started = time.perf_counter()
        while runs := (await ledger.claim(app.scope(), "bench", BATCH, LEASE)).runs:
            await ledger.finish([ended(run) for run in runs], "bench")
        drained = time.perf_counter()
    return {"jobs": count, "enqueue_seconds": enqueued - began, "seconds": drained - started}


if __name__ == "__main__":
    answer(asyncio.run(measure(*called())))
