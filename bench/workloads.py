"""What every contestant does, and how it answers. Standard library only: each one imports it in its
own environment.

A contestant is called as `run.py DSN WORKLOAD COUNT` with an empty database, and prints one JSON
line at the end:

* `w1`: COUNT jobs of one step that does nothing, enqueued in bulk, then drained by one worker
  process.
* `w2`: COUNT jobs of five steps; each step's output of 1 KB is stored, so that a crash resumes
  after it.
* `w3`: COUNT times, a job is enqueued on an idle worker; how long until its handler begins.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

STEPS = 5  # of a w2 job
OUTPUT = "x" * 1024  # of each of its steps
SETTLE = 2.0  # seconds after which a started worker is idle
PAUSES = (
    0.02,
    0.05,
)  # seconds between two samples of w3, drawn at random so that no poll falls into step with them
LOOK = 0.005  # seconds between two looks at what is not yet written

Timed = Callable[[], Awaitable[Any]]


class Handled:
    """Counts handler calls, and keeps when each began."""

    def __init__(self, expected: int) -> None:
        self.all = asyncio.Event()
        self._missing = expected
        self._begun: dict[int, asyncio.Future[float]] = {}

    def note(self, number: int) -> None:
        """A handler of job `number` has begun."""
        now = time.perf_counter()
        self._missing -= 1
        if self._missing == 0:
            self.all.set()
        if number in self._begun:
            self._begun[number].set_result(now)

    async def latency(self, number: int, enqueue: Timed) -> float:
        """Milliseconds from before the call that enqueues job `number` until its handler begins."""
        begun = self._begun[number] = asyncio.get_running_loop().create_future()
        sent = time.perf_counter()
        await enqueue()
        return float(await begun - sent) * 1000


async def drain(
    count: int, handled: Handled, enqueue: Timed, analyze: Timed, worker: Timed, unfinished: Timed
) -> dict[str, Any]:
    """Enqueue, then work until the database says that nothing is left; the seconds that each took.

    The clock runs from the worker's start, and stops when what the last handler did is committed.
    Before it runs, the tables are analyzed, for a queue that had filled slowly would have its
    statistics.
    """
    began = time.perf_counter()
    await enqueue()
    enqueued = time.perf_counter()
    await analyze()
    started = time.perf_counter()
    async with running(worker):
        await handled.all.wait()
        while await unfinished():
            await asyncio.sleep(LOOK)
        drained = time.perf_counter()
    return {"jobs": count, "enqueue_seconds": enqueued - began, "seconds": drained - started}


async def latencies(
    count: int, handled: Handled, enqueue: Callable[[int], Awaitable[Any]], worker: Timed
) -> dict[str, Any]:
    """Milliseconds from enqueue to handler of `count` jobs, one at a time on an idle worker."""
    async with running(worker):
        await asyncio.sleep(SETTLE)
        samples = []
        for number in range(count):
            await asyncio.sleep(random.uniform(*PAUSES))
            samples.append(await handled.latency(number, partial(enqueue, number)))
    return {"latencies_ms": samples}


@asynccontextmanager
async def running(worker: Timed) -> AsyncIterator[None]:
    """A worker beside the block. If it ends, so does the block: nobody waits for handlers that
    never come.
    """
    block = asyncio.current_task()
    assert block is not None
    task = asyncio.ensure_future(worker())

    def ended(_: asyncio.Future[Any]) -> None:
        block.cancel()

    task.add_done_callback(ended)
    try:
        yield
    except asyncio.CancelledError:
        if task.done() and not task.cancelled():
            raise RuntimeError("the worker ended before its work did") from task.exception()
        raise
    finally:
        task.remove_done_callback(ended)
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def called() -> tuple[str, str, int]:
    """The DSN, the workload and the count of this call."""
    dsn, workload, count = sys.argv[1:]
    return dsn, workload, int(count)


def answer(measured: dict[str, Any]) -> None:
    """The one line on standard output."""
    print(json.dumps(measured), flush=True)
