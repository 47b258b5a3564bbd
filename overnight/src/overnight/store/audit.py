"""The audit log: what people did."""

from __future__ import annotations

from collections.abc import Sequence

from overnight.store.database import Database
from overnight.store.ledger import CHANNEL, NEW_RUN, columns
from overnight.store.records import NewRun
from overnight.store.sql import queries


async def enqueue_as(
    database: Database, jobs: Sequence[NewRun], *, verb: str, by: str, reason: str
) -> int:
    """Enqueue runs for a person, and wake workers; how many are new. The runs and the entry in the
    log are written together, or not at all. Raises `IdConflict`.
    """
    action = {"verb": verb, "by": by, "reason": reason, "channel": CHANNEL}
    return len(await database.fetch(queries["enqueue_as"], {**columns(jobs, *NEW_RUN), **action}))


async def note_action(
    database: Database, verb: str, target: str, *, by: str, reason: str = ""
) -> None:
    """Write down what a person did."""
    action = {"verb": verb, "target": target, "by": by, "reason": reason}
    await database.fetch(queries["action_note"], {**action, "step": None, "revision": None})
