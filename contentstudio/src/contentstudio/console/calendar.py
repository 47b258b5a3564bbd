"""The calendar: a month or a week, from which an idea is moved to another day."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

from contentstudio import calendar
from contentstudio.config import Config
from contentstudio.console.common import chosen, names
from overnight.console.extension import Context, Page, Values

MOVES = 7  # days that the menu of an entry offers; a field takes every other one


def pages(config: Config) -> tuple[Page, ...]:
    read = partial(_calendar, config)
    return (
        Page("/calendar", "calendar.html", read, "Calendar", "t", part="desk", icon="calendar"),
    )


async def _calendar(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """The days of the month or the week that is asked for, or of the month of today."""
    shown = await calendar.read(
        *(config, context.database, chosen(config, values)),
        month=values.get("month", ""),
        week=values.get("week", ""),
    )
    span, today = shown["span"], shown["today"]
    here = today if span.first <= today <= span.last else span.first
    return {
        **shown,
        "sites": names(config),
        "moves": moves(today),
        "month": calendar.month_of(here).name,
        "week": calendar.week_of(here).name,
        "current": (calendar.week_of if span.kind == "week" else calendar.month_of)(today).name,
        "lead_days": config.research.lead_days,
    }


def moves(today: date) -> list[date]:
    """The days to which the menu of an entry moves it."""
    return [today + timedelta(days=n) for n in range(MOVES)]
