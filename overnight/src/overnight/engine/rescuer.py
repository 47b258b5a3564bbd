"""Rescues the runs of dead workers, which are recognized by their free locks.

Each worker waits for the lock of its neighbour, the next one in the ring of boot ids: when the
neighbour dies, Postgres hands the lock over at once, and nobody has to poll for it. Where a death
closes no socket the lease ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg

from overnight.engine.decide import MAX_LOSSES
from overnight.errors import LedgerUnavailable
from overnight.logs import log
from overnight.store.database import Connection, Row, unavailable
from overnight.store.ledger import Ledger, await_worker

SETTLE = 1.0  # seconds between the two looks at a worker's lock that prove its death
# seconds that one statement waits: it keeps a snapshot, behind which vacuum cannot clean up
WAIT = 30.0
RECONNECT = 2.0  # seconds
LOGGED = ("job_id", "step", "pipeline", "key", "status", "error")


class Rescuer:
    """Looks at the other workers whenever it is called, and waits in between for the death of one.

    `steady()` says whether leases may be judged, `on_rescued` is called with each row of a run.
    """

    def __init__(
        self,
        ledger: Ledger,
        boot_id: str,
        *,
        steady: Callable[[], bool] = lambda: True,
        on_rescued: Callable[[Row], None] = lambda row: None,
    ) -> None:
        self._steady = steady
        self._on_rescued = on_rescued
        self._ledger = ledger
        self._boot_id = boot_id
        self._neighbour: int | None = None
        self._changed = asyncio.Event()

    async def look(self) -> float | None:
        """Make the runs of dead owners due again. Seconds until there is a reason to look again, or
        None.
        """
        rescue = await self._ledger.rescue(
            self._boot_id, max_losses=MAX_LOSSES, settle=SETTLE, judges_leases=self._steady()
        )
        for row in rescue.runs:
            log.warning("rescued", **{name: row[name] for name in LOGGED})
            self._on_rescued(row)
        if rescue.neighbour != self._neighbour:
            self._neighbour = rescue.neighbour
            self._changed.set()
        return rescue.again

    async def watch(self, on_free: Callable[[], None]) -> None:
        """Call when the neighbour's lock is free, until cancelled; on a connection of its own."""
        while True:
            self._changed.clear()
            changed = asyncio.create_task(self._changed.wait())
            free = asyncio.create_task(self._wait_until_free(self._neighbour))
            try:
                await asyncio.wait((changed, free), return_when=asyncio.FIRST_COMPLETED)
                if free.done() and not free.result():
                    await asyncio.sleep(RECONNECT)
                elif free.done():
                    self._neighbour = None  # until the next look says who it is now
                    on_free()
            finally:
                for task in (changed, free):
                    task.cancel()
                await asyncio.gather(changed, free, return_exceptions=True)

    async def _wait_until_free(self, lock_key: int | None) -> bool:
        """Wait until nobody holds the lock; False where the connection failed before."""
        if lock_key is None:
            return await asyncio.Event().wait()  # for ever: there is no neighbour
        try:
            with unavailable():
                async with await self._ledger.database.connect() as connection:
                    await connection.execute(f"set statement_timeout = {WAIT * 1000:.0f}")
                    while not await _wait_for_lock(connection, lock_key):
                        pass
        except LedgerUnavailable:
            return False
        return True


async def _wait_for_lock(connection: Connection, lock_key: int) -> bool:
    try:
        await await_worker(connection, lock_key)
    except psycopg.errors.QueryCanceled:
        return False
    return True
