"""The client of an app, for programs without an event loop: scripts, Django, Flask."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from typing_extensions import TypeVar as DefaultTypeVar

from overnight.client.client import Client
from overnight.client.job import Job
from overnight.client.status import JobStatus
from overnight.pipelines.app import App
from overnight.pipelines.pipeline import Pipeline

T = TypeVar("T")
Input = TypeVar("Input")
Output = DefaultTypeVar("Output", default=Any)


class BlockingClient:
    """A `Client` whose methods return when they are done. Threads may share it.

    It connects when it is first used, in each process anew, and disconnects at `close`, or when the
    process ends.
    """

    def __init__(self, app: App, url: str | None = None, *, home: Path | None = None) -> None:
        self.app = app
        self._where = (url, home)
        self._lock = threading.Lock()
        self._loop: _Loop | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(
        self,
        pipeline: str | Pipeline[Input, Output],
        input: Input,  # noqa: A002  what users write
        *,
        at: datetime | timedelta | None = None,
        priority: int | None = None,
        by: str | None = None,
        reason: str = "",
    ) -> BlockingJob[Output]:
        """See `Client.start`."""
        loop = self._connected()
        options: dict[str, Any] = {"at": at, "priority": priority, "by": by, "reason": reason}
        return BlockingJob(loop.run(loop.client.start(pipeline, input, **options)), loop)

    def emit(
        self, event: str, payload: Any, *, by: str | None = None, reason: str = ""
    ) -> list[BlockingJob]:
        """See `Client.emit`."""
        loop = self._connected()
        jobs = loop.run(loop.client.emit(event, payload, by=by, reason=reason))
        return [BlockingJob(job, loop) for job in jobs]

    def job(
        self,
        id: str,  # noqa: A002  what users write
        pipeline: Pipeline[Any, Output] | None = None,
    ) -> BlockingJob[Output]:
        """See `Client.job`."""
        loop = self._connected()
        return BlockingJob(loop.client.job(id, pipeline), loop)

    def close(self) -> None:
        """Disconnect; a later use connects again."""
        with self._lock:
            loop, self._loop = self._loop, None
            atexit.unregister(self.close)
        if loop is not None and loop.pid == os.getpid():
            loop.close()

    def _connected(self) -> _Loop:
        with self._lock:
            if self._loop is None or self._loop.pid != os.getpid():  # or this is a fork of it
                url, home = self._where
                self._loop = _Loop(Client(self.app, url, home=home))
                atexit.register(self.close)
            return self._loop


class BlockingJob(Generic[Output]):
    """A `Job` whose methods return when they are done."""

    def __init__(self, job: Job[Output], loop: _Loop) -> None:
        self.id = job.id
        self._job = job
        self._loop = loop

    def status(self) -> JobStatus:
        """See `Job.status`."""
        return self._loop.run(self._job.status())

    def result(self, timeout: float | None = None) -> Output:
        """See `Job.result`."""
        return self._loop.run(self._job.result(timeout))

    def __repr__(self) -> str:
        return f"BlockingJob({self.id!r})"


class _Loop:
    """An open client, with an event loop in a thread of its own."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="overnight_client", daemon=True
        )
        self._thread.start()
        try:
            self.run(client.open())
        except BaseException:
            self._stop()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine. Whoever is interrupted while waiting cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        try:
            self.run(self.client.close())
        finally:
            self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
