"""What any worker does between claims: rescue what dead workers held, fire the slots that are due."""

from __future__ import annotations

import structlog

from overnight.app import App
from overnight.errors import LedgerUnavailable
from overnight.ledger import Ledger
from overnight.pipeline import Pipeline
from overnight.policy import MAX_LOSSES, describe
from overnight.triggers import Cron

log = structlog.get_logger()

SETTLE = 1.0  # seconds between the two looks at a worker's lock that prove its death


class Keeper:
    """Single ticks, which a test can call; the worker's loop calls them in turn."""

    def __init__(self, app: App, ledger: Ledger, boot_id: str) -> None:
        self._app = app
        self._ledger = ledger
        self._boot_id = boot_id
        self._noted: set[tuple[str, str, str, str]] = set()

    async def tick(self) -> float | None:
        """Rescue, then fire. Seconds until there is a reason to look again, or None without one."""
        missing = await self.rescue()
        next_slot = await self.fire()
        return min(SETTLE, next_slot or SETTLE) if missing else next_slot

    async def rescue(self) -> bool:
        """Give back what dead owners held. True where somebody is missing who may yet sign in again."""
        rows = await self._ledger.rescue(self._boot_id, max_losses=MAX_LOSSES, settle=SETTLE)
        for row in rows:
            if row["missing"] is None:
                told = {name: row[name] for name in ("job_id", "step", "pipeline", "key", "status", "error")}
                log.warning("rescued", **told)
        return any(row["missing"] for row in rows)

    async def fire(self) -> float | None:
        """Fire each schedule's slot that is due, once whoever else ticks too. Seconds until the next one."""
        schedules = [(pipeline, cron) for pipeline in self._app.pipelines.values() for cron in pipeline.crons()]
        return min([await self._fire(pipeline, cron) for pipeline, cron in schedules], default=None)

    async def _fire(self, pipeline: Pipeline, cron: Cron) -> float:
        """One schedule. A slot that cannot be fired is said, and stops nothing else."""
        name = (self._app.name, pipeline.name, cron.expression, cron.timezone)
        if name not in self._noted:
            await self._ledger.note_schedule(*name)
            self._noted.add(name)
        last, now = await self._ledger.read_schedule(*name)
        slot = cron.due_slot(last, now)
        if slot is not None:
            try:
                new = pipeline.job(cron.input(slot.astimezone(cron.zone)))
                if await self._ledger.fire(self._app.name, cron.expression, cron.timezone, slot, new):
                    log.info("fired", job_id=new.job_id, pipeline=pipeline.name, slot=slot.isoformat())
            except LedgerUnavailable:
                raise
            except Exception as error:
                log.error("slot not fired", pipeline=pipeline.name, slot=slot.isoformat(), error=describe(error))
                await self._ledger.skip(*name, slot)
        return (cron.next_slot(now) - now).total_seconds()
