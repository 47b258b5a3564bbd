"""What a step may wait for: the jobs that the step before it spawned, and events that are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from overnight.errors import ConfigError, InvalidPayload, first_fault
from overnight.pipelines.outcomes import MAX_SNOOZE
from overnight.pipelines.pipeline import MAX_KEY, NAME, dump
from overnight.store.wait_records import NewEvent


@dataclass(frozen=True, slots=True)
class Join:
    """The step begins when the jobs that the step before spawned have ended: `all` of them, the
    `first`, or so many; at the latest after `timeout` seconds.

    A `dead` job is waited for (`wait`), for it may be replayed; or counts as ended (`skip`); or
    makes the step a dead letter at once (`fail`), which goes on by a replay.
    """

    timeout: float
    needs: int | Literal["all", "first"] = "all"
    dead: Literal["wait", "skip", "fail"] = "wait"

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= MAX_SNOOZE:
            raise ConfigError("a join has a timeout in seconds, more than 0, at most ten years")
        is_number = isinstance(self.needs, int) and self.needs > 0
        if self.needs not in ("all", "first") and not is_number:
            raise ConfigError('a join needs "all", "first" or a number of jobs, at least 1')
        if self.dead not in ("wait", "skip", "fail"):
            raise ConfigError('a dead job is one to "wait" for, to "skip", or to "fail" by')

    @property
    def count(self) -> int | None:
        """How many jobs have to end; None for all."""
        if isinstance(self.needs, int):
            return self.needs
        return 1 if self.needs == "first" else None


@dataclass(frozen=True)
class Event:
    """An event that is kept until a step waits for it (`Wait`), and is given to one.

    `key` says of a payload whom it is for, such as the number of an order; `payload` is the type
    that it must fit.
    """

    name: str
    key: Callable[[Any], object] = lambda payload: ""
    payload: Any = Any

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ConfigError(
                f"“{self.name}” is no name of an event: letters, digits, and . _ - between them"
            )

    @cached_property
    def type(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.payload)

    def new(self, payload: Any) -> NewEvent:
        """The event with this payload. Raises `InvalidPayload` where it does not fit."""
        try:
            value = self.type.validate_python(payload)
        except ValidationError as error:
            why = first_fault(error)
            raise InvalidPayload(f"the payload does not fit the event {self.name}: {why}") from None
        return NewEvent(self.name, check_key(str(self.key(value))), dump(value))


def check_key(key: str) -> str:
    """The key of an event, which stands in an index. Raises `InvalidPayload`."""
    if len(key) > MAX_KEY or "\0" in key:
        raise InvalidPayload(
            f"the key of an event has at most {MAX_KEY} characters, and no NUL among them; this "
            f"one has {len(key):,}"
        )
    return key
