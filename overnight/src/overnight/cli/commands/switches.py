"""Pause and resume: the switches, and who changed which."""

from __future__ import annotations

import click

from overnight.cli import output
from overnight.cli.commands.common import perform
from overnight.cli.runner import Session, json_option, pass_session, tell


@click.command()
@click.argument("scope", default="all")
@click.option("--reason", required=True, help="Why; shown wherever the switch is.")
@json_option
@pass_session
def pause(session: Session, scope: str, reason: str, as_json: bool) -> None:
    """Pause SCOPE: nothing of it starts or writes outside. Without SCOPE: everything."""
    perform(session, "pause", as_json, scope=scope, reason=reason)


@click.command()
@click.argument("scope", default="all")
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def resume(session: Session, scope: str, reason: str, as_json: bool) -> None:
    """Resume SCOPE. Without SCOPE: what was paused for everything."""
    perform(session, "resume", as_json, scope=scope, reason=reason)


@click.command()
@click.argument("scope", required=False)
@click.option("--history", is_flag=True, help="Who paused or resumed what and when, newest first.")
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="How many rows of it.",
)
@json_option
@pass_session
def switches(session: Session, scope: str | None, history: bool, limit: int, as_json: bool) -> None:
    """What is or was paused; with SCOPE, who changed it, and why."""
    from overnight.operations import queries, scopes

    past = history or scope is not None
    if past:
        parsed = None if scope is None else scopes.parse(scope, session.app())
        rows = session.run(lambda database: queries.switch_history(database, parsed, limit))
        columns = {
            "scope": "scope",
            "verb": "what",
            "at": "when (UTC)",
            "by": "by",
            "reason": "reason",
        }
    else:
        rows = session.run(queries.switches)
        columns = {
            "scope": "scope",
            "enabled": "on",
            "changed_at": "changed (UTC)",
            "changed_by": "by",
            "reason": "reason",
        }
    for row in rows:
        row["scope"] = scopes.text(row["scope"], session.app())
    empty = "Nobody has paused it." if past else "Nothing is paused."
    tell(
        as_json,
        {"history" if past else "switches": rows},
        lambda: output.table("", rows, columns, empty=empty),
    )
