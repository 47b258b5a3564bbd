"""Open pages hear that something changed, as server-sent events. One look at the ledger serves all
who watch.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from overnight.errors import LedgerUnavailable
from overnight.store.database import Database
from overnight.store.sql import queries

LOOK_SECONDS = 2.0  # between two looks while anybody watches; nobody reads faster
PING_SECONDS = 15.0  # of silence, after which a proxy might think the line dead


class Live:
    """Looks at the ledger while somebody watches, and not otherwise."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers = 0
        self._changed = asyncio.Condition()
        self._count = 0
        self._task: asyncio.Task[None] | None = None

    async def events(self) -> AsyncIterator[str]:
        """One page's stream: `changed` after each change, and a comment now and then."""
        self._watchers += 1
        last_count: int | None = (
            None  # what changed since the page was made, or the line was lost, is told of at once
        )
        if self._task is None or self._task.done():
            self._task, last_count = (
                asyncio.create_task(self._look()),
                self._count,
            )  # its first look tells
        try:
            yield "retry: 3000\n\n"
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PING_SECONDS), self._changed:
                        await self._changed.wait_for(lambda: self._count != last_count)  # noqa: B023
                yield (
                    ": still here\n\n"
                    if last_count == self._count
                    else f"event: changed\ndata: {self._count}\n\n"
                )
                last_count = self._count
        finally:
            self._watchers -= 1

    async def _look(self) -> None:
        mark = ""
        while self._watchers:
            with contextlib.suppress(LedgerUnavailable):
                (row,) = await self._database.fetch(queries["changed"])
                if row["mark"] != mark:
                    mark = row["mark"]
                    async with self._changed:
                        self._count += 1
                        self._changed.notify_all()
            await asyncio.sleep(LOOK_SECONDS)
