"""One to eight worker processes on one Postgres: what each adds, and what limits them.

The jobs are there and a switch holds them; when all workers are idle, the switch is turned on. The
clock is the database's, from then until the last ending.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any

from app import chain, single
from ours import BULK, UNFINISHED
from outcome import table, tell
from overnight.operations import switches
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.migrations import migrate
from processes import command_line_worker, cpu_seconds
from recovery import LISTED, until
from server import Server, durable_server
from workloads import STEPS

PROCESSES = (1, 2, 4, 8)
COUNTS = {"w1": 30_000, "w2": 4_000}
ROUNDS = 3
PIPELINES = {"w1": single, "w2": chain}
ENDED = """
    select extract(epoch from max(finished_at) - %(begun)s)::float8 as seconds, count(*) as steps
    from runs where status = 'succeeded'
"""


async def measure(server: Server, workload: str, count: int, processes: int) -> dict[str, float]:
    """Steps a second, and the processors that the workers and Postgres kept busy meanwhile."""
    pipeline = PIPELINES[workload]
    with server.database() as dsn, ExitStack() as stack:
        async with Database(dsn) as database:
            await migrate(database)
            for start in range(0, count, BULK):
                jobs = [pipeline.job(n) for n in range(start, min(start + BULK, count))]
                await Ledger(database).enqueue(jobs)
            await database.fetch("analyze")
            await switches.pause(database, "all", reason="until all workers are there")
            workers = [stack.enter_context(command_line_worker(dsn)) for _ in range(processes)]
            await until(lambda: database.one(LISTED, {"count": processes}))
            await asyncio.sleep(1.0)  # they have looked around, and are idle
            pids = [worker.pid for worker in workers]
            before = sum(map(cpu_seconds, pids)), cpu_seconds(server.pid)
            now = await database.one("select clock_timestamp() as begun")
            await switches.resume(database, "all")
            await until(lambda: _none_unfinished(database))
            after = sum(map(cpu_seconds, pids)), cpu_seconds(server.pid)
            (ended,) = await database.fetch(ENDED, now or {})
    seconds = float(ended["seconds"])
    return {
        "steps_per_second": ended["steps"] / seconds,
        "worker_cpus": (after[0] - before[0]) / seconds,
        "postgres_cpus": (after[1] - before[1]) / seconds,
    }


async def _none_unfinished(database: Database) -> bool | None:
    return await database.one(UNFINISHED) is None or None


async def all_of(server: Server, quick: bool) -> dict[str, Any]:
    """For each workload and number of processes the medians of the rounds, which take turns."""
    measured: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(1 if quick else ROUNDS):
        for workload, count in COUNTS.items():
            for processes in PROCESSES:
                size = count // 10 if quick else count
                one = await measure(server, workload, size, processes)
                measured.setdefault((workload, processes), []).append(one)
    return {
        workload: [
            {
                "processes": processes,
                **{name: median(one[name] for one in ones) for name in ones[0]},
            }
            for (of, processes), ones in measured.items()
            if of == workload
        ]
        for workload in COUNTS
    }


def shown(figures: dict[str, Any]) -> list[Any]:
    tables = []
    for workload in COUNTS:
        made = table(workload, "processes", "steps/s", "of one", "CPUs: workers", "Postgres")
        rows: Sequence[dict[str, float]] = figures[workload]
        for row in rows:
            made.add_row(
                "",
                f"{row['processes']:.0f}",
                f"{row['steps_per_second']:,.0f}",
                f"{row['steps_per_second'] / rows[0]['steps_per_second']:.2f}",
                f"{row['worker_cpus']:.2f}",
                f"{row['postgres_cpus']:.2f}",
            )
        tables.append(made)
    return tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a tenth of the jobs")
    parser.add_argument("--json", action="store_true", help="figures instead of tables")
    options = parser.parse_args()
    with durable_server() as server:
        found = asyncio.run(all_of(server, options.quick))
    figures = {"cores": len(os.sched_getaffinity(0)), "steps_of_a_w2_job": STEPS, **found}
    tell("scale", figures, shown(figures), as_json=options.json, whole=not options.quick)


if __name__ == "__main__":
    main()
