"""The one Postgres of a bench: embedded, durable, in a temporary folder; a database of its own for
each measurement.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from overnight.errors import ConfigError
from overnight.postgres.server import EmbeddedServer

REMOVALS = 20  # tries to remove the folder
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class Server:
    """A running server, as its superuser."""

    def __init__(self, embedded: EmbeddedServer) -> None:
        self.embedded = embedded
        self._numbers = count(1)

    @property
    def version(self) -> str:
        return str(self.ask("show server_version"))

    @property
    def log(self) -> Path:
        return self.embedded.log

    @property
    def pid(self) -> int:
        return int((self.embedded.data / "postmaster.pid").read_text().split()[0])

    @contextmanager
    def database(self) -> Iterator[str]:
        """The DSN of an empty database. Nobody pays for what the one before left to be written."""
        name = f"bench_{next(self._numbers)}"
        self.ask(f"create database {name}")
        self.ask("checkpoint")
        try:
            yield self.dsn(name)
        finally:
            self.ask(f"drop database {name} with (force)")

    def dsn(self, name: str) -> str:
        """The DSN of the database of that name."""
        return urlunsplit(urlsplit(self.embedded.url)._replace(path=f"/{name}"))

    def ask(self, sql: str) -> Any:
        """The first value of one statement, or None."""
        with psycopg.connect(self.embedded.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


@contextmanager
def durable_server(keep: Path | None = None) -> Iterator[Server]:
    """A server for the block; its data stay in the folder `keep`, where that is given.

    Raises `ConfigError` where a commit would not wait for the disk.
    """
    folder = keep or Path(tempfile.mkdtemp(prefix="overnight-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the account that Postgres runs as has to pass
    embedded = EmbeddedServer(folder / "postgres")
    embedded.hold()
    try:
        server = Server(embedded)
        off = [name for name in DURABLE if server.ask(f"show {name}") != "on"]
        if off:
            raise ConfigError(f"a bench without {', '.join(off)} measures nothing: switch it on")
        yield server
    finally:
        embedded.release()
        if keep is None:
            _remove(folder)


def _remove(folder: Path) -> None:
    """The server's watchdog may be about to leave, and put a lock file back."""
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
