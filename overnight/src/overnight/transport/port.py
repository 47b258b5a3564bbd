"""The port: whoever made something due says so. Nobody has to believe it, and the ledger answers what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Hint:
    """Something is due in `delay` seconds. The names are for people who look into a queue, and for nothing else."""

    delay: float = 0.0
    pipeline: str = ""
    step: str = ""
    key: str = ""
    job_id: str = ""


class Transport(Protocol):
    """Carries hints. One that is lost or doubled costs time, never correctness; so a failure is logged, not raised."""

    async def send(self, hints: Sequence[Hint]) -> None:
        """Wake somebody for each of these."""
        ...
