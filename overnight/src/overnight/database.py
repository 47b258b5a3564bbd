"""One Postgres: an embedded one by default, any other by its URL. A capped pool, and the migrations."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import psycopg
import structlog
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from overnight.errors import ConfigError, DatabaseUnavailable, IdConflict, IllegalTransition, LedgerUnavailable, Refused
from overnight.sql import SqlFolder, queries

if TYPE_CHECKING:
    from overnight.embedded import EmbeddedServer

log = structlog.get_logger()
T = TypeVar("T")

Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]

MIGRATION_LOCK = 0x6F7665726E69  # "overni", so that several starters apply each migration once
OLDEST_POSTGRES = 150_000
POOL_SIZE = 4
OUTAGE_PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds between tries while the database is away; the last one repeats

# Classes of SQLSTATE that say "not now": connection, rollback (deadlock), resources, object in use, operator, system.
OUTAGES = {"08", "40", "53", "55", "57", "58"}
TOO_SLOW, READ_ONLY = "57014", "25006"  # a statement past its time limit is its own fault; a standby is an outage

# Settings of each session. A black-holed socket is noticed by TCP within 15 s, a stuck statement is ended after 60 s.
SESSION = {
    "application_name": "overnight",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "15000",
}
OPTIONS = "-c statement_timeout=60s -c timezone=UTC"


class Database:
    """A pool of at most `POOL_SIZE` connections for each process, and nothing that knows what a run is.

    `recover` is called when the server is gone: the embedded one is started again, a foreign one is waited for.
    """

    def __init__(self, url: str, *, recover: Callable[[], None] | None = None, options: str = "") -> None:
        self.url = url
        self.options = f"{OPTIONS} {options}".strip()
        self._recover = recover
        self._recovering = asyncio.Lock()
        self._pool: AsyncConnectionPool[Connection] | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect. Raises `DatabaseUnavailable` in one sentence when nobody answers, or the server is too old."""
        try:
            async with await self.connect() as connection:
                version = connection.info.server_version
        except LedgerUnavailable as error:
            if self._recover is not None:
                raise
            raise DatabaseUnavailable(
                f"cannot reach the database ({first_line(error)}): check OVERNIGHT_DATABASE_URL, or unset it to use "
                "the embedded Postgres"
            ) from None
        except psycopg.ProgrammingError as error:
            raise ConfigError(f"OVERNIGHT_DATABASE_URL is not a Postgres URL: {first_line(error)}") from None
        if version < OLDEST_POSTGRES:
            raise DatabaseUnavailable(f"Postgres 15 or newer is needed; this one is {version // 10_000}")
        self._pool = AsyncConnectionPool(
            self.url,
            kwargs=self._settings(),
            min_size=1,
            max_size=POOL_SIZE,
            timeout=10,
            reconnect_timeout=5,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def connect(self) -> Connection:
        """A connection of one's own, outside the pool (to listen, to migrate). Raises `LedgerUnavailable`."""
        with unavailable():
            return cast(Connection, await psycopg.AsyncConnection.connect(self.url, **self._settings()))

    def connect_sync(self) -> psycopg.Connection[Row]:
        """The same for a thread of its own."""
        with unavailable():
            return cast(psycopg.Connection[Row], psycopg.connect(self.url, **self._settings()))

    def _settings(self) -> dict[str, Any]:
        return {**SESSION, "options": self.options, "autocommit": True, "row_factory": dict_row}

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool. Failures of the server itself come out as `LedgerUnavailable`."""
        if self._pool is None:
            raise RuntimeError("the database is not open")
        with unavailable():
            async with self._pool.connection() as connection:
                yield connection

    async def fetch(self, sql: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> list[Row]:
        """Every row of one statement. A refusal by the ledger's guards comes out as its own error."""
        async with self.connection() as connection:
            return await run(connection, sql, params)

    async def one(self, sql: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        rows = await self.fetch(sql, params)
        return rows[0] if rows else None

    async def insist(self, call: Callable[[], Awaitable[T]], unless: asyncio.Event | None = None) -> T:
        """Call until the database answers, bringing it back where it is ours to bring back.

        For what must be written because it has happened, such as the outcome of a call that was paid for. `call` may
        run again after it was carried out, if the answer got lost: it has to be guarded or idempotent. Once `unless`
        is set, `LedgerUnavailable` comes out instead of another try.
        """
        for pause in chain(OUTAGE_PAUSES, repeat(OUTAGE_PAUSES[-1])):
            try:
                return await call()
            except LedgerUnavailable as error:
                if unless is not None and unless.is_set():
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
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed) as error:
        raise LedgerUnavailable(f"the database does not answer: {first_line(error)}") from error


async def run(connection: Connection, sql: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> list[Row]:
    """One statement on a given connection."""
    try:
        cursor = await connection.execute(sql, params or None)
    except psycopg.Error as error:
        if error.sqlstate == "OV001":
            raise IdConflict(f"{error.diag.message_primary}; {error.diag.message_hint}") from None
        if error.sqlstate == "OV002":
            raise IllegalTransition(error.diag.message_primary) from None
        raise (_outage(error) or Refused(f"the database refused it: {first_line(error)}")) from error
    except UnicodeError as error:
        raise Refused(f"the database cannot store this text: {error}") from error
    return await cursor.fetchall() if cursor.description else []


def _outage(error: psycopg.Error) -> LedgerUnavailable | None:
    state = error.sqlstate
    lost = (
        isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        if state is None
        else (state == READ_ONLY or (state[:2] in OUTAGES and state != TOO_SLOW))
    )
    return LedgerUnavailable(f"the database does not answer: {first_line(error)}") if lost else None


def first_line(error: BaseException) -> str:
    """The telling line of a driver's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


async def migrate(database: Database, *folders: SqlFolder) -> list[str]:
    """Apply what is missing and return its names. Safe for several starters at once; each file is one transaction.

    A file that changed after it was applied is an error: the database and the code no longer agree on what it did.
    """
    applied: list[str] = []
    with unavailable():
        await _migrate(database, folders, applied)
    return applied


async def _migrate(database: Database, folders: Sequence[SqlFolder], applied: list[str]) -> None:
    async with await database.connect() as connection:
        await connection.execute("select pg_advisory_lock(%s)", [MIGRATION_LOCK])
        await connection.execute(queries["migrations_table"])
        for folder in (queries, *folders):
            known = {
                row["number"]: row["checksum"]
                for row in await run(connection, queries["migrations_read"], {"package": folder.package})
            }
            for number, name, text in folder.migrations():
                checksum = hashlib.sha256(text.encode()).hexdigest()
                if number not in known:
                    await _apply(connection, folder.package, number, name, text, checksum)
                    applied.append(f"{folder.package}/{number:04}_{name}")
                elif known[number] != checksum:
                    raise ConfigError(
                        f"migration {number:04}_{name} of {folder.package} was changed after it was applied: "
                        "use the version that made this ledger, or begin a new one"
                    )


async def _apply(connection: Connection, package: str, number: int, name: str, text: str, checksum: str) -> None:
    async with connection.transaction():
        await connection.execute(text)
        await run(
            connection,
            queries["migrations_note"],
            {"package": package, "number": number, "name": name, "checksum": checksum},
        )


def home_folder(beside: Path | None = None) -> Path:
    """Where the embedded server lives: OVERNIGHT_HOME, or `.overnight` beside the config (or in this folder)."""
    named = os.environ.get("OVERNIGHT_HOME")
    return Path(named).expanduser().absolute() if named else (beside or Path.cwd()).absolute() / ".overnight"


@asynccontextmanager
async def opened(home: Path, *folders: SqlFolder, options: str = "") -> AsyncIterator[Database]:
    """The database in use, with its schema up to date: OVERNIGHT_DATABASE_URL, or the embedded one in `home`."""
    url = os.environ.get("OVERNIGHT_DATABASE_URL")
    if url:
        async with Database(url, options=options) as database:
            await migrate(database, *folders)
            yield database
        return
    server = await asyncio.to_thread(_start_embedded, home)
    try:
        database = Database(server.url, recover=server.start, options=options)
        await database.insist(database.open)
        try:
            await database.insist(lambda: migrate(database, *folders))
            yield database
        finally:
            await database.close()
    finally:
        await asyncio.to_thread(server.release)


def _start_embedded(home: Path) -> EmbeddedServer:
    from overnight.embedded import EmbeddedServer

    server = EmbeddedServer(home)
    server.hold()
    return server
