"""Work from outside: the webhook's server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from overnight import secrets
from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell, until_stopped
from overnight.errors import ConfigError, UserError

if TYPE_CHECKING:
    from overnight.store.database import Database

VARIABLE = "OVERNIGHT_WEBHOOK_SECRET"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8411,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="0: any that is free.",
)
@click.option("--new-secret", is_flag=True, help="Print a fresh secret, and end.")
@json_option
@pass_session
def serve(session: Session, host: str, port: int, new_secret: bool, as_json: bool) -> None:
    """Take signed webhooks: POST /pipelines/NAME and /events/NAME. Logs one JSON object a line on
    standard error.
    """
    try:
        from overnight import http, logs, signing
        from overnight.inbox import webhook
    except ModuleNotFoundError as missing:
        raise UserError(
            f"{missing.name} is not installed: pip install 'overnight[http]' brings it"
        ) from None

    if new_secret:
        secret = signing.new_secret()
        tell(as_json, {"secret": secret}, lambda: output.echo(secret))
        return
    app = session.needed_app()
    text = _secret()
    logs.hide(text, text.removeprefix(signing.PREFIX))
    key = signing.parse_secret(text)
    logs.configure(sys.stderr)

    async def work(database: Database) -> None:
        with http.listen(host, port) as listener:
            async with http.served(webhook.build(app, database, key), listener) as url:
                tell(
                    as_json,
                    {"url": url},
                    lambda: output.echo(f"listening on {url}; Ctrl-C ends it"),
                )
                await until_stopped()

    session.run(work)


def _secret() -> str:
    """The secret by environment, or from the file that the environment names and that its owner
    alone may read.
    """
    value = secrets.secret(VARIABLE, "the webhook secret")
    if value is None:
        raise ConfigError(
            f"there is no webhook secret: set {VARIABLE}, or {VARIABLE}_FILE to a file "
            "of mode 0600 that holds it; "
            "serve --new-secret prints a fresh one"
        )
    return value
