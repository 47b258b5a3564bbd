"""The calendar of an owner: what was published on each day, what is due on it, and what has no day
yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from contentstudio.config import Config
from contentstudio.pipelines.wishes import day_of
from contentstudio.store.calendars import Calendars
from contentstudio.store.publications import Publications
from overnight.errors import UserError
from overnight.store.database import Database, Row

YEARS = range(1971, 9_998)  # of the calendar; their neighbours are days of Python, too
PER_DAY = {"month": 4, "week": 40}  # of each kind that a day shows
UNPLANNED = 40  # without a day that the calendar shows
ONE_DAY = timedelta(days=1)
A_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Span:
    """A month or a week, from its first day to its last."""

    kind: Literal["month", "week"]
    first: date
    last: date

    @property
    def name(self) -> str:
        """As an address and a command have it: 2026-12, or 2026-W49."""
        return _name(self.kind, self.first)

    @property
    def before(self) -> str:
        return _name(self.kind, self.first - ONE_DAY)

    @property
    def after(self) -> str:
        return _name(self.kind, self.last + ONE_DAY)

    @property
    def title(self) -> str:
        if self.kind == "month":
            return f"{self.first:%B %Y}"
        return f"{self.first.day} {self.first:%B} to {self.last.day} {self.last:%B %Y}"

    @property
    def days(self) -> list[date]:
        """The days of whole weeks, from Monday to Sunday."""
        begin = self.first - timedelta(days=self.first.weekday())
        end = self.last + timedelta(days=6 - self.last.weekday())
        return [begin + timedelta(days=n) for n in range((end - begin).days + 1)]


def _name(kind: str, day: date) -> str:
    return f"{day:%Y-%m}" if kind == "month" else f"{day:%G-W%V}"


def month_of(day: date) -> Span:
    first = day.replace(day=1)
    return Span("month", first, (first + timedelta(days=31)).replace(day=1) - ONE_DAY)


def week_of(day: date) -> Span:
    monday = day - timedelta(days=day.weekday())
    return Span("week", monday, monday + timedelta(days=6))


def span_of(month: str, week: str, today: date) -> Span:
    """The month (2026-12) or the week (2026-W49) that is asked for; without either that of today.
    Raises `UserError`.
    """
    text = week or month
    try:
        day = (
            datetime.strptime(f"{week}-1", "%G-W%V-%u").date()  # noqa: DTZ007  # a day, no moment
            if week
            else date.fromisoformat(f"{month}-01")
            if month
            else today
        )
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        form = "week: write it as 2026-W49" if week else "month: write it as 2026-12"
        raise UserError(f"“{text}” is no {form}")
    return week_of(day) if week else month_of(day)


async def read(
    config: Config, database: Database, site: str | None, *, month: str = "", week: str = ""
) -> dict[str, Any]:
    """The days of a month or a week of a site, or of all: `span`, `today`, `days` with what stands
    on each, and what is on its way without a day, or past it. Raises `UserError`.
    """
    if site is not None:
        config.find(site)
    today = await today_of(config, database)
    span = span_of(month, week, today)
    days = await days_of(config, database, site, span.days, PER_DAY[span.kind])
    waiting = await Calendars(database).unplanned(site, today, UNPLANNED)
    return {
        "span": span,
        "today": today,
        "days": [{**each, "outside": not span.first <= each["day"] <= span.last} for each in days],
        "unplanned": [_entry(row) for row in waiting],
    }


async def today_of(config: Config, database: Database) -> date:
    """The day of the ledger, in the schedule's zone."""
    return day_of(config, await Publications(database).now())


async def days_of(
    config: Config, database: Database, site: str | None, days: list[date], per_day: int
) -> list[dict[str, Any]]:
    """What stands on each of these days: `entries`, and how many `more` there are. A day is one in
    the schedule's zone.
    """
    zone = ZoneInfo(config.research.timezone)
    spans = [(day, _midnight(day, zone), _midnight(day + ONE_DAY, zone)) for day in days]
    rows = await Calendars(database).entries(site, spans, per_day)
    return [{"day": day, **_day([row for row in rows if row["day"] == day])} for day in days]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _day(rows: list[Row]) -> dict[str, Any]:
    totals: Mapping[bool, int] = {row["kind"] == "planned": row["total"] for row in rows}
    return {
        "entries": [_entry(row) for row in rows],
        "more": sum(totals.values()) - len(rows),
    }


def _entry(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("day", "total")}
