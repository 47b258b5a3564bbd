"""What a run begins to wait for, and what is kept for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewWait:
    """What the step that follows waits for: an event with a key; or so many of its `children` (ids
    of jobs) to end, and what a dead one is to it.
    """

    step: str
    event: str | None = None
    key: str | None = None
    needs: int | None = None
    dead: str | None = None
    children: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be kept for a run that waits for it. `payload` is JSON text."""

    event: str
    key: str
    payload: str
