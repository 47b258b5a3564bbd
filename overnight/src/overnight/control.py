"""The verbs of a person: pause, resume, start, replay, approve, reject, cancel. The command line is a skin on them."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Any

from overnight.app import App
from overnight.database import Database, Row
from overnight.errors import IllegalTransition, NotFound, UserError
from overnight.ledger import Ledger
from overnight.sql import queries
from overnight.transport.postgres import hint


def parse_scope(text: str | None, app: App | None = None) -> str:
    """A switch's scope as stored: `all`, `pipeline:NAME`, `key:NAME`, `step:PIPELINE/STEP`; checked against the app."""
    key_name = app.key_name if app else "key"
    if text in (None, "", "all"):
        return "all"
    kind, _, name = text.partition(":")
    kind = "key" if kind == key_name else kind
    if kind not in ("pipeline", "key", "step") or not name:
        raise UserError(f"“{text}” is no scope: write all, pipeline:NAME, {key_name}:NAME or step:PIPELINE/STEP")
    if app is not None:
        _check_exists(app, kind, name)
    return f"{kind}:{name}"


def scope_text(scope: str, app: App | None) -> str:
    """A stored scope in the app's own words."""
    kind, found, name = scope.partition(":")
    return f"{app.key_name}:{name}" if app and found and kind == "key" else scope


def _check_exists(app: App, kind: str, name: str) -> None:
    """A switch that fits nothing would stop nothing: a wrong name is refused."""
    known = {
        "pipeline": list(app.pipelines),
        "step": [f"{pipeline}/{step}" for pipeline, step in app.steps()],
        "key": app.keys(),
    }[kind]
    if known is not None and name not in known:
        word = app.key_name if kind == "key" else kind
        raise NotFound(f"there is no {word} “{name}”; there are: {', '.join(known)}")


async def set_switch(database: Database, scope: str, *, enabled: bool, reason: str, by: str | None = None) -> Row:
    """Flip a switch. Off: nothing in its scope starts, and nothing of it is written outside."""
    params = {"scope": scope, "enabled": enabled, "reason": reason, "by": by or getpass.getuser()}
    rows = await database.fetch(queries["switch_set"], params)
    if enabled:
        await hint(database)
    return rows[0]


async def start(app: App, database: Database, pipeline: str, input: Any) -> tuple[str, bool]:
    """Start a job by hand: its id, and whether it is new. Raises `IdConflict` for an id with other inputs."""
    new = app.pipeline(pipeline).job(input)
    added = await Ledger(database).enqueue([new])
    await hint(database)
    return new.job_id, added > 0


async def find_job(database: Database, prefix: str) -> str:
    """The whole job id from its first digits."""
    if not prefix:
        raise UserError("name a job by its id, or the first digits of it")
    found = [row["job_id"] for row in await database.fetch(queries["job_find"], {"prefix": prefix})]
    if prefix in found:
        return prefix
    if not found:
        raise NotFound(f"there is no job “{prefix}”")
    if len(found) > 1:
        raise UserError(f"“{prefix}” fits several jobs: {', '.join(found)}")
    return str(found[0])


async def replay(database: Database, job_id: str | None) -> list[Row]:
    """Start a dead letter again (None: all of them), with a fresh count of retries. Its history stays."""
    rows = await database.fetch(queries["replay"], {"job_id": job_id})
    if not rows and job_id is not None:
        await _refuse(database, job_id, "replayed", "a dead letter")
    await hint(database)
    return rows


async def approve(app: App, database: Database, job_id: str, reason: str) -> Row:
    """What was reviewed becomes the step's output as it stands, and the job goes on."""
    waiting = await database.one(queries["review_read"], {"job_id": job_id})
    if waiting is None:
        await _refuse(database, job_id, "approved", "waiting for review")
        raise AssertionError
    step = app.pipeline(waiting["pipeline"]).after(waiting["step"])
    params = {
        "id": waiting["id"],
        "reason": reason or None,
        "next_step": step.name if step else None,
        "delay": step.delay if step else 0.0,
    }
    if step is not None and waiting["output"] is None:
        raise IllegalTransition(f"job {job_id} has nothing to approve: look, then replay it or reject it")
    rows = await database.fetch(queries["approve"], params)
    if not rows:
        await _refuse(database, job_id, "approved", "waiting for review")
    await hint(database)
    return rows[0]


async def reject(database: Database, job_id: str, reason: str) -> Row:
    """What was reviewed ends here; the reason is kept."""
    return await _end(database, "reject", job_id, reason, "rejected", "waiting for review")


async def cancel(database: Database, job_id: str, reason: str) -> Row:
    """A queued run or a dead letter ends here; the reason is kept."""
    return await _end(database, "cancel", job_id, reason, "cancelled", "queued or a dead letter")


async def _end(database: Database, verb: str, job_id: str, reason: str, done: str, needed: str) -> Row:
    rows = await database.fetch(queries[verb], {"job_id": job_id, "reason": reason})
    if not rows:
        await _refuse(database, job_id, done, needed)
    return rows[0]


async def _refuse(database: Database, job_id: str, done: str, needed: str) -> None:
    """Say why a guarded write matched nothing."""
    steps: Sequence[Row] = await database.fetch(queries["job_statuses"], {"job_id": job_id})
    if not steps:
        raise NotFound(f"there is no job “{job_id}”")
    stand = ", ".join(f"{row['step']} {row['status']}" for row in steps)
    raise IllegalTransition(f"job {job_id} cannot be {done}, for no step of it is {needed} ({stand})")
