"""Policies of a step: retries and limits."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Self

from overnight.errors import MAX_RETRY_AFTER, ConfigError

BACKOFF = (1.0, 4.0, 16.0, 60.0)  # seconds before retry 1, 2, 3, 4
# of work that has the night; the last one repeats
PATIENT = (*BACKOFF, 300.0, 900.0, 1_800.0, 3_600.0)
LONG = 3_600.0  # seconds of retries from which on a dead letter tells them
# each wait is between 75 % and 125 % of its number, so that retries do not come in herds
JITTER = 0.25
MAX_STARTS = 1_000  # starts that a rate limit may count: their moments are kept in one row


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a transient error is retried, and after how many seconds. Past the end of `backoff`
    its last counts.
    """

    times: int = 3
    backoff: tuple[float, ...] = BACKOFF
    jitter: float = JITTER

    def delay(self, failures: int, retry_after: float | None, rng: random.Random) -> float:
        """Seconds before the next attempt, after `failures` (≥ 1) failed ones. Never less than
        `retry_after`.
        """
        base = self.backoff[min(failures, len(self.backoff)) - 1]
        jittered = base * rng.uniform(1 - self.jitter, 1 + self.jitter)
        return max(jittered, min(retry_after or 0.0, MAX_RETRY_AFTER))

    @classmethod
    def over(cls, hours: float, *, longest: float = PATIENT[-1]) -> Self:
        """Retries for at least so many hours: the usual ones, then ever rarer, at last one every
        `longest` seconds.
        """
        waits = [min(wait, longest) for wait in PATIENT]
        while sum(waits) < hours * 3600:
            waits.append(longest)
        return cls(len(waits), tuple(waits))

    @property
    def total(self) -> float:
        """Seconds from the first failure to the last retry, without jitter and longer wishes of the
        other side.
        """
        waits = (*self.backoff, *[self.backoff[-1]] * self.times)
        return sum(waits[: self.times])

    def __post_init__(self) -> None:
        if self.times < 0 or not self.backoff:
            raise ConfigError("a retry policy needs a number of times and at least one wait")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many runs `at_once`, or so many `starts` within `per` seconds, over all workers of
    the ledger.

    Without a name it is the step's own. Steps that name the same limit share it; `{key}` in the
    name (and in `Limit.each_key`) makes one of it for each key.
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
            raise ConfigError(
                f"a limit lets at least one run through, and counts at most {MAX_STARTS} starts"
            )

    @classmethod
    def each_key(
        cls, *, at_once: int | None = None, starts: int | None = None, per: float = 60.0
    ) -> Self:
        """A limit of the step's own, for each key."""
        return cls("{pipeline}/{step} {key}", at_once, starts, per)
