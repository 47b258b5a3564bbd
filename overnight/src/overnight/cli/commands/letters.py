"""Dead letters, runs and messages: look at them, start them again, drop them; one by one, or all
that fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.commands.common import beginning, called, given, given_json, named, shortened
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.pipelines.app import App
    from overnight.store.database import Database
    from overnight.store.records import Filter

F = TypeVar("F", bound=Callable[..., Any])

SPAN = re.compile(r"(\d+)([mhd])")
MINUTES = {"m": 1, "h": 60, "d": 24 * 60}


def letter_commands(key_name: str) -> list[click.Command]:
    """`dead`, `replay` and `cancel`, with the app's word for a key."""
    return [_dead(key_name), _replay(key_name), _cancel(key_name)]


def _filter_options(key_name: str) -> Callable[[F], F]:
    """The options that say which letters."""

    def add(command: F) -> F:
        for option in reversed(
            [
                click.option("--pipeline", help="Only those of this pipeline."),
                click.option("--step", help="Only those of this step."),
                click.option(f"--{key_name}", "key", help=f"Only those of this {key_name}."),
                click.option(
                    "--error", metavar="TEXT", help="Only those whose error holds this text."
                ),
                click.option(
                    "--since",
                    metavar="WHEN",
                    help="Only those that died since: 30m, 24h, 7d, or a date (UTC).",
                ),
                click.option("--until", metavar="WHEN", help="Only those that died before."),
            ]
        ):
            command = option(command)
        return command

    return add


def _filter(pipeline: str | None, step: str | None, key: str | None, **rest: str | None) -> Filter:
    from overnight.store.records import Filter

    since, until = (_moment(rest[name]) for name in ("since", "until"))
    return Filter(
        pipeline=pipeline, step=step, key=key, error=rest["error"], since=since, until=until
    )


def _moment(text: str | None) -> datetime | None:
    """A span back from now, or a date with or without a time (UTC unless it says otherwise)."""
    if text is None:
        return None
    if span := SPAN.fullmatch(text):
        return datetime.now(UTC) - timedelta(minutes=int(span[1]) * MINUTES[span[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"“{text}” is no moment: write 30m, 24h, 7d, or a date such as 2026-03-01T04:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _named(database: Database, job: str) -> Filter:
    """The letters of one job, or the message."""
    from overnight.operations import dead_letters, runs
    from overnight.store.records import Filter

    is_message = dead_letters.message_number(job) is not None
    return Filter(job=job if is_message else await runs.find_job(database, job))


def _dead(key_name: str) -> click.Command:
    @click.command("dead")
    @click.argument("job", required=False)
    @_filter_options(key_name)
    @click.option(
        "--limit",
        default=50,
        show_default=True,
        type=click.IntRange(1, 10_000),
        help="How many rows.",
    )
    @json_option
    @pass_session
    def dead(
        session: Session, /, job: str | None, limit: int, as_json: bool, **options: str | None
    ) -> None:
        """Dead letters with their input, last error and every attempt. Messages are called m and a
        number.
        """
        from overnight.operations import queries, scopes

        filter = _filter(**options)

        async def work(database: Database) -> list[dict[str, Any]]:
            await scopes.check_key(session.app(), database, filter.key)
            return await queries.dead(
                database, await _named(database, job) if job else filter, limit
            )

        rows = session.run(work)
        if job and not rows:
            raise UserError(f"nothing of {job} is a dead letter")
        tell(as_json, {"dead": rows}, lambda: _render_dead(rows, key_name, whole=bool(job)))

    return dead


def _render_dead(rows: list[dict[str, Any]], key_name: str, *, whole: bool) -> None:
    columns = {
        "job_id": "job",
        "work": "step",
        "key": key_name,
        "died_at": "died (UTC)",
        "failures": "tries",
        "error": "last error",
    }
    told = [
        {**row, "work": row["origin"] if row["kind"] == "message" else row["work"]}
        for row in named(rows)
    ]
    output.table("", told, columns, empty="No dead letters.", spare=("failures", "died_at", "key"))
    for row in rows if whole else []:
        is_message = row["kind"] == "message"  # which is text as it came, and may be no JSON
        click.echo(f"\ninput: {beginning(row['input']) if is_message else shortened(row['input'])}")
    if rows:
        job = rows[0]["job_id"] if whole else "JOB"
        is_message = whole and rows[0]["kind"] == "message"
        more = "" if is_message else f"; show {job} tells everything of a job"
        click.echo(
            f"\n{called()} replay {job} starts it again, with --input @FILE after an "
            "edit; replay --all all of them"
        )
        click.echo(f"{called()} cancel {job} --reason … ends it{more}")


def _which(job: str | None, everything: bool, filter: Filter) -> None:
    """One way of saying which letters, and no letter by mistake."""
    from overnight.store.records import Filter

    if [job is not None, everything, filter != Filter()].count(True) != 1:
        raise UserError(
            "say which in one way: name one job, or say --all, or what fits (--pipeline, "
            "--error, --since …)"
        )


def _replay(key_name: str) -> click.Command:
    @click.command("replay")
    @click.argument("job", required=False)
    @click.option("--all", "everything", is_flag=True, help="Every dead letter.")
    @_filter_options(key_name)
    @click.option(
        "--input", "text", metavar="JSON|@FILE", help="Another input for the one that is named."
    )
    @click.option("--reason", default="", help="Why; kept with the deed.")
    @click.option("--dry-run", is_flag=True, help="Only say how many it would be.")
    @json_option
    @pass_session
    def replay(
        session: Session,
        /,
        job: str | None,
        everything: bool,
        text: str | None,
        reason: str,
        dry_run: bool,
        as_json: bool,
        **options: str | None,
    ) -> None:
        """Start dead letters again: one, all, or those that fit. With a fresh count of retries."""
        from overnight.operations import dead_letters, scopes

        filter = _filter(**options)
        _which(job, everything, filter)
        if text is not None and job is None:
            raise UserError("--input is for one dead letter: name it")

        async def work(database: Database) -> dict[str, Any]:
            await scopes.check_key(session.app(), database, filter.key)
            fitting = await _named(database, job) if job else filter
            if dry_run:
                return {"fitting": len(await dead_letters.find(database, fitting))}
            if text is not None and fitting.job and dead_letters.message_number(job) is None:
                return await _replay_edited(
                    session.needed_app(), database, fitting.job, text, reason
                )
            body = None if text is None else given(text)
            done = await dead_letters.replay(
                session.app(), database, fitting, body=body, reason=reason
            )
            return {"replayed": done.count, "first": done.first, "refused": done.refused}

        data = session.run(work)
        tell(as_json, data, lambda: _render_many(data, "replayed", "queued again"))

    return replay


async def _replay_edited(
    app: App, database: Database, job: str, text: str, reason: str
) -> dict[str, Any]:
    from overnight.operations import runs

    row = await runs.edit(app, database, job, given_json(text), reason=reason)
    return {"replayed": 1, "first": [row], "refused": []}


def _render_many(data: dict[str, Any], done: str, said: str) -> None:
    if "fitting" in data:
        fits = "fits" if data["fitting"] == 1 else "fit"
        click.echo(
            f"{formatting.count(data['fitting'], 'dead letter')} {fits}; nothing was touched"
        )
        return
    click.echo(f"{data[done]} {said}")
    for sentence in data["refused"]:
        click.echo(sentence)


def _cancel(key_name: str) -> click.Command:
    @click.command("cancel")
    @click.argument("job", required=False)
    @click.option("--all", "everything", is_flag=True, help="Every dead letter.")
    @_filter_options(key_name)
    @click.option("--reason", required=True, help="Why; kept with the run.")
    @click.option("--dry-run", is_flag=True, help="Only say how many dead letters it would be.")
    @json_option
    @pass_session
    def cancel(
        session: Session,
        /,
        job: str | None,
        everything: bool,
        reason: str,
        dry_run: bool,
        as_json: bool,
        **options: str | None,
    ) -> None:
        """End a job, or the dead letters that fit; the reason is kept.

        Of a job ends what is queued or a dead letter; a step that runs is left alone.
        """
        from overnight.operations import dead_letters, scopes

        filter = _filter(**options)
        _which(job, everything, filter)

        async def work(database: Database) -> dict[str, Any]:
            await scopes.check_key(session.app(), database, filter.key)
            fitting = await _named(database, job) if job else filter
            if dry_run:
                return {"fitting": len(await dead_letters.find(database, fitting))}
            return await _cancel_matching(database, fitting, reason)

        data = session.run(work)
        tell(as_json, data, lambda: _render_many(data, "cancelled", "cancelled"))

    return cancel


async def _cancel_matching(database: Database, filter: Filter, reason: str) -> dict[str, Any]:
    """Dead letters; of a job that is named also what is queued."""
    from overnight.operations import dead_letters, runs

    if filter.job is not None and dead_letters.message_number(filter.job) is None:
        return {
            "cancelled": 1,
            "first": [await runs.cancel(database, filter.job, reason)],
            "refused": [],
        }
    done = await dead_letters.discard(database, filter, reason)
    return {"cancelled": done.count, "first": done.first, "refused": done.refused}
