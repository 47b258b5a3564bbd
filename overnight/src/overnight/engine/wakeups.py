"""Wake-ups: hints that something may be due, by NOTIFY. Losing one costs time only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from overnight.errors import LedgerUnavailable
from overnight.logs import log
from overnight.store.database import Database, unavailable
from overnight.store.ledger import CHANNEL

WORKER = "worker"  # what a hint says of a worker that has just signed in
RECONNECT = 2.0  # seconds
COALESCE = 1.0  # seconds between two hints of one worker
PROBE = 30.0  # seconds of silence after which a listener asks its connection whether it still lives
PROBE_LIMIT = 5.0  # seconds that the answer may take
# A hint that a crash takes along costs time alone, so nobody waits until it is on the disk.
HINT = "select set_config('synchronous_commit', 'off', true), pg_notify(%s, %s)"


async def hint(database: Database, what: str = "") -> None:
    """Tell every worker that something may be due, or that there is a new `WORKER`."""
    await database.fetch(HINT, [CHANNEL, what])


class Hints:
    """Hints of a busy worker to the others: many in a second are one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wanted = asyncio.Event()

    def send(self) -> None:
        """Say soon that there is more than one worker can take."""
        self._wanted.set()

    async def run(self) -> None:
        """Send what was asked for, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()  # before it is sent: what is asked for meanwhile is another one
            with suppress(LedgerUnavailable):
                await hint(self._database)
            await asyncio.sleep(COALESCE)


class Listener:
    """Passes hints on. It asks its connection now and then whether it lives; the poll is behind it
    all the same.
    """

    def __init__(self, database: Database, *, probe: float = PROBE) -> None:
        self._database = database
        self._probe = probe

    async def run(self, wake: Callable[[str], None]) -> None:
        """Listen until cancelled, on a connection of its own that is opened again when
        it breaks.
        """
        while True:
            try:
                with unavailable():
                    await self._listen(wake)
            except LedgerUnavailable as error:
                log.info("listener lost", error=str(error))
                # The pool would wait out its timeout before it says so.
                await self._database.bring_back()
            await asyncio.sleep(RECONNECT)

    async def _listen(self, wake: Callable[[str], None]) -> None:
        async with await self._database.connect() as connection:
            await connection.execute(f"listen {CHANNEL}")
            wake("")
            while True:
                async for notification in connection.notifies(timeout=self._probe):
                    wake(notification.payload)
                try:
                    async with asyncio.timeout(PROBE_LIMIT):
                        await connection.execute("select 1")
                except TimeoutError:
                    # A farewell would wait for an answer, and nobody answers.
                    connection.pgconn.finish()
                    raise LedgerUnavailable("the listener's connection does not answer") from None
