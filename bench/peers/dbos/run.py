"""DBOS at its best: a queue polled every 10 ms, plain functions in threads, jobs enqueued many to a
transaction.
"""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import sqlalchemy
from dbos import DBOS, DBOSClient

from workloads import OUTPUT, STEPS, Handled, answer, called, drain, latencies

POLL = 0.01  # seconds
CONCURRENCY = {"w1": 500, "w2": 20, "w3": 20}  # of the queue, at its best for each workload
BULK = 1_000
UNFINISHED = "select count(*) from dbos.workflow_status where status in ('ENQUEUED', 'PENDING')"

note: Any = None


@DBOS.workflow()
def work(number: int) -> None:
    note(number)


@DBOS.step()
def step(place: int) -> str:
    note(-1)
    return OUTPUT


@DBOS.workflow()
def chain(number: int) -> None:
    for place in range(STEPS):
        step(place)


async def measure(dsn: str, workload: str, count: int) -> dict[str, Any]:
    global note
    loop = asyncio.get_running_loop()
    handled = Handled(count * (STEPS if workload == "w2" else 1))
    url = dsn.replace("postgresql://", "postgresql+psycopg://")
    name = "chain" if workload == "w2" else "work"

    def note(number: int) -> None:
        loop.call_soon_threadsafe(handled.note, number)

    DBOS(
        config={
            "name": "bench",
            "system_database_url": url,
            "log_level": "ERROR",
            "application_version": "1",
            "executor_id": "bench",
            "sys_db_pool_size": 20,
        }
    )
    client = DBOSClient(system_database_url=url)
    options = {"queue_name": "bench", "workflow_name": name, "app_version": "1"}
    engine = sqlalchemy.create_engine(url)

    def enqueue_all() -> None:
        for start in range(0, count, BULK):
            with engine.begin() as connection:
                for number in range(start, min(start + BULK, count)):
                    client.enqueue_in_transaction(connection, options, number)

    def listen() -> None:
        DBOS.register_queue(
            "bench", worker_concurrency=CONCURRENCY[workload], polling_interval_sec=POLL
        )

    async def worker() -> None:
        """Launched it is already, for that makes its tables; it works from when it
        knows the queue.
        """
        await asyncio.to_thread(listen)
        await asyncio.Event().wait()

    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as watcher:

        async def unfinished() -> int:
            row = await (await watcher.execute(UNFINISHED)).fetchone()
            return row[0] if row else 0

        await asyncio.to_thread(DBOS.launch)
        if workload == "w3":
            return await latencies(
                count, handled, lambda n: asyncio.to_thread(client.enqueue, options, n), worker
            )
        return await drain(
            count,
            handled,
            lambda: asyncio.to_thread(enqueue_all),
            lambda: watcher.execute("analyze"),
            worker,
            unfinished,
        )


if __name__ == "__main__":
    answer(asyncio.run(measure(*called())))
    DBOS.destroy()
