"""The nouns: a claimed run, the outcomes a step may return, and the transition that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Where a run stands. What each means, and what may follow, is data in the database (`sql/schema`)."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    NEEDS_REVIEW = "needs_review"
    DEAD = "dead"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class NoWork:
    """There was nothing to do; the job ends here, well."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A person must decide. `value` is what they see; approved, it becomes the step's output as it stands."""

    reasons: Sequence[str]
    value: Any = None

    def __post_init__(self) -> None:
        if isinstance(self.reasons, str) or not all(isinstance(reason, str) for reason in self.reasons):
            raise TypeError("Review takes a list of reasons, each a string")


@dataclass(frozen=True, slots=True)
class Snooze:
    """Not now: try again in `seconds`. No failure is counted."""

    seconds: float
    reason: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.seconds, int | float) or not 0 <= self.seconds < float("inf"):
            raise TypeError("Snooze takes a number of seconds")


@dataclass(frozen=True, slots=True)
class Cancel:
    """The job ends here on purpose, and says why."""

    reason: str


Outcome = NoWork | Review | Snooze | Cancel


@dataclass(frozen=True, slots=True)
class Run:
    """A run as claimed: `attempt` is the fence for every later write. `input` is JSON text, or None."""

    id: int
    job_id: str
    step: str
    pipeline: str
    key: str
    attempt: int
    failures: int
    input: str | None


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be inserted. `input` is JSON text; `input_hash` is None for a step that follows another."""

    job_id: str
    step: str
    pipeline: str
    key: str
    input: str
    input_hash: str | None
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Transition:
    """What becomes of an attempt. `delay` (seconds) counts for `queued`; `ends_job` stops the chain of steps."""

    status: Status
    outcome: str
    error: str | None = None
    error_class: str | None = None
    delay: float = 0.0
    failed: bool = False
    ends_job: bool = True


@dataclass(frozen=True, slots=True)
class Ending:
    """An attempt with its transition, ready to be written in one guarded statement.

    `output` is JSON text, `detail` a traceback; `next` are the runs that follow from it.
    """

    run: Run
    transition: Transition
    output: str | None = None
    detail: str | None = None
    next: Sequence[NewRun] = field(default=())
    duration_ms: int = 0
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """What a person should know; `subject` is what it is about. The same kind and subject again is counted."""

    kind: str
    subject: str
    text: str
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a worker may claim: steps as `pipeline/step`, and keys, or None for any."""

    steps: Sequence[str]
    keys: Sequence[str] | None = None

    def params(self) -> dict[str, object]:
        return {"steps": list(self.steps), "keys": None if self.keys is None else list(self.keys)}
