"""The life of worker processes: hearts, connections, releases while jobs are in flight, and what
kills.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from overnight import App, Context, Pipeline
from overnight.engine.heartbeat import Heartbeat
from overnight.engine.rescuer import SETTLE
from overnight.engine.worker import Worker
from overnight.errors import LedgerUnavailable
from overnight.operations import queries
from overnight.store.database import HOT_SIZE, POOL_SIZE, Database
from overnight.store.ledger import Ledger
from overnight.store.records import Ending, NewRun, Scope, Status, Transition
from overnight.testing import Clock, run_until_idle

Ctx = Context[Any]

BESIDE_THE_POOL = (
    HOT_SIZE + 3
)  # claims and endings, the heartbeat, the listener, the watch over the neighbour


async def test_a_worker_whose_heart_does_not_beat_claims_nothing_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    p, done = Pipeline("p"), []

    @p.step
    async def one(ctx: Ctx, value: int) -> None:
        done.append(value)

    worker = Worker(App("app", [p]), database, poll=0.01)
    monkeypatch.setattr(Heartbeat, "healthy", property(lambda self: False))
    running = asyncio.create_task(worker.run())
    await Ledger(database).enqueue([p.job(1)])
    for _ in range(20):
        worker.wake()
        await asyncio.sleep(0.01)
    assert done == []
    monkeypatch.undo()
    while not done:
        worker.wake()
        await asyncio.sleep(0.01)
    worker.stop()
    await running


async def test_a_heartbeat_silent_for_half_a_lease_is_not_healthy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Heartbeat(database, lease=0.4, on_lost=lambda attempts: None)
    assert not heartbeat.healthy
    heartbeat.start()
    try:
        assert heartbeat.healthy

        def refuse(*_: Any) -> None:
            raise LedgerUnavailable

        monkeypatch.setattr(Heartbeat, "_execute", refuse)
        while heartbeat.healthy:
            await asyncio.sleep(0.01)
    finally:
        monkeypatch.undo()
        heartbeat.stop()


async def test_a_busy_worker_has_a_capped_number_of_connections(database: Database) -> None:
    p, seen = Pipeline("p"), []
    gathered = asyncio.Barrier(40)

    @p.step
    async def ask(ctx: Ctx, value: int) -> None:
        await gathered.wait()
        await asyncio.gather(
            *(ctx.ledger.database.fetch("select pg_sleep(0.001)") for _ in range(5))
        )
        ours = (
            "select count(*) from pg_stat_activity where datname = current_database() and "
            "pid <> pg_backend_pid()"
        )
        (row,) = await ctx.ledger.database.fetch(ours)
        seen.append(row["count"] + 1)

    await Ledger(database).enqueue([p.job(n) for n in range(40)])
    await Worker(App("app", [p]), database, concurrency=40).run(until_idle=True)
    assert len(seen) == 40
    assert max(seen) <= POOL_SIZE + BESIDE_THE_POOL


async def test_a_new_process_of_the_same_name_hides_no_dead_one(
    database: Database, clock: Clock
) -> None:
    ledger = Ledger(database)
    await ledger.enqueue([NewRun("a", "one", "p", "", "{}", "h")])
    dead = Heartbeat(database, lease=60, on_lost=lambda attempts: None)
    dead._connect()
    await ledger.claim(Scope(["p/one"]), dead.boot_id, 1, 3600)
    dead._close()  # as when its process is killed
    new = Heartbeat(database, lease=60, on_lost=lambda attempts: None)  # same host, same process id
    new.start()
    try:
        assert new.boot_id != dead.boot_id
        await ledger.rescue(new.boot_id, max_losses=5, settle=SETTLE)
        await clock.move(SETTLE + 0.1)
        found = await ledger.rescue(new.boot_id, max_losses=5, settle=SETTLE)
        assert [row["job_id"] for row in found.runs] == ["a"]
    finally:
        new.stop()


def release(*steps: str) -> tuple[App, list[tuple[int, str]]]:
    """A release of a pipeline with these steps, each of which notes for which job it ran."""
    p, ran = Pipeline("article"), []

    def add(name: str) -> None:
        async def step(ctx: Ctx, job: int) -> int:
            ran.append((job, name))
            return job

        step.__name__ = name
        p.step(step)

    for name in steps:
        add(name)
    return App("app", [p]), ran


async def test_an_added_step_is_run_by_jobs_that_have_not_passed_it(database: Database) -> None:
    old, _ = release("write", "publish")
    ledger = Ledger(database)
    await ledger.enqueue([old.pipeline("article").job(1)])
    (run,) = (await ledger.claim(old.scope(), "w", 1, 60)).runs
    following = old.pipeline("article").follow(run)
    await ledger.finish(
        [Ending(run, Transition(Status.SUCCEEDED, "done"), "1", next=following)], "w"
    )
    await ledger.enqueue([old.pipeline("article").job(2)])

    added, ran = release("write", "check", "publish")
    await run_until_idle(added, database)
    assert sorted(ran) == [(1, "publish"), (2, "check"), (2, "publish"), (2, "write")]


async def test_a_renamed_step_waits_for_its_release_and_loses_nothing(database: Database) -> None:
    old, _ = release("write", "publish")
    await Ledger(database).enqueue([old.pipeline("article").job(1)])
    renamed, ran = release("compose", "publish")
    await run_until_idle(renamed, database)
    assert ran == []
    assert (await queries.status(database, renamed))["parked"] == [
        {"step": "article/write", "key": "", "count": 1}
    ]
    both, ran = release("compose", "write", "publish")
    await run_until_idle(both, database)
    assert ran == [(1, "write"), (1, "publish")]


async def test_dead_letters_of_one_step_are_one_alert_that_counts(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> None:
        raise ValueError(f"number {value}")

    await Ledger(database).enqueue([p.job(n) for n in range(30)])
    await run_until_idle(App("app", [p]), database)
    (alert,) = await database.fetch("select kind, subject, count, text from alerts")
    assert (alert["kind"], alert["subject"], alert["count"]) == ("dead_letter", "p/one", 30)
    assert alert["text"].startswith("ValueError: number")


async def test_a_step_that_kills_its_owners_is_an_alerted_dead_letter(
    database: Database, clock: Clock
) -> None:
    ledger = Ledger(database)
    await ledger.enqueue([NewRun("a", "one", "p", "", "{}", "h")])
    for _ in range(5):
        assert len((await ledger.claim(Scope(["p/one"]), "w", 1, 60)).runs) == 1
        await clock.move(61)
        await ledger.rescue("other", max_losses=5, settle=0)
    assert (await ledger.claim(Scope(["p/one"]), "w", 1, 60)).runs == []
    (alert,) = await database.fetch("select kind, subject, text, job_id from alerts")
    assert (alert["kind"], alert["subject"], alert["job_id"]) == ("dead_letter", "p/one", "a")
    assert "died or lost its lease" in alert["text"]
