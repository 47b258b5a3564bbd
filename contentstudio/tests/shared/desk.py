"""Articles at their gates and on their site, and the console that shows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from publishing_jobs import Jobs

from contentstudio import config as settings
from contentstudio import console
from contentstudio.config import Config
from contentstudio.model import Draft
from overnight import http
from overnight.console import site
from overnight.console.access import Access
from overnight.identity import input_hash
from overnight.pipelines.pipeline import dump
from overnight.store.ledger import Ledger
from overnight.store.records import NewRun


class Desk(Jobs):
    """Jobs of the site `garden`, and its console."""

    async def check(self, job: str, draft: Draft) -> dict[str, Any]:
        """Have the gates look at an article; how that ended."""
        payload = dump(draft)
        new = NewRun(job, "gate", "article", draft.site, payload, input_hash(payload))
        assert await Ledger(self.database).enqueue([new]) == 1
        await self.work()
        row = await self.database.one(
            "select status, error from runs where job_id = %s and step = 'gate'", [job]
        )
        assert row is not None
        return row

    @property
    def config(self) -> Config:
        return settings.load(self.file)

    @asynccontextmanager
    async def console(self, access: Access | None = None) -> AsyncIterator[httpx2.AsyncClient]:
        own = console.build(self.config)
        built = site.build(self.app, self.database, access or Access({}), own=own)
        with http.listen("127.0.0.1", 0) as listener:
            async with (
                http.served(built, listener) as url,
                httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
            ):
                yield client
