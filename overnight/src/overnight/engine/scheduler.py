"""The scheduler: fires the slots of an app's schedules, each once, however many workers do so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from overnight.error_classes import describe
from overnight.errors import LedgerUnavailable
from overnight.logs import clean, log
from overnight.pipelines.app import App
from overnight.pipelines.pipeline import Pipeline
from overnight.pipelines.triggers import AT_ONCE, COUNTED, Cron, span
from overnight.store.ledger import Ledger
from overnight.store.schedule_records import NewSchedule, Schedule, Skipped
from overnight.store.schedules import Schedules

ON_TIME = timedelta(minutes=1)  # lateness of a slot that is not worth a note
NOTE_LIMIT = 2_000  # characters of an error that are kept

Fired = Callable[[str, datetime, timedelta], None]


class Scheduler:
    """`on_fired` gets the pipeline of each slot that this one fired, the slot (UTC), and the time
    until the next one.
    """

    def __init__(
        self, app: App, ledger: Ledger, on_fired: Fired = lambda pipeline, slot, period: None
    ) -> None:
        self._app = app
        self._schedules = Schedules(ledger.database)
        self._on_fired = on_fired
        self._crons = {
            (pipeline.name, cron.expression, cron.timezone): (pipeline, cron)
            for pipeline in app.pipelines.values()
            for cron in pipeline.crons()
        }
        self._is_declared = False

    async def fire(self, moment: datetime | None = None) -> float | None:
        """Fire each slot that is due, once whoever else ticks too. Seconds until the next one.

        `moment` is what another clock says that it is, which may be ahead of the ledger's.
        """
        if not self._is_declared:
            await self._schedules.note(
                self._app.name, [declared(p.name, cron) for p, cron in self._crons.values()]
            )
            self._is_declared = True
        if not self._crons:
            return None
        waits = []
        for schedule in await self._schedules.read(self._app.name):
            ours = self._crons.get((schedule.pipeline, schedule.cron, schedule.timezone))
            if ours is not None:
                now = max(schedule.now, moment or schedule.now)
                waits.append(await self._fire_due(*ours, replace(schedule, now=now)))
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
            fired = await self._schedules.fire(schedule, slot, new, note)
        except LedgerUnavailable:
            raise
        except Exception as error:
            why = clean(describe(error))[:NOTE_LIMIT]
            log.error("slot not fired", pipeline=pipeline.name, slot=slot.isoformat(), error=why)
            text = (
                f"the slot of {_utc(slot)} cannot be fired: {why}; mend it, then start the "
                "job by hand"
            )
            return await self._schedules.skip(schedule, Skipped(1, slot, why), "failed", text)
        if fired:
            self._on_fired(pipeline.name, slot, cron.next_slot(slot) - slot)
            log.info("fired", job_id=new.job_id, pipeline=pipeline.name, slot=slot.isoformat())
        return fired

    async def _skip(self, schedule: Schedule, skipped: Skipped) -> None:
        """Let slots go, and say so, unless somebody else did."""
        number = f"at least {COUNTED}" if skipped.count == COUNTED else str(skipped.count)
        slots = "slot was" if skipped.count == 1 else "slots were"
        text = f"{number} {slots} not fired, the latest of {_utc(skipped.latest)}: {skipped.why}"
        if await self._schedules.skip(schedule, skipped, "skipped", text):
            log.warning(
                "slots skipped", pipeline=schedule.pipeline, count=skipped.count, why=skipped.why
            )


def declared(pipeline: str, cron: Cron) -> NewSchedule:
    return NewSchedule(pipeline, cron.expression, cron.timezone, cron.catch_up, cron.grace)


def _utc(slot: datetime) -> str:
    return f"{slot:%Y-%m-%d %H:%M} UTC"
