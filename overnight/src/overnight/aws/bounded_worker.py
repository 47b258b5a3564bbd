"""A worker for a bounded time: it claims what is due, begins nothing that cannot end, and sends
hints of what it leaves to others.

For places where nothing lives between two calls, such as a Lambda function. It listens to nobody,
keeps no schedule, rescues nobody and is not in the list of workers: the lease alone tells that its
process died, and a sweep elsewhere does the rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from overnight.aws.hints import Hint, Transport
from overnight.engine.in_flight import State
from overnight.engine.instrumentation import Instrument, OnEnding
from overnight.engine.runner import LEASE, AttemptRunner
from overnight.errors import LedgerUnavailable
from overnight.pipelines.app import App
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Claim, Ending, Scope, Status

# seconds; what is due later, and of which no hint was sent, is left to the sweep, which comes every
# minute
SOON = 60.0
NOTHING = Claim([], None)


class BoundedWorker:
    """One bounded time of work on a database that is open: `concurrency` runs at once, claimed over
    `hot` connections. Hints of what it makes due and does not claim itself go to the `transport`.
    """

    def __init__(
        self,
        app: App,
        database: Database,
        hot: Database,
        deps: Any,
        transport: Transport,
        *,
        concurrency: int,
        lease: float = LEASE,
        instruments: Sequence[Instrument] = (),
    ) -> None:
        self._hot = hot
        self._deps = deps
        self._transport = transport
        self._attempts = AttemptRunner(
            *(app, database),
            concurrency=concurrency,
            lease=lease,
            grace=0.0,
            instruments=[OnEnding(self._add_hints), *instruments],
            listed=False,
            may_continue=self._has_time_for_next,
        )
        self._timeouts = {
            f"{pipeline}/{step}": app.pipelines[pipeline].steps[step].timeout
            for pipeline, step in app.steps()
        }
        self._hints: list[Hint] = []  # not yet sent
        self._is_first = True
        self._left_steps = False  # whether a claim left out steps for which there was no time
        self._end = 0.0

    async def work(self, seconds: float) -> None:
        """Claim and run as long as anything is due, but begin and run nothing past so many seconds
        from now. What runs then is released, which counts as no failure.

        Raises `LedgerUnavailable`.
        """
        self._end = time.monotonic() + seconds
        bell = asyncio.get_running_loop().call_later(seconds, self._attempts.stop)
        try:
            async with self._attempts.running(self._hot, self._deps):
                await self._claim_and_run()
                time_is_up = self._attempts.stopping.is_set()
            await self._add_hint_of_rest(time_is_up)
        finally:
            bell.cancel()
            await self._send_hints()

    async def _claim_and_run(self) -> None:
        while not self._attempts.stopping.is_set():
            self._attempts.changed.clear()
            count = len(self._hints)  # before the claim, which sees what these are about
            free = self._attempts.free_slots
            claim = await self._claim(free) if free else NOTHING
            for run in claim.runs:
                self._attempts.begin(run)
            saw_all = len(claim.runs) < free and not self._left_steps
            await self._send_hints(count, later_only=saw_all)
            if not len(self._attempts.in_flight) and not self._attempts.changed.is_set():
                return
            await self._attempts.wait(self._time_left)

    async def _claim(self, limit: int) -> Claim:
        """Claim what can end in time. While something runs, an outage is waited out with its
        ending.
        """
        try:
            return await self._attempts.claim(self._scope_in_time(), limit)
        except LedgerUnavailable:
            if not len(self._attempts.in_flight):
                raise
            return NOTHING

    @property
    def _time_left(self) -> float:
        return self._end - time.monotonic()

    def _scope_in_time(self) -> Scope:
        """The steps that end in the time that is left. The first claim has all of them: those that
        do not fit then never will, so they run as long as there is time, and go on later from what
        they stored.
        """
        scope = self._attempts.scope
        if self._is_first:
            self._is_first = False
            return scope
        steps = [step for step in scope.steps if self._timeouts[step] <= self._time_left]
        self._left_steps |= len(steps) < len(scope.steps)
        return replace(scope, steps=steps)

    def _has_time_for_next(self, ending: Ending) -> bool:
        steps = [f"{new.pipeline}/{new.step}" for new in ending.next if new.follows]
        return all(self._timeouts[step] <= self._time_left for step in steps)

    def _add_hints(self, ending: Ending) -> None:
        """An ending was written: what follows from it is due, now or later."""
        run, transition = ending.run, ending.transition
        if transition.status is Status.QUEUED:
            hint = Hint(transition.delay, run.pipeline, run.step, run.key, run.job_id)
            self._hints.append(hint)
        self._hints.extend(
            Hint(new.delay, new.pipeline, new.step, new.key, new.job_id) for new in ending.next
        )

    async def _send_hints(self, count: int | None = None, *, later_only: bool = False) -> None:
        """Send the first `count` hints, or all, but of what this worker has begun. `later_only`:
        what is due now was seen by a claim, and is begun, or held by a guard.
        """
        count = len(self._hints) if count is None else count
        hints, self._hints = self._hints[:count], self._hints[count:]
        own = {
            (attempt.run.job_id, attempt.run.step)
            for attempt in self._attempts.in_flight
            if attempt.state is not State.WRITTEN
        }
        hints = [
            hint
            for hint in hints
            if (hint.job_id, hint.step) not in own and (hint.delay > 0 or not later_only)
        ]
        if hints:
            await self._transport.send(hints)

    async def _add_hint_of_rest(self, time_is_up: bool) -> None:
        """Let another worker go on with what there was no time for, and claim again when a breaker
        or a rate lets more in.

        What other workers' runs hold needs no hint: whoever ends one of those claims again.
        """
        claim = await Ledger(self._hot).claim(self._attempts.scope, self._attempts.boot_id, 0, 0.0)
        next_due = claim.next_due
        if next_due is None or next_due > SOON:
            return
        if next_due > 0 or self._left_steps or time_is_up:
            self._hints.append(Hint(next_due))
