"""The morning report: what was published, what needs you, what failed and why, what it cost, how
long it took.
"""

from __future__ import annotations

import textwrap
from datetime import datetime
from typing import Any

import click

from contentstudio.store.sql import queries
from overnight import formatting
from overnight.operations import queries as lists
from overnight.store.database import Database

WIDTH = 80  # columns; commands and addresses alone may be longer, for they are copied
COUNTED = (
    "published",
    "updated",
    "needs_review",
    "dead",
    "rejected",
)  # lists of which a script gets the lengths
LISTS = (*COUNTED, "retrying", "healed", "skipped", "held", "held_by_budget")


async def gather(database: Database, since: datetime) -> dict[str, Any]:
    """The night since a moment, as plain data; what waits for a person is there whenever it began
    to.
    """
    moment = {"since": since}
    totals = await lists.since(database, since)
    published = await database.fetch(queries["published_since"], moment)
    waiting = await database.fetch(queries["waiting"])
    (span,) = await database.fetch(queries["span_since"], moment)
    seconds = (
        (span["ended"] - span["began"]).total_seconds() if span["began"] and span["ended"] else 0.0
    )
    night = {
        "since": since,
        "published": [row for row in published if row["action"] != "updated"],
        "updated": [row for row in published if row["action"] == "updated"],
        "needs_review": [row for row in waiting if row["status"] == "needs_review"],
        "dead": [row for row in waiting if row["status"] == "dead"],
        "rejected": await database.fetch(queries["rejected_since"], moment),
        "retrying": await database.fetch(queries["retrying"]),
        "healed": await database.fetch(queries["healed_since"], moment),
        "skipped": await database.fetch(queries["skipped_since"], moment),
        "held": await database.fetch(queries["held"]),
        "held_by_budget": await database.fetch(queries["held_by_budget"]),
        "now": (await database.fetch(queries["moment"]))[0]["now"],
        "retries": totals["retries"],
        "cost_usd": float(totals["cost_usd"]),
        "llm_calls": totals["llm_calls"],
        "seconds": round(seconds, 1),
        "runs": totals["runs"],
    }
    return {**night, "all_failed": all_failed(night)}


def all_failed(night: dict[str, Any]) -> bool:
    """Whether jobs failed since then, and nothing came of the others: no article, and none that
    waits for a person.

    What failed in an earlier night and waits still says nothing of this one.
    """
    failed, waits = (
        any(row["finished_at"] >= night["since"] for row in night[key])
        for key in ("dead", "needs_review")
    )
    return failed and not (night["published"] or night["updated"] or waits)


def render(night: dict[str, Any], command: str) -> None:
    """For a person. `command` is how they call this program, so that what to press can
    be copied.
    """
    say = click.echo
    failed = night["all_failed"]
    title = "Everything failed" if failed else "While you slept"
    say(
        click.style(title, fg="red" if failed else None, bold=True)
        + f"  (since {formatting.cell(night['since'])} UTC)\n"
    )
    _published(night)
    _held(night, command)
    _waiting(night, command)
    _failed(night, command)
    _retrying(night)
    _passed_over(night)
    cost, calls = formatting.dollars(night["cost_usd"]), night["llm_calls"]
    paid = (
        f"{cost} for {formatting.count(calls, 'model call')}"
        if calls
        else f"{cost}: no language model was called"
    )
    say(
        f"cost  {paid}      time  {formatting.duration(night['seconds'])}      retries  "
        f"{night['retries']}"
    )


def _heading(text: str, colour: str) -> None:
    click.echo(click.style(_folded(text, "", "  "), fg=colour, bold=True))


def _told(text: str | None, label: str = "      ") -> None:
    """Lines of text behind a label; what is one thing to copy stays whole."""
    for line in (text or "").split("\n"):
        click.echo(_folded(line, label, " " * len(label)))


def _folded(text: str, first: str, rest: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _published(night: dict[str, Any]) -> None:
    rows = [*night["published"], *night["updated"]]
    if not rows:
        failed = (
            f", and {formatting.count(len(night['dead']), 'job')} failed" if night["dead"] else ""
        )
        click.echo(
            f"Nothing new was published{failed}; what was published before stands as it was.\n"
        )
        return
    _heading(f"{len(night['published'])} published, {len(night['updated'])} updated", "green")
    for row in rows:
        _told(f"{row['site']}: {row['title'] or row['url']}", "  ")
        _told(row["path"] or row["url"])
    click.echo("")


def _held(night: dict[str, Any], command: str) -> None:
    for row in night["held"]:
        scope = row["scope"].replace("key:", "site:", 1)
        _heading(f"held: {formatting.count(row['count'], 'job')} by the switch “{scope}”", "yellow")
        click.echo(f"      let go:   {command} resume {scope}\n")
    for row in night["held_by_budget"]:
        _heading(
            f"held: {formatting.count(row['count'], 'job')} of {row['site']} by a budget", "yellow"
        )
        _told(row["reason"])
        scope = (row["scope"] or "all").replace("key:", "site:", 1)
        click.echo(f"      let go:   {command} budget set {scope} USD --reason …\n")


def _waiting(night: dict[str, Any], command: str) -> None:
    for row in night["needs_review"]:
        _heading(f"needs you: {row['site']}: {row['title'] or row['job_id']}", "yellow")
        _told(row["error"])
        click.echo(f"      read it:  {command} review {row['job_id']}")
        click.echo("      decide:   by the commands that it ends with\n")


def _failed(night: dict[str, Any], command: str) -> None:
    for row in night["dead"]:
        _heading(f"failed {_age(row, night)}: {_work(row)}", "red")
        _told(row["error"])
        click.echo(f"      again:    {command} replay {row['job_id']}")
        click.echo(f"      give up:  {command} cancel {row['job_id']} --reason …\n")
    if night["dead"]:
        click.echo(
            f"after a fix, all that failed in the last day again:  {command} up --once "
            "--retry-failed\n"
        )


def _retrying(night: dict[str, Any]) -> None:
    for row in night["retrying"]:
        _heading(f"failed {_times(row)}, and is tried again: {_work(row)}", "yellow")
        _told(row["error"])
        click.echo(f"      next try: {formatting.cell(row['due_at'])} UTC\n")


def _work(row: dict[str, Any]) -> str:
    """A step, and what it works on."""
    given = row["input"] or {}
    what = given.get("url") or given.get("slug") or row["job_id"]
    return f"{row['site']}: {row['pipeline']}/{row['step']} of {what}"


def _times(row: dict[str, Any]) -> str:
    return "once" if row["failures"] == 1 else f"{row['failures']} times"


def _age(row: dict[str, Any], night: dict[str, Any]) -> str:
    """How long ago a job failed, in the unit that a person would use."""
    minutes = max(0, round((night["now"] - row["finished_at"]).total_seconds() / 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"


def _passed_over(night: dict[str, Any]) -> None:
    for row in night["rejected"]:
        _told(f"{row['site']}: {row['title']}: {row['reason']} ({row['by']})", "rejected ")
    for row in night["healed"]:
        what = (row["input"] or {}).get("url") or row["job_id"]
        _told(
            f"{row['site']}: {what} failed {_times(row)} ({row['error']}), then succeeded",
            "healed   ",
        )
    for row in night["skipped"]:
        _told(f"{row['site']}: {row['url']}", "skipped  ")
        _told(row["reason"], "         ")
    if night["rejected"] or night["healed"] or night["skipped"]:
        click.echo("")
