"""What each button does: a verb of `control`, in the name of who pressed it. The answer is one sentence for them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from overnight import budgets, control, show
from overnight.console.pages import Desk, letter_filter
from overnight.errors import UserError
from overnight.model import Approve, Edit, Filter, Reject

Form = Mapping[str, str]
Action = Callable[[Desk, Form, str], Awaitable[str]]


async def pause(desk: Desk, form: Form, who: str) -> str:
    scope = control.parse_scope(form.get("scope"), desk.app)
    await control.set_switch(desk.database, scope, enabled=False, reason=form.get("reason", ""), by=who)
    return f"{control.scope_text(scope, desk.app)} is off: nothing of it starts, nothing of it is written outside"


async def resume(desk: Desk, form: Form, who: str) -> str:
    scope = control.parse_scope(form.get("scope"), desk.app)
    await control.set_switch(desk.database, scope, enabled=True, reason=form.get("reason", ""), by=who)
    return f"{control.scope_text(scope, desk.app)} is on again"


async def close_breaker(desk: Desk, form: Form, who: str) -> str:
    name = form.get("name", "")
    await control.close_breaker(desk.database, name, reason=form.get("reason", ""), by=who, app=desk.app)
    return f"the breaker {name} is closed: what waited behind it starts"


async def approve(desk: Desk, form: Form, who: str) -> str:
    decision = Approve(seen=form.get("seen", ""), reason=form.get("reason", ""))
    row = await control.decide(desk.app, desk.database, form.get("job", ""), decision, by=who)
    return f"approved: job {row['job_id']} goes on"


async def reject(desk: Desk, form: Form, who: str) -> str:
    if not form.get("reason", "").strip():
        raise UserError("say why you reject it: the reason is kept")
    decision = Reject(seen=form.get("seen", ""), reason=form["reason"])
    row = await control.decide(desk.app, desk.database, form.get("job", ""), decision, by=who)
    return f"rejected: job {row['job_id']} ends here"


async def edit_review(desk: Desk, form: Form, who: str) -> str:
    given = await _input(desk, form)
    decision = Edit(seen=form.get("seen", ""), input=given, reason=form.get("reason", ""))
    row = await control.decide(desk.app, desk.database, form.get("job", ""), decision, by=who)
    return f"edited: {row['step']} of job {row['job_id']} runs again with it"


async def edit(desk: Desk, form: Form, who: str) -> str:
    row = await control.edit(
        desk.app, desk.database, form.get("job", ""), _json(form), by=who, reason=form.get("reason", "")
    )
    return f"edited: {row['step']} of job {row['job_id']} starts with the new input"


async def replay(desk: Desk, form: Form, who: str) -> str:
    """One that is named, or all that fit the filter."""
    chosen = letter_filter(form)
    if chosen == Filter() and form.get("everything") != "yes":
        raise UserError("say which: a job, or a filter; or tick that all of them are meant")
    done = await control.replay(desk.database, chosen, by=who, reason=form.get("reason", ""))
    return f"{show.count(done.count, 'dead letter')} started again"


async def drop(desk: Desk, form: Form, who: str) -> str:
    chosen = letter_filter(form)
    if chosen == Filter():
        raise UserError("say which are dropped: a job, or a filter")
    if not form.get("reason", "").strip():
        raise UserError("say why they are dropped: the reason is kept")
    done = await control.drop(desk.database, chosen, form["reason"], by=who)
    return f"{show.count(done.count, 'dead letter')} dropped"


async def cancel(desk: Desk, form: Form, who: str) -> str:
    row = await control.cancel(desk.database, form.get("job", ""), form.get("reason", ""), by=who)
    return f"job {row['job_id']} is cancelled"


async def set_budget(desk: Desk, form: Form, who: str) -> str:
    scope = control.parse_scope(form.get("scope"), desk.app)
    usd = budgets.amount(form.get("usd", ""))
    await budgets.set_limit(desk.database, scope, usd, reason=form.get("reason", ""), by=who)
    return f"{control.scope_text(scope, desk.app)} may spend {show.dollars(usd)} a day"


async def _input(desk: Desk, form: Form) -> Any:
    """The step's input, as JSON or in the words of the app."""
    if "words" in form and desk.own.edited is not None:
        return await desk.own.edited(desk.database, form.get("job", ""), form["words"])
    return _json(form)


def _json(form: Form) -> Any:
    try:
        return json.loads(form.get("input", ""))
    except (ValueError, RecursionError) as error:
        raise UserError(f"the input is no JSON that can be read: {error}; nothing was changed") from None


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
