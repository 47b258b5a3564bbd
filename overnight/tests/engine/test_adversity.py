"""Locks held too long, functions that hang, owners that come late, workers with other keys: nothing
gets stuck.
"""

from __future__ import annotations

import asyncio
import resource
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from overnight import App, Context, Debounce, Keys, Limit, On, Pipeline, Retry
from overnight.engine import rescuer, upstreams, wakeups
from overnight.engine.in_flight import InFlight
from overnight.engine.wakeups import Hints
from overnight.engine.worker import Worker
from overnight.errors import InvalidPayload
from overnight.operations import runs
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Ending, NewRun, Scope, Status, Transition
from overnight.store.sql import queries
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Ctx = Context[Any]
SHORT = "-c statement_timeout=300ms"
DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def new(job_id: str, key: str = "", step: str = "one") -> NewRun:
    return NewRun(job_id, step, "p", key, "{}", "h")


def simple(
    *, limits: tuple[Limit, ...] = (), breaker: str | None = None, keys: list[str] | None = None
) -> App:
    p = Pipeline("p")

    @p.step(limits=limits, breaker=breaker)
    async def one(ctx: Ctx, value: Any) -> None: ...

    @p.step
    async def two(ctx: Ctx, value: Any) -> None: ...

    return App("app", [p], keys=Keys(all=(lambda: keys) if keys is not None else None))


async def test_an_output_survives_a_lock_beyond_the_statement_timeout(database: Database) -> None:
    p, began, go = Pipeline("p"), asyncio.Event(), asyncio.Event()

    @p.step
    async def paid(ctx: Ctx, value: int) -> str:
        began.set()
        await go.wait()
        return "what was paid for"

    await Ledger(database).enqueue([p.job(1)])
    waits = (
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = "
        "current_database()"
    )
    async with Database(database.url, options=SHORT) as short:
        working = asyncio.create_task(Worker(App("app", [p]), short).run(until_idle=True))
        await began.wait()
        async with await database.connect() as person:  # somebody's open transaction in psql
            await person.execute("begin")
            await person.execute("select from runs for update")
            go.set()
            for _ in range(2):  # two tries of the ending are cut off
                while not await database.fetch(waits):
                    await asyncio.sleep(0.01)
                while await database.fetch(waits):
                    await asyncio.sleep(0.01)
            await person.execute("commit")
        await working
    assert await database.fetch("select status, output, attempt from runs") == [
        {"status": "succeeded", "output": "what was paid for", "attempt": 1}
    ]


async def test_a_worker_survives_a_lock_beyond_the_statement_timeout(database: Database) -> None:
    p, done = Pipeline("p"), asyncio.Event()

    @p.step
    async def one(ctx: Ctx, value: int) -> None:
        done.set()

    waits = (
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = "
        "current_database()"
    )
    async with Database(database.url, options=SHORT) as short:
        worker = Worker(App("app", [p]), short, poll=0.05)
        working = asyncio.create_task(worker.run())
        async with await database.connect() as person:
            await person.execute("begin")
            await person.execute("lock table runs")
            while not await database.fetch(waits):
                await asyncio.sleep(0.01)
            while await database.fetch(waits):
                await asyncio.sleep(0.01)
            await person.execute("commit")
        await Ledger(database).enqueue([p.job(1)])
        await done.wait()
        worker.stop()
        await working


async def test_a_late_ending_in_the_live_ones_batch_writes_nothing(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new("j")])
    scope = Scope(["p/one"])
    (late,) = (await ledger.claim(scope, "a", 1, 60)).runs
    await clock.move(61)
    await ledger.rescue("b", max_losses=5, settle=0)
    (live,) = (await ledger.claim(scope, "a", 1, 60)).runs
    retry = Transition(Status.QUEUED, "retry", "502", "transient", delay=5, failed=True)
    endings = [
        Ending(late, DONE, '"old"', next=[new("j", step="two"), new("spawned")]),
        Ending(live, retry),
    ]
    assert (await ledger.finish(endings, "a")).ours == {(live.id, live.attempt)}
    assert await database.fetch("select job_id, step, status, output from runs") == [
        {"job_id": "j", "step": "one", "status": "queued", "output": None}
    ]


async def test_the_late_end_of_a_probe_that_was_lost_does_not_decide(
    database: Database, clock: Clock
) -> None:
    p, began, go = Pipeline("p"), asyncio.Event(), asyncio.Event()

    @p.step(breaker="cms")
    async def one(ctx: Ctx, value: int) -> None:
        began.set()
        await go.wait()

    await Ledger(database).enqueue([p.job(1)])
    await database.fetch(
        "insert into breakers (name, key, open_until) values ('cms', '', ledger_now())"
    )
    app = App("app", [p])
    (probe,) = (await Ledger(database).claim(app.scope(), "dead", 1, 60)).runs
    await clock.move(700)
    await Ledger(database).rescue("b", max_losses=5, settle=0)
    worker = Worker(app, database)
    working = asyncio.create_task(worker.run())
    await began.wait()  # the second probe, the same run
    late = InFlight(probe, ending=Ending(probe, Transition(Status.SUCCEEDED, "done")))
    assert await worker.attempts.completer.complete([late]) == []
    assert await database.fetch("select 1 from breakers where open_until is not null") != []
    go.set()
    while await database.fetch("select 1 from breakers where open_until is not null"):
        await asyncio.sleep(0.01)
    worker.stop()
    await working


async def test_a_long_probe_stays_the_only_one_and_closes_the_breaker(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new(f"j{n}") for n in range(5)])
    await database.fetch(
        "insert into breakers (name, key, open_until) values ('cms', '', ledger_now())"
    )
    app = simple(breaker="cms")
    (probe,) = (await ledger.claim(app.scope(), "w", 9, 3600)).runs
    await clock.move(1300)
    assert (await ledger.claim(app.scope(), "w", 9, 3600)).runs == []
    ending = Ending(probe, DONE)
    await ledger.finish([ending], "w")
    await upstreams.note(app, ledger, [ending])
    assert len((await ledger.claim(app.scope(), "w", 9, 3600)).runs) == 4


async def test_runs_that_lost_their_owners_do_not_block_healthy_ones(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([new(f"suspect{n}") for n in range(10)])
    await database.fetch("update runs set losses = 2")
    await ledger.enqueue([new(f"sound{n}", step="two") for n in range(5)])
    scope, taken = Scope(["p/one", "p/two"]), list[str]()
    for _ in range(4):
        taken += [run.job_id for run in (await ledger.claim(scope, "w", 6 - len(taken), 60)).runs]
    assert sorted(taken) == ["sound0", "sound1", "sound2", "sound3", "sound4", "suspect0"]


async def test_a_limit_on_the_key_of_another_app_wakes_no_worker(ledger: Ledger) -> None:
    app = simple(limits=(Limit(starts=1, per=86_400),), keys=["mine"])
    await ledger.enqueue([new("j", "mine"), new("k", "theirs")])
    (run,) = (await ledger.claim(app.scope(), "w", 9, 60)).runs
    await ledger.finish([Ending(run, DONE)], "w")
    assert (await ledger.claim(app.scope(), "w", 9, 60)).next_due is None


async def test_a_key_too_long_for_the_index_is_refused_by_job() -> None:
    p = Pipeline("p", key=str)

    @p.step
    async def one(ctx: Ctx, value: str) -> None: ...

    with pytest.raises(InvalidPayload, match="at most 200 characters"):
        p.job("x" * 201)


async def test_hanging_functions_take_slots_and_blame_no_other_run(database: Database) -> None:
    p, q, release, ran = Pipeline("p"), Pipeline("q"), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    @p.step(timeout=0.1, retry=Retry(0))
    def hang(ctx: Ctx, value: int) -> None:
        release.wait(60)

    @q.step(timeout=0.5, retry=Retry(0))
    def good(ctx: Ctx, value: int) -> None:
        loop.call_soon_threadsafe(ran.set)

    worker = Worker(App("app", [p, q]), database, concurrency=2, poll=0.05)
    working = asyncio.create_task(worker.run())
    await Ledger(database).enqueue([p.job(1), p.job(2)])
    while len(await database.fetch("select 1 from runs where status = 'dead'")) < 2:
        worker.wake()
        await asyncio.sleep(0.01)
    await Ledger(database).enqueue([q.job(7)])
    worker.wake()
    await asyncio.sleep(
        1
    )  # longer than its time limit: it must not have begun, since both threads hang
    assert await database.fetch("select status, attempt from runs where pipeline = 'q'") == [
        {"status": "queued", "attempt": 0}
    ]
    release.set()
    await ran.wait()
    worker.stop()
    await working


async def test_a_plain_function_that_outlives_the_grace_keeps_its_run(database: Database) -> None:
    p, release, began = Pipeline("p"), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    @p.step
    def slow(ctx: Ctx, value: int) -> None:
        loop.call_soon_threadsafe(began.set)
        release.wait(60)

    await Ledger(database).enqueue([p.job(1)])
    worker = Worker(App("app", [p]), database, grace=0.1)
    working = asyncio.create_task(worker.run())
    await began.wait()
    worker.stop()
    await working
    assert await database.fetch("select status, attempt from runs") == [
        {"status": "running", "attempt": 1}
    ]
    release.set()


async def test_a_step_that_raises_stopiteration_ends_at_once(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    def one(ctx: Ctx, value: int) -> int:
        return next(iter([]))

    await Ledger(database).enqueue([p.job(1)])
    await run_until_idle(App("app", [p]), database)
    (row,) = await database.fetch("select status, error from runs")
    assert row == {"status": "dead", "error": "RuntimeError: the step raised StopIteration"}


async def test_the_heartbeat_works_with_over_a_thousand_open_files(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> None: ...

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    with ExitStack() as files:
        for _ in range(1100):
            files.enter_context(Path("/dev/null").open())
        worker = Worker(App("app", [p]), database, lease=0.4)
        working = asyncio.create_task(worker.run())
        beats = "select 1 from workers where seen_at > started_at + interval '300 ms'"
        while not await database.fetch(beats):
            await asyncio.sleep(0.02)
        worker.stop()
        await working
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_hint_that_is_asked_for_while_another_rests_is_sent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, rested = asyncio.Queue[str](), asyncio.Event()

    async def hint(_: Database, what: str = "") -> None:
        sent.put_nowait(what)
        rested.set()

    monkeypatch.setattr(wakeups, "COALESCE", 0.05)
    monkeypatch.setattr(wakeups, "hint", hint)
    hints = Hints(database)
    sending = asyncio.create_task(hints.run())
    hints.send()
    await sent.get()
    hints.send()
    await sent.get()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_a_service_of_the_worker_that_breaks_off_begins_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    p, begun = Pipeline("p"), asyncio.Queue[int]()

    @p.step
    async def one(ctx: Ctx, value: int) -> None: ...

    async def breaks(self: Hints) -> None:
        begun.put_nowait(1)
        raise ValueError("an odd error")

    monkeypatch.setattr("overnight.engine.worker.RESTART", 0.01)
    monkeypatch.setattr(Hints, "run", breaks)
    worker = Worker(App("app", [p]), database)
    working = asyncio.create_task(worker.run())
    for _ in range(3):
        await begun.get()
    worker.stop()
    await working


async def test_work_for_the_keys_of_another_worker_starts_at_once(database: Database) -> None:
    p, q, done = Pipeline("p", key=str), Pipeline("q", key=str), asyncio.Event()

    @p.step
    async def one(ctx: Ctx, value: str) -> None:
        ctx.spawn("q", "theirs")

    @q.step
    async def two(ctx: Ctx, value: str) -> None:
        done.set()

    ours = Worker(App("app", [p, q], keys=Keys(all=lambda: ["ours"])), database, poll=3600)
    theirs = Worker(App("app", [p, q], keys=Keys(all=lambda: ["theirs"])), database, poll=3600)
    working = [asyncio.create_task(worker.run()) for worker in (ours, theirs)]
    await asyncio.sleep(0.3)
    await runs.start(ours.app, database, "p", "ours")
    await done.wait()  # by a hint: neither polls
    for worker in (ours, theirs):
        worker.stop()
    await asyncio.gather(*working)


async def test_an_edit_back_to_what_was_done_undoes_what_waits(
    database: Database, clock: Clock
) -> None:
    p, published = Pipeline("p", on=[On("edited", Debounce(90))]), []

    @p.step
    async def one(ctx: Ctx, value: str) -> None:
        published.append(value)

    app, ledger = App("app", [p]), Ledger(database)
    await ledger.enqueue(app.jobs_for("edited", "first"))
    await run_until_idle(app, database, clock=clock)
    await ledger.enqueue(app.jobs_for("edited", "second"))
    await ledger.enqueue(app.jobs_for("edited", "first"))
    await run_until_idle(app, database, clock=clock)
    assert published == ["first"]


async def test_leases_are_judged_by_who_has_long_been_beating(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new("a")])
    await ledger.claim(Scope(["p/one"]), "w1", 1, 60)
    await clock.move(61)  # an outage of the database: w1 lives, and is about to sign in again
    assert (await ledger.rescue("w2", max_losses=5, settle=1, judges_leases=False)).runs == []
    assert len((await ledger.rescue("w2", max_losses=5, settle=1)).runs) == 1


async def test_a_run_whose_claim_got_no_answer_returns_after_its_lease(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.enqueue([new("a")])
    await ledger.claim(Scope(["p/one"]), "w", 1, 60)  # the connection broke after the commit
    await clock.move(61)
    assert [row["job_id"] for row in (await ledger.rescue("w", max_losses=5, settle=1)).runs] == [
        "a"
    ]


async def test_a_neighbour_is_watched_without_a_long_snapshot(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescuer, "WAIT", 0.1)
    waits = (
        "select query_start from pg_stat_activity where wait_event = 'advisory' and datname "
        "= current_database()"
    )
    async with await database.connect() as holder:
        await holder.execute("select pg_advisory_lock(4711)")
        watching = asyncio.create_task(
            rescuer.Rescuer(Ledger(database), "me")._wait_until_free(4711)
        )
        begun = set[Any]()
        while len(begun) < 3:  # each wait is a statement of its own
            begun |= {row["query_start"] for row in await database.fetch(waits)}
            await asyncio.sleep(0.01)
        assert not watching.done()
        await holder.execute("select pg_advisory_unlock(4711)")
        assert await watching


@pytest.mark.parametrize("back", [10, 3600, 86_400 * 40])
async def test_a_clock_that_steps_back_delays_no_rescue_beyond_a_lease(
    ledger: Ledger, database: Database, clock: Clock, back: float
) -> None:
    await ledger.enqueue([new("a")])
    await ledger.claim(Scope(["p/one"]), "w1", 1, 60)
    await clock.move(20)
    await database.fetch(queries["beat"], {"worker": "w1", "lease": 60.0, "ids": [1]})
    await clock.move(-back)
    look = await ledger.rescue("w2", max_losses=5, settle=1)
    assert look.runs == []  # it may live
    assert look.again is not None
    assert 0 < look.again <= 60
    await clock.move(59)
    assert (await ledger.rescue("w2", max_losses=5, settle=1)).runs == []
    await clock.move(2)
    assert len((await ledger.rescue("w2", max_losses=5, settle=1)).runs) == 1


async def test_a_live_worker_keeps_its_run_when_the_clock_steps_back(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new("a")])
    await ledger.claim(Scope(["p/one"]), "w1", 1, 60)
    await clock.move(-3600)
    for _ in range(10):
        assert (await ledger.rescue("w2", max_losses=5, settle=1)).runs == []
        await clock.move(30)
        assert await database.fetch(queries["beat"], {"worker": "w1", "lease": 60.0, "ids": [1]})
        await clock.move(30)


async def test_a_lock_finds_a_dead_worker_even_if_the_clock_steps_back(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await database.fetch(
        "insert into workers (boot_id, lock_key, host, pid) values ('dead', 4711, 'h', 1)"
    )
    await ledger.enqueue([new("a")])
    await ledger.claim(Scope(["p/one"]), "dead", 1, 86_400)
    assert (await ledger.rescue("w2", max_losses=5, settle=1)).again == 1
    await clock.move(-3600)
    assert (await ledger.rescue("w2", max_losses=5, settle=1)).runs == []
    await clock.move(1.1)
    assert len((await ledger.rescue("w2", max_losses=5, settle=1)).runs) == 1
