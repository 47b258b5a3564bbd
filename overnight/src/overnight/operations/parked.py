"""End what no worker of an app would ever start: runs of a step or a key that it does not have."""

from __future__ import annotations

from overnight.errors import NotFound, UserError
from overnight.operations.actors import whoami
from overnight.pipelines.app import App
from overnight.store.database import Database
from overnight.store.sql import queries

BATCH = 1_000  # runs that one statement ends


async def cancel(
    app: App, database: Database, work: str, key: str, *, reason: str, by: str | None = None
) -> int:
    """Cancel the queued runs of a step (`PIPELINE/STEP`) and a key; how many. Raises `UserError`
    where the app has both, and `NotFound` where nothing waits.
    """
    scope = app.scope()
    if work in scope.steps and (not key or scope.keys is None or key in scope.keys):
        raise UserError(f"this app has {work}, so its runs start: cancel their jobs one by one")
    params = {"work": work, "key": key, "reason": reason, "by": by or whoami(), "limit": BATCH}
    total, count = 0, BATCH
    while count == BATCH:
        (row,) = await database.fetch(queries["cancel_parked"], params)
        count = row["count"]
        total += count
    if not total:
        raise NotFound(f"no run of {f'{work} {key}'.strip()} is queued")
    return total
