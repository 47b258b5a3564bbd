"""The verbs of a person: pause, resume, start, approve, edit, reject, replay, drop, cancel. The
command line is a skin.

Every verb is one guarded statement that also writes down who did it, why, and what they had seen
(table `actions`).
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, assert_never

from overnight.engine.wakeups import hint
from overnight.error_classes import describe
from overnight.errors import IllegalTransition, InvalidPayload, NotFound, UserError, among
from overnight.operations.decisions import Approve, Decision, Edit, Reject, Reviews
from overnight.pipelines.app import App
from overnight.pipelines.pipeline import Pipeline, Step, dump
from overnight.pipelines.triggers import Debounce, On
from overnight.store.audit import enqueue_as
from overnight.store.database import Database, Row
from overnight.store.ledger import Ledger
from overnight.store.records import Filter
from overnight.store.sql import queries

BATCH = (
    1_000  # letters in one statement: a few MB of log and well under a second, however many wait
)
FIRST = 10  # rows that are told of a deed that touches many
SEAL = re.compile(r"[0-9a-f]{8,64}")  # what people may give of a seal
PAST = {
    "approve": "approved",
    "edit": "edited",
    "reject": "rejected",
    "replay": "replayed",
    "cancel": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Letters:
    """The ids of dead letters, oldest first: of runs, and of messages."""

    runs: list[int]
    messages: list[int]


@dataclass(frozen=True, slots=True)
class Many:
    """What came of a deed that touches many: how many rows, and the first of them."""

    count: int
    first: list[Row]


def parse_scope(text: str | None, app: App | None = None) -> str:
    """A switch's scope as stored: `all`, `pipeline:NAME`, `key:NAME`, `step:PIPELINE/STEP`; checked
    against the app.
    """
    key_name = app.key_name if app else "key"
    if text in (None, "", "all"):
        return "all"
    kind, _, name = text.partition(":")
    kind = "key" if kind == key_name else kind
    if kind not in ("pipeline", "key", "step") or not name:
        raise UserError(
            f"“{text}” is no scope: write all, pipeline:NAME, {key_name}:NAME or step:PIPELINE/STEP"
        )
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
        raise NotFound(f"there is no {word} “{name}”{among(name, known)}")


async def check_key(app: App | None, database: Database, key: str | None) -> None:
    """Refuse a misspelt key, with which nothing would be found. One that the ledger knows from
    before is none.
    """
    if app is None or key is None or key in (app.keys() or []):
        return
    if await database.one(queries["key_known"], {"key": key}) is None:
        _check_exists(app, "key", key)


async def set_switch(
    database: Database, scope: str, *, enabled: bool, reason: str, by: str | None = None
) -> Row:
    """Flip a switch. Off: nothing in its scope starts, and nothing of it is written outside."""
    params = {"scope": scope, "enabled": enabled, "reason": reason, "by": by or whoami()}
    rows = await database.fetch(queries["switch_set"], params)
    if enabled:
        await hint(database)
    return rows[0]


async def close_breaker(
    database: Database, name: str, *, reason: str, by: str | None = None, app: App | None = None
) -> None:
    """Say that an upstream is well: what waits behind its breaker starts at once. With its app that
    is told, too.
    """
    params = {
        "name": name,
        "reason": reason,
        "by": by or whoami(),
        "steps": app.behind(name) if app else [],
    }
    if not await database.fetch(queries["breaker_close"], params):
        raise NotFound(
            f"no breaker “{name}” is open or counts errors: breakers shows all there are"
        )
    await hint(database)


async def start(
    app: App,
    database: Database,
    pipeline: str,
    input: Any,
    *,
    priority: int | None = None,
    by: str | None = None,
    reason: str = "",
) -> tuple[str, bool]:
    """Start a job by hand: its id, and whether it is new. Raises `IdConflict` for an id with other
    inputs.

    Where `by` says who, the audit log has it with the reason, in the same transaction: under the
    pipeline's name.
    """
    new = app.pipeline(pipeline).job(input, origin="hand", priority=priority)
    if by is None:
        return new.job_id, await Ledger(database).enqueue([new], wake=True) > 0
    return new.job_id, await enqueue_as(database, new, verb=pipeline, by=by, reason=reason)


async def emit(app: App, database: Database, event: str, payload: Any) -> list[str]:
    """Tell the pipelines that listen that something happened: the ids of their jobs.

    One that waits out a debounce is replaced by the job of a later event; `App.debounces` says
    where that may be.
    """
    jobs = app.jobs_for(event, payload)
    if not jobs:
        known = sorted(
            {
                on.event
                for pipeline in app.pipelines.values()
                for on in pipeline.on
                if isinstance(on, On)
            }
        )
        raise NotFound(
            f"no pipeline of this app listens to “{event}”{among(event, known) if known else ''}"
        )
    await Ledger(database).enqueue(jobs, wake=True)
    return [job.job_id for job in jobs]


async def find_job(database: Database, prefix: str) -> str:
    """The whole job id from its first digits."""
    if not prefix:
        raise UserError("name a job by its id, or the first digits of it")
    found = [
        row["job_id"]
        for row in await database.fetch(queries["job_find"], {"prefix": prefix}, prepare=False)
    ]
    if prefix in found:
        return prefix
    if not found:
        await _refuse_replaced(database, prefix)
        raise NotFound(f"there is no job “{prefix}”")
    if len(found) > 1:
        raise UserError(f"“{prefix}” fits several jobs: {', '.join(found)}")
    return str(found[0])


async def _refuse_replaced(database: Database, prefix: str) -> None:
    """Say which job stands where that one waited."""
    row = await database.one(queries["job_replaced"], {"prefix": prefix})
    if row is not None:
        raise NotFound(
            f"a later event took the place of job {row['job_id']} while it waited: see "
            f"job {row['standing']}"
        )


def whoami() -> str:
    """Who acts, where nobody is named: the user of this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"uid {os.getuid()}"


async def decide(
    app: App, database: Database, job_id: str, decision: Decision, *, by: str | None = None
) -> Row:
    """Carry out what a person decided about what waits for review, if it still is what they saw;
    the run's row.

    Raises `IllegalTransition` where nothing waits, or something else than what was seen, and
    `InvalidPayload` where an edit does not fit the step.
    """
    verb = type(decision).__name__.lower()
    seen = _seal(decision.seen)
    waiting = await _waiting(database, job_id, seen, verb)
    params = {
        "id": waiting["id"],
        "job_id": job_id,
        "seen": seen,
        "reason": decision.reason,
        "by": by or whoami(),
    }
    match decision:
        case Approve():
            params |= _next_step(app, waiting)
        case Edit():
            params |= {
                "input": _payload(app, waiting, decision.input),
                "wait": None,
                "at_most": None,
            }
        case Reject():
            pass
        case _:
            assert_never(decision)
    rows = await database.fetch(queries[verb], params)
    if not rows:
        await _waiting(database, job_id, seen, verb)
        raise IllegalTransition(f"job {job_id} changed at this moment: look again")
    if (on_decision := app.extension(Reviews).on_decision) is not None:
        await on_decision(database, decision, rows[0])
    await hint(database)
    return rows[0]


async def edit(
    app: App,
    database: Database,
    job_id: str,
    input: Any,
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
            "it and its seal"
        )
    needed = "a dead letter, or queued and not begun, or put off by itself"
    if run is None:
        await _refuse(database, job_id, "edited", needed)
    params = {
        "id": run["id"],
        "job_id": job_id,
        "seen": None,
        "reason": reason,
        "by": by or whoami(),
    }
    wait = _debounce(app.pipeline(run["pipeline"]), run)
    new = {
        "input": _payload(app, run, input),
        "wait": wait.seconds if wait else None,
        "at_most": wait.at_most if wait else None,
    }
    rows = await database.fetch(queries["edit"], params | new)
    if not rows:
        await _refuse(database, job_id, "edited", needed)
    await database.fetch(queries["dead_resolve"])
    await hint(database)
    return rows[0]


async def find_letters(database: Database, filter: Filter) -> Letters:
    """Which dead letters fit."""
    (row,) = await database.fetch(queries["dead_find"], filter.params())
    return Letters(**row)


async def replay(
    database: Database, filter: Filter, *, by: str | None = None, reason: str = ""
) -> Many:
    """Start again the runs that are dead now and fit, with a fresh count of retries. Their history
    stays.

    For a named job also the run whose outside write nobody could know, or whose answers did not
    fit. It goes by batches: what a crash leaves undone is done by the same call again.
    """
    done = await _many(
        database, "replay", filter, {"job_id": filter.job, "reason": reason, "by": by or whoami()}
    )
    if not done.count and filter.job is not None:
        await _refuse(database, filter.job, "replayed", "a dead letter")
    await hint(database)
    return done


async def drop(database: Database, filter: Filter, reason: str, *, by: str | None = None) -> Many:
    """End the runs that are dead now and fit; the reason is kept. By batches, like a replay."""
    return await _many(database, "dead_drop", filter, {"reason": reason, "by": by or whoami()})


async def cancel(database: Database, job_id: str, reason: str, *, by: str | None = None) -> Row:
    """What of a job is queued or a dead letter ends here; the reason is kept."""
    params = {"job_id": job_id, "reason": reason, "by": by or whoami()}
    rows = await database.fetch(queries["cancel"], params)
    if not rows:
        await _refuse(database, job_id, "cancelled", "queued or a dead letter")
    await database.fetch(queries["dead_resolve"])
    return rows[0]


async def _many(database: Database, verb: str, filter: Filter, params: dict[str, Any]) -> Many:
    """One statement for each batch of the letters that fit now; those that die meanwhile are not
    touched.
    """
    ids = (await find_letters(database, filter)).runs
    count, first = 0, list[Row]()
    for start in range(0, len(ids) or 1, BATCH):
        rows = await database.fetch(queries[verb], {**params, "ids": ids[start : start + BATCH]})
        count += len(rows)
        first += rows[: FIRST - len(first)]
    await database.fetch(queries["dead_resolve"])
    return Many(count, first)


def _seal(text: str) -> str:
    seal = text.strip().lower()
    if not SEAL.fullmatch(seal):
        raise UserError(
            f"“{text}” is no seal: review JOB shows a thing and its seal, of which 8 digits suffice"
        )
    return seal


async def _waiting(database: Database, job_id: str, seen: str, verb: str) -> Row:
    """What waits for review, if it is what was seen."""
    waiting = await database.one(queries["review_read"], {"job_id": job_id, "seen": seen})
    if waiting is None:
        await _refuse(database, job_id, PAST[verb], "waiting for review")
    if not waiting["is_seen"]:
        raise IllegalTransition(
            f"what you saw of job {job_id} is not what stands there now: look again, for "
            f"review {job_id} shows it and "
            "its seal"
        )
    return waiting


def _next_step(app: App, waiting: Row) -> dict[str, Any]:
    """What the approved output goes to. Raises `IllegalTransition` where there is no output to go
    on with.
    """
    step = app.pipeline(waiting["pipeline"]).after(_step(app, waiting).name)
    if step is None:
        return {"next_step": None, "delay": 0.0, "at_most": None}
    if not waiting["has_output"]:
        raise IllegalTransition(
            f"job {waiting['job_id']} has nothing to approve: look at what it wrote "
            "outside, then replay it, edit it "
            "or reject it"
        )
    return {"next_step": step.name, "delay": step.delay, "at_most": step.at_most}


def _step(app: App, run: Row) -> Step:
    pipeline = app.pipeline(run["pipeline"])
    if run["step"] not in pipeline.steps:
        raise NotFound(
            f"pipeline {pipeline.name} has no step “{run['step']}” any more: reject or "
            "cancel the job"
        )
    return pipeline.steps[run["step"]]


def _payload(app: App, run: Row, input: Any) -> str:
    """The JSON text of another input for a run. It stays with its key, which is the scope of
    switches and budgets.
    """
    step = _step(app, run)
    pipeline = app.pipeline(run["pipeline"])
    payload = dump(input)
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


async def _refuse(database: Database, job_id: str, done: str, needed: str) -> NoReturn:
    """Say why a guarded write matched nothing, and who was there before."""
    steps: Sequence[Row] = await database.fetch(queries["job_statuses"], {"job_id": job_id})
    if not steps:
        await _refuse_replaced(database, job_id)
        raise NotFound(f"there is no job “{job_id}”")
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
