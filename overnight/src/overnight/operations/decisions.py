"""What a person decides about a run that waits for review."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from overnight.pipelines.extensions import Extension
from overnight.store.database import Database, Row


@dataclass(frozen=True, slots=True)
class Approve:
    """A person's decision: what was reviewed goes on as it stands.

    `revision` is the hash of what they saw (SHA-256 in hexadecimal digits, the first 8 of them at
    least); it binds each decision to that, so that nobody decides on what they never saw.
    """

    revision: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """A person's decision: the step runs again with this input, and its output is judged anew."""

    revision: str
    input: Any
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """A person's decision: what was reviewed ends here."""

    revision: str
    reason: str


Decision = Approve | Edit | Reject


@dataclass(frozen=True, slots=True)
class Reviews(Extension):
    """How an app takes part in reviews.

    `preview` shows a person what waits for their review, from the stored output. `on_decision` is
    called with each decision of a person, and the run's row, right after it was written.
    """

    preview: Callable[[Any], str] | None = None
    on_decision: Callable[[Database, Decision, Row], Awaitable[None]] | None = None
