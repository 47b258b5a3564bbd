"""Search as the console does: what the app has, keys, and jobs by their ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from overnight.console.extension import Console
    from overnight.store.database import Database


def find_command(own: Callable[[], Console] | None) -> click.Command:
    """`find`, with what the app adds to the search."""

    @click.command("find")
    @click.argument("text")
    @json_option
    @pass_session
    def find(session: Session, text: str, as_json: bool) -> None:
        """Find what the app has by its words, keys, and jobs by their ids."""
        from dataclasses import asdict

        from overnight.console.extension import Console, Context
        from overnight.console.search import search

        app = session.needed_app()
        added = own() if own else Console()

        async def work(database: Database) -> list[dict[str, Any]]:
            return [asdict(each) for each in await search(Context(app, database, added), text)]

        rows = session.run(work)
        columns = {"kind": "kind", "line": "about", "path": "page", "title": "title"}
        tell(
            as_json,
            {"found": rows},
            lambda: output.table("", rows, columns, empty=f"Nothing is called “{text}”."),
        )

    return find
