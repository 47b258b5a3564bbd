"""What is going on, and all about a job."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.commands.common import named, shortened
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.pipelines.app import App
    from overnight.store.database import Database


@click.command()
@json_option
@pass_session
def status(session: Session, as_json: bool) -> None:
    """What is going on: what ran, what waits, what is paused."""
    from overnight.operations import queries, scopes

    data = session.run(lambda database: queries.status(database, session.app()))
    for row in data["switched_off"]:
        row["scope"] = scopes.text(row["scope"], session.app())
    for row in data["budgets"]:
        row["scope"] = scopes.text(row["scope"], session.app())
    tell(as_json, data, lambda: _render_status(data))


def _render_status(data: dict[str, Any]) -> None:
    now, totals = data["now"], data["totals"]
    calls = formatting.count(totals["llm_calls"], "model call")
    day = (
        ", ".join(f"{count} {name}" for name, count in sorted(data["last_24_hours"].items()))
        or "nothing ran"
    )
    holds = {"held": "a pause", "held_by_breaker": "a breaker", "held_by_limit": "a limit"}
    holding = "".join(f", {now[name]} held by {what}" for name, what in holds.items() if now[name])
    more = " of the first in line, and there are more" if now["more"] else ""
    waiting = f"{now['due']} due{holding}, {now['waiting']} later{more}, {now['running']} running"
    if now["oldest_due_seconds"]:
        waiting += f"; the oldest is due since {formatting.duration(now['oldest_due_seconds'])}"
    person = f"{now['needs_review']} to review, {formatting.count(now['dead'], 'failed job')}"
    off = ", ".join(f"{row['scope']} ({row['reason']})" for row in data["switched_off"]) or "none"
    parked = [f"{row['count']} of {row['step']} {row['key']}".strip() for row in data["parked"]]
    broken = [f"{row['name']} is {row['state']} ({row['error']})" for row in data["breakers"]]
    spent = [_spent(row) for row in data["budgets"]]
    advised = [
        f"{r['pipeline']} {r['cron']} finds nothing too often"
        for r in data["schedules"]
        if r["advice"]
    ]
    deaf = [f"{row['channel']} takes no messages ({row['error']})" for row in data["channels"]]
    overdue = [
        f"{r['pipeline']} since {formatting.cell(r['overdue'])} UTC"
        for r in data["schedules"]
        if r["overdue"]
    ]
    slots = [
        f"{row['pipeline']} at {formatting.cell(row['next'])} UTC" for row in data["schedules"]
    ]
    output.lines(
        [
            ("last 24 hours", day),
            ("now", waiting),
            ("needs you", person),
            (
                "workers",
                ", ".join(f"{row['host']} (pid {row['pid']})" for row in data["workers"])
                or "none is running",
            ),
            ("paused", off),
            *([("breakers", ", ".join(broken))] if broken else []),
            *([("budgets", ", ".join(spent))] if spent else []),
            *(
                [("parked", f"{', '.join(parked)}: unknown to this app, so they wait")]
                if parked
                else []
            ),
            *([("alerts", ", ".join(deaf))] if deaf else []),
            *([("overdue", f"{', '.join(overdue)}: does a worker run?")] if overdue else []),
            ("next", ", ".join(slots) or "no schedule"),
            *([("advice", f"{', '.join(advised)}: see schedules")] if advised else []),
            ("cost, 24 hours", f"{formatting.dollars(totals['cost_usd'])} for {calls}"),
        ]
    )


def _spent(budget: dict[str, Any]) -> str:
    """What of a budget is spent, and what calls under way reserve, apart."""
    spent, limit = (
        formatting.dollars(budget["spent_usd"]),
        formatting.dollars(budget["usd_per_day"]),
    )
    reserved = (
        f" ({formatting.dollars(budget['reserved_usd'])} more reserved)"
        if budget["reserved_usd"]
        else ""
    )
    return f"{budget['scope']} {spent} of {limit} a day spent{reserved}"


def runs_command(key_name: str) -> click.Command:
    """`runs`, with the app's word for a key."""

    @click.command("runs")
    @click.option("--status", help="Only runs of this status.")
    @click.option("--pipeline", help="Only runs of this pipeline.")
    @click.option(f"--{key_name}", "key", help=f"Only runs of this {key_name}.")
    @click.option(
        "--limit",
        default=30,
        show_default=True,
        type=click.IntRange(1, 10_000),
        help="How many rows.",
    )
    @json_option
    @pass_session
    def runs(
        session: Session,
        status: str | None,
        pipeline: str | None,
        key: str | None,
        limit: int,
        as_json: bool,
    ) -> None:
        """The newest runs, one row per step of a job."""
        from overnight.operations import queries, scopes
        from overnight.store.records import Status

        if status is not None and status not in list(Status):
            raise UserError(f"“{status}” is no status; there are: {', '.join(Status)}")

        async def work(database: Database) -> list[dict[str, Any]]:
            await scopes.check_key(session.app(), database, key)
            return await queries.runs(
                database, status=status, pipeline=pipeline, key=key, limit=limit
            )

        rows = session.run(work)
        columns = {
            "job_id": "job",
            "work": "step",
            "status": "status",
            "key": key_name,
            "started_at": "started (UTC)",
            "attempt": "attempts",
            "cost_usd": "cost",
            "error": "why",
        }
        spare = ("cost_usd", "attempt", "started_at", "key")
        empty = "No run matches."
        tell(
            as_json,
            {"runs": rows},
            lambda: output.table("", named(rows), columns, empty=empty, spare=spare),
        )

    return runs


@click.command("show")
@click.argument("job")
@json_option
@pass_session
def show_job(session: Session, job: str, as_json: bool) -> None:
    """All about a job, and the next command; first digits suffice."""
    from overnight.operations import queries, scopes
    from overnight.operations import runs as jobs

    app = session.app()

    async def work(
        database: Database,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
        whole = await jobs.find_job(database, job)
        return (
            await queries.job(database, whole),
            await queries.actions(database, whole),
            await queries.breakers(database),
        )

    steps, actions, breakers = session.run(work)
    open_breakers = {row["name"] for row in breakers if row["state"] != "closed"}
    for step in steps:
        step["held_by"] = step["held_by"] and scopes.text(step["held_by"], app)
        breaker = _breaker(app, step)
        step["open_breaker"] = breaker if breaker in open_breakers else None
    data = {"job_id": steps[0]["job_id"], "steps": steps, "actions": actions}
    tell(as_json, data, lambda: _render_job(steps, actions))


def _breaker(app: App | None, step: dict[str, Any]) -> str | None:
    """The name of the breaker behind a step, where the app is known and gives it one."""
    pipeline = app.pipelines.get(step["pipeline"]) if app else None
    definition = pipeline.steps.get(step["step"]) if pipeline else None
    return (
        definition.breaker.replace("{key}", step["key"])
        if definition and definition.breaker
        else None
    )


def _render_job(steps: list[dict[str, Any]], actions: list[dict[str, Any]]) -> None:
    first = steps[0]
    key = f" for {first['key']}" if first["key"] else ""
    click.echo(f"job {first['job_id']}: {first['pipeline'] or 'plain SQL'}{key}\n")
    columns = {
        "step": "step",
        "status": "status",
        "attempt": "attempts",
        "started_at": "started (UTC)",
        "finished_at": "ended (UTC)",
        "cost_usd": "cost",
        "error": "why",
    }
    output.table(
        "", steps, columns, empty="", spare=("finished_at", "cost_usd", "attempt", "started_at")
    )
    for step in steps:
        columns = {
            "attempt": "attempt",
            "outcome": "outcome",
            "finished_at": "when (UTC)",
            "error": "error",
        }
        if step["attempts"]:
            history = [
                {**a, "finished_at": datetime.fromisoformat(a["finished_at"])}
                for a in step["attempts"]
            ]
            click.echo("")
            output.table(
                f"attempts of {step['step']}", history, columns, empty="", spare=("finished_at",)
            )
        _render_outside(step)
        for name in ("input", "output"):
            if step[name] is not None:
                click.echo(f"\n{name} of {step['step']}: {shortened(step[name])}")
    if actions:
        columns = {"at": "when (UTC)", "by": "who", "verb": "what", "step": "step", "reason": "why"}
        click.echo("")
        output.table("audit log", actions, columns, empty="", spare=("step", "at"))
    advice = [line for step in steps if (line := _next_command(step))]
    if advice:
        click.echo("\n" + "\n".join(advice))


def _render_outside(step: dict[str, Any]) -> None:
    """What a step wrote outside, and which models it asked."""
    if step["effects"]:
        columns = {"name": "write", "status": "status", "attempt": "attempt", "result": "outcome"}
        click.echo("")
        output.table(
            f"writes of {step['step']}", step["effects"], columns, empty="", spare=("attempt",)
        )
    if step["llm_calls"]:
        columns = {
            "model": "model",
            "status": "status",
            "attempt": "attempt",
            "cost_usd": "cost",
            "error": "error",
        }
        calls = [
            {**call, "cost_usd": formatting.dollars(call["cost_usd"])} for call in step["llm_calls"]
        ]
        click.echo("")
        output.table(f"model calls of {step['step']}", calls, columns, empty="", spare=("attempt",))


def _next_command(step: dict[str, Any]) -> str:
    job = step["job_id"]
    if step["status"] == "dead":
        return f"next: replay {job} (--input @FILE after an edit), or discard {job} --reason …"
    if step["status"] == "needs_review":
        return f"next: review {job}, which shows it, its revision and the commands to decide"
    if step["status"] != "queued":
        return ""
    if step["held_by"]:
        return (
            f"{step['step']} waits because “{step['held_by']}” is paused; next: resume "
            f"{step['held_by']}"
        )
    if step["open_breaker"]:
        return (
            f"{step['step']} waits behind the breaker “{step['open_breaker']}”: breakers shows it"
        )
    return f"{step['step']} is due at {formatting.cell(step['due_at'])} UTC"
