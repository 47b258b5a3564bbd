"""What is known of one upstream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

BreakerState = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of an upstream. `open_until` is None while closed; letting a probe through
    moves it on.

    `failures` are the errors in a row, `errors` the moments of the latest of them. `key` is what
    stands for `{key}` in the name, or empty; `version` is the fence for writing it.
    """

    name: str
    key: str
    failures: int = 0
    errors: Sequence[datetime] = ()
    opened_at: datetime | None = None
    open_until: datetime | None = None
    probe_run: int | None = None
    error: str | None = None
    version: int = 0

    def state(self, now: datetime) -> BreakerState:
        if self.open_until is None:
            return "closed"
        return "open" if self.open_until > now else "half-open"
