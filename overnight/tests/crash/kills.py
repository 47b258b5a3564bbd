"""Death at a statement: of the process, or of its Postgres, right before it or before its answer is
seen.

A worker of the crash tests installs this where its `--death` says so; nothing of it is in the
product.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg


@dataclass(frozen=True)
class Death:
    """At the statements of these numbers, counted from 1 over all connections of `whose`: the event
    `loop`, or `heart`.

    `when` it is `after`, the statement was carried out, and its answer is not seen.
    """

    whose: str
    when: str
    numbers: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Death:
        whose, when, *numbers = text.split()
        return cls(whose, when, tuple(map(int, numbers)))

    def __str__(self) -> str:
        return " ".join([self.whose, self.when, *map(str, self.numbers)])

    def install(self, kill: Callable[[], None], note: Callable[[str], None]) -> None:
        """Count from now on. `note` is told of each statement before it is sent."""
        connections: Any = psycopg.AsyncConnection if self.whose == "loop" else psycopg.Connection
        execute, count = connections.execute, itertools.count(1)

        def before(sql: str) -> int:
            number = next(count)
            note(f"{number} {' '.join(sql.split())[:60]}")
            if self.when == "before" and number in self.numbers:
                kill()
            return number

        def after(number: int, connection: Any) -> None:
            if self.when == "after" and number in self.numbers:
                kill()
                connection.pgconn.finish()
                raise psycopg.OperationalError("the server closed the connection unexpectedly")

        async def execute_async(connection: Any, sql: str, *args: Any, **options: Any) -> Any:
            if not sql:  # the pool looks whether a connection lives
                return await execute(connection, sql, *args, **options)
            number = before(sql)
            cursor = await execute(connection, sql, *args, **options)
            after(number, connection)
            return cursor

        def execute_sync(connection: Any, sql: str, *args: Any, **options: Any) -> Any:
            number = before(sql)
            cursor = execute(connection, sql, *args, **options)
            after(number, connection)
            return cursor

        connections.execute = execute_async if self.whose == "loop" else execute_sync


def kill_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_postgres(data: Path) -> None:
    """The postmaster and all its processes, of which each leads a session of its own."""
    pid = int((data / "postmaster.pid").read_text().partition("\n")[0])
    shown = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    family = [
        int(child) for child, parent in map(str.split, shown.splitlines()) if int(parent) == pid
    ]
    for each in (pid, *family):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
