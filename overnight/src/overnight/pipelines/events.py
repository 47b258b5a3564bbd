"""Events start work, perhaps after a wait that a later event restarts."""

from __future__ import annotations

from dataclasses import dataclass

from overnight.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Debounce:
    """Waits `seconds` before the step starts. An edit in that time restarts the wait, but not
    beyond `at_most`.
    """

    seconds: float
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.seconds < 0 or (self.at_most is not None and self.at_most < self.seconds):
            raise ConfigError("a debounce waits 0 seconds or more, and at most no less than that")


@dataclass(frozen=True, slots=True)
class On:
    """Starts a job for each event of this name; the event's payload is the job's input.

    With `debounce`, events of one key that come while the first still waits become one job, with
    the latest's input.
    """

    event: str
    debounce: Debounce | None = None
