"""What happens next. Pure: no clock, no database; the seconds it gives are added by the database's clock."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, Self

from overnight.errors import (
    BudgetReserved,
    BudgetSpent,
    ConfigError,
    DeadlinePassed,
    InvalidPayload,
    LeaseLost,
    LedgerUnavailable,
    OutcomeUnknown,
    Permanent,
    Refused,
    SwitchedOff,
    Transient,
)
from overnight.model import Cancel, NoWork, Review, Snooze, Status, Transition, shown

ErrorClass = Literal["transient", "permanent", "unknown"]

BACKOFF = (1.0, 4.0, 16.0, 60.0)  # seconds before retry 1, 2, 3, 4: the mission's numbers
PATIENT = (*BACKOFF, 300.0, 900.0, 1_800.0, 3_600.0)  # of work that has the night; the last one repeats
LONG = 3_600.0  # seconds of retries from which on a dead letter tells them
JITTER = 0.25  # each wait is between 75 % and 125 % of its number, so that retries do not come in herds
MAX_RETRY_AFTER = 24 * 3600.0  # seconds of the other side's wish that are honoured
MAX_LOSSES = 5  # owners that may die on one step before it is a dead letter
SUSPECT_LOSSES = 2  # from here on a worker runs the step beside no other such step, to find the one that kills
LEDGER_PAUSE = 1.0  # seconds before a step is tried again that could not reach the ledger
MAX_STARTS = 1_000  # starts that a rate limit may count: their moments are kept in one row
MAX_KEEP = 36_500  # days
# What hinders a run most comes last, as (status, whether it counts as a failure).
GRAVITY = (
    (Status.QUEUED, False),  # held, or handed back
    (Status.QUEUED, True),  # a retry
    (Status.NEEDS_REVIEW, False),
    (Status.NEEDS_REVIEW, True),
    (Status.DEAD, True),
)
SWITCH_PAUSE = 1.0  # seconds after which a run that met a switch may be claimed again (the claim holds it meanwhile)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a transient error is retried, and after how many seconds. Past the end of `backoff` its last counts."""

    times: int = 3
    backoff: tuple[float, ...] = BACKOFF
    jitter: float = JITTER

    def delay(self, failures: int, retry_after: float | None, rng: random.Random) -> float:
        """Seconds before the next attempt, after `failures` (≥ 1) failed ones. Never less than `retry_after`."""
        base = self.backoff[min(failures, len(self.backoff)) - 1]
        return max(base * rng.uniform(1 - self.jitter, 1 + self.jitter), min(retry_after or 0.0, MAX_RETRY_AFTER))

    @classmethod
    def over(cls, hours: float, *, longest: float = PATIENT[-1]) -> Self:
        """Retries for at least so many hours: the usual ones, then ever rarer, at last one every `longest` seconds."""
        waits = [min(wait, longest) for wait in PATIENT]
        while sum(waits) < hours * 3600:
            waits.append(longest)
        return cls(len(waits), tuple(waits))

    @property
    def total(self) -> float:
        """Seconds from the first failure to the last retry, without jitter and longer wishes of the other side."""
        waits = (*self.backoff, *[self.backoff[-1]] * self.times)
        return sum(waits[: self.times])

    def __post_init__(self) -> None:
        if self.times < 0 or not self.backoff:
            raise ConfigError("a retry policy needs a number of times and at least one wait")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many runs `at_once`, or so many `starts` within `per` seconds, over all workers of the ledger.

    Without a name it is the step's own. Steps that name the same limit share it; `{key}` in the name (and in
    `Limit.each_key`) makes one of it for each key.
    """

    name: str = "{pipeline}/{step}"
    at_once: int | None = None
    starts: int | None = None
    per: float = 60.0

    def __post_init__(self) -> None:
        if self.at_once is None and self.starts is None:
            raise ConfigError("a limit needs at_once=, or starts= with per=")
        numbers = [number for number in (self.at_once, self.starts) if number is not None]
        if min(numbers) < 1 or (self.starts or 1) > MAX_STARTS or self.per <= 0:
            raise ConfigError(f"a limit lets at least one run through, and counts at most {MAX_STARTS} starts")

    @classmethod
    def each_key(cls, *, at_once: int | None = None, starts: int | None = None, per: float = 60.0) -> Self:
        """A limit of the step's own, for each key."""
        return cls("{pipeline}/{step} {key}", at_once, starts, per)


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days after its end a job is kept; what has not ended, or is dead or in review, is kept for ever.

    `payloads`: inputs, outputs, details of attempts, answers of models (an answer that went is paid for again).
    `ids`: the rows themselves. As long as they stand, the same work is not done again. Apps that share a ledger keep
    what the most patient of them wants.
    """

    payloads: float = 30.0
    ids: float = 400.0  # more than a year, so that a yearly job finds its predecessor

    def __post_init__(self) -> None:
        if not 0 < self.payloads <= self.ids <= MAX_KEEP:
            raise ConfigError(
                f"payloads are kept for some days, and ids at least as long, up to {MAX_KEEP:,}: not {self.payloads:g} "
                f"and {self.ids:g}"
            )


class ErrorTable:
    """Which class an exception of a step belongs to: the first row that fits decides, ours after the app's own.

    What is no fault of the step (the ledger away, a switch off) never comes here. What no row knows is `unknown`,
    which is not retried: a bug does not heal by being run again.
    """

    OURS: tuple[tuple[type[BaseException], ErrorClass], ...] = (
        (Transient, "transient"),
        (Permanent, "permanent"),
        (TimeoutError, "transient"),
        (ConnectionError, "transient"),
    )

    def __init__(self, rows: Iterable[tuple[type[BaseException], ErrorClass]] = ()) -> None:
        self._rows = (*rows, *self.OURS)

    def classify(self, error: BaseException) -> ErrorClass:
        return next((class_ for type_, class_ in self._rows if isinstance(error, type_)), "unknown")


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

    `failures` are those before this attempt; `time_left` is in seconds until the job's deadline, if it has one.
    """
    if isinstance(result, BaseException):
        return _after_error(result, failures + 1, retry, errors, rng, time_left)
    if isinstance(result, NoWork):
        return Transition(Status.SUCCEEDED, "no_work", error=result.reason or None)
    if isinstance(result, Review):
        return Transition(Status.NEEDS_REVIEW, "review", error="\n".join(result.reasons))
    if isinstance(result, Snooze):
        return Transition(Status.QUEUED, "snooze", error=result.reason or None, delay=float(result.seconds))
    if isinstance(result, Cancel):
        return Transition(Status.CANCELLED, "cancel", error=result.reason)
    return DONE


def _after_error(
    error: BaseException,
    failures: int,
    retry: Retry,
    errors: ErrorTable,
    rng: random.Random,
    time_left: float | None,
) -> Transition:
    """Of a group of errors the one that hinders most decides; of several that may heal, the one that waits longest."""
    parts = [_after_one(each, failures, retry, errors, rng, time_left) for each in _parts(error, errors)]
    decisive = max(parts, key=lambda part: (GRAVITY.index((part.status, part.failed)), part.delay))
    return replace(decisive, error=_together([part.error or "" for part in parts]))


def _together(messages: list[str]) -> str:
    different = list(dict.fromkeys(messages))
    return different[0] if len(different) == 1 else f"{len(messages)} errors: {'; '.join(different)}"


def _parts(error: BaseException, errors: ErrorTable) -> list[BaseException]:
    """The errors of a group and of the groups in it, unless the app has a row for the group itself."""
    found, rest = list[BaseException](), [error]
    while rest:
        each = rest.pop(0)
        if isinstance(each, BaseExceptionGroup) and errors.classify(each) == "unknown":
            rest[:0] = each.exceptions
        else:
            found.append(each)
    return found


def _after_one(
    error: BaseException,
    failures: int,
    retry: Retry,
    errors: ErrorTable,
    rng: random.Random,
    time_left: float | None,
) -> Transition:
    message = _describe_one(error)
    if isinstance(error, LedgerUnavailable | LeaseLost):
        return Transition(Status.QUEUED, "handed_back", message, "ledger", delay=LEDGER_PAUSE)
    if isinstance(error, SwitchedOff):
        return Transition(Status.QUEUED, "held", message, "switch", delay=SWITCH_PAUSE)
    if isinstance(error, BudgetReserved):
        return Transition(Status.QUEUED, "held", message, "reserved", delay=error.retry_after)
    if isinstance(error, BudgetSpent):
        return Transition(Status.QUEUED, "held", message, "budget", delay=error.retry_after)
    if isinstance(error, OutcomeUnknown):
        return Transition(Status.NEEDS_REVIEW, "review", message, "unknown_outcome")
    if isinstance(error, InvalidPayload | Refused):
        return Transition(Status.DEAD, "error", message, "payload", failed=True)
    if isinstance(error, DeadlinePassed):
        return Transition(Status.DEAD, "error", message, "deadline", failed=True)
    class_ = errors.classify(error)
    if class_ == "transient":
        retry_after, doubt = _retry_after(error)
        message += doubt
    if class_ == "transient" and failures <= retry.times:
        wait = retry.delay(failures, retry_after, rng)
        if time_left is None or wait < time_left:
            return Transition(Status.QUEUED, "retry", message, class_, delay=wait, failed=True)
        message += "; the deadline of the job leaves no time to try again"
    elif class_ == "transient" and getattr(error, "review", False):
        asked = "once" if failures == 1 else f"{failures} times"
        message = f"no answer fits the form that was asked for ({asked} asked; the last: {message}); replay asks again"
        return Transition(Status.NEEDS_REVIEW, "review", message, "unfit", failed=True)
    elif class_ == "transient" and retry.total >= LONG:
        message += f"; given up after {failures} tries in {retry.total / 3600:.0f} h"
    return Transition(Status.DEAD, "error", message, class_, failed=True)


def _retry_after(error: BaseException) -> tuple[float | None, str]:
    """The seconds that the other side asked for, which an adapter may have taken from a header as they came.

    None, and what to add to the message, where they are no seconds.
    """
    given: Any = None
    try:
        given = getattr(error, "retry_after", None)
        seconds = given.total_seconds() if isinstance(given, timedelta) else 0.0 if given is None else float(given)
    except Exception as fault:
        seconds, given = math.nan, fault if given is None else given
    if seconds >= 0:
        return seconds, ""
    return None, f" (its retry_after is no number of seconds: {shown(given)})"


def describe(error: BaseException) -> str:
    """One line for a person: our own errors speak for themselves, others are named, and of a group each one."""
    parts = _parts(error, ErrorTable())
    return _together(list(map(_describe_one, parts)))


def _describe_one(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except BaseException:
        text = "its message cannot be read"
    if isinstance(error, Transient | Permanent | SwitchedOff | BudgetSpent | OutcomeUnknown):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)
HAND_BACK = Transition(Status.QUEUED, "handed_back", "the worker was asked to stop")
