"""What people call a job: alerts, messages and the console name jobs by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from overnight.pipelines.extensions import Extension

if TYPE_CHECKING:
    from overnight.pipelines.app import App
    from overnight.store.database import Database

Read = Callable[["Database", Sequence[str]], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True)
class Titles(Extension):
    """`read` gives the titles of those of the jobs that have one, by their ids, in one query."""

    read: Read | None = None


async def titles_of(app: App, database: Database, jobs: Sequence[str]) -> dict[str, str]:
    """The titles of jobs by their ids; a job without one is not in it."""
    read = app.extension(Titles).read
    wanted = list(dict.fromkeys(jobs))
    return dict(await read(database, wanted)) if read and wanted else {}


async def with_titles(
    app: App | None, database: Database, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The rows with the `title` of their `job_id`, or None; in one query."""
    jobs = [row["job_id"] for row in rows if row["job_id"] is not None]
    titles = await titles_of(app, database, jobs) if app else {}
    return [{**row, "title": titles.get(row["job_id"])} for row in rows]
