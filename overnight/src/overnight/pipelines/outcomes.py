"""What a step may return instead of a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from overnight.logs import shown

MAX_SNOOZE = 10 * 366 * 86_400.0  # seconds: ten years; the database's calendar has an end
NO_REASON = "the step gave no reason"


def _text(value: object) -> str:
    """A reason as text: a step that gives something else must not lose it."""
    try:
        return "" if value is None else str(value)
    except BaseException:
        return shown(value)


@dataclass(frozen=True, slots=True)
class NoWork:
    """There was nothing to do; the job ends here, well."""

    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", _text(self.reason))


@dataclass(frozen=True, slots=True)
class Review:
    """A person must decide. `value` is what they see; approved, it becomes the step's output as it
    stands.
    """

    reasons: Sequence[str]
    value: Any = None

    def __post_init__(self) -> None:
        """Raises `TypeError` for what is no list of strings. A review without a reason says so."""
        reasons: Any = self.reasons
        if isinstance(reasons, Iterable) and not isinstance(reasons, str | bytes):
            reasons = list(reasons)
        if not isinstance(reasons, list) or not all(isinstance(each, str) for each in reasons):
            raise TypeError(
                f"Review takes a list of reasons, each a string, and not {shown(reasons)}"
            )
        stated = [each for each in reasons if each.strip()]
        object.__setattr__(self, "reasons", stated or [NO_REASON])


@dataclass(frozen=True, slots=True)
class Snooze:
    """Not now: try again in `seconds`. No failure is counted."""

    seconds: float
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", _text(self.reason))
        if not isinstance(self.seconds, int | float) or not 0 <= self.seconds <= MAX_SNOOZE:
            why = f" (its reason was: {self.reason})" if self.reason else ""
            raise TypeError(
                "Snooze takes a number of seconds, at most ten years, and not "
                f"{shown(self.seconds)}{why}"
            )


@dataclass(frozen=True, slots=True)
class Cancel:
    """The job ends here on purpose, and says why."""

    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", _text(self.reason) or NO_REASON)


@dataclass(frozen=True, slots=True)
class Wait:
    """The step is done, and the next one waits for an event with this key, for at most `timeout`
    seconds. It takes `value` as its input, and finds the event in `ctx.received`.
    """

    event: str
    key: object
    timeout: float
    value: Any = None


Outcome = NoWork | Review | Snooze | Cancel | Wait
