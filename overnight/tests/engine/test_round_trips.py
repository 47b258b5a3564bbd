"""How often the database is asked: no more than needed, for each question is part of somebody's
wait.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from overnight import App, Context, Pipeline, Worker
from overnight.engine.wakeups import Listener
from overnight.operations import runs
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Claim, Ending, Scope, Status, Transition
from overnight.store.sql import positional

Ctx = Context[None]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of connections of the pool before they are used."""
    asked: list[str] = []
    whole = AsyncConnectionPool.check_connection

    async def check(connection: object) -> None:
        asked.append("alive?")
        await whole(connection)  # type: ignore[arg-type]

    monkeypatch.setattr(AsyncConnectionPool, "check_connection", staticmethod(check))
    return asked


async def test_a_silent_connection_is_used_without_being_asked_first(
    database: Database, asked: list[str]
) -> None:
    for _ in range(3):
        await database.fetch("select 1")
    assert not asked


async def test_a_connection_without_its_server_is_replaced_before_use(database: Database) -> None:
    async with Database(database.url, size=1) as narrow:
        first = await narrow.one("select pg_backend_pid() as pid")
        await database.fetch(
            "select pg_terminate_backend(%(pid)s, 10000)", first or {}
        )  # comes back when it is gone
        assert await narrow.fetch("select 2 as two") == [{"two": 2}]


def test_names_become_numbers_each_once_and_in_order() -> None:
    text, names = positional("select %(b)s, %(a)s, %(b)s where x like '%%y'")
    assert (text, names) == ("select $1, $2, $1 where x like '%y'", ("b", "a"))


async def _heard(database: Database) -> tuple[list[str], asyncio.Task[None]]:
    heard: list[str] = []
    there = asyncio.Event()

    def note(what: str) -> None:
        heard.append(what)
        there.set()

    task = asyncio.create_task(Listener(database).run(note))
    await there.wait()
    heard.clear()
    return heard, task


async def test_a_job_that_is_started_is_told_of_by_its_own_commit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> None: ...

    heard, listening = await _heard(database)
    made: list[str] = []
    fetch = database.fetch

    async def counted(sql: str, params: object = ()) -> object:
        made.append(sql)
        return await fetch(sql, params)  # type: ignore[arg-type]

    monkeypatch.setattr(database, "fetch", counted)
    assert (await runs.start(App("app", [p]), database, "p", 1))[1] is True
    async with asyncio.timeout(10):
        while not heard:
            await asyncio.sleep(0.01)
    assert len(made) == 1
    assert (await runs.start(App("app", [p]), database, "p", 1))[1] is False
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_worker_that_took_all_work_makes_no_further_claim(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = Pipeline("p")
    may_end, begun, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    claimed: list[int] = []
    claim = Ledger.claim

    async def counted(self: Ledger, *args: Any) -> Claim:
        found = await claim(self, *args)
        claimed.append(len(found.runs))
        return found

    monkeypatch.setattr(Ledger, "claim", counted)

    @p.step
    async def one(ctx: Ctx, value: int) -> None:
        begun.set()
        await may_end.wait()

    worker = Worker(App("app", [p]), database, poll=3600, on_ending=lambda ending: ended.set())
    running = asyncio.create_task(worker.run())
    while not claimed:  # it starts
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)  # it is at rest
    claimed.clear()
    await Ledger(database).enqueue([p.job(1)])
    worker.wake()
    await begun.wait()
    await asyncio.sleep(0.2)  # time enough for a claim that should not be
    assert claimed == [1]
    may_end.set()
    await ended.wait()
    worker.stop()
    await running


async def test_a_finish_names_what_was_lost_and_nothing_else(database: Database) -> None:
    ledger = Ledger(database)
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> None: ...

    await ledger.enqueue([p.job(1), p.job(2)])
    ours, theirs = (await ledger.claim(Scope(["p/one"]), "me", 2, 60.0)).runs
    await database.fetch(
        "update runs set attempt = attempt + 1 where id = %(id)s", {"id": theirs.id}
    )
    done = Transition(Status.SUCCEEDED, "done", ends_job=False)
    finished = await ledger.finish([Ending(ours, done, "1"), Ending(theirs, done, "2")], "me")
    assert finished.ours == {(ours.id, ours.attempt)}
