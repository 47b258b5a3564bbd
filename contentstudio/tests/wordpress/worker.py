"""A worker in a process of its own, until nothing is left to do; FILE, URL and SECRET are given to
it.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from contentstudio.app import create
from contentstudio.publish import slug_drafts
from overnight.store.database import Database
from overnight.testing import run_until_idle

FILE, URL, SECRET = (globals()[name] for name in ("FILE", "URL", "SECRET"))


async def work() -> None:
    os.environ["CONTENTSTUDIO_SECRET_GARDEN"] = SECRET
    slug_drafts.PAUSES = (0.0, 0.1)
    async with Database(URL) as database:
        await run_until_idle(create(Path(FILE)), database)


asyncio.run(work())
