"""From samples to figures, from figures to ratios. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from workloads import STEPS

Figures = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """What a figure must reach, and what we aim at. `lower` is better for times and costs."""

    must: float
    aim: float
    lower: bool = False

    def reached(self, value: float) -> str:
        """`aim`, `must`, or `missed`."""
        for name, bound in (("aim", self.aim), ("must", self.must)):
            if value <= bound if self.lower else value >= bound:
                return name
        return "missed"


TARGETS = {
    "w1_vs_pgqueuer": Target(0.7, 1.2),
    "w2_vs_best_peer": Target(5.0, 10.0),
    "w3_vs_best_peer": Target(1.0, 0.5, lower=True),
    "w1_vs_limit": Target(0.35, 0.6),
    "w2_vs_limit": Target(0.35, 0.6),
    "enqueue_vs_insert": Target(0.5, 0.8),
    "table_size": Target(1.2, 1.05, lower=True),
    "enqueue_rows_per_second": Target(40_000, 80_000),
    "idle_statements_per_minute": Target(30, 10, lower=True),
    "idle_cpu_percent": Target(0.5, 0.25, lower=True),
    "recovery_seconds": Target(2.0, 0.5, lower=True),
    "memory_mb": Target(100, 60, lower=True),
}


def summary(workload: str, rounds: Sequence[Mapping[str, Any]]) -> Figures:
    """The medians of one contestant's rounds of one workload."""
    if workload == "w3":
        spread = [percentiles(each["latencies_ms"]) for each in rounds]
        return {
            "p50_ms": median(p50 for p50, _ in spread),
            "p99_ms": median(p99 for _, p99 in spread),
        }
    steps = STEPS if workload == "w2" else 1
    return {
        "steps_per_second": median(each["jobs"] * steps / each["seconds"] for each in rounds),
        "enqueue_per_second": median(each["jobs"] / each["enqueue_seconds"] for each in rounds),
    }


def percentiles(samples: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 99th percentile."""
    cuts = quantiles(samples, n=100, method="inclusive")
    return cuts[49], cuts[98]


def ratios(figures: Mapping[str, Mapping[str, Figures]], peers: Sequence[str]) -> dict[str, float]:
    """Of `figures[contestant][workload]`: us against each yardstick, as far as both
    were measured.
    """
    found: dict[str, float] = {}

    def compare(name: str, workload: str, figure: str, others: Sequence[str], best: Any) -> None:
        measured = [figures[o][workload][figure] for o in others if workload in figures.get(o, {})]
        ours = figures.get("overnight", {}).get(workload)
        if ours and measured:
            found[name] = ours[figure] / best(measured)

    compare("w1_vs_pgqueuer", "w1", "steps_per_second", ["pgqueuer"], max)
    compare("w2_vs_best_peer", "w2", "steps_per_second", peers, max)
    compare("w3_vs_best_peer", "w3", "p50_ms", peers, min)
    compare("w1_vs_limit", "w1", "steps_per_second", ["limit"], max)
    compare("w2_vs_limit", "w2", "steps_per_second", ["limit"], max)
    compare("w1_vs_statements", "w1", "steps_per_second", ["statements"], max)
    compare("w2_vs_statements", "w2", "steps_per_second", ["statements"], max)
    return found
