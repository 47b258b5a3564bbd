"""Procrastinate at its best: one worker with concurrency. A step's output travels as the argument
of the next job.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector

from workloads import OUTPUT, STEPS, Handled, answer, called, drain, latencies

CONCURRENCY = 20
BULK = 5_000
UNFINISHED = "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"


async def measure(dsn: str, workload: str, count: int) -> dict[str, Any]:
    app = App(connector=PsycopgConnector(conninfo=dsn, min_size=4, max_size=20))
    handled = Handled(count * (STEPS if workload == "w2" else 1))

    @app.task(name="work")
    async def work(number: int) -> None:
        handled.note(number)

    @app.task(name="chain")
    async def chain(place: int, before: str) -> None:
        handled.note(-1)
        if place < STEPS:
            await chain.defer_async(place=place + 1, before=OUTPUT)

    async def enqueue() -> None:
        for start in range(0, count, BULK):
            numbers = range(start, min(start + BULK, count))
            if workload == "w1":
                await work.batch_defer_async(*({"number": n} for n in numbers))
            else:
                await chain.batch_defer_async(*({"place": 1, "before": ""} for _ in numbers))

    async def worker() -> None:
        await app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False)

    async with (
        app.open_async(),
        await psycopg.AsyncConnection.connect(dsn, autocommit=True) as watcher,
    ):
        await app.schema_manager.apply_schema_async()

        async def unfinished() -> int:
            row = await (await watcher.execute(UNFINISHED)).fetchone()
            return row[0] if row else 0

        if workload == "w3":
            return await latencies(count, handled, lambda n: work.defer_async(number=n), worker)
        return await drain(
            count, handled, enqueue, lambda: watcher.execute("analyze"), worker, unfinished
        )


if __name__ == "__main__":
    logging.disable(logging.INFO)  # its log line for each job is not asked for
    answer(asyncio.run(measure(*called())))
