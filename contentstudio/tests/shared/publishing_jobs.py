"""Jobs of articles that were judged already: they begin where they are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contentstudio.app import create
from contentstudio.model import Draft
from contentstudio.pipelines.work import Judged
from overnight import App
from overnight.database import Database
from overnight.identity import input_hash
from overnight.ledger import Ledger
from overnight.model import NewRun
from overnight.pipeline import dump
from overnight.testing import Clock, run_until_idle


class Jobs:
    """Jobs of the site `garden`; the app is made of the config in `file` each time anew."""

    def __init__(self, database: Database, file: Path) -> None:
        self.database = database
        self.clock = Clock(database)
        self.file = file

    @property
    def app(self) -> App:
        return create(self.file)

    async def begin(self, job: str, draft: Draft, **judged: Any) -> None:
        """A job whose article is to be published now."""
        payload = dump(Judged(draft=draft, verdicts=[], **judged))
        new = NewRun(job, "publish", "article", "garden", payload, input_hash(payload))
        assert await Ledger(self.database).enqueue([new]) == 1

    async def work(self, **options: Any) -> None:
        await run_until_idle(self.app, self.database, clock=self.clock, **options)

    async def publish(self, job: str, draft: Draft, **judged: Any) -> dict[str, Any]:
        """Publish, whatever it takes; how the step ended."""
        await self.begin(job, draft, **judged)
        await self.work()
        return await self.ending(job)

    async def ending(self, job: str) -> dict[str, Any]:
        row = await self.database.one(
            "select id, status, output, error, attempt, failures from runs where job_id = %s and step = 'publish'",
            [job],
        )
        assert row is not None
        return row
