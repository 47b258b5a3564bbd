"""Hints by NOTIFY: sent outside the writing transaction, since a notify in every commit serializes all writers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from overnight.database import Database, unavailable
from overnight.errors import LedgerUnavailable

CHANNEL = "overnight"
RECONNECT = 2.0  # seconds

log = structlog.get_logger()


async def hint(database: Database) -> None:
    """Tell every worker that something may be due."""
    await database.fetch("select pg_notify(%s, '')", [CHANNEL])


class Listener:
    """Passes hints on. The poll behind it makes a lost connection a matter of seconds, not of lost work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, wake: Callable[[], None]) -> None:
        """Listen until cancelled, on a connection of its own that is opened again when it breaks."""
        while True:
            try:
                with unavailable():
                    await self._listen(wake)
            except LedgerUnavailable as error:
                log.info("listener lost", error=str(error))
                await self._database.bring_back()  # the pool would wait out its timeout before it says so
            await asyncio.sleep(RECONNECT)

    async def _listen(self, wake: Callable[[], None]) -> None:
        async with await self._database.connect() as connection:
            await connection.execute(f"listen {CHANNEL}")
            wake()
            async for _ in connection.notifies():
                wake()
