"""Every query is prepared against the real schema, so that a misspelt column fails here and not at
night.
"""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from overnight.errors import ConfigError
from overnight.store.database import Database
from overnight.store.migrations import migrate
from overnight.store.sql import SqlFolder, queries
from overnight.testing import numbered

NOT_PREPARABLE = {"migrations_table"}  # CREATE TABLE cannot be prepared


async def test_every_query_fits_the_schema(database: Database) -> None:
    faults = {}
    async with await database.connect() as connection:
        for number, verb in enumerate(sorted({*queries.verbs()} - NOT_PREPARABLE)):
            try:
                await connection.execute(f"prepare q{number} as {numbered(queries[verb])}")
            except psycopg.Error as fault:
                faults[verb] = str(fault)
    assert faults == {}


async def test_three_starters_apply_each_migration_once(server_url: str) -> None:
    from overnight.testing import _at

    async with await Database(server_url).connect() as admin:
        await admin.execute("create database three_starters")
        try:
            url = _at(server_url, "three_starters")
            applied = await asyncio.gather(*(migrate(Database(url)) for _ in range(3)))
        finally:
            await admin.execute("drop database three_starters with (force)")
    total = len(list(queries.migrations()))
    assert sorted(len(names) for names in applied) == [0, 0, total]


async def test_a_migration_that_changed_after_it_was_applied_is_an_error(
    database: Database,
) -> None:
    class Changed(SqlFolder):
        def migrations(self):  # type: ignore[no-untyped-def]
            yield 1, "ledger", "select 1"

    with pytest.raises(ConfigError, match="was changed after it was applied"):
        await migrate(database, Changed("overnight"))
