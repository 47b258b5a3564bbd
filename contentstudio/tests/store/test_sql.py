"""Every query of the application is prepared against the real schema."""

from __future__ import annotations

import psycopg

from contentstudio.store.sql import queries
from overnight.store.database import Database
from overnight.testing import numbered


async def test_every_query_fits_the_schema(database: Database) -> None:
    faults = {}
    async with await database.connect() as connection:
        for number, verb in enumerate(queries.verbs()):
            try:
                await connection.execute(f"prepare q{number} as {numbered(queries[verb])}")
            except psycopg.Error as fault:
                faults[verb] = str(fault)
    assert faults == {}
