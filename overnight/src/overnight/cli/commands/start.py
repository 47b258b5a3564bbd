"""Start work by hand: a job of a pipeline, or an event that pipelines listen to."""

from __future__ import annotations

import click

from overnight.cli.commands.common import given_json, perform
from overnight.cli.runner import Session, json_option, pass_session

reason_option = click.option("--reason", default="", help="Why; saved in the audit log.")


@click.command()
@click.argument("pipeline")
@click.argument("input", default="null")
@click.option(
    "--priority",
    type=click.IntRange(-100, 100),
    help="Higher is sooner; default: the pipeline's own.",
)
@click.option(
    "--at",
    metavar="WHEN",
    help="When it starts: +30m, +2h, +7d, or a date such as 2026-03-01T04:00 (UTC).",
)
@reason_option
@json_option
@pass_session
def start(
    session: Session,
    pipeline: str,
    input: str,  # noqa: A002  the name of the argument in the help
    priority: int | None,
    at: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Start a job of PIPELINE by hand; INPUT is JSON, or @FILE."""
    values = {"pipeline": pipeline, "input": given_json(input), "priority": priority, "at": at}
    perform(session, "start", as_json, reason=reason, **values)


@click.command()
@click.argument("event")
@click.argument("payload", default="null")
@reason_option
@json_option
@pass_session
def emit(session: Session, event: str, payload: str, reason: str, as_json: bool) -> None:
    """Start a job of each pipeline that listens to EVENT. PAYLOAD is JSON, or @FILE."""
    perform(session, "emit", as_json, event=event, payload=given_json(payload), reason=reason)
