"""Waiting for the ends of many jobs, with one statement at a time for all of them.

It polls: a notification in the transaction of each ending would hold up all writers, which is why
the ledger sends none. A job that was begun a moment ago is asked about often, and an old one once a
second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from overnight.operations import queries
from overnight.store.database import Database, Row

TICK = 0.02  # seconds between two statements, at least
SLOWEST = 1.0  # seconds between two questions about one job, at most
GROWTH = 4.0  # a job that was waited for so many seconds is asked about a second later


@dataclass(eq=False, slots=True)
class Waiter:
    """Who waits for a job: since when, and when to ask about it again (of the loop's clock)."""

    job_id: str
    future: asyncio.Future[Row | None]
    since: float
    next: float

    def take(self, row: Row | None, now: float) -> None:
        """Note where the job stands; it is not there where that is None."""
        if self.future.done():
            return
        if row is None or row["status"] not in ("queued", "running"):
            self.future.set_result(row)
        self.next = now + min(max((now - self.since) / GROWTH, TICK), SLOWEST)


class Waiting:
    """All who wait on one database. No statement is made while nobody does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiters: set[Waiter] = set()
        self._poller: asyncio.Task[None] | None = None

    async def until_over(self, job_id: str) -> Row | None:
        """The last run of a job that goes on no more, with its output; None for an unknown one."""
        loop = asyncio.get_running_loop()
        waiter = Waiter(job_id, loop.create_future(), loop.time(), loop.time())
        self._waiters.add(waiter)
        if self._poller is None:
            self._poller = loop.create_task(self._poll())
        try:
            return await waiter.future
        finally:
            self._waiters.discard(waiter)

    async def close(self) -> None:
        """Who waits still is told so."""
        self._fail(self._waiters, RuntimeError("the client was closed before the job had ended"))
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.wait([self._poller])

    async def _poll(self) -> None:
        try:
            while self._waiters:
                now = asyncio.get_running_loop().time()
                await self._ask([each for each in self._waiters if each.next <= now], now)
                await asyncio.sleep(TICK)
        finally:
            self._poller = None

    async def _ask(self, waiters: Iterable[Waiter], now: float) -> None:
        """An outage is waited for; what else is wrong goes to whoever waits."""
        jobs = {each.job_id for each in waiters}
        try:
            rows = await self._database.insist(lambda: self._read(jobs)) if jobs else {}
        except Exception as error:
            self._fail(waiters, error)
            return
        for waiter in waiters:
            waiter.take(rows.get(waiter.job_id), now)

    @staticmethod
    def _fail(waiters: Iterable[Waiter], error: Exception) -> None:
        for waiter in waiters:
            if not waiter.future.done():
                waiter.future.set_exception(error)

    async def _read(self, jobs: Iterable[str]) -> Mapping[str, Row]:
        return await queries.last_runs(self._database, jobs, outputs=True)
