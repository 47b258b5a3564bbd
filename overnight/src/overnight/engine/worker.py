"""The one loop: keep, claim, execute many at once, finish in batches."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, nullcontext
from functools import partial
from typing import Any, TypeVar

import structlog

from overnight.engine import upstreams
from overnight.engine.attempt import execute
from overnight.engine.decide import HAND_BACK
from overnight.engine.heartbeat import Attempt, Heart
from overnight.engine.maintenance import Keeper
from overnight.engine.rescuer import Rescuer
from overnight.engine.threads import Threads
from overnight.engine.wakeups import WORKER, Hints, Listener, hint
from overnight.error_classes import describe
from overnight.errors import IdConflict, LedgerUnavailable, OvernightError, Refused
from overnight.llm import budgets
from overnight.logs import log
from overnight.observability import tracing
from overnight.pipelines.app import App
from overnight.store.database import Database, Row, is_fault_of_data
from overnight.store.ledger import Ledger
from overnight.store.records import Claim, Ending, Finish, Run, Status, Transition

T = TypeVar("T")

CONCURRENCY = 200  # steps in flight in one process
LEASE = 60.0  # seconds; a dead worker is noticed by its lock long before
POLL = 10.0  # seconds; the slow poll behind the hints
KEEP = 30.0  # seconds at most between two looks at schedules, and at the other workers
GRACE = (
    10.0  # seconds that running steps have to end by themselves when the worker is asked to stop
)
RESTART = 2.0  # seconds before a service that broke off begins again
IDLE_PAUSE = 1.0  # seconds between two looks at whether other workers are still at it
HELD_PAUSE = 1.0  # seconds between two claims when something is due that could not be had
BATCH = 500  # endings written by one statement
# seconds for which a job may go from step to step in its place; after that it stands in line again
TURN = 1.0
BATCH_CHARACTERS = 32_000_000  # of their outputs, far below what one message to Postgres may hold
# seconds in which the last endings are written when the worker stops; after that the leases count
WRITE_GRACE = 20.0


class Worker:
    """Claims and runs the steps of an app until told to stop. One process has one."""

    def __init__(
        self,
        app: App,
        database: Database,
        *,
        concurrency: int = CONCURRENCY,
        lease: float = LEASE,
        poll: float = POLL,
        grace: float = GRACE,
        on_ending: Callable[[Ending], None] = lambda ending: None,
        rng: random.Random | None = None,
    ) -> None:
        self.app = app
        self.ledger = Ledger(database)
        self._database = database
        self._scope = app.scope()
        self._threads = Threads(concurrency)
        self._concurrency = concurrency
        self._poll = poll
        self._grace = grace
        self._on_ending = on_ending
        self._rng = rng or random.Random()  # noqa: S311  jitter needs no secrecy
        self._tasks: dict[Attempt, asyncio.Task[None]] = {}
        self._latest: dict[int, Attempt] = {}  # of each run
        self._endings: asyncio.Queue[Ending] = asyncio.Queue()
        self._since: dict[Attempt, float] = {}  # when its job got the place
        self._freed: set[Attempt] = (
            set()
        )  # those that have ended and left their place, and are not yet written
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._lost: set[Attempt] = set()
        self._cancelled: set[Attempt] = set()  # by us, because they are lost or the worker stops
        self._deps: Any = None
        self._hot = self.ledger  # until the connections for the hot statements are open
        self._finisher: asyncio.Task[None]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._heart = Heart(database, lease=lease, on_lost=self._report_lost)
        self._keeper = Keeper(app, self.ledger)
        self._traces: tracing.Traces | None = None
        self._rescuer = Rescuer(
            self.ledger,
            self._heart.boot_id,
            steady=lambda: self._heart.steady,
            on_lost=self._trace_lost,
        )
        self._listener = Listener(database)
        self._hints = Hints(database)
        self._next_keep = 0.0
        self._next_rescue = 0.0

    @property
    def boot_id(self) -> str:
        return self._heart.boot_id

    def stop(self) -> None:
        """Claim nothing more, let running steps end within the grace, hand the rest back."""
        self._stop.set()
        self._wake.set()

    def wake(self) -> None:
        """A hint that something may be due."""
        self._wake.set()

    async def run(self, *, until_idle: bool = False, horizon: float = 900.0) -> None:
        """Work until `stop`, or until nothing is running and nothing is due within `horizon`
        seconds.
        """
        self._loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            await self._insist(self._database.check_sessions)
            hot = self._database.hot()
            await self._insist(hot.open)
            stack.push_async_callback(hot.close)
            self._hot = Ledger(hot)
            self._traces = await asyncio.to_thread(tracing.opened, self.app.name, self.app.traces)
            if self._traces is not None:
                stack.push_async_callback(asyncio.to_thread, self._traces.close)
            self._deps = await self._insist(
                lambda: stack.enter_async_context(self.app.open(self._database))
            )
            await self._insist(lambda: budgets.declare(self._database, self.app))
            stack.push_async_callback(self._keeper.settle, self._grace)
            await self._insist(lambda: asyncio.to_thread(self._heart.start))
            stack.push_async_callback(asyncio.to_thread, self._heart.stop)
            for service in (
                partial(self._listener.run, self._hear),
                self._hints.run,
                partial(self._rescuer.watch, self._look_around),
            ):
                stack.push_async_callback(_cancelled, asyncio.create_task(_kept_up(service)))
            await self._insist(lambda: hint(self._database, WORKER))
            self._finisher = asyncio.create_task(self._finish_all())
            self._finisher.add_done_callback(lambda _: self.stop())
            stack.push_async_callback(_cancelled, self._finisher)
            stack.push_async_callback(self._drain)
            try:
                await self._work(until_idle, horizon)
            except LedgerUnavailable:
                if not self._stop.is_set():
                    raise
        if not self._finisher.cancelled():
            await (
                self._finisher
            )  # it ends by itself only through a fault of ours: raise it, and let others rescue

    async def _work(self, until_idle: bool, horizon: float) -> None:
        nobody_runs = False
        while not self._stop.is_set():
            self._wake.clear()
            await self._keep()
            free = self._free()
            claim = await self._claim(free) if free else Claim([], None)
            for run in claim.runs:
                self._begin(run)
            if claim.runs:
                nobody_runs = False
                if len(claim.runs) == free:
                    self._hints.send()
                if len(claim.runs) == free or claim.next_due == 0:
                    continue
            wait = self._poll
            idle = free and not self._tasks and (claim.next_due is None or claim.next_due > horizon)
            if until_idle and idle:
                if nobody_runs:
                    return
                nobody_runs = not await self._insist(lambda: self.ledger.running(self._scope))
                if nobody_runs:  # what ran a moment ago may have begun something: claim once more
                    continue
                wait = IDLE_PAUSE
            elif claim.next_due is not None:
                wait = claim.next_due or HELD_PAUSE
            await self._sleep(
                min(wait, self._poll, min(self._next_keep, self._next_rescue) - time.monotonic())
            )

    def _free(self) -> int:
        """How many more steps may begin. What has ended makes room before it is written, up to a
        bound.
        """
        places = self._concurrency - self._threads.overrun - len(self._tasks)
        return max(0, min(places + len(self._freed), places + BATCH))

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Through outages of the database, but not past a request to stop."""
        return await self._database.insist(call, unless=self._stop)

    async def _keep(self) -> None:
        """What has its time: the rescue of what dead workers held, and the schedules."""
        if time.monotonic() >= self._next_rescue:
            again = await self._insist(self._rescuer.look)
            self._next_rescue = time.monotonic() + min(
                KEEP, KEEP if again is None else again + 0.01
            )
        if time.monotonic() >= self._next_keep:
            again = await self._insist(self._keeper.tick)
            self._next_keep = time.monotonic() + min(KEEP, KEEP if again is None else again)

    def _hear(self, what: str) -> None:
        if what == WORKER:
            self._look_around()
        self.wake()

    def _look_around(self) -> None:
        """Somebody came or went."""
        self._next_rescue = 0.0
        self.wake()

    async def _claim(self, free: int) -> Claim:
        if not self._heart.healthy:
            return Claim([], 0.0)
        return await self._insist(
            lambda: self._hot.claim(self._scope, self.boot_id, free, self._heart.lease)
        )

    def _begin(self, run: Run, since: float | None = None) -> None:
        earlier = self._latest.get(run.id)
        if earlier is not None:  # it still winds down, and has lost its lease
            self._abort({earlier})
        self._latest[run.id] = (run.id, run.attempt)
        self._since[run.id, run.attempt] = time.monotonic() if since is None else since
        self._heart.carry(
            (run.id, run.attempt), self.app.pipelines[run.pipeline].steps[run.step].timeout
        )
        task = asyncio.create_task(self._execute(run), name=f"{run.pipeline}/{run.step}")
        self._tasks[run.id, run.attempt] = task

    async def _execute(self, run: Run) -> None:
        if self._stop.is_set():  # a moment ago
            self._hand_in(Ending(run, HAND_BACK))
            return
        key = (run.id, run.attempt)
        try:
            with self._traces.attempt(run) if self._traces else nullcontext():
                ending = await execute(
                    *(self.app, self.ledger, self._deps, run, self._rng, self._threads),
                    is_cancelled=lambda: key in self._cancelled,
                )
        except asyncio.CancelledError:
            if key in self._lost or not self._is_async(run):
                self._forget(
                    [run]
                )  # a plain function may still be at it: its run is left to its lease
                return
            ending = Ending(run, HAND_BACK)
        except BaseException as fault:  # what nobody can read must come to an end all the same
            why = f"a fault while ending the step: {type(fault).__name__}"
            ending = Ending(run, Transition(Status.DEAD, "error", why, "unknown", failed=True))
        self._hand_in(ending)

    def _hand_in(self, ending: Ending) -> None:
        """Let it be written. Its place is free, unless its job goes on there."""
        if not self._goes_on(ending):
            if not self._free():  # there was no place, and now there is
                self._wake.set()
            self._freed.add((ending.run.id, ending.run.attempt))
        self._endings.put_nowait(ending)

    def _goes_on(self, ending: Ending) -> bool:
        """Whether the next step of the job may begin in its place, as long as the job
        has its turn.
        """
        return (
            time.monotonic() - self._since[ending.run.id, ending.run.attempt] < TURN
            and not self._stop.is_set()
            and any(new.follows and self._scope.is_free(new) for new in ending.next)
        )

    def _is_async(self, run: Run) -> bool:
        return self.app.pipelines[run.pipeline].steps[run.step].is_async

    async def _finish_all(self) -> None:
        """Write endings as they come: a lonely one at once, many together, for they gather while a
        batch is written.
        """
        while True:
            batch = [await self._endings.get()]
            size = _size(batch[0])
            while not self._endings.empty() and len(batch) < BATCH and size < BATCH_CHARACTERS:
                batch.append(self._endings.get_nowait())
                size += _size(batch[-1])
            ours = await self._finish(batch)
            await self._database.insist(partial(upstreams.note, self.app, self.ledger, ours))
            self._forget([ending.run for ending in batch])

    async def _finish(self, batch: Sequence[Ending]) -> list[Ending]:
        """Write endings; those that were still ours."""
        try:
            finish = await self._database.insist(lambda: self._write(batch))
        except (IdConflict, Refused) as refusal:
            return await self._finish_apart(batch, refusal)
        since = {
            ending.run.job_id: self._since.get((ending.run.id, ending.run.attempt))
            for ending in batch
        }
        for run in finish.begun:
            self._begin(run, since[run.job_id])
        told = log.bind()  # once for all of them: binding costs as much as writing
        ours = [
            e
            for e in batch
            if (e.run.id, e.run.attempt) in finish.ours or not await self._was_late(e)
        ]
        for ending in ours:
            self._tell(ending, told)
        if self._traces is not None:
            await self._trace(self._traces, ours)
        if not all(self._scope.covers(new) for ending in ours for new in ending.next):
            self._hints.send()  # another app, or a worker with other keys, has something to do
        return ours

    async def _write(self, batch: Sequence[Ending]) -> Finish:
        """Write endings; where a job has kept its place, its next step begins.

        What the database refuses for a reason of its own, such as a missing right, is an outage: no
        output is lost.
        """
        may_begin = self._heart.healthy and not self._stop.is_set()
        kept = {(e.run.id, e.run.attempt) for e in batch} - self._freed if may_begin else set()
        try:
            return await self._hot.finish(batch, self.boot_id, eager=kept, lease=self._heart.lease)
        except Refused as refusal:
            if is_fault_of_data(refusal):
                raise
            raise LedgerUnavailable(str(refusal)) from refusal

    def _tell(self, ending: Ending, told: structlog.typing.FilteringBoundLogger) -> None:
        _log(ending, told)
        try:
            self._on_ending(ending)
        except Exception as error:  # a terminal that is gone must not end the night
            log.warning("an ending could not be shown", error=type(error).__name__)

    async def _trace(self, traces: tracing.Traces, ours: Sequence[Ending]) -> None:
        """Tell of attempts that have ended. Whatever goes wrong with it, the night goes on."""
        try:
            firsts = [
                e.run.id
                for e in ours
                if e.run.attempt == 1 and e.run.step == self._first(e.run.pipeline)
            ]
            parents = await self.ledger.read_parents(firsts) if firsts else {}
            for ending in ours:
                parent = parents.get(ending.run.id)
                traces.tell(
                    ending, self._first(ending.run.pipeline), parent and tracing.Place(*parent)
                )
        except Exception as error:
            log.warning("attempts could not be traced", error=describe(error))

    def _trace_lost(self, row: Row) -> None:
        if self._traces is not None and row["pipeline"] in self.app.pipelines:
            self._traces.lost(row, self._first(row["pipeline"]))

    def _first(self, pipeline: str) -> str:
        return next(iter(self.app.pipelines[pipeline].steps))

    async def _finish_apart(self, batch: Sequence[Ending], refusal: OvernightError) -> list[Ending]:
        """One ending cannot be written: it contradicts an existing job, or Postgres cannot store
        its output.

        Find it, and let it alone become a dead letter.
        """
        if len(batch) > 1:
            return [ours for ending in batch for ours in await self._finish([ending])]
        if batch[0].transition.error_class == "refused":
            raise refusal
        dead = Transition(Status.DEAD, "error", str(refusal), "refused", failed=True)
        return await self._finish([Ending(batch[0].run, dead)])

    async def _was_late(self, ending: Ending) -> bool:
        """The guard matched nothing: the lease was lost, or the database went away after it had
        written.
        """
        note = (
            f"a late result ({ending.transition.outcome}) came after the lease was lost, and "
            "was dropped"
        )
        late = await self._database.insist(
            lambda: self.ledger.note_late_result(ending, self.boot_id, note)
        )
        if late:
            log.warning("late result dropped", **_fields(ending))
        return late

    def _forget(self, runs: Iterable[Run]) -> None:
        keys = {(run.id, run.attempt) for run in runs}
        for key in keys:
            self._tasks.pop(key, None)
            if self._latest.get(key[0]) == key:
                del self._latest[key[0]]
            self._since.pop(key, None)
        self._lost -= keys
        self._cancelled -= keys
        self._freed -= keys
        if self._traces is not None:
            self._traces.forget(keys)
        self._heart.drop(keys)
        self._wake.set()

    async def _drain(self) -> None:
        """Let what runs come to its end, hand back what does not within the grace,
        write all of it.
        """
        running = [task for task in self._tasks.values() if not task.done()]
        if running:
            _, late = await asyncio.wait(running, timeout=self._grace)
            self._cancel(key for key, task in self._tasks.items() if task in late)
        end = time.monotonic() + WRITE_GRACE
        while self._tasks and not self._finisher.done() and time.monotonic() < end:
            self._wake.clear()
            await self._sleep(0.1)
        self._threads.close()

    def _report_lost(self, attempts: set[Attempt]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._abort, attempts)

    def _abort(self, attempts: set[Attempt]) -> None:
        """Stop working on what is no longer ours. A run whose ending is being written is left to
        the guard.
        """
        for key in attempts:
            task = self._tasks.get(key)
            if task is not None and not task.done():
                self._lost.add(key)
                self._cancel([key])

    def _cancel(self, attempts: Iterable[Attempt]) -> None:
        for key in attempts:
            self._cancelled.add(key)
            self._tasks[key].cancel()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                await self._wake.wait()
        except TimeoutError:
            pass


def _size(ending: Ending) -> int:
    return len(ending.output or "") + sum(len(new.input or "") for new in ending.next)


async def _kept_up(service: Callable[[], Awaitable[None]]) -> None:
    """Run what should never end; a fault in it is said, and it begins again."""
    while True:
        try:
            await service()
        except Exception as fault:
            log.error("a service of the worker broke off", error=describe(fault))
        await asyncio.sleep(RESTART)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _fields(ending: Ending) -> dict[str, Any]:
    run, transition = ending.run, ending.transition
    fields: dict[str, Any] = {
        "job_id": run.job_id,
        "step": run.step,
        "pipeline": run.pipeline,
        "key": run.key,
        "attempt": run.attempt,
        "status": transition.status.value,
        "outcome": transition.outcome,
        "duration_ms": ending.duration_ms,
    }
    if ending.cost_usd is not None:
        fields["cost_usd"] = float(ending.cost_usd)
    if transition.error:
        fields["error" if transition.error_class else "reason"] = transition.error
    return fields


def _log(ending: Ending, told: structlog.typing.FilteringBoundLogger) -> None:
    wants_a_look = ending.transition.status in (Status.NEEDS_REVIEW, Status.DEAD)
    (told.warning if wants_a_look else told.info)("step", **_fields(ending))
