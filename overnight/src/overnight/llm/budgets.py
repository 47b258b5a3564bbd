"""Budgets: dollars a day (UTC) for everything, a pipeline, a key or a step. llm_begin.sql holds
every call to them.

A run that finds a budget spent waits for the next day. One that finds it reserved by calls under
way waits for these.

A limit comes from the app's configuration or from a person, and the person's goes before. It stands
until it is taken back, whatever the configuration says; then the configuration's counts again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from overnight.engine.wakeups import hint
from overnight.errors import (
    BudgetReserved,
    BudgetSpent,
    ConfigError,
    LedgerUnavailable,
    UserError,
)
from overnight.pipelines.app import App
from overnight.pipelines.extensions import Extension, Service
from overnight.store.database import Database, Row
from overnight.store.ledger import Ledger
from overnight.store.records import Alert
from overnight.store.sql import queries

# seconds after which a run looks again that waits for calls under way; their end wakes it sooner
RESERVED_PAUSE = 30.0
NEARLY = Decimal("0.8")  # share of a limit from which an alert is raised
HIGHEST = 99_999_999  # dollars that the ledger can store
SCOPE = re.compile(r"all|(?:pipeline|key|step):.+")


@dataclass(frozen=True, slots=True)
class Budgets(Extension):
    """Dollars a day (UTC) by scope, such as `{"all": 20, "key:garden": 2}`."""

    limits: Mapping[str, float] = field(default_factory=dict)

    def service(self, app: App, database: Database) -> BudgetService:
        return BudgetService(app, database)


class BudgetService(Service):
    def __init__(self, app: App, database: Database) -> None:
        self._app = app
        self._database = database

    async def start(self) -> None:
        await declare(self._database, self._app)


def refusal(
    budget_rows: Sequence[Row], most_usd: Decimal, key_name: str = "key"
) -> BudgetSpent | None:
    """Why a call that can cost `most_usd` may not begin, or None. `budget_rows`: its budgets as
    budget_room.sql tells them.

    What is spent comes before what other calls reserve for a moment: only the former is for a
    person.
    """
    full = [row for row in budget_rows if row["refuses"]]
    row = next((row for row in full if not _is_reserved(row, most_usd)), next(iter(full), None))
    if row is None:
        return None
    used, fields = (
        row["spent_usd"] + row["reserved_usd"],
        {"scope": row["scope"], "limit": row["usd_per_day"]},
    )
    if _is_reserved(row, most_usd):
        why = (
            f"the budget of {_named(row, key_name)} waits for calls under way: {_used(row)}, "
            f"{_could(most_usd)}"
        )
        return BudgetReserved(
            why, **fields, spent=used, retry_after=min(RESERVED_PAUSE, row["seconds_left"])
        )
    return BudgetSpent(
        _spent(row, most_usd, key_name), **fields, spent=used, retry_after=row["seconds_left"]
    )


def _is_reserved(row: Row, most_usd: Decimal) -> bool:
    """Whether there is room for the call as soon as the calls under way have ended, if they cost
    little.
    """
    stays = row["spent_usd"] + row["reserved_usd"] - row["under_way_usd"]
    return bool(stays + most_usd <= row["usd_per_day"])


def _spent(row: Row, most_usd: Decimal, key_name: str) -> str:
    scope, limit = _named(row, key_name), row["usd_per_day"]
    press = f"to raise it: budget set {scope} USD --reason …"
    if most_usd > limit:
        return (
            f"{_could(most_usd)}, more than the whole {_dollars(limit)} a day of {scope}; {press}"
        )
    return (
        f"the budget of {scope} has no room until 00:00 UTC: {_used(row)}, "
        f"{_could(most_usd)}; {press}"
    )


def alerts(budget_rows: Sequence[Row], most_usd: Decimal, key_name: str = "key") -> list[Alert]:
    """What a person should know of the budgets that a call met, and was not told since they were
    last changed.

    A budget that is spent is no longer nearly spent: of the two there is one alert.
    """
    news = []
    for row in budget_rows:
        subject, is_spent = (
            f"{row['scope']} {row['day']}",
            row["refuses"] and not _is_reserved(row, most_usd),
        )
        if is_spent and "budget_spent" not in row["alerted"]:
            news.append(
                Alert(
                    "budget_spent", subject, f"work is held back: {_spent(row, most_usd, key_name)}"
                )
            )
        elif (
            is_nearly_spent(row)
            and not is_spent
            and not {"budget", "budget_spent"} & set(row["alerted"])
        ):
            text = f"the budget of {_named(row, key_name)} is nearly spent: {_spent_of(row)}"
            news.append(Alert("budget", subject, text))
    return news


def is_nearly_spent(row: Row) -> bool:
    """Whether 80 % of a budget or more are spent."""
    return bool(row["spent_usd"] >= NEARLY * row["usd_per_day"])


def is_worth_a_line(row: Row) -> bool:
    """Whether a summary tells of a budget: the one of everything always, others when they are
    nearly spent or refuse calls.
    """
    return bool(row["scope"] == "all" or row["is_spent"] or is_nearly_spent(row))


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


async def tell(ledger: Ledger, news: Sequence[Alert]) -> None:
    """Raise the alerts. The news that a budget is spent takes the place of that it is nearly."""
    await ledger.alert(news)
    if spent := [alert.subject for alert in news if alert.kind == "budget_spent"]:
        await ledger.resolve_alerts("budget", spent)


async def wake(database: Database) -> None:
    """Have the runs begun again that waited for reservations; where this fails they begin somewhat
    later.
    """
    with suppress(LedgerUnavailable):
        await hint(database)


async def declare(database: Database, app: App) -> None:
    """Write down the limits of the app's configuration, and forget those that it has no more.
    Raises `ConfigError`.
    """
    budgets = app.extension(Budgets)
    wrong = [scope for scope in budgets.limits if not SCOPE.fullmatch(scope)]
    if wrong:
        raise ConfigError(
            f"“{wrong[0]}” is no scope of a budget: write all, pipeline:NAME, key:NAME "
            "or step:PIPELINE/STEP"
        )
    limits = {scope: amount(usd) for scope, usd in budgets.limits.items()}
    params = {"app": app.name, "scope": list(limits), "usd": list(limits.values())}
    await database.fetch(queries["budget_declare"], params)


async def read(database: Database) -> list[Row]:
    """All budgets with what is left of today's; `used` is the share that is spent, None of a limit
    of 0. One that `is_spent` lets no call begin, or refused one today: from `refused_at` until
    `renews_at`.
    """
    rows = await database.fetch(queries["budget_list"])
    for row in rows:
        is_full = row["spent_usd"] >= row["usd_per_day"]
        row["is_spent"] = is_full or row["refused_at"] is not None
        row["left_usd"] = max(
            row["usd_per_day"] - row["spent_usd"] - row["reserved_usd"], Decimal(0)
        )
        row["used"] = float(row["spent_usd"] / row["usd_per_day"]) if row["usd_per_day"] else None
    return rows


def _named(row: Row, key_name: str) -> str:
    """The scope as it is typed."""
    scope: str = row["scope"]
    return scope.replace("key:", f"{key_name}:", 1) if scope.startswith("key:") else scope


def _used(row: Row) -> str:
    """What is spent and what is reserved, apart."""
    unaccounted = row["reserved_usd"] - row["under_way_usd"]
    under_way = (
        f", {_dollars(row['under_way_usd'])} reserved by calls under way"
        if row["under_way_usd"]
        else ""
    )
    return (
        _spent_of(row)
        + under_way
        + (f", {_dollars(unaccounted)} kept for calls whose cost is unknown" if unaccounted else "")
    )


def _spent_of(row: Row) -> str:
    return f"{_dollars(row['spent_usd'])} of {_dollars(row['usd_per_day'])} a day are spent"


def _could(most_usd: Decimal) -> str:
    return f"this call can cost up to {_dollars(most_usd)}"


def _dollars(value: Decimal) -> str:
    """Whole cents, and what is below them where there is any."""
    return f"${value:.2f}" if value == round(value, 2) else f"${value:.4f}"
