"""When a site may publish: the hours of a window, in the site's own time. Pure; the clock is passed
in.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from contentstudio.config.site import DAYS, Window

AHEAD = 9  # days that are looked through: a week, and the night before and after it


def opens_in(window: Window, now: datetime) -> float:
    """Seconds until the window is open; 0 while it is. It is open from its first minute to before
    its last one.

    A time of day that the change of clocks leaves out is meant as the hour after it.
    """
    for begin, end in _openings(window, now):
        if now < end:
            return max((begin - now).total_seconds(), 0.0)
    raise AssertionError("a window has a day of the week")


def gives_up_at(window: Window | None, since: datetime, hours: float) -> datetime:
    """Until when that is tried again which failed first at `since`: for so many hours; where a
    window closes before and opens after that, to the end of its next opening.
    """
    until = since + timedelta(hours=hours)
    if window is None or any(
        begin <= since and until <= end for begin, end in _openings(window, since)
    ):
        return until
    begin, end = next(opening for opening in _openings(window, since) if opening[0] > since)
    return until if begin < until else end


def _openings(window: Window, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The spans around a moment, in their order. One that ends before it begins reaches into the
    next day.
    """
    zone = ZoneInfo(window.timezone)
    first, last = window.minutes
    for ahead in range(-1, AHEAD):
        day = datetime.combine(now.astimezone(zone).date() + timedelta(days=ahead), time())
        if DAYS[day.weekday()] in window.days:
            end = last if last > first else last + 24 * 60
            begins, ends = (day + timedelta(minutes=minutes) for minutes in (first, end))
            yield (
                begins.replace(tzinfo=zone).astimezone(UTC),
                ends.replace(tzinfo=zone).astimezone(UTC),
            )
