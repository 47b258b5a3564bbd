"""`overnight`: the engine's own command line, for any pipeline app."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from overnight.cli import commands, output, runner
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.postgres.server import EmbeddedServer
    from overnight.standard import App
    from overnight.store.database import Database


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--app",
    "reference",
    metavar="MODULE:NAME",
    envvar="OVERNIGHT_APP",
    help="The pipelines: an overnight.App.",
)
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    help="Where the embedded Postgres lives (OVERNIGHT_HOME).",
)
@click.version_option(package_name="overnight", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context, reference: str | None, home: Path | None) -> None:
    """Runs pipelines that nobody watches, on Postgres, so that they fail safely."""
    from overnight.postgres.open import home_folder

    def load() -> App | None:
        if reference is None:
            return None
        from overnight.standard import load_app

        sys.path.insert(0, str(Path.cwd()))
        return load_app(reference)

    context.obj = Session(home.absolute() if home else home_folder(), load)


commands.add_to(cli)


@cli.command()
@click.option("--until-idle", is_flag=True, help="End when nothing is running and nothing is due.")
@pass_session
def worker(session: Session, until_idle: bool) -> None:
    """Run the app's pipelines. Logs one JSON object a line on standard error."""
    from overnight import logs

    app = session.needed_app()
    logs.configure(sys.stderr)
    session.run(
        lambda database: runner.work(app, database, until_idle=until_idle),
        waiting=runner.in_the_log,
    )


@cli.command()
@json_option
@pass_session
def migrate(session: Session, as_json: bool) -> None:
    """Create the schema, or bring it up to date."""

    async def nothing_more(database: Database) -> list[str]:
        return [
            f"{r['package']}/{r['number']:04}_{r['name']}"
            for r in await database.fetch("table migrations")
        ]

    there = session.run(nothing_more)
    tell(
        as_json,
        {"schema": there},
        lambda: output.echo(f"the schema is up to date: {', '.join(there)}"),
    )


@cli.group()
def db() -> None:
    """The embedded Postgres: kept running until told to stop."""


def _server(session: Session) -> EmbeddedServer:
    from overnight.postgres.server import EmbeddedServer

    if os.environ.get("OVERNIGHT_DATABASE_URL"):
        raise UserError(
            "OVERNIGHT_DATABASE_URL names another Postgres, so there is no embedded one: "
            "unset it first"
        )
    return EmbeddedServer(session.home)


@db.command("start")
@json_option
@pass_session
def db_start(session: Session, as_json: bool) -> None:
    """Start the embedded server, and keep it running after this command."""
    server = _server(session)
    server.hold()
    server.keep(True)
    server.release()
    tell(as_json, {"url": server.url, "running": True}, lambda: output.echo(server.url))


@db.command("stop")
@json_option
@pass_session
def db_stop(session: Session, as_json: bool) -> None:
    """Stop the embedded server."""
    server = _server(session)
    server.keep(False)
    stopped = server.stop()
    tell(
        as_json,
        {"stopped": stopped},
        lambda: output.echo("stopped" if stopped else "it was not running"),
    )


@db.command("url")
@json_option
@pass_session
def db_url(session: Session, as_json: bool) -> None:
    """The DSN in use, on one line."""
    url = os.environ.get("OVERNIGHT_DATABASE_URL") or _server(session).url
    tell(as_json, {"url": url}, lambda: output.echo(url))


@db.command("shell")
@pass_session
def db_shell(session: Session) -> None:
    """psql on the database in use."""
    import shutil
    import subprocess

    url = os.environ.get("OVERNIGHT_DATABASE_URL")
    if url:
        psql = shutil.which("psql")
        if psql is None:
            raise UserError("psql is not on the PATH: install a Postgres client")
        sys.exit(subprocess.call([psql, url]))
    server = _server(session)
    server.hold()
    try:
        bundled = server.binaries.folder / "psql"
        psql = str(bundled) if bundled.is_file() else shutil.which("psql")
        if psql is None:
            raise UserError("psql is not on the PATH: install a Postgres client")
        code = subprocess.call([psql, server.url])
    finally:
        server.release()
    sys.exit(code)


def main() -> None:
    runner.main(cli, "overnight")


if __name__ == "__main__":
    main()
