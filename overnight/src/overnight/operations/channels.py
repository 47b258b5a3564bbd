"""What people do to the channels of alerts."""

from __future__ import annotations

from overnight.errors import NotFound
from overnight.operations.actors import whoami
from overnight.pipelines.app import App
from overnight.store.database import Database
from overnight.store.sql import queries


async def send_again(
    app: App, database: Database, channel: str, *, reason: str = "", by: str | None = None
) -> int:
    """Make due what a channel did not take, without waiting for the next try; how many messages.
    Raises `NotFound` where none waits.
    """
    params = {"app": app.name, "channel": channel, "reason": reason, "by": by or whoami()}
    rows = await database.fetch(queries["delivery_again"], params)
    if not rows:
        raise NotFound(f"no message waits for the channel “{channel}”")
    return len(rows)
