"""A worker in a process of its own, until nothing is left to do.

FILE (the config), URL (of the database), PID (a file for its number) and ENV are given: a fork
server has an old one.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from contentstudio.app import create
from overnight.store.database import Database
from overnight.testing import run_until_idle

FILE, URL, PID, ENV = (globals()[name] for name in ("FILE", "URL", "PID", "ENV"))


async def work() -> None:
    os.environ.update(ENV)
    Path(PID).write_text(str(os.getpid()), "utf-8")
    async with Database(URL) as database:
        await run_until_idle(create(Path(FILE)), database)


asyncio.run(work())
