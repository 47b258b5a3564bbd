"""Workers: `up` on one machine, with its console and its report, and `worker` beside others."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from contentstudio.cli import context
from contentstudio.cli.night import echo, totals
from overnight import formatting
from overnight.cli import output, runner
from overnight.cli.commands.console import PORT, open_console
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import ConfigError, UserError

if TYPE_CHECKING:
    from contentstudio.config import Config
    from overnight import App
    from overnight.store.database import Database

LAST_NIGHT = timedelta(days=1)  # in which a job failed that `up --retry-failed` starts again


@click.command()
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
def up(current: click.Context, session: Session, /, as_json: bool, **options: Any) -> None:
    """Run the machine by its schedule until Ctrl-C, or --once. Logs are JSON lines.

    It refuses to begin on what `check` can know to be wrong without reading the sources. Exit code
    1: all failed.
    """
    from contentstudio import alerts, daily_report
    from overnight import Alerts

    app = session.needed_app()
    alerts.check(app.extension(Alerts))
    _check_folder(session.home)
    _check_sites(_static_folders(context.config()))
    night = _run(session, _Call(app, context.config(), datetime.now(UTC), **options))
    tell(as_json, totals(night), lambda: echo(daily_report.lines(night, context.program())))
    if night["all_failed"]:
        current.exit(1)


@dataclass(frozen=True)
class _Call:
    """One call of `up`, with its options."""

    app: App
    config: Config
    began: datetime
    once: bool
    now: bool
    retry_failed: bool
    port: int
    no_console: bool
    concurrency: int | None

    async def work(self, database: Database) -> dict[str, Any]:
        """The night's work, and then its report."""
        from contentstudio import pipelines
        from overnight.operations import queries

        others = await database.insist(lambda: queries.workers(database))
        for line in _joins(others):
            output.echo(line, err=True)
        if self.once or self.now:
            await database.insist(
                lambda: pipelines.begin(self.app, database, self.config, self.began)
            )
        if self.retry_failed:
            await self._retry_failed(database)
        async with AsyncExitStack() as stack:
            if not (self.once or self.no_console):
                url = await stack.enter_async_context(self._console(database, bool(others)))
                output.echo(f"the console is at {url}", err=True)
            await self._run_worker(database)
        return await self._report(database)

    async def _retry_failed(self, database: Database) -> None:
        from overnight.operations import dead_letters
        from overnight.operations.filters import Filter

        failed = Filter(since=self.began - LAST_NIGHT)
        done = await dead_letters.replay(self.app, database, failed, reason="up --retry-failed")
        output.echo(f"{formatting.count(done.count, 'failed job')} started again", err=True)

    def _console(self, database: Database, joins: bool) -> AbstractAsyncContextManager[str]:
        from contentstudio import console

        # The port by default is taken by the console of the worker that runs already.
        source = click.get_current_context().get_parameter_source("port")
        port = 0 if joins and source is ParameterSource.DEFAULT else self.port
        return open_console(
            self.app, database, "127.0.0.1", port, own=partial(console.build, self.config)
        )

    async def _run_worker(self, database: Database) -> None:
        what = "tonight's work" if self.once else "waiting for work; Ctrl-C ends it"
        with output.live_line(what) as note:
            await runner.work(
                self.app,
                database,
                until_idle=self.once,
                concurrency=self.concurrency,
                on_ending=note,
            )

    async def _report(self, database: Database) -> dict[str, Any]:
        from contentstudio import pipelines
        from contentstudio.store.nights import Nights

        night = await database.insist(lambda: Nights(database).since(self.began))
        if self.once:  # what an earlier call of the same night published is part of it
            since = await database.insist(
                lambda: pipelines.began(self.app, database, self.config, self.began)
            )
            whole = await database.insist(lambda: Nights(database).since(since))
            night["all_failed"] = whole["all_failed"]
        return night


def _run(session: Session, call: _Call) -> dict[str, Any]:
    """The report of a call. Its log goes to a file where a person looks on."""
    from overnight import logs

    live = sys.stderr.isatty()
    log = session.home / "contentstudio.log"
    with log.open("a", encoding="utf-8") if live else nullcontext(sys.stderr) as stream:
        logs.configure(stream)
        try:
            _preflight(call.config, context.program())
            waiting = runner.on_the_terminal if live else runner.in_the_log
            return session.run(call.work, waiting=waiting)
        except (runner.Stopped, KeyboardInterrupt):
            same = f"{context.program()} up{' --once' if call.once else ''}"
            output.echo(f"stopped; nothing is lost: {same} goes on where this ended", err=True)
            raise


def _preflight(settings: Config, program: str) -> None:
    """Refuse a night whose articles would be paid for and could not be published. A CMS that is
    down is no reason.
    """
    from contentstudio.diagnostics import preflight

    preflight.refuse(preflight.static(settings), program)
    checks = asyncio.run(preflight.logins(settings))
    preflight.refuse(checks, program)
    for each in checks:
        if each.ok is False:
            output.echo(
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


def _check_folder(folder: Path) -> None:
    """A folder that cannot be written is better known now than at night."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "no permission")
    except OSError as error:
        fix = "name another with OVERNIGHT_HOME, or publishing.dir in the config"
        raise ConfigError(f"cannot write to {folder} ({error.strerror}): {fix}") from None


def _check_sites(folders: Sequence[Path]) -> None:
    """One site that cannot be written stops no other one; a line says so. With none that can be
    written there is nothing to do.
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
        output.echo(f"{why}; the other sites go on", err=True)


@click.command()
@click.option(
    "--concurrency", type=click.IntRange(1, 1_000), help="Steps under way at once; 50 by default."
)
@pass_session
def worker(session: Session, concurrency: int | None) -> None:
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
    _check_sites(_static_folders(context.config()))
    logs.configure(sys.stderr)
    session.run(
        lambda database: runner.work(app, database, concurrency=concurrency),
        waiting=runner.in_the_log,
    )


def _static_folders(config: Config) -> list[Path]:
    """Where the active sites of plain files are published."""
    from contentstudio.config import Static

    return [
        config.folder(site)
        for site in config.site
        if site.active and isinstance(site.publish, Static)
    ]


COMMANDS = (up, worker)
