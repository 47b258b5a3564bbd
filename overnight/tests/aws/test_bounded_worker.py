"""A worker for a bounded time: what it takes, what it leaves, and what it tells others of."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from overnight import App, Context, Debounce, Limit, Pipeline, Retry, Transient
from overnight.aws.bounded_worker import BoundedWorker
from overnight.aws.hints import Hint
from overnight.engine.heartbeat import Heartbeat
from overnight.engine.instrumentation import OnEnding
from overnight.engine.maintenance import Maintenance
from overnight.engine.rescuer import Rescuer
from overnight.errors import LedgerUnavailable
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Claim, Ending
from overnight.testing import Clock
from overnight.testing import runs as read_runs

Ctx = Context[Any]


class Told:
    """A transport that remembers what it was given."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []

    async def send(self, hints: Sequence[Hint]) -> None:
        self.hints.extend(hints)

    def names(self) -> list[tuple[str, float]]:
        return [(hint.step, hint.delay) for hint in self.hints]


@pytest.fixture
async def hot(database: Database) -> AsyncIterator[Database]:
    hot = database.hot()
    await hot.open()
    yield hot
    await hot.close()


async def statuses(database: Database) -> list[tuple[str, str]]:
    return [(run.step, run.status) for run in await read_runs(database)]


async def test_a_job_comes_to_its_end_in_one_shift_and_nobody_is_told(
    database: Database, hot: Database
) -> None:
    p = Pipeline("p")

    @p.step
    async def first(ctx: Ctx, value: int) -> int:
        return value + 1

    @p.step
    def second(ctx: Ctx, value: int) -> int:
        return value + 1

    app, told = App("app", [p]), Told()
    await runs.start(app, database, "p", 1)
    endings: list[Ending] = []
    worker = BoundedWorker(
        *(app, database, hot, None, told), concurrency=1, instruments=[OnEnding(endings.append)]
    )
    await worker.work(600)
    assert await statuses(database) == [("first", "succeeded"), ("second", "succeeded")]
    assert [ending.run.step for ending in endings] == ["first", "second"]
    assert told.hints == []
    assert await database.fetch("select boot_id from workers") == []


@pytest.mark.parametrize("late", [False, True], ids=["", "a claim's answer comes late"])
async def test_next_runs_beyond_its_slots_or_due_later_become_hints(
    database: Database, hot: Database, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    p = Pipeline("p", key=lambda value: str(value))

    @p.step
    async def fan(ctx: Ctx, value: int) -> int:
        for n in range(3):
            ctx.spawn("q", n)
        return value

    @p.step(after=Debounce(90))
    async def later(ctx: Ctx, value: int) -> None: ...

    q = Pipeline("q")

    @q.step
    async def one(ctx: Ctx, value: int) -> None: ...

    app, told = App("app", [p, q]), Told()
    job, _ = await runs.start(app, database, "p", 7)
    ended = asyncio.Event()
    instruments = [OnEnding(lambda ending: ended.set())]
    worker = BoundedWorker(
        *(app, database, hot, None, told), concurrency=1, instruments=instruments
    )
    claim, calls = Ledger.claim, itertools.count(1)

    async def answer_late(*args: Any) -> Claim:
        """The second one saw nothing, and by the time of its answer there is something."""
        if next(calls) != 2:
            return await claim(*args)
        await ended.wait()
        return Claim([], None)

    if late:
        monkeypatch.setattr(Ledger, "claim", answer_late)
    await worker.work(600)
    assert told.hints[0] == Hint(90.0, "p", "later", "7", job)
    assert told.names() == [("later", 90.0), ("one", 0.0), ("one", 0.0)]
    assert [status for step, status in await statuses(database) if step == "one"] == [
        "succeeded"
    ] * 3


async def test_a_retry_is_told_with_its_wait(database: Database, hot: Database) -> None:
    p = Pipeline("p")

    @p.step(retry=Retry(1, (16.0,), jitter=0))
    async def fetch(ctx: Ctx, value: int) -> None:
        raise Transient("502")

    app, told = App("app", [p]), Told()
    await runs.start(app, database, "p", 1)
    await BoundedWorker(app, database, hot, None, told, concurrency=4).work(600)
    assert told.names()[0] == ("fetch", 16.0)
    assert await statuses(database) == [("fetch", "queued")]


async def test_nothing_begins_that_cannot_end_but_somebody_is_told(
    database: Database, hot: Database
) -> None:
    p = Pipeline("p")

    @p.step
    async def quick(ctx: Ctx, value: int) -> int:
        return value

    @p.step(timeout=100)
    async def long(ctx: Ctx, value: int) -> int:
        return value

    app, told = App("app", [p]), Told()
    await runs.start(app, database, "p", 1)
    await BoundedWorker(app, database, hot, None, told, concurrency=2).work(50)
    assert await statuses(database) == [("quick", "succeeded"), ("long", "queued")]
    assert told.hints[0].step == "long"
    await BoundedWorker(app, database, hot, None, Told(), concurrency=2).work(50)
    assert await statuses(database) == [
        ("quick", "succeeded"),
        ("long", "succeeded"),
    ]  # it came first in its shift


async def test_what_runs_on_is_handed_back_as_no_failure_and_told(
    database: Database, hot: Database
) -> None:
    p = Pipeline("p")

    @p.step
    async def endless(ctx: Ctx, value: int) -> None:
        await asyncio.Event().wait()

    app, told = App("app", [p]), Told()
    await runs.start(app, database, "p", 1)
    await BoundedWorker(app, database, hot, None, told, concurrency=1).work(0.5)
    (row,) = await database.fetch("select status, attempt, failures, losses, lease_until from runs")
    assert row == {
        "status": "queued",
        "attempt": 1,
        "failures": 0,
        "losses": 0,
        "lease_until": None,
    }
    (attempt,) = await database.fetch("select outcome from attempts")
    assert attempt == {"outcome": "handed_back"}
    assert told.names()[0] == ("endless", 0.0)


async def test_a_plain_function_that_runs_on_is_left_to_its_lease(
    database: Database, hot: Database, clock: Clock
) -> None:
    p, release = Pipeline("p"), threading.Event()

    @p.step
    def endless(ctx: Ctx, value: int) -> None:
        release.wait(30)

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    await BoundedWorker(app, database, hot, None, Told(), concurrency=1).work(0.5)
    release.set()
    assert await statuses(database) == [("endless", "running")]
    await clock.move(61)
    await Rescuer(Ledger(database), "sweep").look()
    assert await statuses(database) == [("endless", "queued")]


async def test_a_heart_renews_leases_within_a_shift(database: Database, hot: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def slow(ctx: Ctx, value: int) -> None:
        first = await ctx.ledger.database.one("select lease_until from runs")
        while await ctx.ledger.database.one("select lease_until from runs") == first:
            await asyncio.sleep(0.02)

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    await BoundedWorker(app, database, hot, None, Told(), concurrency=1, lease=1.0).work(600)
    assert await statuses(database) == [("slow", "succeeded")]


async def test_a_shift_takes_in_turn_what_its_own_runs_held(
    database: Database, hot: Database
) -> None:
    p = Pipeline("p")

    @p.step(limits=[Limit(at_once=1)])
    async def one(ctx: Ctx, value: int) -> None: ...

    app, told = App("app", [p]), Told()
    for n in range(3):
        await runs.start(app, database, "p", n)
    await BoundedWorker(app, database, hot, None, told, concurrency=3).work(600)
    assert await statuses(database) == [("one", "succeeded")] * 3
    assert told.hints == []


async def test_a_run_over_its_rate_becomes_a_hint_with_the_time_left(
    database: Database, hot: Database
) -> None:
    p = Pipeline("p")

    @p.step(limits=[Limit(starts=1, per=40)])
    async def one(ctx: Ctx, value: int) -> None: ...

    app, told = App("app", [p]), Told()
    for n in range(2):
        await runs.start(app, database, "p", n)
    await BoundedWorker(app, database, hot, None, told, concurrency=2).work(600)
    assert sorted(status for _, status in await statuses(database)) == ["queued", "succeeded"]
    (hint,) = told.hints
    assert 30 < hint.delay <= 40


async def test_a_switch_that_is_off_holds_a_shift_and_nobody_is_told(
    database: Database, hot: Database
) -> None:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> None: ...

    app, told = App("app", [p]), Told()
    await runs.start(app, database, "p", 1)
    await switches.pause(database, "all", reason="look")
    await BoundedWorker(app, database, hot, None, told, concurrency=1).work(600)
    assert await statuses(database) == [("one", "queued")]
    assert told.hints == []


async def test_a_shift_without_a_database_says_so_at_once(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> None: ...

    closed = database.hot()
    await closed.open()
    await closed.close()
    with pytest.raises((LedgerUnavailable, RuntimeError)):
        await BoundedWorker(App("app", [p]), database, closed, None, Told(), concurrency=1).work(
            600
        )


async def test_a_slot_is_fired_by_the_clock_that_is_ahead_and_once(
    database: Database, clock: Clock
) -> None:
    from datetime import timedelta

    from overnight import Cron

    p = Pipeline("p", on=[Cron("0 4 * * *")])

    @p.step
    async def one(ctx: Ctx, slot: dict[str, str]) -> None: ...

    keeper = Maintenance(App("app", [p]), Ledger(database))
    await keeper.fire()
    slot = Cron("0 4 * * *").next_slot(await clock.now())
    await clock.set(slot - timedelta(seconds=1))
    assert await keeper.fire() is not None
    assert await statuses(database) == []
    for _ in range(2):
        await keeper.fire(slot)
    assert await statuses(database) == [("one", "queued")]


def open_pipes() -> set[str]:
    links = (link.readlink() for link in list(Path("/proc/self/fd").iterdir()) if link.is_symlink())
    return {str(link) for link in links if str(link).startswith("pipe:")}


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_bounded_workers_leave_no_file_open(database: Database, hot: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> None: ...

    app = App("app", [p])
    await runs.start(app, database, "p", 0)
    workers = [BoundedWorker(app, database, hot, None, Told(), concurrency=1) for _ in range(501)]
    await workers.pop().work(600)  # opens what stays open
    pipes, files = open_pipes(), open_files()
    for number, worker in enumerate(workers):
        if number < 20:
            await runs.start(app, database, "p", number + 1)
        await worker.work(600)
    assert open_pipes() == pipes
    assert open_files() < files + 10  # a pool of connections may have grown
    assert await statuses(database) == [("one", "succeeded")] * 21


async def test_a_failed_heartbeat_leaks_no_file_and_can_start_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Heartbeat(database, lease=60, on_lost=lambda lost: None)
    before = open_pipes()

    def away() -> Any:
        raise LedgerUnavailable("the database does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(database, "connect_sync", away)
        for _ in range(20):
            with pytest.raises(LedgerUnavailable):
                heartbeat.start()
    assert open_pipes() == before
    heartbeat.start()
    heartbeat.stop()
    assert open_pipes() == before
