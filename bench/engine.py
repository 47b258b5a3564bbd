"""`make bench`: the engine beside its peers and the plain-SQL limit, in one run on one durable
Postgres.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import enqueue
import idle
import recovery
import table_size
from contestants import HERE, LIMIT, OURS, PEERS, STATEMENTS, Contestant
from overnight.errors import OvernightError
from results import TARGETS, Figures, ratios, summary
from server import Server, durable_server

RESULTS = HERE / "results"
BUSY = 1.0  # load average above which figures are doubtful
PARTS = ("speed", "enqueue", "sizes", "memory", "idle", "recovery")
CONTESTANTS = [OURS, *PEERS, LIMIT, STATEMENTS]

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much of everything. A warm-up round is a tenth of a round, and its figures
    are dropped.
    """

    rounds: int
    counts: dict[str, int]
    enqueue_rows: int
    sizes: tuple[int, ...]
    in_flight: int
    idle_seconds: float
    recoveries: int


FULL = Plan(
    3,
    {"w1": 20_000, "w2": 2_000, "w3": 200},
    100_000,
    (10_000, 1_000_000, 10_000_000),
    200,
    60.0,
    3,
)
QUICK = Plan(1, {"w1": 3_000, "w2": 200, "w3": 30}, 20_000, (10_000, 100_000), 200, 15.0, 1)


def main() -> int:
    asked = _arguments()
    plan = QUICK if asked.quick else FULL
    # Nothing but a whole run takes the place of the figures that are kept.
    whole = not (asked.quick or asked.only or asked.sizes)
    output = asked.output or RESULTS / ("engine.json" if whole else "part.json")
    sizes = tuple(asked.sizes or plan.sizes)
    screen = Console(stderr=True, highlight=False)
    load = os.getloadavg()[0]
    if load > BUSY:
        screen.print(
            f"the load average is {load:.2f}: something else works here, so the figures "
            "will be doubtful"
        )
    try:
        with durable_server() as server, _progress(screen) as progress:
            result: dict[str, Any] = {
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "quick": asked.quick,
            }
            result["machine"] = _machine(server, load)
            result |= _measure(server, plan, sizes, asked.only or PARTS, progress)
    except OvernightError as error:
        screen.print(f"bench: {error}", markup=False)
        return 2
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=1) + "\n")
    if asked.json:
        print(json.dumps(result))
    else:
        _show(result)
    screen.print(f"written to {output}", markup=False, soft_wrap=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one round with smaller numbers, in under 3 minutes"
    )
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, metavar="PART", help=f"some of: {', '.join(PARTS)}"
    )
    parser.add_argument(
        "--sizes", nargs="+", type=int, metavar="ROWS", help="ended rows beside which to measure"
    )
    parser.add_argument("--output", type=Path, help="where the result is written, as JSON")
    parser.add_argument(
        "--json", action="store_true", help="the result on standard output, instead of tables"
    )
    return parser.parse_args()


def _progress(screen: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=screen, transient=True)


def _machine(server: Server, load: float) -> Figures:
    model = [
        line
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": model[0].partition(":")[2].strip() if model else platform.machine(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgres": server.version,
        "overnight": version("overnight"),
        "load_before": round(load, 2),
    }


def _measure(
    server: Server, plan: Plan, sizes: tuple[int, ...], parts: tuple[str, ...], progress: Progress
) -> dict[str, Any]:
    """Each part that is asked for, and the figures that have a target."""
    turns = _turns(plan) if "speed" in parts else []
    task = progress.add_task("", total=len(turns) + len(set(parts) - {"speed"}))
    found: dict[str, Any] = {}

    def tell(what: str) -> None:
        progress.update(task, description=what)

    def add(what: str, measured: Figures) -> None:
        found[what] = measured
        progress.advance(task)

    if turns:
        found["contestants"] = _speed(server, turns, tell, lambda: progress.advance(task))
    if "enqueue" in parts:
        tell("enqueue in bulk")
        add(
            "enqueue",
            asyncio.run(enqueue.measure(server, rows=plan.enqueue_rows, rounds=plan.rounds)),
        )
    if "memory" in parts:
        tell(f"memory with {plan.in_flight} steps in flight")
        measured = OURS.measure(server, "memory", plan.in_flight)
        add("memory", {**measured, "memory_mb": measured["peak_mb"], "in_flight": plan.in_flight})
    if "idle" in parts:
        tell("an idle worker")
        add("idle", asyncio.run(idle.measure(server, seconds=plan.idle_seconds)))
    if "recovery" in parts:
        tell("kill -9 of a worker")
        add("recovery", asyncio.run(recovery.measure(server, rounds=plan.recoveries)))
    if "sizes" in parts:
        add("table", asyncio.run(table_size.measure(server, sizes=sizes, tell=tell)))
    found["ratios"] = ratios(found.get("contestants", {}), [peer.name for peer in PEERS])
    for part in found.values():
        found["ratios"] |= {
            name: part[name] for name in ("enqueue_vs_insert", "table_size") if name in part
        }
    return found


def _turns(plan: Plan) -> list[tuple[int, str, Contestant, int]]:
    """(round, workload, contestant, count), round-robin over the contestants; round 0 warms up."""
    return [
        (turn, workload, contestant, count if turn else max(count // 10, 10))
        for turn in range(plan.rounds + 1)
        for workload, count in plan.counts.items()
        for contestant in CONTESTANTS
        if workload != "w3" or contestant in (OURS, *PEERS)
    ]


def _speed(
    server: Server,
    turns: list[tuple[int, str, Contestant, int]],
    tell: Tell,
    advance: Callable[[], None],
) -> dict[str, dict[str, Figures]]:
    rounds: dict[str, dict[str, list[Figures]]] = {each.name: {} for each in CONTESTANTS}
    for contestant in CONTESTANTS:
        tell(f"the environment of {contestant.name}")
        contestant.python()
    for turn, workload, contestant, count in turns:
        tell(f"{f'round {turn}' if turn else 'warm-up'}, {workload}: {contestant.name}")
        measured = contestant.measure(server, workload, count)
        if turn:
            rounds[contestant.name].setdefault(workload, []).append(measured)
        advance()
    return {
        name: {workload: summary(workload, measured) for workload, measured in workloads.items()}
        for name, workloads in rounds.items()
    }


def _show(result: dict[str, Any]) -> None:
    terminal = Console(highlight=False)
    machine = result["machine"]
    terminal.print(
        "{cores} cores, Postgres {postgres}, Python {python}, load {load_before}".format_map(
            machine
        )
    )
    if "contestants" in result:
        terminal.print(_speeds(result["contestants"]))
    if "table" in result:
        terminal.print(_sizes(result["table"]["sizes"]))
    terminal.print(_targets(result))


def _speeds(contestants: dict[str, dict[str, Figures]]) -> Table:
    table = _table("", "w1 jobs/s", "w2 steps/s", "w3 p50 ms", "p99 ms", "enqueue/s")
    for name, figures in contestants.items():
        w1, w2, w3 = (figures.get(workload, {}) for workload in ("w1", "w2", "w3"))
        row = (
            w1.get("steps_per_second"),
            w2.get("steps_per_second"),
            w3.get("p50_ms"),
            w3.get("p99_ms"),
        )
        table.add_row(name, *map(_number, (*row, w1.get("enqueue_per_second"))))
    return table


def _sizes(sizes: list[Figures]) -> Table:
    table = _table("ended rows", "claim ms", "empty", "finish ms", "empty", "slower")
    for row in sizes:
        cells = ("claim_full_ms", "claim_empty_ms", "finish_full_ms", "finish_empty_ms", "slower")
        table.add_row(f"{row['rows']:,}", *(_number(row[cell]) for cell in cells))
    return table


def _targets(result: dict[str, Any]) -> Table:
    measured = {
        name: value
        for part in result.values()
        if isinstance(part, dict)
        for name, value in part.items()
    }
    table = _table("", "measured", "must", "aim", "reached")
    for name, target in TARGETS.items():
        if name in measured:
            sign = "≤" if target.lower else "≥"
            bounds = (f"{sign} {target.must:,g}", f"{sign} {target.aim:,g}")
            table.add_row(name, _number(measured[name]), *bounds, target.reached(measured[name]))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
