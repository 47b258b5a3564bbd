"""kill -9 of a worker with steps in flight: how long until another one, at its defaults, runs all
of them again.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

from app import held
from overnight.errors import OvernightError
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.migrations import migrate
from processes import command_line_worker
from server import Server

IN_FLIGHT = 20  # steps
PATIENCE = 90.0  # seconds; the lease would have run out
LOOK = 0.02  # seconds between two looks
RUNNING = "select count(*) from runs where status = 'running' having count(*) = %(count)s"
LISTED = "select count(*) from workers where stopped_at is null having count(*) = %(count)s"
AGAIN = "select count(*) from runs where attempt = 2 having count(*) = %(count)s"
SECONDS = (
    "select extract(epoch from max(started_at) - %(killed)s)::float8 as seconds from runs "
    "where attempt = 2"
)


async def measure(server: Server, *, rounds: int) -> dict[str, Any]:
    """Seconds on the database's clock from the kill until the last of the steps began again."""
    took = [await _once(server) for _ in range(rounds)]
    return {"recovery_seconds": median(took), "recoveries": took}


async def _once(server: Server) -> float:
    with server.database() as dsn:
        async with Database(dsn) as database:
            await migrate(database)
            await Ledger(database).enqueue([held.job(number) for number in range(IN_FLIGHT)])
            with command_line_worker(dsn) as victim:
                await until(lambda: database.one(RUNNING, {"count": IN_FLIGHT}))
                with command_line_worker(dsn):
                    await until(lambda: database.one(LISTED, {"count": 2}))
                    await asyncio.sleep(1.0)  # the second one has looked around, and is idle
                    now = await database.one("select clock_timestamp() as killed")
                    victim.send_signal(signal.SIGKILL)
                    await until(lambda: database.one(AGAIN, {"count": IN_FLIGHT}))
            found = await database.one(SECONDS, now or {})
    assert found is not None
    return float(found["seconds"])


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """The first answer that is not None. Raises `OvernightError` where none comes."""
    try:
        async with asyncio.timeout(PATIENCE):
            while (found := await look()) is None:
                await asyncio.sleep(LOOK)
            return found
    except TimeoutError:
        raise OvernightError(
            f"what the bench waits for did not come within {PATIENCE:.0f} s"
        ) from None
