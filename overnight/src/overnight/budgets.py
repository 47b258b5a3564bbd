"""Budgets: dollars a day (UTC) for everything, a pipeline, a key or a step. llm_begin.sql holds every call to them.

A limit comes from the app's configuration or from a person, and the person's goes before. It stands until it is taken
back, whatever the configuration says; then the configuration's counts again.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from overnight.app import App
from overnight.database import Database, Row
from overnight.errors import BudgetSpent, ConfigError, NotFound, UserError
from overnight.ledger import Ledger
from overnight.model import Alert
from overnight.sql import queries
from overnight.transport.postgres import hint

NEARLY = Decimal("0.8")  # share of a limit, spent or reserved, from which a person is told: the mission's number
HIGHEST = 99_999_999  # dollars that the ledger can store
SCOPE = re.compile(r"all|(?:pipeline|key|step):.+")


def refusal(held: Sequence[Row], most_usd: Decimal) -> BudgetSpent | None:
    """Why a call that can cost `most_usd` may not begin, or None. `held`: its budgets as llm_begin.sql tells them."""
    full = next((row for row in held if row["refuses"]), None)
    if full is None:
        return None
    limit, spent = full["usd_per_day"], full["spent_usd"] + full["reserved_usd"]
    could = f"this call can cost {_dollars(most_usd)}"
    if most_usd > limit:
        why = f"{could}, more than the whole {_dollars(limit)} a day of {full['scope']}: raise it, or ask for less"
    else:
        why = f"the budget of {full['scope']} has no room until 00:00 UTC: {_used(full)}, and {could}"
    return BudgetSpent(why, scope=full["scope"], limit=limit, spent=spent, retry_after=full["seconds_left"])


def alerts(held: Sequence[Row]) -> list[Alert]:
    """What a person should know of the budgets that a call met, and was not told since they were last changed."""
    found = []
    for row in held:
        subject = f"{row['scope']} {row['day']}"
        if row["refuses"] and "budget_spent" not in row["alerted"]:
            text = f"the budget of {row['scope']} holds work back until 00:00 UTC: {_used(row)}"
            found.append(Alert("budget_spent", subject, text))
        if is_nearly_spent(row) and "budget" not in row["alerted"]:
            text = f"the budget of {row['scope']} is nearly spent: {_used(row)}"
            found.append(Alert("budget", subject, text))
    return found


def is_nearly_spent(row: Row) -> bool:
    """Whether a budget is used up to 80 % or more."""
    return bool(row["spent_usd"] + row["reserved_usd"] >= NEARLY * row["usd_per_day"])


def amount(value: Any) -> Decimal:
    """Dollars a day from what a person wrote. Raises `UserError`."""
    try:
        usd = Decimal(str(value))
        sound = 0 <= usd <= HIGHEST
    except InvalidOperation:
        sound = False
    if not sound:
        raise UserError(f"“{value}” is no budget: write dollars a day, such as 2.50")
    return usd


async def declare(database: Database, app: App) -> None:
    """Write down the limits of the app's configuration, and forget those that it has no more. Raises `ConfigError`."""
    wrong = [scope for scope in app.budgets if not SCOPE.fullmatch(scope)]
    if wrong:
        raise ConfigError(
            f"“{wrong[0]}” is no scope of a budget: write all, pipeline:NAME, key:NAME or step:PIPELINE/STEP"
        )
    limits = {scope: amount(usd) for scope, usd in app.budgets.items()}
    params = {"app": app.name, "scope": list(limits), "usd": list(limits.values())}
    await database.fetch(queries["budget_declare"], params)


async def set_limit(database: Database, scope: str, usd: Decimal, *, reason: str, by: str | None = None) -> Row:
    """A person's limit for a scope. What its budget holds back is tried again at once."""
    by = by or getpass.getuser()
    rows = await database.fetch(queries["budget_set"], {"scope": scope, "usd": usd, "by": by})
    await _note(database, "budget set", scope, by, f"{_dollars(usd)} a day: {reason}")
    return rows[0]


async def remove(database: Database, scope: str, *, reason: str = "", by: str | None = None) -> Row:
    """Take a person's limit back; the row has the configuration's limit, which counts again, or None."""
    rows = await database.fetch(queries["budget_remove"], {"scope": scope})
    if not rows:
        there = {row["scope"] for row in await read(database)}
        if scope in there:
            raise UserError(f"the budget of {scope} is from the configuration: change it there, or set another limit")
        raise NotFound(f"there is no budget of {scope}")
    await _note(database, "budget remove", scope, by or getpass.getuser(), reason)
    return rows[0]


async def read(database: Database) -> list[Row]:
    """All budgets with what is left of today's; `used` is the share of the limit, None where that is 0."""
    rows = await database.fetch(queries["budget_list"])
    for row in rows:
        used = row["spent_usd"] + row["reserved_usd"]
        row["left_usd"] = max(row["usd_per_day"] - used, Decimal(0))
        row["used"] = float(used / row["usd_per_day"]) if row["usd_per_day"] else None
    return rows


async def _note(database: Database, verb: str, scope: str, by: str, reason: str) -> None:
    await Ledger(database).note_action(verb, scope, by=by, reason=reason)
    await hint(database)


def _used(row: Row) -> str:
    used = row["spent_usd"] + row["reserved_usd"]
    return f"{_dollars(used)} of {_dollars(row['usd_per_day'])} a day are spent or reserved"


def _dollars(value: Decimal) -> str:
    """Whole cents, and what is below them where there is any."""
    return f"${value:.2f}" if value == round(value, 2) else f"${value:.4f}"
