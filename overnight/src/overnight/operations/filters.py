"""Which dead letters a command or a page is about."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dead letters. What is None fits all; `error` is a part of the message, `since` and
    `until` when it died, `group` the name of those with equal errors.
    """

    job: str | None = None
    pipeline: str | None = None
    step: str | None = None
    key: str | None = None
    error: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    group: str | None = None

    def params(self) -> dict[str, object]:
        return asdict(self)
