"""Moments as people write them: when a job starts, and since when a list goes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from overnight import formatting
from overnight.errors import UserError
from overnight.observability.charts import ledger_now
from overnight.pipelines.outcomes import MAX_SNOOZE
from overnight.store.database import Database

SPAN = re.compile(r"(\d{1,9})([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LATE = timedelta(minutes=1)  # a start that is late by more was meant for another moment
FURTHEST = timedelta(seconds=MAX_SNOOZE)


def parse(text: str) -> datetime | timedelta:
    """A span from now (`+30m`, `+2h`, `+7d`), or a date with or without a time (UTC unless it says
    otherwise). Raises `UserError`.
    """
    span = _span(text[1:]) if text.startswith("+") else None
    return _date(text, "+30m, +2h, +7d") if span is None else span


def parse_past(text: str | None) -> datetime | None:
    """A span back from now (`30m`, `24h`, `7d`), or a date as for `parse`. Raises `UserError`."""
    if not text:
        return None
    span = _span(text)
    try:
        return _date(text, "30m, 24h, 7d") if span is None else datetime.now(UTC) - span
    except OverflowError:
        raise UserError(f"{text} ago is before the first year: write a shorter span") from None


def _span(text: str) -> timedelta | None:
    match = SPAN.fullmatch(text)
    return timedelta(seconds=int(match[1]) * SECONDS[match[2]]) if match else None


def _date(text: str, spans: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"“{text}” is no moment: write {spans}, or a date such as 2026-03-01T04:00"
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
