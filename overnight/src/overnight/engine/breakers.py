"""Circuit breakers: closed, open, half-open. Pure; the database's clock is passed in.

Five errors in a row within two minutes open a breaker. For ten minutes nothing behind it starts:
work waits and uses up no retries. Then one run is let through as a probe; its end closes the
breaker, or opens it again. That one alone gets through, whoever claims, is the business of
`claim.sql`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from overnight.store.breaker_records import Breaker
from overnight.store.records import BREAKER_PAUSE as PAUSE
from overnight.store.records import Ending, Status

ERRORS = 5  # in a row
WITHIN = timedelta(minutes=2)
OURS = ("payload", "refused", "deadline")  # classes of errors that say nothing of the upstream

Verdict = Literal["well", "error", "nothing"]


@dataclass(frozen=True, slots=True)
class Signal:
    """What one attempt tells of the upstream behind it."""

    run: int
    verdict: Verdict
    error: str | None = None


def signal(ending: Ending) -> Signal:
    """An error counts; a step that came to its end shows that the upstream is well; anything else
    says nothing.
    """
    transition = ending.transition
    if transition.failed and transition.error_class not in OURS:
        return Signal(ending.run.id, "error", transition.error)
    ended = transition.error_class is None and transition.status is not Status.QUEUED
    return Signal(ending.run.id, "well" if ended else "nothing")


def after(breaker: Breaker, signals: Iterable[Signal], now: datetime) -> Breaker:
    """The breaker after these attempts, in the order in which they ended."""
    for each in signals:
        breaker = (
            _counted(breaker, each, now)
            if breaker.open_until is None
            else _tried(breaker, each, now)
        )
    return breaker


def _counted(breaker: Breaker, signal: Signal, now: datetime) -> Breaker:
    """Closed: errors in a row open it, if they came close enough together."""
    if signal.verdict == "nothing":
        return breaker
    if signal.verdict == "well":
        return replace(breaker, failures=0, errors=())
    errors = (*breaker.errors, now)[-ERRORS:]
    failing = replace(breaker, failures=breaker.failures + 1, errors=errors, error=signal.error)
    if len(errors) < ERRORS or errors[-1] - errors[0] > WITHIN:
        return failing
    return replace(
        failing, opened_at=now, open_until=now + timedelta(seconds=PAUSE), probe_run=None
    )


def _tried(breaker: Breaker, signal: Signal, now: datetime) -> Breaker:
    """Open: only the probe counts, whatever else was still under way."""
    if signal.run != breaker.probe_run:
        return breaker
    if signal.verdict == "well":
        return Breaker(breaker.name, breaker.key, version=breaker.version)
    if signal.verdict == "nothing":
        return replace(breaker, open_until=now, probe_run=None)
    until = now + timedelta(seconds=PAUSE)
    return replace(
        breaker, failures=breaker.failures + 1, open_until=until, probe_run=None, error=signal.error
    )


def probe(breaker: Breaker, run: int, now: datetime) -> Breaker:
    """The breaker after this run was let through: half-open, it is the probe."""
    if breaker.state(now) != "half-open":
        return breaker
    return replace(breaker, open_until=now + timedelta(seconds=PAUSE), probe_run=run)
