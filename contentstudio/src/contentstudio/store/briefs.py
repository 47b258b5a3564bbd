"""The briefs of articles. A brief is what the step `brief` gave, or what a person made of it: the
runs of its job keep it, and a table of its own would say the same once more.
"""

from __future__ import annotations

from contentstudio.brief import Brief
from contentstudio.store.sql import queries
from overnight.store.database import Database, Row


class Briefs:
    """The briefs of all jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def row(self, job_id: str) -> Row | None:
        """The brief of a job as stored (`brief`), where it is, and the digest that binds a decision
        to it; None for a job without one.
        """
        return await self._database.one(queries["brief_read"], {"job_id": job_id})

    async def read(self, job_id: str) -> Brief | None:
        """The brief that the article of a job is written by; None where there is none."""
        row = await self.row(job_id)
        return Brief.model_validate(row["brief"]) if row else None
