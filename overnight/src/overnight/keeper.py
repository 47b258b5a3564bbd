"""What any worker does between claims: rescue what dead workers held, fire the slots that are due."""

from __future__ import annotations

import structlog

from overnight.app import App
from overnight.ledger import Ledger
from overnight.policy import MAX_LOSSES

log = structlog.get_logger()

SETTLE = 1.0  # seconds between the two looks at a worker's lock that prove its death


class Keeper:
    """Single ticks, which a test can call; the worker's loop calls them in turn."""

    def __init__(self, app: App, ledger: Ledger, boot_id: str) -> None:
        self._app = app
        self._ledger = ledger
        self._boot_id = boot_id
        self._noted = False

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
        await self._note()
        waits = []
        for pipeline in self._app.pipelines.values():
            for cron in pipeline.crons():
                last, now = await self._ledger.read_schedule(pipeline.name, cron.expression, cron.timezone)
                slot = cron.due_slot(last, now)
                if slot is not None:
                    new = pipeline.job(cron.input(slot.astimezone(cron.zone)))
                    if await self._ledger.fire(cron.expression, cron.timezone, slot, new):
                        log.info("fired", job_id=new.job_id, pipeline=pipeline.name, slot=slot.isoformat())
                waits.append((cron.next_slot(now) - now).total_seconds())
        return min(waits, default=None)

    async def _note(self) -> None:
        if not self._noted:
            for pipeline in self._app.pipelines.values():
                for cron in pipeline.crons():
                    await self._ledger.note_schedule(pipeline.name, cron.expression, cron.timezone)
            self._noted = True
