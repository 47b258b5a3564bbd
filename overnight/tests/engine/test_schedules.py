"""Schedules on a real Postgres, with a clock that is moved: each slot fires once, or is accounted
for.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from overnight import App, Context, Cron, NoWork, Pipeline
from overnight.cli.main import cli
from overnight.engine.maintenance import Maintenance
from overnight.engine.scheduler import declared
from overnight.observability.watch import WatchService
from overnight.operations import queries
from overnight.pipelines.triggers import CatchUp, Skipped
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.schedules import Schedules
from overnight.testing import Clock, run_until_idle

Ctx = Context[Any]
START = datetime(2030, 1, 1, 12, tzinfo=UTC)


def night(*crons: Cron, name: str = "night", **options: Any) -> Pipeline:
    """A pipeline of one step that takes a text."""
    pipeline = Pipeline(name, on=crons, **options)

    @pipeline.step
    async def plan(ctx: Ctx, day: str) -> str:
        return day

    return pipeline


def nightly(**options: Any) -> Cron:
    return Cron("0 4 * * *", input=lambda slot: slot.date().isoformat(), **options)


def keeper(database: Database, *pipelines: Pipeline, app: str = "app") -> Maintenance:
    return Maintenance(App(app, pipelines), Ledger(database))


async def inputs(database: Database) -> list[Any]:
    return [row["input"] for row in await database.fetch("select input from runs order by id")]


async def slots(database: Database, columns: str = "slot, status, count") -> list[tuple[Any, ...]]:
    return [
        tuple(row.values())
        for row in await database.fetch(f"select {columns} from slots order by slot")
    ]


async def alerts(database: Database) -> list[tuple[str, int, bool]]:
    """(text, count, is open) of the alerts of slots."""
    rows = await database.fetch(
        "select text, count, resolved_at from alerts where kind = 'missed_slot' order by id"
    )
    return [(row["text"], row["count"], row["resolved_at"] is None) for row in rows]


async def test_a_slot_fires_once_for_many_tickers_and_clock_steps(
    database: Database, clock: Clock
) -> None:
    async with AsyncExitStack() as stack:
        several = [await stack.enter_async_context(Database(database.url)) for _ in range(4)]
        keepers = [keeper(each, night(nightly())) for each in several for _ in range(2)]
        await clock.set(START)
        await asyncio.gather(*(each.fire() for each in keepers))
        assert await inputs(database) == []
        for moment in (
            timedelta(hours=16, seconds=1),
            timedelta(hours=15),
            timedelta(days=1, hours=16, seconds=1),
        ):
            await clock.set(START + moment)
            await asyncio.gather(*(each.fire() for each in keepers))
    assert await inputs(database) == ["2030-01-02", "2030-01-03"]
    assert await slots(database, "slot, status, note") == [
        (datetime(2030, 1, day, 4, tzinfo=UTC), "fired", None) for day in (2, 3)
    ]


async def test_of_those_who_saw_the_same_slot_due_one_acts(
    database: Database, clock: Clock
) -> None:
    pipeline, schedules = night(nightly()), Schedules(database)
    await clock.set(START)
    await keeper(database, pipeline).fire()
    (seen,) = await schedules.read("app")
    slot = datetime(2030, 1, 2, 4, tzinfo=UTC)
    assert await schedules.fire(seen, slot, pipeline.job("2030-01-02"), None)
    assert not await schedules.fire(seen, slot, pipeline.job("2030-01-02"), None)
    assert not await schedules.fire(
        seen, slot + timedelta(days=1), pipeline.job("2030-01-03"), None
    )
    assert not await schedules.skip(
        seen, Skipped(3, slot + timedelta(days=3), "why"), "skipped", "text"
    )
    # A schedule that somebody has set back by hand does not fire again what has its row.
    await database.fetch("update schedules set last_slot = %s", [seen.last_slot])
    assert not await schedules.fire(seen, slot, pipeline.job("again"), None)
    assert await inputs(database) == ["2030-01-02"]


@pytest.mark.parametrize(
    ("policy", "hour", "fired", "skipped", "unwell"),
    [
        ("latest", 9, ["2030-01-15"], (datetime(2030, 1, 14, 4, tzinfo=UTC), "skipped", 12), False),
        ("latest", 20, [], (datetime(2030, 1, 15, 4, tzinfo=UTC), "skipped", 13), True),
        (
            "all",
            9,
            ["2030-01-14", "2030-01-15"],
            (datetime(2030, 1, 13, 4, tzinfo=UTC), "skipped", 11),
            False,
        ),
        ("skip", 9, [], (datetime(2030, 1, 15, 4, tzinfo=UTC), "skipped", 13), True),
    ],
)
async def test_missed_weeks_are_caught_up_by_policy_the_rest_reported(
    database: Database,
    clock: Clock,
    policy: CatchUp,
    hour: int,
    fired: list[str],
    skipped: tuple[datetime, str, int],
    unwell: bool,
) -> None:
    grace = timedelta(hours=36 if policy == "all" else 12)
    pipeline = night(nightly(grace=grace, catch_up=policy))
    await clock.set(datetime(2030, 1, 2, 4, 0, 1, tzinfo=UTC))
    await keeper(database, pipeline).fire()
    await clock.set(datetime(2030, 1, 15, hour, tzinfo=UTC))
    for _ in range(2):
        await keeper(database, pipeline).fire()
    assert await inputs(database) == fired
    rows = await slots(database)
    assert rows[0] == skipped
    assert [status for _, status, _ in rows[1:]] == ["fired"] * len(fired)
    ((text, count, is_open),) = await alerts(database)
    assert (
        f"{skipped[2]} slots were not fired, the latest of {skipped[0]:%Y-%m-%d} 04:00 UTC" in text
    )
    assert (count, is_open) == (1, unwell)
    # The next night is an ordinary one, and all is well.
    await clock.set(datetime(2030, 1, 16, 4, 0, 1, tzinfo=UTC))
    await keeper(database, pipeline).fire()
    assert await inputs(database) == [*fired, "2030-01-16"]
    assert [is_open for _, _, is_open in await alerts(database)] == [False]


async def test_two_weeks_of_slots_are_bounded_and_fired_in_portions(
    database: Database, clock: Clock
) -> None:
    pipeline = night(Cron("* * * * *", input=str, catch_up="all", grace=timedelta(hours=5)))
    keepers = [keeper(database, pipeline) for _ in range(3)]
    await clock.set(START)
    await keepers[0].fire()
    await clock.set(START + timedelta(days=14, seconds=30))
    assert await keepers[0].fire() == 0.0
    assert len(await inputs(database)) == 100

    async def drain(each: Maintenance) -> None:
        while await each.fire() == 0.0:
            pass

    await asyncio.gather(*map(drain, keepers))
    found = await inputs(database)
    assert len(found) == len(set(found)) == 300
    statuses = [status for _, status, _ in await slots(database)]
    assert statuses == ["skipped"] + ["fired"] * 300


async def test_a_slot_that_fires_late_says_how_late(database: Database, clock: Clock) -> None:
    pipeline = night(nightly())
    await clock.set(START)
    await keeper(database, pipeline).fire()
    await clock.set(START + timedelta(hours=19))
    await keeper(database, pipeline).fire()
    ((status, note, job),) = await slots(database, "status, note, job_id")
    assert (status, note) == ("fired", "3 h late")
    assert [row["job_id"] for row in await database.fetch("select job_id from runs")] == [job]


async def test_a_scheduled_job_has_its_origin_and_the_pipelines_terms(
    database: Database, clock: Clock
) -> None:
    pipeline = night(
        nightly(timezone="Europe/Belgrade"), priority=3, expect_within=600, deadline=3600
    )
    await clock.set(START)
    await keeper(database, pipeline).fire()
    await clock.set(datetime(2030, 1, 2, 3, 0, 1, tzinfo=UTC))
    await keeper(database, pipeline).fire()
    (row,) = await database.fetch(
        "select origin, priority, input, extract(epoch from expect_at - created_at)::int as expect,"
        " extract(epoch from deadline_at - created_at)::int as deadline from runs"
    )
    assert row == {
        "origin": "cron 0 4 * * * Europe/Belgrade",
        "priority": 3,
        "input": "2030-01-02",
        "expect": 600,
        "deadline": 3600,
    }


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (lambda slot: {"no": "text"}, "does not fit night"),
        (lambda slot: 1 // 0, "ZeroDivisionError"),
        (lambda slot: slot.isoformat(), "was begun with other inputs"),
        (lambda slot: "a\x00b", "NUL"),
    ],
)
async def test_a_slot_that_cannot_fire_alerts_and_stops_nothing_else(
    database: Database, clock: Clock, value: Any, why: str
) -> None:
    days = {2: value, 3: lambda slot: "fixed"}
    broken = night(
        Cron("0 4 * * *", input=lambda slot: days[slot.day](slot)), id=lambda value: "fixed"
    )
    sound = night(nightly(), name="sound")
    await Ledger(database).enqueue([broken.job("fixed")])
    await clock.set(START)
    each = keeper(database, broken, sound)
    await each.fire()
    await clock.set(START + timedelta(hours=16, seconds=1))
    for _ in range(3):
        await each.fire()
    assert await inputs(database) == ["fixed", "2030-01-02"]
    assert await slots(database, "pipeline, status") == [("night", "failed"), ("sound", "fired")]
    ((note,),) = [row for row in await slots(database, "note") if row != (None,)]
    assert why in note
    ((text, count, is_open),) = await alerts(database)
    assert text.startswith("the slot of 2030-01-02 04:00 UTC cannot be fired: ")
    assert why in text
    assert (count, is_open) == (1, True)
    await clock.set(START + timedelta(days=1, hours=16, seconds=1))
    await each.fire()
    assert [is_open for _, _, is_open in await alerts(database)] == [False]


async def test_a_removed_schedule_is_retired_and_returns_as_new(
    database: Database, clock: Clock
) -> None:
    pipeline, other = night(nightly(catch_up="skip")), night(nightly(), name="other")
    await clock.set(START)
    await keeper(database, pipeline).fire()
    await keeper(database, other, app="another").fire()
    await clock.set(START + timedelta(hours=20))
    await keeper(database, pipeline).fire()
    assert [is_open for _, _, is_open in await alerts(database)] == [True]
    await keeper(database).fire()
    retired = await database.fetch("select app from schedules where retired_at is not null")
    assert [row["app"] for row in retired] == ["app"]
    assert [is_open for _, _, is_open in await alerts(database)] == [False]
    await clock.set(START + timedelta(days=3, hours=17))
    await WatchService(App("watcher", []), Ledger(database)).watch()
    overdue = await database.fetch("select subject from alerts where resolved_at is null")
    assert [row["subject"] for row in overdue] == ["other 0 4 * * * UTC"]
    back = night(nightly(grace=timedelta(days=30), catch_up="all"))
    for _ in range(2):
        await keeper(database, back).fire()
    assert await inputs(database) == []
    await clock.set(START + timedelta(days=4, hours=17))
    await keeper(database, back).fire()
    assert await inputs(database) == ["2030-01-06"]
    (row,) = await database.fetch(
        "select catch_up, grace, retired_at from schedules where app = 'app'"
    )
    assert tuple(row.values()) == ("all", timedelta(days=30), None)


async def test_an_idle_look_at_all_schedules_is_one_statement(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = keeper(database, *(night(nightly(), Cron("5 * * * *"), name=f"p{n}") for n in range(5)))
    await clock.set(START)
    await each.fire()
    fetch, fetched = Database.fetch, []

    async def counted(self: Database, *arguments: Any) -> Any:
        fetched.append(arguments)
        return await fetch(self, *arguments)

    monkeypatch.setattr(Database, "fetch", counted)
    assert await each.fire() == pytest.approx(300, abs=30)
    assert len(fetched) == 1


async def found_nothing(database: Database, clock: Clock, jobs: int, nothing: int) -> App:
    """An app whose schedule has fired and ended so many jobs, the last of which found nothing."""
    pipeline = Pipeline(
        "look", on=[Cron("0 * * * *", input=lambda slot: int(slot.timestamp() // 3600))]
    )

    @pipeline.step
    async def look(ctx: Ctx, hour: int) -> int:
        return hour

    @pipeline.step
    async def work(ctx: Ctx, hour: int) -> Any:
        return NoWork("nothing new") if hour >= first_empty else hour

    first_empty = int(START.timestamp() // 3600) + 1 + jobs - nothing
    app = App("app", [pipeline])
    each = Maintenance(app, Ledger(database))
    for hour in range(jobs + 1):
        await clock.set(START + timedelta(hours=hour, seconds=1))
        await each.fire()
    await run_until_idle(app, database)
    return app


@pytest.mark.parametrize(
    ("jobs", "nothing", "advised"),
    [(9, 9, False), (10, 5, False), (10, 6, True), (33, 14, False), (33, 15, True)],
)
async def test_a_schedule_mostly_without_work_is_shown_with_counts(
    database: Database, clock: Clock, jobs: int, nothing: int, advised: bool
) -> None:
    app = await found_nothing(database, clock, jobs, nothing)
    # One more has fired, and has not ended: it does not count, though it takes a place among the
    # last 30.
    await clock.set(START + timedelta(hours=jobs + 1, seconds=1))
    await Maintenance(app, Ledger(database)).fire()
    (row,) = await queries.schedules(database, app)
    assert (row["nothing"], row["ended"]) == (nothing, min(jobs, 29))
    assert (row["advice"] is not None) == (nothing * 2 > row["ended"] >= 10) == advised


async def test_the_command_shows_last_missed_and_next_slots_and_advice(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await found_nothing(database, clock, 10, 6)
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "140")

    async def run(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    told = " ".join((await run("schedules")).split())
    assert "look 0 * * * * UTC 2030-01-01 22:00 fired 2030-01-01 23:00 Tue 23:00 0 6 of 10" in told
    assert (
        "look 0 * * * * UTC found nothing in 6 of its last 10 runs: let an event start it" in told
    )
    assert "finds nothing too often: see schedules" in await run("status")
    await clock.move(6 * 3600)
    (row,) = json.loads(await run("schedules", "--json"))["schedules"]
    assert (row["overdue"], row["next"]) == (
        "2030-01-02T03:00:00+00:00",
        "2030-01-02T05:00:00+00:00",
    )
    assert (row["nothing"], row["ended"], row["missed"]) == (6, 10, 0)
    told = " ".join((await run("schedules")).split())
    assert "overdue since 2030-01-02 03:00 UTC: does a worker of app run?" in told
    assert "look 0 * * * * UTC 2030-01-01 22:00 fired 2030-01-02 03:00 2030-01-02 05:00" in told
    told = " ".join((await run("status")).split())
    assert "The schedule of look is overdue. Its slot of 2030-01-02 03:00 UTC was not" in told
    (schedule,) = await Schedules(database).read()
    await Schedules(database).skip(
        schedule, Skipped(5, schedule.now - timedelta(minutes=1), "away"), "skipped", "away"
    )
    (row,) = json.loads(await run("schedules", "--json"))["schedules"]
    assert (row["status"], row["missed"], row["note"]) == ("skipped", 5, "away")


async def test_a_schedule_shows_never_fired_and_overdue_apart(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App("app", [night(nightly())])
    await clock.set(datetime(2030, 1, 1, 3, tzinfo=UTC))
    await Schedules(database).note(
        "app", [declared("night", cron) for cron in app.pipelines["night"].crons()]
    )
    await clock.set(datetime(2030, 1, 1, 4, 6, tzinfo=UTC))
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "160")
    told = " ".join((await asyncio.to_thread(CliRunner().invoke, cli, "schedules")).output.split())
    assert "last (UTC) it was overdue since (UTC) next (UTC)" in told
    assert "night 0 4 * * * UTC never 2030-01-01 04:00 2030-01-02 04:00" in told
    (row,) = await queries.schedules(database, app)
    assert (row["slot"], row["status"], row["overdue"]) == (
        None,
        None,
        datetime(2030, 1, 1, 4, tzinfo=UTC),
    )


async def test_a_schedule_that_no_worker_has_seen_shows_its_next_slot(database: Database) -> None:
    (row,) = await queries.schedules(
        database, App("app", [night(nightly(timezone="Europe/Belgrade"))])
    )
    assert (row["pipeline"], row["advice"], row["overdue"]) == ("night", None, None)
    assert (row["slot"], row["status"], row["missed"], row["ended"]) == (None, None, 0, 0)
    assert row["next"] > datetime.now(UTC)
    assert row["next_local"][11:16] == "04:00"
