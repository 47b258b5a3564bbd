"""The frame of a command line: what a command works with, how it answers, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from overnight import formatting, secrets
from overnight.cli import output
from overnight.errors import InvalidPayload, LedgerUnavailable, OvernightError, UserError

if TYPE_CHECKING:
    from overnight.standard import App
    from overnight.store.database import Database
    from overnight.store.records import Ending

T = TypeVar("T")


@dataclass
class Session:
    """What a command works with. `app` is loaded when first asked for; None where no
    app was named.
    """

    home: Path
    app: Callable[[], App | None]

    def needed_app(self) -> App:
        app = self.app()
        if app is None:
            raise UserError("this command needs the pipelines: name them with --app module:name")
        return app

    def run(
        self,
        work: Callable[[Database], Awaitable[T]],
        *,
        waiting: Callable[[str], None] | None = None,
    ) -> T:
        """Do something with the open database. With `waiting` one that cannot serve yet is waited
        for.
        """
        from overnight.postgres.open import opened

        async def main() -> T:
            app = self.app()
            folders = [app.schema] if app and app.schema else []
            async with opened(self.home, *folders, waiting=waiting) as database:
                return await work(database)

        return asyncio.run(main())


def in_the_log(_: str) -> None:
    """Who waits for the database has said so there."""


def on_the_terminal(why: str) -> None:
    """For a person whose log goes to a file."""
    output.echo(f"waiting for the database ({why}); Ctrl-C ends it", err=True)


pass_session = click.make_pass_decorator(Session)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output, for scripts."
)


def tell(as_json: bool, data: Any, render: Callable[[], None]) -> None:
    """To a script, or to a person."""
    if as_json:
        output.echo(formatting.as_json(data))
    else:
        render()


async def work(
    app: App,
    database: Database,
    *,
    until_idle: bool = False,
    concurrency: int | None = None,
    on_ending: Callable[[Ending], None] = lambda _: None,
) -> None:
    """Run a worker until it is idle or asked to stop. The first Ctrl-C lets running steps end, the
    second does not.
    """
    from overnight.alerts import Alerts
    from overnight.engine.maintenance import Maintenance
    from overnight.engine.worker import CONCURRENCY, Worker
    from overnight.store.ledger import Ledger

    worker = Worker(app, database, concurrency=concurrency or CONCURRENCY, on_ending=on_ending)
    signals: list[int] = []

    def ask(number: int) -> None:
        if signals:
            os._exit(128 + number)
        signals.append(number)
        worker.stop()
        with suppress(OSError):  # the terminal may be what has gone
            output.echo(
                "stopping: running steps may end, the rest is handed back (again: at once)",
                err=True,
            )

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask, number)
    await worker.run(until_idle=until_idle)
    alerts = app.extension(Alerts)
    if until_idle and (
        alerts.channels or alerts.heartbeat
    ):  # no later tick would tell of how it ended
        await Maintenance(app, Ledger(database)).flush()
    if signals:
        raise Stopped(128 + signals[0])


async def until_stopped() -> NoReturn:
    """Wait for the signal to end. Raises `Stopped`."""
    stopping: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def ask(number: int) -> None:
        if not stopping.done():
            stopping.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ask, number)
    raise Stopped(128 + await stopping)


class Stopped(Exception):
    """The process was asked to stop, and did."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


def main(group: click.Group, program: str) -> NoReturn:
    """Run a command line. What a person can mend is one sentence and exit code 2; never a
    traceback.
    """
    try:
        secrets.load_file()
        code = group.main(prog_name=program, standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except Stopped as stopped:
        code = stopped.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except (UserError, InvalidPayload, LedgerUnavailable) as error:
        output.echo(f"{program}: {error}", err=True)
        code = 2
    except OSError as error:
        output.echo(
            f"{program}: "
            f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}",
            err=True,
        )
        code = 1
    except Exception as error:
        if os.environ.get("OVERNIGHT_DEBUG"):
            raise
        what = (
            str(error)
            if isinstance(error, OvernightError)
            else f"a fault of ours, {type(error).__name__}: {error}"
        )
        output.echo(f"{program}: {what} (OVERNIGHT_DEBUG=1 shows where)", err=True)
        code = 1
    if any(thread.name.startswith(("step_", "alert_")) for thread in threading.enumerate()):
        os._exit(code)  # a step's plain function that never returns would hold the process for ever
    sys.exit(code)
