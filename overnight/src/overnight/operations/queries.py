"""What is going on, and what happened: lists of the ledger's rows, read-only, as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from overnight.errors import NotFound
from overnight.llm import budgets
from overnight.llm.port import TEXTS
from overnight.observability import charts, signals
from overnight.observability.schedule_advice import zero_work
from overnight.operations.filters import Filter
from overnight.pipelines.app import App
from overnight.pipelines.triggers import Cron
from overnight.store.database import Database, Row
from overnight.store.ledger import columns
from overnight.store.records import Scope
from overnight.store.schedules import Schedules
from overnight.store.sql import queries

LIMIT = 50  # rows that a list shows unless told otherwise
LINE = 20_000  # queued runs that are counted, oldest first: a hundredth of a second
EVERY = Filter()
UNSEEN = {
    "slot": None,
    "status": None,
    "note": None,
    "job_id": None,
    "missed": 0,
    "ended": 0,
    "nothing": 0,
}


async def status(database: Database, app: App | None) -> dict[str, Any]:
    """The last 24 hours by status, what waits, who works, which switches are off, what it cost.

    Of what waits the first 20,000 runs are looked at, and `more` says that there are others. What
    an app's breakers and limits hold is told apart only where the app is given.
    """
    scope = app.scope() if app else Scope([])
    backlog = await _backlog(database, scope)
    day = await _totals(database, await charts.ledger_now(database) - timedelta(days=1))
    return {
        "last_24_hours": _with_unended(day.pop("runs"), backlog),
        "now": backlog,
        "totals": day,
        **await standing(database, app),
    }


async def standing(database: Database, app: App | None) -> dict[str, Any]:
    """What the work depends on, as it stands: workers, switches, budgets, breakers, schedules,
    channels, and what no worker of the app would take. `incidents` judges it.
    """
    scope = app.scope() if app else Scope([])
    switches = await database.fetch(queries["switch_list"])
    return {
        "workers": await workers(database),
        "switched_off": [row for row in switches if not row["enabled"]],
        "budgets": [row for row in await budgets.read(database) if budgets.is_worth_a_line(row)],
        "breakers": [row for row in await breakers(database) if row["state"] != "closed"],
        "parked": await database.fetch(queries["report_parked"], {**scope.params(), "limit": LINE})
        if app
        else [],
        "schedules": await schedules(database, app),
        "channels": [
            row for row in await deliveries(database, app.name if app else None) if row["error"]
        ],
    }


async def schedules(database: Database, app: App | None) -> list[Row]:
    """The schedules of an app, or all that the ledger knows: last and next slot (UTC), missed
    slots, advice.

    `overdue` is the latest slot that nobody fired, `slot` the last one that was fired or skipped,
    with its `status`; one may be None without the other. Of the last `ended` jobs `nothing` found
    no work. A schedule that no worker has seen yet has only its next slot.
    """
    rows = await Schedules(database).judge(app.name if app else None)
    return [_schedule(row) for row in (*rows, *(_unseen(app, rows) if app else ()))]


def _unseen(app: App, rows: Sequence[Row]) -> list[Row]:
    """The schedules of the code that no worker has made known yet."""
    recorded = {(row["pipeline"], row["cron"], row["timezone"]) for row in rows}
    return [
        {
            **UNSEEN,
            "app": app.name,
            "pipeline": pipeline.name,
            "cron": cron.expression,
            "timezone": cron.timezone,
        }
        for pipeline in app.pipelines.values()
        for cron in pipeline.crons()
        if (pipeline.name, cron.expression, cron.timezone) not in recorded
    ]


def _schedule(row: Row) -> Row:
    cron = Cron(row["cron"], row["timezone"])
    now = row.pop("now", datetime.now(UTC))
    last = row.pop("last_slot", now)
    return {
        **row,
        "overdue": cron.overdue(last, now),
        "next": cron.next_slot(now),
        "next_local": cron.next_slot(now).astimezone(cron.zone).isoformat(),
        "advice": zero_work(row["nothing"], row["ended"]),
    }


async def alerts(
    database: Database,
    *,
    everything: bool = False,
    limit: int = LIMIT,
    before: tuple[bool, datetime, int] | None = None,
) -> list[Row]:
    """Alerts that are open (or, after them, also those that are not), the latest first.

    `before` says of the last alert of the page before whether it was resolved, its `last_at` and
    its `id`.
    """
    resolved, last_at, last_id = before or (None, None, None)
    params = {
        "all": everything,
        "before_resolved": resolved,
        "before_at": last_at,
        "before_id": last_id,
        "limit": limit,
    }
    return await database.fetch(queries["alert_list"], params)


async def deliveries(database: Database, app: str | None = None, limit: int = 1) -> list[Row]:
    """The channels in use, of an app or of all, each with its latest messages, sent or not, the
    newest first.
    """
    return await database.fetch(queries["delivery_list"], {"app": app, "limit": limit})


async def heartbeats(database: Database, app: str | None = None) -> list[Row]:
    """What the heartbeats, of an app or of all, said last, and whether the monitor took it."""
    return await database.fetch(queries["heartbeat_list"], {"app": app})


async def runs(database: Database, *, limit: int = LIMIT, **filters: Any) -> list[Row]:
    """The newest runs; filters: status, pipeline, key, and `before`, the `id` of the last run of
    the page before.

    Queued ones come in the order of their turn; of those that succeeded or were cancelled the
    latest to end are first.
    """
    return await _runs(database, filters, limit, jobs=False)


async def jobs(database: Database, *, limit: int = LIMIT, **filters: Any) -> list[Row]:
    """The newest jobs, one row each; filters and order are those of `runs`, and count for the last
    step of a job: where it stands.

    A row has that run, with `created_at`, `attempts`, `failures` and `cost_usd` of the whole job,
    and its `steps` (step, status, attempt) in their order.
    """
    rows = await _runs(database, filters, limit, jobs=True)
    params = {"jobs": [row["job_id"] for row in rows]}
    whole = {row["job_id"]: row for row in await database.fetch(queries["job_steps"], params)}
    return [{**row, **whole.get(row["job_id"], {})} for row in rows]


async def _runs(
    database: Database, filters: Mapping[str, Any], limit: int, *, jobs: bool
) -> list[Row]:
    every = {"status": None, "pipeline": None, "key": None, "before": None}
    params = {**every, **filters, "limit": limit, "jobs": jobs}
    return await _filtered(database, "runs_list", params)


async def _filtered(database: Database, verb: str, params: Mapping[str, Any]) -> list[Row]:
    """Planned anew for these very filters: one plan for all of them would read the whole table for
    what is rare.
    """
    return await database.fetch(queries[verb], params, prepare=False)


async def job(database: Database, job_id: str) -> list[Row]:
    """Every step of a job with its attempts, effects and model calls."""
    return await database.fetch(queries["job_show"], {"job_id": job_id})


async def last_runs(
    database: Database, jobs: Iterable[str], *, outputs: bool = False
) -> dict[str, Row]:
    """Where these jobs stand: the last run of each, by its job; with `outputs` also what one that
    has succeeded gave, as JSON text. What is not there lacks.
    """
    params = {"jobs": list(jobs), "outputs": outputs}
    rows = await database.fetch(queries["job_standing"], params)
    return {row["job_id"]: row for row in rows}


async def children(
    database: Database,
    job_id: str,
    *,
    limit: int = LIMIT,
    before: tuple[int, int] | None = None,
) -> list[Row]:
    """The jobs that steps of a job join (`joined_by`), in the order of spawning, each as its last
    step stands; `ended` where the join counts it.

    `before` are `run_id` and `position` of the last one of the page before. A child whose place a
    later event took has no status.
    """
    run, position = before or (None, None)
    params = {"job_id": job_id, "before_run": run, "before_position": position, "limit": limit}
    return await _filtered(database, "job_children", params)


async def job_of_run(database: Database, run: int | None) -> Row | None:
    """The job (`job_id`, `pipeline`) of a run; None where it is not kept."""
    return await database.one(queries["run_job"], {"id": run}) if run is not None else None


async def actions(database: Database, job_id: str) -> list[Row]:
    """What people did with a job, oldest first."""
    return await database.fetch(queries["job_actions"], {"job_id": job_id})


async def audit(
    database: Database,
    *,
    by: str | None = None,
    verb: str | None = None,
    target: str | None = None,
    limit: int = LIMIT,
    before: int | None = None,
) -> list[Row]:
    """Who did what, to what and why, the newest first.

    `target` is how the target begins as it is stored: a job, a scope, a breaker. `before` is the
    `id` of the last row of the page before.
    """
    params = {"by": by, "verb": verb, "target": target, "limit": limit, "before": before}
    return await _filtered(database, "audit_list", params)


async def dead(
    database: Database,
    matching: Filter = EVERY,
    limit: int = LIMIT,
    before: tuple[datetime, int] | None = None,
) -> list[Row]:
    """Dead letters that fit, runs and messages, with their full context, newest first.

    `before` are `died_at` and `id` of the last letter of the page before.
    """
    died_at, last_id = before or (None, None)
    params = {**matching.params(), "before_at": died_at, "before_id": last_id, "limit": limit}
    return await _filtered(database, "dead_list", params)


async def malformed(database: Database) -> int:
    """How many dead letters are messages of which no run could be made."""
    (row,) = await database.fetch(queries["message_count"])
    return int(row["malformed"])


async def review(
    database: Database,
    job_id: str | None = None,
    limit: int = LIMIT,
    before: tuple[datetime, int] | None = None,
) -> list[Row]:
    """What waits for a person, oldest first: `revision` is the hash of its content; of one job
    alone `shown` is it, exactly as stored.

    `before` are `since` and `id` of the last of the page before.
    """
    since, last_id = before or (None, None)
    params = {"job_id": job_id, "before_at": since, "before_id": last_id, "limit": limit}
    return await _filtered(database, "review_list", params)


async def workers(database: Database) -> list[Row]:
    """The workers that live: host, process, and since when."""
    return [row for row in await database.fetch(queries["report_workers"]) if row["alive"]]


async def switches(database: Database) -> list[Row]:
    """All switches, those that are off first."""
    return await database.fetch(queries["switch_list"])


async def switch_history(
    database: Database, scope: str | None = None, limit: int = LIMIT
) -> list[Row]:
    """Who flipped what (None: any switch) and when, newest first."""
    return await database.fetch(queries["switch_history"], {"scope": scope, "limit": limit})


async def breakers(database: Database, *, everything: bool = False) -> list[Row]:
    """Circuit breakers that are not closed, or count errors; the open ones first."""
    return await database.fetch(queries["breaker_list"], {"all": everything})


async def effects(
    database: Database,
    job_id: str | None = None,
    *,
    open_only: bool = False,
    limit: int = LIMIT,
    before: tuple[bool, int] | None = None,
) -> list[Row]:
    """External writes, those without an outcome first, the newest first.

    `before` says of the last write of the page before whether it was done, and its `id`.
    """
    done, last_id = before or (None, None)
    params = {
        "job_id": job_id,
        "open": open_only,
        "before_done": done,
        "before_id": last_id,
        "limit": limit,
    }
    return await _filtered(database, "effect_list", params)


async def calls(
    database: Database,
    job_id: str | None = None,
    *,
    limit: int = LIMIT,
    before: int | None = None,
) -> list[Row]:
    """Calls of models, the newest first: of a job, or of all. `before` is the `id` of the last one
    of the page before.
    """
    params = {"job_id": job_id, "before": before, "limit": limit}
    return await _filtered(database, "call_list", params)


async def call(database: Database, id_: int) -> Row:
    """One call: the `texts` that were sent, by their names and in their order, the other `options`,
    and the `answer`. `paid_by` is the call whose answer it found. What is not kept is None or
    lacks.

    Raises `NotFound`.
    """
    row = await database.one(queries["call_read"], {"id": id_})
    if row is None:
        raise NotFound(f"there is no call {id_}: `calls` lists those that there are")
    texts = {name: row["texts"][name] for name in TEXTS if name in row["texts"]}
    return {**row, "texts": texts}


async def counts(database: Database) -> dict[str, int]:
    """All runs by status. Reads the whole table: for small ledgers."""
    return {row["status"]: row["count"] for row in await database.fetch(queries["report_counts"])}


async def since(database: Database, moment: datetime) -> Mapping[str, Any]:
    """Runs by status, retries, losses, calls and cost since a moment, each step as `steps` tells
    it, and what waits `now`.

    What is queued or running counts whenever it began.
    """
    totals = await _totals(database, moment)
    backlog = await _backlog(database, Scope([]))
    return {
        **totals,
        "now": backlog,
        "runs": _with_unended(totals["runs"], backlog),
        "steps": charts.steps(await charts.tallies(database, moment, span=charts.WHOLE)),
    }


async def _totals(database: Database, since: datetime) -> dict[str, Any]:
    """What ended since a moment: runs by status, attempts tried again or lost, calls of models and
    their cost.
    """
    spans = await charts.spans(database, since, None, charts.WHOLE)
    rows = await database.fetch(queries["signals_outcomes"], spans)
    outcomes = Counter({row["name"]: row["count"] for row in rows})
    calls = await database.fetch(queries["signals_calls"], {**spans, "by": "day"})
    ended = {
        "succeeded": sum(outcomes[name] for name in signals.SUCCEEDED),
        "cancelled": outcomes["cancel"],
    }
    standing = await database.fetch(queries["report_standing"], {"since": since})
    return {
        "runs": {**ended, **{row["status"]: row["count"] for row in standing}},
        "retries": outcomes["retry"],
        "lost": outcomes["lost"],
        "llm_calls": sum(row["calls"] for row in calls),
        "llm_cached": sum(row["cached"] for row in calls),
        "cost_usd": sum((row["cost_usd"] for row in calls), Decimal(0)),
    }


async def _backlog(database: Database, scope: Scope) -> Row:
    guards = columns(scope.guards, "step", "name", "at_once", "starts")
    params = {**{f"guard_{name}": values for name, values in guards.items()}, "limit": LINE}
    (row,) = await database.fetch(queries["report_backlog"], params)
    return row


def _with_unended(ended: Mapping[str, int], backlog: Row) -> dict[str, int]:
    """Runs by status: those that ended, and those that have not; without what there is none of."""
    queued = sum(
        backlog[name] for name in ("due", "held", "held_by_breaker", "held_by_limit", "waiting")
    )
    totals = {**ended, "queued": queued, "running": backlog["running"]}
    return {name: count for name, count in sorted(totals.items()) if count}
