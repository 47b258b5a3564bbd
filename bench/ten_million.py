"""What a person asks of a big ledger: each report beside ten million runs, while the retention job works."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from overnight import App, Filter, Keep, budgets, report, retention, rollup
from overnight.database import Database, migrate
from overnight.errors import OvernightError, UserError
from server import Server, durable_server

ROWS = 10_000_000
BYTES_A_ROW = 1_200  # of a run with all that stands beside it, and of its part of the log, rounded up
DAYS = 31  # of history; payloads are kept for 30 of them, so that the retention job finds work
ROUNDS = 30
WARM_UP = 3  # rounds that are not measured
TARGET = {"median_ms": 100.0, "p95_ms": 250.0}
PAUSE = 0.5  # seconds between two batches of the retention job, which a worker makes three times in 30 s
TABLES = ("runs", "attempts", "llm_calls", "effects")

INDEXES = """
    select i.indrelid::regclass::text as owner, i.indexrelid::regclass::text as name,
           pg_get_indexdef(i.indexrelid) as made, c.conname as rule, pg_get_constraintdef(c.oid) as rule_made
    from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype = 'u'
    where i.indrelid = any(%(tables)s::regclass[]) and not i.indisprimary
"""
# Jobs of three steps, evenly over the days, for 20 sites; one in ten of the runs waits, as after an hour of outage.
RUNS = """
    insert into runs (job_id, step, pipeline, key, status, outcome, attempt, failures, due_at, lease_until, worker,
                      input, input_hash, output, error, error_class, cost_usd, origin, created_at, started_at,
                      finished_at)
    select left(md5(n::text), 16), (array['research', 'write', 'publish'])[s], 'article', 'site' || n %% 20, f.status,
           case f.status when 'succeeded' then case when n %% 50 = 0 then 'no_work' else 'done' end
                         when 'cancelled' then 'cancel' when 'dead' then 'error' when 'needs_review' then 'review' end,
           case when f.status = 'queued' then 0 else 1 + f.failures end, f.failures, t, null,
           case when f.status = 'running' then 'w' end,
           jsonb_build_object('topic', md5(n::text), 'number', n), case when s = 1 then md5(n::text) end,
           case when f.status = 'succeeded' then jsonb_build_object('text', repeat(md5((n * 7)::text), 5)) end,
           case when f.status in ('dead', 'needs_review') then 'the upstream answered 502: ' || md5(n::text) end,
           case when f.status = 'dead' then 'transient' end, case when s = 2 then 0.01 else 0 end,
           case when n %% 7 = 0 then 'cron 0 4 * * * UTC' else 'event topic.validated' end, t,
           case when f.status <> 'queued' then t end,
           case when f.status not in ('queued', 'running') then t + f.took end
    from generate_series(1, %(jobs)s::bigint) n, generate_series(1, 3) s,
         lateral (select ledger_now() - make_interval(days => %(days)s) * (1 - least(1, n / %(begun)s::float8))
                         - interval '2 minutes' as t) at,
         lateral (select case when n > %(begun)s then 'queued' when n > %(begun)s - 20 then 'running'
                              when n %% 3000 = 0 then 'dead' when n %% 10000 = 1 then 'needs_review'
                              when n %% 200 = 3 then 'cancelled' else 'succeeded' end as status,
                         case when n %% 40 = 0 then 1 + n %% 3 else 0 end::int as failures,
                         make_interval(secs => exp(1 + s + 0.8 * random())) as took) f
    where f.status = 'succeeded' or s = 1
"""
ATTEMPTS = """
    insert into attempts (run_id, attempt, outcome, error, error_class, detail, started_at, finished_at)
    select r.id, a, case when a <= r.failures then 'retry' else r.outcome end, 'the upstream answered 502', 'transient',
           repeat('at line 1 ', 30), r.started_at, r.finished_at
    from runs r, generate_series(1, r.attempt) a
    where r.failures > 0 or r.status in ('dead', 'needs_review', 'cancelled')
"""
CALLS = """
    insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, model, request_hash, status, answer,
                           input_tokens, output_tokens, cost_usd, started_at, finished_at)
    select r.id, r.job_id, r.step, r.pipeline, r.key, 1, 'anthropic', 'model-' || c, md5(r.id::text),
           case when r.id % 9 = 0 then 'cached' else 'stored' end, repeat(md5(r.id::text), 4), 900, 400, 0.005,
           r.started_at, r.finished_at
    from runs r, generate_series(1, 2) c
    where r.step = 'write' and r.status = 'succeeded'
"""
EFFECTS = """
    insert into effects (job_id, name, content_hash, run_id, attempt, status, result, intended_at, done_at)
    select r.job_id, 'cms post', md5(r.id::text), r.id, 1, case when r.id % 5000 = 0 then 'intended' else 'done' end,
           '{"id": 1}', r.started_at, r.finished_at
    from runs r
    where r.step = 'publish' and r.status = 'succeeded'
"""
# What there is not millions of.
REST = (
    "insert into actions (verb, target, by, at) select 'replay', left(md5(n::text), 16), 'ada', ledger_now() - n * "
    "interval '1 minute' from generate_series(1, 20000) n",
    "insert into actions (verb, target, by) select 'pause', 'key:site' || n % 20, 'ada' "
    "from generate_series(1, 2000) n",
    "insert into alerts (kind, subject, text, resolved_at) select 'late_job', 'p' || n, 'it is late', "
    "case when n > 50 then ledger_now() end from generate_series(1, 20000) n",
    "insert into breakers (name, key, failures, errors, opened_at, open_until, error) select 'cms site' || n, "
    "'site' || n, 5, '{}', ledger_now(), ledger_now() + interval '5 minutes', '502' from generate_series(1, 3) n",
    "insert into switches (scope, enabled, reason) select 'key:site' || n, n > 2, 'test' from generate_series(1, 20) n",
    "insert into budgets (scope, person_usd, person) select 'key:site' || n, 9, 'ada' from generate_series(0, 19) n",
    "insert into schedules (app, pipeline, cron, timezone, last_slot) select 'bench', 'article', n || ' 4 * * *', "
    "'UTC', ledger_now() from generate_series(0, 9) n",
    "insert into slots (app, pipeline, cron, timezone, slot, status, job_id) select 'bench', 'article', "
    "n || ' 4 * * *', 'UTC', ledger_now() - d * interval '1 day', 'fired', left(md5((n * 7 + d)::text), 16) "
    "from generate_series(0, 9) n, generate_series(1, 300) d",
    "insert into messages (source, sha256, status, target, bare, error, body) select 'webhook', 'h', 'dead', "
    "'pipeline:article', true, 'no JSON', '{' from generate_series(1, 100) n",
)

Report = Callable[[Database], Awaitable[object]]


def reports(app: App, job: str, middle: int) -> dict[str, Report]:
    """Everything that a page or a command reads, with the filters that hurt most."""
    now = datetime.now(UTC)
    day, fortnight, month = (now - timedelta(days=days) for days in (1, 14, 30))
    runs: dict[str, dict[str, Any]] = {
        "newest": {},
        "of a status": {"status": "running"},
        "of a key": {"key": "site7"},
        "of a key that is not there": {"key": "nobody"},
        "of a pipeline that is not there": {"pipeline": "nothing"},
        "dead of a key": {"status": "dead", "key": "site7"},
        "further back": {"before": middle},
    }
    return {
        "status": lambda d: report.status(d, app),
        **{f"runs {name}": lambda d, f=filters: report.runs(d, limit=50, **f) for name, filters in runs.items()},  # type: ignore[misc]
        "job": lambda d: report.job(d, job),
        "actions of a job": lambda d: report.actions(d, job),
        "dead letters": report.dead,
        "dead letters by error": lambda d: report.dead(d, Filter(error="nothing says this")),
        "dead letters of a key": lambda d: report.dead(d, Filter(key="site7")),
        "review": report.review,
        "alerts": report.alerts,
        "all alerts": lambda d: report.alerts(d, all=True),
        "schedules": lambda d: report.schedules(d, app),
        "breakers": report.breakers,
        "switches": report.switches,
        "switch history": report.switch_history,
        "effects": report.effects,
        "effects without an outcome": lambda d: report.effects(d, open_only=True),
        "budgets": budgets.read,
        "since yesterday": lambda d: report.since(d, day),
        "latency, a day": lambda d: report.latency(d, day),
        "latency, 14 days": lambda d: report.latency(d, fortnight),
        "latency, 30 days": lambda d: report.latency(d, month),
        "traffic": lambda d: report.traffic(d, day),
        "errors": lambda d: report.errors(d, day),
        "retries": lambda d: report.retries_to_success(d, day),
        "saturation": lambda d: report.saturation(d, day),
        "cost by day": lambda d: report.cost(d, month),
        "cost by key": lambda d: report.cost(d, month, by="key"),
        "cost by model": lambda d: report.cost(d, month, by="model"),
        "anomalies": report.anomalies,
    }


async def fill(database: Database, rows: int, tell: Callable[[str], None]) -> None:
    """About so many runs, and what stands beside them. Without indexes meanwhile: that takes a tenth of the time."""
    tell(f"making {rows:,} runs")
    indexes = await database.fetch(INDEXES, {"tables": list(TABLES)})
    for index in indexes:
        rule = index["rule"]
        await database.fetch(
            f"alter table {index['owner']} drop constraint {rule}" if rule else f"drop index {index['name']}"
        )
    jobs = round(rows / 2.48)  # of which 74 % have begun, with nearly three runs each
    await database.fetch(RUNS, {"jobs": jobs, "begun": round(jobs * 0.74), "days": DAYS})
    tell("making their attempts, calls and effects")
    for sql in (ATTEMPTS, CALLS, EFFECTS, *REST):
        await database.fetch(sql)
    tell("making the indexes again")
    for index in indexes:
        rule = index["rule"]
        await database.fetch(
            f"alter table {index['owner']} add constraint {rule} {index['rule_made']}" if rule else index["made"]
        )
    tell("vacuum")
    await database.fetch("vacuum analyze")


async def add_up(database: Database, tell: Callable[[str], None]) -> float:
    """All that ended, into the sums; seconds that it took."""
    tell("adding up the signals")
    began = time.perf_counter()
    while not await rollup.add(database):
        pass
    await database.fetch("vacuum analyze")
    return time.perf_counter() - began


@asynccontextmanager
async def pruning(database: Database, app: App) -> AsyncIterator[list[int]]:
    """The retention job at work; how many jobs each of its batches emptied."""
    await retention.declare(database, app)
    emptied: list[int] = []

    async def work() -> None:
        while True:
            emptied.append((await retention.batch(database)).emptied)
            await asyncio.sleep(PAUSE)

    task = asyncio.create_task(work())
    try:
        yield emptied
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def measure(server: Server, rows: int, rounds: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """The median and p95 of each report in ms, round-robin."""
    _check_room(server, rows)
    app = App("bench", [], keep=Keep(payloads=30, ids=400))
    with server.database() as dsn:
        # The statements that fill ten million rows take longer than any of the engine's.
        async with Database(dsn, options="-c statement_timeout=0") as database:
            await migrate(database)
            began = time.perf_counter()
            await fill(database, rows, tell)
            made = time.perf_counter() - began
            added = await add_up(database, tell)
            await rollup.sample(database)
        async with Database(dsn) as database, pruning(database, app) as emptied:
            (there,) = await database.fetch(
                "select count(*) as runs, max(id) / 2 as middle, count(*) filter (where status = 'queued') as queued, "
                "pg_database_size(current_database()) as bytes from runs"
            )
            (some,) = await database.fetch("select job_id from runs where id = %s", [there["middle"]])
            asked = reports(app, some["job_id"], there["middle"])
            spans: dict[str, list[float]] = {name: [] for name in asked}
            for turn in range(WARM_UP + rounds):
                tell(f"round {turn + 1} of {WARM_UP + rounds}")
                for name, ask in asked.items():
                    began = time.perf_counter()
                    await ask(database)
                    if turn >= WARM_UP:
                        spans[name].append(1000 * (time.perf_counter() - began))
    return {
        "runs": there["runs"],
        "queued": there["queued"],
        "gigabytes": round(there["bytes"] / 1e9, 2),
        "seconds_to_make": round(made),
        "seconds_to_add_up": round(added),
        "jobs_emptied_meanwhile": sum(emptied),
        "target": TARGET,
        "reports": {name: _figures(taken) for name, taken in spans.items()},
    }


def _figures(taken: list[float]) -> dict[str, float]:
    p95 = quantiles(taken, n=20, method="inclusive")[-1]
    return {"median_ms": round(median(taken), 1), "p95_ms": round(p95, 1), "worst_ms": round(max(taken), 1)}


def _misses(figures: dict[str, float]) -> bool:
    return any(figures[name] > limit for name, limit in TARGET.items())


def _check_room(server: Server, rows: int) -> None:
    free, needed = shutil.disk_usage(server.embedded.home).free, rows * BYTES_A_ROW
    if free < needed:
        raise UserError(
            f"{rows:,} rows need about {needed / 1e9:.1f} GB for a while, and {free / 1e9:.1f} GB are free here: make "
            "room, name another place with TMPDIR, or give fewer --rows"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="runs in the ledger")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each report is asked for")
    parser.add_argument("--output", type=Path, help="where the result is written, as JSON")
    parser.add_argument("--json", action="store_true", help="the result on standard output, instead of a table")
    asked = parser.parse_args()
    screen = Console(stderr=True, highlight=False)
    load = os.getloadavg()[0]
    try:
        with durable_server() as server, screen.status("") as status:
            result = asyncio.run(measure(server, asked.rows, asked.rounds, status.update))
    except OvernightError as error:
        screen.print(f"bench: {error}", markup=False)
        return 2
    result = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "load_before": round(load, 2), **result}
    if asked.output:
        asked.output.write_text(json.dumps(result, indent=1) + "\n")
    if asked.json:
        print(json.dumps(result))
    else:
        _show(result)
    return int(any(_misses(figures) for figures in result["reports"].values()))


def _show(result: dict[str, Any]) -> None:
    title = f"{result['runs']:,} runs, {result['queued']:,} of them queued, {result['gigabytes']} GB"
    table = Table("report", "median ms", "p95 ms", "worst ms", "", title=title, title_justify="left", box=None)
    for name, figures in result["reports"].items():
        table.add_row(name, *(f"{value:.1f}" for value in figures.values()), "too slow" if _misses(figures) else "")
    Console(highlight=False).print(table)


if __name__ == "__main__":
    sys.exit(main())
