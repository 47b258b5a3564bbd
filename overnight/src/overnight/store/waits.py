"""What runs wait for, and what they are given: rows beside `runs`."""

from __future__ import annotations

from overnight.store.database import Database, Row
from overnight.store.sql import queries


async def read(database: Database, run_id: int) -> Row | None:
    """What a run has waited for, with the event that it was given (`payload`: JSON text)."""
    return await database.one(queries["wait_read"], {"run_id": run_id})


async def children(database: Database, run_id: int) -> list[Row]:
    """The children of a join, in the order of spawning, each as its last run stands."""
    return await database.fetch(queries["wait_children"], {"run_id": run_id})
