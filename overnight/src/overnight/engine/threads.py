"""Plain functions run in threads, which nobody can stop: one that outlives its time limit is
counted until it ends.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

STEP_THREAD = "step"  # the prefix of their names


class Threads:
    """As many threads as a worker has slots; `overrun` of them run functions of ended attempts."""

    def __init__(self, slots: int) -> None:
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix=STEP_THREAD)
        self._overrun: set[Future[Any]] = set()

    @property
    def overrun(self) -> int:
        return len(self._overrun)

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """What the function returns or raises. Cancelled, it leaves the thread behind if the
        function has begun.
        """
        future = self._pool.submit(partial(contextvars.copy_context().run, _call, function, *args))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if not future.done() and not future.cancel():
                self._overrun.add(future)
                future.add_done_callback(self._overrun.discard)
            raise

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _call(function: Callable[..., T], *args: Any) -> T:
    try:
        return function(*args)
    except StopIteration as error:  # no future can carry it
        raise RuntimeError("the step raised StopIteration") from error
