"""The console: its command, and the tokens of its API."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import click

from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell, until_stopped
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.console.extension import Console
    from overnight.standard import App
    from overnight.store.database import Database

PORT = 8400


def console_command(own: Callable[[], Console] | None) -> click.Command:
    """`console`, with what the app adds to it."""

    @click.command("console")
    @click.option(
        "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
    )
    @click.option(
        "--port",
        default=PORT,
        show_default=True,
        type=click.IntRange(0, 65_535),
        help="0: any free one.",
    )
    @click.option("--https", is_flag=True, help="It is reached by https, through a proxy of yours.")
    @json_option
    @pass_session
    def console(session: Session, host: str, port: int, https: bool, as_json: bool) -> None:
        """The pages in the browser. Others than this machine need a password."""
        from overnight import logs

        app = session.needed_app()
        logs.configure(sys.stderr)

        async def work(database: Database) -> None:
            async with open_console(app, database, host, port, own=own, https=https) as url:
                tell(
                    as_json,
                    {"url": url},
                    lambda: output.echo(f"the console is at {url}; Ctrl-C ends it"),
                )
                await until_stopped()

        session.run(work)

    return console


@asynccontextmanager
async def open_console(
    app: App,
    database: Database,
    host: str,
    port: int,
    *,
    own: Callable[[], Console] | None = None,
    https: bool = False,
) -> AsyncIterator[str]:
    """The console, served as long as the block lasts; gives its URL. Raises `UserError` where it
    cannot be.
    """
    try:
        from overnight import http
        from overnight.console import access, site
        from overnight.console.extension import Console
    except ModuleNotFoundError as missing:
        raise UserError(
            f"{missing.name} is not installed: pip install 'overnight[console]' brings it"
        ) from None

    may = access.Access.from_environment()
    may.check_host(host)
    with http.listen(host, port) as listener:
        built = site.build(app, database, may, own=own() if own else Console(), secure=https)
        async with http.served(built, listener) as url:
            yield url


@click.group("token")
def token() -> None:
    """Tokens of the console's API: for scripts on other machines."""


@token.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["view", "edit", "operate"]),
    default="view",
    show_default=True,
    help="What it may: look; edit and decide, too; or everything.",
)
@json_option
@pass_session
def token_add(session: Session, name: str, role: Any, as_json: bool) -> None:
    """A new token NAME. It is shown this once."""
    from overnight.console import access

    token = session.run(lambda database: access.add_token(database, name, role))
    tell(as_json, {"name": name, "role": role, "token": token}, lambda: output.echo(token))


@token.command("remove")
@click.argument("name")
@json_option
@pass_session
def token_remove(session: Session, name: str, as_json: bool) -> None:
    """Make the token NAME worthless."""
    from overnight.console import access

    session.run(lambda database: access.remove_token(database, name))
    tell(as_json, {"removed": name}, lambda: output.echo(f"{name} opens nothing any more"))


@token.command("list")
@json_option
@pass_session
def token_list(session: Session, as_json: bool) -> None:
    """Who has a token."""
    from overnight.console import access

    rows = session.run(access.tokens)
    columns = {"name": "name", "role": "may", "created_by": "made by", "created_at": "made (UTC)"}
    tell(
        as_json,
        {"tokens": rows},
        lambda: output.table("", rows, columns, empty="There is no token."),
    )
