"""The worker on a real Postgres: the whole life of jobs, with a clock that is moved instead of
waited for.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from overnight import (
    App,
    Cancel,
    Context,
    Debounce,
    Keys,
    NoWork,
    On,
    Permanent,
    Pipeline,
    Retry,
    Review,
    Snooze,
    Transient,
)
from overnight.engine.worker import Worker
from overnight.errors import IdConflict, NotFound, UserError
from overnight.operations import dead_letters, reviews, runs, scopes, switches
from overnight.operations import queries as lists
from overnight.operations.decisions import Approve, Reject
from overnight.operations.filters import Filter
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.sql import queries
from overnight.testing import Clock, run_until_idle
from overnight.testing import runs as read_runs

Ctx = Context[Any]


class Topic(BaseModel):
    site: str
    slug: str


class Draft(BaseModel):
    slug: str
    words: int


async def rows(database: Database, columns: str = "step, status") -> list[tuple[Any, ...]]:
    return [run.values(*columns.split(", ")) for run in await read_runs(database)]


async def test_a_job_runs_by_steps_and_each_output_is_the_next_input(database: Database) -> None:
    p = Pipeline("article", key=lambda t: t.site)

    @p.step
    async def generate(ctx: Ctx, topic: Topic) -> Draft:
        return Draft(slug=topic.slug, words=3)

    @p.step
    def publish(ctx: Ctx, draft: Draft) -> str:
        return f"/{draft.slug}/{draft.words}"

    app = App("app", [p])
    job, new = await runs.start(app, database, "article", {"site": "s", "slug": "compost"})
    assert new
    assert await runs.start(app, database, "article", {"site": "s", "slug": "compost"}) == (
        job,
        False,
    )
    await run_until_idle(app, database)
    assert await rows(database, "job_id, key, step, status, output") == [
        (job, "s", "generate", "succeeded", {"slug": "compost", "words": 3}),
        (job, "s", "publish", "succeeded", "/compost/3"),
    ]


async def test_the_same_id_with_other_inputs_is_refused(database: Database) -> None:
    p = Pipeline("p", id=lambda value: "fixed")

    @p.step
    async def only(ctx: Ctx, value: int) -> None: ...

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    with pytest.raises(IdConflict, match="job fixed was begun with other inputs"):
        await runs.start(app, database, "p", 2)


async def test_by_default_a_transient_error_is_retried_and_then_dead(
    database: Database, clock: Clock
) -> None:
    p, calls = Pipeline("p"), []

    @p.step(retry=Retry(3, jitter=0))
    async def fetch(ctx: Ctx, value: int) -> None:
        calls.append((await clock.now()).timestamp())
        raise Transient("502 Bad Gateway")

    app = App("app", [p])
    job, _ = await runs.start(app, database, "p", 42)
    endings = await run_until_idle(app, database, clock=clock)
    assert [ending.transition.delay for ending in endings] == [1, 4, 16, 0]
    waits = [later - earlier for earlier, later in pairwise(calls)]
    assert all(wait >= delay for wait, delay in zip(waits, [1, 4, 16], strict=True)), waits
    letter = await database.one("select * from dead_letters")
    assert letter is not None
    assert (letter["job_id"], letter["input"], letter["error"]) == (job, 42, "502 Bad Gateway")
    assert [a["outcome"] for a in letter["attempts"]] == ["retry", "retry", "retry", "error"]


async def test_a_replayed_dead_letter_restarts_and_keeps_its_history(
    database: Database, clock: Clock
) -> None:
    p, broken = Pipeline("p"), [True]

    @p.step
    async def step(ctx: Ctx, value: int) -> int:
        if broken:
            raise Permanent("404 Not Found")
        return value

    app = App("app", [p])
    job, _ = await runs.start(app, database, "p", 1)
    await run_until_idle(app, database)
    assert await rows(database, "status, failures") == [("dead", 1)]
    broken.clear()
    await dead_letters.replay(None, database, Filter(job=job))
    await run_until_idle(app, database)
    assert await rows(database, "status, attempt, output") == [("succeeded", 2, 1)]
    assert [r["outcome"] for r in await database.fetch("select outcome from attempts")] == ["error"]
    with pytest.raises(UserError, match="no step of it is a dead letter"):
        await dead_letters.replay(None, database, Filter(job=job))


async def test_nowork_and_cancel_end_the_job_with_their_reason(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def read(ctx: Ctx, value: str) -> str | NoWork | Cancel:
        return NoWork("the feed is empty") if value == "empty" else Cancel("no text")

    @p.step
    async def never(ctx: Ctx, value: str) -> None:
        raise AssertionError

    app = App("app", [p])
    for value in ("empty", "js"):
        await runs.start(app, database, "p", value)
    await run_until_idle(app, database)
    assert await rows(database, "step, status, outcome, error") == [
        ("read", "succeeded", "no_work", "the feed is empty"),
        ("read", "cancelled", "cancel", "no text"),
    ]


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_review_waits_for_a_person_and_what_was_seen_goes_on(
    database: Database, clock: Clock, decision: str
) -> None:
    p, published = Pipeline("p"), []

    @p.step
    async def gate(ctx: Ctx, value: str) -> str | Review:
        return Review(["too short", "no source"], value + "!")

    @p.step(after=Debounce(90))
    async def publish(ctx: Ctx, value: str) -> None:
        published.append((value, await clock.now()))

    app = App("app", [p])
    job, _ = await runs.start(app, database, "p", "draft")
    await run_until_idle(app, database, clock=clock)
    assert await rows(database, "status, error, output") == [
        ("needs_review", "too short\nno source", "draft!")
    ]
    (waiting,) = await lists.review(database)
    if decision == "reject":
        await reviews.decide(app, database, job, Reject(waiting["revision"], "dull"))
        await run_until_idle(app, database, clock=clock)
        assert await rows(database, "status, error") == [("cancelled", "dull")]
        return
    approved = await clock.now()
    await reviews.decide(app, database, job, Approve(waiting["revision"], "fine"))
    await run_until_idle(app, database, clock=clock)
    ((value, moment),) = published
    assert value == "draft!"
    assert moment - approved >= timedelta(seconds=90)
    with pytest.raises(UserError, match="no step of it is waiting for review"):
        await reviews.decide(app, database, job, Approve(waiting["revision"], "again"))


async def test_events_and_spawned_jobs_start_once_with_the_ending(database: Database) -> None:
    parent = Pipeline("parent")
    child = Pipeline("child", on=[On("topic.validated")])
    seen: list[int] = []

    @parent.step
    async def emit(ctx: Ctx, value: int) -> None:
        ctx.emit("topic.validated", value)
        ctx.emit("topic.validated", value)
        ctx.emit("nobody.listens", value)
        ctx.spawn("child", value + 1)

    @parent.step
    async def fail(ctx: Ctx, value: None) -> None:
        ctx.spawn("child", 99)
        raise Permanent("after spawning")

    @child.step
    async def work(ctx: Ctx, value: int) -> None:
        seen.append(value)

    app = App("app", [parent, child])
    await runs.start(app, database, "parent", 1)
    await run_until_idle(app, database)
    assert sorted(seen) == [1, 2]


async def test_a_pipeline_is_spawned_by_its_name_or_itself(database: Database) -> None:
    parent, child = Pipeline("parent"), Pipeline[int, None]("child")
    unknown = Pipeline[int, None]("unknown")

    @child.step
    async def work(ctx: Ctx, value: int) -> None: ...

    @parent.step
    async def emit(ctx: Ctx, value: int) -> list[str]:
        return [ctx.spawn("child", 1), ctx.spawn(child, 1), ctx.spawn(child, 2)]

    @parent.step
    async def fail(ctx: Ctx, jobs: list[str]) -> None:
        ctx.spawn(unknown, len(set(jobs)))

    app = App("app", [parent, child])
    await runs.start(app, database, parent, 0)
    endings = await run_until_idle(app, database)
    assert [e.run.input for e in endings if e.run.step == "work"] == ["1", "2"]
    (error,) = [e.transition.error for e in endings if e.run.step == "fail"]
    assert error == "NotFound: there is no pipeline “unknown”; this app has: parent, child"


async def test_a_spawn_that_contradicts_a_job_fails_only_its_own_run(database: Database) -> None:
    parent, child = Pipeline("parent"), Pipeline("child", id=lambda value: "fixed")

    @parent.step
    async def emit(ctx: Ctx, value: int) -> int:
        if value == 0:
            ctx.spawn("child", 7)
        return value

    @child.step
    async def work(ctx: Ctx, value: int) -> None: ...

    app = App("app", [parent, child])
    await runs.start(app, database, "child", 1)
    for value in range(4):
        await runs.start(app, database, "parent", value)
    await run_until_idle(app, database)
    found = await database.fetch(
        "select status, error from runs where pipeline = 'parent' order by input"
    )
    assert [r["status"] for r in found] == ["dead", "succeeded", "succeeded", "succeeded"]
    assert "job fixed was begun with other inputs" in found[0]["error"]


async def test_bad_payloads_are_dead_letters_and_no_step_sees_them(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def nul(ctx: Ctx, value: int) -> str:
        return "a\x00b"

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    await database.fetch(
        "insert into runs (job_id, step, pipeline, input) values ('hand', 'nul', 'p', "
        "'\"no number\"')"
    )
    await run_until_idle(app, database)
    errors = [
        r["error"] for r in await database.fetch("select error from dead_letters order by id")
    ]
    assert "NUL" in errors[0]
    assert "does not fit nul" in errors[1]


async def test_an_output_that_postgres_refuses_fails_only_its_own_run(
    database: Database, monkeypatch: Any
) -> None:
    p = Pipeline("p")

    @p.step
    async def number(ctx: Ctx, value: int) -> int:
        return value

    app = App("app", [p])
    for value in range(3):
        await runs.start(app, database, "p", value)
    monkeypatch.setattr(
        "overnight.engine.attempt.dump", lambda value: "no JSON" if value == 0 else str(value)
    )
    await run_until_idle(app, database)
    assert sorted(await rows(database, "input, status")) == [
        (0, "dead"),
        (1, "succeeded"),
        (2, "succeeded"),
    ]
    (letter,) = await database.fetch("select error from dead_letters")
    assert "invalid input syntax for type json" in letter["error"]


@pytest.mark.parametrize("state", ["42501", "0A000", "XX002"])
async def test_an_output_waits_while_the_database_refuses_to_store_it(
    database: Database, state: str
) -> None:
    """A right that is missing or a plan that is stale is mended by somebody; the step is not done
    again.
    """
    p, calls = Pipeline("p"), []

    @p.step
    async def write(ctx: Ctx, value: int) -> int:
        calls.append(value)
        return value + 1

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    await database.fetch(
        "create function refuse() returns trigger language plpgsql as $$ "
        f"begin raise exception 'as if' using errcode = '{state}'; end $$"
    )
    await database.fetch(
        "create trigger refuse before update on runs for each row when (new.status = 'succeeded') "
        "execute function refuse()"
    )
    worker = asyncio.create_task(run_until_idle(app, database))
    while not calls:
        await asyncio.sleep(0.01)
    await database.fetch("drop trigger refuse on runs")
    await worker
    assert (calls, await rows(database, "status, output, failures")) == ([1], [("succeeded", 2, 0)])


async def test_a_fault_of_the_worker_itself_ends_it_loudly(
    database: Database, monkeypatch: Any
) -> None:
    p = Pipeline("p")

    @p.step
    async def step(ctx: Ctx, value: int) -> int:
        return value

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of ours")

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    monkeypatch.setattr(Ledger, "finish", broken)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        await run_until_idle(app, database)
    assert await rows(database, "status") == [("running",)]


async def test_a_step_past_its_time_limit_is_ended_and_retried(
    database: Database, clock: Clock
) -> None:
    p, calls = Pipeline("p"), []

    @p.step(timeout=0.05, retry=Retry(1))
    async def slow(ctx: Ctx, value: int) -> int:
        calls.append(value)
        if len(calls) == 1:
            await asyncio.Event().wait()
        return value

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    await run_until_idle(app, database, clock=clock)
    assert await rows(database, "status, failures") == [("succeeded", 1)]
    assert (await database.fetch("select error from attempts"))[0][
        "error"
    ] == "the step took longer than 0.05 s"


async def test_each_of_many_attempts_has_its_own_time_limit(database: Database) -> None:
    """Limits that end in another order than the attempts began, beside one that is not reached."""
    p, ended = Pipeline("p", key=str), list[str]()
    limits = {"long": 0.3, "short": 0.05, "middle": 0.15}

    async def waits(ctx: Ctx, value: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(value)
        return value

    pipelines = [p]
    for name, seconds in limits.items():
        pipelines.append(Pipeline(name))
        pipelines[-1].step(timeout=seconds, retry=Retry(0))(waits)

    @p.step(timeout=60)
    async def outlives(ctx: Ctx, value: str) -> str:
        while len(ended) < len(limits):
            await asyncio.sleep(0.01)
        return value

    app = App("app", pipelines)
    for pipeline in pipelines:
        await runs.start(app, database, pipeline.name, pipeline.name)
    await run_until_idle(app, database)
    assert sorted(ended, key=lambda name: limits[name]) == ended
    assert await rows(database, "pipeline, status, error") == [
        (name, "dead", f"the step took longer than {limits[name]:.3g} s") if name in limits
        else (name, "succeeded", None)
        for name in ("p", *limits)
    ]  # fmt: skip


async def test_a_pause_stops_new_runs_and_writes_of_running_steps(
    database: Database, clock: Clock
) -> None:
    p, written, begun = Pipeline("p", key=str), [], []

    @p.step
    async def publish(ctx: Ctx, value: str) -> None:
        begun.append(value)
        if value == "flip" and len(begun) == 1:
            await switches.pause(database, "key:flip", reason="look first")
            assert not await ctx.enabled()

        async def call() -> str:
            written.append(value)
            return value

        await ctx.effect("write", content=value, call=call)

    app = App("app", [p])
    for value in ("flip", "other"):
        await runs.start(app, database, "p", value)
    await run_until_idle(app, database, clock=clock)
    assert written == ["other"]
    assert await rows(database, "key, status, failures") == [
        ("flip", "queued", 0),
        ("other", "succeeded", 0),
    ]
    await switches.resume(database, "key:flip", reason="fine")
    await run_until_idle(app, database, clock=clock)
    assert sorted(written) == ["flip", "other"]


async def test_a_switch_for_what_does_not_exist_is_refused() -> None:
    p = Pipeline("p")

    @p.step
    async def step(ctx: Ctx, value: int) -> None: ...

    app = App("app", [p], keys=Keys("site", lambda: ["garden"]))
    assert scopes.parse("site:garden", app) == "key:garden"
    assert scopes.parse(None, app) == "all"
    assert scopes.parse("step:p/step", app) == "step:p/step"
    for wrong in ("site:gardn", "pipeline:q", "step:p/q"):
        with pytest.raises(NotFound, match="there are:"):
            scopes.parse(wrong, app)
    with pytest.raises(UserError, match="is no scope"):
        scopes.parse("garden", app)


class Unreadable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no message")


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (lambda: Snooze("soon"), "dead"),  # type: ignore[arg-type]
        (lambda: Review("text"), "dead"),
        (lambda: Review([ValueError()]), "dead"),  # type: ignore[list-item]
        (lambda: Review(["x\udcff"], 1), "needs_review"),
        (Unreadable(), "dead"),
        (ValueError("bad \udcff name \x00"), "dead"),
        (SystemExit(3), "dead"),
        (asyncio.CancelledError(), "dead"),
        (Transient("x", retry_after="120"), "dead"),  # type: ignore[arg-type]
    ],
)
async def test_whatever_a_step_does_its_run_ends_and_the_worker_lives(
    database: Database, clock: Clock, fault: Any, status: str
) -> None:
    p = Pipeline("p")

    @p.step
    async def step(ctx: Ctx, value: int) -> Any:
        if value:
            return value
        if isinstance(fault, BaseException):
            raise fault
        return fault()

    app = App("app", [p])
    for value in (0, 1):
        await runs.start(app, database, "p", value)
    await asyncio.wait_for(run_until_idle(app, database, clock=clock), 20)
    assert sorted(await rows(database, "input, status")) == [(0, status), (1, "succeeded")]


async def test_an_unknown_external_write_waits_until_a_person_replays(database: Database) -> None:
    p, calls = Pipeline("p"), []

    @p.step
    async def pay(ctx: Ctx, value: int) -> Any:
        async def call() -> str:
            calls.append(value)
            if len(calls) == 1:
                raise Transient("the connection broke while it was answering")
            return "paid"

        return await ctx.effect("pay", content="h", call=call)

    @p.step
    async def tell(ctx: Ctx, value: str) -> str:
        return value

    app = App("app", [p])
    job, _ = await runs.start(app, database, "p", 1)
    await run_until_idle(app, database)
    assert calls == [1]
    assert await rows(database, "status, error_class") == [("needs_review", "unknown_outcome")]
    (waiting,) = await lists.review(database)
    with pytest.raises(UserError, match="nothing to approve"):
        await reviews.decide(app, database, job, Approve(waiting["revision"]))
    await dead_letters.replay(None, database, Filter(job=job))
    await run_until_idle(app, database)
    assert calls == [1, 1]
    assert await rows(database, "step, output") == [("pay", "paid"), ("tell", "paid")]


async def test_a_log_that_cannot_be_written_stops_nothing(database: Database) -> None:
    import structlog

    from overnight import logs

    p = Pipeline("p")

    @p.step
    async def step(ctx: Ctx, value: int) -> int:
        ctx.log.info("hello")
        return value

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    with Path("/dev/full").open("w", buffering=1) as full:
        logs.configure(full)
        try:
            await run_until_idle(app, database)
        finally:
            structlog.reset_defaults()
            with suppress(OSError):
                full.close()
    assert await rows(database, "status") == [("succeeded",)]


async def test_until_idle_never_leaves_while_something_is_queued(database: Database) -> None:
    p = Pipeline("p")
    for name in ("one", "two", "three"):

        async def step(ctx: Ctx, value: int) -> int:
            return value

        step.__name__ = name
        p.step(step)
    app = App("app", [p])
    for value in range(25):
        await runs.start(app, database, "p", value)
        await run_until_idle(app, database)
    assert set(await rows(database, "status")) == {("succeeded",)}
    assert len(await rows(database)) == 75


async def test_a_plain_function_that_never_returns_takes_only_a_thread(database: Database) -> None:
    p, release = Pipeline("p"), threading.Event()

    @p.step(timeout=0.2, retry=Retry(0))
    def hangs(ctx: Ctx, value: int) -> int:
        if value == 0:
            release.wait(30)
        return value

    app = App("app", [p])
    for value in range(5):
        await runs.start(app, database, "p", value)
    try:
        await asyncio.wait_for(run_until_idle(app, database, concurrency=8, grace=0.1), 15)
    finally:
        release.set()
    assert sorted(await rows(database, "input, status"))[0] == (0, "dead")
    assert {status for _, status in sorted(await rows(database, "input, status"))[1:]} == {
        "succeeded"
    }


async def test_a_stopped_worker_hands_back_its_runs_without_an_error(database: Database) -> None:
    p, begun = Pipeline("p"), asyncio.Event()

    @p.step
    async def endless(ctx: Ctx, value: int) -> None:
        begun.set()
        await asyncio.Event().wait()

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    worker = Worker(app, database, grace=0.0)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(begun.wait(), 10)
    worker.stop()
    await running
    assert await rows(database, "status, failures, losses, outcome") == [
        ("queued", 0, 0, "handed_back")
    ]


async def test_a_blocked_event_loop_does_not_lose_its_lease(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def blocks(ctx: Ctx, value: int) -> int:
        time.sleep(1.2)  # half as long again as the lease
        with database.connect_sync() as other:  # somebody else looks, while the loop stands still
            looked = {"worker": "other", "max_losses": 5, "settle": 1e9, "judges_leases": True}
            rescued.extend(other.execute(queries["rescue"], looked).fetchall())
        return value

    app, rescued = App("app", [p]), []  # type: ignore[var-annotated]
    await runs.start(app, database, "p", 1)
    await run_until_idle(app, database, lease=0.8)
    assert [row for row in rescued if row["what"] == "rescued"] == []
    assert await rows(database, "status, attempt, losses") == [("succeeded", 1, 0)]


async def test_a_hook_that_fails_stops_nothing(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def step(ctx: Ctx, value: int) -> int:
        return value

    def broken(_: Any) -> None:
        raise OSError("the terminal is gone")

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    await Worker(app, database, on_ending=broken).run(until_idle=True)
    assert await rows(database, "status") == [("succeeded",)]


async def test_deps_are_open_while_the_worker_lives(database: Database) -> None:
    p, life = Pipeline("p"), []

    @asynccontextmanager
    async def open_(db: Database) -> Any:
        life.append("open")
        yield "tool"
        life.append("closed")

    @p.step
    async def use(ctx: Ctx, value: int) -> str:
        life.append(ctx.deps)
        return ctx.idempotency_key

    app = App("app", [p], resources=open_)
    job, _ = await runs.start(app, database, "p", 1)
    await run_until_idle(app, database)
    assert life == ["open", "tool", "closed"]
    assert await rows(database, "output") == [(f"{job}:use",)]
