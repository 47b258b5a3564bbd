"""What a step costs, by its parts: microseconds of processor time in Postgres by statement, and in
the worker by what its code is for. Linux.

The worker's own time is measured without a profiler; a profiler then says how it is divided, for it
makes small functions look dearer than they are.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from app import app, chain, on_begin, single
from ours import BULK, UNFINISHED
from outcome import table, tell
from overnight import Worker, logs
from overnight.engine.runner import LEASE
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.migrations import migrate
from server import Server, durable_server
from statements import ended
from workloads import STEPS, Handled

T = TypeVar("T")

BATCH = 200  # runs that a statement claims or ends: as many as a worker has slots
COUNTS = {"w1": 20_000, "w2": 4_000}
PIPELINES = {"w1": single, "w2": chain}
# The first that is part of a file's path says what its time is for.
GROUPS = (
    ("log_output", "log"), ("ending_log", "log"), ("structlog", "log"),
    ("psycopg", "driver"), ("store/database", "driver"),
    ("store/ledger", "rows to and from SQL"), ("store/records", "rows to and from SQL"),
    ("store/storable", "JSON and types"), ("store/unstorable", "JSON and types"),
    ("pydantic", "JSON and types"), ("json/", "JSON and types"),
    ("pipelines/", "JSON and types"),
    ("asyncio", "event loop"), ("selectors", "event loop"), ("contextlib", "event loop"),
    ("overnight/engine", "the attempt"),
    ("bench/", "handler"),
)  # fmt: skip


def cpu(pids: set[int]) -> float:
    """Microseconds that these processes have run."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1000


async def of_postgres(server: Server, workload: str, count: int, batch: int) -> dict[str, float]:
    """Microseconds a row of each statement, of claims and endings of `batch` rows."""
    pipeline = PIPELINES[workload]
    spent, rows = Counter[str](), Counter[str]()
    with server.database() as dsn:
        async with Database(dsn) as database, database.hot() as hot:
            await migrate(database)
            ledger = Ledger(hot)
            await asyncio.gather(*(hot.fetch("select 1") for _ in range(2)))
            others = "select pid from pg_stat_activity where datname = current_database()"
            pids = {row["pid"] for row in await database.fetch(others)}

            async def timed(what: str, call: Awaitable[T], count: int) -> T:
                before = cpu(pids)
                answer = await call
                spent[what] += cpu(pids) - before  # type: ignore[assignment]
                rows[what] += count
                return answer

            for start in range(0, count, BULK):
                jobs = [pipeline.job(n) for n in range(start, min(start + BULK, count))]
                await timed("enqueue", ledger.enqueue(jobs), len(jobs))
            await database.fetch("analyze")
            while True:
                claimed = ledger.claim(app.scope(), "bench", batch, LEASE)
                runs = (await timed("claim", claimed, batch)).runs
                if not runs:
                    break
                await timed("finish", ledger.finish([ended(r) for r in runs], "bench"), len(runs))
    return {what: spent[what] / rows[what] for what in spent}


async def of_worker(server: Server, workload: str, count: int) -> dict[str, float]:
    """Microseconds a step of the worker's process, whole and by group."""
    steps = count * (1 if workload == "w1" else STEPS)
    whole = await _drain(server, workload, count, lambda: None, lambda: None)
    profile = cProfile.Profile()
    await _drain(server, workload, count, profile.enable, profile.disable)
    shares = Counter[str]()
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if "poll" not in name:  # waiting is no work
            shares[_group(file, name)] += own
    every = sum(shares.values())
    of_groups = {group: whole * share / every / steps for group, share in shares.most_common()}
    return {"whole": whole / steps, **of_groups}


def _group(file: str, name: str) -> str:
    if file == "~" and ("json" in name or "pydantic" in name):
        return "JSON and types"
    return next((group for part, group in GROUPS if part in file), "other")


async def _drain(
    server: Server,
    workload: str,
    count: int,
    begin: Callable[[], None],
    end: Callable[[], None],
) -> float:
    """Microseconds of this process's time from the worker's start until nothing is left."""
    pipeline = PIPELINES[workload]
    handled = Handled(count * (1 if workload == "w1" else STEPS))
    on_begin[:] = [handled.note]
    with server.database() as dsn:
        async with Database(dsn) as database:
            await migrate(database)
            for start in range(0, count, BULK):
                jobs = [pipeline.job(n) for n in range(start, min(start + BULK, count))]
                await Ledger(database).enqueue(jobs)
            await database.fetch("analyze")
            began = time.process_time()
            begin()
            working = asyncio.create_task(Worker(app, database).run())
            await handled.all.wait()
            while await database.one(UNFINISHED):
                await asyncio.sleep(0.005)
            end()
            took = time.process_time() - began
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
    return took * 1_000_000


async def measure(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = {"batch": BATCH}
    for workload, count in COUNTS.items():
        found[workload] = {
            "postgres": await of_postgres(server, workload, count, BATCH),
            "worker": await of_worker(server, workload, count),
        }
    found["alone"] = await of_postgres(server, "w1", 500, 1)
    return found


def shown(found: dict[str, Any]) -> list[Any]:
    made = table("microseconds of processor time", "w1 job", "w2 step")
    for part in ("postgres", "worker"):
        for name in found["w1"][part]:
            figures = (found[workload][part].get(name, 0.0) for workload in COUNTS)
            made.add_row(f"{part}: {name}", *(f"{figure:,.1f}" for figure in figures))
    for name, figure in found["alone"].items():
        if name != "enqueue":
            made.add_row(f"postgres: {name} of one row", f"{figure:,.0f}", "")
    return [made]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="figures instead of a table")
    options = parser.parse_args()
    os.chdir(Path(__file__).parent)
    with tempfile.TemporaryFile("w") as log, durable_server() as server:
        logs.configure(log)
        found = asyncio.run(measure(server))
    tell("parts", found, shown(found), as_json=options.json, whole=True)


if __name__ == "__main__":
    sys.exit(main())
