"""The plain-SQL limit: batched claim and finish statements on a bare table, with nothing around
them.

It keeps the promises that such a table can keep (one owner, a unique job and step, an index of what
is due), and has no lease, history, switch, trigger, log or handler.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import psycopg

from workloads import OUTPUT, STEPS, answer, called

BATCH = 500  # as many endings as the engine writes at most in one statement
SCHEMA = """
    create table work (
        id bigint generated always as identity primary key,
        job_id text not null, step integer not null, status text not null default 'queued',
        attempt integer not null default 0, due_at timestamptz not null default now(),
        input jsonb, output jsonb,
        unique (job_id, step));
    create index work_due on work (due_at, id) where status = 'queued'
"""
ENQUEUE = (
    "insert into work (job_id, step, input) select 'job ' || n, 1, to_jsonb(n) from "
    "generate_series(1, %s) n"
)
CLAIM = """
    with due as (select id from work where status = 'queued' and due_at <= now()
                 order by due_at, id limit %s for update skip locked)
    update work set status = 'running', attempt = attempt + 1 from due where work.id = due.id
    returning work.id, work.attempt, work.job_id, work.step, work.input::text
"""
FINISH = """
    with ended as (select * from unnest(%s::bigint[], %s::int[], %s::text[]) as e (id, attempt,
        output)),
    finished as (
        update work set status = 'succeeded', output = e.output::jsonb from ended e
        where work.id = e.id and work.attempt = e.attempt and (work.status = 'running') is true
        returning work.job_id, work.step, work.output)
    insert into work (job_id, step, input)
    select job_id, step + 1, output from finished where step < %s
"""
# A table that fills while it is worked on has no statistics to plan by: the plans are made once, by
# the indexes.
PLANS = (
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c "
    "enable_sort=off -c jit=off"
)


def measure(dsn: str, workload: str, count: int) -> dict[str, Any]:
    steps, output = (1, "null") if workload == "w1" else (STEPS, f'"{OUTPUT}"')
    with psycopg.connect(dsn, autocommit=True, options=PLANS) as connection:
        connection.execute(SCHEMA)
        began = time.perf_counter()
        connection.execute(ENQUEUE, [count])
        enqueued = time.perf_counter()
        connection.execute("analyze")
        started = time.perf_counter()
        while claimed := connection.execute(CLAIM, [BATCH], prepare=True).fetchall():
            ended = [_array(row[0] for row in claimed), _array(row[1] for row in claimed)]
            outputs = _array(_quoted(output) for _ in claimed)
            connection.execute(FINISH, [*ended, outputs, steps], prepare=True)
        drained = time.perf_counter()
    return {"jobs": count, "enqueue_seconds": enqueued - began, "seconds": drained - started}


def _array(values: Iterable[object]) -> str:
    return f"{{{','.join(map(str, values))}}}"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', r"\"") + '"'


if __name__ == "__main__":
    answer(measure(*called()))
