"""A person's limits: dollars a day (UTC) for a scope. They go before the configuration's."""

from __future__ import annotations

from decimal import Decimal

from overnight.engine.wakeups import hint
from overnight.errors import NotFound, UserError
from overnight.formatting import dollars
from overnight.llm import budgets
from overnight.operations.actors import whoami
from overnight.store.audit import note_action
from overnight.store.database import Database, Row
from overnight.store.sql import queries


async def set_limit(
    database: Database, scope: str, usd: Decimal, *, reason: str, by: str | None = None
) -> Row:
    """Set the limit of a scope (as stored). What its budget holds back is tried again at once."""
    by = by or whoami()
    (row,) = await database.fetch(queries["budget_set"], {"scope": scope, "usd": usd, "by": by})
    await _note(database, "budget set", scope, by, f"{dollars(usd)} a day: {reason}")
    return row


async def remove(database: Database, scope: str, *, reason: str = "", by: str | None = None) -> Row:
    """Take a person's limit back; the row has the configuration's limit, which counts again, or
    None.
    """
    rows = await database.fetch(queries["budget_remove"], {"scope": scope})
    if not rows:
        await _refuse(database, scope)
    await _note(database, "budget remove", scope, by or whoami(), reason)
    return rows[0]


async def _refuse(database: Database, scope: str) -> None:
    if scope in {row["scope"] for row in await budgets.read(database)}:
        raise UserError(
            f"the budget of {scope} is from the configuration: change it there, or set "
            "another limit"
        )
    raise NotFound(f"there is no budget of {scope}")


async def _note(database: Database, verb: str, scope: str, by: str, reason: str) -> None:
    await note_action(database, verb, scope, by=by, reason=reason)
    await hint(database)
