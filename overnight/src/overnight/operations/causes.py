"""Why a job stands where it stands, and what helps. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from overnight import formatting
from overnight.operations import scopes
from overnight.operations.failures import ADVICE
from overnight.pipelines.app import App
from overnight.store.database import Row

Level = Literal["act", "look", "well"]
GRAVEST = ("dead", "needs_review", "running", "queued")  # of a job's steps the first decides
REVIEWS: Mapping[str | None, str] = {
    "unknown_outcome": "Look on the other side whether the write is there. Retry asks it again.",
    "unfit": "Retry asks the model again.",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Where a job stands: a sentence, the error or reason in full, what helps, and the step."""

    level: Level
    what: str
    text: str
    advice: str
    step: Row


def of_job(steps: Sequence[Row], app: App | None, breakers: Sequence[Row] = ()) -> Cause | None:
    """The cause that a person looks for, of a job's steps as `queries.job` gives them; None of a
    job that succeeded. `breakers` are those that are not closed.
    """
    step = next((each for state in GRAVEST for each in steps if each["status"] == state), None)
    if step is None:
        return _ended(steps[-1])
    if step["status"] == "dead":
        return _dead(step)
    if step["status"] == "needs_review":
        advice = REVIEWS.get(step["error_class"], "Approve it, edit it or reject it.")
        return Cause("look", f"{step['step']} waits for review", _error(step), advice, step)
    if step["status"] == "running":
        text = f"Attempt {step['attempt']}" + (
            f"; before: {step['error']}" if step["error"] else ""
        )
        return Cause("well", f"{step['step']} is running", text, "", step)
    return _queued(step, app, breakers)


def breaker_of(app: App | None, step: Mapping[str, Any]) -> str | None:
    """The name of the breaker behind a step, where the app is known and gives it one."""
    pipeline = app.pipelines.get(step["pipeline"]) if app else None
    definition = pipeline.steps.get(step["step"]) if pipeline else None
    if definition is None or definition.breaker is None:
        return None
    return definition.breaker.replace("{key}", step["key"])


def _ended(step: Row) -> Cause | None:
    if step["status"] != "cancelled":
        return None
    return Cause("look", f"{step['step']} was cancelled", _error(step), "", step)


def _dead(step: Row) -> Cause:
    after = formatting.count(step["attempt"], "attempt")
    lost = f", {step['losses']} of them lost with their worker" if step["losses"] else ""
    what = f"{step['step']} failed after {after}{lost}"
    advice = ADVICE.get(step["error_class"], "Correct the cause, then retry.")
    return Cause("act", what, _error(step), advice, step)


def _queued(step: Row, app: App | None, breakers: Collection[Row]) -> Cause:
    """What a queued step waits for: a switch, a breaker, a budget, a time, or its turn."""
    name, due = step["step"], f"{formatting.cell(step['due_at'])} UTC"
    breaker = breaker_of(app, step)
    row = next((each for each in breakers if each["name"] == breaker), None)
    if step["held_by"]:
        scope = scopes.text(step["held_by"], app)
        return Cause("look", f"{name} waits: {scope} is paused", "", f"Resume {scope}.", step)
    if row is not None:
        what = f"{name} waits: the breaker {breaker} is {row['state']}"
        until = formatting.cell(row["open_until"])
        return Cause("look", what, row["error"] or "", f"A run probes it at {until} UTC.", step)
    if step["outcome"] in ("retry", "lost"):
        what = f"{name} is tried again at {due}"
        return Cause("look", what, _error(step), "It retries by itself.", step)
    if step["outcome"] in ("held", "snooze"):
        return Cause("look", f"{name} waits until {due}", _error(step), "", step)
    if (text := waits_for(step)) is not None:
        return Cause("well", text, "", "It begins by itself.", step)
    return Cause("well", f"{name} is due at {due}", "", "A worker starts it in its turn.", step)


def waits_for(step: Mapping[str, Any]) -> str | None:
    """What a queued step waits for, beside its time: jobs to end, or an event."""
    if not (wait := step.get("waits")):
        return None
    jobs = f"{wait['missing']} of {formatting.count(wait['jobs'], 'job')}"
    what = jobs if wait["event"] is None else f"{wait['event']} {wait['key']}".strip()
    return f"{step['step']} waits for {what}, until {formatting.cell(step['due_at'])} UTC"


def _error(step: Row) -> str:
    return step["error"] or "No reason was given."
