"""A night's report, and the demo's own night."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from contentstudio.cli import context
from overnight.cli import output
from overnight.cli.commands.alerts import send_now
from overnight.cli.runner import Session, json_option, pass_session, tell

WITHOUT_MODEL = "No model wrote them: with a config of your own, each would wait for your review.\n"
WITH_MODEL = (
    "A stand-in on this machine answered as a model would, by quoting its notes: the costs are "
    "list prices, and nobody bills them. `cost JOB` and `brief JOB` show each step.\n"
)


@click.command()
@click.option(
    "--home",
    "folder",
    type=click.Path(path_type=Path),
    help="Config, database, sites and log of the demo.  [default: contentstudio-demo]",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    help="The port of the demo's web; a free one by default.",
)
@click.option(
    "--with-model",
    is_flag=True,
    help="A stand-in answers as a model would: calls and prices without a key or a bill.",
)
@json_option
def demo(folder: Path | None, port: int | None, with_model: bool, as_json: bool) -> None:
    """One night on loopback, from feeds to pages. It has the faults of a real night."""
    from contentstudio.demo import night as demo_night

    folder = folder or Path(f"contentstudio-demo{'-with-model' * with_model}")
    night = asyncio.run(demo_night.run(folder.absolute(), port, with_model=with_model))
    context.use(Path(night["config"]))
    tell(as_json, totals(night), lambda: _render_demo(night))


def _render_demo(night: dict[str, Any]) -> None:
    from contentstudio import daily_report

    output.echo(
        f"The night of {night['since'].date()}, on loopback. Articles waited "
        f"{night['debounce_seconds']} s for a last edit instead of 90, so that the demo is short. "
        + (WITH_MODEL if night["with_model"] else WITHOUT_MODEL)
    )
    if night["again"]:
        output.echo("This night had begun before: nothing that was done is done again.\n")
    echo(daily_report.lines(night, context.program()))
    output.echo(f"\nsites  {'  '.join(night['site_dirs'])}\nlog    {night['log']}")
    if night["needs_review"]:
        output.echo(
            "After approving, run the demo again: it publishes what you approved, "
            "and nothing twice."
        )


@click.command("morning")
@click.option(
    "--hours", default=24, show_default=True, type=click.IntRange(1, 24 * 366), help="How far back."
)
@click.option("--send", is_flag=True, help="Send it to the channels of [alerts] instead.")
@json_option
@pass_session
def morning_report(session: Session, hours: int, send: bool, as_json: bool) -> None:
    """What happened last night, and what waits for you."""
    from contentstudio import daily_report
    from contentstudio.store.nights import Nights

    since = datetime.now(UTC) - timedelta(hours=hours)
    night = session.run(lambda database: Nights(database).since(since))
    if not send:
        lines = daily_report.lines(night, context.program())
        tell(as_json, totals(night), lambda: echo(lines))
        return
    from overnight.alerts.message import Message

    app = session.needed_app()
    message = Message(f"{app.name}: last night", report=daily_report.text(night, context.program()))
    send_now(app, message, as_json=as_json)


def echo(lines: list[str]) -> None:
    for line in lines:
        output.echo_styled(line)


def totals(night: dict[str, Any]) -> dict[str, Any]:
    """The report for a script: counts under the plain names, the rows behind them in `details`."""
    from contentstudio.store.nights import COUNTED, LISTS

    counts = {name: len(night[name]) for name in COUNTED}
    return {
        **{name: value for name, value in night.items() if name not in LISTS},
        **counts,
        "details": {name: night[name] for name in LISTS},
    }


COMMANDS = (demo, morning_report)
