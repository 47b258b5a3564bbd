"""What any worker does now and then: fire due slots, watch over what nobody else would miss, tell
people, prune.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from overnight.alerts.delivery import Delivery
from overnight.alerts.monitor import Monitor
from overnight.error_classes import describe
from overnight.errors import ConfigError, LedgerUnavailable
from overnight.logs import clean, log
from overnight.observability import report
from overnight.observability.rollup import Rollup
from overnight.operations.retention import Retention
from overnight.pipelines.app import App
from overnight.pipelines.pipeline import Pipeline
from overnight.pipelines.triggers import AT_ONCE, COUNTED, Cron, Skipped, span, zero_work
from overnight.store.ledger import Ledger
from overnight.store.records import Alert, Schedule
from overnight.store.sql import queries

WATCH = 60.0  # seconds between two watches
PARKED = (
    300.0  # seconds after which a run is told of that is due at a step which the app has no more
)
JUDGE = 300.0  # seconds between two judgements of the golden signals, which are added up as often
UNUSUAL = (
    "cost",
    "latency",
    "errors",
    "retries",
    "saturation",
)  # alerts that stand as long as the signals say so
ADVISE = timedelta(days=1)  # between two judgements of what the schedules find
ON_TIME = timedelta(minutes=1)  # lateness of a slot that is not worth a note
NIGHTLY = timedelta(
    hours=6
)  # to its next slot: what fires more often has no begin that a monitor should hear of
NOTE_LIMIT = 2_000  # characters of an error that are kept


class Keeper:
    """Single ticks, which a test can call; the worker's loop calls them in turn."""

    def __init__(self, app: App, ledger: Ledger) -> None:
        self._app = app
        self._ledger = ledger
        self._crons = {
            (pipeline.name, cron.expression, cron.timezone): (pipeline, cron)
            for pipeline in app.pipelines.values()
            for cron in pipeline.crons()
        }
        self._noted = False
        self._next_watch = 0.0
        self._next_judgement = (
            time.monotonic() + JUDGE
        )  # until then nothing is added up that is new
        self._delivery = Delivery(app.name, app.alerts, ledger.database)
        self._monitor = Monitor(app.name, app.alerts, ledger.database)
        self._retention = Retention(app, ledger.database)
        self._rollup = Rollup(ledger.database)
        self._advised: datetime | None = None

    async def tick(self) -> float | None:
        """Fire, now and then watch, tell, prune and add up. Seconds until there is a reason to look
        again, or None.
        """
        again = await self.fire()
        if time.monotonic() >= self._next_watch:
            await self.watch()
            self._next_watch = time.monotonic() + WATCH
        if time.monotonic() >= self._next_judgement:
            await self.judge()
            self._next_judgement = time.monotonic() + JUDGE
        await self._delivery.tick()
        await self._monitor.tick()
        await self._retention.tick()
        await self._rollup.tick()
        return again

    async def fire(self, moment: datetime | None = None) -> float | None:
        """Fire each slot that is due, once whoever else ticks too. Seconds until the next one.

        `moment` is what another clock says that it is, which may be ahead of the ledger's.
        """
        if not self._noted:
            await self._ledger.note_schedules(
                self._app.name, [(p.name, cron) for p, cron in self._crons.values()]
            )
            self._noted = True
        if not self._crons:
            return None
        waits = []
        for schedule in await self._ledger.read_schedules(self._app.name):
            known = self._crons.get((schedule.pipeline, schedule.cron, schedule.timezone))
            if known is not None:
                now = max(schedule.now, moment or schedule.now)
                waits.append(await self._fire_due(*known, replace(schedule, now=now)))
        return min(waits, default=None)

    async def _fire_due(self, pipeline: Pipeline, cron: Cron, schedule: Schedule) -> float:
        """One schedule, as far as nobody else has it in hand. Seconds until its next slot."""
        due = cron.due(schedule.last_slot, schedule.now)
        wait = (
            (cron.next_slot(schedule.now) - schedule.now).total_seconds()
            if len(due.fire) < AT_ONCE
            else 0.0
        )
        if due.skipped is not None:
            await self._skip(schedule, due.skipped)
            schedule = replace(schedule, last_slot=due.skipped.latest)
        for slot in due.fire:
            if not await self._fire_slot(pipeline, cron, schedule, slot):
                return wait
            schedule = replace(schedule, last_slot=slot)
        return wait

    async def _fire_slot(
        self, pipeline: Pipeline, cron: Cron, schedule: Schedule, slot: datetime
    ) -> bool:
        """Fire one slot; where that cannot be done say so, and go on. False where somebody else was
        first.
        """
        late = schedule.now - slot
        note = f"{span(late)} late" if late > ON_TIME else None
        try:
            origin = f"cron {cron.expression} {cron.timezone}"
            new = pipeline.job(cron.input(slot.astimezone(cron.zone)), origin=origin)
            fired = await self._ledger.fire(schedule, slot, new, note)
        except LedgerUnavailable:
            raise
        except Exception as error:
            why = clean(describe(error))[:NOTE_LIMIT]
            log.error("slot not fired", pipeline=pipeline.name, slot=slot.isoformat(), error=why)
            text = (
                f"the slot of {_utc(slot)} cannot be fired: {why}; mend it, then start the "
                "job by hand"
            )
            return await self._ledger.skip(schedule, Skipped(1, slot, why), "failed", text)
        if fired:
            if cron.next_slot(slot) - slot >= NIGHTLY:
                self._monitor.start(f"{pipeline.name} of {_utc(slot)} begins")
            log.info("fired", job_id=new.job_id, pipeline=pipeline.name, slot=slot.isoformat())
        return fired

    async def _skip(self, schedule: Schedule, skipped: Skipped) -> None:
        """Let slots go, and say so, unless somebody else did."""
        number = f"at least {COUNTED}" if skipped.count == COUNTED else str(skipped.count)
        slots = "slot was" if skipped.count == 1 else "slots were"
        text = f"{number} {slots} not fired, the latest of {_utc(skipped.latest)}: {skipped.why}"
        if await self._ledger.skip(schedule, skipped, "skipped", text):
            log.warning(
                "slots skipped", pipeline=schedule.pipeline, count=skipped.count, why=skipped.why
            )

    async def flush(self) -> None:
        """Look and tell once more how all stands: for a process that ends, after which
        nobody does.
        """
        await self.watch()
        await self.judge()
        await self._delivery.flush()
        await self._monitor.flush()

    async def settle(self, within: float | None = None) -> None:
        """Wait until what is being sent is sent: for a process that may be stopped at any moment
        after.

        `within` are seconds. A message whose outcome is not written down would come twice.
        """
        await self._delivery.settle(within)

    async def watch(self) -> None:
        """Tell of what fails by not happening, of what waits for a person, and of what
        is unusual.
        """
        schedules = await self._ledger.read_schedules()
        missed = [alert for schedule in schedules if (alert := _missed(schedule))]
        if missed:
            await self._ledger.tell_missed(missed)
        steps = [f"{pipeline}/{step}" for pipeline, step in self._app.steps()]
        await self._ledger.tell_waiting(list(self._app.pipelines), steps, parked=PARKED)
        await self._advise(schedules)
        await self._ledger.database.fetch(queries["alert_watch"])

    async def judge(self) -> None:
        """Keep the alerts of what is unusual in the golden signals."""
        found = await report.anomalies(self._ledger.database)
        columns = {
            name: [getattr(each, name) for each in found] for name in ("kind", "subject", "text")
        }
        await self._ledger.database.fetch(
            queries["alert_keep"], {"kinds": list(UNUSUAL), **columns}
        )

    async def _advise(self, schedules: Sequence[Schedule]) -> None:
        """Once a day: which schedules had better be events."""
        if not schedules or (
            self._advised is not None and schedules[0].now - self._advised < ADVISE
        ):
            return
        judged = await self._ledger.judge_schedules()
        told = [(row, zero_work(row["nothing"], row["ended"])) for row in judged]
        alerts = [
            Alert("zero_work", "{pipeline} {cron} {timezone}".format_map(row), f"it {text}")
            for row, text in told
            if text
        ]
        await self._ledger.advise(alerts)
        self._advised = schedules[0].now


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
        f"the slot of {_utc(slot)} was neither fired nor skipped: does a worker of "
        f"{schedule.app} run?"
    )
    return Alert("missed_slot", schedule.subject, text)


def _utc(slot: datetime) -> str:
    return f"{slot:%Y-%m-%d %H:%M} UTC"
