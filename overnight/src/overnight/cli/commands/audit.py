"""The audit log: who did what, to what, when and why."""

from __future__ import annotations

import click

from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell


@click.command()
@click.argument("target", required=False)
@click.option("--by", metavar="WHO", help="Only what WHO did.")
@click.option("--action", "verb", metavar="NAME", help="Only this action, such as approve.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
def audit(
    session: Session,
    target: str | None,
    by: str | None,
    verb: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Who did what, when and why, the newest first.

    With TARGET only what was done to it: a job, by its first digits too, or a scope.
    """
    from overnight.operations import queries, scopes

    app = session.app()
    stored = None if target is None else scopes.stored(target, app)
    rows = session.run(
        lambda database: queries.audit(database, by=by, verb=verb, target=stored, limit=limit)
    )
    for row in rows:
        row["target"] = scopes.text(row["target"], app)
    columns = {
        "at": "when (UTC)",
        "by": "by",
        "verb": "action",
        "target": "what",
        "step": "step",
        "reason": "why",
    }
    tell(
        as_json,
        {"actions": rows},
        lambda: output.table(
            "", rows, columns, empty="Nobody did anything that matches.", spare=("step",)
        ),
    )
