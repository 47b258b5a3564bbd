"""Switches and limits: pauses, budgets, breakers, and external writes whose outcome is open."""

from __future__ import annotations

from typing import Any

from overnight.console.extension import Context, Values
from overnight.console.pages.common import ROWS, scopes_of, titled
from overnight.llm import budgets
from overnight.operations import queries
from overnight.pipelines.lookups import behind


async def switches(context: Context, _: Values) -> dict[str, Any]:
    return {
        "rows": await queries.switches(context.database),
        "history": await queries.switch_history(context.database),
        **scopes_of(context),
    }


async def money(context: Context, _: Values) -> dict[str, Any]:
    return {"rows": await budgets.read(context.database), **scopes_of(context)}


async def breakers(context: Context, _: Values) -> dict[str, Any]:
    rows = await queries.breakers(context.database, everything=True)
    return {"rows": [{**row, "behind": behind(context.app, row["name"])} for row in rows]}


async def effects(context: Context, values: Values) -> dict[str, Any]:
    open_only = "open" in values
    rows = await queries.effects(context.database, open_only=open_only, limit=ROWS)
    return {"rows": await titled(context, rows), "open_only": open_only}
