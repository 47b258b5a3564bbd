"""What each button does: a verb of `control`, in the name of who pressed it. The answer is one
sentence for them.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overnight import formatting
from overnight.console.pages import Desk, letter_filter
from overnight.errors import UserError
from overnight.llm import budgets
from overnight.operations import breakers, dead_letters, reviews, runs, scopes, switches
from overnight.operations import budgets as limits
from overnight.operations.decisions import Approve, Edit, Reject
from overnight.store.records import Filter

Form = Mapping[str, str]
TOLD = 3  # refusals that one sentence tells; a program is told all of them


@dataclass(frozen=True, slots=True)
class Many:
    """What came of an action that touches many: the sentence, with how many it was done, and each
    that was refused.
    """

    text: str
    count: int
    refused: Sequence[str] = ()

    def __str__(self) -> str:
        return self.text


Action = Callable[[Desk, Form, str], Awaitable[str | Many]]


async def pause(desk: Desk, form: Form, who: str) -> str:
    scope = scopes.parse(form.get("scope"), desk.app)
    await switches.pause(desk.database, scope, reason=form.get("reason", ""), by=who)
    return (
        f"{scopes.text(scope, desk.app)} is off: nothing of it starts, nothing of it "
        "is written outside"
    )


async def resume(desk: Desk, form: Form, who: str) -> str:
    scope = scopes.parse(form.get("scope"), desk.app)
    await switches.resume(desk.database, scope, reason=form.get("reason", ""), by=who)
    return f"{scopes.text(scope, desk.app)} is on again"


async def close_breaker(desk: Desk, form: Form, who: str) -> str:
    name = form.get("name", "")
    await breakers.close(desk.database, name, reason=form.get("reason", ""), by=who, app=desk.app)
    return f"the breaker {name} is closed: what waited behind it starts"


async def approve(desk: Desk, form: Form, who: str) -> str:
    decision = Approve(seen=form.get("seen", ""), reason=form.get("reason", ""))
    row = await reviews.decide(desk.app, desk.database, form.get("job", ""), decision, by=who)
    return f"approved: job {row['job_id']} goes on"


async def reject(desk: Desk, form: Form, who: str) -> str:
    if not form.get("reason", "").strip():
        raise UserError("say why you reject it: the reason is kept")
    decision = Reject(seen=form.get("seen", ""), reason=form["reason"])
    row = await reviews.decide(desk.app, desk.database, form.get("job", ""), decision, by=who)
    return f"rejected: job {row['job_id']} ends here"


async def edit_review(desk: Desk, form: Form, who: str) -> str:
    given = await _input(desk, form)
    decision = Edit(seen=form.get("seen", ""), input=given, reason=form.get("reason", ""))
    row = await reviews.decide(desk.app, desk.database, form.get("job", ""), decision, by=who)
    return f"edited: {row['step']} of job {row['job_id']} runs again with it"


async def edit(desk: Desk, form: Form, who: str) -> str:
    """Another input for a run, or another body for a message."""
    job, reason = form.get("job", ""), form.get("reason", "")
    if dead_letters.message_number(job) is not None:
        body = form.get("input", "").encode("utf-8", "replace")
        done = await dead_letters.replay(
            desk.app, desk.database, Filter(job=job), body=body, reason=reason, by=who
        )
        return f"edited: {job} begins {', '.join(row['job_id'] for row in done.first)}"
    row = await runs.edit(desk.app, desk.database, job, _json(form), by=who, reason=reason)
    return f"edited: {row['step']} of job {row['job_id']} starts with the new input"


async def replay(desk: Desk, form: Form, who: str) -> Many:
    """One letter that is named, or all that match the filter."""
    chosen = _chosen(form)
    if form.get("dry_run"):
        return await _count(desk, chosen)
    done = await dead_letters.replay(
        desk.app, desk.database, chosen, reason=form.get("reason", ""), by=who
    )
    return _many(done, "started again")


async def drop(desk: Desk, form: Form, who: str) -> Many:
    """End one letter that is named, or all that match the filter."""
    chosen = _chosen(form)
    if form.get("dry_run"):
        return await _count(desk, chosen)
    if not form.get("reason", "").strip():
        raise UserError("say why they are dropped: the reason is kept")
    return _many(
        await dead_letters.discard(desk.database, chosen, form["reason"], by=who), "dropped"
    )


def _chosen(form: Form) -> Filter:
    """Which letters are meant, and none by mistake."""
    chosen = letter_filter(form)
    if chosen == Filter() and not form.get("everything"):
        raise UserError("say which: a job, or a filter; or tick that all of them are meant")
    return chosen


async def _count(desk: Desk, chosen: Filter) -> Many:
    number = len(await dead_letters.find(desk.database, chosen))
    return Many(f"{formatting.count(number, 'dead letter')} would be touched; nothing was", number)


def _many(done: dead_letters.Result, what: str) -> Many:
    refused = "; ".join(done.refused[:TOLD]) + (
        f"; and {len(done.refused) - TOLD} more" * (len(done.refused) > TOLD)
    )
    text = f"{formatting.count(done.count, 'dead letter')} {what}"
    return Many(f"{text}; refused: {refused}" if refused else text, done.count, done.refused)


async def cancel(desk: Desk, form: Form, who: str) -> str:
    row = await runs.cancel(desk.database, form.get("job", ""), form.get("reason", ""), by=who)
    return f"job {row['job_id']} is cancelled"


async def set_budget(desk: Desk, form: Form, who: str) -> str:
    scope = scopes.parse(form.get("scope"), desk.app)
    usd = budgets.amount(form.get("usd", ""))
    await limits.set_limit(desk.database, scope, usd, reason=form.get("reason", ""), by=who)
    return f"{scopes.text(scope, desk.app)} may spend {formatting.dollars(usd)} a day"


async def _input(desk: Desk, form: Form) -> Any:
    """The step's input, as JSON or in the words of the app."""
    if "words" in form and desk.own.edited is not None:
        return await desk.own.edited(desk.database, form.get("job", ""), form["words"])
    return _json(form)


def _json(form: Form) -> Any:
    try:
        return json.loads(form.get("input", ""))
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"the input is no JSON that can be read: {error}; nothing was changed"
        ) from None


ACTIONS: dict[str, Action] = {
    "pause": pause,
    "resume": resume,
    "close-breaker": close_breaker,
    "approve": approve,
    "reject": reject,
    "edit-review": edit_review,
    "edit": edit,
    "replay": replay,
    "drop": drop,
    "cancel": cancel,
    "set-budget": set_budget,
}


def find(desk: Desk, name: str) -> Action | None:
    """What a button does: one of ours, or of the app's."""
    own = desk.own.verbs.get(name)
    return ACTIONS.get(name) or (own.act if own else None)
