"""Two sessions of one database, of which one waits for the open transaction of the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

from overnight.store.database import Connection, Database, Row
from overnight.store.database import run as run_on
from overnight.store.ledger import Ledger

T = TypeVar("T")

WAITS = "select 1 from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"


class Pinned:
    """A ledger's database that is one connection, so that its transaction can be left open."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def fetch(self, sql: str, params: Any = ()) -> list[Row]:
        return await run_on(self.connection, sql, params)


def pinned(connection: Connection) -> Ledger:
    return Ledger(cast(Database, Pinned(connection)))


async def beside(database: Database, first: Connection, second: Connection, act: Awaitable[T]) -> T:
    """What comes of an act of the second session, which waits until the first one commits."""
    task = asyncio.ensure_future(act)
    while not task.done() and not await database.fetch(WAITS, [second.info.backend_pid]):
        await asyncio.sleep(0)
    assert not task.done(), "they did not meet"
    await first.execute("commit")
    return await task
