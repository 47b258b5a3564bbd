"""Whether a connection is one session all the time: workers and migrations need that."""

from __future__ import annotations

import asyncio

import psycopg

from overnight.errors import ConfigError, LedgerUnavailable
from overnight.store.database import POOLER, Connection, Database, run, unavailable

SESSION_CONNECTIONS = 10  # of one worker at most
SESSION_LOOKS = 3  # a pooler that deals out its servers in turn has given another one by then
SESSION_LOOK = "select pg_backend_pid() as pid, current_setting('statement_timeout') as time_limit"
SESSION_SECONDS = 10.0  # for the whole check, which waits where a pooler has no connection left


async def check(database: Database) -> None:
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
    try:
        seen = [await run(one, SESSION_LOOK) for _ in range(SESSION_LOOKS)]
        async with other.transaction():
            (held,) = await run(other, SESSION_LOOK)
            if held["pid"] not in {
                row["pid"] for (row,) in seen
            }:  # else the first would wait for its server
                seen.append(await run(one, SESSION_LOOK))
    except psycopg.errors.ProtocolViolation:  # a pooler that knows single statements only
        raise ConfigError(POOLER) from None
    if any(look != seen[0] for look in seen) or held["pid"] == seen[0][0]["pid"]:
        raise ConfigError(POOLER)
