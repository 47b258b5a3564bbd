"""`contentstudio`: the command line of the content machine."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from overnight import commandline, commands, show
from overnight.commandline import Session, json_option, pass_session, tell
from overnight.errors import ConfigError, UserError

if TYPE_CHECKING:
    from overnight.app import App
    from overnight.database import Database

DEFAULT_FILE = "contentstudio.toml"


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
    """Researches, writes, checks and publishes articles across many sites while its owner sleeps."""

    def load() -> App:
        from contentstudio import app

        return app.create(file)

    from overnight.database import home_folder

    context.obj = Session(home_folder(file.absolute().parent), load)
    context.meta["file"] = file


commands.add_to(cli, key_name="site")


@cli.command()
@click.option("--once", is_flag=True, help="Run tonight's work now, and end when nothing is left to do.")
@click.option("--now", is_flag=True, help="Begin tonight's work at once, then go on by the schedule.")
@click.option("--concurrency", type=click.IntRange(1, 1_000), help="Steps under way at once; 50 by default.")
@json_option
@pass_session
@click.pass_context
def up(context: click.Context, session: Session, once: bool, now: bool, concurrency: int | None, as_json: bool) -> None:
    """Run the machine by its schedule until Ctrl-C, or --once. Logs are JSON lines."""
    from contentstudio import config, morning, pipelines

    app = session.needed_app()
    began = datetime.now(UTC)
    settings = config.load(context.meta["file"])
    live = sys.stderr.isatty()
    log = session.home / "contentstudio.log"

    async def work(database: Database) -> dict[str, Any]:
        if once or now:
            await database.insist(lambda: pipelines.begin(app, database, settings, began))
        told = "tonight's work" if once else "waiting for work; Ctrl-C ends it"
        with show.live_line(told) as note:
            await commandline.work(app, database, until_idle=once, concurrency=concurrency, on_ending=note)
        return await database.insist(lambda: morning.gather(database, began))

    for folder in (session.home, *(settings.folder(site) for site in settings.site if site.active)):
        _check_folder(folder)
    with log.open("a", encoding="utf-8") if live else nullcontext(sys.stderr) as stream:
        from overnight import logs

        logs.configure(stream)
        night = session.run(work)
    tell(as_json, _totals(night), lambda: morning.render(night, _program(context)))


def _check_folder(folder: Path) -> None:
    """A folder that cannot be written is better known now than at night."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "no permission")
    except OSError as error:
        mend = "name another with OVERNIGHT_HOME, or publishing.dir in the config"
        raise ConfigError(f"cannot write to {folder} ({error.strerror}): {mend}") from None


def _totals(night: dict[str, Any]) -> dict[str, Any]:
    """The report for a script: counts under the plain names, the rows behind them in `details`."""
    lists = ("published", "updated", "needs_review", "dead", "healed", "skipped", "held")
    counts = {name: len(night[name]) for name in ("published", "updated", "needs_review", "dead")}
    return {**{k: v for k, v in night.items() if k not in lists}, **counts, "details": {k: night[k] for k in lists}}


def _program(context: click.Context) -> str:
    """How this program was called, for commands that a person can copy."""
    file = context.meta["file"]
    return "contentstudio" if file == Path(DEFAULT_FILE) else f"contentstudio --config {shlex.quote(str(file))}"


@cli.command()
@click.option(
    "--home",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("contentstudio-demo"),
    show_default=True,
    help="The folder of the demo: its config, database, sites and log.",
)
@click.option("--port", type=click.IntRange(1, 65_535), help="The port of the demo's web; a free one by default.")
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
            f"The night of {night['since'].date()}, on loopback. Articles waited {night['debounce_seconds']} s "
            "for a last edit instead of 90, so that the demo is short.\n"
        )
        if night["again"]:
            click.echo("This night had been begun before: nothing that was done is done again.\n")
        morning.render(night, _program(context))
        click.echo(f"\nsites  {'  '.join(night['site_dirs'])}\nlog    {night['log']}")
        if night["needs_review"]:
            click.echo("After approving, run the demo again: it publishes what you approved, and nothing twice.")

    tell(as_json, _totals(night), render)


@cli.command("morning")
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 24 * 366), help="How far back.")
@json_option
@pass_session
@click.pass_context
def morning_report(context: click.Context, session: Session, hours: int, as_json: bool) -> None:
    """What happened while you slept, and what waits for you."""
    from contentstudio import morning

    since = datetime.now(UTC) - timedelta(hours=hours)
    night = session.run(lambda database: morning.gather(database, since))
    tell(as_json, _totals(night), lambda: morning.render(night, _program(context)))


@cli.command("evidence")
@click.argument("job", required=False)
@click.option("--site", help="All articles of this site.")
@click.option("--csv", "as_csv", is_flag=True, help="Rows for a spreadsheet.")
@json_option
@pass_session
def evidence_command(session: Session, job: str | None, site: str | None, as_csv: bool, as_json: bool) -> None:
    """Each claim of an article beside its source."""
    if (job is None) == (site is None):
        raise UserError("name a job by the first digits of its id, or a site with --site")
    if as_csv and as_json:
        raise UserError("choose one of --csv and --json")

    async def read(database: Database) -> list[dict[str, Any]]:
        from contentstudio import evidence
        from overnight import control

        if job is not None:
            return await evidence.evidence_for(database, await control.find_job(database, job))
        assert site is not None
        if site not in (session.needed_app().keys() or []):
            raise UserError(f"there is no site “{site}”; there are: {', '.join(session.needed_app().keys() or [])}")
        return await evidence.evidence_of(database, site)

    rows = session.run(read)
    if as_csv:
        _write_csv(rows)
        return
    columns = {"claim": "no.", "verdict": "verdict", "source": "source", "similarity": "words found", "text": "claim"}
    empty = "No claim was checked."
    spare = ("similarity", "source")
    shown = [{**row, "similarity": f"{row['similarity']:.0%}", "text": _beside(row)} for row in rows]
    tell(as_json, {"evidence": rows}, lambda: show.table("", shown, columns, empty=empty, spare=spare))


def _beside(row: dict[str, Any]) -> str:
    """A claim, and beneath it what its source says."""
    passage = " ".join((row["passage"] or "").split())
    return f"{row['text']}\n↳ {passage or 'nothing near'}"


def _write_csv(rows: list[dict[str, Any]]) -> None:
    import csv

    from contentstudio.evidence import COLUMNS

    writer = csv.DictWriter(sys.stdout, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)


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
    commandline.main(cli, "contentstudio")


if __name__ == "__main__":
    main()
