"""The dead are found by their free locks, and what they held is given back.

Each worker waits for the lock of its neighbour, the next one in the ring of boot ids: when the
neighbour dies, Postgres hands the lock over at once, and nobody has to poll for it. What closes no
socket is found by its lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg

from overnight.engine.decide import MAX_LOSSES
from overnight.errors import LedgerUnavailable
from overnight.logs import log
from overnight.store.database import Connection, Row, unavailable
from overnight.store.ledger import Ledger
from overnight.store.sql import queries

SETTLE = 1.0  # seconds between the two looks at a worker's lock that prove its death
# seconds that one statement waits: it keeps a snapshot, behind which vacuum cannot clean up
WAIT = 30.0
RECONNECT = 2.0  # seconds


class Rescuer:
    """Looks at the other workers whenever it is called, and waits for the death of one of them in
    between.
    """

    def __init__(
        self,
        ledger: Ledger,
        boot_id: str,
        *,
        steady: Callable[[], bool] = lambda: True,
        on_lost: Callable[[Row], None] = lambda row: None,
    ) -> None:
        self._steady = steady
        self._on_lost = on_lost
        self._ledger = ledger
        self._boot_id = boot_id
        self._neighbour: int | None = None
        self._changed = asyncio.Event()

    async def look(self) -> float | None:
        """Give back what dead owners held. Seconds until there is a reason to look again, or None
        without one.
        """
        found = await self._ledger.rescue(
            self._boot_id, max_losses=MAX_LOSSES, settle=SETTLE, judges_leases=self._steady()
        )
        for row in found.runs:
            told = {
                name: row[name] for name in ("job_id", "step", "pipeline", "key", "status", "error")
            }
            log.warning("rescued", **told)
            self._on_lost(row)
        if found.neighbour != self._neighbour:
            self._neighbour = found.neighbour
            self._changed.set()
        return found.again

    async def watch(self, tell: Callable[[], None]) -> None:
        """Tell when the neighbour's lock falls free, until cancelled; on a connection
        of its own.
        """
        while True:
            self._changed.clear()
            changed = asyncio.create_task(self._changed.wait())
            freed = asyncio.create_task(self._freed(self._neighbour))
            try:
                await asyncio.wait((changed, freed), return_when=asyncio.FIRST_COMPLETED)
                if freed.done() and not freed.result():
                    await asyncio.sleep(RECONNECT)
                elif freed.done():
                    self._neighbour = None  # the next look says who is the neighbour now
                    tell()
            finally:
                for task in (changed, freed):
                    task.cancel()
                await asyncio.gather(changed, freed, return_exceptions=True)

    async def _freed(self, lock_key: int | None) -> bool:
        """Wait until nobody holds the lock; False where the connection failed before."""
        if lock_key is None:
            return bool(await asyncio.Event().wait())  # for ever: there is no neighbour
        try:
            with unavailable():
                async with await self._ledger.database.connect() as connection:
                    await connection.execute(f"set statement_timeout = {WAIT * 1000:.0f}")
                    while not await _waited(connection, lock_key):
                        pass
        except LedgerUnavailable:
            return False
        return True


async def _waited(connection: Connection, lock_key: int) -> bool:
    try:
        await connection.execute(queries["worker_await"], {"lock_key": lock_key})
    except psycopg.errors.QueryCanceled:
        return False
    return True
