"""External writes: intended, done, or with an unknown outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from overnight.store.database import Database


@click.command()
@click.argument("job", required=False)
@click.option("--open", "open_only", is_flag=True, help="Only those whose outcome is unknown.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
def effects(session: Session, job: str | None, open_only: bool, limit: int, as_json: bool) -> None:
    """External writes; those whose outcome is unknown first."""
    from overnight.operations import queries, runs

    async def work(database: Database) -> list[dict[str, Any]]:
        whole = await runs.find_job(database, job) if job else None
        return await queries.effects(database, whole, open_only=open_only, limit=limit)

    rows = session.run(work)
    columns = {
        "job_id": "job",
        "step": "step",
        "name": "write",
        "status": "status",
        "intended_at": "begun (UTC)",
        "done_at": "done (UTC)",
        "result": "outcome",
    }
    spare = ("intended_at", "done_at", "step")
    tell(
        as_json,
        {"effects": rows},
        lambda: output.table("", rows, columns, empty="No external write.", spare=spare),
    )
