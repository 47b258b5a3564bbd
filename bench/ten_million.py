"""What a person asks of a big ledger: each page beside ten million runs and ten thousand articles,
while the retention job works.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

import desk
from article import app
from contentstudio.config import Config
from contentstudio.store.sql import queries as studio
from contestants import HERE
from overnight import App, Keep, Retention
from overnight.console import api, audit, pages
from overnight.errors import OvernightError, UserError
from overnight.observability import rollup
from overnight.operations import queries, retention
from overnight.store.database import Database
from overnight.store.migrations import migrate
from server import Server, durable_server

ROWS = 10_000_000
BYTES_A_ROW = (
    1_200  # of a run with all that stands beside it, and of its part of the log, rounded up
)
DAYS = 31  # of history
KEPT = 1  # days of it that the retention job works on
ROUNDS = 30
WARM_UP = 3  # rounds that are not measured
TARGET = {"median_ms": 100.0, "p95_ms": 250.0}
# seconds between two batches of the retention job, which a worker makes three times in 30 s
PAUSE = 0.5
TABLES = ("runs", "attempts", "llm_calls", "effects")
FILLING, FILLED = (
    "filling",
    "filled",
)  # the database: one that was cut off is not taken for a whole one
# The statements that fill ten million rows take longer than any of the engine's.
FILLS = "-c statement_timeout=0 -c maintenance_work_mem=256MB -c max_parallel_maintenance_workers=1"

INDEXES = """
    select i.indrelid::regclass::text as owner, i.indexrelid::regclass::text as name,
           pg_get_indexdef(i.indexrelid) as made, c.conname as rule,
               pg_get_constraintdef(c.oid) as rule_made
    from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype = 'u'
    where i.indrelid = any(%(tables)s::regclass[]) and not i.indisprimary
"""
# Jobs of three steps, evenly over the days, for 20 sites; one in ten of the runs waits, as after an
# hour of outage.
RUNS = """
    insert into runs (job_id, step, pipeline, key, status, outcome, attempt, failures, due_at,
        lease_until, worker,
                      input, input_hash, output, error, error_class, cost_usd, origin, created_at,
                          started_at,
                      finished_at)
    select left(md5(n::text), 16), (array['research', 'write', 'publish'])[s], 'article',
        'site' || n %% 20, f.status,
           case f.status when 'succeeded' then case when n %% 50 = 0 then 'no_work' else 'done' end
                         when 'cancelled' then 'cancel' when 'dead' then 'error'
                             when 'needs_review' then 'review' end,
           case when f.status = 'queued' then 0 else 1 + f.failures end, f.failures, t, null,
           case when f.status = 'running' then 'w' end,
           jsonb_build_object('topic', md5(n::text), 'number', n),
               case when s = 1 then md5(n::text) end,
           case when f.status = 'succeeded' then jsonb_build_object('text',
               repeat(md5((n * 7)::text), 5)) end,
           case when f.status in ('dead',
               'needs_review') then 'the upstream answered 502: ' || md5(n::text) end,
           case when f.status = 'dead' then 'transient' end, case when s = 2 then 0.01 else 0 end,
           case when n %% 7 = 0 then 'cron 0 4 * * * UTC' else 'event topic.validated' end, t,
           case when f.status <> 'queued' then t end,
           case when f.status not in ('queued', 'running') then t + f.took end
    from generate_series(1, %(jobs)s::bigint) n, generate_series(1, 3) s,
         lateral (select ledger_now() - make_interval(days => %(days)s) * (1 - least(1,
             n / %(begun)s::float8))
                         - interval '2 minutes' as t) at,
         lateral (select case when n > %(begun)s then 'queued'
             when n > %(begun)s - 200 then 'running'
                              when n %% 300 = 0 then 'dead' when n %% 1000 = 1 then 'needs_review'
                              when n %% 200 = 3 then 'cancelled' else 'succeeded' end as status,
                         case when n %% 40 = 0 then 1 + n %% 3 else 0 end::int as failures,
                         make_interval(secs => exp(1 + s + 0.8 * random())) as took) f
    where f.status = 'succeeded' or s = 1
    order by n, s -- ids in order of time
"""
ATTEMPTS = """
    insert into attempts (run_id, attempt, outcome, error, error_class, detail, started_at,
        finished_at)
    select r.id, a, case when a <= r.failures then 'retry' else r.outcome end,
        'the upstream answered 502', 'transient',
           repeat('at line 1 ', 30), r.started_at, r.finished_at
    from runs r, generate_series(1, r.attempt) a
    where r.finished_at is not null and (r.failures > 0 or r.status in ('dead', 'needs_review',
        'cancelled'))
"""
CALLS = """
    insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, model,
        request_hash, status, answer,
                           input_tokens, output_tokens, cost_usd, started_at, finished_at)
    select r.id, r.job_id, r.step, r.pipeline, r.key, 1, 'anthropic', 'model-' || c,
        md5(r.id::text),
           case when r.id % 9 = 0 then 'cached' else 'stored' end, repeat(md5(r.id::text), 4),
               900, 400, 0.005,
           r.started_at, r.finished_at
    from runs r, generate_series(1, 2) c
    where r.step = 'write' and r.status = 'succeeded'
"""
EFFECTS = """
    insert into effects (job_id, name, content_hash, run_id, attempt, status, result, intended_at,
        done_at)
    select r.job_id, 'cms post', md5(r.id::text), r.id, 1,
        case when r.id % 5000 = 0 then 'intended' else 'done' end,
           '{"id": 1}', r.started_at, r.finished_at
    from runs r
    where r.step = 'publish' and r.status = 'succeeded'
"""
# What there is not millions of.
REST = (
    "insert into actions (verb, target, by, at) select 'replay', left(md5(n::text), 16), "
    "'ada', ledger_now() - n * "
    "interval '1 minute' from generate_series(1, 20000) n",
    "insert into actions (verb, target, by) select 'pause', 'key:site' || n % 20, 'ada' "
    "from generate_series(1, 2000) n",
    "insert into alerts (kind, subject, text, resolved_at) select 'late_job', 'p' || n, "
    "'it is late', "
    "case when n > 50 then ledger_now() end from generate_series(1, 20000) n",
    "insert into breakers (name, key, failures, errors, opened_at, open_until, error) "
    "select 'cms site' || n, "
    "'site' || n, 5, '{}', ledger_now(), ledger_now() + interval '5 minutes', '502' from "
    "generate_series(1, 3) n",
    "insert into switches (scope, enabled, reason) select 'key:site' || n, n > 2, 'test' "
    "from generate_series(1, 20) n",
    "insert into budgets (scope, person_usd, person) select 'key:site' || n, 9, 'ada' "
    "from generate_series(0, 19) n",
    "insert into schedules (app, pipeline, cron, timezone, last_slot) select 'bench', "
    "'article', n || ' 4 * * *', "
    "'UTC', ledger_now() from generate_series(0, 9) n",
    "insert into slots (app, pipeline, cron, timezone, slot, status, job_id) select "
    "'bench', 'article', "
    "n || ' 4 * * *', 'UTC', ledger_now() - d * interval '1 day', 'fired', left(md5((n * "
    "7 + d)::text), 16) "
    "from generate_series(0, 9) n, generate_series(1, 300) d",
    "insert into messages (source, sha256, status, target, bare, error, body) select "
    "'webhook', 'h', 'dead', "
    "'pipeline:article', true, 'no JSON', '{' from generate_series(1, 100) n",
)

Ask = Callable[[], Awaitable[object]]


# What some addresses cannot do without.
NEEDED = {"/api/search": "?q=article"}
STATUSES = ("queued", "running", "succeeded", "needs_review", "dead", "cancelled")


def paths(of: Config, job: str, waiting: str, call: int, middle: int) -> list[str]:
    """Every page and every list of the API, and those filters that hurt most. `waiting` is a job in
    review, `call` one of a model.
    """
    whole = [
        *(page.path for page in (*pages.PAGES, audit.PAGE)),
        *(f"/api{endpoint.path}" for endpoint in api.ENDPOINTS),
    ]
    return [
        *(
            path.format(
                job=waiting if path.startswith(("/review", "/api/review")) else job, call=call
            )
            + NEEDED.get(path, "")
            for path in whole
        ),
        f"/review/{waiting}/preview",
        "/metrics",
        "/health",
        "/?hours=744",
        "/signals?hours=336",
        "/signals?hours=2160",
        *(f"/runs?status={status}" for status in STATUSES),
        "/runs?pipeline=article",
        "/runs?pipeline=nothing",
        "/runs?key=site7",
        "/runs?key=nobody",
        "/runs?status=dead&key=site7",
        "/runs?status=cancelled&key=nobody",
        f"/runs?before={middle}",
        f"/runs?status=running&before={middle}",
        f"/runs?job={job}",
        f"/runs?job={job[:9]}",
        "/runs?job=a",
        "/dead?key=site7",
        "/dead?error=nothing+says+this",
        "/dead?pipeline=nothing",
        f"/dead?job={job}",
        "/alerts?all=1",
        "/audit?verb=replay",
        "/audit?by=nobody",
        "/effects?open=1",
        "/api/runs?limit=500&status=succeeded",
        "/api/dead?limit=500",
        "/api/review?limit=500",
        "/api/effects?limit=500",
        "/api/alerts?all=true&limit=500",
        "/api/signals/latency?hours=336",
        "/api/signals/latency?hours=720&step=article/write",
        "/api/signals/cost?hours=720&by=key",
        "/api/signals/cost?hours=720&by=model",
        *desk.paths(of),
    ]


async def fill(database: Database, rows: int, tell: Callable[[str], None]) -> None:
    """About so many runs, and what stands beside them. Without indexes meanwhile: that takes a
    tenth of the time.
    """
    tell(f"making {rows:,} runs")
    indexes = await database.fetch(INDEXES, {"tables": list(TABLES)})
    for index in indexes:
        rule = index["rule"]
        await database.fetch(
            f"alter table {index['owner']} drop constraint {rule}"
            if rule
            else f"drop index {index['name']}"
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
            f"alter table {index['owner']} add constraint {rule} {index['rule_made']}"
            if rule
            else index["made"]
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
async def pruning(database: Database) -> AsyncIterator[list[int]]:
    """The retention job at work on the oldest day that has its payloads; how many jobs each of its
    batches emptied.
    """
    (oldest,) = await database.fetch(
        "select extract(day from ledger_now() - min(finished_at))::int as days from runs "
        "where status in ('succeeded', 'cancelled') and emptied_at is null"
    )
    await retention.declare(
        database, App(app.name, [], extensions=[Retention(Keep(oldest["days"] - KEPT, ids=400))])
    )
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


@contextmanager
def served_console(dsn: str, of: Config) -> Iterator[str]:
    """The console of contentstudio as people start it, in a process of its own; its URL."""
    words = ("--config", str(of.file), "console", "--port", "0", "--json")
    process = subprocess.Popen(
        [sys.executable, "-m", "contentstudio.cli.main", *words],
        stdout=subprocess.PIPE,
        **_frame(dsn),
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise OvernightError("the console did not start")
        yield json.loads(line)["url"]
    finally:
        process.terminate()
        process.wait()


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "overnight.cli.main", "--app", "article:app", *words]


def _frame(dsn: str) -> dict[str, Any]:
    return {"cwd": HERE, "env": {**os.environ, "OVERNIGHT_DATABASE_URL": dsn}}


async def _typed(dsn: str) -> None:
    """`overnight status` as it is typed, with the start of the interpreter."""
    process = await asyncio.create_subprocess_exec(
        *_command("status", "--json"), stdout=asyncio.subprocess.DEVNULL, **_frame(dsn)
    )
    if await process.wait():
        raise OvernightError("the command `status` failed")


async def _asked(client: httpx2.AsyncClient, path: str) -> None:
    """A page as a browser gets it. An id that fits several jobs is refused, which is an
    answer too.
    """
    answer = await client.get(path)
    if answer.status_code not in (200, 303, 400):
        raise OvernightError(f"{path} answered {answer.status_code}: {answer.text[:300]}")


def prepare(server: Server, rows: int, of: Config, tell: Callable[[str], None]) -> dict[str, float]:
    """The filled database, unless it is kept from an earlier time; seconds that its making took."""
    if server.ask(f"select 1 from pg_database where datname = '{FILLED}'"):
        return {}
    _check_room(server, rows)
    server.ask(f"drop database if exists {FILLING}")
    server.ask(f"create database {FILLING}")
    made = asyncio.run(_prepare(server.dsn(FILLING), rows, of, tell))
    server.ask(f"alter database {FILLING} rename to {FILLED}")
    return made


async def _prepare(
    dsn: str, rows: int, of: Config, tell: Callable[[str], None]
) -> dict[str, float]:
    async with Database(dsn, options=FILLS) as database:
        await migrate(database, studio)
        began = time.perf_counter()
        await fill(database, rows, tell)
        await desk.fill(database, of, tell)
        made = time.perf_counter() - began
        added = await add_up(database, tell)
        await rollup.sample(database)
    return {"seconds_to_make": round(made), "seconds_to_add_up": round(added)}


async def measure(
    dsn: str, url: str, of: Config, rounds: int, only: str, tell: Callable[[str], None]
) -> dict[str, Any]:
    """The median and p95 of each page and of `status` in ms, by turns."""
    async with (
        Database(dsn) as database,
        pruning(database) as emptied,
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=90) as client,
    ):
        there = await _there(database)
        asked: dict[str, Ask] = {"status, its queries": lambda: queries.status(database, app)}
        for path in paths(of, *(there.pop(name) for name in ("job", "waiting", "call", "middle"))):
            asked[path] = lambda path=path: _asked(client, path)
        asked = {name: ask for name, ask in asked.items() if only in name}
        asked["status, as it is typed"] = lambda: _typed(dsn)
        spans: dict[str, list[float]] = {name: [] for name in asked}
        for turn in range(WARM_UP + rounds):
            tell(f"round {turn + 1} of {WARM_UP + rounds}")
            for name, ask in asked.items():
                began = time.perf_counter()
                await ask()
                if turn >= WARM_UP:
                    spans[name].append(1000 * (time.perf_counter() - began))
    typed = spans.pop("status, as it is typed")
    return {
        **there,
        "jobs_emptied_meanwhile": sum(emptied),
        "target": TARGET,
        "typed": _figures(typed),
        "reports": {name: _figures(taken) for name, taken in spans.items()},
    }


async def _there(database: Database) -> dict[str, Any]:
    """How big the ledger is, and what of it is asked for."""
    (there,) = await database.fetch(
        "select count(*) as runs, max(id) / 2 as middle, count(*) filter (where status = "
        "'queued') as queued, "
        "round(pg_database_size(current_database()) / 1e9, 2)::float8 as gigabytes, "
        "(select job_id from runs where status = 'needs_review' limit 1) as waiting, "
        "(select max(id) from llm_calls) as call from runs"
    )
    (some,) = await database.fetch(
        "select job_id from runs where id >= %s order by id limit 1", [there["middle"]]
    )
    return {**there, "job": some["job_id"]}


def _figures(taken: list[float]) -> dict[str, float]:
    p95 = quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else taken[0]
    return {
        "median_ms": round(median(taken), 1),
        "p95_ms": round(p95, 1),
        "worst_ms": round(max(taken), 1),
    }


def _misses(figures: dict[str, float]) -> bool:
    return any(figures[name] > limit for name, limit in TARGET.items())


def _check_room(server: Server, rows: int) -> None:
    free, needed = shutil.disk_usage(server.embedded.home).free, rows * BYTES_A_ROW
    if free < needed:
        raise UserError(
            f"{rows:,} rows need about {needed / 1e9:.1f} GB for a while, and "
            f"{free / 1e9:.1f} GB are free here: make "
            "room, name another place with TMPDIR, or give fewer --rows"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="runs in the ledger")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="how often each page is asked for"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="where the ledger stays, for the next time"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only pages with this in their address"
    )
    parser.add_argument("--output", type=Path, help="where the result is written, as JSON")
    parser.add_argument(
        "--json", action="store_true", help="the result on standard output, instead of a table"
    )
    asked = parser.parse_args()
    screen = Console(stderr=True, highlight=False)
    load = os.getloadavg()[0]
    try:
        with (
            durable_server(asked.keep) as server,
            tempfile.TemporaryDirectory() as folder,
            screen.status("") as status,
        ):
            of = desk.config(Path(folder))
            made = prepare(server, asked.rows, of, status.update)
            dsn = server.dsn(FILLED)
            with served_console(dsn, of) as url:
                work = measure(dsn, url, of, asked.rounds, asked.only, status.update)
                result = asyncio.run(work)
    except OvernightError as error:
        screen.print(f"bench: {error}", markup=False)
        return 2
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_before": round(load, 2),
        **made,
        **result,
    }
    if asked.output:
        asked.output.write_text(json.dumps(result, indent=1) + "\n")
    if asked.json:
        print(json.dumps(result))
    else:
        _show(result)
    return int(any(_misses(figures) for figures in result["reports"].values()))


def _show(result: dict[str, Any]) -> None:
    title = (
        f"{result['runs']:,} runs, {result['queued']:,} of them queued, {result['gigabytes']} GB"
    )
    table = Table(
        "what is asked",
        "median ms",
        "p95 ms",
        "worst ms",
        "",
        title=title,
        title_justify="left",
        box=None,
    )
    for name, figures in result["reports"].items():
        table.add_row(
            name,
            *(f"{value:.1f}" for value in figures.values()),
            "too slow" if _misses(figures) else "",
        )
    table.add_row(
        "status, as it is typed", *(f"{value:.1f}" for value in result["typed"].values()), ""
    )
    Console(highlight=False).print(table)


if __name__ == "__main__":
    sys.exit(main())
