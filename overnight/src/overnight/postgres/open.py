"""Which database a command opens: the one of OVERNIGHT_DATABASE_URL, or an embedded server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from overnight.errors import (
    DatabaseUnavailable,
    LedgerUnavailable,
)
from overnight.store.sql import SqlFolder

if TYPE_CHECKING:
    from overnight.postgres.server import EmbeddedServer
from overnight.store.database import OUTAGE_PAUSES, Database
from overnight.store.migrations import migrate


def home_folder(beside: Path | None = None) -> Path:
    """Where the embedded server lives: OVERNIGHT_HOME, or `.overnight` beside the config (or in
    this folder).
    """
    folder = os.environ.get("OVERNIGHT_HOME")
    return (
        Path(folder).expanduser().absolute()
        if folder
        else (beside or Path.cwd()).absolute() / ".overnight"
    )


@asynccontextmanager
async def opened(
    home: Path,
    *folders: SqlFolder,
    url: str | None = None,
    options: str = "",
    waiting: Callable[[str], None] | None = None,
) -> AsyncIterator[Database]:
    """The database in use, with its schema up to date: `url`, or OVERNIGHT_DATABASE_URL, or the
    embedded one in `home`.

    One that is there and cannot serve is `DatabaseUnavailable`; with `waiting` it is waited for, as
    in any outage later on, and `waiting` is told why, once.
    """
    url = url or os.environ.get("OVERNIGHT_DATABASE_URL")
    server = None if url else await asyncio.to_thread(_start_embedded, home)
    try:
        database = Database(
            server.url if server else url or "",
            recover=server.start if server else None,
            options=options,
        )
        try:
            await _begun(
                database, folders, waiting, tries=1 if server is None else len(OUTAGE_PAUSES)
            )
            yield database
        finally:
            await database.close()
    finally:
        if server is not None:
            await asyncio.to_thread(server.release)


async def _begun(
    database: Database,
    folders: Sequence[SqlFolder],
    waiting: Callable[[str], None] | None,
    *,
    tries: int,
) -> None:
    reported = False

    async def begin() -> None:
        nonlocal reported
        try:
            await database.open()
            await migrate(database, *folders)
        except LedgerUnavailable as error:
            await database.close()
            if waiting is not None and not reported:
                waiting(str(error))
            reported = True
            raise

    try:
        await database.insist(begin, tries=None if waiting else tries)
    except LedgerUnavailable as error:
        raise DatabaseUnavailable(str(error)) from None


def _start_embedded(home: Path) -> EmbeddedServer:
    from overnight.postgres.server import EmbeddedServer

    server = EmbeddedServer(home)
    server.hold()
    return server
