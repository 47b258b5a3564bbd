"""Kill switches: pause, resume, and the list of them."""

from __future__ import annotations

import click

from overnight import show
from overnight.commandline import Session, json_option, pass_session, tell


@click.command()
@click.argument("scope", required=False)
@click.option("--reason", required=True, help="Why; shown wherever the switch is.")
@json_option
@pass_session
def pause(session: Session, scope: str | None, reason: str, as_json: bool) -> None:
    """Flip a kill switch off: nothing in SCOPE starts or writes outside. Without SCOPE: everything."""
    _flip(session, scope, as_json, enabled=False, reason=reason)


@click.command()
@click.argument("scope", required=False)
@click.option("--reason", default="", help="Why; kept with the switch.")
@json_option
@pass_session
def resume(session: Session, scope: str | None, reason: str, as_json: bool) -> None:
    """Flip a kill switch on again. Without SCOPE: the one for everything."""
    _flip(session, scope, as_json, enabled=True, reason=reason)


def _flip(session: Session, scope: str | None, as_json: bool, *, enabled: bool, reason: str) -> None:
    from overnight import control

    parsed = control.parse_scope(scope, session.app())
    row = session.run(lambda database: control.set_switch(database, parsed, enabled=enabled, reason=reason))
    row["scope"] = control.scope_text(row["scope"], session.app())
    tell(as_json, {"switch": row}, lambda: click.echo(f"{row['scope']} is {'on' if enabled else 'off'}"))


@click.command()
@json_option
@pass_session
def switches(session: Session, as_json: bool) -> None:
    """All kill switches, with who flipped them, when and why."""
    from overnight import control, report

    rows = session.run(report.switches)
    for row in rows:
        row["scope"] = control.scope_text(row["scope"], session.app())
    columns = {
        "scope": "scope",
        "enabled": "on",
        "reason": "reason",
        "changed_by": "by",
        "changed_at": "changed (UTC)",
    }
    tell(as_json, {"switches": rows}, lambda: show.table("", rows, columns, empty="Everything is on."))
