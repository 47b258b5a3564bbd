"""Failed jobs: by equal errors, or one by one with all there is to know of each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from overnight.console.extension import Context, Values
from overnight.console.pages.common import HIGHEST_ID, ROWS, number, titled
from overnight.operations import failures, moments, queries
from overnight.operations.filters import Filter

Place = tuple[datetime, int]  # when the last job of a page failed, and its id


async def dead(context: Context, values: Values) -> dict[str, Any]:
    """The failed jobs that match, by equal errors; one by one where a job or a group is named, or
    no two errors are equal.
    """
    matching, before = dead_filter(values), _place(values)
    grouped = await failures.read(context.database, context.app, matching, before=before)
    one_by_one = bool(matching.job or matching.group) or grouped.count == len(grouped.groups)
    rows = await queries.dead(context.database, matching, ROWS, before) if one_by_one else []
    last = (rows[-1]["died_at"], rows[-1]["id"]) if len(rows) == ROWS else None
    chosen = {name: value for name, value in matching.params().items() if value is not None}
    return {
        "failures": grouped,
        "one_by_one": one_by_one,
        "rows": await titled(context, rows),
        "chosen": chosen,
        "older": _older(chosen, last if one_by_one else grouped.next),
        "pipelines": list(context.app.pipelines),
        "keys": context.app.keys(),
    }


def dead_filter(values: Values) -> Filter:
    """The filter of an address. Raises `UserError` for a moment that is none."""
    names = ("job", "pipeline", "step", "key", "error", "group")
    since, until = (moments.parse_past(values.get(name)) for name in ("since", "until"))
    return Filter(**{name: values.get(name) or None for name in names}, since=since, until=until)


def _place(values: Values) -> Place | None:
    """Where a page begins, as `_older` wrote it."""
    at = moments.parse_past(values.get("at"))
    before = number(values.get("before"), 0, most=HIGHEST_ID)
    return (at, before) if at and before else None


def _older(chosen: dict[str, Any], last: Place | None) -> str:
    """The query of the page after this one; empty where there is none."""
    if last is None:
        return ""
    at, before = last
    return urlencode({**chosen, "at": at.astimezone(UTC).isoformat(), "before": before})
