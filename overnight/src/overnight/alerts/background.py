"""What is sent while nobody waits for it."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

THREAD = "alert"  # the prefix of the names of threads in which something is sent

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


async def in_thread(function: Callable[..., None], *args: Any) -> None:
    """Call in a thread of its own, which is left behind when this is cancelled."""
    pool = ThreadPoolExecutor(1, thread_name_prefix=THREAD)
    call = partial(contextvars.copy_context().run, function, *args)
    try:
        await asyncio.get_running_loop().run_in_executor(pool, call)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
