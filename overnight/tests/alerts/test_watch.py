"""The watch: what fails by not happening is told, once, and resolved when it is well again."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from overnight import App, Context, Cron, NoWork, Pipeline
from overnight.cli.main import cli
from overnight.engine.maintenance import Maintenance
from overnight.observability.watch import WatchService
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.testing import Clock, run_until_idle

Ctx = Context[Any]
START = datetime(2030, 1, 1, 12, tzinfo=UTC)
SLOT = datetime(2030, 1, 2, 4, tzinfo=UTC)


def one_step(name: str, *crons: Cron, **options: Any) -> Pipeline:
    pipeline = Pipeline(name, on=crons, **options)

    @pipeline.step
    async def work(ctx: Ctx, value: Any) -> Any:
        return value

    return pipeline


def keeper(database: Database, app: str, *pipelines: Pipeline) -> Maintenance:
    return Maintenance(App(app, pipelines), Ledger(database))


def watch_of(database: Database, app: str, *pipelines: Pipeline) -> WatchService:
    return WatchService(App(app, pipelines), Ledger(database))


async def alerts(database: Database, kind: str) -> list[tuple[str, int, bool]]:
    """(subject, count, is open)."""
    rows = await database.fetch(
        "select subject, count, resolved_at from alerts where kind = %s order by id", [kind]
    )
    return [(row["subject"], row["count"], row["resolved_at"] is None) for row in rows]


async def test_another_apps_worker_alerts_once_for_each_missed_slot(
    database: Database, clock: Clock
) -> None:
    report = one_step("report", Cron("0 4 * * *"))
    await clock.set(START)
    await keeper(database, "dead", report).fire()
    others = [watch_of(database, f"alive{n}", one_step("p")) for n in range(3)]

    async def watched(moment: datetime) -> list[tuple[str, int, bool]]:
        await clock.set(moment)
        await asyncio.gather(*(each.watch() for each in others))
        return await alerts(database, "missed_slot")

    subject = "report 0 4 * * * UTC"
    assert await watched(SLOT + timedelta(minutes=4)) == []
    for minutes in (5, 6, 60):
        assert await watched(SLOT + timedelta(minutes=minutes)) == [(subject, 1, True)]
    (row,) = await database.fetch("select text from alerts")
    assert (
        row["text"]
        == "the slot of 2030-01-02 04:00 UTC was neither fired nor skipped: does a worker "
        "of dead run?"
    )
    assert await watched(SLOT + timedelta(days=1, minutes=6)) == [(subject, 2, True)]
    assert await watched(SLOT + timedelta(days=1, minutes=7)) == [(subject, 2, True)]
    await keeper(database, "dead", report).fire()
    assert await watched(SLOT + timedelta(days=1, minutes=8)) == [
        (subject, 3, False)
    ]  # one was skipped


async def test_a_late_job_raises_one_alert_that_is_resolved_at_its_end(
    database: Database, clock: Clock
) -> None:
    app = App("app", [one_step("slow", expect_within=600), one_step("calm")])
    ledger, each = Ledger(database), watch_of(database, "another", one_step("p"))
    await clock.set(START)
    await ledger.enqueue([app.pipeline("slow").job(1), app.pipeline("calm").job(1)])
    await clock.move(100)
    await ledger.enqueue([app.pipeline("slow").job(2)])
    seen, told = [], set()
    for seconds in (490, 20, 20, 80, 20):
        await clock.move(seconds)
        await asyncio.gather(each.watch(), each.watch())
        seen.append(await alerts(database, "late_job"))
        told |= {row["last_at"] for row in await database.fetch("select last_at from alerts")}
    assert seen == [
        [],
        [("slow", 1, True)],
        [("slow", 1, True)],
        [("slow", 2, True)],
        [("slow", 2, True)],
    ]
    assert len(told) == 2
    (row,) = await database.fetch("select text, job_id from alerts")
    assert row["job_id"] == app.pipeline("slow").job(2).job_id
    assert (
        row["text"]
        == f"job {row['job_id']} should have ended by 2030-01-01 12:11 UTC; it is queued at work"
    )
    await run_until_idle(app, database)
    await each.watch()
    assert await alerts(database, "late_job") == [("slow", 2, False)]


async def test_a_late_running_job_alerts_but_one_in_review_does_not(
    database: Database, clock: Clock
) -> None:
    await clock.set(START)
    for status in ("running", "needs_review", "dead", "succeeded"):
        await database.fetch(
            "insert into runs (job_id, step, pipeline, status, expect_at, lease_until)"
            " values (%s, 'work', %s, %s, ledger_now() - interval '1 second', "
            "ledger_now() + interval '1 hour')",
            [status, status, status],
        )
    await watch_of(database, "app", one_step("p")).watch()
    assert await alerts(database, "late_job") == [("running", 1, True)]


async def test_runs_of_a_renamed_step_alert_after_five_minutes(
    database: Database, clock: Clock
) -> None:
    await clock.set(START)
    for job, pipeline, step in (("a", "p", "old"), ("b", "p", "work"), ("c", "theirs", "old")):
        await database.fetch(
            "insert into runs (job_id, step, pipeline) values (%s, %s, %s)", [job, step, pipeline]
        )
    each, other = (
        watch_of(database, "app", one_step("p")),
        watch_of(database, "other", one_step("q")),
    )
    await clock.move(290)
    await each.watch()
    assert await alerts(database, "parked") == []
    await clock.move(20)
    for _ in range(2):
        await each.watch()
        await other.watch()
    assert await alerts(database, "parked") == [("p/old", 1, True)]
    (row,) = await database.fetch("select text from alerts")
    assert row["text"].startswith("job a waits for the step old, which the code of p has no more")
    await database.fetch("delete from runs where job_id = 'a'")
    await each.watch()
    assert await alerts(database, "parked") == [("p/old", 1, False)]


@pytest.mark.parametrize(("jobs", "told"), [(9, []), (10, [("look 0 * * * * UTC", 1, True)])])
async def test_a_schedule_without_work_alerts_once_after_ten_jobs(
    database: Database, clock: Clock, jobs: int, told: list[Any]
) -> None:
    pipeline = Pipeline("look", on=[Cron("0 * * * *", input=lambda slot: int(slot.timestamp()))])
    empty = True

    @pipeline.step
    async def look(ctx: Ctx, moment: int) -> Any:
        return NoWork() if empty else moment

    app = App("app", [pipeline])
    each = Maintenance(app, Ledger(database))
    watcher = watch_of(database, "another", one_step("p"))

    async def hours(number: int) -> None:
        for _ in range(number):
            await clock.move(3600)
            await each.fire()
        await run_until_idle(app, database)

    await clock.set(START + timedelta(seconds=1))
    await each.fire()
    await hours(jobs)
    await asyncio.gather(
        *(watch_of(database, f"more{n}", one_step("p")).watch() for n in range(2)), watcher.watch()
    )
    assert await alerts(database, "zero_work") == told
    empty = False
    await hours(jobs)
    await watcher.watch()
    assert await alerts(database, "zero_work") == told
    await hours(24 - jobs)
    await watcher.watch()
    assert await alerts(database, "zero_work") == [
        (subject, count, False) for subject, count, _ in told
    ]


async def test_an_unreadable_schedule_does_not_stop_watching_others(
    database: Database, clock: Clock
) -> None:
    await clock.set(START)
    await keeper(
        database, "dead", one_step("a", Cron("0 4 * * *")), one_step("c", Cron("0 4 * * *"))
    ).fire()
    await database.fetch(
        "insert into schedules (app, pipeline, cron, timezone) values ('x', 'b', '* * * "
        "* *', 'Mars')"
    )
    await clock.set(SLOT + timedelta(minutes=6))
    await watch_of(database, "alive", one_step("p")).watch()
    found = await alerts(database, "missed_slot")
    assert sorted(subject for subject, _, _ in found) == ["a 0 4 * * * UTC", "c 0 4 * * * UTC"]


async def test_ticks_watch_once_a_minute_and_fire_before_they_watch(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = one_step("p", Cron("0 4 * * *"))
    await clock.set(START)
    await keeper(database, "app", pipeline).fire()
    await clock.set(SLOT + timedelta(hours=1))
    seconds, watches = [1000.0], []
    watch = WatchService.watch

    async def counted(service: WatchService) -> None:
        watches.append(seconds[0])
        await watch(service)

    monkeypatch.setattr(WatchService, "watch", counted)
    monkeypatch.setattr("overnight.engine.maintenance.time.monotonic", lambda: seconds[0])
    each = keeper(database, "app", pipeline)
    for moment in (1000.0, 1030.0, 1059.0, 1060.0, 1090.0):
        seconds[0] = moment
        await each.tick()
    assert watches == [1000.0, 1060.0]
    assert await alerts(database, "missed_slot") == []


async def test_the_command_shows_open_alerts_and_on_demand_all(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)

    async def run(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, cli, ["alerts", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    assert await run() == "No alert is open.\n"
    await clock.set(START)
    await keeper(database, "dead", one_step("report", Cron("0 4 * * *"))).fire()
    await clock.set(SLOT + timedelta(minutes=6))
    await watch_of(database, "alive", one_step("p")).watch()
    told = " ".join((await run()).split())
    assert "missed_slot report 0 4 * * * UTC 1" in told
    (alert,) = json.loads(await run("--json"))["alerts"]
    assert (alert["kind"], alert["subject"], alert["count"]) == (
        "missed_slot",
        "report 0 4 * * * UTC",
        1,
    )
    await Ledger(database).resolve_alerts("missed_slot", ["report 0 4 * * * UTC"])
    assert await run() == "No alert is open.\n"
    assert "missed_slot" in await run("--all")
