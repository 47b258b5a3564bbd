"""What is checked of a server: its version, its encoding, and that a connection is one session."""

from __future__ import annotations

import asyncio

import psycopg
from psycopg.conninfo import make_conninfo

from overnight.errors import ConfigError, DatabaseUnavailable, LedgerUnavailable, NotReady
from overnight.store.database import SESSION, Connection, Database, first_line, run, unavailable
from overnight.store.outages import POOLER

OLDEST_POSTGRES = 150_000
PING_SECONDS = "2"  # a server that cannot serve says so at once

SESSION_CONNECTIONS = 10  # of one worker at most
SESSION_LOOKS = 3
POOLED_LOOKS = 40  # where a pooler made up the pid: it has given another server by then
SESSION_LOOK = "select pg_backend_pid() as pid, current_setting('statement_timeout') as time_limit"
SESSION_SECONDS = 10.0  # for the whole check, which waits where a pooler has no connection left


async def check_sessions(database: Database) -> None:
    """Raises `ConfigError` where a connection is not one session all the time: then no lock and
    no limit holds.

    A pooler shows by another server behind the same connection, or by the same one behind two
    that are open.
    """
    try:
        async with (
            asyncio.timeout(SESSION_SECONDS),
            await database.connect() as one,
            await database.connect() as other,
        ):
            with unavailable():
                await _compare(one, other)
    except TimeoutError:
        raise LedgerUnavailable(
            f"the database gives no further connection within {SESSION_SECONDS:.0f} "
            "s: a worker has up to "
            f"{SESSION_CONNECTIONS} (a pooler's default_pool_size counts)"
        ) from None


async def _compare(one: Connection, other: Connection) -> None:
    looks = await run(one, SESSION_LOOK, prepare=False)
    others = []
    rounds = POOLED_LOOKS if looks[0]["pid"] != one.info.backend_pid else SESSION_LOOKS
    try:
        for number in range(rounds):
            for _ in range(number % 3):  # a rhythm of its own, so that no pool keeps step with it
                looks += await run(one, SESSION_LOOK, prepare=False)
            async with other.transaction():
                others += await run(other, SESSION_LOOK, prepare=False)
                if others[-1]["pid"] not in {row["pid"] for row in looks}:
                    # otherwise it would wait for the server that they share
                    looks += await run(one, SESSION_LOOK, prepare=False)
    except psycopg.errors.ProtocolViolation:  # a pooler that knows single statements only
        raise ConfigError(POOLER) from None
    if any(look != looks[0] for look in looks) or looks[0]["pid"] in {o["pid"] for o in others}:
        raise ConfigError(POOLER)


def check_server(version: int, encoding: str | None) -> None:
    """Raises what a person has to change at the server."""
    if version < OLDEST_POSTGRES:
        raise DatabaseUnavailable(
            f"Postgres 15 or newer is needed; this one is {version // 10_000}"
        )
    if encoding != "UTF8":
        raise ConfigError(
            f"the database stores text as {encoding}, which has not all letters: "
            "make another one by create database … encoding 'UTF8' template template0"
        )


def unreachable(error: LedgerUnavailable) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"cannot reach the database ({first_line(error)}): check OVERNIGHT_DATABASE_URL, or unset "
        "it to use the embedded Postgres"
    )


async def is_there(url: str, error: LedgerUnavailable) -> bool:
    """Whether a server answered, and said that it cannot serve now: in its own language, so libpq
    is asked.
    """
    if isinstance(error, NotReady):
        return True
    if isinstance(error.__cause__, psycopg.errors.ConnectionTimeout):
        return False
    dsn = make_conninfo(url, **SESSION | {"connect_timeout": PING_SECONDS})
    answer = await asyncio.to_thread(psycopg.pq.PGconn.ping, dsn.encode())
    return answer == psycopg.pq.Ping.REJECT
