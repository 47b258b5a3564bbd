"""What a person decides about a run that waits for review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Approve:
    """A person's decision: what was reviewed goes on as it stands.

    `seen` is the seal of what they saw (SHA-256 in hexadecimal digits, the first 8 of them at
    least); it binds each decision to that, so that nobody decides on what they never saw.
    """

    seen: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """A person's decision: the step runs again with this input, and its output is judged anew."""

    seen: str
    input: Any
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """A person's decision: what was reviewed ends here."""

    seen: str
    reason: str


Decision = Approve | Edit | Reject
