"""Which runs spawned others."""

from __future__ import annotations

from collections.abc import Sequence

from overnight.store.database import Database
from overnight.store.sql import queries


async def read(database: Database, ids: Sequence[int]) -> dict[int, tuple[str, str, int]]:
    """Of these runs those that a step spawned, each with the (job, step, attempt) that did."""
    rows = await database.fetch(queries["parents_read"], {"ids": list(ids)})
    return {row["id"]: (row["job_id"], row["step"], row["attempt"]) for row in rows}
