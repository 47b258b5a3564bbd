"""What starts work: a clock, an event, or a wait that an edit restarts. Pure; the database's clock
is passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from overnight.errors import ConfigError
from overnight.pipelines.events import Debounce as Debounce
from overnight.pipelines.events import On as On
from overnight.store.schedule_records import Skipped as Skipped

CatchUp = Literal["latest", "all", "skip"]

GRACE = timedelta(hours=12)  # a slot missed by more than this is not worth firing late
# on time, for `skip`: twice the 30 s that a worker may let pass between two looks
PUNCTUAL = timedelta(seconds=60)
LATE = timedelta(minutes=5)  # after this without a word of a slot nobody seems to fire it
# slots of a schedule that one look fires, of the 720 that a minutely one may miss within the usual
# grace
AT_ONCE = 100
# skipped slots that are counted one by one, in 0.1 s; what is said of more is “at least”
COUNTED = 10_000


def _slot_only(slot: datetime) -> dict[str, str]:
    return {"slot": slot.isoformat()}


@dataclass(frozen=True, slots=True)
class Due:
    """What a schedule owes: slots that are let go, then slots to fire (UTC), which are later, in
    their order.
    """

    fire: tuple[datetime, ...] = ()
    skipped: Skipped | None = None


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields in a time zone. `input` makes the job's input from the slot (an aware datetime in
    that zone).

    When the clocks change, a time of day that is left out fires right after the gap, and one that
    comes twice fires the first time. Where the minute or the hour begins with a star, the slots
    follow the real hours instead: each one fires, and none is made up.

    Slots missed while nothing ran, by less than `grace`, are caught up: of several the `latest`, or
    `all` in their order, or `skip`: none, only what is less than a minute late fires.
    """

    expression: str
    timezone: str = "UTC"
    input: Callable[[datetime], Any] = _slot_only
    grace: timedelta = GRACE
    catch_up: CatchUp = "latest"

    def __post_init__(self) -> None:
        from cronsim import CronSimError

        if self.catch_up not in get_args(CatchUp):
            raise ConfigError(f"“{self.catch_up}” is no way to catch up: write latest, all or skip")
        if self.grace < PUNCTUAL:
            raise ConfigError(
                "the grace of a schedule is at least a minute, for workers do not look every second"
            )
        wrong = f"“{self.expression}” is no cron expression of five fields"
        if len(self.expression.split()) != 5:
            raise ConfigError(f"{wrong}: it has {len(self.expression.split())}")
        try:
            if next(self._slots(datetime.now(UTC)), None) is None:
                raise ConfigError(f"“{self.expression}” fits no day of the next 50 years")
        except CronSimError as error:
            raise ConfigError(f"{wrong}: {error}") from None

    @property
    def zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigError(
                f"“{self.timezone}” is no time zone; they look like Europe/Belgrade"
            ) from None

    def next_slot(self, after: datetime) -> datetime:
        """The first slot strictly after an instant (UTC)."""
        return next(self._slots(after))

    def due(self, last: datetime, now: datetime) -> Due:
        """What becomes of the slots after `last`, the latest that was fired or skipped. Nothing
        where now is before it.

        `all` gives at most `AT_ONCE`, the oldest first; whoever got so many asks again.
        """
        if self.next_slot(last) > now:
            return Due()
        reach = PUNCTUAL if self.catch_up == "skip" else self.grace
        since = max(last, now - reach)
        latest = self._latest(last, now)
        if self.catch_up == "all":
            fire = tuple(islice(self._between(since, now), AT_ONCE))
        else:
            fire = (latest,) if latest > since else ()
        instead = fire and self.catch_up == "latest"
        why = (
            "a later one is fired instead" if instead else f"they were more than {span(reach)} late"
        )
        return Due(fire, self._skipped(last, fire[0] - timedelta.resolution if fire else now, why))

    def overdue(self, last: datetime, now: datetime) -> datetime | None:
        """The latest slot that should have been fired or skipped `LATE` ago and was
        not, or None.
        """
        limit = now - LATE
        return self._latest(last, limit) if self.next_slot(last) <= limit else None

    def _skipped(self, last: datetime, until: datetime, why: str) -> Skipped | None:
        count = sum(1 for _ in islice(self._between(last, until), COUNTED))
        return Skipped(count, self._latest(last, until), why) if count else None

    def _latest(self, after: datetime, until: datetime) -> datetime:
        """The latest slot in (after, until], which holds one. Sought in ever longer spans, for
        `after` may be old.
        """
        back, latest = timedelta(hours=1), deque[datetime](maxlen=1)
        while not latest:
            latest.extend(self._between(until - min(back, until - after), until))
            back *= 2
        return latest[0]

    def _between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        return takewhile(lambda slot: slot <= until, self._slots(after))

    def _slots(self, after: datetime) -> Iterator[datetime]:
        """Every slot strictly after an instant, as UTC: local times of one zone compare wrongly in
        a repeated hour.
        """
        from cronsim import CronSim

        slots = (
            slot.astimezone(UTC) for slot in CronSim(self.expression, after.astimezone(self.zone))
        )
        return (slot for slot in slots if slot > after)


def span(time: timedelta) -> str:
    """A span of a minute or more, as people say it."""
    unit, name = next(
        (
            unit
            for unit in ((timedelta(days=1), "days"), (timedelta(hours=1), "h"))
            if time >= 2 * unit[0]
        ),
        (timedelta(minutes=1), "min"),
    )
    return f"{time / unit:.3g} {name}"


Trigger = Cron | On
