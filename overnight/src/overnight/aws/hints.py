"""Hints to workers that may not listen: the port, and NOTIFY as its adapter for those that do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from overnight.engine.wakeups import hint
from overnight.errors import LedgerUnavailable
from overnight.store.database import Database


@dataclass(frozen=True, slots=True)
class Hint:
    """Something is due in `delay` seconds. The names are for people who look into a queue, and for
    nothing else.
    """

    delay: float = 0.0
    pipeline: str = ""
    step: str = ""
    key: str = ""
    job_id: str = ""


class Transport(Protocol):
    """Carries hints. One that is lost or doubled costs time, never correctness; so a failure is
    logged, not raised.
    """

    async def send(self, hints: Sequence[Hint]) -> None:
        """Wake somebody for each of these."""
        ...


class Notify:
    """The port, for workers that listen: however many hints there are, one makes all of
    them look.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, hints: Sequence[Hint]) -> None:
        """A listener learns from the ledger itself when the next run is due."""
        with suppress(LedgerUnavailable):
            if hints:
                await hint(self._database)
