"""Claim and finish on a table full of ended runs, beside the same on an empty one, by turns."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from app import app, chain
from overnight.engine.worker import LEASE
from overnight.errors import UserError
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.migrations import migrate
from server import Server
from statements import ended
from workloads import STEPS

BATCH = 100
ROUNDS = 40  # pairs of a claim and a finish that are measured on each table
# and that are not, so that what they need is in memory, as in a worker that has run for a while
WARM_UP = 20
BYTES_A_ROW = 600  # of a run with its indexes and its part of the log, rounded up
INDEXES = """
    select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as made,
           c.conname as rule, pg_get_constraintdef(c.oid) as rule_made
    from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype = 'u'
    where i.indrelid = 'runs'::regclass and not i.indisprimary
"""
# Jobs of three steps, the last of them an hour ago; ids without order, as hashes are.
FILL = """
    insert into runs (job_id, step, pipeline, status, outcome, attempt, due_at, lease_until,
                      input, input_hash, output, created_at, started_at, finished_at)
    select left(md5(n::text), 16), 'step_' || s, 'chain', 'succeeded', 'done', 1, t, null,
           jsonb_build_object('number', n), case when s = 1 then md5(n::text) end,
           jsonb_build_object('step', s), t, t, t + interval '1 second'
    from generate_series(%(first)s::bigint, %(last)s::bigint) n, generate_series(1, 3) s,
         lateral (select ledger_now() - interval '1 hour'
                     - (%(last)s::bigint - n) * interval '1 second' as t) at
"""


async def measure(
    server: Server, *, sizes: Sequence[int], tell: Callable[[str], None]
) -> dict[str, Any]:
    """For each size: the medians of claim and finish in ms on both tables, and how much slower the
    full one is.

    `table_size` is the worst of them. Raises `UserError` where the disk has no room.
    """
    _check_room(server, max(sizes))
    rows: list[dict[str, Any]] = []
    async with _table(server) as empty, _table(server) as full:
        there = 0
        for size in sorted(sizes):
            tell(f"filling {size:,} ended rows")
            await _fill(full.database, there, size)
            there = size
            tell(f"claim and finish beside {size:,} ended rows")
            rows.append({"rows": size, **await _compare(server, empty, full, len(rows))})
    return {"table_size": max(row["slower"] for row in rows), "sizes": rows}


@dataclass(eq=False)
class Side:
    """A ledger, as a worker uses it."""

    database: Database
    ledger: Ledger
    claims: list[float] = field(default_factory=list)
    finishes: list[float] = field(default_factory=list)


@asynccontextmanager
async def _table(server: Server) -> AsyncIterator[Side]:
    # The statements that fill ten million rows take longer than any of the engine's.
    with server.database() as dsn:
        async with (
            Database(dsn, options="-c statement_timeout=0") as database,
            database.hot() as hot,
        ):
            await migrate(database)
            yield Side(database, Ledger(hot))


def _check_room(server: Server, rows: int) -> None:
    free, needed = shutil.disk_usage(server.embedded.home).free, rows * BYTES_A_ROW
    if free < 2 * needed:
        raise UserError(
            f"{rows:,} rows need about {needed / 1e9:.1f} GB for a while, and "
            f"{free / 1e9:.1f} GB are free here: "
            "make room for twice as much, name another place with TMPDIR, or give smaller --sizes"
        )


async def _fill(database: Database, there: int, size: int) -> None:
    """Up to `size` ended rows. The indexes are dropped meanwhile and built again: that takes a
    tenth of the time.
    """
    indexes = await database.fetch(INDEXES)
    for index in indexes:
        drop = (
            f"alter table runs drop constraint {index['rule']}"
            if index["rule"]
            else f"drop index {index['name']}"
        )
        await database.fetch(drop)
    await database.fetch(FILL, {"first": there // 3 + 1, "last": size // 3})
    for index in indexes:
        rule = f"alter table runs add constraint {index['rule']} {index['rule_made']}"
        await database.fetch(rule if index["rule"] else index["made"])
    await database.fetch("vacuum analyze runs")


async def _compare(server: Server, empty: Side, full: Side, series: int) -> dict[str, float]:
    for side in (empty, full):
        await _enqueue(side.database, series)
        await side.database.fetch("vacuum analyze runs")
        side.claims.clear()
        side.finishes.clear()
    server.ask("checkpoint")
    for turn in range(WARM_UP + ROUNDS):
        for side in (empty, full) if turn % 2 else (full, empty):
            claim, finish = await _turn(side.ledger)
            if turn >= WARM_UP:
                side.claims.append(claim)
                side.finishes.append(finish)
    told = {
        f"{what}_{name}_ms": median(spans) * 1000
        for name, side in (("empty", empty), ("full", full))
        for what, spans in (("claim", side.claims), ("finish", side.finishes))
    }
    both = {
        name: told[f"claim_{name}_ms"] + told[f"finish_{name}_ms"] for name in ("empty", "full")
    }
    return {**told, "slower": both["full"] / both["empty"]}


async def _enqueue(database: Database, series: int) -> None:
    """Enough jobs of five steps for all turns."""
    jobs = BATCH * (WARM_UP + ROUNDS) // STEPS
    await Ledger(database).enqueue(
        [chain.job(number) for number in range(series * jobs, (series + 1) * jobs)]
    )


async def _turn(ledger: Ledger) -> tuple[float, float]:
    """Seconds that one claim of a hundred runs took, and the finish of them, with the steps that
    follow.
    """
    began = time.perf_counter()
    claim = await ledger.claim(app.scope(), "bench", BATCH, LEASE)
    claimed = time.perf_counter()
    assert len(claim.runs) == BATCH
    endings = [ended(run) for run in claim.runs]
    ready = time.perf_counter()
    await ledger.finish(endings, "bench")
    return claimed - began, time.perf_counter() - ready
