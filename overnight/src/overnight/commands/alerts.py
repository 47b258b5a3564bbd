"""Alerts: what a person should know, and how it reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight import show
from overnight.commandline import Session, json_option, pass_session, tell
from overnight.errors import NotFound, UserError

if TYPE_CHECKING:
    from overnight.alerts.delivery import Sent
    from overnight.alerts.message import Message
    from overnight.app import App
    from overnight.database import Database

NO_CHANNEL = "this app has no channel for alerts: name one in its configuration"


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Those that are resolved, too.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows.")
@json_option
@pass_session
@click.pass_context
def alerts(context: click.Context, session: Session, everything: bool, limit: int, as_json: bool) -> None:
    """Open alerts, and whether people hear of them.

    An alert is resolved when what it tells of is well again.
    """
    if context.invoked_subcommand is not None:
        return
    from overnight import report

    async def work(database: Database) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return await report.alerts(database, all=everything, limit=limit), await report.deliveries(database)

    rows, channels = session.run(work)
    tell(as_json, {"alerts": rows, "channels": channels}, lambda: _render(rows, channels, everything))


def _render(rows: list[dict[str, Any]], channels: list[dict[str, Any]], everything: bool) -> None:
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
    show.table("", rows, columns, empty=empty, spare=spare)
    if channels:
        columns = {"channel": "channel", "app": "app", "created_at": "latest (UTC)", "title": "told", "state": "and it"}
        click.echo("")
        show.table("", [_readable(row) for row in channels], columns, empty="", spare=("app", "created_at", "title"))


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """A channel with what became of its latest message."""
    if row["id"] is None:
        state = "was told nothing yet"
    elif row["sent_at"] is not None:
        state = "was sent"
    elif row["error"] is None:
        state = "is being sent"
    else:
        tries = show.count(row["attempts"], "attempt")
        state = f"waits after {tries}: {row['error']}; the next is at {show.cell(row['due_at'])}"
    return {**row, "state": state}


@alerts.command("send")
@json_option
@pass_session
def send_command(session: Session, as_json: bool) -> None:
    """Send what is due now; what failed before is tried at once."""
    from overnight.alerts.delivery import Delivery

    app = session.needed_app()
    if not app.alerts.channels:
        raise UserError(NO_CHANNEL)
    _tell_sent(session.run(lambda database: Delivery(app.name, app.alerts, database).flush()), as_json)


@alerts.command("test")
@click.argument("channel", required=False)
@json_option
@pass_session
def test_command(session: Session, channel: str | None, as_json: bool) -> None:
    """Send one test message to CHANNEL, or to each of them."""
    from overnight.alerts.message import Message

    app = session.needed_app()
    names = [each.name for each in app.alerts.channels]
    if channel is not None and channel not in names:
        raise NotFound(f"there is no channel “{channel}”; the app has: {', '.join(names) or 'none'}")
    message = Message(f"{app.name}: a test message", report="If you can read this, alerts reach you here.")
    send_now(app, message, channel, as_json=as_json)


def send_now(app: App, message: Message, channel: str | None = None, *, as_json: bool) -> None:
    """Send a message at once to a channel, or to all of them, and say what came of it."""
    from overnight.alerts import delivery

    channels = [each for each in app.alerts.channels if channel in (None, each.name)]
    if not channels:
        raise UserError(NO_CHANNEL)
    _tell_sent(delivery.send_now(channels, message), as_json)


def _tell_sent(sent: list[Sent], as_json: bool) -> None:
    def render() -> None:
        for each in sent:
            said = f"was not taken: {each.error}" if each.error else "was taken"
            click.echo(f"{each.channel}: “{each.title}” {said}")
        if not sent:
            click.echo("nothing is due")

    rows = [{"channel": each.channel, "title": each.title, "error": each.error} for each in sent]
    tell(as_json, {"sent": rows}, render)
    if any(each.error for each in sent):
        raise click.exceptions.Exit(1)
