"""The golden signals are added up as time passes, by whichever worker comes first: no chart reads
all of `runs`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from overnight.observability.signals import SPANS
from overnight.pipelines.app import App
from overnight.pipelines.extensions import Extension, Service, Task
from overnight.store.database import Database
from overnight.store.sql import queries

# seconds after which nothing that ended is still to be written: twice the time limit of a statement
SETTLE = 120
# of one source that a portion adds up at most, some tenths of a second; or else it is five minutes
ROWS = 20_000
PORTIONS = 3  # statements that one tick may make; after an upgrade ten million rows take two hours


@dataclass(frozen=True, slots=True)
class Rollup(Extension):
    """Adds up the golden signals."""

    def service(self, app: App, database: Database) -> RollupService:
        return RollupService(database)


class RollupService(Service):
    """Two statements in five minutes; more only where there is more to catch up with."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next = 0.0

    def tasks(self) -> Sequence[Task]:
        return (Task("rollup", 0.0, self.tick),)

    async def tick(self) -> None:
        if time.monotonic() < self._next:
            return
        await sample(self._database)
        for _ in range(PORTIONS):
            again = await add(self._database)
            if again:
                self._next = time.monotonic() + again
                break


async def add(database: Database, rows: int = ROWS) -> float:
    """Add up one portion of what is settled; seconds until there is more to add, 0 where there is
    now.
    """
    params = {"settle": SETTLE, "limit": rows, "spans": list(SPANS), "days": list(SPANS.values())}
    (added,) = await database.fetch(queries["signals_add"], params)
    return float(added["again"])


async def sample(database: Database) -> None:
    """Note what waits, unless that was done in these five minutes."""
    await database.fetch(queries["signals_sample"], {"spans": list(SPANS)})
