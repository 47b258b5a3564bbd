"""The client of an app, for programs with an event loop."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from typing_extensions import TypeVar

from overnight.client.job import Job
from overnight.client.waiting import Waiting
from overnight.operations import runs
from overnight.pipelines.app import App
from overnight.pipelines.pipeline import Pipeline
from overnight.postgres.open import home_folder, opened
from overnight.store.database import Database

Input = TypeVar("Input")
Output = TypeVar("Output", default=Any)


class Client:
    """Starts the jobs of an app from another program, and waits for their results. Workers run
    them, in whatever process.

    `url` names the Postgres of the ledger (default: OVERNIGHT_DATABASE_URL, or the embedded server
    in `home`). It is opened as by a command: its schema is brought up to date. One client serves a
    whole process with a few connections, however many jobs are waited for.
    """

    def __init__(self, app: App, url: str | None = None, *, home: Path | None = None) -> None:
        self.app = app
        self._url = url
        self._home = home
        self._stack = AsyncExitStack()
        self._open: tuple[Database, Waiting] | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect. Raises `DatabaseUnavailable`."""
        folders = [self.app.schema] if self.app.schema else []
        database = await self._stack.enter_async_context(
            opened(self._home or home_folder(), *folders, url=self._url)
        )
        self._open = database, Waiting(database)

    async def close(self) -> None:
        """Disconnect. Who waits for a result still gets a `RuntimeError`."""
        if self._open is not None:
            _, waiting = self._open
            self._open = None
            await waiting.close()
        await self._stack.aclose()

    async def start(
        self,
        pipeline: str | Pipeline[Input, Output],
        input: Input,  # noqa: A002  what users write
        *,
        at: datetime | timedelta | None = None,
        priority: int | None = None,
        by: str | None = None,
        reason: str = "",
    ) -> Job[Output]:
        """Start a job, now or `at` a moment or after a span. One that exists already is the same
        job.

        With `by` the audit log says who started it, and the `reason`. Raises `InvalidPayload` for
        an input that does not fit, `IdConflict` for an id with other inputs.
        """
        database, _ = self._opened()
        options: dict[str, Any] = {"at": at, "priority": priority, "by": by, "reason": reason}
        job_id, _ = await runs.start(self.app, database, pipeline, input, **options)
        return self.job(job_id, None if isinstance(pipeline, str) else pipeline)

    async def emit(
        self, event: str, payload: Any, *, by: str | None = None, reason: str = ""
    ) -> list[Job]:
        """Start a job of each pipeline that listens to an event, and keep one that the app declares
        for a job that waits: the jobs that begin or go on. Raises `NotFound` for an event that the
        app does not know.
        """
        database, _ = self._opened()
        ids = await runs.emit(self.app, database, event, payload, by=by, reason=reason)
        return [self.job(job_id) for job_id in ids]

    def job(
        self,
        id: str,  # noqa: A002  what users write
        pipeline: Pipeline[Any, Output] | None = None,
    ) -> Job[Output]:
        """The job of an id, such as one that another process has started."""
        return Job(id, pipeline, *self._opened())

    def _opened(self) -> tuple[Database, Waiting]:
        if self._open is None:
            raise RuntimeError("the client is not open: use it as `async with Client(app)`")
        return self._open
