"""What a person does is written together with its entry in the audit log, or not at all."""

from __future__ import annotations

from overnight.store.database import Database
from overnight.store.ledger import CHANNEL, NEW_RUN, columns
from overnight.store.records import NewRun
from overnight.store.sql import queries

ENQUEUE_WITH_ACTION = (
    f"with new as ({queries['enqueue']}), "  # noqa: S608
    "noted as (insert into actions (verb, target, step, reason, by) "
    "select %(verb)s, new.job_id, new.step, %(reason)s, %(by)s from new) "
    f"select new.*, pg_notify('{CHANNEL}', '')::text as hint from new"
)


async def enqueue_as(database: Database, new: NewRun, *, verb: str, by: str, reason: str) -> bool:
    """Enqueue a run for a person, and wake workers. Whether it is new. Raises `IdConflict`."""
    params = {**columns([new], *NEW_RUN), "verb": verb, "by": by, "reason": reason}
    return bool(await database.fetch(ENQUEUE_WITH_ACTION, params))
