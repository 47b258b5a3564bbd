"""Jobs, one row each, and the page of one: its cause first, then its steps as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from overnight.console.extension import Context, SeeOther, Values
from overnight.console.pages.common import HIGHEST_ID, ROWS, number, older, titled
from overnight.operations import causes, queries
from overnight.operations import runs as operations
from overnight.pipelines.app import App
from overnight.store.database import Row
from overnight.store.records import Status

HIGHEST_POSITION = 2**31 - 1
NARROWEST = 0.8  # percent of a timeline that a bar is wide at least, so that it can be seen


async def jobs(context: Context, values: Values) -> dict[str, Any]:
    """The newest jobs that match, a page at a time."""
    if values.get("job"):
        raise SeeOther(
            f"/jobs/{await operations.find_job(context.database, values['job'].strip().lower())}"
        )
    filters = {name: values.get(name) or None for name in ("status", "pipeline", "key")}
    before = number(values.get("before"), 0, most=HIGHEST_ID) or None
    rows = await queries.jobs(context.database, **filters, before=before, limit=ROWS)
    return {
        "rows": [
            {**row, "marks": marks(context.app, row["pipeline"], row.get("steps", ()))}
            for row in await titled(context, rows)
        ],
        "older": older(rows, filters),
        "is_filtered": any(filters.values()) or before is not None,
        "statuses": list(Status),
        "events": operations.events(context.app),
        "pipelines": list(context.app.pipelines),
        "keys": context.app.keys(),
    }


def marks(app: App, pipeline: str, steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The steps of a job with their status, and after them those to come (`later`), as long as the
    job goes on.
    """
    known = [{"step": s["step"], "status": s["status"], "attempt": s["attempt"]} for s in steps]
    if not known or known[-1]["status"] in (Status.SUCCEEDED, Status.CANCELLED):
        return known
    names = list(app.pipelines[pipeline].steps) if pipeline in app.pipelines else []
    last = known[-1]["step"]
    later = names[names.index(last) + 1 :] if last in names else []
    return [*known, *({"step": name, "status": "later", "attempt": 0} for name in later)]


async def job(context: Context, values: Values) -> dict[str, Any]:
    """All about one job: why it stands where it stands and what to press, its steps with their
    attempts, external writes and calls of models, and what people did with it.
    """
    database = context.database
    job_id = await operations.find_job(database, values["job"])
    steps = await queries.job(database, job_id)
    parent = await queries.job_of_run(database, steps[0]["parent"])
    (first, *rest) = await titled(context, [steps[0], *([parent] if parent else [])])
    return {
        "job_id": job_id,
        "title": first["title"],
        "parent": next(iter(rest), None),
        "cause": causes.of_job(steps, context.app, await queries.breakers(database)),
        "steps": timeline(steps),
        "later": marks(context.app, first["pipeline"], steps)[len(steps) :],
        **await _children(context, job_id, values.get("children")),
        "actions": await queries.actions(database, job_id),
        "cost": sum(step["cost_usd"] for step in steps),
        "attempts": sum(step["attempt"] for step in steps),
        "own": await context.own.job(database, job_id) if context.own.job else None,
    }


async def _children(context: Context, job_id: str, after: str | None) -> dict[str, Any]:
    """A page of the jobs that steps of this job join, by the joining step; `more` is what the next
    page begins after, as `run-position`.
    """
    run, _, position = (after or "").partition("-")
    before = (
        number(run, 0, most=HIGHEST_ID),
        number(position, 0, most=HIGHEST_POSITION),
    )
    rows = await queries.children(
        context.database, job_id, limit=ROWS, before=before if after else None
    )
    children: dict[str, list[Row]] = {}
    for row in await titled(context, rows):
        children.setdefault(row["joined_by"], []).append(row)
    last = rows[-1] if len(rows) == ROWS else None
    return {"children": children, "more": last and f"{last['run_id']}-{last['position']}"}


def timeline(steps: Sequence[Row]) -> list[dict[str, Any]]:
    """The steps, each with the `bars` of its attempts: where one begins and how long it is, in
    percent of the time in which the job was worked on. `seconds` is how long the step took.
    """
    bars = [list(_attempts(step)) for step in steps]
    every = [bar for of_step in bars for bar in of_step]
    first = min((bar["began"] for bar in every), default=datetime.now(UTC))
    last = max((bar["ended"] for bar in every), default=first)
    whole = max((last - first).total_seconds(), 0.001)
    for bar in every:
        bar["seconds"] = (bar["ended"] - bar["began"]).total_seconds()
        bar["left"] = round(min(100 * (bar["began"] - first).total_seconds() / whole, 100), 2)
        bar["width"] = round(min(max(100 * bar["seconds"] / whole, NARROWEST), 100), 2)
        bar["left"] = min(bar["left"], 100 - bar["width"])
    return [
        {**step, "bars": of_step, "seconds": sum(bar["seconds"] for bar in of_step)}
        for step, of_step in zip(steps, bars, strict=True)
    ]


def _attempts(step: Row) -> Iterator[dict[str, Any]]:
    """The attempts of a step that are known: those that did not simply succeed, and the
    last one.
    """
    for each in step["attempts"]:
        if each["started_at"] and each["attempt"] != step["attempt"]:
            began, ended = (
                datetime.fromisoformat(each[name]) for name in ("started_at", "finished_at")
            )
            yield {"status": each["outcome"], "began": began, "ended": ended}
    if step["started_at"]:
        ended = (
            datetime.now(UTC)
            if step["status"] == "running"
            else step["finished_at"] or step["started_at"]
        )
        yield {"status": step["status"], "began": step["started_at"], "ended": ended}
