"""The loop of a worker: rescue and maintain, claim, begin, sleep, until `stop` is called."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar

from overnight.engine.instrumentation import Instrument, Observer, OnEnding
from overnight.engine.rescuer import Rescuer
from overnight.engine.runner import LEASE, AttemptRunner, cancel
from overnight.engine.wakeups import WORKER, Hints, Listener, hint
from overnight.error_classes import describe
from overnight.errors import LedgerUnavailable
from overnight.logs import log
from overnight.pipelines.app import App
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Claim, Ending

T = TypeVar("T")

CONCURRENCY = 200  # steps in flight in one process
POLL = 10.0  # seconds; the slow poll behind the hints
TICK = 30.0  # seconds at most between two ticks of maintenance, and two looks at other workers
GRACE = 10.0  # seconds that running steps have to end when the worker stops
RESTART = 2.0  # seconds before a service that failed begins again
IDLE_PAUSE = 1.0  # seconds between two looks at whether other workers still run something
HELD_PAUSE = 1.0  # seconds between two claims when something is due that could not be claimed


class Worker:
    """Claims and runs the steps of an app until it is stopped. One process has one.

    `on_ending` is called with each ending once it is written; `instruments`, and those of the
    app's extensions, see more.
    """

    def __init__(
        self,
        app: App,
        database: Database,
        *,
        concurrency: int = CONCURRENCY,
        lease: float = LEASE,
        poll: float = POLL,
        grace: float = GRACE,
        on_ending: Callable[[Ending], None] | None = None,
        instruments: Sequence[Instrument] = (),
        rng: random.Random | None = None,
    ) -> None:
        self.app = app
        self.ledger = Ledger(database)
        self._database = database
        self._poll = poll
        self._grace = grace
        self._periodic_work = app.periodic_work(database)
        self._hints = Hints(database)
        self._listener = Listener(database)
        self.attempts = AttemptRunner(
            *(app, database),
            concurrency=concurrency,
            lease=lease,
            grace=grace,
            instruments=[
                *(OnEnding(call) for call in (on_ending, self._hint_others) if call is not None),
                *(each.instrument() for each in app.extensions if isinstance(each, Observer)),
                *instruments,
            ],
            rng=rng,
        )
        self._rescuer = Rescuer(
            *(self.ledger, self.boot_id),
            steady=lambda: self.attempts.heartbeat.steady,
            on_rescued=self.attempts.instruments.rescued,
        )
        self._next_tick = self._next_rescue = 0.0

    @property
    def boot_id(self) -> str:
        return self.attempts.boot_id

    def stop(self) -> None:
        """Claim nothing more, let running steps end within the grace, release the rest."""
        self.attempts.stop()

    def wake(self) -> None:
        """A hint that something may be due."""
        self.attempts.changed.set()

    async def run(self, *, until_idle: bool = False, horizon: float = 900.0) -> None:
        """Work until `stop`, or until nothing is running and nothing is due within `horizon`
        seconds.
        """
        async with AsyncExitStack() as stack:
            hot = self._database.hot()
            checking = asyncio.create_task(self._retry(self._database.check_sessions))
            stack.push_async_callback(cancel, checking)
            await self._retry(hot.open)
            stack.push_async_callback(hot.close)
            await checking
            deps = await self._retry(
                lambda: stack.enter_async_context(self.app.resources(self._database))
            )
            await self._retry(self._periodic_work.start)
            stack.push_async_callback(self._periodic_work.settle, self._grace)
            for service in (
                partial(self._listener.run, self._on_hint),
                self._hints.run,
                partial(self._rescuer.watch, self._rescue_soon),
            ):
                stack.push_async_callback(cancel, asyncio.create_task(_restarted(service)))
            await stack.enter_async_context(self.attempts.running(hot, deps))
            await self._retry(lambda: hint(self._database, WORKER))
            try:
                await self._work(until_idle, horizon)
            except LedgerUnavailable:
                if not self.attempts.stopping.is_set():
                    raise

    async def _work(self, until_idle: bool, horizon: float) -> None:
        nobody_runs = False
        while not self.attempts.stopping.is_set():
            self.attempts.changed.clear()
            await self._tick()
            free = self.attempts.free_slots
            claim = await self._claim(free) if free else Claim([], None)
            for run in claim.runs:
                self.attempts.begin(run)
            if claim.runs:
                nobody_runs = False
                if len(claim.runs) == free:
                    self._hints.send()
                if len(claim.runs) == free or claim.next_due == 0:
                    continue
            wait = self._poll
            none_due = claim.next_due is None or claim.next_due > horizon
            if until_idle and free and none_due and not len(self.attempts.in_flight):
                if nobody_runs:
                    return
                running = partial(self.ledger.running, self.attempts.scope)
                nobody_runs = not await self._retry(running)
                if nobody_runs:  # what ran a moment ago may have begun something: claim once more
                    continue
                wait = IDLE_PAUSE
            elif claim.next_due is not None:
                wait = claim.next_due or HELD_PAUSE
            next_tick = min(self._next_tick, self._next_rescue) - time.monotonic()
            await self.attempts.wait(min(wait, self._poll, next_tick))

    async def _claim(self, limit: int) -> Claim:
        return await self._retry(lambda: self.attempts.claim(self.attempts.scope, limit))

    async def _tick(self) -> None:
        """Rescue and maintain, each when it is time."""
        if time.monotonic() >= self._next_rescue:
            again = await self._retry(self._rescuer.look)
            self._next_rescue = time.monotonic() + (
                TICK if again is None else min(TICK, again + 0.01)
            )
        if time.monotonic() >= self._next_tick:
            again = await self._retry(self._periodic_work.tick)
            self._next_tick = time.monotonic() + (TICK if again is None else min(TICK, again))

    async def _retry(self, call: Callable[[], Awaitable[T]]) -> T:
        """Through outages of the database, but not past a request to stop."""
        return await self._database.insist(call, unless=self.attempts.stopping)

    def _hint_others(self, ending: Ending) -> None:
        """Another app, or a worker with other keys, has something to do."""
        if not all(self.attempts.scope.covers(new) for new in ending.next):
            self._hints.send()

    def _on_hint(self, what: str) -> None:
        if what == WORKER:
            self._rescue_soon()
        self.wake()

    def _rescue_soon(self) -> None:
        """Another worker came or went."""
        self._next_rescue = 0.0
        self.wake()


async def _restarted(service: Callable[[], Awaitable[None]]) -> None:
    """Run what should never end. It begins again after an error, which is logged."""
    while True:
        try:
            await service()
        except Exception as error:
            log.error("a service of the worker failed", error=describe(error))
        await asyncio.sleep(RESTART)
