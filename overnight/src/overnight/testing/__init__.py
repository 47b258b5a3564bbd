"""For tests of pipelines: a real database for each test, a clock that tests move, and a worker that
runs until idle.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import psycopg

from overnight.engine.worker import Worker
from overnight.pipelines.app import App
from overnight.postgres.launch import Binaries
from overnight.postgres.server import EmbeddedServer
from overnight.store.database import Connection, Database
from overnight.store.migrations import migrate
from overnight.store.records import Ending
from overnight.store.sql import SqlFolder, positional, queries

TEMPLATE_LOCK = 0x74656D706C  # one process builds the template, the others wait for it


class Clock:
    """Moves the ledger's clock forward or back, for every session of one test's database."""

    INSTALL = """
        create table testing_clock (shift interval not null);
        insert into testing_clock values ('0');
        create or replace function ledger_now() returns timestamptz language sql
            stable parallel safe
            return now() + (select shift from testing_clock);
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def move(self, seconds: float) -> None:
        """Let so many seconds pass at once; a negative number steps back."""
        await self._database.fetch(
            "update testing_clock set shift = shift + make_interval(secs => %s)", [float(seconds)]
        )

    async def now(self) -> datetime:
        row = await self._database.one("select ledger_now() as now")
        assert row is not None
        return cast(datetime, row["now"])

    async def set(self, moment: datetime) -> None:
        """Make it that moment."""
        await self.move((moment - await self.now()) / timedelta(seconds=1))


@contextmanager
def postgres(folder: Path, programs: Path | None = None) -> Iterator[str]:
    """The URL of an embedded server in `folder`, for a test run. Processes that name the same
    folder share one server.

    `programs` are those of another Postgres, such as /usr/lib/postgresql/15/bin.
    """
    server = EmbeddedServer(folder)
    if programs is not None:
        server.binaries = Binaries(programs, int(programs.parent.name))
    server.hold()
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            # No test pulls the plug, so none needs to wait for the disk.
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
        yield server.url
    finally:
        server.release()


@asynccontextmanager
async def fresh_database(server_url: str, *folders: SqlFolder) -> AsyncIterator[Database]:
    """A database of its own with the schema and a movable clock, cloned from a template; dropped
    afterwards.

    It is eight in the evening there (UTC), so that what a test shows does not depend on the hour it
    is run at.
    """
    template = await _template(server_url, folders)
    name = f"test_{secrets.token_hex(6)}"
    async with await Database(server_url).connect() as admin:
        await _execute(admin, f'create database "{name}" template "{template}"')
        try:
            async with Database(_at(server_url, name)) as database:
                clock = Clock(database)
                await clock.set((await clock.now()).replace(hour=20, minute=0, second=0))
                yield database
        finally:
            await _execute(admin, f'drop database "{name}" with (force)')


async def run_until_idle(
    app: App,
    database: Database,
    *,
    clock: Clock | None = None,
    horizon: float = 86_400.0,
    **options: Any,
) -> list[Ending]:
    """Run a worker until nothing is left to do, and return the endings in order.

    With a clock, waits (retries, debounces) pass at once: the clock is moved to the next due run
    within `horizon`.
    """
    endings: list[Ending] = []
    note: Callable[[Ending], None] = endings.append
    while True:
        worker = Worker(app, database, on_ending=note, **options)
        await worker.run(until_idle=True, horizon=0.0 if clock else horizon)
        next_due = (await worker.ledger.claim(app.scope(), "", 0, 0.0)).next_due if clock else None
        if clock is None or next_due is None or next_due > horizon:
            return endings
        await clock.move(next_due + 0.001)


def numbered(sql: str) -> str:
    """A query with `$n` for `%(name)s`, so that a test can PREPARE it against the real schema."""
    text, _ = positional(sql)
    return text


async def _template(server_url: str, folders: tuple[SqlFolder, ...]) -> str:
    texts = [text for folder in (queries, *folders) for _, _, text in folder.migrations()]
    name = (
        "template_" + hashlib.sha256("\n".join([Clock.INSTALL, *texts]).encode()).hexdigest()[:16]
    )
    async with await Database(server_url).connect() as admin:
        await admin.execute("select pg_advisory_lock(%s)", [TEMPLATE_LOCK])
        found = await admin.execute(
            "select from pg_database where datname = %s and datistemplate", [name]
        )
        if not found.rowcount:
            await _execute(admin, f'drop database if exists "{name}"')
            await _execute(admin, f'create database "{name}"')
            database = Database(_at(server_url, name))
            await migrate(database, *folders)
            async with await database.connect() as connection:
                await _execute(connection, Clock.INSTALL)
            await _execute(admin, f'alter database "{name}" is_template true')
    return name


async def _execute(connection: Connection, sql: str) -> None:
    await connection.execute(sql)


def _at(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
