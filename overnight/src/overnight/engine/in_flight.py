"""The attempts that a worker has in flight: from the claim until the ending is written. Pure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from overnight.engine.spans import Span
from overnight.store.records import Ending, Run

MAX_UNWRITTEN = 500  # endings that may wait beyond the slots until further runs are claimed


class State(Enum):
    """How far an attempt is, whether its task may still do something, and whether it has a slot."""

    RUNNING = "its step runs", True, True
    CANCELLED = "the worker stops, so its task is cancelled", True, True
    TIMED_OUT = "its time limit has passed, so its task is cancelled", True, True
    LOST = "its lease is lost, so its task is cancelled", True, True
    CONTINUING = "ended; its slot waits for the next step of its job", False, True
    ENDED = "ended; its slot is free, its ending is not yet written", False, False
    WRITTEN = "its ending is written", False, False

    def __init__(self, meaning: str, is_running: bool, has_slot: bool) -> None:
        self.meaning, self.is_running, self.has_slot = meaning, is_running, has_slot


@dataclass(slots=True, eq=False)
class InFlight:
    """One attempt. `slot_since` (when its job got its slot) and `lease_until` (the time limit of
    its step, until which its lease is renewed) are on the monotonic clock; `started` and `ended`
    are nanoseconds since 1970.
    """

    run: Run
    slot_since: float = 0.0
    lease_until: float = 0.0
    state: State = State.RUNNING
    task: asyncio.Task[None] | None = None
    ending: Ending | None = None
    spans: list[Span] = field(default_factory=list)
    started: int = field(default_factory=time.time_ns)
    ended: int = 0

    @property
    def id(self) -> tuple[int, int]:
        """What identifies it in the ledger: (run id, attempt number)."""
        return self.run.id, self.run.attempt

    @property
    def result(self) -> Ending:
        """The ending of an attempt that has ended."""
        assert self.ending is not None
        return self.ending


class InFlightAttempts:
    """All of a worker's, which has so many `slots`."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._used = 0
        self._attempts: dict[InFlight, None] = {}  # in the order of their begin
        self._latest: dict[int, InFlight] = {}  # of each run id

    def __iter__(self) -> Iterator[InFlight]:
        return iter(list(self._attempts))

    def __len__(self) -> int:
        return len(self._attempts)

    def free_slots(self, taken: int = 0) -> int:
        """How many more attempts may begin while something else has `taken` slots. One that ended
        gives its slot away before its ending is written, up to `MAX_UNWRITTEN` of them.
        """
        slots = self._slots - taken
        return max(0, min(slots - self._used, slots - len(self) + MAX_UNWRITTEN))

    def latest(self, run_id: int) -> InFlight | None:
        """The latest attempt of a run."""
        return self._latest.get(run_id)

    def add(self, attempt: InFlight) -> None:
        self._attempts[attempt] = None
        self._latest[attempt.run.id] = attempt
        self._used += attempt.state.has_slot

    def move(self, attempt: InFlight, state: State) -> None:
        """Change the state of an attempt of this collection."""
        self._used += state.has_slot - attempt.state.has_slot
        attempt.state = state

    def cancel(self, attempt: InFlight, state: State) -> None:
        """Cancel a running attempt, as CANCELLED or LOST. One that is lost stays so."""
        if attempt.state.is_running and attempt.task is not None:
            self.move(attempt, State.LOST if attempt.state is State.LOST else state)
            attempt.task.cancel()

    def end(self, attempt: InFlight, ending: Ending, state: State) -> None:
        """Note the ending of an attempt, as CONTINUING or ENDED."""
        attempt.ending = ending
        attempt.ended = time.time_ns()
        self.move(attempt, state)

    def remove(self, attempts: Iterable[InFlight]) -> None:
        for attempt in attempts:
            if attempt in self._attempts:
                del self._attempts[attempt]
                self._used -= attempt.state.has_slot
            if self._latest.get(attempt.run.id) is attempt:
                del self._latest[attempt.run.id]
