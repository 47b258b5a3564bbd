"""A step that follows another one begins where that one's ending is written, if a claim would let
it begin.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from overnight import App, Context, Debounce, Keys, Limit, Pipeline
from overnight.engine import runner
from overnight.engine import worker as worker_module
from overnight.engine.heartbeat import Heartbeat
from overnight.engine.worker import Worker
from overnight.errors import LedgerUnavailable
from overnight.operations import runs as jobs
from overnight.operations import switches
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Claim, Ending, Finish, NewRun, Run, Scope, Status, Transition
from overnight.store.sql import queries
from overnight.testing import Clock, run_until_idle

Ctx = Context[Any]
DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)
SCOPE = Scope(["p/one", "p/two"])


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def first(job_id: str, **terms: Any) -> NewRun:
    return NewRun(job_id, "one", "p", "k", "{}", "h", **terms)


async def claimed(ledger: Ledger, limit: int = 99) -> list[Run]:
    return (await ledger.claim(SCOPE, "w", limit, 60)).runs


async def end(ledger: Ledger, run: Run, *, eager: bool = True, **terms: Any) -> list[Run]:
    """What began when this step ended."""
    following = NewRun(run.job_id, "two", run.pipeline, run.key, None, None, **terms)
    kept = {(run.id, run.attempt)} if eager else set()
    finish = await ledger.finish(
        [Ending(run, DONE, '{"b": 1, "a": 2}', next=[following])], "w", eager=kept, lease=60
    )
    assert finish.ours == {(run.id, run.attempt)}
    return finish.begun


OFF = "insert into switches (scope, enabled) values ('{}', false)"
WAITING = (
    "insert into runs (job_id, step, pipeline, priority, due_at) values ('other', 'one', "
    "'p', {}, {})"
)
NOW, LATER = "ledger_now() - interval '1 s'", "ledger_now() + interval '1 h'"
CONDITIONS = {
    "nothing": ("select 1", True),
    "everything is off": (OFF.format("all"), False),
    "its pipeline is off": (OFF.format("pipeline:p"), False),
    "its key is off": (OFF.format("key:k"), False),
    "it is off": (OFF.format("step:p/two"), False),
    "the step before is off": (OFF.format("step:p/one"), True),
    "another pipeline is off": (OFF.format("pipeline:q"), True),
    "another key is off": (OFF.format("key:l"), True),
    "what was off is on again": (
        "insert into switches (scope, enabled) values ('all', true)",
        True,
    ),
    "a higher priority is due": (WAITING.format(6, NOW), False),
    "a higher priority is not due yet": (WAITING.format(6, LATER), True),
    "a lower priority is due": (WAITING.format(4, NOW), True),
    "a job that waits has ended": (
        "insert into runs (job_id, step, pipeline, priority, status) values ('other', "
        "'one', 'p', 6, 'cancelled')",
        True,
    ),
}


@pytest.mark.parametrize("condition", CONDITIONS)
async def test_it_begins_where_a_claim_would_take_it_and_nowhere_else(
    ledger: Ledger, database: Database, condition: str
) -> None:
    statement, lets_through = CONDITIONS[condition]
    await ledger.enqueue([first("eager", priority=5), first("claimed", priority=5)])
    twins = {run.job_id: run for run in await claimed(ledger)}
    await database.fetch(statement)
    begun = [run.step for run in await end(ledger, twins["eager"])]
    assert await end(ledger, twins["claimed"], eager=False) == []
    if begun:  # for the claim it would not be there
        await database.fetch("delete from runs where job_id = 'eager'")
    taken = [run.step for run in await claimed(ledger, 1) if run.job_id == "claimed"]
    assert begun == taken == (["two"] if lets_through else [])


async def test_jobs_that_end_together_continue_by_their_own_priority(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([first("low", priority=1), first("high", priority=9)])
    runs = await claimed(ledger)
    await ledger.enqueue([first("waits", priority=5)])
    endings = [
        Ending(run, DONE, "1", next=[NewRun(run.job_id, "two", "p", "k", None, None)])
        for run in runs
    ]
    kept = {(run.id, run.attempt) for run in runs}
    assert [
        run.job_id for run in (await ledger.finish(endings, "w", eager=kept, lease=60)).begun
    ] == ["high"]


async def test_it_is_as_if_it_had_been_claimed(ledger: Ledger, database: Database) -> None:
    await ledger.enqueue(
        [first("eager", deadline=500, priority=3), first("claimed", deadline=500, priority=3)]
    )
    twins = {run.job_id: run for run in await claimed(ledger)}
    (eager,) = await end(ledger, twins["eager"])
    await end(ledger, twins["claimed"], eager=False)
    (other,) = await claimed(ledger)
    same = ("step", "pipeline", "key", "attempt", "failures", "input")
    assert [getattr(eager, name) for name in same] == [getattr(other, name) for name in same]
    assert eager.time_left == pytest.approx(500, abs=30)
    kept = (
        "status, attempt, worker, priority, failures, losses, outcome, input, finished_at, "
        "deadline_at > ledger_now() as ahead, lease_until - started_at as lease, "
        "started_at >= due_at as waited"
    )
    one, two = await database.fetch(f"select {kept} from runs where step = 'two'")
    assert one == two


async def test_it_begins_once_however_often_its_finish_is_sent(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([first("j")])
    (run,) = await claimed(ledger)
    ending = Ending(run, DONE, "1", next=[NewRun("j", "two", "p", "k", None, None)])
    kept = {(run.id, run.attempt)}
    assert len((await ledger.finish([ending], "w", eager=kept, lease=60)).begun) == 1
    assert await ledger.finish([ending], "w", eager=kept, lease=60) == Finish(set(), [])


async def test_a_step_that_is_there_already_is_left_as_it_is(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([first("j"), NewRun("j", "two", "p", "k", None, None, delay=60)])
    (run,) = await claimed(ledger)
    assert await end(ledger, run) == []
    assert await database.fetch("select status, attempt from runs where step = 'two'") == [
        {"status": "queued", "attempt": 0}
    ]


async def test_another_job_that_follows_from_it_stands_in_line(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([first("j")])
    (run,) = await claimed(ledger)
    ending = Ending(run, DONE, "1", next=[first("spawned")])
    assert (await ledger.finish([ending], "w", eager={(run.id, run.attempt)}, lease=60)).begun == []
    assert [r.job_id for r in await claimed(ledger)] == ["spawned"]


async def test_what_a_dead_owner_had_begun_so_is_given_back(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([first("j")])
    (run,) = await claimed(ledger)
    async with await database.connect() as heart:
        sign_in = {"worker": "w", "lock_key": 4711, "host": "h", "pid": 1}
        await heart.execute(queries["worker_hello"], sign_in)
        await end(ledger, run)  # and right after the commit it is killed
    found: list[str] = []
    async with asyncio.timeout(30):
        while not found:  # its socket has to close first
            found = [
                row["step"] for row in (await ledger.rescue("other", max_losses=5, settle=0)).runs
            ]
    assert found == ["two"]
    (again,) = await claimed(ledger)
    assert (again.step, again.attempt) == ("two", 2)


async def test_a_begun_run_whose_answer_was_lost_returns_by_its_lease(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.enqueue([first("j")])
    (run,) = await claimed(ledger)
    await end(ledger, run)  # the connection broke after the commit
    assert (await ledger.rescue("w", max_losses=5, settle=0)).runs == []
    await clock.move(61)
    assert [row["step"] for row in (await ledger.rescue("w", max_losses=5, settle=0)).runs] == [
        "two"
    ]


def test_a_step_with_a_guard_a_wait_or_a_foreign_key_is_not_free() -> None:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: Any) -> None: ...

    @p.step
    async def free(ctx: Ctx, value: Any) -> None: ...

    @p.step(breaker="cms")
    async def leaning(ctx: Ctx, value: Any) -> None: ...

    @p.step(limits=[Limit(at_once=1)])
    async def limited(ctx: Ctx, value: Any) -> None: ...

    @p.step(after=Debounce(90))
    async def late(ctx: Ctx, value: Any) -> None: ...

    def is_free(step: str, key: str = "mine") -> bool:
        before = list(p.steps)[list(p.steps).index(step) - 1]
        (new,) = p.follow(Run(1, "j", before, "p", key, 1, 0, None))
        return App("app", [p], keys=Keys(all=lambda: ["mine"])).scope().is_free(new)

    assert is_free("free") and is_free("free", "")
    assert not is_free("free", "theirs")
    assert [is_free(step) for step in ("leaning", "limited", "late")] == [False] * 3
    assert not Scope(["p/one"]).is_free(NewRun("j", "free", "p", "", None, None))


class Chain:
    """A pipeline of three steps, and what was done in which order."""

    def __init__(self) -> None:
        self.done: list[tuple[int, str]] = []
        self.in_flight = self.most = 0
        self.pipeline = Pipeline("p")
        for name in ("one", "two", "three"):
            self._add(name)
        self.app = App("app", [self.pipeline])

    def _add(self, name: str) -> None:
        async def step(ctx: Ctx, value: int) -> int:
            self.done.append((value, name))
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            await self.within(name)
            self.in_flight -= 1
            return value

        step.__name__ = name
        self.pipeline.step(step)

    async def within(self, step: str) -> None:
        """What happens in each of them."""


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The steps that each claim got, where it got any."""
    got: list[list[str]] = []
    claim = Ledger.claim

    async def noted(self: Ledger, *args: Any) -> Claim:
        found = await claim(self, *args)
        if found.runs:
            got.append([run.step for run in found.runs])
        return found

    monkeypatch.setattr(Ledger, "claim", noted)
    return got


async def test_a_job_goes_from_step_to_step_with_one_claim(
    database: Database, claims: list[list[str]]
) -> None:
    chain = Chain()
    await jobs.start(chain.app, database, "p", 1)
    endings = await run_until_idle(chain.app, database)
    assert [(e.run.step, e.run.attempt, e.run.input) for e in endings] == [
        ("one", 1, "1"),
        ("two", 1, "1"),
        ("three", 1, "1"),
    ]
    assert claims == [["one"]]
    assert (
        await database.fetch("select 1 from runs where status <> 'succeeded' or started_at is null")
        == []
    )
    assert await database.fetch("select 1 from attempts") == []


async def test_continued_jobs_never_exceed_the_slots_of_the_worker(database: Database) -> None:
    chain = Chain()

    async def yields(step: str) -> None:
        await asyncio.sleep(0)

    chain.within = yields  # type: ignore[method-assign]
    await Ledger(database).enqueue([chain.pipeline.job(n) for n in range(60)])
    await run_until_idle(chain.app, database, concurrency=7)
    assert len(chain.done) == 180
    assert chain.most <= 7


@pytest.mark.parametrize("turn", [3600.0, 0.0])
async def test_a_job_stands_in_line_again_when_its_turn_is_over(
    database: Database, monkeypatch: pytest.MonkeyPatch, turn: float
) -> None:
    monkeypatch.setattr(runner, "TURN", turn)
    chain = Chain()
    for number in (1, 2):
        await jobs.start(chain.app, database, "p", number)
    await run_until_idle(chain.app, database, concurrency=1)
    by_job = [(n, step) for n in (1, 2) for step in ("one", "two", "three")]
    by_step = [(n, step) for step in ("one", "two", "three") for n in (1, 2)]
    assert chain.done == (by_job if turn else by_step)


async def test_a_switch_holds_the_very_next_step(database: Database) -> None:
    chain = Chain()

    async def switched(step: str) -> None:
        if step == "one":
            await switches.pause(database, "pipeline:p", reason="enough", by="ada")

    chain.within = switched  # type: ignore[method-assign]
    await jobs.start(chain.app, database, "p", 1)
    await run_until_idle(chain.app, database)
    assert chain.done == [(1, "one")]
    held = await database.fetch("select status, attempt from runs where step = 'two'")
    assert held == [{"status": "queued", "attempt": 0}]


async def test_a_worker_that_is_asked_to_stop_begins_no_next_step(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain()
    worker = Worker(chain.app, database)
    claim = Ledger.claim

    taken: list[Run] = []

    async def once(self: Ledger, *args: Any, **options: Any) -> Claim:
        """A claim that is under way at the stop may take the next step, too: that is not meant."""
        if taken:
            return Claim([], None)
        claimed = await claim(self, *args, **options)
        taken.extend(claimed.runs)
        return claimed

    monkeypatch.setattr(Ledger, "claim", once)

    async def stops(step: str) -> None:
        worker.stop()

    chain.within = stops  # type: ignore[method-assign]
    await jobs.start(chain.app, database, "p", 1)
    await worker.run()
    assert chain.done == [(1, "one")]
    left = await database.fetch("select status, attempt from runs where step = 'two'")
    assert left == [{"status": "queued", "attempt": 0}]


async def test_a_run_begun_during_a_stop_is_handed_back_untouched(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain()
    worker = Worker(chain.app, database)
    finish = Ledger.finish

    async def meanwhile(self: Ledger, *args: Any, **options: Any) -> Finish:
        finished = await finish(self, *args, **options)
        worker.stop()
        return finished

    monkeypatch.setattr(Ledger, "finish", meanwhile)
    await jobs.start(chain.app, database, "p", 1)
    await worker.run()
    assert chain.done == [(1, "one")]
    (row,) = await database.fetch(
        "select status, outcome, attempt, failures, worker from runs where step = 'two'"
    )
    assert tuple(row.values()) == ("queued", "handed_back", 1, 0, None)


async def test_a_worker_whose_heart_fails_begins_no_next_step(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, is_well = Chain(), asyncio.Event()
    is_well.set()
    monkeypatch.setattr(Heartbeat, "healthy", property(lambda _: is_well.is_set()))

    async def fails(step: str) -> None:
        if step == "one":
            is_well.clear()

    chain.within = fails  # type: ignore[method-assign]
    await jobs.start(chain.app, database, "p", 1)
    working = asyncio.create_task(run_until_idle(chain.app, database))
    async with asyncio.timeout(30):
        while not (
            found := await database.fetch("select status, attempt from runs where step = 'two'")
        ):
            await asyncio.sleep(0.01)
    assert found == [{"status": "queued", "attempt": 0}]
    is_well.set()
    await working
    assert [step for _, step in chain.done] == ["one", "two", "three"]


async def test_a_job_whose_answer_was_lost_still_comes_to_its_end(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, lost = Chain(), asyncio.Event()
    finish = Ledger.finish

    async def unanswered(self: Ledger, *args: Any, **options: Any) -> Finish:
        finished = await finish(self, *args, **options)
        if not lost.is_set():
            lost.set()
            raise LedgerUnavailable("the connection broke after the commit")
        return finished

    monkeypatch.setattr(Ledger, "finish", unanswered)
    monkeypatch.setattr(worker_module, "TICK", 0.5)  # between two looks at leases that have ended
    await jobs.start(chain.app, database, "p", 1)
    working = asyncio.create_task(run_until_idle(chain.app, database, lease=1.0))
    await lost.wait()
    async with asyncio.timeout(90):
        endings = await working  # it does not count as idle while that step has an owner
    assert [(e.run.step, e.run.attempt) for e in endings] == [("one", 1), ("two", 2), ("three", 1)]
    assert chain.done == [(1, "one"), (1, "two"), (1, "three")]
    assert [row["outcome"] for row in await database.fetch("select outcome from attempts")] == [
        "lost"
    ]
