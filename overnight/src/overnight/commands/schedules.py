"""Schedules."""

from __future__ import annotations

import click

from overnight import show
from overnight.commandline import Session, json_option, pass_session, tell


@click.command()
@json_option
@pass_session
def schedules(session: Session, as_json: bool) -> None:
    """Each schedule with its next slot."""
    from overnight import report

    app = session.needed_app()
    rows = session.run(lambda database: report.schedules(database, app))
    columns = {"pipeline": "pipeline", "cron": "cron", "timezone": "zone", "next": "next (UTC)"}
    tell(as_json, {"schedules": rows}, lambda: show.table("", rows, columns, empty="No pipeline has a schedule."))
