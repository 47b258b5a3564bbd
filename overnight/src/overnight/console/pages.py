"""What each page of Operations shows. A page reads through `queries` and leaves the rest to its
template.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from html import escape
from typing import Any
from urllib.parse import urlencode

from overnight import formatting
from overnight.alerts import Alerts, rules
from overnight.console.charts import bars, chart
from overnight.console.extension import Context, Page, SeeOther, Values
from overnight.errors import NotFound
from overnight.llm import budgets
from overnight.observability import charts
from overnight.operations import dead_letters, queries
from overnight.operations import runs as operations
from overnight.store.database import Row
from overnight.store.records import Filter, Status

ROWS = 50  # of a list, before a page asks for more
MARKED = (
    "latency",
    "errors",
    "cost",
    "saturation",
)  # what is unusual of these is a mark in its chart
NARROWEST = 0.4  # percent of a timeline that a bar is wide at least, so that it can be seen


async def overview(context: Context, values: Values) -> dict[str, Any]:
    """The overview: results, what needs a person, what it cost, and whether all is well."""
    hours = _number(values.get("hours"), 24, most=24 * 31)
    since = datetime.now(UTC) - timedelta(hours=hours)
    status = await queries.status(context.database, context.app)
    return {
        "hours": hours,
        "status": status,
        "health": health(status),
        "totals": await queries.since(context.database, since),
        "waiting": await queries.review(context.database, limit=10),
        "dead": await queries.dead(context.database, limit=10),
        "alerts": _told(await queries.alerts(context.database, limit=10)),
        "budgets": await budgets.read(context.database),
        "night": await context.own.night(context.database, since) if context.own.night else None,
    }


def health(status: Mapping[str, Any]) -> tuple[str, str]:
    """One sentence on whether all is well, and how grave it is: `well`, `look` or `act`."""
    now, off = status["now"], status["switched_off"]
    if not status["workers"]:
        return "act", "No worker is running, so nothing happens."
    if any(row["scope"] == "all" for row in off):
        return "act", "Everything is paused, so nothing starts."
    troubles = [
        *(f"{row['name']} is {row['state']}" for row in status["breakers"]),
        *(f"{row['scope']} is paused" for row in off),
        *(
            f"the schedule of {row['pipeline']} is overdue"
            for row in status["schedules"]
            if row["overdue"]
        ),
        *([formatting.count(now["dead"], "failed job")] if now["dead"] else []),
        *(
            [f"{formatting.count(now['needs_review'], 'item')} to review"]
            if now["needs_review"]
            else []
        ),
    ]
    return (
        ("look", f"It runs, and {', '.join(troubles)}.") if troubles else ("well", "All is well.")
    )


async def signals(context: Context, values: Values) -> dict[str, Any]:
    """The golden signals as charts: latency, traffic, errors, saturation, and cost; what is unusual
    is marked.
    """
    database, hours = context.database, _number(values.get("hours"), 24, most=24 * 90)
    since = await charts.ago(database, timedelta(hours=hours))
    unusual = await charts.anomalies(database)
    marks = {kind: [each for each in unusual if each.kind == kind] for kind in MARKED}
    tallies, queue = await charts.tallies(database, since), await charts.saturation(database, since)
    latency, traffic, errors = (
        charts.latency(tallies),
        charts.traffic(tallies),
        charts.errors(tallies),
    )
    month = await charts.ago(database, timedelta(days=30))
    costs = await charts.cost(database, month)
    draw = partial(chart, since=since)
    retries = Counter[int]()
    for tally in tallies:
        retries.update(tally.failures)
    return {
        "hours": hours,
        "anomalies": unusual,
        "steps": charts.steps(await charts.tallies(database, since, span=charts.WHOLE)),
        "charts": [
            draw(
                "Latency, p95",
                latency,
                "p95_seconds",
                name="step",
                unit=" s",
                marks=marks["latency"],
            ),
            draw("Latency, p50", latency, "p50_seconds", name="step", unit=" s"),
            draw("Traffic: attempts that ended", traffic, "attempts", name="step"),
            draw(
                "Errors: attempts that failed", errors, "failed", name="step", marks=marks["errors"]
            ),
            draw(
                "Waiting: the oldest due",
                queue,
                "oldest_due_seconds",
                unit=" s",
                marks=marks["saturation"],
            ),
            draw("Waiting: how many are due", queue, "due"),
            chart("Cost a day", costs, "cost_usd", unit=" $", since=month, marks=marks["cost"]),
        ],
        "retries": bars(
            "Retries to success", retries, lambda n: "10 or more" if n >= 10 else str(n)
        ),
        "costs": [
            (f"Cost by {context.app.key_name}", await charts.cost_of_each(database, since, "key")),
            ("Cost by model", await charts.cost_of_each(database, since, "model")),
        ],
    }


async def runs(context: Context, values: Values) -> dict[str, Any]:
    """The newest runs that fit, a page at a time."""
    if values.get("job"):
        raise SeeOther(
            f"/jobs/{await operations.find_job(context.database, values['job'].strip().lower())}"
        )
    filters = {name: values.get(name) or None for name in ("status", "pipeline", "key")}
    before = _number(values.get("before"), 0, most=2**63 - 1) or None
    rows = await queries.runs(context.database, **filters, before=before, limit=ROWS)
    older = (
        {**{name: value for name, value in filters.items() if value}, "before": rows[-1]["id"]}
        if rows
        else {}
    )
    return {
        "rows": rows,
        "older": urlencode(older) if len(rows) == ROWS else "",
        "statuses": list(Status),
        "events": operations.events(context.app),
        "pipelines": list(context.app.pipelines),
        "keys": context.app.keys(),
    }


async def job(context: Context, values: Values) -> dict[str, Any]:
    """All about one job: its steps, attempts, outside writes, calls of models, deeds of people; and
    what to press.
    """
    job_id = await operations.find_job(context.database, values["job"])
    steps = await queries.job(context.database, job_id)
    return {
        "job_id": job_id,
        "steps": steps,
        "actions": await queries.actions(context.database, job_id),
        "cost": sum(step["cost_usd"] for step in steps),
        "timeline": timeline(steps),
        "own": await context.own.job(context.database, job_id) if context.own.job else None,
    }


def timeline(steps: list[Row]) -> list[dict[str, Any]]:
    """Each attempt as a bar: where it begins and how long it is, in percent of the job's whole
    life.
    """
    bars = [bar for step in steps for bar in _attempts(step)]
    if not bars:
        return []
    first = min(bar["began"] for bar in bars)
    whole = max((max(bar["ended"] for bar in bars) - first).total_seconds(), 0.001)
    for bar in bars:
        bar["seconds"] = (bar["ended"] - bar["began"]).total_seconds()
        bar["left"] = round(100 * (bar["began"] - first).total_seconds() / whole, 2)
        bar["width"] = round(max(100 * bar["seconds"] / whole, NARROWEST), 2)
    return bars


def _attempts(step: Row) -> Iterator[dict[str, Any]]:
    """The attempts of a step that are known: those that did not simply succeed, and the
    last one.
    """
    for each in step["attempts"]:
        if each["started_at"] and each["attempt"] != step["attempt"]:
            began, ended = (
                datetime.fromisoformat(each[name]) for name in ("started_at", "finished_at")
            )
            yield {"step": step["step"], "status": each["outcome"], "began": began, "ended": ended}
    if step["started_at"]:
        ended = (
            datetime.now(UTC)
            if step["status"] == "running"
            else step["finished_at"] or step["started_at"]
        )
        yield {
            "step": step["step"],
            "status": step["status"],
            "began": step["started_at"],
            "ended": ended,
        }


async def dead(context: Context, values: Values) -> dict[str, Any]:
    """Dead letters that match, with their context."""
    matching = dead_filter(values)
    chosen = {name: value for name, value in matching.params().items() if value is not None}
    return {
        "rows": await queries.dead(context.database, matching, ROWS),
        "chosen": chosen,
        "pipelines": list(context.app.pipelines),
        "keys": context.app.keys(),
    }


def dead_filter(values: Values) -> Filter:
    """The filter of an address. Raises `UserError` for a moment that is none."""
    names = ("job", "pipeline", "step", "key", "error")
    since, until = (dead_letters.parse_moment(values.get(name)) for name in ("since", "until"))
    return Filter(**{name: values.get(name) or None for name in names}, since=since, until=until)


async def review(context: Context, _: Values) -> dict[str, Any]:
    return {"rows": await queries.review(context.database, limit=ROWS)}


async def review_item(context: Context, values: Values) -> dict[str, Any]:
    """One item that waits for a person, with its revision."""
    rows = await queries.review(context.database, values["job"], 1)
    if not rows:
        raise NotFound(f"nothing of job {values['job']} waits for review any more")
    own = (
        await context.own.dossier(context.database, rows[0]["job_id"])
        if context.own.dossier
        else None
    )
    verbs = [(name, verb.label) for name, verb in context.own.verbs.items() if verb.fits(rows[0])]
    shown = {"has_dossier": own is not None, "has_preview": own is not None}
    return {"row": rows[0], "verbs": verbs, **shown, **(own or {})}


async def preview(context: Context, job_id: str) -> str:
    """What waits for review as a page of HTML."""
    page = await context.own.preview(context.database, job_id) if context.own.preview else None
    if page is not None:
        return page
    row = (await review_item(context, {"job": job_id}))["row"]
    return f"<!doctype html><title>{escape(job_id)}</title><pre>{escape(row['shown'])}</pre>"


async def schedules(context: Context, _: Values) -> dict[str, Any]:
    return {"rows": await queries.schedules(context.database, context.app)}


async def breakers(context: Context, _: Values) -> dict[str, Any]:
    return {"rows": await queries.breakers(context.database, everything=True)}


async def switches(context: Context, _: Values) -> dict[str, Any]:
    return {
        "rows": await queries.switches(context.database),
        "history": await queries.switch_history(context.database),
        **_scopes(context),
    }


def _scopes(context: Context) -> dict[str, Any]:
    """What can be paused, or have a budget."""
    return {
        "pipelines": list(context.app.pipelines),
        "steps": [f"{pipeline}/{step}" for pipeline, step in context.app.steps()],
        "keys": context.app.keys(),
    }


async def alerts(context: Context, values: Values) -> dict[str, Any]:
    rows = await queries.alerts(context.database, everything="all" in values, limit=ROWS)
    settings = context.app.extension(Alerts)
    heartbeats = (
        await queries.heartbeats(context.database, context.app.name) if settings.heartbeat else []
    )
    return {
        "rows": _told(rows),
        "channels": [channel.name for channel in settings.channels],
        "heartbeats": heartbeats,
    }


def _told(rows: list[Row]) -> list[Row]:
    """Alerts as a message names them, each with the page where something can be done about it."""
    return [
        {**row, **dict(zip(("what", "page"), rules.named(row["kind"], row["job_id"]), strict=True))}
        for row in rows
    ]


async def money(context: Context, _: Values) -> dict[str, Any]:
    return {"rows": await budgets.read(context.database), **_scopes(context)}


async def effects(context: Context, values: Values) -> dict[str, Any]:
    return {"rows": await queries.effects(context.database, open_only="open" in values, limit=ROWS)}


async def calls(context: Context, values: Values) -> dict[str, Any]:
    """Calls of models, the newest first, a page at a time; of one job where one is named."""
    job = values.get("job", "").strip().lower()
    whole = await operations.find_job(context.database, job) if job else None
    before = _number(values.get("before"), 0, most=2**63 - 1) or None
    rows = await queries.calls(context.database, whole, limit=ROWS, before=before)
    older = {**({"job": whole} if whole else {}), "before": rows[-1]["id"]} if rows else {}
    return {"rows": rows, "older": urlencode(older) if len(rows) == ROWS else ""}


async def call(context: Context, values: Values) -> dict[str, Any]:
    """What a model was asked in one call, and what it answered."""
    number = _number(values["call"], 0, most=2**63 - 1)
    return {"call": await queries.call(context.database, number)}


def _number(text: str | None, otherwise: int, *, most: int) -> int:
    """What an address says, if it is a number; of a longer one than any that counts the first
    digits are enough.
    """
    return min(int(text[:20]), most) if text and text.isdecimal() and int(text[:20]) else otherwise


PAGES = (
    Page("/", "overview.html", overview, "Home", "h", icon="home"),
    Page("/runs", "runs.html", runs, "Runs", "r", icon="runs"),
    Page("/calls", "calls.html", calls, "Model calls", "l", under="/runs"),
    Page("/effects", "effects.html", effects, "External writes", "e", under="/switches"),
    Page("/dead", "dead.html", dead, "Failed jobs", "d", icon="failed"),
    Page("/review", "review.html", review, "Review", "v", icon="review"),
    Page("/schedules", "schedules.html", schedules, "Schedules", "c", icon="schedule"),
    Page("/signals", "signals.html", signals, "Metrics", "s", icon="metrics"),
    Page("/switches", "switches.html", switches, "Switches and limits", "k", icon="switch"),
    Page("/budgets", "budgets.html", money, "Budgets", "m", under="/switches"),
    Page("/breakers", "breakers.html", breakers, "Breakers", "b", under="/switches"),
    Page("/alerts", "alerts.html", alerts, "Alerts", "a", icon="alert"),
    Page("/jobs/{job}", "job.html", job, under="/runs"),
    Page("/review/{job}", "review_item.html", review_item, under="/review"),
    Page("/calls/{call}", "call.html", call, under="/runs"),
)
