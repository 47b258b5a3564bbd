"""What a test reads of the ledger, as typed rows, so that tests do not depend on its tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from overnight.store.database import Database, Row

T = TypeVar("T")


@dataclass(frozen=True)
class RunRow:
    """A step of a job. `input` and `output` are values, not JSON text; `attempt` counts from 1."""

    id: int
    job_id: str
    pipeline: str
    step: str
    key: str
    status: str
    outcome: str | None
    attempt: int
    failures: int
    losses: int
    input: Any
    output: Any
    error: str | None
    error_class: str | None
    cost_usd: Decimal
    worker: str | None
    priority: int
    origin: str | None
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    lease_until: datetime | None
    finished_at: datetime | None
    expect_at: datetime | None
    deadline_at: datetime | None

    def values(self, *names: str) -> tuple[Any, ...]:
        """Some of the fields, to compare several runs at once."""
        return tuple(getattr(self, name) for name in names)


@dataclass(frozen=True)
class AttemptRow:
    """An attempt that did not simply succeed; `retry_at` is when the next one is due."""

    run_id: int
    job_id: str
    pipeline: str
    step: str
    attempt: int
    outcome: str
    error: str | None
    error_class: str | None
    detail: str | None
    worker: str | None
    started_at: datetime | None
    finished_at: datetime
    retry_at: datetime | None


@dataclass(frozen=True)
class AlertRow:
    """What a person should know; open while `resolved_at` is None. `count`: how often it came."""

    id: int
    kind: str
    subject: str
    text: str
    job_id: str | None
    count: int
    first_at: datetime
    last_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True)
class EffectRow:
    """An external write: `intended` before, `done` after it, with its result as a value."""

    id: int
    job_id: str
    name: str
    content_hash: str
    run_id: int
    attempt: int
    status: str
    result: Any
    intended_at: datetime
    done_at: datetime | None


async def runs(database: Database, **equal: object) -> list[RunRow]:
    """All runs in the order of their ids; with `step="publish", status="dead"` those that fit."""
    return _rows(RunRow, await database.fetch("select * from runs order by id"), equal)


async def dead_letters(database: Database, **equal: object) -> list[RunRow]:
    """The runs that failed for good."""
    return await runs(database, status="dead", **equal)


async def attempts(database: Database, **equal: object) -> list[AttemptRow]:
    """The attempts that did not simply succeed, run by run; with `job_id="…"` those of a job."""
    rows = await database.fetch(
        "select a.*, r.job_id, r.pipeline, r.step from attempts a join runs r on r.id = a.run_id"
        " order by a.run_id, a.attempt"
    )
    return _rows(AttemptRow, rows, equal)


async def alerts(database: Database, **equal: object) -> list[AlertRow]:
    """All alerts, the oldest first; with `resolved_at=None` the open ones."""
    return _rows(AlertRow, await database.fetch("select * from alerts order by id"), equal)


async def effects(database: Database, **equal: object) -> list[EffectRow]:
    """All external writes in the order of their intents."""
    return _rows(EffectRow, await database.fetch("select * from effects order by id"), equal)


def _rows(type_: type[T], rows: Iterable[Row], equal: dict[str, object]) -> list[T]:
    names = [field.name for field in fields(type_)]  # type: ignore[arg-type]
    if unknown := set(equal) - set(names):
        raise TypeError(f"{type_.__name__} has no {', '.join(sorted(unknown))}")
    return [
        type_(**{name: row[name] for name in names})
        for row in rows
        if all(row[name] == value for name, value in equal.items())
    ]
