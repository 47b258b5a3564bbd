"""One tree of errors. An error without a message of its own says its docstring.

The three classes that steer a retry are `Transient`, `Permanent` and everything else (unknown,
treated as permanent: a bug does not heal by running it again). `UserError` is what a person can
mend: the command line prints it as one sentence and exits with code 2.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pydantic import ValidationError

ErrorClass = Literal["transient", "permanent", "unknown"]  # which of them are retried

MAX_RETRY_AFTER = 24 * 3600.0  # seconds of the other side's wish that are honoured


class OvernightError(Exception):
    """Something went wrong in overnight."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").split("\n")[0].strip())


class UserError(OvernightError):
    """The command cannot be carried out as given."""


class ConfigError(UserError):
    """The configuration is wrong."""


class DatabaseUnavailable(UserError):
    """The database cannot be reached."""


class NotFound(UserError):
    """There is no such thing in the ledger."""


class IllegalTransition(UserError):
    """The run is not in a state from which this can be done."""


class IdConflict(UserError):
    """The same job id was given with different inputs."""


class Transient(OvernightError):
    """It may work later: a 5xx answer, a timeout, a rate limit.

    `retry_after` (seconds) is what the other side asked for; the retry waits at least that long.
    With `review` the step waits for a person after its last retry, instead of being a dead letter.
    """

    def __init__(
        self, message: str | None = None, *, retry_after: float | None = None, review: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.review = review


class Permanent(OvernightError):
    """It will not work however often it is tried: bad input, a 404, a refusal."""


class InvalidPayload(Permanent):
    """The payload does not fit what the step takes or gives."""


class Refused(Permanent):
    """The database refused a statement."""


class DeadlinePassed(Permanent):
    """The job's deadline has passed, so no further attempt begins."""


class TooSlow(Refused):
    """A statement took longer than its time limit, perhaps because somebody holds a lock that it
    needs.
    """


class Waiting(OvernightError):
    """What the step needs is not there yet; the run waits, and the step begins again.

    `retry_after` is in seconds. What is `held` by a switch may be claimed again after one: the
    claim holds it meanwhile.
    """

    held: str | None = None  # by what, where it is held back

    def __init__(self, message: str | None = None, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SwitchedOff(Waiting):
    """A kill switch is off, so nothing is written outside; the run waits until it is on again."""

    held = "switch"


class BudgetSpent(Waiting):
    """The budget of the day has no room for this call, so it was not made; the run waits for the
    next day (UTC).

    `limit` and `spent` are in dollars, the latter with what is reserved.
    """

    held = "budget"

    def __init__(
        self, message: str, *, scope: str, limit: Decimal, spent: Decimal, retry_after: float
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.scope = scope
        self.limit = limit
        self.spent = spent


class BudgetReserved(BudgetSpent):
    """The budget has no room while other calls are under way; the run waits for their end."""

    held = "reserved"


class LeaseLost(OvernightError):
    """Another worker owns this run now; whatever this one produced is dropped."""


class OutcomeUnknown(OvernightError):
    """An external write was begun and nobody can know whether it happened, so a person
    has to look.
    """


class LedgerUnavailable(Transient):
    """The database of the ledger does not answer: no fault of the step, so it counts as
    no failure.
    """


class NotReady(LedgerUnavailable):
    """The database of the ledger is there and cannot serve now: it starts, is full, or is a
    standby.
    """


def first_fault(error: ValidationError, *, of_union: bool = False) -> str:
    """The first thing that is wrong with a value: its place, such as `rows.0.clicks`, and what.

    Of a union it is that of the member which has least against the value. The value itself is left
    out: it may be long, or secret.
    """
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    counts = Counter(fault["loc"][: int(of_union)] for fault in faults)
    member = min(counts, key=lambda start: counts[start])
    fault = next(fault for fault in faults if fault["loc"][: len(member)] == member)
    place = ".".join(map(str, fault["loc"][len(member) :]))
    return f"{place}: {fault['msg']}" if place else fault["msg"]
