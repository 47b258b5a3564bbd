"""The commands that every pipeline app has: what is going on, and the verbs of a person."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from overnight import show
from overnight.commandline import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.database import Database


@click.command()
@json_option
@pass_session
def status(session: Session, as_json: bool) -> None:
    """What is going on: the last 24 hours, what waits, who works, what is switched off."""
    from overnight import control, report

    data = session.run(lambda database: report.status(database, session.app()))
    for row in data["switched_off"]:
        row["scope"] = control.scope_text(row["scope"], session.app())
    tell(as_json, data, lambda: _render_status(data))


def _render_status(data: dict[str, Any]) -> None:
    now, totals = data["now"], data["totals"]
    calls = show.count(totals["llm_calls"], "model call")
    day = ", ".join(f"{count} {name}" for name, count in sorted(data["last_24_hours"].items())) or "nothing ran"
    held = f", {now['held']} held by a switch" if now["held"] else ""
    waiting = f"{now['due']} due{held}, {now['waiting']} later, {now['running']} running"
    if now["oldest_due_seconds"]:
        waiting += f"; the oldest is due since {show.duration(now['oldest_due_seconds'])}"
    person = f"{now['needs_review']} to review, {show.count(now['dead'], 'dead letter')}"
    off = ", ".join(f"{row['scope']} ({row['reason']})" for row in data["switched_off"]) or "none"
    parked = [f"{row['count']} of {row['step']} {row['key']}".strip() for row in data["parked"]]
    slots = [f"{row['pipeline']} at {show.cell(row['next'])} UTC" for row in data["schedules"]]
    show.lines(
        [
            ("last 24 hours", day),
            ("now", waiting),
            ("needs you", person),
            ("workers", ", ".join(f"{row['host']} (pid {row['pid']})" for row in data["workers"]) or "none is running"),
            ("switched off", off),
            *([("parked", f"{', '.join(parked)}: unknown to this app, so they wait")] if parked else []),
            ("next", ", ".join(slots) or "no schedule"),
            ("cost, 24 hours", f"{show.dollars(totals['cost_usd'])} for {calls}"),
        ]
    )


def runs_command(key_name: str) -> click.Command:
    """`runs`, with the app's word for a key."""

    @click.command("runs")
    @click.option("--status", help="Only runs of this status.")
    @click.option("--pipeline", help="Only runs of this pipeline.")
    @click.option(f"--{key_name}", "key", help=f"Only runs of this {key_name}.")
    @click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 10_000), help="How many rows.")
    @json_option
    @pass_session
    def runs(
        session: Session, status: str | None, pipeline: str | None, key: str | None, limit: int, as_json: bool
    ) -> None:
        """The newest runs, one row per step of a job."""
        from overnight import report
        from overnight.model import Status

        if status is not None and status not in list(Status):
            raise UserError(f"“{status}” is no status; there are: {', '.join(Status)}")
        rows = session.run(
            lambda database: report.runs(database, status=status, pipeline=pipeline, key=key, limit=limit)
        )
        columns = {
            "job_id": "job",
            "work": "step",
            "status": "status",
            "key": key_name,
            "started_at": "started (UTC)",
            "attempt": "tries",
            "cost_usd": "cost",
            "error": "why",
        }
        spare = ("cost_usd", "attempt", "started_at", "key")
        empty = "No run fits."
        tell(as_json, {"runs": rows}, lambda: show.table("", _named(rows), columns, empty=empty, spare=spare))

    return runs


def _named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with `work`: pipeline and step in one."""
    return [{**row, "work": f"{row['pipeline']}/{row['step']}"} for row in rows]


@click.command("show")
@click.argument("job")
@json_option
@pass_session
def show_job(session: Session, job: str, as_json: bool) -> None:
    """All about a job: its steps, every attempt, effects, model calls, what to press. First digits suffice."""
    from overnight import control, report

    async def work(database: Database) -> list[dict[str, Any]]:
        return await report.job(database, await control.find_job(database, job))

    steps = session.run(work)
    for step in steps:
        step["held_by"] = step["held_by"] and control.scope_text(step["held_by"], session.app())
    tell(as_json, {"job_id": steps[0]["job_id"], "steps": steps}, lambda: _render_job(steps))


def _render_job(steps: list[dict[str, Any]]) -> None:
    first = steps[0]
    key = f" for {first['key']}" if first["key"] else ""
    click.echo(f"job {first['job_id']}: {first['pipeline'] or 'plain SQL'}{key}\n")
    columns = {
        "step": "step",
        "status": "status",
        "attempt": "tries",
        "started_at": "started (UTC)",
        "finished_at": "ended (UTC)",
        "cost_usd": "cost",
        "error": "why",
    }
    show.table("", steps, columns, empty="", spare=("finished_at", "cost_usd", "attempt", "started_at"))
    for step in steps:
        columns = {"attempt": "attempt", "outcome": "outcome", "finished_at": "when (UTC)", "error": "error"}
        if step["attempts"]:
            history = [{**a, "finished_at": datetime.fromisoformat(a["finished_at"])} for a in step["attempts"]]
            click.echo("")
            show.table(f"attempts of {step['step']}", history, columns, empty="", spare=("finished_at",))
        for name in ("input", "output"):
            if step[name] is not None:
                click.echo(f"\n{name} of {step['step']}: {_shortened(step[name])}")
    advice = [_what_to_press(step) for step in steps]
    click.echo("\n" + "\n".join(line for line in advice if line) if any(advice) else "")


def _shortened(value: Any, limit: int = 600) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters; --json shows all)"


def _what_to_press(step: dict[str, Any]) -> str:
    job = step["job_id"]
    if step["status"] == "dead":
        return f"press: replay {job}, or cancel {job} --reason …"
    if step["status"] == "needs_review":
        return f"press: review {job}, then approve {job}, or reject {job} --reason …"
    if step["status"] == "queued" and step["held_by"]:
        return f"{step['step']} is held by the switch “{step['held_by']}”; press: resume {step['held_by']}"
    return ""


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
        show.table("", _named(rows), columns, empty="No dead letters.", spare=spare)
        for row in rows if job else []:
            click.echo(f"\ninput: {_shortened(row['input'])}")
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
    show.table("", _named(rows), columns, empty="Nothing waits for review.", spare=("since", "key"))
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


@click.command()
@click.argument("scope", required=False)
@click.option("--reason", required=True, help="Why; shown wherever the switch is.")
@json_option
@pass_session
def pause(session: Session, scope: str | None, reason: str, as_json: bool) -> None:
    """Flip a kill switch off: nothing in SCOPE starts or writes outside. Without SCOPE: everything."""
    _flip(session, scope, as_json, enabled=False, reason=reason)


@click.command()
@click.argument("scope", required=False)
@click.option("--reason", default="", help="Why; kept with the switch.")
@json_option
@pass_session
def resume(session: Session, scope: str | None, reason: str, as_json: bool) -> None:
    """Flip a kill switch on again. Without SCOPE: the one for everything."""
    _flip(session, scope, as_json, enabled=True, reason=reason)


def _flip(session: Session, scope: str | None, as_json: bool, *, enabled: bool, reason: str) -> None:
    from overnight import control

    parsed = control.parse_scope(scope, session.app())
    row = session.run(lambda database: control.set_switch(database, parsed, enabled=enabled, reason=reason))
    row["scope"] = control.scope_text(row["scope"], session.app())
    tell(as_json, {"switch": row}, lambda: click.echo(f"{row['scope']} is {'on' if enabled else 'off'}"))


@click.command()
@json_option
@pass_session
def switches(session: Session, as_json: bool) -> None:
    """All kill switches, with who flipped them, when and why."""
    from overnight import control, report

    rows = session.run(report.switches)
    for row in rows:
        row["scope"] = control.scope_text(row["scope"], session.app())
    columns = {
        "scope": "scope",
        "enabled": "on",
        "reason": "reason",
        "changed_by": "by",
        "changed_at": "changed (UTC)",
    }
    tell(as_json, {"switches": rows}, lambda: show.table("", rows, columns, empty="Everything is on."))


@click.command()
@json_option
@pass_session
def schedules(session: Session, as_json: bool) -> None:
    """Each schedule with its next slot."""
    from overnight import report

    app = session.needed_app()
    rows = session.run(lambda database: report.schedules(database, app))
    columns = {"pipeline": "pipeline", "cron": "cron", "timezone": "zone", "next": "next (UTC)"}
    tell(as_json, {"schedules": rows}, lambda: show.table("", rows, columns, empty="No pipeline has a schedule."))


def add_to(group: click.Group, key_name: str = "key") -> None:
    """Give a command line all of the above."""
    for command in (
        *(status, runs_command(key_name), show_job, dead, replay, review, approve, reject),
        *(cancel, pause, resume, switches, schedules),
    ):
        group.add_command(command)
