"""What any worker does between claims: rescue what dead workers held, fire the slots that are due."""

from __future__ import annotations

import structlog

from overnight.app import App
from overnight.ledger import Ledger
from overnight.policy import MAX_LOSSES

log = structlog.get_logger()

SETTLE = 10.0  # seconds after a server start in which a free lock proves nothing: workers are still signing in again


class Keeper:
    """Single ticks, which a test can call; the worker's loop calls them in turn."""

    def __init__(self, app: App, ledger: Ledger, boot_id: str) -> None:
        self._app = app
        self._ledger = ledger
        self._boot_id = boot_id
        self._noted = False

    async def tick(self) -> float | None:
        """Rescue, then fire. Seconds until the next slot, or None without a schedule."""
        await self.rescue()
        return await self.fire()

    async def rescue(self) -> int:
        """Give back what dead owners held; how many runs."""
        rows = await self._ledger.rescue(self._boot_id, max_losses=MAX_LOSSES, settle=SETTLE)
        for row in rows:
            log.warning(
                "rescued", **{name: row[name] for name in ("job_id", "step", "pipeline", "key", "status", "error")}
            )
        return len(rows)

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
