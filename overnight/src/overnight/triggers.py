"""What starts work: a clock, an event, or a wait that an edit restarts. Pure; the database's clock is passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from overnight.errors import ConfigError

GRACE = timedelta(hours=12)  # a slot missed by more than this is not worth firing late


def _slot_only(slot: datetime) -> dict[str, str]:
    return {"slot": slot.isoformat()}


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields in a time zone. `input` makes the job's input from the slot (an aware datetime in that zone).

    A slot missed while nothing ran fires once on start, if it is not older than `grace`: of several, the latest.
    """

    expression: str
    timezone: str = "UTC"
    input: Callable[[datetime], Any] = _slot_only
    grace: timedelta = GRACE

    def __post_init__(self) -> None:
        from cronsim import CronSim, CronSimError

        try:
            CronSim(self.expression, datetime.now(self.zone))
        except CronSimError as error:
            raise ConfigError(f"“{self.expression}” is no cron expression of five fields: {error}") from None

    @property
    def zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigError(f"“{self.timezone}” is no time zone; they look like Europe/Belgrade") from None

    def next_slot(self, after: datetime) -> datetime:
        """The first slot strictly after an instant (UTC)."""
        return next(self._slots(after))

    def due_slot(self, last: datetime, now: datetime) -> datetime | None:
        """The slot to fire now (UTC): the latest of those after `last`, unless it is past its grace."""
        due = None
        for slot in takewhile(lambda slot: slot <= now, self._slots(max(last, now - self.grace))):
            due = slot
        return due

    def _slots(self, after: datetime) -> Iterator[datetime]:
        """Every slot strictly after an instant, as UTC: local times of one zone compare wrongly in a repeated hour."""
        from cronsim import CronSim

        slots = (slot.astimezone(UTC) for slot in CronSim(self.expression, after.astimezone(self.zone)))
        return (slot for slot in slots if slot > after)


@dataclass(frozen=True, slots=True)
class On:
    """Starts a job for each event of this name; the event's payload is the job's input."""

    event: str


@dataclass(frozen=True, slots=True)
class Debounce:
    """Waits `seconds` before the step starts; an approval in that time has the whole wait again."""

    seconds: float


Trigger = Cron | On
