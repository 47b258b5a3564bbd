"""PgQueuer at its best: asyncpg, uvloop, big batches. A step's output travels as the payload of the
next job.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from workloads import OUTPUT, STEPS, Handled, answer, called, drain, latencies

BATCH = 1_000
BULK = 5_000


async def measure(dsn: str, workload: str, count: int) -> dict[str, Any]:
    async with asyncpg.create_pool(dsn, min_size=4, max_size=8) as pool, pool.acquire() as watcher:
        queue = PgQueuer(AsyncpgPoolDriver(pool))
        queries: Queries = queue.qm.queries
        await queries.install()
        handled = Handled(count * (STEPS if workload == "w2" else 1))
        first = "step_1" if workload == "w2" else "work"

        @queue.entrypoint("work")
        async def work(job: Job) -> None:
            handled.note(int(job.payload or b""))

        def link(place: int) -> None:
            @queue.entrypoint(f"step_{place}")
            async def step(job: Job) -> None:
                handled.note(-1)
                if place < STEPS:
                    await queries.enqueue(f"step_{place + 1}", OUTPUT.encode())

        for place in range(1, STEPS + 1):
            link(place)

        async def enqueue() -> None:
            for start in range(0, count, BULK):
                numbers = range(start, min(start + BULK, count))
                await queries.enqueue(
                    [first] * len(numbers), [str(n).encode() for n in numbers], [0] * len(numbers)
                )

        async def worker() -> None:
            await queue.run(
                batch_size=BATCH if workload != "w3" else 10, dequeue_timeout=timedelta(seconds=30)
            )

        if workload == "w3":
            return await latencies(
                count, handled, lambda n: queries.enqueue("work", str(n).encode()), worker
            )
        unfinished = "select count(*) from pgqueuer"
        return await drain(
            count,
            handled,
            enqueue,
            lambda: watcher.execute("analyze"),
            worker,
            lambda: watcher.fetchval(unfinished),
        )


if __name__ == "__main__":
    uvloop.install()
    answer(asyncio.run(measure(*called())))
