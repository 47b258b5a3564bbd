"""Schedules: last and next slot, missed slots, and which should be events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell


@click.command()
@json_option
@pass_session
def schedules(session: Session, as_json: bool) -> None:
    """Each schedule's last and next slot, and those it missed."""
    from overnight.operations import queries

    app = session.app()
    rows = session.run(lambda database: queries.schedules(database, app))
    tell(as_json, {"schedules": rows}, lambda: _render(rows))


def _render(rows: list[dict[str, Any]]) -> None:
    columns = {
        "pipeline": "pipeline",
        "cron": "cron",
        "timezone": "zone",
        "slot": "last (UTC)",
        "status": "it was",
        **({"overdue": "overdue since (UTC)"} if any(row["overdue"] for row in rows) else {}),
        "next": "next (UTC)",
        "next_local": "in its zone",
        "missed": "missed in 7 days",
        "found": "found nothing",
    }
    spare = ("next_local", "slot", "timezone", "missed")
    output.table(
        "", [_readable(row) for row in rows], columns, empty="There is no schedule.", spare=spare
    )
    for row in rows:
        name = f"{row['pipeline']} {row['cron']} {row['timezone']}"
        if row["overdue"]:
            output.echo(
                f"\n{name} is overdue since {_minute(row['overdue'])} UTC: does a worker "
                f"of {row['app']} run?"
            )
        if row["advice"]:
            output.echo(f"\n{name} {row['advice']}")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "slot": _minute(row["slot"]) if row["slot"] else "never",
        "overdue": row["overdue"] and _minute(row["overdue"]),
        "next": _minute(row["next"]),
        "next_local": f"{datetime.fromisoformat(row['next_local']):%a %H:%M}",
        "found": f"{row['nothing']} of {row['ended']}" if row["ended"] else "",
    }


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
