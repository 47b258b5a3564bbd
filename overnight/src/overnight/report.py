"""What is going on, and what happened: read-only queries as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from overnight import budgets
from overnight.app import App
from overnight.database import Database, Row
from overnight.ledger import Ledger
from overnight.model import Filter
from overnight.sql import queries
from overnight.triggers import Cron, zero_work

LIMIT = 50  # rows that a list shows unless told otherwise
EVERY = Filter()


async def status(database: Database, app: App | None) -> dict[str, Any]:
    """The last 24 hours by status, what waits, who works, which switches are off, what it cost."""
    since = {"since": datetime.fromtimestamp(datetime.now(UTC).timestamp() - 86_400, UTC)}
    rows = await database.fetch(queries["report_status"])
    backlog = await database.one(queries["report_backlog"])
    totals = await database.one(queries["report_totals"], since)
    workers = await database.fetch(queries["report_workers"])
    switches = await database.fetch(queries["switch_list"])
    return {
        "last_24_hours": {row["status"]: row["count"] for row in rows},
        "now": backlog,
        "totals": totals,
        "workers": [row for row in workers if row["alive"]],
        "switched_off": [row for row in switches if not row["enabled"]],
        "budgets": [row for row in await budgets.read(database) if budgets.is_nearly_spent(row)],
        "breakers": [row for row in await breakers(database) if row["state"] != "closed"],
        "parked": await database.fetch(queries["report_parked"], app.scope().params()) if app else [],
        "schedules": await schedules(database, app),
    }


async def schedules(database: Database, app: App | None) -> list[Row]:
    """The schedules of an app, or all that the ledger knows: last and next slot (UTC), missed slots, advice.

    `overdue` is a slot that nobody fired; of the last `ended` jobs `nothing` found no work. A schedule that no worker
    has seen yet has only its next slot.
    """
    rows = await Ledger(database).judge_schedules(app.name if app else None)
    return [_schedule(row) for row in (*rows, *(_unseen(app, rows) if app else ()))]


def _unseen(app: App, rows: Sequence[Row]) -> list[Row]:
    """The schedules of the code that no worker has made known yet."""
    known = {(row["pipeline"], row["cron"], row["timezone"]) for row in rows}
    return [
        {"app": app.name, "pipeline": pipeline.name, "cron": cron.expression, "timezone": cron.timezone}
        for pipeline in app.pipelines.values()
        for cron in pipeline.crons()
        if (pipeline.name, cron.expression, cron.timezone) not in known
    ]


def _schedule(row: Row) -> Row:
    cron = Cron(row["cron"], row["timezone"])
    now = row.pop("now", datetime.now(UTC))
    last = row.pop("last_slot", now)
    return {
        **row,
        "overdue": cron.overdue(last, now),
        "next": cron.next_slot(now),
        "next_local": cron.next_slot(now).astimezone(cron.zone).isoformat(),
        "advice": zero_work(row.get("nothing", 0), row.get("ended", 0)),
    }


async def alerts(database: Database, *, all: bool = False, limit: int = LIMIT) -> list[Row]:
    """Alerts that are open (or also those that are not), the latest first."""
    return await database.fetch(queries["alert_list"], {"all": all, "limit": limit})


async def runs(database: Database, **filters: Any) -> list[Row]:
    """The newest runs; filters: status, pipeline, key, limit."""
    return await database.fetch(queries["runs_list"], {"status": None, "pipeline": None, "key": None, **filters})


async def job(database: Database, job_id: str) -> list[Row]:
    """Every step of a job with its attempts, effects and model calls."""
    return await database.fetch(queries["job_show"], {"job_id": job_id})


async def actions(database: Database, job_id: str) -> list[Row]:
    """What people did with a job, oldest first."""
    return await database.fetch(queries["job_actions"], {"job_id": job_id})


async def dead(database: Database, filter: Filter = EVERY, limit: int = LIMIT) -> list[Row]:
    """Dead letters that fit, runs and messages, with their full context, newest first."""
    return await database.fetch(queries["dead_list"], {**filter.params(), "limit": limit})


async def review(database: Database, job_id: str | None = None, limit: int = LIMIT) -> list[Row]:
    """What waits for a person, oldest first: `seen` is its seal; of one job alone `shown` is it, exactly as stored."""
    return await database.fetch(queries["review_list"], {"job_id": job_id, "limit": limit})


async def switches(database: Database) -> list[Row]:
    """All switches, those that are off first."""
    return await database.fetch(queries["switch_list"])


async def switch_history(database: Database, scope: str | None = None, limit: int = LIMIT) -> list[Row]:
    """Who flipped what (None: any switch) and when, newest first."""
    return await database.fetch(queries["switch_history"], {"scope": scope, "limit": limit})


async def breakers(database: Database, *, everything: bool = False) -> list[Row]:
    """Circuit breakers that are not closed, or count errors; the open ones first."""
    return await database.fetch(queries["breaker_list"], {"all": everything})


async def effects(
    database: Database, job_id: str | None = None, *, open_only: bool = False, limit: int = LIMIT
) -> list[Row]:
    """External writes, those without an outcome first."""
    return await database.fetch(queries["effect_list"], {"job_id": job_id, "open": open_only, "limit": limit})


async def counts(database: Database) -> dict[str, int]:
    """All runs by status. Reads the whole table: for small ledgers."""
    return {row["status"]: row["count"] for row in await database.fetch(queries["report_counts"])}


async def since(database: Database, moment: datetime) -> Mapping[str, Any]:
    """Counts by status, retries, calls and cost since a moment, and each step's latency."""
    params = {"since": moment}
    totals = await database.one(queries["report_totals"], params)
    rows = await database.fetch(queries["report_changed"], params)
    steps = await database.fetch(queries["report_steps"], params)
    return {**(totals or {}), "runs": {row["status"]: row["count"] for row in rows}, "steps": steps}
