"""What runs wait for, and what they are given: rows beside `runs`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from overnight.store.database import Database, Row
from overnight.store.sql import queries
from overnight.store.wait_records import NewEvent


async def read(database: Database, run_id: int) -> Row | None:
    """What a run has waited for, with the event that it was given (`payload`: JSON text)."""
    return await database.one(queries["wait_read"], {"run_id": run_id})


async def children(database: Database, run_id: int) -> list[Row]:
    """The children of a join, in the order of spawning, each as its last run stands."""
    return await database.fetch(queries["wait_children"], {"run_id": run_id})


def as_json(events: Sequence[NewEvent]) -> str | None:
    """Events as statements take them; None where there are none."""
    return json.dumps([asdict(event) for event in events]) if events else None
