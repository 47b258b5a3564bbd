"""Close a circuit breaker by hand."""

from __future__ import annotations

from overnight.engine.wakeups import hint
from overnight.errors import NotFound
from overnight.operations.actors import whoami
from overnight.pipelines.app import App
from overnight.pipelines.lookups import behind
from overnight.store.database import Database
from overnight.store.sql import queries


async def close(
    database: Database, name: str, *, reason: str, by: str | None = None, app: App | None = None
) -> None:
    """Declare an upstream healthy: what waits behind its breaker starts at once. With its app, the
    alerts of its steps are resolved, too.
    """
    params = {
        "name": name,
        "reason": reason,
        "by": by or whoami(),
        "steps": behind(app, name) if app else [],
    }
    if not await database.fetch(queries["breaker_close"], params):
        raise NotFound(
            f"no breaker “{name}” is open or counts errors: breakers shows all there are"
        )
    await hint(database)
