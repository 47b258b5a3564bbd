"""Retention: what ended long ago goes, by small batches; nothing that has not ended, and no id
inside its window.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
import structlog
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from overnight import App, Context, Keep, Pipeline, Retention, UserError
from overnight.cli.main import cli
from overnight.engine.maintenance import Maintenance
from overnight.operations import retention
from overnight.operations.retention import Pruned, RetentionService
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Ending, NewRun, Scope, Status, Transition
from overnight.store.sql import queries
from overnight.testing import Clock, fresh_database

pytestmark = pytest.mark.large  # of `make test-large`

Ctx = Context[Any]
ENDED = ("succeeded", "cancelled")
DAY = 86_400.0


def app(keep: Keep | None = None, name: str = "app") -> App:
    return App(name, [Pipeline("p")], extensions=[Retention(keep or Keep())])


@dataclass(frozen=True)
class Ledgerful:
    """Rows by their age in days: jobs as their steps' (status, days since the end), and what stands
    beside them.
    """

    jobs: list[list[tuple[str, float]]] = field(default_factory=list)
    messages: list[tuple[str, float, int]] = field(
        default_factory=list
    )  # status, age, number of its job (or none)
    slots: list[tuple[float, int]] = field(default_factory=list)
    alerts: list[float | None] = field(default_factory=list)  # since when they are closed
    actions: list[float] = field(default_factory=list)  # on switches
    workers: list[float | None] = field(default_factory=list)  # since when they are stopped


async def fill(database: Database, rows: Ledgerful) -> None:
    past = "ledger_now() - make_interval(secs => 86400 * %s::float8)"
    for number, steps in enumerate(rows.jobs):
        job = f"j{number}"
        for step, (status, age) in enumerate(steps):
            ended = age if status not in ("queued", "running") else None
            (run,) = await database.fetch(
                "insert into runs (job_id, step, pipeline, status, input, output, "
                "created_at, finished_at) "
                f"values (%s, %s, 'p', %s, '1', '2', {past}, {past}) returning id",
                [job, f"s{step}", status, age, ended],
            )
            await database.fetch(
                "insert into attempts (run_id, attempt, outcome, detail) values (%s, 1, "
                "'retry', 'd')",
                [run["id"]],
            )
            await database.fetch(
                "insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, "
                "provider, model, request_hash, "
                "status, answer, request) values "
                "(%s, %s, 's', 'p', '', 1, 'x', 'y', 'h', 'stored', 'a', '{}')",
                [run["id"], job],
            )
            await database.fetch(
                "insert into llm_texts (run_id, sha256, text) values (%s, '\\x00', 'prompt')",
                [run["id"]],
            )
            await database.fetch(
                "insert into effects (job_id, name, content_hash, run_id, attempt) "
                "values (%s, 'n', %s, %s, 1)",
                [job, str(step), run["id"]],
            )
        age = max(age for _, age in steps)
        await database.fetch(
            "insert into actions (verb, target, was, by, at) values ('edit', %s, '0', "
            f"'ada', {past})",
            [job, age],
        )
    for status, age, number in rows.messages:
        settled = age if status in ("replayed", "dropped") else None
        await database.fetch(
            "insert into messages (source, sha256, status, target, bare, body, jobs, "
            "received_at, settled_at) "
            f"values ('webhook', 'h', %s, '', true, %s, %s, {past}, {past})",
            [status, None if status == "accepted" else b"body", [f"j{number}"], age, settled],
        )
    await database.fetch(
        "insert into schedules (app, pipeline, cron, timezone) values ('app', 'p', '* * "
        "* * *', 'UTC')"
    )
    for place, (age, number) in enumerate(rows.slots):
        await database.fetch(
            "insert into slots (app, pipeline, cron, timezone, slot, status, job_id, at) "
            f"values ('app', 'p', '* * * * *', 'UTC', {past} - make_interval(secs => "
            f"%s), 'fired', %s, {past})",
            [age, place, f"j{number}", age],
        )
    for number, age_or_none in enumerate(rows.alerts):
        await database.fetch(
            f"insert into alerts (kind, subject, text, resolved_at) values ('k', %s, 't', {past})",
            [str(number), age_or_none],
        )
    for age in rows.actions:
        await database.fetch(
            f"insert into actions (verb, target, by, at) values ('pause', 'all', 'ada', {past})",
            [age],
        )
    for number, age_or_none in enumerate(rows.workers):
        await database.fetch(
            "insert into workers (boot_id, lock_key, host, pid, stopped_at) values (%s, "
            f"%s, 'h', 1, {past})",
            [str(number), number, age_or_none],
        )


async def seen(database: Database) -> dict[str, Any]:
    """Of each job how many rows stand, and how many of its payloads; of what stands beside them,
    the ids.
    """
    stands: dict[str, Any] = {}
    for row in await database.fetch(
        "select r.job_id, count(*) as runs, "
        "count(r.input) + count(r.output) + count(a.detail) + count(c.answer) + count(c.request) "
        "+ (select count(*) from llm_texts t join runs o on o.id = t.run_id "
        "where o.job_id = r.job_id) "
        "+ (select count(was) from actions d where d.target = r.job_id) as payloads, "
        "count(a.run_id) + count(c.id) + (select count(*) from effects e where e.job_id "
        "= r.job_id) "
        "+ (select count(*) from actions d where d.target = r.job_id) as beside "
        "from runs r left join attempts a on a.run_id = r.id left join llm_calls c on "
        "c.run_id = r.id group by r.job_id"
    ):
        stands[row["job_id"]] = (row["runs"], row["beside"], row["payloads"])
    for table, column in (("messages", "id"), ("alerts", "id"), ("workers", "boot_id")):
        stands[table] = {
            row["id"] for row in await database.fetch(f"select {column}::text as id from {table}")
        }
    stands["bodies"] = {
        r["id"]
        for r in await database.fetch("select id::text from messages where body is not null")
    }
    stands["slots"] = len(await database.fetch("select slot from slots"))
    stands["actions"] = len(await database.fetch("select id from actions where target = 'all'"))
    orphans = "select id from {} where job_id not in (select job_id from runs)"
    stands["orphans"] = [
        *await database.fetch(orphans.format("effects")),
        *await database.fetch(orphans.format("llm_calls")),
        *await database.fetch(
            "select run_id from llm_texts where run_id not in (select id from runs)"
        ),
        *await database.fetch(
            "select id from actions where target <> 'all' and target not in (select "
            "job_id from runs)"
        ),
    ]
    return stands


def expected(rows: Ledgerful, keep: Keep, passed: float) -> dict[str, Any]:
    """What should stand in the end, `passed` days later."""
    stands: dict[str, Any] = {}
    there = set()
    for number, steps in enumerate(rows.jobs):
        ended = all(status in ENDED for status, _ in steps)
        youngest = min(age for _, age in steps) + passed
        if ended and youngest > keep.ids:
            continue
        there.add(number)
        payloads = 0 if ended and youngest > keep.payloads else 6 * len(steps) + 1
        stands[f"j{number}"] = (len(steps), 3 * len(steps) + 1, payloads)

    def stays(age: float | None, job: int | None = None) -> bool:
        return age is None or age + passed <= keep.ids or job in there

    letters = [(str(n), *row) for n, row in enumerate(rows.messages, 1)]
    stands["messages"] = {
        n for n, status, age, job in letters if status == "dead" or stays(age, job)
    }
    stands["bodies"] = {
        n
        for n, status, age, _ in letters
        if status == "dead" or (status != "accepted" and age + passed <= keep.payloads)
    }
    stands["slots"] = sum(stays(age, job) for age, job in rows.slots)
    stands["alerts"] = {str(n) for n, age in enumerate(rows.alerts, 1) if stays(age)}
    stands["actions"] = sum(stays(age) for age in rows.actions)
    stands["workers"] = {str(n) for n, age in enumerate(rows.workers) if stays(age)}
    stands["orphans"] = []
    return stands


ages = st.integers(0, 40).map(
    lambda n: n + 0.5
)  # never at the edge of a window, which is whole days
statuses = st.sampled_from(
    ["succeeded"] * 6 + ["cancelled"] * 2 + ["queued", "running", "needs_review", "dead"]
)
job_numbers = st.integers(0, 6)
ledgers = st.builds(
    Ledgerful,
    jobs=st.lists(st.lists(st.tuples(statuses, ages), min_size=1, max_size=3), max_size=6),
    messages=st.lists(
        st.tuples(st.sampled_from(["accepted", "dead", "replayed", "dropped"]), ages, job_numbers),
        max_size=4,
    ),
    slots=st.lists(st.tuples(ages, job_numbers), max_size=3),
    alerts=st.lists(st.none() | ages, max_size=3),
    actions=st.lists(ages, max_size=3),
    workers=st.lists(st.none() | ages, max_size=3),
)
keeps = st.tuples(st.integers(1, 30), st.integers(0, 30)).map(
    lambda t: Keep(payloads=t[0], ids=t[0] + t[1])
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # each example is a database: shrinking would take minutes
)
@given(
    rows=ledgers,
    keep=keeps,
    moves=st.lists(st.integers(0, 20), min_size=1, max_size=3),
    size=st.integers(1, 4),
)
def test_retention_keeps_ids_in_their_window_and_unfinished_jobs(
    server_url: str, rows: Ledgerful, keep: Keep, moves: list[int], size: int
) -> None:
    async def check() -> None:
        async with fresh_database(server_url) as database:
            clock, passed = Clock(database), 0
            await fill(database, rows)
            await retention.declare(database, app(keep))
            for days in moves:
                await clock.move(days * DAY)
                passed += days
                due, pruned = await retention.count(database, app(keep)), Pruned()
                wanted = expected(rows, keep, passed)
                while True:
                    more = await retention.batch(database, size)
                    stands = await seen(database)
                    # After each batch: whatever has to stand stands, and no job is torn apart.
                    for job in (key for key in wanted if key.startswith("j")):
                        assert stands[job][:2] == wanted[job][:2]
                        assert stands[job][2] >= wanted[job][2]
                    for what in ("messages", "bodies", "alerts", "workers"):
                        assert stands[what] >= wanted[what]
                    assert stands["orphans"] == []
                    if not more.total:
                        break
                    pruned += more
                assert stands == wanted
                assert (pruned.emptied, pruned.gone) == (due.emptied, due.gone)

    asyncio.run(check())


async def one_job(database: Database, steps: list[tuple[str, float]]) -> dict[str, Any]:
    await fill(database, Ledgerful(jobs=[steps]))
    await retention.declare(database, app(Keep(payloads=30, ids=400)))
    await retention.prune(database)
    return await seen(database)


@pytest.mark.parametrize("status", ["queued", "running", "needs_review", "dead"])
async def test_a_job_is_kept_whole_as_long_as_one_step_has_not_ended(
    database: Database, status: str
) -> None:
    assert (await one_job(database, [("succeeded", 900), (status, 800)]))["j0"] == (2, 7, 13)


async def test_an_id_is_kept_its_whole_window_after_its_last_step(
    database: Database, clock: Clock
) -> None:
    await fill(database, Ledgerful(jobs=[[("succeeded", 500), ("succeeded", 399.5)]]))
    await retention.declare(database, app())
    await retention.prune(database)
    assert (await seen(database))["j0"] == (2, 7, 0)
    again = NewRun("j0", "s0", "p", "", "1", None)
    assert await Ledger(database).enqueue([again]) == 0
    await clock.move(DAY)
    await retention.prune(database)
    assert await Ledger(database).enqueue([again]) == 1


async def test_an_answer_is_found_only_as_long_as_payloads_are_kept(
    database: Database, clock: Clock
) -> None:
    await fill(database, Ledgerful(jobs=[[("succeeded", 29.5)], [("dead", 90)]]))
    await database.fetch("update llm_calls set request_hash = job_id")
    await retention.declare(database, app())

    async def found(request_hash: str) -> int:
        names = dict.fromkeys(("job_id", "step", "pipeline", "key", "provider"), "x")
        call = {**names, "attempt": 1, "known": [request_hash]}
        rows = await database.fetch(queries["llm_begin"], {"calls": json.dumps([call])})
        return sum(row["stored_id"] is not None for row in rows)

    await retention.prune(database)
    assert (await found("j0"), await found("j1")) == (1, 1)
    await clock.move(DAY)
    await retention.prune(database)
    assert (await found("j0"), await found("j1")) == (
        0,
        1,
    )  # a dead letter may be replayed: its answers stay


async def test_the_longest_retention_of_apps_on_one_ledger_counts(database: Database) -> None:
    await fill(database, Ledgerful(jobs=[[("succeeded", 50)]]))
    await retention.declare(database, app(Keep(payloads=100, ids=100), "patient"))
    await retention.declare(database, app(Keep(payloads=1, ids=10), "hasty"))
    assert await retention.prune(database) == Pruned()
    await retention.declare(database, app(Keep(payloads=1, ids=10), "patient"))
    assert await retention.prune(database) == Pruned(emptied=1, gone=1)


async def test_where_nobody_has_said_what_to_keep_everything_is_kept(database: Database) -> None:
    await fill(database, Ledgerful(jobs=[[("succeeded", 9_000)]]))
    assert await retention.prune(database) == Pruned()


async def test_several_workers_share_the_pruning_and_none_waits(database: Database) -> None:
    await fill(
        database, Ledgerful(jobs=[[("succeeded", 900), ("cancelled", 900)] for _ in range(12)])
    )
    await retention.declare(database, app())
    async with await database.connect() as other, other.transaction():
        await other.execute("set lock_timeout = '1s'")
        taken = await (await other.execute(queries["prune"], {"batch": 8})).fetchall()
        async with await database.connect() as mine:
            await mine.execute("set lock_timeout = '1s'")  # whoever waited would fail
            rest = await (await mine.execute(queries["prune"], {"batch": 100})).fetchall()
    assert taken[0]["emptied"] > 0
    assert taken[0]["emptied"] + rest[0]["emptied"] == 12
    done = await asyncio.gather(*(retention.prune(database) for _ in range(4)))
    assert sum(pruned.gone for pruned in done) == 12


async def test_a_claim_and_an_ending_do_not_wait_for_a_batch_under_way(database: Database) -> None:
    ledger = Ledger(database)
    await fill(database, Ledgerful(jobs=[[("succeeded", 900)] for _ in range(5)]))
    await retention.declare(database, app())
    await ledger.enqueue([NewRun("new", "one", "p", "", "1", "h")])
    async with await database.connect() as other, other.transaction():
        await other.execute(queries["prune"], {"batch": 100})
        await database.fetch("alter role current_user set lock_timeout = '1s'")
        try:
            async with Database(database.url) as hasty:
                claim = await Ledger(hasty).claim(Scope(["p/one"]), "w", 9, 60)
                done = Transition(Status.SUCCEEDED, "done")
                assert (
                    await Ledger(hasty).finish([Ending(run, done, "1") for run in claim.runs], "w")
                ).ours
        finally:
            await database.fetch("alter role current_user reset lock_timeout")


async def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    fetch = Database.fetch

    async def counted(self: Database, sql: str, params: Any = ()) -> Any:
        made.append(next((verb for verb in queries.verbs() if queries[verb] == sql), sql))
        return await fetch(self, sql, params)

    monkeypatch.setattr(Database, "fetch", counted)
    return made


async def test_with_nothing_to_prune_a_worker_runs_a_statement_an_hour(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(retention.time, "monotonic", lambda: now)
    each = RetentionService(app(), database)
    made = await statements(monkeypatch)
    for _ in range(240):  # two hours of ticks
        await each.tick()
        now += 30
    assert made == ["prune_declare", "prune", "prune"]


async def test_a_tick_prunes_small_batches_and_the_next_one_continues(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention.batch, "__defaults__", (2,))
    await fill(database, Ledgerful(jobs=[[("succeeded", 40)] for _ in range(10)]))
    each = Maintenance(app(), Ledger(database))
    emptied = "select count(*) as count from runs where emptied_at is not null"
    counts = []
    for _ in range(2):
        await each.tick()
        counts.append((await database.fetch(emptied))[0]["count"])
    assert counts == [6, 10]


async def test_a_big_table_is_pruned_by_its_indexes(database: Database) -> None:
    """Of a small one the plan may as well read all."""
    await database.fetch(
        "insert into runs (job_id, step, status, input, finished_at, emptied_at, lease_until) "
        "select 'j' || n / 2, 's' || n, 'succeeded', '1', moment, case when n < 90000 "
        "then moment end, null "
        "from generate_series(1, 100000) n, "
        "lateral (select ledger_now() - interval '1 day' * (410 - n / 250) as moment) m"
    )
    async with await database.connect() as connection:
        await connection.execute("vacuum analyze runs")
        await connection.execute(
            queries["prune_declare"], {"app": "app", "payloads": 30.0, "ids": 400.0}
        )
        plan = await (
            await connection.execute(f"explain {queries['prune']}", {"batch": 200})
        ).fetchall()  # type: ignore[arg-type]
    text = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "Seq Scan on runs" not in text, text
    assert "using runs_ended on" in text
    assert "using runs_emptied on" in text


@pytest.fixture
def module() -> Iterator[str]:
    """The name of an importable app."""
    sys.modules["kept_app"] = ModuleType("kept_app")
    sys.modules["kept_app"].app = app()  # type: ignore[attr-defined]
    yield "kept_app:app"
    del sys.modules["kept_app"]
    structlog.reset_defaults()


async def test_a_dry_run_changes_nothing_and_counts_what_prune_does(
    database: Database, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(
        database,
        Ledgerful(
            jobs=[[("succeeded", 40)], [("succeeded", 500)], [("dead", 500)]],
            alerts=[None, 500],
            messages=[("dead", 500, 9)],
        ),
    )
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)

    async def called(*arguments: str) -> Any:
        result = await asyncio.to_thread(
            CliRunner().invoke, cli, ["--app", module, "prune", *arguments]
        )
        assert result.exit_code == 0, result.output
        return result.output.strip()

    before = await seen(database)
    counts = {"emptied": 2, "gone": 1, "others": 1}
    assert json.loads(await called("--dry-run", "--json")) == {"dry_run": True, **counts}
    assert (
        await called("--dry-run")
        == "2 jobs would lose their payloads, 1 job would go, and 1 other row"
    )
    assert await seen(database) == before
    assert await database.fetch("select app from keeps") == []
    assert json.loads(await called("--json")) == {"dry_run": False, **counts}
    assert await called() == "nothing was past its time"
    assert await called("--dry-run") == "nothing is past its time"


@pytest.mark.parametrize("days", [(0, 1), (-1, 1), (2, 1), (1, 10**6), (float("nan"), 1)])
def test_windows_that_make_no_sense_are_refused_when_defined(days: tuple[float, float]) -> None:
    with pytest.raises(UserError, match="ids at least as long"):
        Keep(payloads=days[0], ids=days[1])


def test_the_defaults_are_thirty_days_and_more_than_a_year() -> None:
    assert App("app", []).extension(Retention).keep == Keep(payloads=30, ids=400)


TOASTED = """
    select chunk_id, count(*) as chunks from pg_toast.{} group by chunk_id order by chunk_id"""


async def test_claims_beats_retries_and_finishes_do_not_move_payloads(
    database: Database, clock: Clock
) -> None:
    """What is large lies beside the table, and stays there: only its address is copied."""
    ledger, scope = Ledger(database), Scope(["p/one"])
    # Bytes that do not compress, so that the input is large for Postgres too.
    noise = "select string_agg(md5(random()::text), '') as noise from generate_series(1, 1000)"
    (row,) = await database.fetch(noise)
    payload = json.dumps(row["noise"])
    await ledger.enqueue([NewRun("a", "one", "p", "", payload, "h")])
    (table,) = await database.fetch(
        "select relname from pg_class where oid = (select reltoastrelid from pg_class "
        "where relname = 'runs')"
    )
    toasted = TOASTED.format(table["relname"])
    before = await database.fetch(toasted)
    assert before != []
    for _ in range(3):
        (run,) = (await ledger.claim(scope, "w", 1, 60)).runs
        await database.fetch(queries["beat"], {"worker": "w", "lease": 60, "ids": [run.id]})
        retry = Transition(Status.QUEUED, "retry", "502", "transient", delay=1.0, failed=True)
        await ledger.finish([Ending(run, retry)], "w")
        await clock.move(2)
    assert await database.fetch(toasted) == before
    (run,) = (await ledger.claim(scope, "w", 1, 60)).runs
    await ledger.finish([Ending(run, Transition(Status.SUCCEEDED, "done"), "1")], "w")
    assert await database.fetch(toasted) == before


async def test_a_beat_writes_into_no_index(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.enqueue([NewRun("a", "one", "p", "", "1", "h")])
    (run,) = (await ledger.claim(Scope(["p/one"]), "w", 1, 60)).runs
    hot = (
        "select pg_stat_force_next_flush(), n_tup_upd, n_tup_hot_upd from "
        "pg_stat_user_tables where relname = 'runs'"
    )
    async with await database.connect() as connection:

        async def counted() -> tuple[int, int]:
            await (await connection.execute("select pg_stat_force_next_flush()")).fetchall()
            (row,) = await (await connection.execute(hot)).fetchall()
            return row["n_tup_upd"], row["n_tup_hot_upd"]

        before = await counted()
        for _ in range(10):
            await connection.execute(queries["beat"], {"worker": "w", "lease": 60, "ids": [run.id]})
        updated, in_place = (now - then for now, then in zip(await counted(), before, strict=True))
    assert updated == 10
    assert in_place == 10


async def test_the_table_of_runs_is_swept_early(database: Database) -> None:
    (row,) = await database.fetch("select reloptions from pg_class where relname = 'runs'")
    assert {"fillfactor=90", "autovacuum_vacuum_scale_factor=0.01"} <= set(row["reloptions"])
