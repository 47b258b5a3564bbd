"""Start work by hand: a job of a pipeline, or an event that pipelines listen to."""

from __future__ import annotations

import click

from overnight.cli.commands.common import given_json
from overnight.cli.runner import Session, json_option, pass_session, tell


@click.command()
@click.argument("pipeline")
@click.argument("input", default="null")
@click.option(
    "--priority",
    type=click.IntRange(-100, 100),
    help="Higher is sooner; default: the pipeline's own.",
)
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def start(
    session: Session, pipeline: str, input: str, priority: int | None, reason: str, as_json: bool
) -> None:
    """Start a job of PIPELINE by hand; INPUT is JSON, or @FILE."""
    from overnight.operations import actors, runs

    app, value = session.needed_app(), given_json(input)
    who = {"by": actors.whoami(), "reason": reason}
    job, new = session.run(
        lambda database: runs.start(app, database, pipeline, value, priority=priority, **who)
    )
    said = (
        f"job {job} is queued"
        if new
        else f"job {job} exists already; show {job} tells how it stands"
    )
    tell(as_json, {"job_id": job, "new": new}, lambda: click.echo(said))


@click.command()
@click.argument("event")
@click.argument("payload", default="null")
@json_option
@pass_session
def emit(session: Session, event: str, payload: str, as_json: bool) -> None:
    """Start a job of each pipeline that listens to EVENT. PAYLOAD is JSON, or @FILE."""
    from overnight.operations import runs

    app, value = session.needed_app(), given_json(payload)
    jobs = session.run(lambda database: runs.emit(app, database, event, value))
    wait = app.debounces(event)
    replaced = (
        f" (waits {wait:g} s; a later {event} takes its place under another id)" if wait else ""
    )
    answer = {"jobs": jobs, "debounce_seconds": wait} if wait else {"jobs": jobs}
    tell(as_json, answer, lambda: click.echo(f"queued: {', '.join(jobs)}{replaced}"))
