"""What one sandbox keeps between invocations: an event loop, the app and its connections.

A sandbox is frozen after each answer, for minutes or for ever. A connection that died meanwhile is
replaced when it is used next; where the database does not answer at all, everything is opened anew,
with the secrets as they are by then.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import Any, TypeVar

import structlog

from overnight import logs
from overnight.aws import secrets
from overnight.aws.hints import Notify, Transport
from overnight.aws.sqs import Queue
from overnight.engine.maintenance import Maintenance
from overnight.errors import ConfigError, DatabaseUnavailable, LedgerUnavailable
from overnight.logs import log
from overnight.standard import App
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.migrations import migrate

T = TypeVar("T")

DATABASE, QUEUE = "OVERNIGHT_DATABASE_URL", "OVERNIGHT_QUEUE_URL"
TRACE = "_X_AMZN_TRACE_ID"  # what Lambda calls it
# of the pool; a worker has up to two hot ones and its heart beside it, so a sandbox has at most
# five
CONNECTIONS = 2
FAREWELL = 2.0  # seconds in which what is open is closed
AWAY = (LedgerUnavailable, DatabaseUnavailable)


class Warm:
    """The app with its database, open. `queue` is None where hints go by NOTIFY to workers that
    listen.
    """

    def __init__(
        self, app: App, database: Database, queue: Queue | None, stack: AsyncExitStack
    ) -> None:
        self.app = app
        self.database = database
        self.ledger = Ledger(database)
        self.maintenance = Maintenance(app, self.ledger)
        self.queue = queue
        self.transport: Transport = queue or Notify(database)
        self.site: Any = None  # of the console, where this sandbox is the console's
        self._stack = stack
        self._for_steps: tuple[Database, Any] | None = None

    async def for_steps(self) -> tuple[Database, Any]:
        """The hot connections, and what steps lean on; opened when they are first asked for."""
        if self._for_steps is None:
            await self.database.check_sessions()
            hot = self.database.hot()
            await hot.open()
            self._stack.push_async_callback(hot.close)
            deps = await self._stack.enter_async_context(self.app.resources(self.database))
            await self.maintenance.start()
            self._for_steps = (hot, deps)
        return self._for_steps

    async def close(self) -> None:
        """Close what can be closed soon, and forget the rest."""
        with suppress(Exception):
            async with asyncio.timeout(FAREWELL):
                await self._stack.aclose()


class Sandbox:
    """Runs one invocation after the other on what it keeps warm. `create` makes the app, with the
    secrets at hand.
    """

    def __init__(self, create: Callable[[], App]) -> None:
        self._create = create
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: Queue | None = None
        self._warm: Warm | None = None

    def run(self, context: Any, work: Callable[[Warm], Awaitable[T]]) -> T:
        """The work of an invocation. Its lines of the log carry the request's id, and its X-Ray
        trace if it has one.

        Raises what the work raises; after `LedgerUnavailable` or `DatabaseUnavailable` nothing is
        warm any more.
        """
        if self._loop is None:
            logs.configure(sys.stdout)
            secrets.load()
            self._queue = Queue(os.environ[QUEUE]) if os.environ.get(QUEUE) else None
            self._loop = asyncio.new_event_loop()
        with _told(context):
            return self._loop.run_until_complete(self._run(work))

    def put_off(self, messages: Mapping[str, float]) -> None:
        """Let messages be seen again, by receipt handle, so many seconds from now; after `run`."""
        if self._queue is not None and self._loop is not None:
            for receipt, seconds in messages.items():
                self._loop.run_until_complete(self._queue.put_off(receipt, seconds))

    async def _run(self, work: Callable[[Warm], Awaitable[T]]) -> T:
        """What was frozen may have died: then the work is done again on what is opened anew, and
        has to bear that.
        """
        was_frozen = self._warm is not None
        try:
            return await self._try(work)
        except AWAY:
            if not was_frozen:
                raise
        return await self._try(work)

    async def _try(self, work: Callable[[Warm], Awaitable[T]]) -> T:
        if self._warm is None:
            self._warm = await self._open()
        try:
            return await work(self._warm)
        except AWAY:
            await self._warm.close()
            self._warm = None
            raise

    async def _open(self) -> Warm:
        """A database that does not let us in may have a new password: the secrets are read again,
        once.
        """
        try:
            return await _opened(self._create(), self._queue)
        except AWAY:
            if not await asyncio.to_thread(secrets.load):
                raise
            log.info("the secrets have changed")
            return await _opened(self._create(), self._queue)


async def _opened(app: App, queue: Queue | None) -> Warm:
    url = os.environ.get(DATABASE)
    if not url:
        raise ConfigError(
            f"there is no {DATABASE}: put it into a secret that {secrets.SECRETS} names"
        )
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(url, size=CONNECTIONS))
        await migrate(database, *([app.schema] if app.schema else []))
        return Warm(app, database, queue, stack.pop_all())


@contextmanager
def _told(context: Any) -> Iterator[None]:
    """Who asks, in every line of the log."""
    about = {"request_id": getattr(context, "aws_request_id", None), "trace_id": _trace()}
    with structlog.contextvars.bound_contextvars(
        **{name: value for name, value in about.items() if value}
    ):
        yield


def _trace() -> str | None:
    """The root of the X-Ray trace, as X-Ray's pages write it."""
    parts = dict(part.split("=", 1) for part in os.environ.get(TRACE, "").split(";") if "=" in part)
    return parts.get("Root")
