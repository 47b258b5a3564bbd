"""What hinders the work now: what it is, whether it heals by itself, and what to press.

Pure rules over what `queries.standing` reads; each kind of incident is one function.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from shlex import quote
from typing import Any, Literal

from overnight import formatting
from overnight.operations import queries, scopes
from overnight.pipelines.app import App
from overnight.pipelines.extensions import Extension
from overnight.pipelines.pipeline import dump
from overnight.pipelines.triggers import Cron
from overnight.store.database import Database, Row

Kind = Literal["worker", "pause", "schedule", "breaker", "budget", "parked", "channel", "app"]
Level = Literal["act", "look"]  # a person must act; or it is enough to know of it
Asked = Literal["reason", "usd"]

STAYS = "It stays so until a person changes it."


@dataclass(frozen=True, slots=True)
class Remedy:
    """A button: an operation with its values, and what it asks the person for."""

    verb: str
    label: str
    values: Mapping[str, str]
    asks: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that hinders the work.

    `heals` says whether it ends by itself, and `until` when that is or is tried next; None where a
    person must act, or nobody can know. `command` is what to type after the program's name. `page`
    is where the console says more.
    """

    kind: Kind
    level: Level
    about: str
    what: str
    text: str
    heals: str
    command: str
    page: str
    since: datetime | None = None
    until: datetime | None = None
    remedy: Remedy | None = None


@dataclass(frozen=True)
class OwnIncidents(Extension):
    """`read` gives what hinders the work by the app's own rules, of the kind `app`."""

    read: Callable[[Database], Awaitable[Sequence[Incident]]] | None = None


async def read(database: Database, app: App | None) -> list[Incident]:
    """What hinders the work now, the gravest first. Cheap: no table is read whole."""
    return await of(await queries.standing(database, app), database, app)


async def of(standing: Mapping[str, Any], database: Database, app: App | None) -> list[Incident]:
    """The incidents in what `queries.standing` or `queries.status` gives, and those by the rules of
    the app; the gravest first.
    """
    own = app.extension(OwnIncidents).read if app else None
    return judge(standing, app, await own(database) if own else ())


def judge(
    standing: Mapping[str, Any], app: App | None, own: Sequence[Incident] = ()
) -> list[Incident]:
    """The incidents in what `queries.standing` or `queries.status` gives, and the app's `own`; the
    gravest first.
    """
    incidents = [
        *_workers(standing["workers"]),
        *(_pause(row, app) for row in standing["switched_off"]),
        *(_schedule(row, app) for row in standing["schedules"] if row["overdue"]),
        *(_breaker(row) for row in standing["breakers"] if row["state"] != "closed"),
        *(_budget(row, app) for row in standing["budgets"] if row["is_spent"]),
        *(_parked(row, app) for row in standing["parked"]),
        *(_channel(row) for row in standing["channels"] if row["error"]),
        *own,
    ]
    return sorted(incidents, key=lambda incident: incident.level != "act")


def health(incidents: Sequence[Incident], failed: int, to_review: int) -> tuple[str, str]:
    """One sentence on whether all is well, and how grave it is: `well`, `look` or `act`."""
    grave = next((each for each in incidents if each.level == "act"), None)
    if grave is not None:
        return "act", f"{grave.what}. {grave.text}"
    troubles = [
        *(each.what[0].lower() + each.what[1:] for each in incidents),
        *([formatting.count(failed, "failed job")] if failed else []),
        *([f"{formatting.count(to_review, 'item')} to review"] if to_review else []),
    ]
    return ("look", f"It runs; {', '.join(troubles)}.") if troubles else ("well", "All is well.")


def _workers(workers: Sequence[Row]) -> Iterator[Incident]:
    if not workers:
        yield Incident(
            "worker",
            "act",
            "worker",
            "No worker is running",
            "Nothing starts until one runs. What is due then begins at once.",
            "It does not heal by itself, and no button can start a process: run the command on the "
            "machine that does the work.",
            "worker",
            "/runs?status=queued",
        )


def _pause(row: Row, app: App | None) -> Incident:
    scope = scopes.text(row["scope"], app)
    is_all = scope == "all"
    by = f" by {row['changed_by']}" if row["changed_by"] else ""
    why = f": {row['reason']}" if row["reason"] else ""
    return Incident(
        "pause",
        "act" if is_all else "look",
        scope,
        "Everything is paused" if is_all else f"{scope} is paused",
        f"Paused{by}{why}. Nothing of it starts, and it makes no external write.",
        STAYS,
        f"resume {quote(scope)}",
        "/switches",
        since=row["changed_at"],
        remedy=Remedy("resume", "Resume", {"scope": scope}),
    )


def _schedule(row: Row, app: App | None) -> Incident:
    slot = row["overdue"]
    late = "drops it" if row["catch_up"] == "skip" else "starts it"
    remedy = start_slot(row, app)
    why = "" if remedy else "No button can start it, for this app has no such schedule. "
    return Incident(
        "schedule",
        "look",
        row["pipeline"],
        f"The schedule of {row['pipeline']} is overdue",
        f"Its slot of {_utc(slot)} was not started.",
        f"{why}The next worker of {row['app']} {late}.",
        "schedules",
        "/schedules",
        since=slot,
        remedy=remedy,
    )


def start_slot(row: Row, app: App | None) -> Remedy | None:
    """Start the overdue slot by hand: its job has the same id, so that it cannot start twice."""
    pipeline = app.pipelines.get(row["pipeline"]) if app else None
    crons = (
        cron
        for cron in (pipeline.crons() if pipeline else ())
        if (cron.expression, cron.timezone) == (row["cron"], row["timezone"])
    )
    cron = next(crons, None)
    values = _input(cron, row["overdue"]) if cron else None
    if values is None:
        return None
    return Remedy("start", "Start it now", {"pipeline": row["pipeline"], "input": values})


def _input(cron: Cron, slot: datetime) -> str | None:
    """The input of a slot as JSON; None where the app's function makes none of it."""
    try:
        return dump(cron.input(slot.astimezone(cron.zone)))
    except Exception:  # the scheduler's alert says what is wrong with it
        return None


def _breaker(row: Row) -> Incident:
    is_open = row["state"] == "open"
    heals = (
        f"At {_utc(row['open_until'])} one run probes it; it closes if that run succeeds."
        if is_open
        else "One run probes it now; it closes if that run succeeds."
    )
    return Incident(
        "breaker",
        "look",
        row["name"],
        f"The breaker {row['name']} is {row['state']}",
        f"{formatting.count(row['failures'], 'error')} in a row; the last: {row['error'] or '–'}. "
        "What needs it waits, without cost.",
        heals,
        f"breaker close {quote(row['name'])} --reason …",
        "/breakers",
        since=row["opened_at"],
        until=row["open_until"] if is_open else None,
        remedy=Remedy("close-breaker", "Close it", {"name": row["name"]}, ("reason",)),
    )


def _budget(row: Row, app: App | None) -> Incident:
    scope = scopes.text(row["scope"], app)
    return Incident(
        "budget",
        "look",
        scope,
        "The whole budget is spent" if scope == "all" else f"The budget of {scope} is spent",
        f"{formatting.dollars(row['spent_usd'])} of {formatting.dollars(row['usd_per_day'])} a day "
        "are spent: work that needs a model waits.",
        "It has room again at 00:00 UTC.",
        f"budget set {quote(scope)} USD --reason …",
        "/budgets",
        since=row["refused_at"],
        until=row["renews_at"],
        remedy=Remedy("set-budget", "Raise it", {"scope": scope}, ("usd", "reason")),
    )


def _parked(row: Row, app: App | None) -> Incident:
    work = f"{row['step']} {row['key']}".strip()
    of = f" --{app.key_name if app else 'key'} {quote(row['key'])}" if row["key"] else ""
    key = {"key": row["key"]} if row["key"] else {}
    return Incident(
        "parked",
        "look",
        work,
        f"{formatting.count(row['count'], 'run')} of {work} cannot start",
        "This app has no such step or key: it was renamed or removed.",
        "It heals when an app that has it runs; else cancel them.",
        f"cancel --parked {quote(row['step'])}{of} --reason …",
        "/runs?status=queued",
        remedy=Remedy("cancel-parked", "Cancel them", {"step": row["step"], **key}, ("reason",)),
    )


def _channel(row: Row) -> Incident:
    return Incident(
        "channel",
        "look",
        row["channel"],
        f"The alert channel {row['channel']} takes no messages",
        f"After {formatting.count(row['attempts'], 'attempt')}: {row['error']}.",
        f"It is tried again at {_utc(row['due_at'])}." if row["due_at"] else "It is tried again.",
        f"alerts again {quote(row['channel'])}",
        "/alerts",
        since=row["created_at"],
        until=row["due_at"],
        remedy=Remedy("send-again", "Send again", {"channel": row["channel"]}),
    )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
