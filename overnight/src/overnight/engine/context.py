"""What a step is given: who it is, how to start more work, and the one way to write outside."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from overnight import logs
from overnight.engine import effects, spans
from overnight.identity import content_hash
from overnight.pipelines.app import App
from overnight.pipelines.pipeline import Pipeline
from overnight.store.ledger import Ledger
from overnight.store.records import NewRun, Run

if TYPE_CHECKING:
    import structlog

    from overnight.engine.waits import Child, Received
    from overnight.store.wait_records import NewEvent

D = TypeVar("D", default=Any)
T = TypeVar("T")

LINES = 50  # of the log that are kept of an attempt, of at most 500 characters each


@dataclass
class Context(Generic[D]):
    """One attempt of one step.

    Emitted events and spawned jobs are written with its ending, if that is a success, or not at
    all.
    """

    run: Run
    deps: D
    app: App
    ledger: Ledger
    spawned: list[NewRun] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    children: Sequence[Child] = ()  # of a step that joins: the jobs that the step before spawned
    received: Received | None = None  # the event that ended the wait
    timed_out: bool = False  # whether the end of its time began a step that waited
    cost_usd: Decimal | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))

    @property
    def job_id(self) -> str:
        """The id of the job that this step belongs to."""
        return self.run.job_id

    @property
    def attempt(self) -> int:
        """Which try this is; the first one is 1."""
        return self.run.attempt

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step of this job: what to send to an outside API that
        takes one.
        """
        return f"{self.run.job_id}:{self.run.step}"

    @cached_property
    def log(self) -> structlog.typing.FilteringBoundLogger:
        """A logger that says which attempt speaks. The last lines of one that fails are kept with
        it.
        """
        logger: structlog.typing.FilteringBoundLogger = logs.listened(self.lines).bind(
            job_id=self.run.job_id, step=self.run.step, attempt=self.run.attempt
        )
        return logger

    def emit(self, event: str, payload: Any) -> list[str]:
        """Start a job of each pipeline that listens to this event; their ids. One that the app
        declares is kept for a step that waits for it, too.

        One that waits out a debounce is replaced by the job of a later event of its kind, here or
        elsewhere.
        """
        jobs = self.app.jobs_for(event, payload)
        self.events += self.app.stored(event, payload)
        names = {job.debounce for job in jobs} - {None}
        self.spawned[:] = [
            earlier for earlier in self.spawned if earlier.debounce not in names
        ] + jobs
        return [job.job_id for job in jobs]

    def spawn(self, pipeline: str | Pipeline[T], input: T) -> str:  # noqa: A002  what users write
        """Start a job of a pipeline, or of the one with that name; its id. One that exists already
        is left alone.
        """
        new = self.app.pipeline(pipeline).job(input)
        self.spawned.append(new)
        return new.job_id

    async def enabled(self) -> bool:
        """False while a kill switch is off for this step."""
        return (
            await self.ledger.switch_holding(self.run.pipeline, self.run.key, self.run.step) is None
        )

    async def effect(
        self,
        name: str,
        *,
        content: Any,
        call: Callable[[], Awaitable[Any]],
        probe: Callable[[], Awaitable[Any | None]] | None = None,
        repeatable: bool = False,
        pauses: Sequence[float] = effects.PAUSES,
    ) -> Any:
        """Write outside, once for this job, name and content; the result, as plain data. A done one
        is not repeated.

        `content` is whatever JSON can hold. `call` writes and returns a result. Where an earlier
        attempt left an intent without an outcome, `probe` asks the other side first, after each of
        the `pauses` (seconds): its result, or None for “not there”. `repeatable` says that doing it
        twice equals doing it once. Raises `SwitchedOff` while a kill switch is off; where nobody
        can know what happened the step waits for a person.
        """
        with spans.span(f"effect {name}", {"overnight.effect": name}):
            return await effects.perform(
                *(self.ledger, self.run, name, content_hash(content)),
                call=call,
                probe=probe,
                repeatable=repeatable,
                pauses=pauses,
            )

    def span(
        self, name: str, attributes: Mapping[str, spans.Value] | None = None
    ) -> AbstractContextManager[spans.Attributes]:
        """What is done within, as a span of the job's trace; gives its attributes, to add to."""
        return spans.span(name, attributes)

    def charge(self, cost_usd: Decimal) -> None:
        """Note what a call cost, for the log line of this attempt (the ledger books it
        by itself).
        """
        self.cost_usd = (self.cost_usd or Decimal(0)) + cost_usd
