"""The daily report as text: what was published, what needs a person, what failed and why, what it
cost, how long it took. Pure; `store.nights` reads the facts.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import click

from overnight import formatting

WIDTH = 80  # columns; commands and addresses alone may be longer, for they are copied


def lines(night: dict[str, Any], command: str) -> list[str]:
    """The report of a night that `Nights.since` gave, for a terminal. `command` is how the reader
    calls this program, so that the commands can be copied.
    """
    night = formatting.plain_data(night)
    return [
        *_title(night),
        *_published(night),
        *_held(night, command),
        *_waiting(night, command),
        *_failed(night, command),
        *_retrying(night),
        *_others(night),
        _totals(night),
    ]


def text(night: dict[str, Any], command: str) -> str:
    """The same as plain text, without colours."""
    return "".join(f"{click.unstyle(line)}\n" for line in lines(night, command))


def _title(night: dict[str, Any]) -> Iterator[str]:
    failed = night["all_failed"]
    title = "Everything failed" if failed else "Last night"
    styled = click.style(title, fg="red" if failed else None, bold=True)
    yield f"{styled}  (since {formatting.cell(night['since'])} UTC)"
    yield ""


def _totals(night: dict[str, Any]) -> str:
    cost, calls = formatting.dollars(night["cost_usd"]), night["llm_calls"]
    paid = (
        f"{cost} for {formatting.count(calls, 'model call')}"
        if calls
        else f"{cost}: no language model was called"
    )
    return (
        f"cost  {paid}      time  {formatting.duration(night['seconds'])}      retries  "
        f"{night['retries']}"
    )


def _heading(text: str, colour: str) -> str:
    return click.style(_folded(text, "", "  "), fg=colour, bold=True)


def _labelled(text: str | None, label: str = "      ") -> Iterator[str]:
    """Lines of text behind a label; what is one thing to copy stays whole."""
    for line in (text or "").split("\n"):
        yield _folded(line, label, " " * len(label))


def _folded(text: str, first: str, rest: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _published(night: dict[str, Any]) -> Iterator[str]:
    rows = [*night["published"], *night["updated"]]
    if not rows:
        dead = len(night["dead"])
        failed = f", and {formatting.count(dead, 'job')} failed" if dead else ""
        yield f"Nothing new was published{failed}; earlier articles stay as they were."
    else:
        count = f"{len(night['published'])} published, {len(night['updated'])} updated"
        yield _heading(count, "green")
    for row in rows:
        yield from _labelled(f"{row['site']}: {row['title'] or row['url']}", "  ")
        yield from _labelled(row["path"] or row["url"])
    yield ""


def _held(night: dict[str, Any], command: str) -> Iterator[str]:
    for row in night["held"]:
        scope = row["scope"].replace("key:", "site:", 1)
        jobs = formatting.count(row["count"], "job")
        yield _heading(f"waiting: {jobs}, for “{scope}” is paused", "yellow")
        yield f"      release:  {command} resume {scope}"
        yield ""
    for row in night["held_by_budget"]:
        jobs = formatting.count(row["count"], "job")
        yield _heading(f"waiting: {jobs} of {row['site']}, for a budget is spent", "yellow")
        yield from _labelled(row["reason"])
        scope = (row["scope"] or "all").replace("key:", "site:", 1)
        yield f"      release:  {command} budget set {scope} USD --reason …"
        yield ""


def _waiting(night: dict[str, Any], command: str) -> Iterator[str]:
    for row in night["needs_review"]:
        yield _heading(f"needs you: {row['site']}: {row['title'] or row['job_id']}", "yellow")
        yield from _labelled(row["error"])
        yield f"      read it:  {command} review {row['job_id']}"
        yield "      decide:   it ends with the commands that approve and reject"
        yield ""


def _failed(night: dict[str, Any], command: str) -> Iterator[str]:
    for row in night["dead"]:
        yield _heading(f"failed {_age(row, night)}: {_work(row)}", "red")
        yield from _labelled(row["error"])
        yield f"      replay:   {command} replay {row['job_id']}"
        yield f"      cancel:   {command} cancel {row['job_id']} --reason …"
        yield ""
    if night["dead"]:
        if night["failed_cost_usd"]:
            yield f"what failed cost {formatting.dollars(night['failed_cost_usd'])}"
        yield (
            f"after a fix, replay all that failed in the last day:  {command} up --once "
            "--retry-failed"
        )
        yield ""


def _retrying(night: dict[str, Any]) -> Iterator[str]:
    for row in night["retrying"]:
        yield _heading(f"failed {_times(row)}, and is retried: {_work(row)}", "yellow")
        yield from _labelled(row["error"])
        yield f"      retry at: {formatting.cell(row['due_at'])} UTC"
        yield ""


def _work(row: dict[str, Any]) -> str:
    """A step, and what it works on."""
    title = row["title"]
    what = f"“{title}”" if title else _what(row)
    return f"{row['site']}: {row['pipeline']}/{row['step']} of {what}"


def _what(row: dict[str, Any]) -> str:
    """What a job without a title works on."""
    work = row["input"] or {}
    return str(work.get("url") or work.get("slug") or row["job_id"])


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


def _others(night: dict[str, Any]) -> Iterator[str]:
    for row in night["rejected"]:
        rejected = f"{row['site']}: {row['title']}: {row['reason']} ({row['by']})"
        yield from _labelled(rejected, "rejected ")
    for row in night["healed"]:
        what = row["title"] or _what(row)
        yield from _labelled(
            f"{row['site']}: {what} failed {_times(row)} ({row['error']}), then succeeded",
            "healed   ",
        )
    for row in night["skipped"]:
        yield from _labelled(f"{row['site']}: {row['url']}", "skipped  ")
        yield from _labelled(row["reason"], "         ")
    if night["rejected"] or night["healed"] or night["skipped"]:
        yield ""
