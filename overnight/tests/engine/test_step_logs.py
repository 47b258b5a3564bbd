"""What a step logged is kept with an attempt that does not simply succeed, and with no other."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import structlog
from pydantic_core import from_json

from overnight import App, Context, Pipeline, Retry, Review, Transient, logs
from overnight.engine.context import LINES
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

SECRET = "sk-very-secret-0123456789"


async def details(database: Database, clock: Clock, pipeline: Pipeline) -> list[str | None]:
    """What was kept of each attempt of a job."""
    app = App("app", [pipeline])
    await runs.start(app, database, pipeline.name, 1)
    await run_until_idle(app, database, clock=clock)
    return [
        row["detail"]
        for row in await database.fetch("select detail from attempts order by attempt")
    ]


async def test_the_log_of_a_failed_attempt_is_kept_with_its_traceback(
    database: Database, clock: Clock
) -> None:
    pipeline = Pipeline("p")

    @pipeline.step(retry=Retry(1))
    async def ask(ctx: Context[Any], value: int) -> None:
        ctx.log.info("asking", page=ctx.attempt)
        if ctx.attempt == 1:
            raise Transient("502 Bad Gateway")

    (detail,) = await details(database, clock, pipeline)
    assert detail is not None
    said, _, error = detail.partition("\n\n")
    assert said.startswith("it logged:\n")
    assert said.endswith(" info asking page=1")
    assert error.startswith("Traceback")
    assert "502 Bad Gateway" in error


async def test_the_log_of_a_plain_function_is_kept_for_its_review(
    database: Database, clock: Clock
) -> None:
    pipeline = Pipeline("p")

    @pipeline.step
    def judge(ctx: Context[Any], value: int) -> Review:
        ctx.log.warning("odd")
        return Review(["look at it"], value)

    (detail,) = await details(database, clock, pipeline)
    assert detail is not None
    assert detail.endswith(" warning odd")


async def test_only_the_last_log_lines_are_kept_short_without_secrets(
    database: Database, clock: Clock
) -> None:
    logs.hide(SECRET)
    pipeline = Pipeline("p")

    @pipeline.step
    async def talk(ctx: Context[Any], value: int) -> Review:
        for number in range(200):
            ctx.log.info(f"line {number}", key=SECRET, body="x" * 100_000 + "\x00")
        return Review(["look at it"])

    (detail,) = await details(database, clock, pipeline)
    assert detail is not None
    assert SECRET not in detail
    assert len(detail) < LINES * 510
    assert "line 150 " in detail
    assert "line 199 " in detail
    assert "line 149 " not in detail


async def test_the_line_itself_is_logged_as_ever(database: Database, clock: Clock) -> None:
    pipeline, seen = Pipeline("p"), []

    def note(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        seen.append(dict(event))
        raise structlog.DropEvent

    structlog.configure(processors=[note])

    @pipeline.step
    async def ask(ctx: Context[Any], value: int) -> None:
        ctx.log.info("asking", page=7)

    await details(database, clock, pipeline)
    (line,) = [each for each in seen if each["event"] == "asking"]
    assert (line["step"], line["attempt"], line["page"]) == ("ask", 1, 7)
    assert len(line["job_id"]) == 16


class Fault(BaseException):
    """As a library in another language raises it."""


class Unreadable:
    def __str__(self) -> str:
        raise Fault("no text")

    __repr__ = __str__


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
ODD = {
    "surrogate": "\ud800",
    "NUL": "a\x00b",
    "bytes": b"\xff\x00",
    "unreadable": Unreadable(),
    "error": UnreadableError(),
    "circle": CIRCLE,
    "keys": {"\udcff": {Unreadable(): 1}},
    "number": float("nan"),
    "integer": 10**5000,
    "long": "x" * 1_000_000,
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_whatever_a_line_holds_it_fails_no_job_and_is_stored(
    database: Database, clock: Clock, value: Any, kind: str
) -> None:
    out = StringIO()
    logs.configure(out)
    pipeline = Pipeline("p")

    def talk(ctx: Context[Any], value_: int) -> Review:
        ctx.log.info("a field", value=value)
        ctx.log.info(value)
        ctx.log.bind(bound=value).warning("a bound field")
        ctx.log.info("an argument %s", value)
        ctx.log.info("an argument %d", "x")
        ctx.log.error("an error", exc_info=UnreadableError())
        ctx.log.info("the last one")
        return Review(["look at it"])

    async def talk_async(ctx: Context[Any], value_: int) -> Review:
        return talk(ctx, value_)

    pipeline.step(talk if kind == "plain" else talk_async)
    (detail,) = await details(database, clock, pipeline)
    assert detail is not None
    assert detail.endswith(" info the last one")
    assert detail.count("\n") >= 7
    for event in ("a field", "a bound field", "an error", "the last one"):
        assert f'"event":"{event}"' in out.getvalue()
    assert (
        '"error":"TypeError","event":"a log line could not be written"' in out.getvalue()
    )  # `%d` with a text
    for line in out.getvalue().splitlines():
        if value is not ODD["integer"]:  # which is JSON, but no reader takes it
            from_json(line, allow_inf_nan=False)


async def test_a_log_of_the_app_s_own_that_raises_fails_no_job(
    database: Database, clock: Clock
) -> None:
    def raises(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if "attempt" in event and "outcome" not in event:
            raise RuntimeError("no room")
        raise structlog.DropEvent

    structlog.configure(processors=[raises])
    pipeline = Pipeline("p")

    @pipeline.step
    async def talk(ctx: Context[Any], value: int) -> Review:
        ctx.log.info("hello")
        return Review(["look at it"])

    (detail,) = await details(database, clock, pipeline)
    assert detail is not None
    assert "info hello" in detail


async def test_a_call_of_a_missing_log_method_is_an_error_of_the_step(
    database: Database, clock: Clock
) -> None:
    pipeline = Pipeline("p")

    @pipeline.step
    async def talk(ctx: Context[Any], value: int) -> None:
        ctx.log.inform("hello")  # type: ignore[attr-defined]

    (detail,) = await details(database, clock, pipeline)
    assert detail is not None
    assert "AttributeError" in detail
