"""What waits for a person, and what the person decides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from overnight import show
from overnight.commandline import Session, json_option, pass_session, tell
from overnight.commands.common import named
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.database import Database


@click.command()
@click.argument("job", required=False)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows.")
@json_option
@pass_session
def review(session: Session, job: str | None, limit: int, as_json: bool) -> None:
    """What waits for a person, and why; with JOB, the thing itself."""
    from overnight import control, report

    async def work(database: Database) -> list[dict[str, Any]]:
        whole = await control.find_job(database, job) if job else None
        return await report.review(database, whole, limit)

    rows = session.run(work)
    if job and not rows:
        raise UserError(f"nothing of job {job} waits for review")
    tell(as_json, {"review": rows}, lambda: _render_review(session, rows, whole=bool(job)))


def _render_review(session: Session, rows: list[dict[str, Any]], *, whole: bool) -> None:
    columns = {"job_id": "job", "work": "step", "key": "for", "since": "since (UTC)", "reasons": "why"}
    show.table("", named(rows), columns, empty="Nothing waits for review.", spare=("since", "key"))
    app = session.app()
    if whole:
        output = rows[0]["output"]
        click.echo("\n" + (app.preview(output) if app and app.preview else json.dumps(output, indent=2)))
    if rows:
        click.echo("\nreview JOB shows it, approve JOB lets it go on as it stands, reject JOB --reason … ends it")


@click.command()
@click.argument("job")
@click.option("--reason", default="", help="Why; kept with the run.")
@json_option
@pass_session
def approve(session: Session, job: str, reason: str, as_json: bool) -> None:
    """Let what was reviewed go on, exactly as it stands."""
    from overnight import control

    app = session.needed_app()

    async def work(database: Database) -> dict[str, Any]:
        return await control.approve(app, database, await control.find_job(database, job), reason)

    row = session.run(work)
    tell(as_json, {"approved": row}, lambda: click.echo(f"approved: job {row['job_id']} goes on after {row['step']}"))


def _ending_command(verb: str, done: str, doc: str) -> click.Command:
    @click.command(verb, help=doc)
    @click.argument("job")
    @click.option("--reason", required=True, help="Why; kept with the run.")
    @json_option
    @pass_session
    def end(session: Session, job: str, reason: str, as_json: bool) -> None:
        from overnight import control

        async def work(database: Database) -> dict[str, Any]:
            function = getattr(control, verb)
            row: dict[str, Any] = await function(database, await control.find_job(database, job), reason)
            return row

        row = session.run(work)
        tell(as_json, {done: row}, lambda: click.echo(f"{done}: job {row['job_id']} ends at {row['step']}"))

    return end


reject = _ending_command("reject", "rejected", "End what was reviewed; the reason is kept.")
cancel = _ending_command("cancel", "cancelled", "End a queued run or a dead letter; the reason is kept.")
