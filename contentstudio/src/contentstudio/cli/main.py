"""`contentstudio`: the command line of the content machine."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from contentstudio.cli import articles as article_commands
from overnight import formatting
from overnight.cli import commands, output, runner
from overnight.cli.commands import common, decisions
from overnight.cli.commands.alerts import send_now
from overnight.cli.commands.console import PORT, open_console
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import ConfigError, UserError

if TYPE_CHECKING:
    from contentstudio.config import Config
    from contentstudio.review import Dossier
    from overnight import App
    from overnight.console.pages import Console
    from overnight.store.database import Database

DEFAULT_FILE = "contentstudio.toml"
LAST_NIGHT = timedelta(days=1)  # in which a job failed that `up --retry-failed` starts again


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    envvar="CONTENTSTUDIO_CONFIG",
    default=Path(DEFAULT_FILE),
    show_default=True,
    help="The sites and their sources.",
)
@click.version_option(package_name="contentstudio", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context, file: Path) -> None:
    """Researches, writes, checks and publishes articles across many sites while its
    owner sleeps.
    """

    def load() -> App:
        from contentstudio import app

        return app.create(file)

    from overnight.postgres.open import home_folder

    context.obj = Session(home_folder(file.absolute().parent), load)
    context.meta["file"] = file


def _console() -> Console:
    """What the studio adds to the console."""
    from contentstudio import config, console

    return console.build(config.load(click.get_current_context().find_root().meta["file"]))


commands.add_to(cli, key_name="site", console=_console)
for command in article_commands.ALL:
    cli.add_command(command)


@cli.command()
@click.option(
    "--once", is_flag=True, help="Run tonight's work now, and end when nothing is left to do."
)
@click.option(
    "--now", is_flag=True, help="Begin tonight's work at once, then go on by the schedule."
)
@click.option(
    "--retry-failed",
    is_flag=True,
    help=f"Start again what failed in the last {LAST_NIGHT.days * 24} hours.",
)
@click.option(
    "--port",
    default=PORT,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="The console's; 0: any.",
)
@click.option("--no-console", is_flag=True, help="Without the pages in the browser.")
@click.option(
    "--concurrency", type=click.IntRange(1, 1_000), help="Steps under way at once; 50 by default."
)
@json_option
@pass_session
@click.pass_context
def up(
    context: click.Context,
    session: Session,
    once: bool,
    now: bool,
    retry_failed: bool,
    port: int,
    no_console: bool,
    concurrency: int | None,
    as_json: bool,
) -> None:
    """Run the machine by its schedule until Ctrl-C, or --once. Logs are JSON lines.

    It refuses to begin on what `check` can know to be wrong without reading the sources. Exit code
    1: all failed.
    """
    from contentstudio import alerts, config, console, morning, pipelines
    from overnight import Alerts
    from overnight.observability import report
    from overnight.operations import dead_letters
    from overnight.store.records import Filter

    app = session.needed_app()
    alerts.check(app.extension(Alerts))
    began = datetime.now(UTC)
    settings = config.load(context.meta["file"])
    program = _program(context)
    live = sys.stderr.isatty()
    log = session.home / "contentstudio.log"

    async def work(database: Database) -> dict[str, Any]:
        beside = await database.insist(lambda: report.workers(database))
        for line in _joins(beside):
            click.echo(line, err=True)
        if once or now:
            await database.insist(lambda: pipelines.begin(app, database, settings, began))
        if retry_failed:
            done = await dead_letters.replay(
                app, database, Filter(since=began - LAST_NIGHT), reason="up --retry-failed"
            )
            click.echo(f"{formatting.count(done.count, 'failed job')} started again", err=True)
        told = "tonight's work" if once else "waiting for work; Ctrl-C ends it"
        async with AsyncExitStack() as stack:
            if not (once or no_console):
                free = (
                    0 if beside and _by_default(context, "port") else port
                )  # the one by default is the other's
                url = await stack.enter_async_context(
                    open_console(
                        app, database, "127.0.0.1", free, own=partial(console.build, settings)
                    )
                )
                click.echo(f"the console is at {url}", err=True)
            with output.live_line(told) as note:
                await runner.work(
                    app, database, until_idle=once, concurrency=concurrency, on_ending=note
                )
        night = await database.insist(lambda: morning.gather(database, began))
        if once:  # what an earlier call of the same night published is part of it
            since = await database.insist(lambda: pipelines.began(app, database, settings, began))
            night["all_failed"] = (await database.insist(lambda: morning.gather(database, since)))[
                "all_failed"
            ]
        return night

    _check_folder(session.home)
    _check_sites([settings.folder(site) for site in settings.site if site.active])
    with log.open("a", encoding="utf-8") if live else nullcontext(sys.stderr) as stream:
        from overnight import logs

        logs.configure(stream)
        try:
            _preflight(settings, program)
            night = session.run(work, waiting=runner.on_the_terminal if live else runner.in_the_log)
        except (runner.Stopped, KeyboardInterrupt):
            click.echo(
                f"stopped; nothing is lost: {_same_call(program, once)} goes on where this ended",
                err=True,
            )
            raise
    tell(as_json, _totals(night), lambda: morning.render(night, program))
    if night["all_failed"]:
        context.exit(1)


def _preflight(settings: Config, program: str) -> None:
    """Refuse a night whose articles would be paid for and could not be published. A CMS that is
    down is no reason.
    """
    from contentstudio.diagnostics import preflight

    preflight.refuse(preflight.static(settings), program)
    found = asyncio.run(preflight.logins(settings))
    preflight.refuse(found, program)
    for each in found:
        if each.ok is False:
            click.echo(
                f"{each.what}: {each.details}; it is tried again when an article is ready", err=True
            )


def _joins(workers: list[dict[str, Any]]) -> list[str]:
    """What to say where others are at work on the same database."""
    return [
        f"another worker (process {row['pid']} on {row['host']}) has run since "
        f"{formatting.cell(row['started_at'])} UTC; "
        "this one joins it"
        for row in workers
    ]


def _by_default(context: click.Context, option: str) -> bool:
    return context.get_parameter_source(option) is ParameterSource.DEFAULT


def _same_call(program: str, once: bool) -> str:
    return f"{program} up --once" if once else f"{program} up"


def _check_folder(folder: Path) -> None:
    """A folder that cannot be written is better known now than at night."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "no permission")
    except OSError as error:
        mend = "name another with OVERNIGHT_HOME, or publishing.dir in the config"
        raise ConfigError(f"cannot write to {folder} ({error.strerror}): {mend}") from None


def _check_sites(folders: Sequence[Path]) -> None:
    """One site that cannot be written stops no other one: it is told of. With none that can there
    is nothing to do.
    """
    wrong: list[ConfigError] = []
    for folder in folders:
        try:
            _check_folder(folder)
        except ConfigError as error:
            wrong.append(error)
    if wrong and len(wrong) == len(folders):
        raise wrong[0]
    for why in wrong:
        click.echo(f"{why}; the other sites go on", err=True)


def _totals(night: dict[str, Any]) -> dict[str, Any]:
    """The report for a script: counts under the plain names, the rows behind them in `details`."""
    from contentstudio.morning import COUNTED, LISTS

    counts = {name: len(night[name]) for name in COUNTED}
    return {
        **{k: v for k, v in night.items() if k not in LISTS},
        **counts,
        "details": {k: night[k] for k in LISTS},
    }


def _program(context: click.Context) -> str:
    """How this program was called, for commands that a person can copy."""
    file = context.meta["file"]
    return (
        "contentstudio"
        if file == Path(DEFAULT_FILE)
        else f"contentstudio --config {shlex.quote(str(file))}"
    )


@cli.command()
@click.option(
    "--home",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("contentstudio-demo"),
    show_default=True,
    help="The folder of the demo: its config, database, sites and log.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    help="The port of the demo's web; a free one by default.",
)
@json_option
@click.pass_context
def demo(context: click.Context, folder: Path, port: int | None, as_json: bool) -> None:
    """One night on loopback, from feeds to pages. It has the faults of a real night."""
    from contentstudio import morning
    from contentstudio.demo import night as demo_night

    night = asyncio.run(demo_night.run(folder.absolute(), port))
    context.meta["file"] = Path(night["config"])

    def render() -> None:
        click.echo(
            f"The night of {night['since'].date()}, on loopback. Articles waited "
            f"{night['debounce_seconds']} s "
            "for a last edit instead of 90, so that the demo is short. No model wrote "
            "them: with a config of your own, "
            "each would wait for your review.\n"
        )
        if night["again"]:
            click.echo("This night had been begun before: nothing that was done is done again.\n")
        morning.render(night, _program(context))
        click.echo(f"\nsites  {'  '.join(night['site_dirs'])}\nlog    {night['log']}")
        if night["needs_review"]:
            click.echo(
                "After approving, run the demo again: it publishes what you approved, "
                "and nothing twice."
            )

    tell(as_json, _totals(night), render)


@cli.command("morning")
@click.option(
    "--hours", default=24, show_default=True, type=click.IntRange(1, 24 * 366), help="How far back."
)
@click.option("--send", is_flag=True, help="Send it to the channels of [alerts] instead.")
@json_option
@pass_session
@click.pass_context
def morning_report(
    context: click.Context, session: Session, hours: int, send: bool, as_json: bool
) -> None:
    """What happened while you slept, and what waits for you."""
    from contentstudio import morning

    since = datetime.now(UTC) - timedelta(hours=hours)
    night = session.run(lambda database: morning.gather(database, since))
    if not send:
        tell(as_json, _totals(night), lambda: morning.render(night, _program(context)))
        return
    from contentstudio.alerts import text
    from overnight.alerts.message import Message

    app = session.needed_app()
    message = Message(f"{app.name}: while you slept", report=text(night, _program(context)))
    send_now(app, message, as_json=as_json)


@cli.command("review")
@click.argument("job", required=False)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    help="Write the article and all about it as one page.",
)
@click.option(
    "--markdown", type=click.Path(path_type=Path), help="Write the article's words, to be edited."
)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
@click.pass_context
def review_command(
    context: click.Context,
    session: Session,
    job: str | None,
    html: Path | None,
    markdown: Path | None,
    limit: int,
    as_json: bool,
) -> None:
    """What waits for you; with JOB, the article and all about it.

    That is: the article as a reader gets it, what each gate said of it (what failed first), each
    claim beside its source, and what to press. With --markdown its words are written to a file;
    `edit` takes them back.
    """
    if job and not (html or markdown) and (left := _left(session, job)):
        tell(
            as_json,
            {"review": left},
            lambda: decisions.render_review(session, left, whole=True, own="overwrite"),
        )
        return
    dossier = _dossier(context, session, job) if job else None
    if dossier is None:
        if html or markdown:
            raise UserError("name the job of an article that was judged")
        context.invoke(decisions.review, job=job, limit=limit, as_json=as_json)
        return
    from contentstudio.review import manuscript, page, text

    press = _press(dossier)
    if html:
        _write(html, page.page(dossier, press))
    if markdown:
        _write(markdown, manuscript.write(dossier.draft))
    written = [str(file) for file in (html, markdown) if file]

    def render() -> None:
        click.echo(f"wrote {' and '.join(written)}" if written else text.told(dossier))
        click.echo(
            "\n"
            + (press or f"It does not wait for review: show {dossier.job_id} tells where it stands")
        )

    tell(as_json, {"dossier": dossier.model_dump(mode="json"), "written": written}, render)


def _press(dossier: Dossier) -> str:
    """The commands that fit where an article stands; none where it is past them."""
    if dossier.status == "needs_review":
        return decisions.what_to_press(dossier.job_id, dossier.seal[: decisions.SHORT])
    if dossier.status == "queued":
        told = "It waits for a last edit or its site's window; --markdown FILE.md writes its words:"
        return f"{told}\n\n{common.called()} edit {dossier.job_id} --input @FILE.md"
    return ""


def _left(session: Session, job: str) -> list[dict[str, Any]]:
    """The article of a job that found a person's version in its place, as it waits for review; or
    nothing.
    """
    from contentstudio import articles
    from overnight.observability import report
    from overnight.operations import control

    async def work(database: Database) -> list[dict[str, Any]]:
        return await report.review(database, await control.find_job(database, job))

    return [row for row in session.run(work) if articles.is_left(row)]


def _dossier(context: click.Context, session: Session, job: str) -> Dossier | None:
    from contentstudio import config, review
    from overnight.operations import control

    settings = config.load(context.meta["file"])

    async def work(database: Database) -> Dossier | None:
        return await review.gather(database, settings, await control.find_job(database, job))

    return session.run(work)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None


@cli.command("edit")
@click.argument("job")
@click.option(
    "--input",
    "text",
    required=True,
    metavar="JSON|@FILE",
    help="The new input; for an article also @FILE.md",
)
@decisions.seen_option
@click.option("--reason", default="", help="Why; kept with the deed.")
@json_option
@pass_session
@click.pass_context
def edit_command(
    context: click.Context,
    session: Session,
    job: str,
    text: str,
    seen: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Give a step another input, or an article other words.

    A step that has not begun or put itself off, or is a dead letter; with --seen one that waits for
    review. The words of an article come from `review JOB --markdown FILE`; the gates judge them
    anew, and no model changes them.
    """
    if text.startswith("@") and text.endswith(".md"):
        text = _edited(context, session, job, common.given(text).decode("utf-8", "replace"))
    context.invoke(decisions.edit, job=job, text=text, seen=seen, reason=reason, as_json=as_json)


def _edited(context: click.Context, session: Session, job: str, words: str) -> str:
    """The article with these words, as the input of the step that judges it."""
    from contentstudio.review import manuscript

    dossier = _dossier(context, session, job)
    if dossier is None or dossier.status not in ("needs_review", "queued"):
        raise UserError(
            f"no article of job {job} waits for review or a last edit, so its words "
            "cannot be edited"
        )
    return manuscript.read(words, dossier.draft).model_dump_json()


@cli.command("evidence")
@click.argument("job", required=False)
@click.option("--site", help="All articles of this site.")
@click.option("--csv", "as_csv", is_flag=True, help="Rows for a spreadsheet.")
@json_option
@pass_session
def evidence_command(
    session: Session, job: str | None, site: str | None, as_csv: bool, as_json: bool
) -> None:
    """Each claim of an article beside its source."""
    if (job is None) == (site is None):
        raise UserError("name a job by the first digits of its id, or a site with --site")
    if as_csv and as_json:
        raise UserError("choose one of --csv and --json")

    async def read(database: Database) -> list[dict[str, Any]]:
        from contentstudio.review import evidence
        from overnight.operations import control

        if job is not None:
            return await evidence.evidence_for(database, await control.find_job(database, job))
        assert site is not None
        await control.check_key(session.needed_app(), database, site)
        return await evidence.evidence_of(database, site)

    rows = session.run(read)
    if as_csv:
        _write_csv(rows)
        return
    columns = {
        "claim": "no.",
        "verdict": "verdict",
        "source": "source",
        "similarity": "words found",
        "text": "claim",
    }
    empty = "No claim was checked."
    spare = ("similarity", "source")
    shown = [
        {**row, "similarity": f"{row['similarity']:.0%}", "text": _beside(row)} for row in rows
    ]
    tell(
        as_json,
        {"evidence": rows},
        lambda: output.table("", shown, columns, empty=empty, spare=spare),
    )


def _beside(row: dict[str, Any]) -> str:
    """A claim, and beneath it what its source says."""
    passage = " ".join((row["passage"] or "").split())
    return f"{row['text']}\n↳ {passage or 'nothing near'}"


def _write_csv(rows: list[dict[str, Any]]) -> None:
    import csv

    from contentstudio.review.evidence import COLUMNS

    writer = csv.DictWriter(sys.stdout, COLUMNS)
    writer.writeheader()
    writer.writerows({name: defused(value) for name, value in row.items()} for row in rows)


def defused(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: what strangers wrote must not be run by who
    reads it.
    """
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


@cli.command("topics")
@click.option("--site", help="Those of this site alone.")
@click.option(
    "--days", default=7, show_default=True, type=click.IntRange(1, 3_650), help="How far back."
)
@json_option
@pass_session
def topics_command(session: Session, site: str | None, days: int, as_json: bool) -> None:
    """What was found, with its factors, and what was decided on it."""

    async def read(database: Database) -> list[dict[str, Any]]:
        from contentstudio import memory

        names = session.needed_app().keys() or []
        if site is not None and site not in names:
            raise UserError(f"there is no site “{site}”; there are: {', '.join(names)}")
        return await memory.choices(database, site, days)

    rows = session.run(read)
    columns = {
        "site": "site",
        "decision": "decision",
        "pages": "pages",
        "score": "score",
        "title": "topic",
    }
    shown = [{**row, "pages": str(row["pages"]), "title": _decided(row)} for row in rows]
    empty = f"Nothing was found in the last {formatting.count(days, 'day')}."
    tell(
        as_json,
        {"topics": rows},
        lambda: output.table("", shown, columns, empty=empty, spare=("pages", "site")),
    )


def _decided(row: dict[str, Any]) -> str:
    """A topic, and beneath it why it was decided so."""
    factors = ", ".join(f"{name} {value:.2f}" for name, value in sorted(row["factors"].items()))
    return f"{row['title']}\n↳ {row['reason']}\n  {factors}"


@cli.group()
def site() -> None:
    """Whether a site is fit for us, and how its pages stand."""


@site.command("check")
@click.argument("name")
@json_option
@click.pass_context
def site_check(context: click.Context, name: str, as_json: bool) -> None:
    """Look at a site; changes nothing. Exit code 1: mend something.

    It looks at the account and its rights, the CMS's API and clock, the sitemap, the key of
    IndexNow, and the Search Console. What keeps it from publishing comes first, with what mends it.
    """
    from contentstudio import config
    from contentstudio.diagnostics import doctor

    settings = config.load(context.meta["file"])
    found = asyncio.run(doctor.check(settings, settings.find(name)))
    rows = [
        {"ok": one.ok, "what": f"{one.what}\n↳ {one.mend}" if one.mend else one.what}
        for one in found
    ]
    columns = {"ok": "well", "what": "what"}
    told = {
        "site": name,
        "ok": all(one.ok for one in found),
        "findings": [one.model_dump() for one in found],
    }
    tell(as_json, told, lambda: output.table("", rows, columns, empty=""))
    if not told["ok"]:
        context.exit(1)


site.add_command(article_commands.render)


@site.command("pages")
@click.argument("name")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
def site_pages(session: Session, name: str, limit: int, as_json: bool) -> None:
    """What search engines were told of a site's pages, and say.

    A page is submitted, accepted (the endpoint of IndexNow took it), crawled or indexed (Google
    said so when it was last asked), or nothing is known. Only what is known of the version that
    stands there counts; of an indexed page Google may have an older one.
    """

    async def read(database: Database) -> list[dict[str, Any]]:
        from contentstudio.store import index_status
        from overnight.operations import control

        await control.check_key(session.needed_app(), database, name)
        return [
            {**one.model_dump(), "state": one.state}
            for one in await index_status.read(database, name, limit)
        ]

    rows = session.run(read)
    columns = {
        "state": "state",
        "changed_at": "changed",
        "crawled_at": "crawled",
        "verdict": "Google",
        "url": "page",
    }
    empty = f"Nothing of “{name}” that readers can see was published from here."
    spare = ("crawled_at", "verdict", "changed_at")
    tell(
        as_json, {"pages": rows}, lambda: output.table("", rows, columns, empty=empty, spare=spare)
    )


@cli.command()
@click.option(
    "--concurrency", type=click.IntRange(1, 1_000), help="Steps under way at once; 50 by default."
)
@pass_session
@click.pass_context
def worker(context: click.Context, session: Session, concurrency: int | None) -> None:
    """Work beside others on one Postgres, which they share. Logs are JSON lines.

    It has no console. Any worker may tick the clock, and a slot is fired once by one of them.
    OVERNIGHT_DATABASE_URL names the Postgres.
    """
    from contentstudio import alerts
    from overnight import Alerts, logs

    if not os.environ.get("OVERNIGHT_DATABASE_URL"):
        raise UserError(
            "a worker shares its Postgres with others: name it in "
            "OVERNIGHT_DATABASE_URL; on one machine, use up"
        )
    app = session.needed_app()
    alerts.check(app.extension(Alerts))
    _check_sites(_folders(context))
    logs.configure(sys.stderr)
    session.run(
        lambda database: runner.work(app, database, concurrency=concurrency),
        waiting=runner.in_the_log,
    )


def _folders(context: click.Context) -> list[Path]:
    """Where the active sites of plain files are published."""
    from contentstudio import config

    settings = config.load(context.meta["file"])
    return [
        settings.folder(site)
        for site in settings.site
        if site.active and isinstance(site.publish, config.Static)
    ]


@cli.group()
def deploy() -> None:
    """Other places to run the studio."""


@deploy.command("aws")
@click.option(
    "--plan",
    "planned",
    is_flag=True,
    help="Tell what it takes, and write the variables for Terraform.",
)
@click.option(
    "--articles",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0),
    help="A day, of each site.",
)
@click.option(
    "--name",
    default="contentstudio",
    show_default=True,
    help="Begins the name of everything in AWS.",
)
@click.option("--region", default="eu-central-1", show_default=True, help="Near the database.")
@click.option(
    "--arch",
    default="x86_64",
    show_default=True,
    type=click.Choice(["x86_64", "arm64"]),
    help="Processors.",
)
@click.option(
    "--connections",
    default=100,
    show_default=True,
    type=click.IntRange(1),
    help="max_connections of the Postgres.",
)
@click.option(
    "--workers",
    type=click.IntRange(2),
    help="At once; as many as there are connections for, at most 10.",
)
@click.option("--rds", is_flag=True, help="Make a Postgres, too, in a private network.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("deploy/aws"),
    show_default=True,
    help="The folder of the Terraform module.",
)
@json_option
@click.pass_context
def deploy_aws(
    context: click.Context,
    planned: bool,
    articles: float,
    name: str,
    region: str,
    arch: str,
    connections: int,
    workers: int | None,
    rds: bool,
    folder: Path,
    as_json: bool,
) -> None:
    """EventBridge, SQS and Lambda: what works, what to do, what it costs.

    Nothing is asked of AWS: it reads the config, and writes terraform.tfvars.json. Exit code 1:
    mend the config first.
    """
    from contentstudio import config
    from contentstudio.aws import plan as deploy

    if not planned:
        raise UserError("Terraform makes what is made in AWS: see what it takes with --plan")
    settings = config.load(context.meta["file"])
    plan = deploy.plan(
        settings,
        name=name,
        region=region,
        arch=arch,
        articles=articles,
        postgres_connections=connections,
        wanted=workers,
        rds=rds,
    )
    stops = any(finding.stops for finding in plan.findings)
    if not folder.is_dir():
        raise UserError(
            f"there is no folder {folder}: run this in a checkout of the repository, or "
            "name it with --to"
        )
    file = None if stops else folder / "terraform.tfvars.json"
    if file is not None:
        _write(file, formatting.as_json(plan.variables) + "\n")
    tell(as_json, deploy.as_data(plan, file), lambda: deploy.render(plan, file))
    if stops:
        context.exit(1)


@cli.command()
@click.option(
    "--offline",
    is_flag=True,
    help="Leave out what needs the network: sources, and the login at each CMS.",
)
@json_option
@click.pass_context
def check(context: click.Context, offline: bool, as_json: bool) -> None:
    """Look for what would fail at night; changes nothing. Exit code 1: mend something.

    It looks at the schedules, the model, its key and price, secrets, alerts, what gates cannot
    measure, and over the network at each source and at the login of each CMS. `up` refuses to begin
    on what it can know at once.
    """
    from contentstudio import config
    from contentstudio.diagnostics import preflight

    settings: config.Config | None = None
    try:
        settings = config.load(context.meta["file"])
        checks = [*preflight.static(settings), *preflight.folders(settings)]
    except config.InvalidConfig as error:
        checks = preflight.invalid(error)
    if settings is not None and not offline:
        checks = preflight.unique([*checks, *asyncio.run(preflight.network(settings))])
    ok = all(each.ok is not False for each in checks)
    sites = _listed_sites(settings) if settings else []

    def render() -> None:
        columns = {
            "site": "site",
            "active": "active",
            "sources": "sources",
            "usd_per_day": "$ a day",
            "url": "address",
        }
        if sites:
            spare = ("sources", "usd_per_day", "active")
            output.table("", sites, columns | {"file": "file"}, empty="", spare=spare)
            click.echo()
        preflight.render(checks)
        wrong = sum(each.ok is False for each in checks)
        click.echo(
            f"\n{formatting.count(wrong, 'thing')} to mend." if wrong else "\nNothing to mend."
        )

    data = {"ok": ok, "sites": sites, "checks": [dataclasses.asdict(each) for each in checks]}
    if settings is not None:
        data["budget"] = {
            "usd_per_day": settings.budget.usd_per_day,
            "is_default": settings.budget.is_default,
        }
    tell(as_json, data, render)
    if not ok:
        context.exit(1)


def _listed_sites(settings: Config) -> list[dict[str, Any]]:
    return [
        {
            "site": site.name,
            "active": site.active,
            "sources": len(site.sources),
            "usd_per_day": site.usd_per_day,
            "url": site.url,
            "file": str(settings.file_of(site)),
        }
        for site in settings.site
    ]


@cli.command()
@json_option
@click.pass_context
def init(context: click.Context, as_json: bool) -> None:
    """Write a contentstudio.toml to begin with."""
    from importlib.resources import files

    file: Path = context.meta["file"]
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write((files("contentstudio") / "template.toml").read_text("utf-8"))
    except FileExistsError:
        raise UserError(f"{file} exists already, and was left as it is") from None
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None
    said = f"wrote {file}; put your sites into it, then: {_program(context)} up --once"
    tell(as_json, {"file": str(file)}, lambda: click.echo(said))


def main() -> None:
    runner.main(cli, "contentstudio")


if __name__ == "__main__":
    main()
