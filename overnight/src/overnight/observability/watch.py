"""The watch: alerts about what fails by not happening, and about what is unusual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from overnight.errors import ConfigError
from overnight.logs import log
from overnight.observability import report
from overnight.observability.schedule_advice import zero_work
from overnight.pipelines.app import App
from overnight.pipelines.extensions import Extension, Service, Task
from overnight.pipelines.triggers import Cron
from overnight.store.database import Database
from overnight.store.ledger import Ledger, columns
from overnight.store.records import Alert
from overnight.store.schedule_records import Schedule
from overnight.store.schedules import Schedules
from overnight.store.sql import queries

WATCH = 60.0  # seconds between two watches
PARKED = 300.0  # seconds after which a run is an alert that is due at a step which no app has
JUDGE = 300.0  # seconds between two looks at the golden signals, which are added up as often
# alerts that stand as long as the signals are unusual
UNUSUAL = ("cost", "latency", "errors", "retries", "saturation")
ADVISE = timedelta(days=1)  # between two looks at what the schedules find


@dataclass(frozen=True, slots=True)
class Watch(Extension):
    """Watches schedules, late jobs, unknown steps and the golden signals."""

    def service(self, app: App, database: Database) -> WatchService:
        return WatchService(app, Ledger(database))


class WatchService(Service):
    def __init__(self, app: App, ledger: Ledger) -> None:
        self._app = app
        self._ledger = ledger
        self._schedules = Schedules(ledger.database)
        self._advised_at: datetime | None = None

    def tasks(self) -> Sequence[Task]:
        return (
            Task("watch", WATCH, self.watch),
            Task("anomalies", JUDGE, self.judge, delay=JUDGE),  # until then no sum is new
        )

    async def flush(self) -> None:
        await self.watch()
        await self.judge()

    async def watch(self) -> None:
        """Raise alerts of missed slots, late jobs and unknown steps, and resolve those that are
        over.
        """
        schedules = await self._schedules.read()
        missed = [alert for schedule in schedules if (alert := _missed(schedule))]
        if missed:
            await self._fetch("slot_missed", columns(missed, "subject", "text"))
        steps = [f"{pipeline}/{step}" for pipeline, step in self._app.steps()]
        pipelines = list(self._app.pipelines)
        await self._fetch(
            "late_jobs_and_parked", {"pipelines": pipelines, "steps": steps, "parked": PARKED}
        )
        await self._advise(schedules)
        await self._fetch("alert_watch")

    async def judge(self) -> None:
        """Keep the alerts of what is unusual in the golden signals, and no others of these."""
        anomalies = await report.anomalies(self._ledger.database)
        alerts = [Alert(each.kind, each.subject, each.text) for each in anomalies]
        await self._ledger.keep_alerts(UNUSUAL, alerts)

    async def _advise(self, schedules: Sequence[Schedule]) -> None:
        """Once a day: which schedules had better be events."""
        if not schedules or (
            self._advised_at is not None and schedules[0].now - self._advised_at < ADVISE
        ):
            return
        judged = await self._schedules.judge()
        advice = [(row, zero_work(row["nothing"], row["ended"])) for row in judged]
        alerts = [
            Alert("zero_work", "{pipeline} {cron} {timezone}".format_map(row), f"it {text}")
            for row, text in advice
            if text
        ]
        await self._fetch("schedule_advise", columns(alerts, "subject", "text"))
        self._advised_at = schedules[0].now

    async def _fetch(self, verb: str, params: Mapping[str, object] | None = None) -> None:
        await self._ledger.database.fetch(queries[verb], params or {})


def _missed(schedule: Schedule) -> Alert | None:
    """The alert of a slot that should have been fired or skipped by now, whoever should have done
    it.
    """
    try:
        slot = Cron(schedule.cron, schedule.timezone).overdue(schedule.last_slot, schedule.now)
    except ConfigError as error:  # another app's, on a machine that knows more
        log.warning(
            "schedule cannot be watched",
            pipeline=schedule.pipeline,
            app=schedule.app,
            error=str(error),
        )
        return None
    if slot is None:
        return None
    text = (
        f"the slot of {slot:%Y-%m-%d %H:%M} UTC was neither fired nor skipped: does a worker of "
        f"{schedule.app} run?"
    )
    return Alert("missed_slot", schedule.subject, text)
