"""What each gate said of each draft."""

from __future__ import annotations

from collections.abc import Sequence

from contentstudio.model import Verdict
from contentstudio.store.sql import queries
from overnight.store.database import Database, Row


class Verdicts:
    """The verdicts of all jobs, by attempt and rewrite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self, job_id: str, attempt: int, rewrite: int, verdicts: Sequence[Verdict]
    ) -> None:
        """Keep what was said of a draft; `rewrite` is 0 for the first one. Kept twice is kept
        once.
        """
        columns = {
            "gates": [verdict.gate for verdict in verdicts],
            "passed": [verdict.passed for verdict in verdicts],
            "reasons": [verdict.reason.replace("\0", "") for verdict in verdicts],
        }
        params = {"job_id": job_id, "attempt": attempt, "rewrite": rewrite, **columns}
        await self._database.fetch(queries["verdicts_keep"], params)

    async def read(self, job_id: str) -> list[Row]:
        """What the gates said of a job, the latest attempt and rewrite last."""
        return await self._database.fetch(queries["verdicts_read"], {"job_id": job_id})
