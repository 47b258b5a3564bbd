"""The records of the ledger: runs, claims, endings, breakers, alerts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from overnight.store.wait_records import NewEvent, NewWait

# crashes of a step from which on a worker runs it beside no other such step: one of them kills
SUSPECT_LOSSES = 2
BREAKER_PAUSE = 600.0  # seconds for which an open breaker lets nothing through

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(**options: bool) -> Callable[[type], type]:
        """A frozen dataclass for the type checker alone: each run makes several of them, and a
        guard at run time makes their constructors slow.
        """
        return dataclass(slots=True, unsafe_hash=True)


JOIN, WAIT = "join", "wait"  # origins of runs that wait


class Status(StrEnum):
    """Where a run stands. What each means, and what may follow, is data in the database
    (`sql/schema`).
    """

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    NEEDS_REVIEW = "needs_review"
    DEAD = "dead"
    CANCELLED = "cancelled"


@record(frozen=True, slots=True)
class Run:
    """A run as claimed: `attempt` is the fence for every later write. `input` is JSON text, or
    None.

    `time_left` is in seconds until the job's deadline, or None without one. `origin` is what began
    it, as in `NewRun`.
    """

    id: int
    job_id: str
    step: str
    pipeline: str
    key: str
    attempt: int
    failures: int
    input: str | None
    time_left: float | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim got. Where that is less than it asked for, `next_due` are the seconds until it
    may get more.
    """

    runs: list[Run]
    next_due: float | None


@dataclass(frozen=True, slots=True)
class Finish:
    """What a finish wrote: (id, attempt) of the endings that were still ours, and the eager runs
    that have begun.
    """

    ours: set[tuple[int, int]]
    begun: list[Run]


@dataclass(frozen=True, slots=True)
class Rescue:
    """What a look at the other workers found.

    The runs given back, the lock of the neighbour in the ring of workers, and in how many seconds
    to look again.
    """

    runs: list[dict[str, Any]]
    neighbour: int | None
    again: float | None


@record(frozen=True, slots=True)
class NewRun:
    """A run to be inserted. `input` is JSON text; it and `input_hash` are None for a step that
    follows another.

    Spans are in seconds from the insert: `delay` until it is due, `deadline` and `expect` of the
    whole job (a step that follows inherits them, and its priority). `origin` says what began a job,
    and of a step that waits that it does: `JOIN` or `WAIT`.
    While a run with a `debounce` name waits, another one of that name takes its place and restarts
    its wait, but not beyond `at_most` from the first.
    """

    job_id: str
    step: str
    pipeline: str
    key: str
    input: str | None
    input_hash: str | None
    delay: float = 0.0
    priority: int = 0
    origin: str | None = None
    deadline: float | None = None
    expect: float | None = None
    debounce: str | None = None
    at_most: float | None = None

    @property
    def follows(self) -> bool:
        """Whether it is the next step of its job, which takes the output as stored."""
        return self.input is None


@dataclass(frozen=True, slots=True)
class Transition:
    """What becomes of an attempt. `delay` (seconds) counts for `queued`; `ends_job` stops the chain
    of steps.
    """

    status: Status
    outcome: str
    error: str | None = None
    error_class: str | None = None
    delay: float = 0.0
    failed: bool = False
    ends_job: bool = True


@record(frozen=True, slots=True)
class Ending:
    """An attempt with its transition, ready to be written in one guarded statement.

    `output` is JSON text, `detail` what was logged, and a traceback; `next` are the runs that
    follow from it, `wait` what the next step waits for, `events` what others wait for.
    """

    run: Run
    transition: Transition
    output: str | None = None
    detail: str | None = None
    next: Sequence[NewRun] = field(default=())
    duration_ms: int = 0
    cost_usd: Decimal | None = None
    wait: NewWait | None = None
    events: Sequence[NewEvent] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """What a person should know; `subject` is what it is about. The same kind and subject again is
    counted.
    """

    kind: str
    subject: str
    text: str
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """What holds a step (`pipeline/step`) back: a breaker, or a limit of runs at once or of starts
    in `per` seconds.

    Steps whose guards have the same name share them; `{key}` in a name stands for the run's key.
    """

    step: str
    name: str
    at_once: int | None = None
    starts: int | None = None
    per: float | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a worker may claim: steps as `pipeline/step` with their guards, and keys, or None for
    any.
    """

    steps: Sequence[str]
    keys: Sequence[str] | None = None
    guards: Sequence[Guard] = ()

    def covers(self, new: NewRun) -> bool:
        """Whether a worker of this scope may claim that run."""
        return f"{new.pipeline}/{new.step}" in self.steps and (
            self.keys is None or not new.key or new.key in self.keys
        )

    def is_free(self, new: NewRun) -> bool:
        """Whether nothing but a switch or a higher priority could hold that run from a worker of
        this scope.
        """
        work = f"{new.pipeline}/{new.step}"
        return (
            not new.delay and self.covers(new) and all(guard.step != work for guard in self.guards)
        )

    def params(self) -> dict[str, object]:
        return {"steps": list(self.steps), "keys": None if self.keys is None else list(self.keys)}
