"""What the next step waits for, and what a step is given of what it has waited for. Loaded with the
first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter

from overnight.engine.context import Context
from overnight.errors import Permanent, Waiting
from overnight.logs import shown
from overnight.names import among
from overnight.pipelines.app import App
from overnight.pipelines.outcomes import MAX_SNOOZE, Wait
from overnight.pipelines.pipeline import Step
from overnight.pipelines.waits import check_key
from overnight.store import waits as store
from overnight.store.records import JOIN, WAIT, NewRun, Run
from overnight.store.wait_records import NewWait

T = TypeVar("T")

# seconds between two looks at the children of a join that a person replayed before these ended
AGAIN = 30.0


@dataclass(frozen=True, slots=True)
class Child:
    """A job that the step before spawned, as its last step stands. `output` is plain JSON."""

    job_id: str
    pipeline: str
    key: str
    status: str
    output: Any
    error: str | None

    @property
    def succeeded(self) -> bool:
        return self.status == "succeeded"

    @property
    def ended(self) -> bool:
        return self.status in ("succeeded", "cancelled")

    def load(self, type_: type[T]) -> T:
        """The output as this type. Raises pydantic's `ValidationError` where it does not fit."""
        return TypeAdapter(type_).validate_python(self.output)


@dataclass(frozen=True, slots=True)
class Received:
    """The event that ended a wait. `payload` is of the type that the app declares for it."""

    event: str
    key: str
    payload: Any
    received_at: datetime


def begin(
    app: App, run: Run, follow: list[NewRun], result: Any, spawned: list[NewRun]
) -> tuple[list[NewRun], NewWait | None]:
    """The run that follows, and what it waits for: the jobs that its step joins, or the event of a
    `Wait`. Raises `Permanent` where it cannot wait.
    """
    if not follow:
        raise Permanent(f"{run.step} is the last step, so no other one could wait")
    (new,) = follow
    step = app.pipelines[run.pipeline].steps[new.step]
    if isinstance(result, Wait):
        return _await_event(app, step, new, result)
    assert step.join is not None
    jobs = (job.job_id for job in spawned if job.origin is None and job.job_id != run.job_id)
    if not (children := list(dict.fromkeys(jobs))):
        return follow, None
    wait = NewWait(step.name, None, None, step.join.count, step.join.dead, children)
    return [replace(new, delay=step.join.timeout, at_most=None, origin=JOIN)], wait


def _await_event(
    app: App, step: Step, new: NewRun, wait: Wait
) -> tuple[list[NewRun], NewWait | None]:
    if not isinstance(wait.timeout, int | float) or not 0 < wait.timeout <= MAX_SNOOZE:
        raise Permanent(
            "Wait takes a timeout in seconds, more than 0 and at most ten years, and not "
            f"{shown(wait.timeout)}"
        )
    if step.join is not None:
        raise Permanent(f"{step.name} joins jobs, so it cannot wait for the event {wait.event} too")
    if wait.event not in app.events:
        names = sorted(app.events)
        near = among(wait.event, names) if names else ": name it in the events of its pipeline"
        raise Permanent(f"the app declares no event “{wait.event}”{near}")
    new_wait = NewWait(step.name, wait.event, check_key(str(wait.key)))
    return [replace(new, delay=float(wait.timeout), at_most=None, origin=WAIT)], new_wait


async def load(context: Context[Any]) -> None:
    """Give a step what it has waited for. Raises `Permanent` for a dead child of a join that fails
    by one, and `Waiting` where that was replayed before the others have ended.
    """
    database, run = context.ledger.database, context.run
    wait = await store.read(database, run.id)
    if wait is None:  # by hand, or its rows are gone
        return
    context.timed_out = not wait["in_time"]
    if wait["has_event"]:
        context.received = _received(context.app, wait)
    if wait["dead"] is not None:
        context.children = [Child(**row) for row in await store.children(database, run.id)]
    if wait["dead"] == "fail" and wait["in_time"]:
        _check_children(context.children, context.app.pipelines[run.pipeline].steps[run.step])


def _received(app: App, wait: dict[str, Any]) -> Received:
    declared = app.events.get(wait["event"])
    adapter = declared.type if declared else TypeAdapter(Any)
    payload = adapter.validate_json(wait["payload"] or "null")
    return Received(wait["event"], wait["key"], payload, wait["received_at"])


def _check_children(children: Sequence[Child], step: Step) -> None:
    dead = next((child for child in children if child.status == "dead"), None)
    if dead is not None:
        raise Permanent(f"job {dead.job_id} of {dead.pipeline} is a dead letter: {dead.error}")
    needed = step.join.count if step.join else None
    missing = min(needed or len(children), len(children)) - sum(child.ended for child in children)
    if missing > 0:
        raise Waiting(f"it waits for {missing} of {len(children)} jobs", retry_after=AGAIN)
