"""The records of schedules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MISSED_WITHIN = 7 * 86_400.0  # seconds for which missed slots are counted
RECENT_SLOTS = 30  # the latest fired slots by which a schedule is judged


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as read at `now`. `last_slot` is the latest slot that was fired or skipped."""

    app: str
    pipeline: str
    cron: str
    timezone: str
    last_slot: datetime
    now: datetime

    @property
    def subject(self) -> str:
        """What its alerts are about."""
        return f"{self.pipeline} {self.cron} {self.timezone}"


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """A schedule of an app as it is declared: a pipeline, and when it starts."""

    pipeline: str
    cron: str
    timezone: str
    catch_up: str
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Skipped:
    """Slots that are not fired: how many, the latest of them (UTC), and why."""

    count: int
    latest: datetime
    why: str
