"""Maintenance: the periodic work that any worker does for all, as extensions register it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from overnight.engine.scheduler import Scheduler
from overnight.error_classes import describe
from overnight.errors import LedgerUnavailable
from overnight.logs import clean, log
from overnight.pipelines.app import App
from overnight.pipelines.extensions import PeriodicWork, Task
from overnight.store.ledger import Ledger


class Maintenance(PeriodicWork):
    """Single ticks, which a test can call; the worker's loop calls them in turn."""

    def __init__(self, app: App, ledger: Ledger) -> None:
        self._services = [each.service(app, ledger.database) for each in app.extensions]
        self._scheduler = Scheduler(app, ledger, self._slot_fired)
        tasks = [task for service in self._services for task in service.tasks()]
        self._next = {task: time.monotonic() + task.delay for task in tasks}

    async def start(self) -> None:
        """Let each service write down what the app declares. Raises what they raise."""
        for service in self._services:
            await service.start()

    async def tick(self) -> float | None:
        """Fire slots, and run the tasks whose time has come. Seconds until the next slot, or None.

        Raises `LedgerUnavailable`; any other error of a task is logged, and stops no other task.
        """
        next_slot = await self.fire()
        for task, moment in list(self._next.items()):
            if time.monotonic() >= moment:
                await _run(task)
                self._next[task] = time.monotonic() + task.every
        return next_slot

    async def fire(self, moment: datetime | None = None) -> float | None:
        """Fire what is due; see `Scheduler.fire`."""
        return await self._scheduler.fire(moment)

    async def settle(self, within: float | None = None) -> None:
        """Wait for what services began in the background: for a process that may be stopped at any
        moment after. `within` are seconds.
        """
        for service in self._services:
            await service.settle(within)

    async def flush(self) -> None:
        """Let each service do its last: for a process that ends, after which nobody does."""
        for service in self._services:
            await service.flush()

    def _slot_fired(self, pipeline: str, slot: datetime, period: timedelta) -> None:
        for service in self._services:
            service.slot_fired(pipeline, slot, period)


async def _run(task: Task) -> None:
    try:
        await task.run()
    except LedgerUnavailable:
        raise
    except Exception as error:
        log.error("a periodic task failed", task=task.name, error=clean(describe(error)))
