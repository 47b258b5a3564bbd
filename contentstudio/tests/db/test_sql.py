"""Every query of the application is prepared against the real schema."""

from __future__ import annotations

import pytest

from contentstudio.sql import queries
from overnight.database import Database
from overnight.testing import numbered


@pytest.mark.parametrize("verb", queries.verbs())
async def test_query_fits_the_schema(database: Database, verb: str) -> None:
    async with await database.connect() as connection:
        await connection.execute(f"prepare q as {numbered(queries[verb])}")
