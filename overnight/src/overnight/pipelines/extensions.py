"""Extensions: what an app has around the core, such as alerts, budgets or retention.

An extension is configuration; its service does the work beside one worker. The core calls the
services and knows none of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overnight.pipelines.app import App
    from overnight.store.database import Database


@dataclass(frozen=True, slots=True)
class Task:
    """Periodic work: `run` is called every so many seconds (0: at each tick of a worker, which
    makes at least two a minute), the first time after `delay` seconds.
    """

    name: str
    every: float
    run: Callable[[], Awaitable[object]]
    delay: float = 0.0


class Service:
    """What an extension does beside one worker. Each method may be left as it is."""

    async def start(self) -> None:
        """Called before the worker claims anything: write down what the app declares."""

    def tasks(self) -> Sequence[Task]:
        """Periodic work. An error in one is logged, and stops no other."""
        return ()

    def slot_fired(self, pipeline: str, slot: datetime, period: timedelta) -> None:
        """A schedule fired its slot (UTC); `period` is the time until its next one."""

    async def settle(self, within: float | None) -> None:
        """Wait for what was begun in the background, at most `within` seconds."""

    async def flush(self) -> None:
        """Called before a process ends that nobody will look after."""


class PeriodicWork:
    """What a worker does for all beside its steps: nothing, in the core alone."""

    async def start(self) -> None:
        """Called before the worker claims anything."""

    async def tick(self) -> float | None:
        """Do what is due. Seconds until there is a reason to call again, or None."""
        return None

    async def settle(self, within: float | None = None) -> None:
        """Wait for what was begun in the background, at most `within` seconds."""


class Extension:
    """Configuration of something around the core. It can be made without parameters, which is the
    default of apps that do not name it.
    """

    def service(self, app: App, database: Database) -> Service:
        """The service of one worker."""
        return Service()
