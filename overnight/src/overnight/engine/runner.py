"""Runs claimed attempts: many at once, each with a lease that is renewed, until its ending is
written.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from overnight.engine.attempt import execute, time_limit
from overnight.engine.completer import Completer
from overnight.engine.decide import HAND_BACK
from overnight.engine.heartbeat import Heartbeat
from overnight.engine.in_flight import InFlight, InFlightAttempts, State
from overnight.engine.instrumentation import Instrument, Instruments
from overnight.engine.spans import current_spans
from overnight.engine.threads import Threads
from overnight.pipelines.app import App
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Claim, Ending, Run, Scope, Status, Transition

LEASE = 60.0  # seconds; a dead worker is noticed by its lock long before
# seconds for which a job may keep its slot from step to step; then it waits in line like others
TURN = 1.0
# seconds in which the last endings are written when the worker stops; after that the leases count
WRITE_GRACE = 20.0
CLOCK_RESOLUTION = 0.001  # seconds by which the event loop may call too early


class AttemptRunner:
    """In flight, completer, heartbeat and threads of one worker, which says when to claim.

    `concurrency` attempts run at once. When it stops, they have `grace` seconds to end. A job keeps
    its slot for its next step where `may_continue` agrees. `changed` is set when there may be a
    free slot.
    """

    def __init__(
        self,
        app: App,
        database: Database,
        *,
        concurrency: int,
        lease: float,
        grace: float,
        instruments: Sequence[Instrument],
        listed: bool = True,
        may_continue: Callable[[Ending], bool] = lambda ending: True,
        rng: random.Random | None = None,
    ) -> None:
        self.app = app
        self.scope = app.scope()
        self.heartbeat = Heartbeat(database, lease=lease, on_lost=self._report_lost, listed=listed)
        self.in_flight = InFlightAttempts(concurrency)
        self.instruments = Instruments(instruments)
        self.changed = asyncio.Event()
        self.stopping = asyncio.Event()
        self.completer: Completer
        self._ledger = Ledger(database)
        self._hot = self._ledger
        self._grace = grace
        self._may_continue = may_continue
        self._threads = Threads(concurrency)
        self._rng = rng or random.Random()  # noqa: S311  jitter needs no secrecy
        self._deps: Any = None
        self._loop: asyncio.AbstractEventLoop
        self._next_limit = math.inf

    def stop(self) -> None:
        """Begin nothing more."""
        self.stopping.set()
        self.changed.set()

    @property
    def boot_id(self) -> str:
        return self.heartbeat.boot_id

    @property
    def free_slots(self) -> int:
        return self.in_flight.free_slots(self._threads.overrun)

    @asynccontextmanager
    async def running(self, hot: Database, deps: Any) -> AsyncIterator[None]:
        """Renew leases and write endings as long as the block lasts. At its end let attempts end
        within the grace, release the others, and write all of that.

        `hot` is for claims and endings, `deps` for steps. Raises what ended the completer, if not
        the end of the block did.
        """
        self._loop = asyncio.get_running_loop()
        self._hot, self._deps = Ledger(hot), deps
        self.completer = Completer(
            *(self.app, self._ledger, self._hot, self.heartbeat, self.in_flight, self.instruments),
            may_begin=lambda: self.heartbeat.healthy and not self.stopping.is_set(),
            begin=self.begin,
            release=self._release,
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.instruments.opened(self.app, self._ledger))
            await self._ledger.database.insist(
                lambda: asyncio.to_thread(self.heartbeat.start), unless=self.stopping
            )
            stack.push_async_callback(asyncio.to_thread, self.heartbeat.stop)
            completing = asyncio.create_task(self.completer.run())
            completing.add_done_callback(lambda _: self.stop())
            stack.push_async_callback(cancel, completing)
            stack.push_async_callback(self._drain, completing)
            yield
        if not completing.cancelled():
            await completing

    async def claim(self, scope: Scope, limit: int) -> Claim:
        """Up to `limit` due runs, or none while the heartbeat fails."""
        if not self.heartbeat.healthy:
            return Claim([], 0.0)
        return await self._hot.claim(scope, self.boot_id, limit, self.heartbeat.lease)

    def begin(self, run: Run, slot_since: float | None = None) -> None:
        """Begin an attempt that was claimed. `slot_since` is when its job got the slot, if it has
        one.
        """
        earlier = self.in_flight.latest(run.id)
        if earlier is not None:  # its task still ends, and its lease is lost
            self.in_flight.cancel(earlier, State.LOST)
        now = time.monotonic()
        limit = time_limit(self.app.pipelines[run.pipeline].steps[run.step], run)
        attempt = InFlight(run, now if slot_since is None else slot_since, now + limit)
        self.in_flight.add(attempt)
        self.heartbeat.track(attempt)
        attempt.task = asyncio.create_task(self._run(attempt), name=f"{run.pipeline}/{run.step}")
        self._cancel_at(attempt.lease_until)

    def _cancel_at(self, moment: float) -> None:
        """One timer serves all attempts: most end long before their limit, and a timer for each
        would cost more than its task.
        """
        if moment < self._next_limit:
            self._next_limit = moment
            self._loop.call_at(moment, self._cancel_late)

    def _cancel_late(self) -> None:
        now = time.monotonic() + CLOCK_RESOLUTION
        if now < self._next_limit:
            return  # a later timer was set for an earlier moment, and has looked at all
        self._next_limit = math.inf
        for attempt in self.in_flight:
            if attempt.state is State.RUNNING and attempt.lease_until <= now:
                self.in_flight.cancel(attempt, State.TIMED_OUT)
            elif attempt.state is State.RUNNING:
                self._cancel_at(attempt.lease_until)

    async def _run(self, attempt: InFlight) -> None:
        run, ending = attempt.run, None
        try:  # here, not in a coroutine below: those cannot catch a GeneratorExit of a step
            ending = await self._execute(attempt)
        except asyncio.CancelledError:  # a plain function may still run; then its lease decides
            if attempt.state is not State.LOST and self._is_async(run):
                ending = Ending(run, HAND_BACK)
        except BaseException as fault:  # nobody can read it, and the attempt must end all the same
            why = f"a fault while ending the step: {type(fault).__name__}"
            ending = Ending(run, Transition(Status.DEAD, "error", why, "unknown", failed=True))
        if ending is None:
            self._release([attempt])
        else:
            self._end(attempt, ending)

    async def _execute(self, attempt: InFlight) -> Ending:
        if self.stopping.is_set():  # since it was begun
            return Ending(attempt.run, HAND_BACK)
        current_spans.set(attempt.spans)
        self.instruments.started(attempt)
        return await execute(
            *(self.app, self._ledger, self._deps, attempt.run, self._rng, self._threads),
            state=lambda: attempt.state,
        )

    def _is_async(self, run: Run) -> bool:
        return self.app.pipelines[run.pipeline].steps[run.step].is_async

    def _end(self, attempt: InFlight, ending: Ending) -> None:
        """Let the ending be written. The slot is free, unless its job continues there."""
        continues = self._continues(attempt, ending)
        if not continues and not self.free_slots:
            self.changed.set()
        self.in_flight.end(attempt, ending, State.CONTINUING if continues else State.ENDED)
        self.completer.add(attempt)

    def _continues(self, attempt: InFlight, ending: Ending) -> bool:
        return (
            time.monotonic() - attempt.slot_since < TURN
            and not self.stopping.is_set()
            and any(new.follows and self.scope.is_free(new) for new in ending.next)
            and self._may_continue(ending)
        )

    def _release(self, attempts: Sequence[InFlight]) -> None:
        self.in_flight.remove(attempts)
        self.heartbeat.untrack(attempts)
        self.changed.set()

    async def _drain(self, completing: asyncio.Task[None]) -> None:
        self.stop()
        tasks = [a.task for a in self.in_flight if a.task is not None and a.state.is_running]
        if tasks:
            await asyncio.wait(tasks, timeout=self._grace)
            for attempt in self.in_flight:
                self.in_flight.cancel(attempt, State.CANCELLED)
        end = time.monotonic() + WRITE_GRACE
        while len(self.in_flight) and not completing.done() and time.monotonic() < end:
            self.changed.clear()
            await self.wait(0.1)
        self._threads.close()

    async def wait(self, seconds: float) -> None:
        """Until `changed` is set, or so many seconds have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.001)):
                await self.changed.wait()

    def _report_lost(self, attempts: set[InFlight]) -> None:
        self._loop.call_soon_threadsafe(self._lose, attempts)

    def _lose(self, attempts: Iterable[InFlight]) -> None:
        """Stop working on attempts whose lease is lost. A written ending is left to the guard."""
        for attempt in attempts:
            self.in_flight.cancel(attempt, State.LOST)


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
