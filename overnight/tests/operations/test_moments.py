"""A job that is started for later: when it is due, and what is no moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from overnight import App, Context, Debounce, Pipeline, UserError
from overnight.operations import moments, runs
from overnight.operations.commands import OPERATIONS, Operator, parse
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

PARIS = timezone(timedelta(hours=1))


def report(**policy: Any) -> App:
    pipeline = Pipeline("report", **policy)

    @pipeline.step
    async def write(ctx: Context, value: int) -> int:
        return value

    return App("app", [pipeline])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("+45s", timedelta(seconds=45)),
        ("+30m", timedelta(minutes=30)),
        ("+2h", timedelta(hours=2)),
        ("+7d", timedelta(days=7)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T04:00", datetime(2026, 3, 1, 4, tzinfo=UTC)),
        ("2026-03-01 04:00:30", datetime(2026, 3, 1, 4, 0, 30, tzinfo=UTC)),
        ("2026-03-01T04:00Z", datetime(2026, 3, 1, 4, tzinfo=UTC)),
        ("2026-03-01T04:00+01:00", datetime(2026, 3, 1, 4, tzinfo=PARIS)),
    ],
)
def test_a_moment_is_a_span_from_now_or_a_date(text: str, moment: object) -> None:
    assert moments.parse(text) == moment


@pytest.mark.parametrize("text", ["", "2h", "-2h", "+2", "+2w", "+ 2h", "tomorrow", "4:00", "+-2h"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no moment: write "):
        moments.parse(text)


@pytest.mark.parametrize("text", ["+2h", "-2h", "2w", "999999999d", "tomorrow"])
def test_what_is_no_moment_of_the_past_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=": write "):
        moments.parse_past(text)


def test_a_moment_of_the_past_is_a_span_back_or_a_date() -> None:
    before = datetime.now(UTC)
    moment = moments.parse_past("24h")
    assert moment is not None
    assert before <= moment + timedelta(hours=24) <= datetime.now(UTC)
    assert moments.parse_past("2026-03-01") == datetime(2026, 3, 1, tzinfo=UTC)
    assert moments.parse_past(None) is None


@pytest.mark.parametrize("as_moment", [True, False])
async def test_a_job_starts_at_its_moment_and_not_before(
    database: Database, clock: Clock, as_moment: bool
) -> None:
    span = timedelta(hours=2)
    at = await clock.now() + span if as_moment else span
    app = report()
    await runs.start(app, database, "report", 1, at=at)
    await clock.move(7_190)
    assert await run_until_idle(app, database, horizon=0) == []
    await clock.move(10)
    assert [end.transition.outcome for end in await run_until_idle(app, database)] == ["done"]


async def test_deadline_and_alert_count_from_the_start(database: Database) -> None:
    app = report(deadline=60, expect_within=30)
    await runs.start(app, database, "report", 1, at=timedelta(days=1))
    (row,) = await database.fetch(
        "select deadline_at - due_at as deadline, expect_at - due_at as expect from runs"
    )
    assert row == {"deadline": timedelta(seconds=60), "expect": timedelta(seconds=30)}


async def test_a_first_step_with_a_wait_has_it_after_the_moment(
    database: Database, clock: Clock
) -> None:
    pipeline = Pipeline("report")

    @pipeline.step(after=Debounce(90, at_most=900))
    async def write(ctx: Context, value: int) -> None: ...

    before = await clock.now()
    await runs.start(App("app", [pipeline]), database, "report", 1, at=timedelta(hours=1))
    (row,) = await database.fetch("select due_at, due_by from runs")
    assert row["due_at"] - before >= timedelta(seconds=3_690)
    assert row["due_by"] - row["due_at"] == timedelta(seconds=810)


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (timedelta(minutes=-2), "cannot start in the past"),
        (datetime(2020, 1, 1, tzinfo=UTC), "in the past: 2020-01-01 00:00"),
        (datetime(2020, 1, 1), "has no time zone"),  # noqa: DTZ001  that is what is refused
        (timedelta(days=4_000), "within ten years"),
        (datetime(2999, 1, 1, tzinfo=UTC), "within ten years"),
    ],
)
async def test_a_moment_at_which_nothing_starts_is_refused(
    database: Database, at: datetime | timedelta, why: str
) -> None:
    with pytest.raises(UserError, match=why):
        await runs.start(report(), database, "report", 1, at=at)
    assert await database.fetch("select id from runs") == []


async def test_a_moment_that_has_just_passed_is_now(database: Database, clock: Clock) -> None:
    at = await clock.now() - timedelta(seconds=5)
    app = report()
    await runs.start(app, database, "report", 1, at=at)
    assert len(await run_until_idle(app, database, horizon=0)) == 1


async def test_the_operation_says_when_the_job_starts(database: Database, clock: Clock) -> None:
    operator = Operator(report(), database, "ada")
    tomorrow = await clock.now() + timedelta(days=1)
    texts = {
        None: "",
        "+2h": ", to start in 2:00:00",
        tomorrow.isoformat(): f", to start at {tomorrow:%Y-%m-%d %H:%M:%S} UTC",
    }
    for number, (at, text) in enumerate(texts.items()):
        values = {"pipeline": "report", "input": number} | ({"at": at} if at else {})
        done = await parse(OPERATIONS["start"], values).do(operator)
        assert done.text == f"job {done.data['job_id']} is queued{text}"
