"""What Prometheus reads at /metrics: the ledger's own figures, so that every console of a ledger
tells the same.

Counters count from the beginning of the month (UTC) and begin at 0 again then, which `rate` and
`increase` know how to take: nothing that a process remembers is in them, so a restart loses
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from overnight.llm import budgets
from overnight.observability import charts, signals
from overnight.observability.charts import CostPoint
from overnight.observability.signals import Tally
from overnight.operations import queries
from overnight.pipelines.app import App
from overnight.store.database import Database, Row
from overnight.store.records import Status

CONTENT_TYPE = CONTENT_TYPE_LATEST
# bins of `signals` in a bucket, which is twice as wide as the one before: 28 of them, up to 36
# hours
BUCKET = 7
BUCKETS = tuple(range(BUCKET, 200, BUCKET))  # the last bin, 200, is open
QUEUE = ("due", "held", "held_by_breaker", "held_by_limit", "waiting")


@dataclass(frozen=True, slots=True, eq=False)
class Figures(Collector):
    """What was read of the ledger, and how it is told."""

    status: Mapping[str, Any]
    steps: Sequence[Tally]
    models: Sequence[CostPoint]
    breakers: Sequence[Row]
    budgets: Sequence[Row]
    malformed: int

    def collect(self) -> Iterator[Metric]:
        yield from self._now()
        yield from self._steps()
        yield from self._models()
        yield from self._budgets()

    def _now(self) -> Iterator[Metric]:
        now, day = self.status["now"], self.status["last_24_hours"]
        states = Counter(breaker["state"] for breaker in self.breakers)
        waiting = {state: now[state] for state in QUEUE}
        yield _gauges(
            "runs_last_day",
            "Runs that ended in the last 24 hours, or have not ended.",
            "status",
            _all(day),
        )
        yield _gauges(
            "queue_runs",
            "Queued runs (the first 20,000): due, held by what, not yet due.",
            "state",
            waiting,
        )
        yield _gauge(
            "oldest_due_seconds",
            "The age of the oldest run that could start.",
            now["oldest_due_seconds"] or 0,
        )
        yield _gauge("running_runs", "Runs that have an owner.", now["running"])
        yield _gauge("workers", "Worker processes that live.", len(self.status["workers"]))
        yield _gauge(
            "dead_letters", "Dead letters, runs and messages.", now["dead"] + self.malformed
        )
        yield _gauge("reviews", "What waits for a person.", now["needs_review"])
        yield _gauge(
            "switches_off", "Kill switches that are off.", len(self.status["switched_off"])
        )
        gauges = {state: states[state] for state in ("closed", "half-open", "open")}
        yield _gauges("breakers", "Circuit breakers of which something is known.", "state", gauges)

    def _steps(self) -> Iterator[Metric]:
        labels = ["pipeline", "step"]
        attempts = CounterMetricFamily(
            "overnight_attempts", "Attempts that came to a result or failed.", labels=labels
        )
        failed = CounterMetricFamily(
            "overnight_failed_attempts", "Attempts that failed.", labels=labels
        )
        text = "How long attempts took that came to a result; the sum is at most 5 % off."
        seconds = HistogramMetricFamily("overnight_attempt_seconds", text, labels=labels)
        for tally in self.steps:
            names = tally.step.split("/", 1)
            attempts.add_metric(names, tally.attempts)
            failed.add_metric(names, tally.failed)
            seconds.add_metric(names, buckets(tally.seconds), seconds_of(tally.seconds))
        yield from (attempts, failed, seconds)

    def _models(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "overnight_model_calls", "Calls that were paid for, or failed.", labels=["model"]
        )
        cost = CounterMetricFamily(
            "overnight_model_cost_usd", "Dollars for calls of models.", labels=["model"]
        )
        tokens = CounterMetricFamily(
            "overnight_model_tokens", "Tokens of calls.", labels=["model", "direction"]
        )
        for point in self.models:
            calls.add_metric([point["name"]], point["calls"])
            cost.add_metric([point["name"]], float(point["cost_usd"]))
            tokens.add_metric([point["name"], "input"], point["input_tokens"])
            tokens.add_metric([point["name"], "output"], point["output_tokens"])
        yield from (calls, cost, tokens)

    def _budgets(self) -> Iterator[Metric]:
        limits = {row["scope"]: row["usd_per_day"] for row in self.budgets}
        used = {row["scope"]: row["spent_usd"] + row["reserved_usd"] for row in self.budgets}
        yield _gauges("budget_usd", "Dollars that may be spent today (UTC).", "scope", limits)
        yield _gauges(
            "budget_used_usd", "Dollars of these that are spent or reserved.", "scope", used
        )


async def exposition(app: App, database: Database) -> bytes:
    """All figures in the text format of Prometheus. Raises `LedgerUnavailable`."""
    month = month_of(await charts.ago(database, timedelta(0)))
    registry = CollectorRegistry()
    registry.register(
        Figures(
            status=await queries.status(database, app),
            steps=signals.by_step(await charts.tallies(database, month, span=charts.WHOLE)),
            models=await charts.cost_of_each(database, month, "model"),
            breakers=await queries.breakers(database, everything=True),
            budgets=await budgets.read(database),
            malformed=await queries.malformed(database),
        )
    )
    return generate_latest(registry)


def month_of(moment: datetime) -> datetime:
    """When the month (UTC) of a moment began."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def buckets(bins: Mapping[int, int]) -> list[tuple[str, float]]:
    """Durations by the upper end of their bucket in seconds, each with all below it, as Prometheus
    wants them.
    """
    pairs = [
        (last, sum(count for number, count in bins.items() if number <= last)) for last in BUCKETS
    ]
    labels = [(f"{signals.GROWTH**last / 1000:.4g}", float(count)) for last, count in pairs]
    return [*labels, ("+Inf", float(sum(bins.values())))]


def seconds_of(bins: Mapping[int, int]) -> float:
    """All durations together: each counts as the middle of its bin."""
    return float(
        sum(count * signals.GROWTH ** (number - 0.5) / 1000 for number, count in bins.items())
    )


def _all(day: Mapping[str, int]) -> dict[str, int]:
    return {str(status): day.get(status, 0) for status in Status}


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"overnight_{name}", text, value=float(value))


def _gauges(name: str, text: str, label: str, values: Mapping[str, Any]) -> Metric:
    family = GaugeMetricFamily(f"overnight_{name}", text, labels=[label])
    for of, value in values.items():
        family.add_metric([of], float(value))
    return family
