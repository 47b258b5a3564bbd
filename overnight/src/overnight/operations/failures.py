"""Failed jobs with equal errors, together: one cause, one decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from overnight.operations.filters import Filter
from overnight.operations.queries import EVERY
from overnight.pipelines.app import App
from overnight.store.database import Database, Row
from overnight.store.sql import queries
from overnight.titles import titles_of

LOOKED = 500  # newest failed jobs that one answer groups; more would make a page slow

# What a retry can do, by the class of the error.
ADVICE: Mapping[str | None, str] = {
    "transient": "The other side failed at each attempt. Retry when it is well again.",
    "permanent": "The same input fails again. Correct its cause or edit the input, then retry.",
    "unknown": "The step does not handle this error. Correct the code or the input, then retry.",
    "payload": "The step was given or made what does not fit. Edit the input, then retry.",
    "deadline": "The job was too late. Retry it if its result is still wanted; discard it if not.",
    "lost": "Its worker died each time. Look why (memory, a crash) before you retry.",
    "malformed": "No job can be made of this message. Edit it, or discard it.",
}


@dataclass(frozen=True, slots=True)
class Failures:
    """Groups of failed jobs; `next` says where the failed jobs begin that were not looked at."""

    groups: list[Row]
    next: tuple[datetime, int] | None = None

    @property
    def count(self) -> int:
        """How many failed jobs are in the groups."""
        return sum(row["count"] for row in self.groups)


async def read(
    database: Database,
    app: App | None = None,
    matching: Filter = EVERY,
    *,
    before: tuple[datetime, int] | None = None,
) -> Failures:
    """The newest 500 failed jobs that match, by equal errors, those that failed last first.

    Each group has its name (`group`, which `replay` and `discard` take), `kind` (run or message),
    `pipeline`, `step`, `count`, `cost_usd` of all, `first_at`, `last_at`, up to five `keys` and
    newest `jobs`, the `error` of the newest, `advice`, and the `titles` of jobs that have one.
    Errors are equal where they differ in numbers, ids and quoted names alone.
    """
    died_at, last_id = before or (None, None)
    params = {**matching.params(), "before_at": died_at, "before_id": last_id, "looked": LOOKED}
    rows = await database.fetch(queries["failure_groups"], params, prepare=False)
    jobs = [job for row in rows if row["kind"] == "run" for job in row["jobs"]]
    titles = await titles_of(app, database, jobs) if app else {}
    return Failures([_group(row, titles) for row in rows], _next(rows))


def _group(row: Row, titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{name: value for name, value in row.items() if not name.startswith("next_")},
        "advice": ADVICE.get(row["error_class"], ""),
        "titles": {job: titles[job] for job in row["jobs"] if job in titles},
    }


def _next(rows: list[Row]) -> tuple[datetime, int] | None:
    return (rows[0]["next_at"], rows[0]["next_id"]) if rows and rows[0]["next_at"] else None
