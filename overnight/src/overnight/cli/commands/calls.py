"""Calls of models: which there were, and what each was asked and answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.commands.common import named
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from overnight.store.database import Database

MAX_ID = 2**63 - 1


@click.command()
@click.argument("job", required=False)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
def calls(session: Session, job: str | None, limit: int, as_json: bool) -> None:
    """Calls of models, the newest first; `prompt CALL` shows one whole."""
    from overnight.operations import queries, runs

    async def work(database: Database) -> list[dict[str, Any]]:
        whole = await runs.find_job(database, job) if job else None
        return await queries.calls(database, whole, limit=limit)

    rows = session.run(work)
    columns = {
        "id": "call",
        "job_id": "job",
        "step": "step",
        "model": "model",
        "status": "status",
        "input_tokens": "tokens in",
        "output_tokens": "out",
        "started_at": "when (UTC)",
        "cost_usd": "cost",
        "error": "error",
    }
    spare = ("started_at", "output_tokens", "input_tokens", "model", "step")
    tell(
        as_json,
        {"calls": rows},
        lambda: output.table("", rows, columns, empty="No call of a model.", spare=spare),
    )


@click.command()
@click.argument("call", type=click.IntRange(1, MAX_ID))
@json_option
@pass_session
def prompt(session: Session, call: int, as_json: bool) -> None:
    """What a model was asked in a call, and what it answered.

    Both are kept as long as the payloads of the job.
    """
    from overnight.operations import queries

    row = session.run(lambda database: queries.call(database, call))
    tell(as_json, row, lambda: _render(named([row])[0]))


def _render(call: dict[str, Any]) -> None:
    tokens = f"{call['input_tokens']:,} tokens in, {call['output_tokens']:,} out"
    paid_by = f", answered by call {call['paid_by']}" if call["paid_by"] else ""
    options = {name: value for name, value in (call["options"] or {}).items() if value is not None}
    output.lines(
        [
            ("call", f"{call['id']}, attempt {call['attempt']} of {call['work']}"),
            ("job", call["job_id"]),
            ("model", f"{call['provider']}/{call['model']}"),
            ("status", f"{call['status']}{paid_by}"),
            ("cost", f"{formatting.dollars(call['cost_usd'])} for {tokens}"),
            *([("error", call["error"])] if call["error"] else []),
            *((name, formatting.cell(value)) for name, value in options.items()),
        ]
    )
    texts = call["texts"] or {"prompt": "It is not kept."}
    for name, text in {**texts, "answer": call["answer"] or "None is kept."}.items():
        output.echo(f"\n--- {name}\n{text}")
