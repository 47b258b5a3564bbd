"""What is going on, and what happened: read-only queries as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from overnight.app import App
from overnight.database import Database, Row
from overnight.sql import queries

LIMIT = 50  # rows that a list shows unless told otherwise


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
        "parked": await database.fetch(queries["report_parked"], app.scope().params()) if app else [],
        "schedules": await schedules(database, app) if app else [],
    }


async def schedules(database: Database, app: App) -> list[Row]:
    """Each schedule with its last and next slot (UTC)."""
    found = []
    for pipeline in app.pipelines.values():
        for cron in pipeline.crons():
            row = await database.one(
                queries["schedule_read"],
                {
                    "app": app.name,
                    "pipeline": pipeline.name,
                    "cron": cron.expression,
                    "timezone": cron.timezone,
                },
            )
            now = row["now"] if row else datetime.now(UTC)
            found.append(
                {
                    "pipeline": pipeline.name,
                    "cron": cron.expression,
                    "timezone": cron.timezone,
                    "next": cron.next_slot(now),
                }
            )
    return found


async def runs(database: Database, **filters: Any) -> list[Row]:
    """The newest runs; filters: status, pipeline, key, limit."""
    return await database.fetch(queries["runs_list"], {"status": None, "pipeline": None, "key": None, **filters})


async def job(database: Database, job_id: str) -> list[Row]:
    """Every step of a job with its attempts, effects and model calls."""
    return await database.fetch(queries["job_show"], {"job_id": job_id})


async def dead(database: Database, job_id: str | None = None, limit: int = LIMIT) -> list[Row]:
    """Dead letters with their full context, newest first."""
    return await database.fetch(queries["dead_list"], {"job_id": job_id, "limit": limit})


async def review(database: Database, job_id: str | None = None, limit: int = LIMIT) -> list[Row]:
    """What waits for a person, oldest first."""
    return await database.fetch(queries["review_list"], {"job_id": job_id, "limit": limit})


async def switches(database: Database) -> list[Row]:
    """All switches, those that are off first."""
    return await database.fetch(queries["switch_list"])


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
