"""Pause and resume a scope, by its kill switch."""

from __future__ import annotations

from overnight.engine.wakeups import hint
from overnight.operations.actors import whoami
from overnight.store.database import Database, Row
from overnight.store.sql import queries


async def pause(database: Database, scope: str, *, reason: str, by: str | None = None) -> Row:
    """Switch a scope (as stored) off: nothing in it starts, and it makes no external write."""
    return await _set(database, scope, enabled=False, reason=reason, by=by)


async def resume(database: Database, scope: str, *, reason: str = "", by: str | None = None) -> Row:
    """Switch a scope (as stored) on again."""
    row = await _set(database, scope, enabled=True, reason=reason, by=by)
    await hint(database)
    return row


async def _set(
    database: Database, scope: str, *, enabled: bool, reason: str, by: str | None
) -> Row:
    params = {"scope": scope, "enabled": enabled, "reason": reason, "by": by or whoami()}
    (row,) = await database.fetch(queries["switch_set"], params)
    return row
