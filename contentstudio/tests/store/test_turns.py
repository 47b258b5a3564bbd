"""One at a time writes under a slug, over all workers."""

from __future__ import annotations

import pytest

from contentstudio.store.publications import PublishLocks
from overnight.errors import LedgerUnavailable
from overnight.store.database import Database


async def test_only_one_worker_at_a_time_has_the_turn_of_a_slug(database: Database) -> None:
    one, other = PublishLocks(database), PublishLocks(database)
    try:
        async with one.take("garden", "compost") as mine:
            assert mine is not None
            async with other.take("garden", "compost") as theirs:
                assert theirs is None
            async with other.take("garden", "mulch") as theirs:
                assert theirs is not None
        async with other.take("garden", "compost") as theirs:
            assert theirs is not None
    finally:
        await one.aclose()
        await other.aclose()


async def test_a_turn_whose_session_is_lost_permits_nothing(database: Database) -> None:
    turns = PublishLocks(database)
    try:
        async with turns.take("garden", "compost") as mine:
            assert mine is not None
            await mine.check()
            await database.fetch(
                "select pg_terminate_backend(pid) from pg_locks where locktype = "
                "'advisory' and objsubid = 2 "
                "and database = (select oid from pg_database where datname = current_database())"
            )
            with pytest.raises(LedgerUnavailable):
                await mine.check()
        async with turns.take("garden", "compost") as again:
            assert again is not None
    finally:
        await turns.aclose()
