"""What the database knows of breakers; `engine.breakers` decides about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from overnight.store.breaker_records import Breaker
from overnight.store.database import Database
from overnight.store.sql import queries


async def read(database: Database, names: Sequence[str]) -> tuple[dict[str, Breaker], datetime]:
    """What is known of these breakers, and the database's now."""
    rows = await database.fetch(queries["breaker_read"], {"names": list(names)})
    now = min(row.pop("now") for row in rows)
    breakers = (
        Breaker(**{**row, "errors": tuple(row["errors"])})
        for row in rows
        if row["version"] is not None
    )
    return {each.name: each for each in breakers}, now


async def write(
    database: Database, decided: Breaker, *, opens: bool, steps: Sequence[str] = ()
) -> bool:
    """Write what a breaker is now; False where somebody else wrote it since it was read.

    `steps` (`pipeline/step`) are behind it.
    """
    params = {**asdict(decided), "errors": list(decided.errors)}
    params |= {"opens": opens, "steps": list(steps)}
    return bool(await database.fetch(queries["breaker_write"], params))
