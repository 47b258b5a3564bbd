"""Migrations: numbered SQL files, each applied once, beside live workers."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psycopg

from overnight.errors import ConfigError, UserError
from overnight.logs import log
from overnight.store.database import Connection, Database, Row, first_line, run, unavailable
from overnight.store.sql import SqlFolder, queries

MIGRATION_LOCK = 0x6F7665726E69  # "overni", so that several starters apply each migration once
MIGRATION_PAUSE = 0.5  # seconds between two looks at whether another starter is done
LOCK_TIMEOUT = (
    1_500  # ms for which a migration waits for a lock: a sweep of autovacuum steps aside after 1 s
)
LOCK_PAUSES = (
    0.5,
    1.0,
    2.0,
    4.0,
    8.0,
    *[15.0] * 7,
)  # seconds between its tries; it gives up after two minutes
INDEX_CONCURRENTLY = re.compile(
    r"(?:create(?: unique)?|drop) index concurrently if (?:not )?exists (\S+)", re.I
)


@dataclass(frozen=True, slots=True)
class Migration:
    """A file of a schema. It is applied as one transaction, so it may lock one table that others
    use, and briefly.

    One whose first line begins with `-- concurrently` is applied statement by statement, outside a
    transaction, beside whoever works: it makes indexes, and whatever else may run again after it
    was cut off.
    """

    package: str
    number: int
    name: str
    text: str

    @property
    def label(self) -> str:
        return f"{self.package}/{self.number:04}_{self.name}"

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def is_concurrent(self) -> bool:
        return self.text.startswith("-- concurrently")

    def statements(self) -> list[str]:
        """The statements of a concurrent file: each ends with a semicolon at the end of
        its line.
        """
        bare = re.sub(r"--.*", "", self.text)
        return [
            part.strip() for part in re.split(r";[ \t]*$", bare, flags=re.MULTILINE) if part.strip()
        ]


async def migrate(database: Database, *folders: SqlFolder) -> list[str]:
    """Apply what is missing, beside whoever works, and return its names. One starter applies, the
    others wait.

    A ledger that knows migrations which this code does not know is a newer one, and fine. A file
    that changed after it was applied is a `ConfigError`: the database and the code no longer agree
    on what it did. Raises `UserError` where others hold a lock all the time; the same call goes on
    where it stopped.
    """
    migrations = [
        Migration(folder.package, number, name, text)
        for folder in (queries, *folders)
        for number, name, text in folder.migrations()
    ]
    with unavailable():
        async with await database.connect() as connection:
            applied = await _applied(connection, migrations)
            if newer := _newer(migrations, applied):
                log.info("the ledger is newer than this code", migrations=newer)
            missing = _missing(migrations, applied)
            if missing:
                await (
                    database.check_sessions()
                )  # a lock that stays with a pooler's server would stop every later start
                await connection.execute(
                    "set statement_timeout = 0"
                )  # the index of a big table takes its time
                await _be_the_one(connection)
                with _permitted():
                    await connection.execute(queries["migrations_table"])
                missing = _missing(migrations, await _applied(connection, migrations))
            for migration in missing:
                with _permitted():
                    await _apply(connection, migration)
    return [migration.label for migration in missing]


@contextmanager
def _permitted() -> Iterator[None]:
    try:
        yield
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidSchemaName) as error:
        raise ConfigError(
            "the user of OVERNIGHT_DATABASE_URL may not make the schema "
            f"({first_line(error)}): let it own the database"
        ) from None


async def _applied(connection: Connection, migrations: Sequence[Migration]) -> list[Row]:
    """What the ledger knows of the packages of these migrations."""
    if not (await run(connection, queries["migrations_there"]))[0]["there"]:
        return []
    packages = sorted({migration.package for migration in migrations})
    return await run(connection, queries["migrations_read"], {"packages": packages})


def _newer(migrations: Sequence[Migration], applied: Sequence[Row]) -> list[str]:
    ours = {(migration.package, migration.number) for migration in migrations}
    return [
        f"{r['package']}/{r['number']:04}_{r['name']}"
        for r in applied
        if (r["package"], r["number"]) not in ours
    ]


def _missing(migrations: Sequence[Migration], applied: Sequence[Row]) -> list[Migration]:
    checksums = {(row["package"], row["number"]): row["checksum"] for row in applied}
    missing = [m for m in migrations if (m.package, m.number) not in checksums]
    changed = [
        m for m in migrations if checksums.get((m.package, m.number), m.checksum) != m.checksum
    ]
    if changed:
        raise ConfigError(
            f"migration {changed[0].number:04}_{changed[0].name} of {changed[0].package} "
            "was changed after it was "
            "applied: use the version that made this ledger, or begin a new one"
        )
    return missing


async def _be_the_one(connection: Connection) -> None:
    """Take the lock of those who migrate; it is held as long as the connection lasts."""
    waits = False
    while not (await run(connection, queries["migrations_lock"], {"lock_key": MIGRATION_LOCK}))[0][
        "mine"
    ]:
        if not waits:
            log.info("another process migrates: waiting for it")
        waits = True
        await asyncio.sleep(MIGRATION_PAUSE)


async def _apply(connection: Connection, migration: Migration) -> None:
    note = {
        "package": migration.package,
        "number": migration.number,
        "name": migration.name,
        "checksum": migration.checksum,
    }

    async def whole() -> None:
        async with connection.transaction():
            await connection.execute(migration.text)
            await run(connection, queries["migrations_note"], note)

    if not migration.is_concurrent:
        await _patiently(connection, migration, whole)
        return
    for statement in migration.statements():
        await _patiently(
            connection, migration, partial(_apply_beside_others, connection, statement)
        )
    await run(connection, queries["migrations_note"], note)


async def _apply_beside_others(connection: Connection, statement: str) -> None:
    """One statement of a concurrent file. An index that was cut off while it was made is made
    again.
    """
    if index := INDEX_CONCURRENTLY.match(statement):
        await connection.execute(
            "set lock_timeout = 0"
        )  # it waits for others, and nobody waits behind it
        if await run(connection, queries["migrations_invalid"], {"name": index[1]}):
            await connection.execute(f"drop index concurrently if exists {index[1]}")
    await connection.execute(statement)


async def _patiently(
    connection: Connection, migration: Migration, step: Callable[[], Awaitable[None]]
) -> None:
    """Try until the locks are there. Who waits for a lock holds up all who come later, so it waits
    briefly, often.
    """
    for pause in (*LOCK_PAUSES, None):
        await connection.execute(f"set lock_timeout = {LOCK_TIMEOUT}")
        try:
            return await step()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if pause is None:
                break
        log.info("migration waits for a lock", migration=migration.label, pause_seconds=pause)
        await asyncio.sleep(pause)
    raise UserError(f"migration {migration.label} {await _blocked(connection)}, then start again")


async def _blocked(connection: Connection) -> str:
    oldest = await run(connection, queries["migrations_blocker"])
    who = (
        f" (“{oldest[0]['name']}”, process {oldest[0]['pid']}, since {oldest[0]['seconds']:.0f} s)"
        if oldest
        else ""
    )
    return f"cannot get its lock: let the oldest open transaction of the database end{who}"
