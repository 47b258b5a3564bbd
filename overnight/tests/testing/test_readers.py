"""The readers give what the ledger holds, typed, whole or what fits."""

from __future__ import annotations

import pytest

from overnight import App, Context, Permanent, Pipeline
from overnight.operations import runs as jobs
from overnight.store.database import Database
from overnight.testing import (
    Clock,
    alerts,
    attempts,
    dead_letters,
    effects,
    run_until_idle,
    runs,
)


def make_app() -> App:
    p = Pipeline("p", id=str)

    @p.step
    async def write(ctx: Context[None], n: int) -> int:
        async def call() -> dict[str, int]:
            return {"receipt": n}

        await ctx.effect("post", content=n, call=call)
        return n * 10

    @p.step
    async def check(ctx: Context[None], n: int) -> int:
        if n == 20:
            raise Permanent("it is odd")
        return n

    return App("readers", [p])


async def test_each_reader_gives_typed_rows(database: Database, clock: Clock) -> None:
    app = make_app()
    for n in (1, 2):
        await jobs.start(app, database, "p", n)
    await run_until_idle(app, database, clock=clock)
    assert sorted(
        run.values("job_id", "step", "status", "input") for run in await runs(database)
    ) == [
        ("1", "check", "succeeded", 10),
        ("1", "write", "succeeded", 1),
        ("2", "check", "dead", 20),
        ("2", "write", "succeeded", 2),
    ]
    (dead,) = await dead_letters(database)
    assert (dead.values("job_id", "error_class"), dead.failures) == (("2", "permanent"), 1)
    (attempt,) = await attempts(database, job_id="2")
    assert (attempt.run_id, attempt.step, attempt.outcome) == (dead.id, "check", "error")
    (alert,) = await alerts(database, resolved_at=None)
    assert (alert.kind, alert.subject, alert.count) == ("dead_letter", "p/check", 1)
    assert {
        effect.job_id: (effect.status, effect.result) for effect in await effects(database)
    } == {
        "1": ("done", {"receipt": 1}),
        "2": ("done", {"receipt": 2}),
    }


async def test_readers_choose_what_equals_and_refuse_unknown_fields(
    database: Database, clock: Clock
) -> None:
    app = make_app()
    await jobs.start(app, database, "p", 2)
    await run_until_idle(app, database, clock=clock)
    assert [run.step for run in await runs(database, job_id="2", status="succeeded")] == ["write"]
    assert await dead_letters(database, step="write") == []
    with pytest.raises(TypeError, match="RunRow has no colour"):
        await runs(database, colour="red")
