"""Every query of the application is prepared against the real schema."""

from __future__ import annotations

from pathlib import Path

import psycopg

import contentstudio
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


def test_each_query_is_asked_by_somebody() -> None:
    root = Path(contentstudio.__file__).parent
    texts = "".join(path.read_text("utf-8") for path in root.rglob("*.py"))
    unused = {verb for verb in queries.verbs() if f'"{verb}"' not in texts}
    assert unused <= {
        "topic_keep",
        "verdicts_read",
    }  # to be deleted with their tables' repositories
