"""Writes the endings of attempts in batches, and begins the next steps that follow at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from overnight.engine import upstreams
from overnight.engine.heartbeat import Heartbeat
from overnight.engine.in_flight import InFlight, InFlightAttempts, State
from overnight.engine.instrumentation import Instruments
from overnight.errors import IdConflict, LedgerUnavailable, OvernightError, Refused
from overnight.logs import log
from overnight.pipelines.app import App
from overnight.store.database import is_fault_of_data
from overnight.store.ledger import Ledger
from overnight.store.records import Ending, Finish, Run, Status, Transition

BATCH = 500  # endings written by one statement
BATCH_CHARACTERS = 32_000_000  # of their outputs, far below what one message to Postgres may hold


@dataclass
class Completer:
    """`hot` is for the statement that it makes all the time. `begin(run, slot_since)` is called for
    each next step that the ledger has begun, which it does while `may_begin()`; `release` with the
    attempts that are done with.
    """

    app: App
    ledger: Ledger
    hot: Ledger
    heartbeat: Heartbeat
    in_flight: InFlightAttempts
    instruments: Instruments
    may_begin: Callable[[], bool]
    begin: Callable[[Run, float], None]
    release: Callable[[Sequence[InFlight]], None]
    _ended: asyncio.Queue[InFlight] = field(default_factory=asyncio.Queue)

    def add(self, attempt: InFlight) -> None:
        """Let the ending of this attempt be written."""
        self._ended.put_nowait(attempt)

    async def run(self) -> None:
        """Write endings as they come, until cancelled."""
        while True:
            batch = await self._next_batch()
            applied = await self.complete(batch)
            endings = [attempt.result for attempt in applied]
            await self.ledger.database.insist(
                partial(upstreams.note, self.app, self.ledger, endings)
            )
            self.release(batch)

    async def _next_batch(self) -> list[InFlight]:
        """One ending at once, or all that have gathered while the last batch was written."""
        batch = [await self._ended.get()]
        size = _size(batch[0])
        while not self._ended.empty() and len(batch) < BATCH and size < BATCH_CHARACTERS:
            batch.append(self._ended.get_nowait())
            size += _size(batch[-1])
        return batch

    async def complete(self, batch: Sequence[InFlight]) -> list[InFlight]:
        """Write endings; those that were applied, because the worker still had the lease."""
        try:
            finish = await self.ledger.database.insist(lambda: self._write(batch))
        except (IdConflict, Refused) as refusal:
            return await self._complete_apart(batch, refusal)
        slot_since = {attempt.run.job_id: attempt.slot_since for attempt in batch}
        for run in finish.begun:
            self.begin(run, slot_since[run.job_id])
        applied = [
            attempt
            for attempt in batch
            if attempt.id in finish.ours or not await self._is_late(attempt.result)
        ]
        for attempt in applied:
            self.in_flight.move(attempt, State.WRITTEN)
        await self.instruments.written(applied)
        return applied

    async def _write(self, batch: Sequence[InFlight]) -> Finish:
        """What the database refuses for a reason of its own, such as a missing right, is an outage:
        no output is lost.
        """
        continuing = {a.id for a in batch if a.state is State.CONTINUING and self.may_begin()}
        try:
            return await self.hot.finish(
                [attempt.result for attempt in batch],
                self.heartbeat.boot_id,
                eager=continuing,
                lease=self.heartbeat.lease,
            )
        except Refused as refusal:
            if is_fault_of_data(refusal):
                raise
            raise LedgerUnavailable(str(refusal)) from refusal

    async def _complete_apart(
        self, batch: Sequence[InFlight], refusal: OvernightError
    ) -> list[InFlight]:
        """One ending cannot be written: it contradicts an existing job, or Postgres cannot store
        its output. Find it, and let it alone become a dead letter.
        """
        if len(batch) > 1:
            return [a for attempt in batch for a in await self.complete([attempt])]
        (attempt,) = batch
        if attempt.result.transition.error_class == "refused":
            raise refusal
        dead = Transition(Status.DEAD, "error", str(refusal), "refused", failed=True)
        attempt.ending = Ending(attempt.run, dead)
        return await self.complete(batch)

    async def _is_late(self, ending: Ending) -> bool:
        """The guard matched nothing: the lease was lost, or the answer to an earlier write was."""
        run, outcome, worker = ending.run, ending.transition.outcome, self.heartbeat.boot_id
        note = f"a late result ({outcome}) came after the lease was lost, and was dropped"
        is_late = await self.ledger.database.insist(
            lambda: self.ledger.note_late_result(ending, worker, note)
        )
        if is_late:
            late = {"job_id": run.job_id, "step": run.step, "attempt": run.attempt}
            log.warning("late result dropped", **late, outcome=outcome)
        return is_late


def _size(attempt: InFlight) -> int:
    ending = attempt.result
    return len(ending.output or "") + sum(len(new.input or "") for new in ending.next)
