"""What a person decides about a run that waits for review: approve, edit, reject."""

from __future__ import annotations

import re
from typing import Any, assert_never

from overnight.engine.wakeups import hint
from overnight.errors import IllegalTransition, UserError
from overnight.operations.actors import whoami
from overnight.operations.decisions import Approve, Decision, Edit, Reject, Reviews
from overnight.operations.runs import PAST, payload_for, refuse, step_of
from overnight.pipelines.app import App
from overnight.store.database import Database, Row
from overnight.store.sql import queries

REVISION = re.compile(r"[0-9a-f]{8,64}")  # what people may give of a content hash


async def decide(
    app: App, database: Database, job_id: str, decision: Decision, *, by: str | None = None
) -> Row:
    """Carry out what a person decided about what waits for review, if it still is what they saw;
    the run's row.

    Raises `IllegalTransition` where nothing waits, or something else than what was seen, and
    `InvalidPayload` where an edit does not fit the step.
    """
    verb = type(decision).__name__.lower()
    revision = _revision(decision.revision)
    waiting = await _waiting(database, job_id, revision, verb)
    params = {
        "id": waiting["id"],
        "job_id": job_id,
        "revision": revision,
        "reason": decision.reason,
        "by": by or whoami(),
    }
    match decision:
        case Approve():
            params |= _next_step(app, waiting)
        case Edit():
            params |= {
                "input": payload_for(app, waiting, decision.input),
                "wait": None,
                "at_most": None,
            }
        case Reject():
            pass
        case _:
            assert_never(decision)
    rows = await database.fetch(queries[verb], params)
    if not rows:
        await _waiting(database, job_id, revision, verb)
        raise IllegalTransition(f"job {job_id} changed at this moment: look again")
    if (on_decision := app.extension(Reviews).on_decision) is not None:
        await on_decision(database, decision, rows[0])
    await hint(database)
    return rows[0]


def _revision(text: str) -> str:
    revision = text.strip().lower()
    if not REVISION.fullmatch(revision):
        raise UserError(f"“{text}” is no revision: review JOB shows it, and 8 digits suffice")
    return revision


async def _waiting(database: Database, job_id: str, revision: str, verb: str) -> Row:
    """What waits for review, if it is what was seen."""
    waiting = await database.one(queries["review_read"], {"job_id": job_id, "revision": revision})
    if waiting is None:
        await refuse(database, job_id, PAST[verb], "waiting for review")
    if not waiting["is_seen"]:
        raise IllegalTransition(
            f"what you saw of job {job_id} is not what stands there now: look again, for "
            f"review {job_id} shows it and its revision"
        )
    return waiting


def _next_step(app: App, waiting: Row) -> dict[str, Any]:
    """What the approved output goes to. Raises `IllegalTransition` where there is no output to go
    on with.
    """
    step = app.pipeline(waiting["pipeline"]).after(step_of(app, waiting).name)
    if step is None:
        return {"next_step": None, "delay": 0.0, "at_most": None}
    if not waiting["has_output"]:
        raise IllegalTransition(
            f"job {waiting['job_id']} has nothing to approve: look at what it wrote "
            "outside, then replay it, edit it "
            "or reject it"
        )
    return {"next_step": step.name, "delay": step.delay, "at_most": step.at_most}
