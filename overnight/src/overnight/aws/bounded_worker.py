"""A worker for a bounded time: it takes what is due, begins nothing that cannot end, and says what
it leaves to others.

For places where nothing lives between two calls, such as a Lambda function. It listens to nobody,
keeps no schedule, rescues nobody and is on no list: the lease alone tells that its process died,
and a sweep elsewhere does the rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from overnight.aws.hints import Hint, Transport
from overnight.engine.heartbeat import Heart
from overnight.engine.worker import LEASE, Worker
from overnight.errors import LedgerUnavailable
from overnight.pipelines.app import App
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Claim, Ending, Run, Scope, Status

# seconds; what nobody was told of and is due later is left to the sweep, which comes every minute
SOON = 60.0
NOTHING = Claim([], None)


class Shift(Worker):
    """One bounded time of work on a database that is open: `places` runs at once, claimed over
    `hot` connections.

    `endings` are those that it wrote. What it makes due and does not take itself is told to the
    transport.
    """

    def __init__(
        self,
        app: App,
        database: Database,
        hot: Database,
        deps: Any,
        transport: Transport,
        *,
        places: int,
        lease: float = LEASE,
    ) -> None:
        super().__init__(
            app, database, concurrency=places, lease=lease, grace=0.0, on_ending=self._note
        )
        self.endings: list[Ending] = []
        self._hot = Ledger(hot)
        self._deps = deps
        self._transport = transport
        self._heart = Heart(database, lease=lease, on_lost=self._report_lost, listed=False)
        self._timeouts = {
            f"{pipeline}/{step}": app.pipelines[pipeline].steps[step].timeout
            for pipeline, step in app.steps()
        }
        self._untold: list[Hint] = []
        self._taken: set[tuple[str, str]] = (
            set()
        )  # (job, step) of what this shift has begun and not yet ended
        self._is_first = True
        self._left_something = False
        self._end = 0.0

    async def work(self, seconds: float) -> None:
        """Claim and run as long as there is anything, but begin and run nothing past so many
        seconds from now.

        What runs on until then is handed back, which counts as no failure. Raises
        `LedgerUnavailable`.
        """
        self._loop = asyncio.get_running_loop()
        self._end = time.monotonic() + seconds
        bell = self._loop.call_later(seconds, self.stop)
        try:
            async with self._writing():
                await self._take_turns()
            if not self._finisher.cancelled():
                await (
                    self._finisher
                )  # a fault of ours ended it: raise it, and leave what is unwritten to its lease
            await self._hand_on()
        finally:
            bell.cancel()
            await self._tell_others()

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        """Leases are renewed and endings written as long as the block lasts; what runs at its end
        is handed back.
        """
        self._heart.start()
        self._finisher = asyncio.create_task(self._finish_all())
        self._finisher.add_done_callback(lambda _: self.stop())
        try:
            yield
        finally:
            await self._drain()
            self._finisher.cancel()
            await asyncio.gather(self._finisher, return_exceptions=True)
            await asyncio.to_thread(self._heart.stop)

    async def _take_turns(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            noted = len(self._untold)  # before the look, so it saw what these tell of
            free = self._free()
            claim = await self._look(free) if free else NOTHING
            for run in claim.runs:
                self._begin(run)
            await self._tell_others(
                noted, later_only=len(claim.runs) < free and not self._left_something
            )
            if not self._tasks and not self._wake.is_set():
                return
            await self._sleep(self._left)

    async def _look(self, free: int) -> Claim:
        """Claim what can end in time. While something runs, an outage is waited out with its
        ending.
        """
        if not self._heart.healthy:
            return NOTHING
        try:
            return await self._hot.claim(self._fitting(), self.boot_id, free, self._heart.lease)
        except LedgerUnavailable:
            if not self._tasks:
                raise
            return NOTHING

    @property
    def _left(self) -> float:
        return self._end - time.monotonic()

    def _fitting(self) -> Scope:
        """The steps that end in the time that is left. At first it is all of them: those that do
        not fit then never will, so they run as long as there is time, and go on from what they
        stored.
        """
        if self._is_first:
            self._is_first = False
            return self._scope
        steps = [step for step in self._scope.steps if self._timeouts[step] <= self._left]
        self._left_something |= len(steps) < len(self._scope.steps)
        return replace(self._scope, steps=steps)

    def _goes_on(self, ending: Ending) -> bool:
        follow = [f"{new.pipeline}/{new.step}" for new in ending.next if new.follows]
        return super()._goes_on(ending) and all(
            self._timeouts[step] <= self._left for step in follow
        )

    def _begin(self, run: Run, since: float | None = None) -> None:
        self._taken.add((run.job_id, run.step))
        super()._begin(run, since)

    def _note(self, ending: Ending) -> None:
        """An ending was written: what follows from it is due, now or later."""
        self.endings.append(ending)
        run = ending.run
        self._taken.discard((run.job_id, run.step))
        if ending.transition.status is Status.QUEUED:
            self._untold.append(
                Hint(ending.transition.delay, run.pipeline, run.step, run.key, run.job_id)
            )
        self._untold.extend(
            Hint(new.delay, new.pipeline, new.step, new.key, new.job_id) for new in ending.next
        )

    async def _tell_others(self, first: int | None = None, *, later_only: bool = False) -> None:
        """Send the first of what is to be told, or all. `later_only`: what is due was seen, and is
        taken or held.
        """
        first = len(self._untold) if first is None else first
        untold, self._untold = self._untold[:first], self._untold[first:]
        told = [
            h
            for h in untold
            if (h.job_id, h.step) not in self._taken and (h.delay > 0 or not later_only)
        ]
        if told:
            await self._transport.send(told)

    async def _hand_on(self) -> None:
        """Let somebody go on with what there was no time for, and look again when a breaker or a
        rate lets more in.

        What another worker's runs hold is not told of: whoever ends one of those looks again.
        """
        look = await self._hot.claim(self._scope, self.boot_id, 0, self._heart.lease)
        if look.next_due is None or look.next_due > SOON:
            return
        if look.next_due > 0 or self._left_something or self._stop.is_set():
            self._untold.append(Hint(look.next_due))
