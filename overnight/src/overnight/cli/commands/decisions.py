"""What waits for a person, and what the person decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight.cli import output
from overnight.cli.commands.common import called, given_json, named, perform, with_title
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.store.database import Database

SHORT = 8  # digits of a revision that people copy

revision_option = click.option(
    "--rev",
    "--seen",
    "revision",
    metavar="REVISION",
    help="The revision that you reviewed, at least its first 8 digits; review JOB shows it.",
)


@click.command()
@click.argument("job", required=False)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
def review(session: Session, job: str | None, limit: int, as_json: bool) -> None:
    """What waits for a person; with JOB, the item and its revision."""
    from overnight.operations import queries, runs
    from overnight.titles import with_titles

    async def work(database: Database) -> list[dict[str, Any]]:
        whole = await runs.find_job(database, job) if job else None
        rows = await queries.review(database, whole, limit)
        return await with_titles(session.app(), database, rows)

    rows = session.run(work)
    if job and not rows:
        raise UserError(f"nothing of job {job} waits for review")
    tell(as_json, {"review": rows}, lambda: render_review(session, rows, whole=bool(job)))


def render_review(
    session: Session, rows: list[dict[str, Any]], *, whole: bool, own: str = ""
) -> None:
    """The rows; of a whole job the first one with what to press, and what the app adds to that."""
    columns = {
        "job_id": "job",
        "work": "step",
        "key": "for",
        "since": "since (UTC)",
        "revision": "revision",
        "reasons": "why",
    }
    lines = [
        {
            **row,
            "revision": row["revision"][:SHORT],
            "reasons": with_title(row, row["reasons"]),
        }
        for row in named(rows)
    ]
    output.table("", lines, columns, empty="Nothing waits for review.", spare=("since", "key"))
    if whole:
        from overnight.operations.decisions import Reviews

        app, first = session.app(), rows[0]
        preview = app.extension(Reviews).preview if app else None
        output.echo(
            "\n" + (preview(first["output"]) if preview and first["output"] else first["shown"])
        )
        output.echo(f"\n{what_to_press(first['job_id'], first['revision'][:SHORT], own)}")
    elif rows:
        output.echo("\nreview JOB shows it, with its revision and the commands to decide")


def what_to_press(job: str, revision: str, own: str = "") -> str:
    """The commands to copy, bound to what is shown above them; `own` is the name of one that the
    app adds.
    """
    program = called()
    added = f"{program} {own} {job} --rev {revision} --reason …\n" if own else ""
    return (
        f"{program} approve {job} --rev {revision}\n"
        f"{added}"
        f"{program} reject {job} --rev {revision} --reason …\n"
        f"{program} edit {job} --rev {revision} --input @FILE\n\n"
        "An edit gives the step another input, and is checked again; review JOB --json has "
        "the present one."
    )


@click.command()
@click.argument("job")
@revision_option
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def approve(session: Session, job: str, revision: str | None, reason: str, as_json: bool) -> None:
    """Let what was reviewed go on, exactly as you saw it."""
    perform(session, "approve", as_json, job=job, revision=_reviewed(job, revision), reason=reason)


@click.command()
@click.argument("job")
@revision_option
@click.option("--reason", required=True, help="Why; saved in the audit log.")
@json_option
@pass_session
def reject(session: Session, job: str, revision: str | None, reason: str, as_json: bool) -> None:
    """End what was reviewed; the reason is saved."""
    perform(session, "reject", as_json, job=job, revision=_reviewed(job, revision), reason=reason)


@click.command()
@click.argument("job")
@click.option("--input", "text", required=True, metavar="JSON|@FILE", help="The step's new input.")
@revision_option
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def edit(
    session: Session, job: str, text: str, revision: str | None, reason: str, as_json: bool
) -> None:
    """Give a step another input, with which it runs again.

    A step that has not begun or put itself off, or is a dead letter; with --rev one that waits for
    review.
    """
    name = "edit" if revision is None else "edit-review"
    perform(
        session, name, as_json, job=job, input=given_json(text), revision=revision, reason=reason
    )


def _reviewed(job: str, revision: str | None) -> str:
    if revision is None:
        raise UserError(
            f"look at it first: review {job} shows it and its revision; then say --rev REVISION"
        )
    return revision
