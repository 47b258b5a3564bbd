"""Alerts: what a person should know."""

from __future__ import annotations

import click

from overnight import show
from overnight.commandline import Session, json_option, pass_session, tell


@click.command()
@click.option("--all", "everything", is_flag=True, help="Those that are resolved, too.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows.")
@json_option
@pass_session
def alerts(session: Session, everything: bool, limit: int, as_json: bool) -> None:
    """Open alerts, the latest first. They are resolved when what they tell of is well again."""
    from overnight import report

    rows = session.run(lambda database: report.alerts(database, all=everything, limit=limit))
    columns = {
        "kind": "alert",
        "subject": "about",
        "count": "times",
        "first_at": "first (UTC)",
        "last_at": "last (UTC)",
        **({"resolved_at": "resolved (UTC)"} if everything else {}),
        "text": "what",
    }
    spare = ("first_at", "resolved_at", "last_at", "count")
    empty = "No alert." if everything else "No alert is open."
    tell(as_json, {"alerts": rows}, lambda: show.table("", rows, columns, empty=empty, spare=spare))
