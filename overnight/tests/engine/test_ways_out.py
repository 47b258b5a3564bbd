"""Every way out of a step ends in an ending: whatever it raises, returns or cancels, its place is
free again.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, computed_field, field_serializer

from overnight import App, Context, Pipeline, Retry, Review, Transient
from overnight.engine.worker import Worker
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

Ctx = Context[Any]


class Panic(BaseException):
    """As pyo3 raises for a panic in Rust."""


class Mute(Exception):
    def __str__(self) -> str:
        raise Panic("no message")


class MuteInside(BaseException):
    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__


class Broken(BaseModel):
    x: int = 1

    @field_serializer("x")
    def fails(self, value: int) -> int:
        raise Panic("while it is written down")


class BrokenProperty(BaseModel):
    @computed_field  # type: ignore[prop-decorator]
    @property
    def fails(self) -> int:
        raise KeyboardInterrupt


def deep(levels: int) -> BaseException:
    error: BaseException = ValueError("the innermost")
    for _ in range(levels):
        error = BaseExceptionGroup("a group", [error])
    return error


RAISED = [
    Panic("index out of bounds"),
    GeneratorExit(),
    KeyboardInterrupt("a library's own"),
    SystemExit(3),
    BaseExceptionGroup("tasks", [Panic("one"), ValueError("two")]),
    StopAsyncIteration(),
    MemoryError(),
    Mute(),
    MuteInside(),
]


async def ends(database: Database, step: Callable[[Ctx, int], Any], **options: Any) -> list[Any]:
    """Five jobs of such a step on two places, and then one of another pipeline; what became of the
    five.
    """
    p, q = Pipeline("p"), Pipeline("q", priority=-1)
    p.step(retry=Retry(0))(step)

    @q.step
    async def well(ctx: Ctx, value: int) -> int:
        return value

    app = App("app", [p, q])
    for value in range(5):
        await runs.start(app, database, "p", value)
    await runs.start(app, database, "q", 7)
    await asyncio.wait_for(run_until_idle(app, database, concurrency=2, **options), 20)
    assert await database.fetch(
        "select output from runs where pipeline = 'q' and status = 'succeeded'"
    ) == [{"output": 7}]
    return await database.fetch("select status, attempt, error from runs where pipeline = 'p'")


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_whatever_a_step_raises_is_a_dead_letter_that_names_it(
    database: Database, error: BaseException, kind: str
) -> None:
    async def awaited(ctx: Ctx, value: int) -> None:
        await asyncio.sleep(0)
        raise error

    def plain(ctx: Ctx, value: int) -> None:
        raise error

    for row in await ends(database, awaited if kind == "async" else plain):
        assert (row["status"], row["attempt"]) == ("dead", 1)
        names = [type(each).__name__ for each in getattr(error, "exceptions", [error])]
        assert all(name in row["error"] for name in names), row["error"]


async def test_a_group_nested_too_deeply_to_print_is_a_dead_letter(database: Database) -> None:
    async def step(ctx: Ctx, value: int) -> None:
        raise deep(3000)

    assert {row["error"] for row in await ends(database, step)} == {"ValueError: the innermost"}


async def test_what_an_outside_write_raises_is_the_step_s_way_out_too(database: Database) -> None:
    async def step(ctx: Ctx, value: int) -> None:
        async def call() -> None:
            raise Panic("in the client")

        await ctx.effect("write", content=value, call=call)

    assert {row["error"] for row in await ends(database, step)} == {"Panic: in the client"}


@pytest.mark.parametrize(
    "output", [Broken(), BrokenProperty()], ids=lambda output: type(output).__name__
)
async def test_an_output_whose_serialisation_raises_is_a_dead_letter(
    database: Database, output: Any
) -> None:
    async def step(ctx: Ctx, value: int) -> Any:
        return output

    assert {row["status"] for row in await ends(database, step)} == {"dead"}


async def cancels_itself(ctx: Ctx, value: int) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel("by its own hand")
    await asyncio.sleep(60)


async def raises_it(ctx: Ctx, value: int) -> None:
    raise asyncio.CancelledError("by its own hand")


async def awaits_what_was_cancelled(ctx: Ctx, value: int) -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel("by its own hand")
    await future


def in_a_thread(ctx: Ctx, value: int) -> None:
    raise asyncio.CancelledError("by its own hand")


def in_a_pool(ctx: Ctx, value: int) -> None:
    raise concurrent.futures.CancelledError("by its own hand")


async def swallows_one_and_runs_on(ctx: Ctx, value: int) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)


@pytest.mark.parametrize(
    "step",
    [cancels_itself, raises_it, awaits_what_was_cancelled, in_a_thread, in_a_pool],
    ids=lambda f: f.__name__,
)
async def test_a_cancellation_from_inside_is_retried_up_to_the_limit(
    database: Database, clock: Clock, step: Any
) -> None:
    p = Pipeline("p")
    p.step(step)
    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    await asyncio.wait_for(run_until_idle(app, database, clock=clock), 20)
    (row,) = await database.fetch("select status, attempt, failures, error, error_class from runs")
    assert (row["status"], row["attempt"], row["failures"], row["error_class"]) == (
        "dead",
        4,
        4,
        "transient",
    )
    assert row["error"] == (
        "something inside the step was cancelled, though nobody cancelled the step: by its own hand"
    )
    assert {row["outcome"] for row in await database.fetch("select outcome from attempts")} == {
        "retry",
        "error",
    }


async def test_the_time_limit_ends_a_step_that_cancelled_itself_before(database: Database) -> None:
    p = Pipeline("p")
    p.step(timeout=0.1, retry=Retry(0))(swallows_one_and_runs_on)
    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    await asyncio.wait_for(run_until_idle(app, database), 20)
    assert await database.fetch("select status, error from runs") == [
        {"status": "dead", "error": "the step took longer than 0.1 s"}
    ]


async def test_a_stop_hands_back_runs_but_an_inner_cancellation_fails(database: Database) -> None:
    p, begun = Pipeline("p"), asyncio.Event()

    @p.step
    async def one(ctx: Ctx, value: int) -> None:
        if value:
            raise asyncio.CancelledError
        begun.set()
        await asyncio.sleep(60)

    app = App("app", [p])
    worker = Worker(app, database, grace=0.1)
    working = asyncio.create_task(worker.run())
    for value in (0, 1):
        await runs.start(app, database, "p", value)
    await begun.wait()
    while not await database.fetch("select 1 from attempts"):
        await asyncio.sleep(0.01)
    worker.stop()
    await working
    rows = await database.fetch("select input, outcome, failures from runs order by input::int")
    assert [tuple(row.values()) for row in rows] == [(0, "handed_back", 0), (1, "retry", 1)]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"scores": [1.0, float("nan")]}, "nan at scores[1] is a number that JSON does not have"),
        ({"limit": float("inf")}, "inf at limit is a number that JSON does not have"),
        ({"text": "\ud800"}, "at text cannot be written as JSON"),
        ({"text": "a\x00"}, "at text holds a NUL character"),
        (Review(["look"], {"score": float("-inf")}), "the payload cannot be stored: -inf at score"),
    ],
)
async def test_an_output_that_cannot_be_stored_names_value_and_place(
    database: Database, output: Any, said: str
) -> None:
    async def step(ctx: Ctx, value: int) -> Any:
        return output

    for row in await ends(database, step):
        assert row["status"] == "dead"
        assert said in row["error"]


async def test_a_group_of_transient_errors_waits_for_the_longest_delay(
    database: Database, clock: Clock
) -> None:
    p, attempts = Pipeline("p"), []

    @p.step
    async def fetch(ctx: Ctx, value: int) -> int:
        async def ask(seconds: float) -> None:
            raise Transient("429", retry_after=seconds)

        attempts.append(await clock.now())
        if ctx.attempt == 1:
            async with asyncio.TaskGroup() as group:
                for seconds in (30, 600, 60):
                    group.create_task(ask(seconds))
        return value

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    await run_until_idle(app, database, clock=clock)
    assert await database.fetch("select status from runs") == [{"status": "succeeded"}]
    assert 600 <= (attempts[1] - attempts[0]).total_seconds() < 700


async def test_a_group_with_an_unknown_external_write_needs_a_person(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def pay(ctx: Ctx, value: int) -> None:
        async def call() -> None:
            raise Transient("the connection broke")

        async with asyncio.TaskGroup() as group:
            group.create_task(ctx.effect("pay", content=1, call=call))

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    await run_until_idle(app, database)
    assert await database.fetch("select status, error_class from runs") == [
        {"status": "needs_review", "error_class": "unknown_outcome"}
    ]
