"""The points of charts: latency, traffic, errors, retries, saturation, cost; what is unusual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypedDict

from overnight.observability import signals
from overnight.observability.signals import Anomaly, Sample, Tally
from overnight.store.database import Database
from overnight.store.sql import queries

WHOLE = max(signals.SPANS)  # seconds of the span by which a whole time is added up: the fewest sums


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
    now: datetime | None = None,
) -> list[Tally]:
    """How attempts ended, by step (or of one, `pipeline/step`) and span; what the views below tell
    is made of it.

    A span is five minutes, an hour or a day, as it fits, or `span` seconds. Here and below `now` is
    the clock of the ledger, where who asks has read it.
    """
    params = {**await spans(database, since, until, span, now), "step": step}
    return signals.tallies(await database.fetch(queries["signals_steps"], params))


def steps(items: Iterable[Tally]) -> list[StepRow]:
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
        for whole in signals.by_step(items)
    ]


def latency(items: Iterable[Tally]) -> list[LatencyPoint]:
    """p50 and p95 by step and span."""
    return [
        {
            "at": tally.at,
            "step": tally.step,
            "count": tally.seconds.total(),
            "p50_seconds": signals.quantile(tally.seconds, 0.5),
            "p95_seconds": signals.quantile(tally.seconds, 0.95),
        }
        for tally in items
        if tally.seconds
    ]


def traffic(items: Iterable[Tally]) -> list[TrafficPoint]:
    """How much ended, by step and span."""
    return [
        {
            "at": tally.at,
            "step": tally.step,
            "attempts": tally.attempts,
            "succeeded": tally.succeeded,
            "outcomes": dict(tally.outcomes),
        }
        for tally in items
    ]


def errors(items: Iterable[Tally]) -> list[ErrorPoint]:
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
        for tally in items
        if tally.attempts
    ]


def retries_to_success(items: Iterable[Tally]) -> list[RetryPoint]:
    """How often runs failed before they succeeded, by step and span."""
    return [
        {
            "at": tally.at,
            "step": tally.step,
            "succeeded": tally.failures.total(),
            "failures": dict(sorted(tally.failures.items())),
            "mean": tally.mean_failures,
        }
        for tally in items
        if tally.failures
    ]


async def saturation(
    database: Database,
    since: datetime,
    until: datetime | None = None,
    span: int | None = None,
    now: datetime | None = None,
) -> list[SaturationPoint]:
    """What waited and who worked, by span. A span without a point is one in which no
    worker lived.
    """
    params = await spans(database, since, until, span, now)
    rows = await database.fetch(queries["signals_queue"], params)
    return [SaturationPoint(**row) for row in rows]  # type: ignore[typeddict-item]  # the columns of the query


async def cost(
    database: Database,
    since: datetime,
    until: datetime | None = None,
    by: Literal["day", "key", "model"] = "day",
    span: int | None = None,
    now: datetime | None = None,
) -> list[CostPoint]:
    """What calls of models cost by day (UTC): of all, of each key, or of each model. `span`: 300 or
    3600 instead.

    A call counts when it ends; budgets count it on the day on which it began.
    """
    params = {**await spans(database, since, until, span or WHOLE, now), "by": by}
    rows = await database.fetch(queries["signals_calls"], params)
    return [CostPoint(**row) for row in rows]  # type: ignore[typeddict-item]  # the columns of the query


async def cost_of_each(
    database: Database,
    since: datetime,
    by: Literal["key", "model"],
    now: datetime | None = None,
) -> list[CostPoint]:
    """What each key or model cost since a moment, the dearest first; `at` is that moment."""
    sums: dict[str, Counter[str]] = {}
    params = {**await spans(database, since, None, WHOLE, now), "by": by}
    for row in await database.fetch(queries["signals_calls"], params):
        counts = {name: value for name, value in row.items() if name not in ("at", "name")}
        sums.setdefault(row["name"], Counter()).update(counts)
    points = [
        CostPoint(**{**counts, "at": since, "name": name})  # type: ignore[typeddict-item]
        for name, counts in sums.items()
    ]
    return sorted(points, key=lambda point: point["cost_usd"], reverse=True)


async def ago(database: Database, span: timedelta) -> datetime:
    """The moment so long ago, by the clock of the ledger."""
    return await ledger_now(database) - span


async def anomalies(database: Database, now: datetime | None = None) -> list[Anomaly]:
    """What is unusual now, each with its sentence: cost, latency, errors, retries, saturation."""
    now = now or await ledger_now(database)
    month, fortnight = now - timedelta(days=28), now - timedelta(days=14)
    spent = await cost(database, signals.floor(month, 86_400), span=3_600, now=now)
    hours = await tallies(database, signals.floor(fortnight, 3_600), span=3_600, now=now)
    queue = await saturation(database, now - timedelta(days=7), span=300, now=now)
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


async def spans(
    database: Database,
    since: datetime,
    until: datetime | None,
    span: int | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """The times of a chart and the sums that it is made of; up to now where `until` is None."""
    now = now or await ledger_now(database)
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


async def ledger_now(database: Database) -> datetime:
    (row,) = await database.fetch(queries["now"])
    return row["now"]  # type: ignore[no-any-return]
