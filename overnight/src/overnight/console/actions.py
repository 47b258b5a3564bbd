"""Buttons: a form becomes a typed command, which is carried out in the name of who pressed it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from overnight.console.extension import Context
from overnight.errors import UserError
from overnight.operations.commands import OPERATIONS, Command, Done, Operator, parse

Form = Mapping[str, str]
JSON_FIELDS = ("input", "payload")  # whose text in a form is JSON
SHOWN = 3  # refusals that a page shows; a program gets all of them


def find(context: Context, name: str) -> type[BaseModel] | None:
    """The command of a button: one of ours, or of the app's."""
    own = context.own.verbs.get(name)
    return OPERATIONS.get(name) or (own.takes if own else None)


async def carry_out(context: Context, name: str, command: BaseModel, who: str) -> Done:
    """Do what the button `name` says. Raises `UserError` or `InvalidPayload`."""
    if isinstance(command, Command) and name in OPERATIONS:
        return await command.do(Operator(context.app, context.database, who))
    return Done(await context.own.verbs[name].act(context, command, who), {})


def sentence(done: Done) -> str:
    """The result for a page: with the first refusals, where there are any."""
    if not done.refused:
        return done.text
    more = f"; and {len(done.refused) - SHOWN} more" * (len(done.refused) > SHOWN)
    return f"{done.text}; refused: {'; '.join(done.refused[:SHOWN])}{more}"


async def read_form(context: Context, takes: type[BaseModel], form: Form) -> BaseModel:
    """A form as the typed command. Fields that are left empty are not given. Raises `UserError`."""
    fields = takes.model_fields
    values: dict[str, Any] = {name: form[name] for name in fields if form.get(name, "").strip()}
    for name in values:
        if name in JSON_FIELDS:
            values[name] = _json(name, values[name])
    if "words" in form and "input" in fields and context.own.edited is not None:
        values["input"] = await context.own.edited(
            context.database, form.get("job", ""), form["words"]
        )
    return parse(takes, values)


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"the {name} is no JSON that can be read: {error}; nothing was changed"
        ) from None
