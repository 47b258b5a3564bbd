"""What happens next. Pure: no clock, no database; the seconds it gives are added by the database's
clock.
"""

from __future__ import annotations

import random
from dataclasses import replace

from overnight.error_classes import ErrorTable, describe_one, joined, parts_of
from overnight.errors import (
    DeadlinePassed,
    InvalidPayload,
    LeaseLost,
    LedgerUnavailable,
    OutcomeUnknown,
    Refused,
    Waiting,
)
from overnight.pipelines.outcomes import Cancel, NoWork, Review, Snooze
from overnight.pipelines.policies import LONG, Retry
from overnight.store.records import Status, Transition

MAX_LOSSES = 5  # owners that may die on one step before it is a dead letter
LEDGER_PAUSE = 1.0  # seconds before a step is tried again that could not reach the ledger
# What hinders a run most comes last, as (status, whether it counts as a failure).
GRAVITY = (
    (Status.QUEUED, False),  # held, or handed back
    (Status.QUEUED, True),  # a retry
    (Status.NEEDS_REVIEW, False),
    (Status.NEEDS_REVIEW, True),
    (Status.DEAD, True),
)
DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)
HAND_BACK = Transition(Status.QUEUED, "handed_back", "the worker was asked to stop")


def decide(
    result: object,
    *,
    failures: int,
    retry: Retry,
    errors: ErrorTable,
    rng: random.Random,
    time_left: float | None = None,
) -> Transition:
    """The transition that follows what a step returned or raised.

    `failures` are those before this attempt; `time_left` is in seconds until the job's deadline, if
    it has one.
    """
    if isinstance(result, BaseException):
        parts = [
            _after_error(each, failures + 1, retry, errors, rng, time_left)
            for each in parts_of(result, errors)
        ]
        return _together(parts)
    if isinstance(result, NoWork):
        return Transition(Status.SUCCEEDED, "no_work", error=result.reason or None)
    if isinstance(result, Review):
        return Transition(Status.NEEDS_REVIEW, "review", error="\n".join(result.reasons))
    if isinstance(result, Snooze):
        return Transition(
            Status.QUEUED, "snooze", error=result.reason or None, delay=float(result.seconds)
        )
    if isinstance(result, Cancel):
        return Transition(Status.CANCELLED, "cancel", error=result.reason)
    return DONE


def _together(parts: list[Transition]) -> Transition:
    """Of a group of errors the one that hinders most decides; of several that may heal, the one
    that waits longest.
    """
    decisive = max(parts, key=lambda part: (GRAVITY.index((part.status, part.failed)), part.delay))
    return replace(decisive, error=joined([part.error or "" for part in parts]))


def _after_error(
    error: BaseException,
    failures: int,
    retry: Retry,
    errors: ErrorTable,
    rng: random.Random,
    time_left: float | None,
) -> Transition:
    message = describe_one(error)
    if isinstance(error, LedgerUnavailable | LeaseLost):
        return Transition(Status.QUEUED, "handed_back", message, "ledger", delay=LEDGER_PAUSE)
    if isinstance(error, Waiting):
        outcome = "held" if error.held else "snooze"
        return Transition(Status.QUEUED, outcome, message, error.held, delay=error.retry_after)
    if isinstance(error, OutcomeUnknown):
        return Transition(Status.NEEDS_REVIEW, "review", message, "unknown_outcome")
    if isinstance(error, InvalidPayload | Refused):
        return Transition(Status.DEAD, "error", message, "payload", failed=True)
    if isinstance(error, DeadlinePassed):
        return Transition(Status.DEAD, "error", message, "deadline", failed=True)
    class_ = errors.classify(error)
    if class_ == "transient":
        from overnight.known_errors import retry_after

        wish, doubt = retry_after(error)
        message += doubt
    if class_ == "transient" and failures <= retry.times:
        wait = retry.delay(failures, wish, rng)
        if time_left is None or wait < time_left:
            return Transition(Status.QUEUED, "retry", message, class_, delay=wait, failed=True)
        message += "; the deadline of the job leaves no time to try again"
    elif class_ == "transient" and getattr(error, "review", False):
        times = "once" if failures == 1 else f"{failures} times"
        message = (
            f"no answer fits the form that was asked for ({times} asked; the last: "
            f"{message}); replay asks again"
        )
        return Transition(Status.NEEDS_REVIEW, "review", message, "unfit", failed=True)
    elif class_ == "transient" and retry.total >= LONG:
        message += f"; given up after {failures} tries in {retry.total / 3600:.0f} h"
    return Transition(Status.DEAD, "error", message, class_, failed=True)
