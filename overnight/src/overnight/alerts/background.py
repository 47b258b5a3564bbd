"""What is sent while nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

_under_way: set[asyncio.Task[Any]] = set()  # the event loop alone would forget them


def begin(work: Coroutine[Any, Any, None], name: str) -> None:
    """Send something beside all else."""
    task = asyncio.create_task(work, name=name)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def settle(within: float | None = None) -> None:
    """Wait until what is under way has been sent, or has failed; `within` so many seconds, where
    they are given.
    """
    if ours := [task for task in _under_way if task.get_loop() is asyncio.get_running_loop()]:
        await asyncio.wait(ours, timeout=within)
