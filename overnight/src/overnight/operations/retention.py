"""Retention: of what ended long ago first the payloads go, at last the rows; by small batches that
workers share.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from overnight.errors import ConfigError
from overnight.logs import log
from overnight.pipelines.app import App
from overnight.pipelines.extensions import Extension, Service, Task
from overnight.store.database import Database
from overnight.store.sql import queries

BATCH = (
    200  # runs, each with all of its job, and rows of each other kind: some hundredths of a second
)
BATCHES = 3  # statements that one tick may make
MAX_KEEP = 36_500  # days
REST = 3_600.0  # seconds until the next look, where nothing was left


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many jobs lost their payloads, how many jobs went, and how many other rows were emptied
    or went.
    """

    emptied: int = 0
    gone: int = 0
    others: int = 0

    @property
    def total(self) -> int:
        return self.emptied + self.gone + self.others

    def __add__(self, more: Pruned) -> Pruned:
        return Pruned(self.emptied + more.emptied, self.gone + more.gone, self.others + more.others)


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days after its end a job is kept; what has not ended, or is dead or in review,
    is kept for ever.

    `payloads`: inputs, outputs, details of attempts, answers of models (an answer that went is paid
    for again). `ids`: the rows themselves. As long as they stand, the same work is not done again.
    Apps that share a ledger keep what the most patient of them wants.
    """

    payloads: float = 30.0
    ids: float = 400.0  # more than a year, so that a yearly job finds its predecessor

    def __post_init__(self) -> None:
        if not 0 < self.payloads <= self.ids <= MAX_KEEP:
            raise ConfigError(
                "payloads are kept for some days, and ids at least as long, up to "
                f"{MAX_KEEP:,}: not {self.payloads:g} "
                f"and {self.ids:g}"
            )


class Prune(Protocol):
    """Retention of an app's own tables, which goes on beside the engine's."""

    async def batch(self, database: Database, size: int) -> int:
        """Delete about so many rows of each kind that are past their time; how many. 0 where none
        is left.
        """
        ...

    async def count(self, database: Database) -> int:
        """How many rows are past their time. Changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Retention(Extension):
    """For how long ended jobs are kept. `prune` is the retention of the app's own tables."""

    keep: Keep = Keep()
    prune: Prune | None = None

    def service(self, app: App, database: Database) -> RetentionService:
        return RetentionService(app, database)


class RetentionService(Service):
    """A few batches in each tick as long as there is something to prune, else one statement an
    hour.
    """

    def __init__(self, app: App, database: Database) -> None:
        self._app = app
        self._database = database
        self._declared = False
        self._next_look = 0.0

    def tasks(self) -> Sequence[Task]:
        return (Task("retention", 0.0, self.tick),)

    async def tick(self) -> None:
        if not self._declared:
            await declare(self._database, self._app)
            self._declared = True
        pruned = Pruned()
        for _ in range(BATCHES):
            if time.monotonic() < self._next_look:
                break
            more = await batch(self._database, own=own_tables(self._app))
            pruned += more
            if not more.total:
                self._next_look = time.monotonic() + REST
        if pruned.total:
            log.info("pruned", **asdict(pruned))


def own_tables(app: App) -> Prune | None:
    """The retention of the app's own tables."""
    return app.extension(Retention).prune


async def declare(database: Database, app: App) -> None:
    """Write down what the app wants kept."""
    await database.fetch(queries["prune_declare"], _wanted(app))


async def batch(database: Database, size: int = BATCH, *, own: Prune | None = None) -> Pruned:
    """Prune once, an app's own tables too; nothing where nothing is past its time, or others have
    all of it in hand.
    """
    (row,) = await database.fetch(queries["prune"], {"batch": size})
    return Pruned(**row) + Pruned(others=await own.batch(database, size) if own else 0)


async def prune(
    database: Database,
    on_batch: Callable[[Pruned], None] = lambda pruned: None,
    *,
    own: Prune | None = None,
) -> Pruned:
    """Prune until nothing is left; `on_batch` is told of each batch."""
    pruned = Pruned()
    while (more := await batch(database, own=own)).total:
        on_batch(more)
        pruned += more
    return pruned


async def count(database: Database, app: App) -> Pruned:
    """How much is past its time, by what the app wants now. Reads whatever is old, and changes
    nothing.
    """
    (row,) = await database.fetch(queries["prune_count"], _wanted(app))
    own = own_tables(app)
    return Pruned(**row) + Pruned(others=await own.count(database) if own else 0)


def _wanted(app: App) -> dict[str, object]:
    return {"app": app.name, **asdict(app.extension(Retention).keep)}
