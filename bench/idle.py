"""What a worker with nothing to do costs: statements a minute by the server's log, and CPU with its
Postgres.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from typing import Any

import psycopg

from overnight.store.database import Database
from overnight.store.migrations import migrate
from processes import command_line_worker, cpu_seconds
from server import Server

SETTLE = 5.0  # seconds after which a started worker is idle
STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): *(.*)")


async def measure(server: Server, *, seconds: float) -> dict[str, Any]:
    """Of one worker with its defaults; the CPU is its process's and the whole server's, in percent
    of one core.
    """
    with server.database() as dsn:
        async with Database(dsn) as database:
            await migrate(database)
        name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
        server.ask(f"alter database {name} set log_statement = 'all'")
        with command_line_worker(dsn) as worker:
            await asyncio.sleep(SETTLE)
            logged, used, began = (
                server.log.stat().st_size,
                _cpu(server, worker.pid),
                time.monotonic(),
            )
            await asyncio.sleep(seconds)
            used, took = _cpu(server, worker.pid) - used, time.monotonic() - began
            with server.log.open("rb") as log:
                log.seek(logged)
                said = log.read().decode(errors="replace")
    statements = Counter(match[1].strip()[:70] for match in STATEMENT.finditer(said))
    return {
        "idle_statements_per_minute": statements.total() * 60 / took,
        "idle_cpu_percent": 100 * used / took,
        "statements": dict(statements.most_common()),
    }


def _cpu(server: Server, worker: int) -> float:
    return cpu_seconds(worker) + cpu_seconds(server.pid)
