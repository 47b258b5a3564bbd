"""Each condition of the hot statements, alone: what it lets through, and what it refuses."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from two_sessions import Pinned, beside, pinned

from overnight import App, Context, Limit, Pipeline
from overnight.store import breakers
from overnight.store.breaker_records import Breaker
from overnight.store.database import Database
from overnight.store.database import run as run_on
from overnight.store.ledger import Ledger
from overnight.store.records import Ending, NewRun, Run, Scope, Status, Transition
from overnight.store.sql import queries
from overnight.testing import Clock

T = TypeVar("T")

DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)
DEAD = Transition(Status.DEAD, "error", "404", "permanent", failed=True)
LOCK_TIMEOUT = "set lock_timeout = '2s'"  # who would wait for a lock gets an error instead
HALF_OPEN = "insert into breakers (name, key, open_until) values ('cms', '', ledger_now())"


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def new(job_id: str, step: str = "one", **terms: Any) -> NewRun:
    return NewRun(job_id, step, "p", "", "{}", "h", **terms)


def scope(*, breaker: str | None = None, limits: tuple[Limit, ...] = ()) -> Scope:
    p = Pipeline("p")

    @p.step(breaker=breaker, limits=limits)
    async def one(ctx: Context[Any], value: Any) -> None: ...

    @p.step
    async def two(ctx: Context[Any], value: Any) -> None: ...

    return App("app", [p]).scope()


async def claimed(
    ledger: Ledger, limit: int = 99, worker: str = "w", what: Scope | None = None
) -> list[Run]:
    return (await ledger.claim(what or scope(), worker, limit, 60)).runs


# --- claim


async def test_within_a_priority_the_order_is_by_due_time_then_by_id(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.enqueue([new("late", delay=20)])
    await ledger.enqueue([new("early", delay=10)])
    await ledger.enqueue([new("z"), new("a")])
    await clock.move(30)
    order = []
    while runs := await claimed(ledger, 1):
        order.append(runs[0].job_id)
    assert order == ["a", "z", "early", "late"]  # an enqueue inserts in the order of the ids


async def test_a_locked_run_is_skipped_and_not_waited_for(
    database: Database, ledger: Ledger
) -> None:
    await ledger.enqueue([new("a"), new("b")])
    async with await database.connect() as other, await database.connect() as ours:
        await ours.execute(LOCK_TIMEOUT)
        async with other.transaction():
            await other.execute("select from runs where job_id = 'a' for share")
            assert [run.job_id for run in await claimed(pinned(ours))] == ["b"]
    assert [run.job_id for run in await claimed(ledger)] == ["a"]


async def test_a_limit_keeps_no_start_that_counts_no_more(
    database: Database, ledger: Ledger, clock: Clock
) -> None:
    limited = scope(limits=(Limit("rate", starts=3, per=60),))
    await ledger.enqueue([new(f"j{n}") for n in range(9)])
    for _ in range(4):
        assert len(await claimed(ledger, 2, what=limited)) == 2
        await clock.move(61)
    (kept,) = await database.fetch("select cardinality(starts) as starts from limits")
    assert kept["starts"] == 2


async def test_of_two_who_find_a_breaker_half_open_at_once_one_probes(
    database: Database, ledger: Ledger
) -> None:
    await ledger.enqueue([new("a"), new("b")])
    await database.fetch(HALF_OPEN)
    guarded = scope(breaker="cms")
    async with await database.connect() as first, await database.connect() as second:
        await first.execute("begin")
        (probe,) = await claimed(pinned(first), 1, what=guarded)
        assert await beside(database, first, second, claimed(pinned(second), 1, "v", guarded)) == []
    row = await database.one("select probe_run from breakers")
    assert row == {"probe_run": probe.id}


async def test_of_two_claims_of_the_last_place_of_a_limit_one_gets_it(
    database: Database, ledger: Ledger
) -> None:
    await ledger.enqueue([new("a"), new("b")])
    limited = scope(limits=(Limit("pool", at_once=1),))
    async with await database.connect() as first, await database.connect() as second:
        await first.execute("begin")
        assert len(await claimed(pinned(first), 1, what=limited)) == 1
        assert await beside(database, first, second, claimed(pinned(second), 1, "v", limited)) == []


async def test_a_breaker_changed_since_it_was_read_is_not_written(database: Database) -> None:
    assert await breakers.write(database, Breaker("cms", "", failures=1), opens=False)
    known, now = await breakers.read(database, ["cms"])
    open_ = replace(known["cms"], failures=5, opened_at=now, open_until=now + timedelta(minutes=10))
    assert await breakers.write(database, open_, opens=True)
    assert not await breakers.write(database, replace(known["cms"], failures=0), opens=False)
    assert (await breakers.read(database, ["cms"]))[0]["cms"].failures == 5
    assert await database.fetch(
        "select kind from alerts where kind = 'breaker' and resolved_at is null"
    )


# --- beat


async def beat(database: Database | Pinned, worker: str, *runs: Run) -> list[int]:
    params = {"worker": worker, "lease": 600, "ids": [run.id for run in runs]}
    return sorted(row["id"] for row in await database.fetch(queries["beat"], params))


async def renewed(database: Database) -> list[str]:
    rows = await database.fetch(
        "select job_id from runs where lease_until > ledger_now() + interval '5 minutes' "
        "order by job_id"
    )
    return [row["job_id"] for row in rows]


async def test_a_beat_renews_only_named_running_runs_of_its_worker(
    database: Database, ledger: Ledger
) -> None:
    await ledger.enqueue([new("mine"), new("not named"), new("ended"), new("theirs")])
    runs = {run.job_id: run for run in await claimed(ledger)}
    await database.fetch("update runs set worker = 'v' where job_id = 'theirs'")
    # Whatever ends an attempt forgets its owner; only a write by hand leaves it.
    await database.fetch("update runs set status = 'succeeded' where job_id = 'ended'")
    named = [runs["mine"], runs["ended"], runs["theirs"]]
    assert await beat(database, "w", *named) == [runs["mine"].id]
    assert await renewed(database) == ["mine"]


async def test_a_beat_waits_for_no_lock_and_still_owns_locked_runs(
    database: Database, ledger: Ledger
) -> None:
    await ledger.enqueue([new("being finished"), new("free")])
    runs = await claimed(ledger)
    async with await database.connect() as other, await database.connect() as heart:
        await heart.execute(LOCK_TIMEOUT)
        async with other.transaction():
            await other.execute("select from runs where job_id = 'being finished' for update")
            assert await beat(Pinned(heart), "w", *runs) == sorted(run.id for run in runs)
            assert await renewed(database) == ["free"]


async def test_a_beat_is_a_sign_of_life_of_its_worker_alone(
    database: Database, clock: Clock
) -> None:
    for key, boot in enumerate(("v", "w")):
        await database.fetch(
            queries["worker_hello"], {"worker": boot, "lock_key": key, "host": "here", "pid": 1}
        )
    await clock.move(60)
    await beat(database, "w")
    seen = await database.fetch("select boot_id from workers where seen_at > started_at")
    assert seen == [{"boot_id": "w"}]


# --- rescue


async def test_the_neighbour_is_the_next_live_worker_in_boot_id_order(database: Database) -> None:
    locks = {"b": 11, "d": 12, "f": 13, "h": 14}
    sessions = {boot: await database.connect() for boot in locks}
    try:
        for boot, key in locks.items():
            hello = {"worker": boot, "lock_key": key, "host": "here", "pid": 1}
            await run_on(sessions[boot], queries["worker_hello"], hello)
        await sessions["f"].close()  # its lock is free: it is no neighbour
        ledger = Ledger(database)
        while await database.fetch(
            "select 1 from pg_locks where locktype = 'advisory' and objid = 13"
        ):
            await asyncio.sleep(0)
        found = {
            boot: (await ledger.rescue(boot, max_losses=5, settle=60)).neighbour
            for boot in ("a", *locks)
        }
    finally:
        for session in sessions.values():
            await session.close()
    assert found == {"a": 11, "b": 12, "d": 14, "f": 14, "h": 11}


# --- finish


async def test_an_ending_without_an_output_keeps_the_stored_one(
    database: Database, ledger: Ledger
) -> None:
    await ledger.enqueue([new("a")])
    (run,) = await claimed(ledger)
    await database.fetch("update runs set output = '7'")
    await ledger.finish([Ending(run, DEAD)], "w")
    assert await database.fetch("select status, output from runs") == [
        {"status": "dead", "output": 7}
    ]


async def test_only_attempts_that_did_not_succeed_are_in_the_history(
    database: Database, ledger: Ledger
) -> None:
    await ledger.enqueue([new("done"), new("dead"), new("no_work")])
    ends = {"done": DONE, "no_work": Transition(Status.SUCCEEDED, "no_work"), "dead": DEAD}
    await ledger.finish([Ending(run, ends[run.job_id]) for run in await claimed(ledger)], "w")
    kept = await database.fetch(
        "select r.job_id, a.outcome from attempts a join runs r on r.id = a.run_id"
    )
    assert kept == [{"job_id": "dead", "outcome": "error"}]


async def test_the_alert_of_a_step_counts_the_letters_of_all_batches(
    database: Database, ledger: Ledger
) -> None:
    for batch in ("a", "b"):
        await ledger.enqueue([new(f"{batch}{n}") for n in range(3)])
        await ledger.finish([Ending(run, DEAD) for run in await claimed(ledger)], "w")
        await ledger.enqueue([new(f"{batch} other", "two")])
        await ledger.finish([Ending(run, DEAD) for run in await claimed(ledger)], "w")
    counts = await database.fetch("select subject, count from alerts order by subject")
    assert counts == [{"subject": "p/one", "count": 6}, {"subject": "p/two", "count": 2}]


async def test_a_next_step_has_its_jobs_terms_a_spawned_job_its_own(
    database: Database, ledger: Ledger, clock: Clock
) -> None:
    await ledger.enqueue([new("a", deadline=600, expect=300, priority=3)])
    await clock.move(100)
    (run,) = await claimed(ledger)
    following = [
        replace(new("a", "two"), input=None, input_hash=None),
        new("child", deadline=50, expect=40),
    ]
    await ledger.finish([Ending(run, DONE, "1", next=following)], "w")
    rows = await database.fetch("""
        select job_id || ' ' || step as run, priority,
               round(extract(epoch from deadline_at - ledger_now()) / 10) * 10 as deadline,
               round(extract(epoch from expect_at - ledger_now()) / 10) * 10 as expect
        from runs where status = 'queued' order by job_id""")
    assert [tuple(row.values()) for row in rows] == [
        ("a two", 3, 500, 200),
        ("child one", 0, 50, 40),
    ]


async def test_of_two_attempts_in_a_batch_nothing_follows_the_late_one(
    database: Database, ledger: Ledger, clock: Clock
) -> None:
    await ledger.enqueue([new("a")])
    (late,) = await claimed(ledger)
    await clock.move(61)
    await ledger.rescue("v", max_losses=5, settle=1)
    (live,) = await claimed(ledger)
    assert (late.id, late.attempt + 1) == (live.id, live.attempt)
    endings = [
        Ending(late, DONE, "1", next=[new("of the late one")]),
        Ending(live, DONE, "2", next=[new("of the live one")]),
    ]
    assert (await ledger.finish(endings, "w")).ours == {(live.id, live.attempt)}
    assert await database.fetch("select output from runs where job_id = 'a'") == [{"output": 2}]
    spawned = await database.fetch("select job_id from runs where job_id <> 'a'")
    assert spawned == [{"job_id": "of the live one"}]
