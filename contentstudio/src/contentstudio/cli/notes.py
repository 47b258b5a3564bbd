"""What the research of an article found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from overnight.store.database import Database


@click.command("notes")
@click.argument("job")
@json_option
@pass_session
def notes_command(session: Session, job: str, as_json: bool) -> None:
    """The facts that research found for an article.

    Beside each stand its passage, its source with the date, the hosts that say it, and the notes
    that say otherwise; below them the pages that could not be read.
    """

    async def read(database: Database) -> dict[str, list[dict[str, Any]]]:
        from contentstudio.store.notes import Notes
        from contentstudio.store.pages import Pages
        from overnight.operations import runs

        job_id = await runs.find_job(database, job)
        unread = await Pages(database).unread(job_id)
        return {"notes": await Notes(database).of_job(job_id), "unread": unread}

    rows = session.run(read)
    tell(as_json, rows, lambda: _render(rows["notes"], rows["unread"]))


def _render(notes: list[dict[str, Any]], unread: list[dict[str, Any]]) -> None:
    columns = {"id": "note", "text": "fact"}
    rows = [{**note, "text": _with_source(note)} for note in notes]
    output.table("", rows, columns, empty="No note was kept for this job.")
    for page in unread:
        output.echo(f"not read: {page['url']}: {page['fault']}")


def _with_source(note: dict[str, Any]) -> str:
    """A note, and beneath it its passage, where that stands, and who else says so or otherwise."""
    span = f"“{' '.join(note['span'].split())}”"
    is_quote = span == f"“{note['text']}”"
    lines = [span] if is_quote else [note["text"], f"↳ {span}"]
    lines.append(f"  {_source(note)}")
    if (others := len(note["hosts"]) - 1) > 0:
        lines.append(f"  {formatting.count(others, 'other host')}: {', '.join(note['hosts'][1:])}")
    if note["contradicts"]:
        lines.append(f"  contradicts {', '.join(note['contradicts'])}")
    return "\n".join(lines)


def _source(note: dict[str, Any]) -> str:
    date = f"of {note['published_at']:%Y-%m-%d}" if note["published_at"] else "without a date"
    return ", ".join(filter(None, (note["author"], date, note["url"])))


COMMANDS = (notes_command,)
