"""Retention of the studio's own tables: texts that no article stands on, what gates said, places in
days long gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from contentstudio.store.sql import queries
from overnight.store.database import Database


@dataclass(frozen=True, slots=True)
class Retention:
    """Lets go of what is older than so many days, but of nothing that a published or unfinished
    article stands on.
    """

    days: float

    async def batch(self, database: Database, size: int) -> int:
        """Let about so many rows of each kind go; how many went."""
        (row,) = await database.fetch(queries["prune"], {"days": self.days, "batch": size})
        return int(row["gone"])

    async def count(self, database: Database) -> int:
        """How many rows are past their time. Changes nothing."""
        (row,) = await database.fetch(queries["prune_count"], {"days": self.days})
        return int(row["gone"])
