"""What research found, and what was decided on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.store.database import Database


@click.command("topics")
@click.option("--site", help="Those of this site alone.")
@click.option(
    "--days", default=7, show_default=True, type=click.IntRange(1, 3_650), help="How far back."
)
@json_option
@pass_session
def topics_command(session: Session, site: str | None, days: int, as_json: bool) -> None:
    """What was found, with its factors, and what was decided on it."""

    async def read(database: Database) -> list[dict[str, Any]]:
        from contentstudio.store.topics import Topics

        names = session.needed_app().keys() or []
        if site is not None and site not in names:
            raise UserError(f"there is no site “{site}”; there are: {', '.join(names)}")
        return await Topics(database).choices(site, days)

    rows = session.run(read)
    tell(as_json, {"topics": rows}, lambda: _render(rows, days))


def _render(rows: list[dict[str, Any]], days: int) -> None:
    columns = {
        "site": "site",
        "decision": "decision",
        "pages": "pages",
        "score": "score",
        "title": "topic",
    }
    lines = [{**row, "pages": str(row["pages"]), "title": _with_reason(row)} for row in rows]
    empty = f"Nothing was found in the last {formatting.count(days, 'day')}."
    output.table("", lines, columns, empty=empty, spare=("pages", "site"))


def _with_reason(row: dict[str, Any]) -> str:
    """A topic, and beneath it why it was decided so."""
    factors = ", ".join(f"{name} {value:.2f}" for name, value in sorted(row["factors"].items()))
    return f"{row['title']}\n↳ {row['reason']}\n  {factors}"


COMMANDS = (topics_command,)
