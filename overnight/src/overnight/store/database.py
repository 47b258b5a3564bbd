"""Connections to Postgres: the pool, its sessions, and errors mapped to ours."""

from __future__ import annotations

import asyncio
import select
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import chain, repeat
from typing import Any, Self, TypeVar, cast

import psycopg
from psycopg import AsyncRawCursor
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from overnight.errors import (
    ConfigError,
    DatabaseUnavailable,
    LedgerUnavailable,
    Refused,
    TooSlow,
    UserError,
)
from overnight.logs import log
from overnight.store.sql import positional

T = TypeVar("T")


Row = dict[str, Any]


Connection = psycopg.AsyncConnection[Row]


POOL_SIZE = 4
# seconds between tries while the database is away; the last one repeats
OUTAGE_PAUSES = (0.2, 0.5, 1.0, 2.0)
# a prepared statement is not there, or is already: a pooler has changed the session
POOLED = {"26000", "42P05"}
# What a statement holds is at fault in these alone: the values, the constraints, the size of a row
# or an index entry.
DATA_FAULTS = {"21", "22", "23", "54", "P0"}
# Of each connection. A black-holed socket is noticed by TCP within 15 s.
SESSION = {
    "application_name": "overnight",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "15000",
}
# A queue's statistics are out of date the moment after they were taken: whole tables look empty
# that are not. So the plans of the hot statements are made once, by what the indexes are for.
HOT = (
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off "
    "-c enable_sort=off -c enable_mergejoin=off -c jit=off"
)
HOT_SIZE = 2  # one claims while the other one finishes
# To compile a report takes longer than to run it. A stuck statement is ended after 60 s.
OPTIONS = "-c statement_timeout=60s -c timezone=UTC -c jit=off"


class Database:
    """A pool of at most `size` connections, and nothing that knows what a run is.

    `recover` is called when the server is gone: the embedded one is started again, a foreign one is
    waited for.
    `hot` connections are for the few statements that a worker makes all the time, and retries when
    one was broken.
    """

    def __init__(
        self,
        url: str,
        *,
        recover: Callable[[], None] | None = None,
        options: str = "",
        size: int = POOL_SIZE,
        hot: bool = False,
    ) -> None:
        self.url = url
        self._size = size
        self._hot = hot
        self._added = options
        self._session = _session(f"{OPTIONS} {options}")
        self._answered = False  # once it has, whatever comes is an outage, and no wrong URL
        self._recover = recover
        self._recovering = asyncio.Lock()
        self._pool: AsyncConnectionPool[Connection] | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect. Raises `DatabaseUnavailable` in one sentence when nobody answers, or the server
        is too old.

        One that is there and cannot serve, or that has been there before, is an outage:
        `LedgerUnavailable`.
        """
        from overnight.store.checks import check_server, is_there, unreachable

        try:
            async with await self.connect() as connection:
                version = connection.info.server_version
                encoding = connection.info.parameter_status("server_encoding")
        except LedgerUnavailable as error:
            self._answered = self._answered or await is_there(self.url, error)
            if self._recover is not None or self._answered:
                raise
            raise unreachable(error) from None
        except psycopg.ProgrammingError as error:
            raise ConfigError(
                f"OVERNIGHT_DATABASE_URL is not a Postgres URL: {first_line(error)}"
            ) from None
        check_server(version, encoding)
        self._answered = True
        self._pool = AsyncConnectionPool(
            self.url,
            kwargs=self._settings(),
            min_size=1,
            max_size=self._size,
            timeout=10,
            reconnect_timeout=5,
            configure=self._begin,
            check=None if self._hot else _check,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    def hot(self) -> Database:
        """Another pool on the same server, not yet open, whose plans are made once and never scan a
        table.
        """
        hot = Database(
            self.url, recover=self._recover, options=f"{self._added} {HOT}", size=HOT_SIZE, hot=True
        )
        hot._answered = self._answered
        return hot

    async def connect(self) -> Connection:
        """A connection of one's own, outside the pool (to listen, to migrate). Raises
        `LedgerUnavailable`.
        """
        with unavailable():
            connection = cast(
                Connection, await psycopg.AsyncConnection.connect(self.url, **self._settings())
            )
            try:
                await self._begin(connection)
            except BaseException:
                await connection.close()
                raise
            return connection

    def connect_sync(self) -> psycopg.Connection[Row]:
        """The same for a thread of its own."""
        with unavailable():
            connection = cast(
                psycopg.Connection[Row], psycopg.connect(self.url, **self._settings())
            )
            try:
                self._note_pooler(connection, connection.execute(self._session).fetchone())
            except BaseException:
                connection.close()
                raise
            return connection

    async def _begin(self, connection: Connection) -> None:
        """Set what holds for the session. Not by the start-up packet: a pooler ignores that, or
        refuses it.
        """
        cursor = await connection.execute(self._session, prepare=False)
        self._note_pooler(connection, await cursor.fetchone())

    def _note_pooler(
        self, connection: psycopg.AsyncConnection[Row] | psycopg.Connection[Row], row: Row | None
    ) -> None:
        """Prepare nothing by itself where a pooler is in between, which shows by the pid that it
        made up.

        Its next client could find a statement of the same name, and another meaning. A worker has
        checked its sessions.
        """
        if row is not None and row["pid"] != connection.info.backend_pid and not self._hot:
            connection.prepare_threshold = None

    async def check_sessions(self) -> None:
        """Raises `ConfigError` where a connection is not one session all the time."""
        from overnight.store.checks import check_sessions

        await check_sessions(self)

    def _settings(self) -> dict[str, Any]:
        # The driver would look for the names in a long query each time; raw, it takes numbers,
        # which are put in once.
        hot = {"prepare_threshold": 0, "cursor_factory": AsyncRawCursor} if self._hot else {}
        return {**SESSION, **hot, "autocommit": True, "row_factory": dict_row}

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool. Failures of the server itself come out as
        `LedgerUnavailable`.
        """
        if self._pool is None:
            raise RuntimeError("the database is not open")
        task = asyncio.current_task()
        cancellations = task.cancelling() if task else 0
        with unavailable():
            async with self._pool.connection() as connection:
                # The pool loses a cancellation that comes at the same moment as the connection.
                if task is not None and task.cancelling() > cancellations:
                    raise asyncio.CancelledError
                yield connection

    async def fetch(
        self,
        sql: str,
        params: Mapping[str, Any] | Sequence[Any] = (),
        *,
        prepare: bool | None = None,
    ) -> list[Row]:
        """Every row of one statement. A refusal by the ledger's guards comes out as its own error.

        With `prepare` False it is planned anew for these very parameters.
        """
        async with self.connection() as connection:
            return await run(connection, sql, params, prepare=prepare)

    async def one(self, sql: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        rows = await self.fetch(sql, params)
        return rows[0] if rows else None

    async def insist(
        self,
        call: Callable[[], Awaitable[T]],
        unless: asyncio.Event | None = None,
        *,
        tries: int | None = None,
    ) -> T:
        """Call until the database answers (or `tries` times), bringing it back where it is ours to
        bring back.

        For what must be written because it has happened, such as the outcome of a call that was
        paid for. `call` may run again after it was carried out, if the answer got lost: it has to
        be guarded or idempotent. Once `unless` is set, `LedgerUnavailable` comes out instead of
        another try.
        """
        for failed, pause in enumerate(chain(OUTAGE_PAUSES, repeat(OUTAGE_PAUSES[-1])), start=1):
            try:
                return await call()
            except (LedgerUnavailable, TooSlow) as error:
                if failed == tries or (unless is not None and unless.is_set()):
                    raise
                log.warning("database away", error=str(error), pause_seconds=pause)
                await asyncio.sleep(pause)
                await self.bring_back()
        raise AssertionError

    async def bring_back(self) -> None:
        """Start the embedded server again if it is gone; a foreign one is only waited for."""
        if self._recover is not None:
            async with self._recovering:
                try:
                    await asyncio.to_thread(self._recover)
                except DatabaseUnavailable as error:
                    log.error("database cannot be started", error=str(error))


@contextmanager
def unavailable() -> Iterator[None]:
    """What says that the server itself is gone comes out as `LedgerUnavailable`."""
    try:
        yield
    except psycopg.Error as error:
        from overnight.store.outages import away

        if (outage := away(error)) is None:
            raise
        raise outage from error


async def run(
    connection: Connection,
    sql: str,
    params: Mapping[str, Any] | Sequence[Any] = (),
    *,
    prepare: bool | None = None,
) -> list[Row]:
    """One statement on a given connection."""
    try:
        cursor = await _execute(connection, sql, params, prepare)
    except psycopg.Error as error:
        if error.sqlstate in POOLED:  # what it has prepared is not there, and never will be
            await connection.close()
        from overnight.store.outages import meaning

        refusal = meaning(error)
        raise refusal from (None if isinstance(refusal, UserError) else error)
    except UnicodeError as error:
        raise Refused(f"the database cannot store this text: {error}") from error
    return await cursor.fetchall() if cursor.description is not None else []


async def _execute(
    connection: Connection,
    sql: str,
    params: Mapping[str, Any] | Sequence[Any],
    prepare: bool | None,
) -> psycopg.AsyncCursor[Row]:
    if connection.cursor_factory is not AsyncRawCursor or not isinstance(params, Mapping):
        return await connection.execute(sql, params or None, prepare=prepare)
    text, names = positional(sql)
    return await connection.execute(text, [params[name] for name in names])


async def _check(connection: Connection) -> None:
    """Before a connection of the pool is used. One whose socket speaks though nothing was asked has
    lost its server, or has been told of a setting: only then is it worth a round trip to know.
    """
    ear = select.poll()
    ear.register(connection.fileno(), select.POLLIN)
    if ear.poll(0):
        await AsyncConnectionPool.check_connection(connection)


def is_fault_of_data(refusal: Exception) -> bool:
    """Whether a statement was refused for what it holds: it will be again, whatever is mended in
    the database.
    """
    cause = refusal.__cause__
    return not isinstance(cause, psycopg.Error) or (cause.sqlstate or "")[:2] in DATA_FAULTS


def _session(options: str) -> str:
    """The statement that sets `-c name=value …` for a session, and gives the pid of its server."""
    settings = dict(option.split("=", 1) for option in shlex.split(options) if option != "-c")
    sets = ", ".join(
        f"set_config({_literal(name)}, {_literal(value)}, false)"
        for name, value in settings.items()
    )
    return f"select pg_backend_pid() as pid, {sets}"


def _literal(text: str) -> str:
    return psycopg.sql.Literal(text).as_string(None)


def first_line(error: BaseException) -> str:
    """The telling line of a driver's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
