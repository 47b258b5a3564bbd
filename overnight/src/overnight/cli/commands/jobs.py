"""What is going on, and all about a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.commands.common import named, shortened
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.store.database import Database

F = TypeVar("F", bound=Callable[..., Any])


@click.command()
@json_option
@pass_session
def status(session: Session, as_json: bool) -> None:
    """What is going on: what ran, what waits, what hinders the work."""
    from overnight.operations import incidents, queries, scopes

    async def work(database: Database) -> dict[str, Any]:
        data = await queries.status(database, session.app())
        hinders = await incidents.of(data, database, session.app())
        return {**data, "incidents": [asdict(each) for each in hinders]}

    data = session.run(work)
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
    spent = [_spent(row) for row in data["budgets"]]
    advised = [
        f"{r['pipeline']} {r['cron']} finds nothing too often"
        for r in data["schedules"]
        if r["advice"]
    ]
    hinders = [("incident", _incident(each)) for each in data["incidents"]]
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
            *hinders,
            *([("budgets", ", ".join(spent))] if spent else []),
            ("next", ", ".join(slots) or "no schedule"),
            *([("advice", f"{', '.join(advised)}: see schedules")] if advised else []),
            ("cost, 24 hours", f"{formatting.dollars(totals['cost_usd'])} for {calls}"),
        ]
    )


def _incident(row: dict[str, Any]) -> str:
    """What it is, whether it heals by itself, and what to type."""
    return f"{row['what']}. {row['text']} {row['heals']} Next: {row['command']}"


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


def _filter_options(key_name: str) -> Callable[[F], F]:
    """The options that say which jobs or runs."""

    def add(command: F) -> F:
        for option in (
            click.option(
                "--limit",
                default=30,
                show_default=True,
                type=click.IntRange(1, 10_000),
                help="How many rows.",
            ),
            click.option(f"--{key_name}", "key", help=f"Only those of this {key_name}."),
            click.option("--pipeline", help="Only those of this pipeline."),
            click.option("--status", help="Only those of this status."),
        ):
            command = option(command)
        return command

    return add


def _listed(session: Session, *, by_job: bool, **filters: Any) -> list[dict[str, Any]]:
    """The jobs or runs that match, jobs with their titles. Raises `UserError`."""
    from overnight.operations import queries, scopes
    from overnight.store.records import Status
    from overnight.titles import with_titles

    if filters["status"] is not None and filters["status"] not in list(Status):
        raise UserError(f"“{filters['status']}” is no status; there are: {', '.join(Status)}")

    async def work(database: Database) -> list[dict[str, Any]]:
        await scopes.check_key(session.app(), database, filters["key"])
        if not by_job:
            return await queries.runs(database, **filters)
        return await with_titles(session.app(), database, await queries.jobs(database, **filters))

    return session.run(work)


def jobs_command(key_name: str) -> click.Command:
    """`jobs`, with the app's word for a key."""

    @click.command("jobs")
    @_filter_options(key_name)
    @json_option
    @pass_session
    def jobs(session: Session, /, as_json: bool, **filters: Any) -> None:
        """The newest jobs, one row each: where it stands, and what it took."""
        rows = _listed(session, by_job=True, **filters)
        columns = {
            "job_id": "job",
            **({"title": "title"} if any(row["title"] for row in rows) else {}),
            "work": "step",
            "status": "status",
            "key": key_name,
            "created_at": "made (UTC)",
            "attempts": "attempts",
            "cost_usd": "cost",
            "error": "why",
        }
        spare = ("cost_usd", "attempts", "created_at", "key", "title")
        empty = "No job matches."
        tell(
            as_json,
            {"jobs": rows},
            lambda: output.table("", named(rows), columns, empty=empty, spare=spare),
        )

    return jobs


def runs_command(key_name: str) -> click.Command:
    """`runs`, with the app's word for a key."""

    @click.command("runs")
    @_filter_options(key_name)
    @json_option
    @pass_session
    def runs(session: Session, /, as_json: bool, **filters: Any) -> None:
        """The newest runs, one row per step of a job."""
        rows = _listed(session, by_job=False, **filters)
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
    from overnight.operations import causes, queries, scopes
    from overnight.operations import runs as jobs
    from overnight.titles import titles_of

    app = session.app()

    async def work(database: Database) -> dict[str, Any]:
        whole = await jobs.find_job(database, job)
        titles = await titles_of(app, database, [whole]) if app else {}
        return {
            "job_id": whole,
            "title": titles.get(whole),
            "steps": await queries.job(database, whole),
            "actions": await queries.actions(database, whole),
            "breakers": await queries.breakers(database),
        }

    data = session.run(work)
    breakers = data.pop("breakers")
    open_breakers = {row["name"] for row in breakers if row["state"] != "closed"}
    for step in data["steps"]:
        step["held_by"] = step["held_by"] and scopes.text(step["held_by"], app)
        breaker = causes.breaker_of(app, step)
        step["open_breaker"] = breaker if breaker in open_breakers else None
    tell(as_json, data, lambda: _render_job(data["title"], data["steps"], data["actions"]))


def _render_job(
    title: str | None, steps: list[dict[str, Any]], actions: list[dict[str, Any]]
) -> None:
    first = steps[0]
    key = f" for {first['key']}" if first["key"] else ""
    named_job = f"job {first['job_id']}" + (f" “{title}”" if title else "")
    output.echo(f"{named_job}: {first['pipeline'] or 'plain SQL'}{key}\n")
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
            output.echo("")
            output.table(
                f"attempts of {step['step']}", history, columns, empty="", spare=("finished_at",)
            )
        _render_outside(step)
        for name in ("input", "output"):
            if step[name] is not None:
                output.echo(f"\n{name} of {step['step']}: {shortened(step[name])}")
    if actions:
        columns = {"at": "when (UTC)", "by": "who", "verb": "what", "step": "step", "reason": "why"}
        output.echo("")
        output.table("audit log", actions, columns, empty="", spare=("step", "at"))
    advice = [line for step in steps if (line := _next_command(step))]
    if advice:
        output.echo("\n" + "\n".join(advice))


def _render_outside(step: dict[str, Any]) -> None:
    """What a step wrote outside, and which models it asked."""
    if step["effects"]:
        columns = {"name": "write", "status": "status", "attempt": "attempt", "result": "outcome"}
        output.echo("")
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
        output.echo("")
        output.table(f"model calls of {step['step']}", calls, columns, empty="", spare=("attempt",))


def _next_command(step: dict[str, Any]) -> str:
    from overnight.operations import causes

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
    due = f"{step['step']} is due at {formatting.cell(step['due_at'])} UTC"
    return causes.waits_for(step) or due
