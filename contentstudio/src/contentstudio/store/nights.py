"""What happened in a night: the numbers and lists of the daily report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contentstudio.store.articles import Articles
from contentstudio.store.sql import queries
from overnight.operations import queries as lists
from overnight.store.database import Database, Row

COUNTED = (
    "published",
    "updated",
    "needs_review",
    "dead",
    "rejected",
)  # lists of which a script gets the lengths
LISTS = (*COUNTED, "retrying", "healed", "skipped", "held", "held_by_budget")
RUNS_OF_A_JOB = (
    16  # of an article at most: it has one for each of its eight steps, and for old ones
)


class Nights:
    """The nights of all sites."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def started_at(self, job_id: str) -> datetime | None:
        """When a night's job was started; None where it was not yet."""
        row = await self._database.one(queries["night_began"], {"job_id": job_id})
        return row["at"] if row else None

    async def since(self, moment: datetime) -> dict[str, Any]:
        """The night since a moment, as plain data; what waits for a person is there whenever it
        began to.
        """
        totals = await lists.since(self._database, moment)
        published = await self._read("published_since", moment)
        waiting = await self._read("waiting")
        (span,) = await self._read("span_since", moment)
        (clock,) = await self._read("moment")
        dead = await self._titled([row for row in waiting if row["status"] == "dead"])
        night = {
            "since": moment,
            "published": [row for row in published if row["action"] != "updated"],
            "updated": [row for row in published if row["action"] == "updated"],
            "needs_review": [row for row in waiting if row["status"] == "needs_review"],
            "dead": dead,
            "rejected": await self._read("rejected_since", moment),
            "retrying": await self._titled(await self._read("retrying")),
            "healed": await self._titled(await self._read("healed_since", moment)),
            "skipped": await self._read("skipped_since", moment),
            "held": await self._read("held"),
            "held_by_budget": await self._read("held_by_budget"),
            "now": clock["now"],
            "retries": totals["retries"],
            "cost_usd": float(totals["cost_usd"]),
            "failed_cost_usd": sum({row["job_id"]: row["cost_usd"] for row in dead}.values()),
            "llm_calls": totals["llm_calls"],
            "seconds": _seconds(span["began"], span["ended"]),
            "runs": totals["runs"],
        }
        return {**night, "all_failed": all_failed(night)}

    async def articles(self, moment: datetime, limit: int) -> list[Row]:
        """The articles of which a step began since a moment, the latest first: `estimates` are
        those of the brief, `booked` pairs of a step and its dollars.
        """
        params = {"since": moment, "limit": limit, "looked": limit * RUNS_OF_A_JOB}
        return await self._database.fetch(queries["articles_worked_on"], params)

    async def _titled(self, rows: list[Row]) -> list[Row]:
        """The rows with the `title` of what each works on, or None."""
        titles = await Articles(self._database).titles([row["job_id"] for row in rows])
        return [{**row, "title": titles.get(row["job_id"])} for row in rows]

    async def _read(self, query: str, since: datetime | None = None) -> list[Row]:
        return await self._database.fetch(queries[query], {"since": since})


def all_failed(night: dict[str, Any]) -> bool:
    """Whether jobs failed since then, and nothing came of the others: no article, and none that
    waits for a person.

    What failed in an earlier night and waits still says nothing of this one.
    """
    failed, waits = (
        any(row["finished_at"] >= night["since"] for row in night[key])
        for key in ("dead", "needs_review")
    )
    return failed and not (night["published"] or night["updated"] or waits)


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return round((end - start).total_seconds(), 1) if start and end else 0.0
