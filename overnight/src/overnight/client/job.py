"""A job, as another program holds it: where it stands, and its result."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields
from typing import Any, Generic, cast

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypeVar

from overnight.client.status import JobStatus, NoResult, ResultGone, no_result
from overnight.client.waiting import Waiting
from overnight.errors import InvalidPayload, first_fault
from overnight.operations import queries
from overnight.operations.runs import refuse_unknown
from overnight.pipelines.pipeline import Pipeline
from overnight.pipelines.step_types import output_type
from overnight.store.database import Database, Row
from overnight.store.records import Status

T = TypeVar("T", default=Any)
COLUMNS = [field.name for field in fields(JobStatus) if field.name != "state"]


class Job(Generic[T]):
    """A job by its id. With its pipeline the result has the type that the last step returns;
    without, it is plain JSON.
    """

    def __init__(
        self,
        id: str,  # noqa: A002  what users write
        pipeline: Pipeline[Any, T] | None,
        database: Database,
        waiting: Waiting,
    ) -> None:
        self.id = id
        self._pipeline = pipeline
        self._database = database
        self._waiting = waiting

    async def status(self) -> JobStatus:
        """Where it stands now. Raises `NotFound`."""
        rows = await queries.last_runs(self._database, [self.id])
        return _status(rows.get(self.id) or await refuse_unknown(self._database, self.id))

    async def result(self, timeout: float | None = None) -> T:
        """The output of the last step, waited for at most `timeout` seconds (None: for ever). It is
        None where the job found no work.

        Raises `NoResult`: `JobFailed` for a dead letter, `JobInReview`, `JobCancelled`,
        `ResultGone` after the retention. Raises `TimeoutError`, and `NotFound`, also where a later
        event took the place of the job.
        """
        try:
            async with asyncio.timeout(timeout):
                row = await self._waiting.until_over(self.id)
        except TimeoutError:
            raise TimeoutError(f"job {self.id} has not ended within {timeout:g} s") from None
        row = row or await refuse_unknown(self._database, self.id)
        if (error := _no_result(row)) is not None:
            raise error
        return cast(T, self._load(row["output"]))

    def _load(self, output: str | None) -> Any:
        """The result from JSON text, which is None for a job that found no work."""
        if output is None or self._pipeline is None:
            return None if output is None else json.loads(output)
        type_ = output_type(list(self._pipeline.steps.values())[-1].function)
        try:
            return TypeAdapter(type_).validate_json(output)
        except ValidationError as error:
            raise InvalidPayload(
                f"the result of job {self.id} does not fit {self._pipeline.name}: "
                f"{first_fault(error)}"
            ) from None

    def __repr__(self) -> str:
        return f"Job({self.id!r})"


def _status(row: Row) -> JobStatus:
    return JobStatus(**{name: row[name] for name in COLUMNS}, state=Status(row["status"]))


def _no_result(row: Row) -> NoResult | None:
    status = _status(row)
    if status.has_succeeded and row["is_emptied"]:
        return ResultGone(f"the result of job {status.job_id} is not kept any more", status)
    return no_result(status)
