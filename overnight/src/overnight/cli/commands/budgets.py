"""Budgets: the list of them, and a person's own limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.commands import common
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from overnight.store.database import Database


@click.command("budgets")
@json_option
@pass_session
def budgets_command(session: Session, as_json: bool) -> None:
    """What may be spent a day (UTC), and what is left of it."""
    from overnight.llm import budgets
    from overnight.operations import control

    rows = session.run(budgets.read)
    for row in rows:
        row["scope"] = control.scope_text(row["scope"], session.app())
        row["share"] = "" if row["used"] is None else f"{row['used']:.0%}"
    columns = {
        "scope": "scope",
        "usd_per_day": "a day",
        "spent_usd": "spent",
        "reserved_usd": "reserved",
        "left_usd": "left",
        "share": "used",
        "set_by": "by",
    }
    empty = "There is no budget: calls may cost what they cost. To set one: budget set all 20"
    spare = ("reserved_usd", "spent_usd", "left_usd")
    tell(
        as_json,
        {"budgets": rows},
        lambda: output.table("", rows, columns, empty=empty, spare=spare),
    )


@click.group("budget")
def budget() -> None:
    """Set a limit in dollars a day, or take it back."""


@budget.command("set")
@click.argument("scope")
@click.argument("usd")
@click.option("--reason", required=True, help="Why; kept with what people did.")
@json_option
@pass_session
def set_command(session: Session, scope: str, usd: str, reason: str, as_json: bool) -> None:
    """Let SCOPE spend USD a day, whatever the configuration says. What waits for money is tried
    again at once.
    """
    from overnight.llm import budgets
    from overnight.operations import control

    parsed, limit = control.parse_scope(scope, session.app()), budgets.amount(usd)
    row = session.run(lambda database: budgets.set_limit(database, parsed, limit, reason=reason))
    row["scope"] = control.scope_text(row["scope"], session.app())
    said = f"{row['scope']} may spend {formatting.dollars(row['usd_per_day'])} a day"
    tell(as_json, {"budget": row}, lambda: click.echo(said))


@budget.command("remove")
@click.argument("scope")
@click.option("--reason", default="", help="Why; kept with what people did.")
@json_option
@pass_session
def remove_command(session: Session, scope: str, reason: str, as_json: bool) -> None:
    """Take a person's limit for SCOPE back. The configuration's counts again, where
    there is one.
    """
    from overnight.llm import budgets
    from overnight.operations import control

    app = session.app()

    async def work(database: Database) -> dict[str, Any]:
        parsed = common.scope(scope, [row["scope"] for row in await budgets.read(database)], app)
        return await budgets.remove(database, parsed, reason=reason)

    row = session.run(work)
    row["scope"] = control.scope_text(row["scope"], app)
    left = row["usd_per_day"]
    limit = (
        "no limit any more"
        if left is None
        else f"the configuration's {formatting.dollars(left)} a day again"
    )
    tell(as_json, {"budget": row}, lambda: click.echo(f"{row['scope']} has {limit}"))
