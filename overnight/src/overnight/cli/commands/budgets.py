"""Budgets: the list of them, and a person's own limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overnight.cli import output
from overnight.cli.commands.common import perform
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    pass


@click.command("budgets")
@json_option
@pass_session
def budgets_command(session: Session, as_json: bool) -> None:
    """What may be spent a day (UTC), and what is left of it."""
    from overnight.llm import budgets
    from overnight.operations import scopes

    rows = session.run(budgets.read)
    for row in rows:
        row["scope"] = scopes.text(row["scope"], session.app())
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
    empty = "No budget: spending is unlimited. To set one: budget set all 20"
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
@click.option("--reason", required=True, help="Why; saved in the audit log.")
@json_option
@pass_session
def set_command(session: Session, scope: str, usd: str, reason: str, as_json: bool) -> None:
    """Let SCOPE spend USD a day, whatever the configuration says. What waits for money is tried
    again at once.
    """
    from overnight.llm.budgets import amount

    perform(session, "set-budget", as_json, scope=scope, usd=amount(usd), reason=reason)


@budget.command("remove")
@click.argument("scope")
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def remove_command(session: Session, scope: str, reason: str, as_json: bool) -> None:
    """Take a person's limit for SCOPE back. The configuration's counts again, where
    there is one.
    """
    perform(session, "remove-budget", as_json, scope=scope, reason=reason)
