"""Kill switches: pause, resume, the list of them and who flipped what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight.cli import output
from overnight.cli.commands import common
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from overnight.store.database import Database


@click.command()
@click.argument("scope", required=False)
@click.option("--reason", required=True, help="Why; shown wherever the switch is.")
@json_option
@pass_session
def pause(session: Session, scope: str | None, reason: str, as_json: bool) -> None:
    """Switch SCOPE off: nothing of it starts or writes outside. Without SCOPE: everything."""
    if scope not in (None, "all"):
        # a switch that fits nothing would stop nothing, so the scope must be known
        session.needed_app()
    _flip(session, scope, as_json, enabled=False, reason=reason)


@click.command()
@click.argument("scope", required=False)
@click.option("--reason", default="", help="Why; kept with the switch.")
@json_option
@pass_session
def resume(session: Session, scope: str | None, reason: str, as_json: bool) -> None:
    """Switch SCOPE on again. Without SCOPE: the switch for everything."""
    _flip(session, scope, as_json, enabled=True, reason=reason)


def _flip(
    session: Session, scope: str | None, as_json: bool, *, enabled: bool, reason: str
) -> None:
    from overnight.operations import queries, scopes
    from overnight.operations import switches as kill_switches

    async def work(database: Database) -> dict[str, Any]:
        parsed = common.scope(
            scope, [row["scope"] for row in await queries.switches(database)], session.app()
        )
        act = kill_switches.resume if enabled else kill_switches.pause
        return await act(database, parsed, reason=reason)

    row = session.run(work)
    row["scope"] = scopes.text(row["scope"], session.app())
    tell(
        as_json,
        {"switch": row},
        lambda: click.echo(f"{row['scope']} is {'on' if enabled else 'off'}"),
    )


@click.command()
@click.argument("scope", required=False)
@click.option("--history", is_flag=True, help="Who flipped what and when, newest first.")
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
    """All kill switches; with SCOPE, who flipped that one, and why."""
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
    empty = "Nobody has flipped it." if past else "Everything is on."
    tell(
        as_json,
        {"history" if past else "switches": rows},
        lambda: output.table("", rows, columns, empty=empty),
    )
