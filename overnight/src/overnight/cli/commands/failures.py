"""Failed jobs by equal errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.commands.common import called, named
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from overnight.operations.failures import Failures


@click.command()
@json_option
@pass_session
def failures(session: Session, as_json: bool) -> None:
    """Failed jobs by equal errors: one cause, one replay."""
    from overnight.operations import failures

    found = session.run(lambda database: failures.read(database, session.app()))
    tell(as_json, {"failures": found.groups, "more": bool(found.next)}, lambda: _render(found))


def _render(found: Failures) -> None:
    columns = {
        "group": "group",
        "work": "step",
        "count": "jobs",
        "last_at": "latest (UTC)",
        "cost_usd": "cost",
        "error": "error",
        "advice": "what helps",
    }
    spare = ("cost_usd", "last_at", "advice")
    output.table("", _lines(found), columns, empty="No failed jobs.", spare=spare)
    if found.next:
        count = formatting.count(found.count, "failed job")
        output.echo(f"\nThese are the newest {count}; there are older ones: dead --until …")
    if found.groups:
        group = found.groups[0]["group"]
        output.echo(f"\n{called()} replay --group {group} starts all of a group again")
        output.echo(f"{called()} dead --group {group} lists them")


def _lines(found: Failures) -> list[dict[str, Any]]:
    lines = named(found.groups)
    return [{**r, "work": r["origin"]} if r["kind"] == "message" else r for r in lines]
