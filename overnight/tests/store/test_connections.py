"""A connection of the pool is given, taken back, and waited for."""

from __future__ import annotations

import asyncio

import pytest

from overnight.store.database import Database

SLOW = "select pg_sleep(60)"


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancellation_that_comes_with_a_connection_is_kept(
    database: Database, turns: int
) -> None:
    """However many turns of the event loop lie between the two."""
    async with Database(database.url, size=1) as small:
        async with small.connection():
            waiting = asyncio.create_task(small.fetch(SLOW))
            await _waited_for(small)
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        done, _ = await asyncio.wait([waiting], timeout=20)
        assert done, "the cancellation is lost: the statement goes on"
        assert waiting.cancelled()


async def _waited_for(database: Database) -> None:
    assert database._pool is not None
    while not database._pool.get_stats().get("requests_waiting"):
        await asyncio.sleep(0)
