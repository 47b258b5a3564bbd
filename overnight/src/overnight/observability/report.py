"""What is going on, and what happened: read-only queries as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypedDict

from overnight.llm import budgets
from overnight.observability import signals
from overnight.observability.schedule_advice import zero_work
from overnight.observability.signals import Anomaly, Sample, Tally
from overnight.pipelines.app import App
from overnight.pipelines.triggers import Cron
from overnight.store.database import Database, Row
from overnight.store.ledger import columns
from overnight.store.records import Filter, Scope
from overnight.store.schedules import Schedules
from overnight.store.sql import queries

LIMIT = 50  # rows that a list shows unless told otherwise
LINE = 20_000  # runs of the line that are looked at: a hundredth of a second
WHOLE = max(signals.SPANS)  # seconds of the span by which a whole time is added up: the fewest sums
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
    day = await _totals(database, await _now(database) - timedelta(days=1))
    switches = await database.fetch(queries["switch_list"])
    return {
        "last_24_hours": _with_unended(day.pop("runs"), backlog),
        "now": backlog,
        "totals": day,
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
    known = {(row["pipeline"], row["cron"], row["timezone"]) for row in rows}
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
        if (pipeline.name, cron.expression, cron.timezone) not in known
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
    all: bool = False,
    limit: int = LIMIT,
    before: tuple[bool, datetime, int] | None = None,
) -> list[Row]:
    """Alerts that are open (or, after them, also those that are not), the latest first.

    `before` says of the last alert of the page before whether it was resolved, its `last_at` and
    its `id`.
    """
    resolved, last_at, id = before or (None, None, None)
    params = {
        "all": all,
        "before_resolved": resolved,
        "before_at": last_at,
        "before_id": id,
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
    every = {"status": None, "pipeline": None, "key": None, "before": None}
    return await _filtered(database, "runs_list", {**every, **filters, "limit": limit})


async def _filtered(database: Database, verb: str, params: Mapping[str, Any]) -> list[Row]:
    """Planned anew for these very filters: one plan for all of them would read the whole table for
    what is rare.
    """
    return await database.fetch(queries[verb], params, prepare=False)


async def job(database: Database, job_id: str) -> list[Row]:
    """Every step of a job with its attempts, effects and model calls."""
    return await database.fetch(queries["job_show"], {"job_id": job_id})


async def actions(database: Database, job_id: str) -> list[Row]:
    """What people did with a job, oldest first."""
    return await database.fetch(queries["job_actions"], {"job_id": job_id})


async def dead(
    database: Database,
    filter: Filter = EVERY,
    limit: int = LIMIT,
    before: tuple[datetime, int] | None = None,
) -> list[Row]:
    """Dead letters that fit, runs and messages, with their full context, newest first.

    `before` are `died_at` and `id` of the last letter of the page before.
    """
    died_at, id = before or (None, None)
    params = {**filter.params(), "before_at": died_at, "before_id": id, "limit": limit}
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
    """What waits for a person, oldest first: `seen` is its seal; of one job alone `shown` is it,
    exactly as stored.

    `before` are `since` and `id` of the last of the page before.
    """
    since, id = before or (None, None)
    params = {"job_id": job_id, "before_at": since, "before_id": id, "limit": limit}
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
    done, id = before or (None, None)
    params = {
        "job_id": job_id,
        "open": open_only,
        "before_done": done,
        "before_id": id,
        "limit": limit,
    }
    return await _filtered(database, "effect_list", params)


async def counts(database: Database) -> dict[str, int]:
    """All runs by status. Reads the whole table: for small ledgers."""
    return {row["status"]: row["count"] for row in await database.fetch(queries["report_counts"])}


async def since(database: Database, moment: datetime) -> Mapping[str, Any]:
    """Runs by status, retries, losses, calls and cost since a moment, and each step as `steps`
    tells it.

    What is queued or running counts whenever it began.
    """
    totals = await _totals(database, moment)
    backlog = await _backlog(database, Scope([]))
    return {
        **totals,
        "runs": _with_unended(totals["runs"], backlog),
        "steps": steps(await tallies(database, moment, span=WHOLE)),
    }


async def _totals(database: Database, since: datetime) -> dict[str, Any]:
    """What ended since a moment: runs by status, attempts tried again or lost, calls of models and
    their cost.
    """
    spans = await _spans(database, since, None, WHOLE)
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
    counted = {**ended, "queued": queued, "running": backlog["running"]}
    return {name: count for name, count in sorted(counted.items()) if count}


class LatencyPoint(TypedDict):
    """How long the attempts of a step took that came to a result, in seconds (at most 5 % off);
    None without any.
    """

    at: datetime
    step: str
    count: int
    p50_seconds: float | None
    p95_seconds: float | None


class StepRow(TypedDict):
    """A step over a whole time: attempts, their failed share, latency in seconds, failed attempts
    before a success.
    """

    step: str
    attempts: int
    succeeded: int
    failed: int
    rate: float
    p50_seconds: float | None
    p95_seconds: float | None
    mean_failures: float


class TrafficPoint(TypedDict):
    """Attempts of a step that ended, runs of it that succeeded, and the ends by outcome (`retry`,
    `cancel` …).
    """

    at: datetime
    step: str
    attempts: int
    succeeded: int
    outcomes: dict[str, int]


class ErrorPoint(TypedDict):
    """Attempts of a step that failed, and their share of all."""

    at: datetime
    step: str
    attempts: int
    failed: int
    rate: float


class RetryPoint(TypedDict):
    """Runs of a step that succeeded, by the number of failed attempts before (10 stands for more),
    and its mean.
    """

    at: datetime
    step: str
    succeeded: int
    failures: dict[int, int]
    mean: float


class CostPoint(TypedDict):
    """Ended calls of models, for the key or model `name`, or for all of them (then it is empty)."""

    at: datetime
    name: str
    cost_usd: Decimal
    calls: int
    failed: int
    cached: int
    input_tokens: int
    output_tokens: int


class SaturationPoint(TypedDict):
    """What was due and held by no switch, the age of the oldest of it, what ran, who worked: the
    worst of a span.
    """

    at: datetime
    due: int
    oldest_due_seconds: float
    running: int
    workers: int


async def tallies(
    database: Database,
    since: datetime,
    until: datetime | None = None,
    step: str | None = None,
    span: int | None = None,
) -> list[Tally]:
    """How attempts ended, by step (or of one, `pipeline/step`) and span; what the views below tell
    is made of it.

    A span is five minutes, an hour or a day, as it fits, or `span` seconds.
    """
    params = {**await _spans(database, since, until, span), "step": step}
    return signals.tallies(await database.fetch(queries["signals_steps"], params))


def steps(counted: Iterable[Tally]) -> list[StepRow]:
    """Each step over the whole time: what a table shows beside the charts."""
    return [
        {
            "step": whole.step,
            "attempts": whole.attempts,
            "succeeded": whole.succeeded,
            "failed": whole.failed,
            "rate": whole.error_rate,
            "p50_seconds": signals.quantile(whole.seconds, 0.5),
            "p95_seconds": signals.quantile(whole.seconds, 0.95),
            "mean_failures": whole.mean_failures,
        }
        for whole in signals.by_step(counted)
    ]


def latency(counted: Iterable[Tally]) -> list[LatencyPoint]:
    """p50 and p95 by step and span."""
    return [
        {
            "at": tally.at,
            "step": tally.step,
            "count": tally.seconds.total(),
            "p50_seconds": signals.quantile(tally.seconds, 0.5),
            "p95_seconds": signals.quantile(tally.seconds, 0.95),
        }
        for tally in counted
        if tally.seconds
    ]


def traffic(counted: Iterable[Tally]) -> list[TrafficPoint]:
    """How much ended, by step and span."""
    return [
        {
            "at": tally.at,
            "step": tally.step,
            "attempts": tally.attempts,
            "succeeded": tally.succeeded,
            "outcomes": dict(tally.outcomes),
        }
        for tally in counted
    ]


def errors(counted: Iterable[Tally]) -> list[ErrorPoint]:
    """How much failed, by step and span: attempts that were retried, gave up, or lost
    their worker.
    """
    return [
        {
            "at": tally.at,
            "step": tally.step,
            "attempts": tally.attempts,
            "failed": tally.failed,
            "rate": tally.error_rate,
        }
        for tally in counted
        if tally.attempts
    ]


def retries_to_success(counted: Iterable[Tally]) -> list[RetryPoint]:
    """How often runs failed before they succeeded, by step and span."""
    return [
        {
            "at": tally.at,
            "step": tally.step,
            "succeeded": tally.failures.total(),
            "failures": dict(sorted(tally.failures.items())),
            "mean": tally.mean_failures,
        }
        for tally in counted
        if tally.failures
    ]


async def saturation(
    database: Database, since: datetime, until: datetime | None = None, span: int | None = None
) -> list[SaturationPoint]:
    """What waited and who worked, by span. A span without a point is one in which no
    worker lived.
    """
    rows = await database.fetch(
        queries["signals_queue"], await _spans(database, since, until, span)
    )
    return [SaturationPoint(**row) for row in rows]  # type: ignore[typeddict-item]  # the columns of the query


async def cost(
    database: Database,
    since: datetime,
    until: datetime | None = None,
    by: Literal["day", "key", "model"] = "day",
    span: int | None = None,
) -> list[CostPoint]:
    """What calls of models cost by day (UTC): of all, of each key, or of each model. `span`: 300 or
    3600 instead.

    A call counts when it ends; budgets count it on the day on which it began.
    """
    params = {**await _spans(database, since, until, span or WHOLE), "by": by}
    rows = await database.fetch(queries["signals_calls"], params)
    return [CostPoint(**row) for row in rows]  # type: ignore[typeddict-item]  # the columns of the query


async def cost_of_each(
    database: Database, since: datetime, by: Literal["key", "model"]
) -> list[CostPoint]:
    """What each key or model cost since a moment, the dearest first; `at` is that moment."""
    counted: dict[str, Counter[str]] = {}
    params = {**await _spans(database, since, None, WHOLE), "by": by}
    for row in await database.fetch(queries["signals_calls"], params):
        counts = {name: value for name, value in row.items() if name not in ("at", "name")}
        counted.setdefault(row["name"], Counter()).update(counts)
    points = [
        CostPoint(**{**counts, "at": since, "name": name})  # type: ignore[typeddict-item]
        for name, counts in counted.items()
    ]
    return sorted(points, key=lambda point: point["cost_usd"], reverse=True)


async def ago(database: Database, span: timedelta) -> datetime:
    """The moment so long ago, by the clock of the ledger."""
    return await _now(database) - span


async def anomalies(database: Database) -> list[Anomaly]:
    """What is unusual now, each with its sentence: cost, latency, errors, retries, saturation."""
    now = await _now(database)
    month, fortnight = now - timedelta(days=28), now - timedelta(days=14)
    spent = await cost(database, signals.floor(month, 86_400), span=3_600)
    hours = await tallies(database, signals.floor(fortnight, 3_600), span=3_600)
    queue = await saturation(database, now - timedelta(days=7), span=300)
    stuck = signals.saturation_anomaly(
        [Sample(point["at"], point["oldest_due_seconds"]) for point in queue], now
    )
    return [
        *signals.cost_anomalies(
            [Sample(point["at"], float(point["cost_usd"])) for point in spent], now
        ),
        *signals.step_anomalies(hours, now),
        *([stuck] if stuck else []),
    ]


async def _spans(
    database: Database, since: datetime, until: datetime | None, span: int | None = None
) -> dict[str, Any]:
    """The times of a chart and the sums that it is made of; up to now where `until` is None."""
    now = await _now(database)
    until = until or now + timedelta(seconds=1)
    return sums(since, until, span or signals.span_for(since, until, now), now)


def sums(since: datetime, until: datetime, span: int, now: datetime) -> dict[str, Any]:
    """The parameters of the queries of signals: the times, and the pieces that they are made of.

    What is so old that the shortest sums of it are gone begins at a full hour, or at midnight
    (UTC): the rows of a part of it would be too many to count.
    """
    shortest = signals.pieces(since, until, span, now)[0].span
    if shortest > min(signals.SPANS):
        since = signals.floor(since, shortest)
    pieces = signals.pieces(since, until, span, now)
    columns = {
        f"piece_{name}": [getattr(piece, name) for piece in pieces]
        for name in ("span", "since", "until")
    }
    return {"since": since, "until": until, "span": span, "first": pieces[0].since, **columns}


async def _now(database: Database) -> datetime:
    (row,) = await database.fetch(queries["now"])
    return row["now"]  # type: ignore[no-any-return]
