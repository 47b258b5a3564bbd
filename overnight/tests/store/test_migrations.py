"""Migrations beside live workers: no statement waits for long, none fails, and what was cut off
goes on.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from overnight.errors import LedgerUnavailable, UserError
from overnight.postgres.launch import find_binaries
from overnight.store import migrations
from overnight.store.database import Connection, Database
from overnight.store.migrations import Migration, migrate
from overnight.store.sql import SqlFolder, queries
from overnight.testing import _at

pytestmark = pytest.mark.large  # of `make test-large`

# What a worker of the time of 0002 says, but for what it says to nobody else.
CLAIM = """
    update runs set status = 'running', attempt = attempt + 1, worker = 'old',
        started_at = ledger_now(),
                    lease_until = ledger_now() + interval '1 min'
    where id = (select id from runs where status = 'queued' and due_at <= ledger_now()
                order by due_at, id limit 1 for update skip locked)
    returning id, attempt"""
BEAT = (
    "update runs set lease_until = ledger_now() + interval '1 min' where id = %(id)s and "
    "status = 'running'"
)
FINISH = """
    update runs set status = 'succeeded', outcome = 'done', output = '1',
        finished_at = ledger_now(), lease_until = null
    where id = %(id)s and attempt = %(attempt)s and status = 'running'"""
ENQUEUE = (
    "insert into runs (job_id, step, pipeline, lease_until) values (gen_random_uuid()::text, "
    "'s', 'p', null)"
)
CALL = """
    insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, model,
        request_hash, status)
    values (1, 'a', 's', 'p', '', 1, 'x', 'y', 'z', 'started')"""
BLOCKED = (
    "select pid from pg_stat_activity where datname = current_database() and wait_event_type "
    "= 'Lock'"
)
LETTERS = "select id, job_id, error, attempts from dead_letters limit 1"


class UpTo(SqlFolder):
    """The schema as it was when this was its latest file."""

    def __init__(self, latest: int) -> None:
        super().__init__("overnight", "store/sql")
        self.latest = latest

    def migrations(self) -> Iterator[tuple[int, str, str]]:
        return (file for file in super().migrations() if file[0] <= self.latest)


class With(UpTo):
    """That schema, with one file more."""

    def __init__(self, latest: int, text: str) -> None:
        super().__init__(latest)
        self.text = text

    def migrations(self) -> Iterator[tuple[int, str, str]]:
        yield from super().migrations()
        yield 1000, "more", self.text


@contextmanager
def schema(folder: SqlFolder) -> Iterator[None]:
    """What the code brings along, for a moment."""
    code, migrations.queries = migrations.queries, folder
    try:
        yield
    finally:
        migrations.queries = code


@pytest.fixture
async def empty(server_url: str) -> AsyncIterator[Database]:
    """A database without a schema."""
    name = f"migrations_{time.monotonic_ns()}"
    async with await Database(server_url).connect() as admin:
        await admin.execute(f"create database {name}")  # type: ignore[arg-type]
        try:
            async with Database(_at(server_url, name)) as database:
                yield database
        finally:
            await admin.execute(f"drop database {name} with (force)")  # type: ignore[arg-type]


@pytest.fixture
async def old(empty: Database) -> Database:
    """A ledger at 0002, with rows of all kinds in it."""
    with schema(UpTo(2)):
        await migrate(empty)
    await empty.fetch(
        "insert into runs (job_id, step, pipeline, status, input, output, finished_at) "
        "select s || n, 's', 'p', s, '{}', '1', now() from generate_series(1, 50) n, "
        "unnest(array['queued', 'running', 'succeeded', 'needs_review', 'dead', 'cancelled']) s"
    )
    await empty.fetch(
        "insert into attempts (run_id, attempt, outcome) select id, 1, 'retry' from runs"
    )
    await empty.fetch(
        "insert into effects (job_id, name, content_hash, run_id, attempt) values ('a', "
        "'n', 'h', 1, 1)"
    )
    await empty.fetch(
        "insert into schedules (app, pipeline, cron, timezone) values ('app', 'p', '0 4 "
        "* * *', 'UTC')"
    )
    await empty.fetch("insert into switches (scope, enabled) values ('all', true)")
    await empty.fetch("insert into workers (boot_id, lock_key, host, pid) values ('w', 1, 'h', 1)")
    await empty.fetch(CALL)
    return empty


def dumped(database: Database) -> list[str]:
    """The schema, statement by statement; the order of a table's columns is the order in which
    files were applied.
    """
    program = find_binaries().folder / "pg_dump"
    text = subprocess.run(
        [program, "--schema-only", "--no-owner", database.url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(line for line in text.splitlines() if not line.startswith(("--", "\\")))


async def invalid(database: Database) -> list[str]:
    rows = await database.fetch(
        "select indexrelid::regclass::text as name from pg_index where not indisvalid"
    )
    return [row["name"] for row in rows]


async def indexes(database: Database) -> set[str]:
    rows = await database.fetch(
        "select indexname as name from pg_indexes where schemaname = 'public'"
    )
    return {row["name"] for row in rows}


async def test_a_jump_over_versions_gives_the_fresh_schema_completely(
    old: Database, database: Database, server_url: str
) -> None:
    assert len(await migrate(old)) == len(list(queries.migrations())) - 2
    assert await migrate(old) == []
    assert await invalid(old) == []
    fresh = f"fresh_{time.monotonic_ns()}"
    await database.fetch(f"create database {fresh}")
    try:
        made = Database(_at(server_url, fresh))
        await migrate(made)
        assert dumped(made) == dumped(old)
    finally:
        await database.fetch(f"drop database {fresh} with (force)")
    assert (await old.fetch("select count(*) as count from runs"))[0]["count"] == 300


async def test_migrations_beside_live_workers_break_and_delay_nobody(
    old: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever works here gives up on a lock after five times what a migration waits for one, and
    would fail then.
    """
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", 300)
    monkeypatch.setattr(migrations, "LOCK_PAUSES", (0.05, 0.1, 0.2) + (0.3,) * 100)
    done = asyncio.Event()
    made = Counter[str]()

    async def say(connection: Connection, sql: str, params: Any = None) -> list[dict[str, Any]]:
        cursor = await connection.execute(sql, params)  # type: ignore[arg-type]
        made[sql] += 1
        return await cursor.fetchall() if cursor.description else []

    async def work() -> None:
        async with await old.connect() as connection:
            await connection.execute("set lock_timeout = 1500")
            while not done.is_set():
                await say(connection, ENQUEUE)
                for run in await say(connection, CLAIM):
                    await say(connection, BEAT, run)
                    await say(connection, FINISH, run)
                await say(connection, CALL)
                await say(connection, LETTERS)

    async def linger() -> None:
        """Transactions that hold what they touched for longer than a migration waits; the first for
        very long.
        """
        async with await old.connect() as connection:
            await connection.execute("set lock_timeout = 1500")
            hold = 3.0
            while not done.is_set():
                async with connection.transaction():
                    await say(connection, ENQUEUE)
                    await say(connection, CALL)
                    while hold > 1 and not await old.fetch(BLOCKED):
                        await asyncio.sleep(0.02)
                    await asyncio.sleep(hold)
                hold = 0.4
                await asyncio.sleep(0.1)

    others = [asyncio.create_task(each) for each in (work(), work(), work(), linger(), linger())]
    while made[CALL] < 20:
        await asyncio.sleep(0.02)
    with capture_logs() as said:
        await migrate(old)
    done.set()
    await asyncio.gather(*others)  # raises what any statement raised
    assert any(line["event"] == "migration waits for a lock" for line in said)
    assert min(made.values()) > 20
    assert await migrate(old) == []
    assert await invalid(old) == []


async def test_no_transaction_locks_two_shared_tables_or_rewrites_one(empty: Database) -> None:
    """Two locks taken one after the other are how deadlocks begin, and a rewrite holds its lock for
    minutes.
    """
    tables = (
        "select oid, relname as name, relfilenode from pg_class where relkind = 'r' and oid "
        ">= 16384"
    )
    locked = (
        "select distinct c.relname as name from pg_locks l join pg_class c on c.oid = l.relation "
        "where l.pid = pg_backend_pid() and c.relkind = 'r' and c.oid = any(%s) "
        "and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', "
        "'AccessExclusiveLock')"
    )
    async with await empty.connect() as connection:
        for number, name, text in queries.migrations():
            migration = Migration("overnight", number, name, text)
            if migration.is_concurrent:
                for statement in migration.statements():
                    await connection.execute(statement)  # type: ignore[arg-type]
                continue
            before = await (await connection.execute(tables)).fetchall()
            async with connection.transaction():
                await connection.execute(text)  # type: ignore[arg-type]
                held = await (
                    await connection.execute(locked, [[t["oid"] for t in before]])
                ).fetchall()
                after = await (await connection.execute(tables)).fetchall()
            assert len(held) <= 1, (name, held)
            assert all(table in after for table in before), name


async def test_the_holder_of_a_lock_is_named_and_nothing_is_half_done(
    old: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", 20)
    monkeypatch.setattr(migrations, "LOCK_PAUSES", (0.01, 0.01))
    before = dumped(old)
    async with await old.connect() as holder:
        await holder.execute("set application_name = 'a long report'")
        async with holder.transaction():
            await holder.execute("select count(*) from runs")
            with pytest.raises(
                UserError, match=r"overnight/0003_held_back cannot get its lock: .*a long report"
            ):
                await migrate(old)
            assert (await old.fetch("select max(number) as latest from migrations"))[0][
                "latest"
            ] == 2
    assert [line for line in dumped(old) if line not in before] == []
    await migrate(old)
    assert await migrate(old) == []


async def cut_off(database: Database, name: str) -> None:
    """Begin to migrate, and kill the session that makes the index while it waits for an older
    snapshot to go.
    """
    async with await database.connect() as holder, holder.transaction():
        await holder.execute("set transaction isolation level repeatable read")
        await holder.execute("select 1")
        migrating = asyncio.create_task(migrate(database))
        making = (
            "select pid from pg_stat_activity where datname = current_database() and "
            "wait_event_type = 'Lock' "
            f"and query like 'create index concurrently if not exists {name} %'"
        )
        while not (found := await database.fetch(making)):
            assert not migrating.done()
            await asyncio.sleep(0.02)
        await database.fetch("select pg_terminate_backend(%s)", [found[0]["pid"]])
        with pytest.raises(LedgerUnavailable, match="does not answer"):
            await migrating


async def test_an_interrupted_index_is_built_again_by_the_next_start(old: Database) -> None:
    with schema(UpTo(8)):
        await migrate(old)
    await cut_off(old, "runs_line")
    assert await invalid(old) == ["runs_line"]
    assert "overnight/0009_upkeep" in await migrate(old)
    assert await invalid(old) == []
    there = await indexes(old)
    assert {"runs_line", "runs_running", "runs_ended", "runs_emptied"} <= there
    assert not {"runs_due", "runs_leased"} & there


async def test_a_concurrent_file_goes_on_where_it_stopped(old: Database) -> None:
    more = "-- concurrently\ncreate table if not exists a (x int);\n"
    with schema(With(2, more + "nonsense;\n")), pytest.raises(psycopg.errors.SyntaxError):
        await migrate(old)
    with schema(With(2, more + "create index concurrently if not exists a_x on a (x);\n")):
        assert await migrate(old) == ["overnight/1000_more"]
        assert await migrate(old) == []
    assert "a_x" in await indexes(old)


def test_concurrent_files_index_concurrently_and_are_repeatable() -> None:
    files = [Migration("overnight", *file) for file in queries.migrations()]
    statements = [text for file in files if file.is_concurrent for text in file.statements()]
    assert statements
    for statement in statements:
        if re.search(r"\bindex\b", statement):
            assert migrations.INDEX_CONCURRENTLY.match(statement), statement
        else:
            again = re.search(
                r"if not exists|create or replace|on conflict do nothing|alter table \w+ set \(",
                statement,
            )
            assert again, statement


async def test_a_blocking_file_builds_no_index_on_an_existing_table() -> None:
    for number, name, text in queries.migrations():
        if number > 2 and not Migration("overnight", number, name, text).is_concurrent:
            tables = set(re.findall(r"create table (\w+)", text))
            on = set(re.findall(r"create (?:unique )?index \w+ on (\w+)", text))
            assert on <= tables, (
                f"{name} makes an index on a table that may be big: let it be made concurrently"
            )
            assert "drop index" not in text, name


async def test_one_of_several_starters_migrates_and_none_blocks_it(old: Database) -> None:
    """An index that is made concurrently waits for whoever holds a snapshot: each would wait for
    the other.
    """
    applied = await asyncio.wait_for(asyncio.gather(*(migrate(old) for _ in range(4))), 60)
    assert sorted(len(names) for names in applied) == [0, 0, 0, len(list(queries.migrations())) - 2]


async def test_without_a_due_migration_nobody_waits_for_another_one(database: Database) -> None:
    async with await database.connect() as other:
        await other.execute("select pg_advisory_lock(%s)", [migrations.MIGRATION_LOCK])
        assert await asyncio.wait_for(migrate(database), 30) == []


async def test_older_code_works_on_a_newer_ledger_and_says_so_once(database: Database) -> None:
    latest, name = max((number, name) for number, name, _ in queries.migrations())
    with schema(UpTo(latest - 1)), capture_logs() as said:
        assert await migrate(database) == []
    (line,) = said
    assert line["event"] == "the ledger is newer than this code"
    assert line["migrations"] == [f"overnight/{latest:04}_{name}"]
