"""When a job starts: a moment, or a span from now, by the clock of the database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from overnight import formatting
from overnight.errors import UserError
from overnight.observability.charts import ledger_now
from overnight.pipelines.outcomes import MAX_SNOOZE
from overnight.store.database import Database

SPAN = re.compile(r"\+(\d{1,9})([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LATE = timedelta(minutes=1)  # a start that is late by more was meant for another moment
FURTHEST = timedelta(seconds=MAX_SNOOZE)


def parse(text: str) -> datetime | timedelta:
    """A span from now (`+30m`, `+2h`, `+7d`), or a date with or without a time (UTC unless it says
    otherwise). Raises `UserError`.
    """
    if span := SPAN.fullmatch(text):
        return timedelta(seconds=int(span[1]) * SECONDS[span[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"“{text}” is no moment: write +30m, +2h, +7d, or a date such as 2026-03-01T04:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def text(at: datetime | timedelta | None) -> str:
    """How a sentence goes on about a job that does not start at once."""
    if at is None:
        return ""
    is_span = isinstance(at, timedelta)
    return f", to start {f'in {at}' if is_span else f'at {formatting.cell(at)} UTC'}"


async def seconds_until(database: Database, at: datetime | timedelta) -> float:
    """How long it is until then; never less than 0. Raises `UserError` for a moment at which
    nothing can start.
    """
    if isinstance(at, datetime) and at.tzinfo is None:
        raise UserError(f"the moment {at} has no time zone: give it one, such as UTC")
    wait = at if isinstance(at, timedelta) else at - await ledger_now(database)
    if wait < -LATE:
        raise UserError(f"a job cannot start in the past: {at}")
    if wait > FURTHEST:
        raise UserError("a job starts within ten years, or not at all")
    return max(wait.total_seconds(), 0.0)
