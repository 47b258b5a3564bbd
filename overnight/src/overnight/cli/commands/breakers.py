"""Circuit breakers: look at them, and close one by hand."""

from __future__ import annotations

import click

from overnight.cli import output
from overnight.cli.commands.common import perform
from overnight.cli.runner import Session, json_option, pass_session, tell


@click.command()
@click.option(
    "--all", "everything", is_flag=True, help="Also those that are closed and count no errors."
)
@json_option
@pass_session
def breakers(session: Session, everything: bool, as_json: bool) -> None:
    """Circuit breakers that are not closed, or count errors."""
    from overnight.operations import queries

    rows = session.run(lambda database: queries.breakers(database, everything=everything))
    columns = {
        "name": "breaker",
        "state": "state",
        "failures": "errors",
        "open_until": "probe at (UTC)",
        "probe_job": "probing",
        "error": "last error",
    }

    def render() -> None:
        spare = ("failures", "open_until")
        output.table("", rows, columns, empty="Every breaker is closed.", spare=spare)
        if any(row["state"] != "closed" for row in rows):
            output.echo(
                "\nwhat waits behind one starts when its probe succeeds; breaker close "
                "NAME starts it now"
            )

    tell(as_json, {"breakers": rows}, render)


@click.group()
def breaker() -> None:
    """Act on a circuit breaker."""


@breaker.command("close")
@click.argument("name")
@click.option("--reason", required=True, help="Why; saved in the audit log.")
@json_option
@pass_session
def close(session: Session, name: str, reason: str, as_json: bool) -> None:
    """Close the breaker NAME: what waits behind it starts at once."""
    perform(session, "close-breaker", as_json, name=name, reason=reason)
