"""Jobs of articles that were judged already: they begin where they are published."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from contentstudio.app import create
from contentstudio.model import Draft
from contentstudio.pipelines.work import Judged
from overnight import App
from overnight.engine.worker import Worker
from overnight.identity import input_hash
from overnight.pipelines.pipeline import dump
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import NewRun
from overnight.testing import Clock, run_until_idle


class Jobs:
    """Jobs of sites such as `garden`; the app is made of the config in `file` each time anew."""

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
        new = NewRun(job, "publish", "article", draft.site, payload, input_hash(payload))
        assert await Ledger(self.database).enqueue([new]) == 1

    async def work(self, **options: Any) -> None:
        await run_until_idle(self.app, self.database, clock=self.clock, **options)

    async def work_for(self, seconds: float) -> None:
        """Work for so long by the ledger's clock; what is due later waits."""
        end = await self.clock.now() + timedelta(seconds=seconds)
        while True:
            worker = Worker(self.app, self.database)
            await worker.run(until_idle=True, horizon=0.0)
            due = (await worker.ledger.claim(self.app.scope(), "", 0, 0.0)).next_due
            left = (end - await self.clock.now()).total_seconds()
            if due is None or due > left:
                await self.clock.move(max(left, 0.0))
                return
            await self.clock.move(due + 0.001)

    async def publish(self, job: str, draft: Draft, **judged: Any) -> dict[str, Any]:
        """Publish, whatever it takes; how the step ended."""
        await self.begin(job, draft, **judged)
        await self.work()
        return await self.ending(job)

    async def ending(self, job: str) -> dict[str, Any]:
        row = await self.database.one(
            "select id, status, output, error, attempt, failures from runs where job_id "
            "= %s and step = 'publish'",
            [job],
        )
        assert row is not None
        return row
