"""Metrics: latency, traffic, errors, saturation, cost; and what of them is unusual."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from overnight.store.database import Database


@click.command()
@click.option(
    "--hours", default=24, show_default=True, type=click.IntRange(1, 9_600), help="How far back."
)
@click.option("--points", is_flag=True, help="With --json: also the points of each chart.")
@json_option
@pass_session
def signals(session: Session, hours: int, points: bool, as_json: bool) -> None:
    """Latency, errors, retries, load and cost; and what is unusual."""
    from overnight.observability import charts as chart_points

    async def work(database: Database) -> dict[str, Any]:
        since = await chart_points.ago(database, timedelta(hours=hours))
        tallies = await chart_points.tallies(database, since)
        charts = {
            "latency": chart_points.latency(tallies),
            "traffic": chart_points.traffic(tallies),
            "errors": chart_points.errors(tallies),
            "retries_to_success": chart_points.retries_to_success(tallies),
            "cost_by_day": await chart_points.cost(database, since),
        }
        return {
            "since": since,
            "steps": chart_points.steps(tallies),
            "cost_by_key": await chart_points.cost_of_each(database, since, "key"),
            "cost_by_model": await chart_points.cost_of_each(database, since, "model"),
            "saturation": await chart_points.saturation(database, since),
            "anomalies": [asdict(anomaly) for anomaly in await chart_points.anomalies(database)],
            **(charts if points else {}),
        }

    data = session.run(work)
    tell(as_json, data, lambda: _render(data))


def _render(data: dict[str, Any]) -> None:
    columns = {
        "step": "step",
        "attempts": "attempts",
        "failed": "failed",
        "p50": "p50",
        "p95": "p95",
        "retries": "failures before a success",
    }
    empty = f"No attempt ended since {formatting.cell(data['since'])} UTC."
    output.table(
        "",
        [_readable(row) for row in data["steps"]],
        columns,
        empty=empty,
        spare=("attempts", "p50"),
    )
    for by in ("key", "model"):
        rows = [
            {**row, "cost": formatting.dollars(float(row["cost_usd"]))}
            for row in data[f"cost_by_{by}"]
        ]
        if rows:
            output.echo("")
            output.table(
                "",
                rows,
                {"name": by, "calls": "model calls", "cached": "cached", "cost": "cost"},
                empty="",
            )
    if data["saturation"]:
        worst = max(data["saturation"], key=lambda point: point["oldest_due_seconds"])
        due, oldest = (
            formatting.count(worst["due"], "run"),
            formatting.duration(worst["oldest_due_seconds"]),
        )
        output.echo(
            f"\nat its worst, {formatting.cell(worst['at'])} UTC: {due} due, the oldest "
            f"for {oldest}"
        )
    for anomaly in data["anomalies"]:
        output.echo(f"\nunusual: {anomaly['text']}", fg="yellow")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    spans = {name: row[f"{name}_seconds"] for name in ("p50", "p95")}
    return {
        **row,
        "failed": f"{row['rate']:.0%}",
        "retries": f"{row['mean_failures']:.2f}",
        **{
            name: "" if seconds is None else formatting.duration(seconds)
            for name, seconds in spans.items()
        },
    }
