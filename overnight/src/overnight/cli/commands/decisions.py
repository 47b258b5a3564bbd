"""What waits for a person, and what the person decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.commands.common import called, given_json, named
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.operations.decisions import Decision
    from overnight.store.database import Database

SHORT = 8  # digits of a seal that people copy

seen_option = click.option(
    "--seen",
    metavar="SEAL",
    help="The seal of what you saw, at least its first 8 digits; review JOB shows both.",
)


@click.command()
@click.argument("job", required=False)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
def review(session: Session, job: str | None, limit: int, as_json: bool) -> None:
    """What waits for a person; with JOB, the thing and its seal."""
    from overnight.observability import report
    from overnight.operations import control

    async def work(database: Database) -> list[dict[str, Any]]:
        whole = await control.find_job(database, job) if job else None
        return await report.review(database, whole, limit)

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
        "seal": "seal",
        "reasons": "why",
    }
    shown = [{**row, "seal": row["seen"][:SHORT]} for row in named(rows)]
    output.table("", shown, columns, empty="Nothing waits for review.", spare=("since", "key"))
    if whole:
        from overnight.operations.decisions import Reviews

        app, first = session.app(), rows[0]
        preview = app.extension(Reviews).preview if app else None
        click.echo(
            "\n" + (preview(first["output"]) if preview and first["output"] else first["shown"])
        )
        click.echo(f"\n{what_to_press(first['job_id'], first['seen'][:SHORT], own)}")
    elif rows:
        click.echo("\nreview JOB shows it, with its seal and what to press")


def what_to_press(job: str, seal: str, own: str = "") -> str:
    """The commands to copy, bound to what is shown above them; `own` is the name of one that the
    app adds.
    """
    program = called()
    added = f"{program} {own} {job} --seen {seal} --reason …\n" if own else ""
    return (
        f"{program} approve {job} --seen {seal}\n"
        f"{added}"
        f"{program} reject {job} --seen {seal} --reason …\n"
        f"{program} edit {job} --seen {seal} --input @FILE\n\n"
        "An edit gives the step another input, and is judged anew; review JOB --json has "
        "the present one."
    )


@click.command()
@click.argument("job")
@seen_option
@click.option("--reason", default="", help="Why; kept with the run.")
@json_option
@pass_session
def approve(session: Session, job: str, seen: str | None, reason: str, as_json: bool) -> None:
    """Let what was reviewed go on, exactly as you saw it."""
    from overnight.operations.decisions import Approve

    row = _decide(session, job, Approve(_looked(job, seen), reason))
    tell(
        as_json,
        {"approved": row},
        lambda: click.echo(f"approved: job {row['job_id']} goes on after {row['step']}"),
    )


@click.command()
@click.argument("job")
@seen_option
@click.option("--reason", required=True, help="Why; kept with the run.")
@json_option
@pass_session
def reject(session: Session, job: str, seen: str | None, reason: str, as_json: bool) -> None:
    """End what was reviewed; the reason is kept."""
    from overnight.operations.decisions import Reject

    row = _decide(session, job, Reject(_looked(job, seen), reason))
    tell(
        as_json,
        {"rejected": row},
        lambda: click.echo(f"rejected: job {row['job_id']} ends at {row['step']}"),
    )


@click.command()
@click.argument("job")
@click.option("--input", "text", required=True, metavar="JSON|@FILE", help="The step's new input.")
@seen_option
@click.option("--reason", default="", help="Why; kept with the deed.")
@json_option
@pass_session
def edit(
    session: Session, job: str, text: str, seen: str | None, reason: str, as_json: bool
) -> None:
    """Give a step another input, with which it is judged anew.

    A step that has not begun or put itself off, or is a dead letter; with --seen one that waits for
    review.
    """
    from overnight.operations import control
    from overnight.operations.decisions import Edit

    app, input = session.needed_app(), given_json(text)

    async def work(database: Database) -> dict[str, Any]:
        return await control.edit(
            app, database, await control.find_job(database, job), input, reason=reason
        )

    row = session.run(work) if seen is None else _decide(session, job, Edit(seen, input, reason))
    said = (
        f"edited: {row['step']} of job {row['job_id']} is due at "
        f"{formatting.cell(row['due_at'])} UTC"
    )
    tell(as_json, {"edited": row}, lambda: click.echo(said))


def _looked(job: str, seen: str | None) -> str:
    if seen is None:
        raise UserError(
            f"look at it first: review {job} shows it and its seal; then say --seen SEAL"
        )
    return seen


def _decide(session: Session, job: str, decision: Decision) -> dict[str, Any]:
    from overnight.operations import control

    app = session.needed_app()

    async def work(database: Database) -> dict[str, Any]:
        return await control.decide(app, database, await control.find_job(database, job), decision)

    return session.run(work)
