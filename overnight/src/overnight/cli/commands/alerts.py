"""Alerts: what a person should know, and how it reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import NotFound, UserError

if TYPE_CHECKING:
    from overnight.alerts.delivery import Sent
    from overnight.alerts.message import Message
    from overnight.pipelines.app import App
    from overnight.store.database import Database

HEARTBEAT = "heartbeat"  # beside the names of channels
NO_CHANNEL = "this app has no channel for alerts: name one in its configuration"


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Those that are resolved, too.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
@click.pass_context
def alerts(
    context: click.Context, session: Session, everything: bool, limit: int, as_json: bool
) -> None:
    """Open alerts, and whether people hear of them.

    An alert is resolved when its cause is gone.
    """
    if context.invoked_subcommand is not None:
        return
    from overnight.operations import queries

    async def work(database: Database) -> dict[str, list[dict[str, Any]]]:
        return {
            "alerts": await queries.alerts(database, everything=everything, limit=limit),
            "channels": await queries.deliveries(database),
            "heartbeats": _in_use(await queries.heartbeats(database), session.app()),
        }

    data = session.run(work)
    tell(
        as_json,
        data,
        lambda: _render(data["alerts"], data["channels"], data["heartbeats"], everything),
    )


def _in_use(rows: list[dict[str, Any]], app: App | None) -> list[dict[str, Any]]:
    """The heartbeats without that of an app which is known to have none any more; of ours with the
    host it calls.
    """
    if app is None:
        return rows
    from overnight.alerts import Alerts

    ours = app.extension(Alerts).heartbeat
    others = [row for row in rows if row["app"] != app.name]
    called = [
        {**row, "host": ours.host} for row in rows if ours is not None and row["app"] == app.name
    ]
    return [*called, *others]


def _render(
    rows: list[dict[str, Any]],
    channels: list[dict[str, Any]],
    heartbeats: list[dict[str, Any]],
    everything: bool,
) -> None:
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
    output.table("", rows, columns, empty=empty, spare=spare)
    if channels:
        columns = {
            "channel": "channel",
            "app": "app",
            "created_at": "latest (UTC)",
            "title": "message",
            "state": "state",
        }
        output.echo("")
        output.table(
            "",
            [_readable(row) for row in channels],
            columns,
            empty="",
            spare=("app", "created_at", "title"),
        )

    for row in heartbeats:
        whose = f"heartbeat of {row['app']}" + (f" at {row['host']}" if "host" in row else "")
        output.echo(f"\n{whose}: {_beat(row)}")


def _beat(row: dict[str, Any]) -> str:
    """What a heartbeat said last, and whether it was taken."""
    message = f"said “{row['line']}”" if row["signal"] == "fail" else "said that all is well"
    if row["called_at"] is None:
        return "is being called"
    if row["error"] is None:
        return f"{message} at {formatting.cell(row['taken_at'])} UTC"
    last = (
        f"the last that was taken is of {formatting.cell(row['taken_at'])} UTC"
        if row["taken_at"]
        else "none was taken yet"
    )
    return f"was not taken at {formatting.cell(row['called_at'])} UTC: {row['error']}; {last}"


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """A channel with what became of its latest message."""
    if row["id"] is None:
        state = "has no message yet"
    elif row["sent_at"] is not None:
        state = "was sent"
    elif row["error"] is None:
        state = "is being sent"
    else:
        tries = formatting.count(row["attempts"], "attempt")
        state = (
            f"waits after {tries}: {row['error']}; the next is at {formatting.cell(row['due_at'])}"
        )
    return {**row, "state": state}


@alerts.command("send")
@json_option
@pass_session
def send_command(session: Session, as_json: bool) -> None:
    """Send what is due now; what failed before is tried at once."""
    from overnight.alerts import Alerts
    from overnight.alerts.extension import delivery

    app = session.needed_app()
    settings = app.extension(Alerts)
    if not settings.channels:
        raise UserError(NO_CHANNEL)
    _tell_sent(session.run(lambda database: delivery(app, settings, database).flush()), as_json)


@alerts.command("again")
@click.argument("channel")
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def again_command(session: Session, channel: str, reason: str, as_json: bool) -> None:
    """Let a worker send now what CHANNEL did not take."""
    from overnight.cli.commands.common import perform

    perform(session, "send-again", as_json, channel=channel, reason=reason)


@alerts.command("test")
@click.argument("channel", required=False)
@json_option
@pass_session
def test_command(session: Session, channel: str | None, as_json: bool) -> None:
    """Send one test message to CHANNEL, or to each of them.

    The heartbeat is called, too; “heartbeat” is its name.
    """
    from overnight.alerts import Alerts, delivery, monitor
    from overnight.alerts.message import Message

    app = session.needed_app()
    settings = app.extension(Alerts)
    channels, heartbeat = settings.channels, settings.heartbeat
    names = [*(each.name for each in channels), *([HEARTBEAT] if heartbeat else [])]
    if channel is not None and channel not in names:
        raise NotFound(
            f"there is no channel “{channel}”; the app has: {', '.join(names) or 'none'}"
        )
    if not names:
        raise UserError(NO_CHANNEL)
    message = Message(
        f"{app.name}: a test message", report="If you can read this, alerts reach you here."
    )
    results = delivery.send_now(
        [each for each in channels if channel in (None, each.name)], message
    )
    if heartbeat is not None and channel in (None, HEARTBEAT):
        results.append(monitor.call_now(heartbeat, f"{app.name}: a test call"))
    _tell_sent(results, as_json)


def send_now(app: App, message: Message, *, as_json: bool) -> None:
    """Send a message at once to all channels, and say what came of it."""
    from overnight.alerts import Alerts, delivery

    channels = app.extension(Alerts).channels
    if not channels:
        raise UserError(NO_CHANNEL)
    _tell_sent(delivery.send_now(channels, message), as_json)


def _tell_sent(results: list[Sent], as_json: bool) -> None:
    def render() -> None:
        for each in results:
            result = f"was not taken: {each.error}" if each.error else "was taken"
            output.echo(f"{each.channel}: “{each.title}” {result}")
        if not results:
            output.echo("nothing is due")

    rows = [{"channel": each.channel, "title": each.title, "error": each.error} for each in results]
    tell(as_json, {"sent": rows}, render)
    if any(each.error for each in results):
        raise click.exceptions.Exit(1)
