"""Dead letters: look at them, and start them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight import show
from overnight.commandline import Session, json_option, pass_session, tell
from overnight.commands.common import named, shortened
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.database import Database


@click.command()
@click.argument("job", required=False)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows.")
@json_option
@pass_session
def dead(session: Session, job: str | None, limit: int, as_json: bool) -> None:
    """Dead letters with their input, last error and every attempt."""
    from overnight import control, report

    async def work(database: Database) -> list[dict[str, Any]]:
        whole = await control.find_job(database, job) if job else None
        return await report.dead(database, whole, limit)

    rows = session.run(work)
    columns = {
        "job_id": "job",
        "work": "step",
        "key": "for",
        "died_at": "died (UTC)",
        "failures": "tries",
        "error": "last error",
    }

    def render() -> None:
        spare = ("failures", "died_at", "key")
        show.table("", named(rows), columns, empty="No dead letters.", spare=spare)
        for row in rows if job else []:
            click.echo(f"\ninput: {shortened(row['input'])}")
        if rows:
            click.echo("\nreplay JOB starts one again, replay --all all of them, show JOB tells everything")

    tell(as_json, {"dead": rows}, render)


@click.command()
@click.argument("job", required=False)
@click.option("--all", "everything", is_flag=True, help="Every dead letter.")
@json_option
@pass_session
def replay(session: Session, job: str | None, everything: bool, as_json: bool) -> None:
    """Start a dead letter again, with a fresh count of retries."""
    from overnight import control

    if bool(job) == everything:
        raise UserError("name one job, or say --all")

    async def work(database: Database) -> list[dict[str, Any]]:
        return await control.replay(database, await control.find_job(database, job) if job else None)

    rows = session.run(work)
    tell(as_json, {"replayed": rows}, lambda: click.echo(f"{show.count(len(rows), 'run')} queued again"))
