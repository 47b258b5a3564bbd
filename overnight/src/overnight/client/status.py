"""Where a job stands, and why it has no result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from overnight.errors import OvernightError
from overnight.store.records import Status


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where a job stands: the last of its steps that has begun, or waits.

    `outcome` is what became of its last attempt, `error` what was said then. A queued step starts
    at `due_at`. Moments are in UTC.
    """

    job_id: str
    pipeline: str
    key: str
    step: str
    state: Status
    outcome: str | None
    attempt: int
    error: str | None
    error_class: str | None
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it goes on by itself; a dead letter and a review wait for a person."""
        return self.state in (Status.QUEUED, Status.RUNNING)

    @property
    def has_succeeded(self) -> bool:
        return self.state is Status.SUCCEEDED


class NoResult(OvernightError):
    """The job has no result; `status` says where it stands."""

    def __init__(self, message: str, status: JobStatus) -> None:
        super().__init__(message)
        self.status = status


class JobFailed(NoResult):
    """The job is a dead letter: it waits until a person replays or discards it."""


class JobInReview(NoResult):
    """The job waits for review: it goes on when a person approves it."""


class JobCancelled(NoResult):
    """The job was cancelled, rejected or discarded."""


class ResultGone(NoResult):
    """The job has succeeded, and its result is not kept any more."""


def no_result(status: JobStatus) -> NoResult | None:
    """Why a job that goes on no more has no result, in one sentence; None where it succeeded."""
    job = f"job {status.job_id}"
    why = f": {status.error}" if status.error else ""
    match status.state:
        case Status.DEAD:
            return JobFailed(f"{job} failed at {status.step}{why}", status)
        case Status.NEEDS_REVIEW:
            return JobInReview(f"{job} waits for review at {status.step}{why}", status)
        case Status.CANCELLED:
            return JobCancelled(f"{job} was cancelled at {status.step}{why}", status)
    return None
