"""Dead letters, runs and messages: list them, replay or discard one or all that match."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from overnight.cli import output
from overnight.cli.commands.common import (
    beginning,
    called,
    given_json,
    named,
    perform,
    result_of,
    shortened,
    with_title,
)
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.operations.commands import Done
    from overnight.store.database import Database

F = TypeVar("F", bound=Callable[..., Any])


def dead_letter_commands(key_name: str) -> list[click.Command]:
    """`dead`, `replay`, `discard` and `cancel`, with the app's word for a key."""
    return [
        _dead(key_name),
        _replay(key_name),
        _ending(key_name, "discard", "Discard a dead letter, or those that match.", "discarded"),
        _ending(
            key_name,
            "cancel",
            "Cancel a job, or discard the dead letters that match.\n\n"
            "What of a job is queued or a dead letter ends; a step that runs is left alone.",
            "cancelled",
        ),
    ]


def _filter_options(key_name: str) -> Callable[[F], F]:
    """The options that say which dead letters."""

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
                click.option(
                    "--group", metavar="NAME", help="Only those with equal errors: see failures."
                ),
            ]
        ):
            command = option(command)
        return command

    return add


def _with_moments(options: dict[str, str | None]) -> dict[str, Any]:
    """The options with `since` and `until` as moments."""
    from overnight.operations.moments import parse_past

    return {**options, **{name: parse_past(options[name]) for name in ("since", "until")}}


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
        from overnight.operations import dead_letters, queries, scopes
        from overnight.operations.filters import Filter
        from overnight.titles import with_titles

        matching = Filter(**_with_moments(options))

        async def work(database: Database) -> list[dict[str, Any]]:
            await scopes.check_key(session.app(), database, matching.key)
            chosen = await dead_letters.of_job(database, job) if job else matching
            rows = await queries.dead(database, chosen, limit)
            return await with_titles(session.app(), database, rows)

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
        "failures": "failed attempts",
        "error": "last error",
    }
    lines = [
        {
            **row,
            "work": row["origin"] if row["kind"] == "message" else row["work"],
            "error": with_title(row, row["error"]),
        }
        for row in named(rows)
    ]
    output.table("", lines, columns, empty="No dead letters.", spare=("failures", "died_at", "key"))
    for row in rows if whole else []:
        is_message = row["kind"] == "message"  # which is text as it came, and may be no JSON
        output.echo(
            f"\ninput: {beginning(row['input']) if is_message else shortened(row['input'])}"
        )
    if rows:
        job = rows[0]["job_id"] if whole else "JOB"
        is_message = whole and rows[0]["kind"] == "message"
        more = "" if is_message else f"; show {job} tells everything of a job"
        output.echo(
            f"\n{called()} replay {job} starts it again, with --input @FILE after an "
            "edit; replay --all all of them"
        )
        output.echo(f"{called()} discard {job} --reason … ends it{more}")


def _replay(key_name: str) -> click.Command:
    @click.command("replay")
    @click.argument("job", required=False)
    @click.option("--all", "everything", is_flag=True, help="Every dead letter.")
    @_filter_options(key_name)
    @click.option(
        "--input", "text", metavar="JSON|@FILE", help="Another input for the one that is named."
    )
    @click.option("--reason", default="", help="Why; saved in the audit log.")
    @click.option("--dry-run", is_flag=True, help="Only say how many it would be.")
    @json_option
    @pass_session
    def replay(
        session: Session,
        /,
        job: str | None,
        text: str | None,
        reason: str,
        as_json: bool,
        **options: Any,
    ) -> None:
        """Start dead letters again: one, all, or those that match."""
        if text is not None:
            if job is None:
                raise UserError("--input is for one dead letter: name it")
            done = result_of(session, "edit", job=job, input=given_json(text), reason=reason)
            first = [{"job_id": job_id} for job_id in done.data.get("jobs", ())]
            data = {
                "replayed": 1,
                "first": first or [done.data["edited"]],
                "refused": [],
            }
            tell(as_json, data, lambda: output.echo(done.text))
            return
        done = result_of(session, "replay", job=job, reason=reason, **_with_moments(options))
        _tell_many(as_json, done, "fitting" if options["dry_run"] else "replayed")

    return replay


def _ending(key_name: str, name: str, says: str, word: str) -> click.Command:
    """A command that ends one job, or dead letters that match."""

    @click.command(name, help=says)
    @click.argument("job", required=False)
    @click.option("--all", "everything", is_flag=True, help="Every dead letter.")
    @_filter_options(key_name)
    @click.option("--reason", required=True, help="Why; saved in the audit log.")
    @click.option("--dry-run", is_flag=True, help="Only say how many dead letters it would be.")
    @json_option
    @pass_session
    def end(session: Session, /, job: str | None, as_json: bool, **options: Any) -> None:
        from overnight.operations.dead_letters import message_number

        if parked := options.pop("parked", None):
            _cancel_parked(session, parked, job, options, as_json)
            return
        values = {**_with_moments(options), "job": job}
        is_job = job is not None and message_number(job) is None
        alone = not any(options[each] for each in options if each != "reason")
        if name == "cancel" and is_job and alone:
            done = result_of(session, "cancel", job=job, reason=options["reason"])
            data = {word: 1, "first": done.data["first"], "refused": []}
            tell(as_json, data, lambda: output.echo(done.text))
            return
        done = result_of(session, "discard", **values)
        _tell_many(as_json, done, "fitting" if options["dry_run"] else word)

    if name == "cancel":
        says_parked = "Queued runs of a step that this app does not have."
        click.option("--parked", metavar="PIPELINE/STEP", help=says_parked)(end)
    return end


def _cancel_parked(
    session: Session, step: str, job: str | None, options: dict[str, Any], as_json: bool
) -> None:
    key, reason = options.pop("key") or "", options.pop("reason")
    if job or any(options.values()):
        raise UserError("--parked goes with a key and a reason alone")
    perform(session, "cancel-parked", as_json, step=step, key=key, reason=reason)


def _tell_many(as_json: bool, done: Done, word: str) -> None:
    """How many it was done with, and each that was refused on a line of its own."""
    lists = ("first", "refused") if "first" in done.data else ()  # a dry run has only the count
    data = {word: done.data["count"], **{name: done.data[name] for name in lists}}
    tell(as_json, data, lambda: output.echo("\n".join([done.text, *done.refused])))
