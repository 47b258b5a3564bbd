"""Jobs, by hand: start, emit an event, find by an id's first digits, edit, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

from overnight.engine.wakeups import hint
from overnight.error_classes import describe
from overnight.errors import IllegalTransition, InvalidPayload, NotFound, UserError
from overnight.names import among
from overnight.operations.actors import whoami
from overnight.operations.moments import seconds_until
from overnight.pipelines.app import App
from overnight.pipelines.pipeline import Pipeline, Step, dump
from overnight.pipelines.triggers import Debounce, On
from overnight.store.audit import enqueue_as
from overnight.store.database import Database, Row
from overnight.store.ledger import CHANNEL, NEW_RUN, Ledger, columns
from overnight.store.records import NewRun
from overnight.store.sql import queries
from overnight.store.waits import as_json

PAST = {
    "approve": "approved",
    "edit": "edited",
    "reject": "rejected",
    "replay": "replayed",
    "cancel": "cancelled",
    "discard": "discarded",
}


async def start(
    app: App,
    database: Database,
    pipeline: str | Pipeline,
    input: Any,  # noqa: A002  what users write
    *,
    at: datetime | timedelta | None = None,
    priority: int | None = None,
    by: str | None = None,
    reason: str = "",
) -> tuple[str, bool]:
    """Start a job by hand: its id, and whether it is new. Raises `IdConflict` for an id with other
    inputs.

    `at` is the moment when it starts, or the span until then; its deadline counts from there. Where
    `by` says who, the audit log has it with the reason, in the same transaction: under the
    pipeline's name.
    """
    new = app.pipeline(pipeline).job(input, origin="hand", priority=priority)
    if at is not None:
        new = _delayed(new, await seconds_until(database, at))
    return new.job_id, bool(await _enqueue(database, [new], new.pipeline, by, reason))


def _delayed(new: NewRun, wait: float) -> NewRun:
    """The run with its start that much later, and with it whatever counts from there."""

    def later(span: float | None) -> float | None:
        return None if span is None else span + wait

    return replace(
        new,
        delay=new.delay + wait,
        at_most=later(new.at_most),
        deadline=later(new.deadline),
        expect=later(new.expect),
    )


async def emit(
    app: App,
    database: Database,
    event: str,
    payload: Any,
    *,
    by: str | None = None,
    reason: str = "",
) -> list[str]:
    """Start a job of each pipeline that listens to an event, and keep one that the app declares for
    a step that waits for it: the ids of the jobs that begin or go on.

    One that waits out a debounce is replaced by the job of a later event; `lookups.debounces` says
    where that may be. Where `by` says who, the audit log has it, under the verb `emit`.
    """
    jobs, declared = app.jobs_for(event, payload), app.stored(event, payload)
    ids = [job.job_id for job in jobs]
    if declared:
        action = {"event": event, "by": by, "reason": reason, "channel": CHANNEL}
        params = {**columns(jobs, *NEW_RUN), **action, "events": as_json(declared)}
        return ids + list((await database.fetch(queries["emit"], params))[0]["jobs"])
    if not jobs:
        near = among(event, events(app)) if events(app) else ""
        raise NotFound(f"no pipeline of this app listens to “{event}”{near}")
    await _enqueue(database, jobs, "emit", by, reason)
    return ids


def events(app: App) -> list[str]:
    """The events that pipelines of the app listen to or wait for."""
    triggers = [on for pipeline in app.pipelines.values() for on in pipeline.on]
    return sorted({on.event for on in triggers if isinstance(on, On)} | set(app.events))


async def _enqueue(
    database: Database, jobs: Sequence[NewRun], verb: str, by: str | None, reason: str
) -> int:
    """Insert the runs, with an entry in the audit log where `by` is given; how many are new."""
    if by is None:
        return await Ledger(database).enqueue(jobs, wake=True)
    return await enqueue_as(database, jobs, verb=verb, by=by, reason=reason)


async def find_job(database: Database, prefix: str) -> str:
    """The whole job id from its first digits."""
    if not prefix:
        raise UserError("name a job by its id, or the first digits of it")
    matches = [
        row["job_id"]
        for row in await database.fetch(queries["job_find"], {"prefix": prefix}, prepare=False)
    ]
    if prefix in matches:
        return prefix
    if not matches:
        await refuse_unknown(database, prefix)
    if len(matches) > 1:
        raise UserError(f"“{prefix}” fits several jobs: {', '.join(matches)}")
    return str(matches[0])


async def jobs_named(database: Database, prefix: str) -> list[Row]:
    """The first jobs whose id begins so: `job_id`, and the `pipeline` of each."""
    return await database.fetch(queries["search_jobs"], {"prefix": prefix}, prepare=False)


async def edit(
    app: App,
    database: Database,
    job_id: str,
    new_input: Any,
    *,
    by: str | None = None,
    reason: str = "",
) -> Row:
    """Give another input to a run that has not begun or put itself off, or is a dead letter, which
    then starts again; the run's row.

    What a person wrote is not replaced by a later event, and has the whole wait of its debounce
    again, but not beyond its `at_most`. What waits for review is edited by `decide`. Raises
    `InvalidPayload` where it does not fit the step.
    """
    runs = await database.fetch(queries["job_statuses"], {"job_id": job_id})
    run = next((run for run in reversed(runs) if _editable(run)), None)
    if run is None and any(run["status"] == "needs_review" for run in runs):
        raise IllegalTransition(
            f"job {job_id} waits for review, so an edit must say what you saw: look at "
            f"it first: review {job_id} shows "
            "it and its revision"
        )
    needed = "a dead letter, or queued and not begun, or put off by itself"
    if run is None:
        await refuse(database, job_id, "edited", needed)
    params = {
        "id": run["id"],
        "job_id": job_id,
        "revision": None,
        "reason": reason,
        "by": by or whoami(),
    }
    wait = _debounce(app.pipeline(run["pipeline"]), run)
    new = {
        "input": payload_for(app, run, new_input),
        "wait": wait.seconds if wait else None,
        "at_most": wait.at_most if wait else None,
    }
    rows = await database.fetch(queries["edit"], params | new)
    if not rows:
        await refuse(database, job_id, "edited", needed)
    await database.fetch(queries["dead_resolve"])
    await hint(database)
    return rows[0]


async def cancel(database: Database, job_id: str, reason: str, *, by: str | None = None) -> Row:
    """What of a job is queued or a dead letter ends here; the reason is kept."""
    params = {"job_id": job_id, "reason": reason, "by": by or whoami()}
    rows = await database.fetch(queries["cancel"], params)
    if not rows:
        await refuse(database, job_id, "cancelled", "queued or a dead letter")
    await database.fetch(queries["dead_resolve"])
    return rows[0]


def step_of(app: App, run: Row) -> Step:
    pipeline = app.pipeline(run["pipeline"])
    if run["step"] not in pipeline.steps:
        raise NotFound(
            f"pipeline {pipeline.name} has no step “{run['step']}” any more: reject or "
            "cancel the job"
        )
    return pipeline.steps[run["step"]]


def payload_for(app: App, run: Row, new_input: Any) -> str:
    """The JSON text of another input for a run. It stays with its key, which is the scope of
    switches and budgets.
    """
    step = step_of(app, run)
    pipeline = app.pipeline(run["pipeline"])
    payload = dump(new_input)
    value = step.load(payload)
    if step.name == next(iter(pipeline.steps)):
        try:
            key = pipeline.job(value).key
        except Exception as error:
            raise InvalidPayload(
                f"no {app.key_name} can be made from this input: {describe(error)}"
            ) from error
        if key != run["key"]:
            raise InvalidPayload(
                f"this input is for {app.key_name} “{key}”, the job for “{run['key']}”: "
                "start another job"
            )
    return payload


def _editable(run: Row) -> bool:
    waits = (run["status"], run["attempt"]) == ("queued", 0) or (run["status"], run["outcome"]) == (
        "queued",
        "snooze",
    )
    return waits or run["status"] == "dead"


def _debounce(pipeline: Pipeline, run: Row) -> Debounce | None:
    """The wait that a queued run has again after an edit: its event's debounce, or its step's."""
    events = [
        t.debounce for t in pipeline.on if isinstance(t, On) and run["origin"] == f"event {t.event}"
    ]
    return next((wait for wait in events if wait), pipeline.steps[run["step"]].after)


async def refuse(database: Database, job_id: str, done: str, needed: str) -> NoReturn:
    """Say why a guarded write matched nothing, and who was there before."""
    steps: Sequence[Row] = await database.fetch(queries["job_statuses"], {"job_id": job_id})
    if not steps:
        await refuse_unknown(database, job_id)
    stand = ", ".join(f"{row['step']} {row['status']}" for row in steps)
    deeds = await database.fetch(queries["job_actions"], {"job_id": job_id})
    last = [
        f"; {row['by']} {PAST.get(row['verb'], row['verb'])} it at "
        f"{row['at']:%Y-%m-%d %H:%M:%S} UTC"
        for row in deeds[-1:]
    ]
    raise IllegalTransition(
        f"job {job_id} cannot be {done}, for no step of it is {needed} ({stand}){''.join(last)}"
    )


async def refuse_unknown(database: Database, prefix: str) -> NoReturn:
    """Say that there is no such job, or which one stands where it waited. Raises `NotFound`."""
    row = await database.one(queries["job_replaced"], {"prefix": prefix})
    if row is not None:
        raise NotFound(
            f"a later event took the place of job {row['job_id']} while it waited: see "
            f"job {row['standing']}"
        )
    raise NotFound(f"there is no job “{prefix}”")
