"""Work from outside: the webhook's server."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from overnight.commandline import Session, Stopped, json_option, pass_session, tell
from overnight.errors import ConfigError, UserError

if TYPE_CHECKING:
    from overnight.database import Database

VARIABLE = "OVERNIGHT_WEBHOOK_SECRET"
FILE_VARIABLE = "OVERNIGHT_WEBHOOK_SECRET_FILE"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8411, show_default=True, type=click.IntRange(0, 65_535), help="0: any that is free.")
@click.option("--new-secret", is_flag=True, help="Print a fresh secret, and end.")
@json_option
@pass_session
def serve(session: Session, host: str, port: int, new_secret: bool, as_json: bool) -> None:
    """Take signed webhooks: POST /pipelines/NAME and /events/NAME. Logs one JSON object a line on standard error."""
    try:
        from overnight import logs, webhook
    except ModuleNotFoundError as missing:
        raise UserError(f"{missing.name} is not installed: pip install 'overnight[http]' brings it") from None

    if new_secret:
        secret = webhook.new_secret()
        tell(as_json, {"secret": secret}, lambda: click.echo(secret))
        return
    app = session.needed_app()
    text = _secret()
    logs.hide(text, text.removeprefix(webhook.PREFIX))
    key = webhook.parse_secret(text)
    logs.configure(sys.stderr)
    listener = webhook.listen(host, port)
    name = f"[{host}]" if ":" in host else host
    url = f"http://{name}:{listener.getsockname()[1]}"

    async def work(database: Database) -> None:
        # The server sends itself the signal that stopped it again when it is done. Caught here, that ends no process
        # whose database is still open.
        server = webhook.server(webhook.build(app, database, key))
        asked: list[int] = []

        def ask(number: int) -> None:
            asked.append(number)
            server.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, ask, number)
        tell(as_json, {"url": url}, lambda: click.echo(f"listening on {url}; Ctrl-C ends it"))
        await server.serve(sockets=[listener])
        if asked:
            raise Stopped(128 + asked[0])

    with listener:
        session.run(work)


def _secret() -> str:
    """The secret by environment, or from the file that the environment names and that its owner alone may read."""
    if secret := os.environ.get(VARIABLE):
        return secret.strip()
    named = os.environ.get(FILE_VARIABLE)
    if not named:
        raise ConfigError(
            f"there is no webhook secret: set {VARIABLE}, or {FILE_VARIABLE} to a file of mode 0600 that holds it; "
            "serve --new-secret prints a fresh one"
        )
    file = Path(named)
    try:
        if file.stat().st_mode & 0o077:
            raise ConfigError(f"others can read the webhook secret: chmod 600 {file}")
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {FILE_VARIABLE}: {error}") from None
