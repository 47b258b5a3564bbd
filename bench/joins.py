"""What a join of many children costs beside the same jobs without one: the processor's time of
Postgres and of the worker's statements, in a bare loop.

    python bench/joins.py DSN [CHILDREN]
"""

from __future__ import annotations

import asyncio
import sys
import time

from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.migrations import migrate
from overnight.store.records import Ending, NewRun, Scope, Status, Transition
from overnight.store.wait_records import NewWait

BATCH = 100
DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)
SCOPE = Scope(["p/split", "p/child", "p/join"])
ROUNDS = 3


def new(job_id: str, step: str) -> NewRun:
    return NewRun(job_id, step, "p", "", "1", "h")


async def drain(ledger: Ledger, name: str, count: int, *, joins: bool) -> float:
    """Seconds from the spawning of the children to the end of the last one."""
    await ledger.enqueue([new(name, "split")])
    (parent,) = (await ledger.claim(SCOPE, "bench", 1, 60)).runs
    children = [new(f"{name}-{n}", "child") for n in range(count)]
    follow = NewRun(name, "join", "p", "", None, None, delay=86_400, origin="join")
    ids = [child.job_id for child in children]
    wait = NewWait("join", None, None, None, "skip", ids) if joins else None
    began = time.perf_counter()
    await ledger.finish([Ending(parent, DONE, "1", next=[follow, *children], wait=wait)], "bench")
    while runs := (await ledger.claim(SCOPE, "bench", BATCH, 60)).runs:
        await ledger.finish([Ending(run, DONE, "1") for run in runs], "bench")
    return time.perf_counter() - began


async def main(dsn: str, count: int) -> None:
    async with Database(dsn) as database, database.hot() as hot:
        await migrate(database)
        ledger = Ledger(hot)
        seconds: dict[bool, list[float]] = {False: [], True: []}
        for n in range(ROUNDS):
            for joins in (False, True):
                await database.fetch("analyze")
                seconds[joins].append(await drain(ledger, f"{n}{joins}", count, joins=joins))
        plain, joined = min(seconds[False]), min(seconds[True])
        print(
            f"{count} jobs: {plain:.2f} s; with a join {joined:.2f} s: {joined / plain:.2f} times"
        )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000))
