"""Buttons: a form becomes a typed command, which is carried out in the name of who pressed it.

`permitted` is the one place that says who may do what: forms, the API and Slack have no other way
to an action.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from overnight.console.access import Denied, Visitor
from overnight.console.extension import Console, Context
from overnight.errors import UserError
from overnight.operations.actors import Role
from overnight.operations.commands import OPERATIONS, Command, Done, Operator, parse

Form = Mapping[str, str]
JSON_FIELDS = ("input", "payload")  # whose text in a form is JSON
SHOWN = 3  # refusals that a page shows; a program gets all of them


@dataclass(frozen=True, slots=True)
class Action:
    """What a visitor may do: the name of a button, and the model of its command."""

    name: str
    takes: type[BaseModel]
    visitor: Visitor


def roles(own: Console) -> dict[str, Role]:
    """The role that each button needs, ours and the app's."""
    return {
        **{name: verb.role for name, verb in own.verbs.items()},
        **{name: command.role for name, command in OPERATIONS.items()},
    }


def permitting(own: Console) -> Callable[[Visitor | None, str], bool]:
    """Whether a page shows a visitor a button. One that nobody knows is for who may do all."""
    needed = roles(own)
    return lambda visitor, name: visitor is not None and visitor.may(needed.get(name, "operate"))


def permitted(context: Context, name: str, visitor: Visitor) -> Action:
    """The action of a button, ours or the app's. Raises `Denied` for a visitor who may not do
    it, and where there is none of that name.
    """
    needed = roles(context.own).get(name)
    if needed is None:
        raise Denied(404, "there is no such button")
    require(visitor, needed, name)
    takes = OPERATIONS.get(name) or context.own.verbs[name].takes
    return Action(name, takes, visitor)


def require(visitor: Visitor, role: Role, name: str) -> None:
    """Raises `Denied` for a visitor who has not the role that `name` needs."""
    if not visitor.may(role):
        raise Denied(403, f"{name} needs the role {role}, and {visitor.who} has {visitor.role}")


async def carry_out(context: Context, action: Action, command: BaseModel) -> Done:
    """Do what the button says. Raises `UserError` or `InvalidPayload`."""
    who = action.visitor.who
    if isinstance(command, Command) and action.name in OPERATIONS:
        return await command.do(Operator(context.app, context.database, who))
    return Done(await context.own.verbs[action.name].act(context, command, who), {})


def sentence(done: Done) -> str:
    """The result for a page: with the first refusals, where there are any."""
    if not done.refused:
        return done.text
    more = f"; and {len(done.refused) - SHOWN} more" * (len(done.refused) > SHOWN)
    return f"{done.text}; refused: {'; '.join(done.refused[:SHOWN])}{more}"


async def read_form(context: Context, action: Action, form: Form) -> BaseModel:
    """A form as the typed command. Fields that are left empty are not given. Raises `UserError`."""
    fields = action.takes.model_fields
    values: dict[str, Any] = {name: form[name] for name in fields if form.get(name, "").strip()}
    for name in values:
        if name in JSON_FIELDS:
            values[name] = _json(name, values[name])
    if "words" in form and "input" in fields and context.own.edited is not None:
        values["input"] = await context.own.edited(
            context.database, form.get("job", ""), form["words"]
        )
    return parse(action.takes, values)


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"the {name} is no JSON that can be read: {error}; nothing was changed"
        ) from None
