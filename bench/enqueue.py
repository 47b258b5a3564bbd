"""Bulk enqueue beside the same `INSERT … SELECT unnest` on the same table."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from app import single
from overnight.store.database import Database
from overnight.store.ledger import Ledger, columns
from overnight.store.migrations import migrate
from server import Server

BULK = 5_000
COLUMNS = ("job_id", "step", "pipeline", "key", "input", "input_hash")
INSERT = """
    insert into runs (job_id, step, pipeline, key, input, input_hash, lease_until)
    select n.job_id, n.step, n.pipeline, n.key, n.input::jsonb, n.input_hash, null
    from unnest(%(job_id)s::text[], %(step)s::text[], %(pipeline)s::text[], %(key)s::text[],
        %(input)s::text[],
                %(input_hash)s::text[]) as n (job_id, step, pipeline, key, input, input_hash)
"""


async def measure(server: Server, *, rows: int, rounds: int) -> dict[str, Any]:
    """Rows a second: from inputs to runs, of runs that are made already, and of the plain insert of
    the same.

    The ratio is that of the last two, which send the same rows.
    """
    spans: dict[str, list[float]] = {"inputs": [], "runs": [], "insert": []}
    for _ in range(rounds):
        for what, call in (("inputs", _from_inputs), ("runs", _ready), ("insert", _insert)):
            with server.database() as dsn:
                async with Database(dsn) as database:
                    await migrate(database)
                    spans[what].append(await call(database, rows))
    speed = {what: rows / median(seconds) for what, seconds in spans.items()}
    return {
        "enqueue_rows_per_second": speed["inputs"],
        "enqueue_made_rows_per_second": speed["runs"],
        "insert_rows_per_second": speed["insert"],
        "enqueue_vs_insert": speed["runs"] / speed["insert"],
    }


async def _from_inputs(database: Database, rows: int) -> float:
    began = time.perf_counter()
    for numbers in _bulks(rows):
        await Ledger(database).enqueue([single.job(number) for number in numbers])
    return time.perf_counter() - began


async def _ready(database: Database, rows: int) -> float:
    bulks = [[single.job(number) for number in numbers] for numbers in _bulks(rows)]
    began = time.perf_counter()
    for bulk in bulks:
        await Ledger(database).enqueue(bulk)
    return time.perf_counter() - began


async def _insert(database: Database, rows: int) -> float:
    bulks = [[single.job(number) for number in numbers] for numbers in _bulks(rows)]
    began = time.perf_counter()
    for bulk in bulks:
        await database.fetch(INSERT, columns(bulk, *COLUMNS))
    return time.perf_counter() - began


def _bulks(rows: int) -> list[range]:
    return [range(start, min(start + BULK, rows)) for start in range(0, rows, BULK)]
