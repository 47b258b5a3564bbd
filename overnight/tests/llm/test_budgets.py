"""Budgets on a real Postgres: no call starts that could pass one, whoever asks at the same time,
whatever breaks.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner, Result

from overnight import App, Budgets, Context, Keys, Pipeline, Retry
from overnight.cli.main import cli
from overnight.errors import (
    BudgetReserved,
    BudgetSpent,
    LeaseLost,
    NotFound,
    SwitchedOff,
    UserError,
)
from overnight.llm import (
    Anthropic,
    PermanentCall,
    Price,
    Reply,
    Request,
    TransientCall,
    Usage,
    budgets,
)
from overnight.llm.client import LLM
from overnight.llm.prices import most_usd
from overnight.operations import budgets as people
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Run
from overnight.store.sql import queries
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels

PRICES = {"m": Price(input=Decimal(0), output=Decimal(1_000_000))}  # a token of output is a dollar
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
APP = App("app", [])


class Model:
    """A provider that uses so many tokens, or fails; `meanwhile` happens while it answers."""

    name = "anthropic"

    def __init__(self, used: int = 1, failure: BaseException | None = None) -> None:
        self.used = used
        self.failure = failure
        self.calls = 0
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def complete(self, request: Request, *, deadline: float, on_usage: Any = None) -> Reply:
        self.calls += 1
        await asyncio.sleep(0)
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.failure is not None:
            raise self.failure
        usage = Usage(input_tokens=0, output_tokens=min(self.used, request.max_tokens))
        return Reply(text="1", stop_reason="end_turn", usage=usage, model="m-2026-11-01")


async def context(
    database: Database, job: str = "job", *, key: str = "garden", pipeline: str = "article"
) -> Context[Any]:
    """An attempt that runs."""
    row = await database.one(
        "insert into runs (job_id, step, pipeline, key, status, attempt) "
        "values (%(job)s, 'generate', %(pipeline)s, %(key)s, 'running', 1) returning id",
        {"job": job, "pipeline": pipeline, "key": key},
    )
    assert row is not None
    run = Run(
        **{
            **dict.fromkeys(Run.__slots__),
            **row,
            "job_id": job,
            "step": "generate",
            "pipeline": pipeline,
        }
    )
    return Context(_with(run, key=key, attempt=1, failures=0), None, APP, Ledger(database))


def _with(run: Run, **changes: Any) -> Run:
    from dataclasses import replace

    return replace(run, **changes)


def llm(database: Database, model: Any) -> LLM:
    return LLM(model, database, deadline=10, prices=PRICES)


def question(most: int, prompt: str = "?") -> Request:
    """A request that costs at most so many dollars."""
    return Request(model="m", prompt=prompt, max_tokens=most)


async def limit(database: Database, **usd: float) -> None:
    """Budgets of a person: `all=2`, or `garden=2` for a key."""
    for scope, value in usd.items():
        name = scope if scope == "all" else f"key:{scope}"
        await people.set_limit(database, name, budgets.amount(value), reason="test", by="me")


async def sums(database: Database) -> dict[str, tuple[float, float]]:
    """Scope → (spent, reserved) of today."""
    return {
        r["scope"]: (float(r["spent_usd"]), float(r["reserved_usd"]))
        for r in await budgets.read(database)
    }


async def calls(database: Database, columns: str = "status") -> list[tuple[Any, ...]]:
    return [
        tuple(row.values())
        for row in await database.fetch(f"select {columns} from llm_calls order by id")
    ]


async def test_a_call_reserves_its_maximum_and_settles_at_its_cost(database: Database) -> None:
    await limit(database, all=10, garden=5, sky=5)
    model = Model(used=2)
    seen: dict[str, tuple[float, float]] = {}

    async def look() -> None:
        seen.update(await sums(database))

    model.meanwhile = look
    assert await llm(database, model).ask(await context(database), question(4), int) == 1
    assert seen == {"all": (0, 4), "key:garden": (0, 4), "key:sky": (0, 0)}
    assert await sums(database) == {"all": (2, 0), "key:garden": (2, 0), "key:sky": (0, 0)}


@pytest.mark.parametrize(
    "scope", ["all", "key:garden", "pipeline:article", "step:article/generate"]
)
async def test_a_call_that_may_pass_a_budget_is_not_made_or_reserved(
    database: Database, clock: Clock, scope: str
) -> None:
    await clock.set(NOON)
    await limit(database, all=100)
    await people.set_limit(database, scope, Decimal(5), reason="", by="me")
    model = Model(used=2)
    await llm(database, model).ask(await context(database), question(5), int)
    with pytest.raises(BudgetSpent) as refused:
        await llm(database, model).ask(await context(database, "other"), question(4, "else"), int)
    assert (refused.value.scope, refused.value.limit, refused.value.spent) == (scope, 5, 2)
    assert 0 < 12 * 3600 - refused.value.retry_after < 60
    assert model.calls == 1
    assert await calls(database) == [("stored",)]
    assert set((await sums(database)).values()) == {(2, 0)}
    await llm(database, model).ask(await context(database, "smaller"), question(3, "else"), int)


async def test_without_a_budget_a_call_is_booked_as_ever(database: Database) -> None:
    await limit(database, sky=0)
    await llm(database, Model()).ask(await context(database), question(1_000), int)
    assert await calls(database, "status, cost_usd, reserved_usd, reserved_in") == [
        ("stored", 1, 0, [])
    ]


async def test_a_budget_of_zero_allows_free_calls_and_no_paid_ones(database: Database) -> None:
    await limit(database, all=0)
    with pytest.raises(BudgetSpent):
        await llm(database, Model()).ask(await context(database), question(1), int)
    await database.fetch(
        "update budgets set spent_usd = 3"
    )  # a limit may be set below what was spent already
    free = LLM(
        Model(), database, deadline=10, prices={"m": Price(input=Decimal(0), output=Decimal(0))}
    )
    assert await free.ask(await context(database, "free"), question(1), int) == 1


async def test_many_concurrent_callers_reserve_exactly_what_fits(database: Database) -> None:
    """Sixty callers on twenty connections; while they wait for one another, none may see an old
    sum.
    """
    await limit(database, all=13, garden=7, sky=20)
    contexts = [
        await context(database, f"job {n}", key=("garden", "sky")[n % 2]) for n in range(60)
    ]
    settled = asyncio.Event()
    model = Model(used=1)
    model.meanwhile = settled.wait  # all of them are under way at once

    async def call(pool: Database, number: int) -> bool:
        try:
            await llm(pool, model).ask(contexts[number], question(1, str(number)), int)
        except BudgetSpent:
            return False
        return True

    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(Database(database.url)) for _ in range(5)]
        tasks = [asyncio.create_task(call(pools[n % 5], n)) for n in range(60)]
        while sum(task.done() for task in tasks) + model.calls < 60:
            await asyncio.sleep(0.01)
        reserved = await sums(database)
        settled.set()
        made = await asyncio.gather(*tasks)
    gardens = sum(made[::2])
    assert sum(made) == model.calls == 13
    assert gardens <= 7
    assert reserved == {"all": (0, 13), "key:garden": (0, gardens), "key:sky": (0, 13 - gardens)}
    assert await sums(database) == {
        "all": (13, 0),
        "key:garden": (gardens, 0),
        "key:sky": (13 - gardens, 0),
    }


async def test_a_new_day_begins_at_nothing(database: Database, clock: Clock) -> None:
    await clock.set(NOON)
    await limit(database, all=3)
    model = Model(used=3)
    await llm(database, model).ask(await context(database), question(3), int)
    with pytest.raises(BudgetSpent) as refused:
        await llm(database, model).ask(await context(database, "b"), question(3, "b"), int)
    await clock.move(refused.value.retry_after - 60)
    with pytest.raises(BudgetSpent):
        await llm(database, model).ask(await context(database, "c"), question(3, "b"), int)
    await clock.move(61)
    assert await sums(database) == {"all": (0, 0)}
    await llm(database, model).ask(await context(database, "d"), question(3, "b"), int)
    assert await sums(database) == {"all": (3, 0)}


async def test_a_call_over_midnight_counts_on_the_day_it_began(
    database: Database, clock: Clock
) -> None:
    await clock.set(NOON)
    await limit(database, all=10)
    model = Model(used=2)

    async def night_passes() -> None:
        model.meanwhile = None
        await clock.move(86_400)
        await llm(database, model).ask(
            await context(database, "next day"), question(4, "else"), int
        )

    model.meanwhile = night_passes
    await llm(database, model).ask(await context(database), question(9), int)
    assert model.calls == 2
    assert await sums(database) == {"all": (2, 0)}


async def test_a_late_settlement_does_not_count_for_the_new_day(
    database: Database, clock: Clock
) -> None:
    await clock.set(NOON)
    await limit(database, all=10)
    model = Model(used=2)
    model.meanwhile = lambda: clock.move(86_400)
    await llm(database, model).ask(await context(database), question(9), int)
    assert await sums(database) == {"all": (0, 0)}


async def test_a_call_that_waits_past_midnight_counts_on_the_new_day(
    database: Database, clock: Clock
) -> None:
    """Its own clock stands at the old day: it must neither turn the sums back nor be
    lost to them.
    """
    await clock.set(NOON)
    await limit(database, all=10)
    model = Model(used=2)
    attempt = await context(database)
    async with await database.connect() as other:
        async with other.transaction():
            await other.execute("update budgets set day = day + 1, spent_usd = 5")
            waiting = asyncio.create_task(llm(database, model).ask(attempt, question(3), int))
            while not await database.fetch("select pid from pg_locks where not granted"):
                await asyncio.sleep(0.01)
        await waiting
    rows = await database.fetch("select day::text, spent_usd, reserved_usd from budgets")
    assert rows == [{"day": "2026-11-24", "spent_usd": Decimal(7), "reserved_usd": Decimal(0)}]


async def test_a_call_is_settled_once_however_often_that_is_sent(database: Database) -> None:
    await limit(database, all=10)
    attempt = await context(database)
    await llm(database, Model(used=2)).ask(attempt, question(4), int)
    again = {
        **dict.fromkeys(("model", "answer", "stop_reason", "error_kind", "error"), "x"),
        **{
            "id": 1,
            "status": "stored",
            "cost_usd": 3,
            "unknown_usd": 0,
            "input_tokens": 1,
            "output_tokens": 1,
        },
    }
    params = {"calls": json.dumps([again])}
    await asyncio.gather(*(database.fetch(queries["llm_settle"], params) for _ in range(4)))
    assert await sums(database) == {"all": (2, 0)}
    assert await database.fetch("select cost_usd from runs") == [{"cost_usd": 2}]


async def test_one_of_many_settlements_at_once_counts(database: Database) -> None:
    await limit(database, all=10)
    attempt = await context(database)
    one, other_process = llm(database, Model()), llm(database, Model())
    call = await one._begin(attempt, question(4), "hash")
    reply = Reply(
        text="1", stop_reason="end_turn", usage=Usage(input_tokens=0, output_tokens=2), model="m"
    )
    async with await database.connect() as other:
        async with other.transaction():
            await other.execute("select from llm_calls for update")
            settling = [
                asyncio.create_task(each._settle(attempt, call, question(4), reply, "stored"))
                for each in (one, other_process)
            ]
            while len(await database.fetch("select pid from pg_locks where not granted")) < 2:
                await asyncio.sleep(0.01)
        await asyncio.gather(*settling)
    assert await sums(database) == {"all": (2, 0)}


async def test_a_call_cut_off_by_a_crash_stays_reserved_until_midnight(
    database: Database, clock: Clock
) -> None:
    await clock.set(NOON)
    await limit(database, all=5)
    ask = llm(database, Model())
    await ask._begin(
        await context(database), question(4), "hash"
    )  # and nothing more: the process is gone
    with pytest.raises(BudgetSpent):
        await ask.ask(await context(database, "again"), question(4), int)
    assert await sums(database) == {"all": (0, 4)}
    await clock.move(86_400)
    await ask.ask(await context(database, "tomorrow"), question(4), int)
    assert await sums(database) == {"all": (1, 0)}


async def test_a_stored_answer_is_free_even_when_the_budget_is_spent(database: Database) -> None:
    await limit(database, all=2)
    model = Model(used=2)
    await llm(database, model).ask(await context(database), question(2), int)
    again = await context(database, "again")
    assert await llm(database, model).ask(again, question(2), int) == 1
    assert model.calls == 1
    assert again.cost_usd == 0
    assert await calls(database, "status, cost_usd, reserved_usd, finished_at is null") == [
        *(("stored", 2, 0, False), ("cached", 0, 0, False)),
    ]
    assert await sums(database) == {"all": (2, 0)}


@pytest.mark.parametrize(
    ("failure", "spent", "held"),
    [
        (TransientCall("429", kind="rate_limit"), 0, 0),
        (
            PermanentCall(
                "too long", kind="truncated", usage=Usage(input_tokens=0, output_tokens=4)
            ),
            4,
            0,
        ),
        (
            TransientCall(
                "no JSON", kind="malformed", usage=Usage(input_tokens=0, output_tokens=3)
            ),
            3,
            0,
        ),
        (
            TransientCall(
                "broke", kind="dropped", usage=Usage(input_tokens=0, output_tokens=1, partial=True)
            ),
            1,
            3,
        ),
        (asyncio.CancelledError(), 0, 0),
        (RuntimeError("a bug"), 0, 0),
    ],
    ids=lambda value: str(value) or "cut off",
)
async def test_a_failed_call_books_its_usage_and_holds_the_unknown(
    database: Database, failure: BaseException, spent: int, held: int
) -> None:
    await limit(database, all=10)
    attempt = await context(database)
    with pytest.raises(type(failure)):
        await llm(database, Model(failure=failure)).ask(attempt, question(4), int)
    assert await sums(database) == {"all": (spent, held)}
    assert await calls(database, "status, cost_usd, reserved_usd") == [("failed", spent, held)]
    assert await database.fetch("select cost_usd from runs") == [{"cost_usd": spent}]


async def test_a_late_owner_makes_no_call(database: Database) -> None:
    await limit(database, all=10)
    attempt = await context(database)
    await database.fetch("update runs set attempt = 2")
    model = Model()
    with pytest.raises(LeaseLost):
        await llm(database, model).ask(attempt, question(1), int)
    assert (model.calls, await calls(database), await sums(database)) == (0, [], {"all": (0, 0)})


async def test_a_switch_that_is_off_makes_no_call(database: Database) -> None:
    await limit(database, all=10)
    await switches.pause(database, "key:garden", reason="look first")
    model = Model()
    with pytest.raises(SwitchedOff):
        await llm(database, model).ask(await context(database), question(1), int)
    assert (model.calls, await calls(database), await sums(database)) == (0, [], {"all": (0, 0)})


async def alerts(database: Database) -> list[tuple[Any, ...]]:
    rows = await database.fetch(
        "select kind, subject, count, resolved_at is null as open from alerts order by id"
    )
    return [tuple(row.values()) for row in rows]


async def test_a_person_is_told_when_80_per_cent_are_spent_once(
    database: Database, clock: Clock
) -> None:
    """What calls under way reserve is not spent: most of it comes back."""
    await clock.set(NOON)
    await limit(database, garden=10)
    model = Model(used=4)
    for number in range(2):
        assert await alerts(database) == []
        await llm(database, model).ask(
            await context(database, str(number)), question(6, str(number)), int
        )
    model.used = 1
    await llm(database, model).ask(await context(database, "more"), question(1, "more"), int)
    assert await alerts(database) == [("budget", "key:garden 2026-11-23", 1, True)]


async def test_a_spent_budget_alerts_once_a_day_and_only_as_spent(
    database: Database, clock: Clock
) -> None:
    await clock.set(NOON)
    await limit(database, all=100, garden=10)
    model = Model(used=1)

    async def ask(most: int) -> None:
        number = model.calls + random.randrange(10**9)
        await llm(database, model).ask(
            await context(database, str(number)), question(most, str(number)), int
        )

    await ask(7)
    model.used = 7
    await ask(7)
    assert await alerts(database) == [("budget", "key:garden 2026-11-23", 1, True)]
    for _ in range(3):
        with pytest.raises(BudgetSpent):
            await ask(7)
    told = [
        ("budget", "key:garden 2026-11-23", 1, False),
        ("budget_spent", "key:garden 2026-11-23", 1, True),
    ]
    assert await alerts(database) == told
    await database.fetch("update alerts set resolved_at = ledger_now()")  # seen, and closed
    with pytest.raises(BudgetSpent):
        await ask(7)
    assert [alert[:3] for alert in await alerts(database)] == [alert[:3] for alert in told]
    await clock.move(86_400)
    model.used = 8
    await ask(8)
    assert [alert[:2] for alert in await alerts(database)][2:] == [
        ("budget", "key:garden 2026-11-24")
    ]


async def test_a_raised_limit_closes_its_alerts_and_can_alert_again(
    database: Database, clock: Clock
) -> None:
    await clock.set(NOON)
    await limit(database, all=2)
    model = Model(used=2)
    await llm(database, model).ask(await context(database), question(2), int)
    await limit(database, all=4, garden=100)
    assert [alert[3] for alert in await alerts(database)] == [False]
    await clock.move(1)
    await llm(database, model).ask(await context(database, "b"), question(2, "b"), int)
    assert [alert[3] for alert in await alerts(database)] == [False, True]


async def test_a_new_budget_counts_todays_spending_and_calls_under_way(
    database: Database, clock: Clock
) -> None:
    await clock.set(NOON)
    model = Model(used=2)
    await llm(database, model).ask(await context(database, "yesterday"), question(2, "a"), int)
    await clock.move(86_400)
    await llm(database, model).ask(await context(database, "today"), question(3, "b"), int)
    await llm(database, model).ask(
        await context(database, "elsewhere", key="sky"), question(3, "c"), int
    )
    model.meanwhile = lambda: limit(database, garden=7)
    await llm(database, model).ask(await context(database, "now"), question(5, "d"), int)
    assert await sums(database) == {"key:garden": (4, 0)}
    with pytest.raises(BudgetSpent):
        await llm(database, model).ask(await context(database, "more"), question(4, "e"), int)


async def held(database: Database, scope_key: str = "garden") -> None:
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, outcome, error_class, "
        "due_at) values "
        "(%(key)s, 'generate', 'article', %(key)s, 'queued', 'held', 'budget', "
        "ledger_now() + interval '9 hours')",
        {"key": scope_key},
    )


async def crowd(database: Database, number: int, key: str = "garden") -> None:
    """Runs that wait for reservations."""
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, outcome, error_class, due_at) "
        "select %(key)s || n, 'generate', 'article', %(key)s, 'queued', 'held', 'reserved', "
        "ledger_now() + n * interval '1 minute' from generate_series(1, %(number)s) n",
        {"key": key, "number": number},
    )


async def test_an_ended_call_releases_as_many_runs_as_fit_oldest_first(database: Database) -> None:
    await limit(database, garden=10)
    await crowd(database, 6)
    await crowd(database, 2, "sky")
    await held(database, "garden")
    await llm(database, Model(used=1)).ask(await context(database), question(3), int)
    assert await due(database) == ["garden1", "garden2", "garden3"], (
        "of the nine dollars each may need three"
    )
    await llm(database, Model(used=1)).ask(await context(database, "b"), question(8, "b"), int)
    assert await due(database) == ["garden1", "garden2", "garden3", "garden4"], (
        "at least one looks for itself"
    )


@pytest.mark.parametrize(
    "failure", [TransientCall("429", kind="rate_limit"), asyncio.CancelledError()]
)
async def test_a_call_that_fails_lets_the_next_go_on_too(
    database: Database, failure: BaseException
) -> None:
    await limit(database, all=3)
    await crowd(database, 2)
    with pytest.raises(type(failure)):
        await llm(database, Model(failure=failure)).ask(await context(database), question(3), int)
    assert await due(database) == ["garden1"]


async def test_what_is_reserved_is_told_from_what_is_spent_or_lost(
    database: Database, clock: Clock
) -> None:
    await clock.set(NOON)
    await limit(database, all=5)
    model = Model(used=1)
    ends: list[type[BaseException]] = []

    async def look() -> None:
        for most in (4, 6):
            with pytest.raises(BudgetSpent) as caught:
                other = await context(database, f"other {most}")
                await llm(database, Model()).ask(other, question(most, "other"), int)
            ends.append(type(caught.value))
        await database.fetch("update runs set attempt = 2 where job_id = 'first'")  # its owner died
        with pytest.raises(BudgetSpent) as caught:
            await llm(database, Model()).ask(
                await context(database, "later"), question(4, "later"), int
            )
        ends.append(type(caught.value))

    model.meanwhile = look
    await llm(database, model).ask(await context(database, "first"), question(2), int)
    assert ends == [BudgetReserved, BudgetSpent, BudgetSpent]


async def due(database: Database) -> list[str]:
    sql = "select job_id from runs where status = 'queued' and due_at <= ledger_now() order by id"
    return [row["job_id"] for row in await database.fetch(sql)]


async def test_a_raised_limit_releases_runs_that_wait_for_reservations(database: Database) -> None:
    await crowd(database, 3)
    await limit(database, all=3)
    assert await due(database) == ["garden1", "garden2", "garden3"]


async def test_a_raised_or_removed_limit_releases_what_it_held_at_once(database: Database) -> None:
    await held(database, "garden")
    await held(database, "sky")
    await limit(database, garden=1)
    assert await due(database) == ["garden"]
    await database.fetch("update runs set due_at = ledger_now() + interval '9 hours'")
    await people.remove(database, "key:garden", by="me")
    assert await due(database) == ["garden"]
    await budgets.declare(database, App("app", [], extensions=[Budgets({"all": 2})]))
    assert sorted(await due(database)) == ["garden", "sky"]


async def test_a_run_that_waits_for_something_else_is_left_alone(database: Database) -> None:
    await held(database)
    await database.fetch("update runs set outcome = 'retry', error_class = 'transient'")
    await limit(database, all=1)
    assert await due(database) == []


async def limits(database: Database) -> dict[str, tuple[float, str]]:
    return {
        row["scope"]: (float(row["usd_per_day"]), row["set_by"])
        for row in await budgets.read(database)
    }


async def test_a_persons_limit_holds_until_reset_to_the_configured_one(database: Database) -> None:
    async def declared(**usd: float) -> dict[str, tuple[float, str]]:
        await budgets.declare(database, App("app", [], extensions=[Budgets(usd)]))
        return await limits(database)

    assert await declared(all=20) == {"all": (20, "config")}
    await limit(database, all=5, garden=1)
    assert await declared(all=30) == {"all": (5, "me"), "key:garden": (1, "me")}
    await people.remove(database, "all", by="me")
    await people.remove(database, "key:garden", by="me")
    assert await limits(database) == {"all": (30, "config")}
    with pytest.raises(UserError, match="is from the configuration: change it there"):
        await people.remove(database, "all", by="me")
    with pytest.raises(NotFound, match="there is no budget of key:garden"):
        await people.remove(database, "key:garden", by="me")
    said = [
        (r["verb"], r["target"], r["by"])
        for r in await database.fetch("select * from actions order by id")
    ]
    assert said == [
        *(("budget set", "all", "me"), ("budget set", "key:garden", "me")),
        *(("budget remove", "all", "me"), ("budget remove", "key:garden", "me")),
    ]


async def test_a_removed_budget_is_forgotten_but_not_one_of_other_apps(database: Database) -> None:
    await budgets.declare(
        database, App("one", [], extensions=[Budgets({"all": 20, "key:garden": 2, "key:sky": 3})])
    )
    await budgets.declare(database, App("two", [], extensions=[Budgets({"pipeline:bills": 1})]))
    await limit(database, sky=9)
    await budgets.declare(database, App("one", [], extensions=[Budgets({"all": 20})]))
    assert await limits(database) == {
        **{"all": (20, "config"), "key:sky": (9, "me"), "pipeline:bills": (1, "config")},
    }
    await people.remove(database, "key:sky", by="me")
    await budgets.declare(database, App("two", []))
    assert await limits(database) == {"all": (20, "config")}


async def test_a_limit_that_is_changed_keeps_what_was_spent(database: Database) -> None:
    await budgets.declare(database, App("app", [], extensions=[Budgets({"all": 20})]))
    await llm(database, Model(used=3)).ask(await context(database), question(3), int)
    await budgets.declare(database, App("app", [], extensions=[Budgets({"all": 10})]))
    await limit(database, all=5)
    await people.remove(database, "all", by="me")
    assert await sums(database) == {"all": (3, 0)}


def app_of(model: Model, usd: float, most: int = 2) -> App:
    """Each job makes one call of at most two dollars, or so many."""
    pipeline = Pipeline("article", key=lambda job: job["site"])

    @pipeline.step(retry=Retry(0))
    async def generate(ctx: Context[LLM], job: dict[str, str]) -> int:
        return await ctx.deps.ask(ctx, question(most, job["topic"]), int)

    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def opened(database: Database) -> Any:
        yield llm(database, model)

    return App(
        "app",
        [pipeline],
        resources=opened,
        keys=Keys("site"),
        extensions=[Budgets({"key:garden": usd})],
    )


async def test_a_night_stops_at_its_budget_and_goes_on_the_next_day(
    database: Database, clock: Clock
) -> None:
    await clock.set(NOON)
    model = Model(used=2)
    app = app_of(model, 6)
    for number in range(5):
        await runs.start(app, database, "article", {"site": "garden", "topic": str(number)})
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    rows = await database.fetch(
        "select status, outcome, failures, error_class from runs order by status"
    )
    assert [tuple(row.values()) for row in rows] == [
        *[("queued", "held", 0, "budget")] * 2,
        *[("succeeded", "done", 0, None)] * 3,
    ]
    assert model.calls == 3
    assert await sums(database) == {"key:garden": (6, 0)}
    waits = await database.fetch("select due_at from runs where status = 'queued'")
    assert all(datetime(2026, 11, 24, tzinfo=UTC) <= row["due_at"] for row in waits)
    await run_until_idle(app, database, clock=clock)
    assert model.calls == 5
    assert (await clock.now()).day == 24
    assert await sums(database) == {"key:garden": (4, 0)}


async def test_high_reservations_stop_no_night_below_its_budget(
    database: Database, clock: Clock
) -> None:
    """Each call reserves 30 times what it costs, and two fit at once: all twenty are written on
    this day.
    """
    await clock.set(NOON)
    model = Model(used=1)
    app = app_of(model, 60, most=30)
    for number in range(20):
        await runs.start(app, database, "article", {"site": "garden", "topic": str(number)})
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    assert model.calls == 20
    assert await sums(database) == {"key:garden": (20, 0)}
    assert await alerts(database) == []


async def test_a_stopped_night_continues_when_a_limit_is_raised(
    database: Database, clock: Clock
) -> None:
    await clock.set(NOON)
    model = Model(used=2)
    app = app_of(model, 2)
    for number in range(3):
        await runs.start(app, database, "article", {"site": "garden", "topic": str(number)})
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    assert model.calls == 1
    await limit(database, garden=10)
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    assert model.calls == 3
    assert (await clock.now()).day == 23


FAULTS = [
    "ok",
    "ok",
    "429",
    "529",
    "drop-mid-stream",
    "no-message-stop",
    "max-tokens",
    "truncated-json",
    "refusal",
]


@pytest.mark.parametrize("seed", range(6))
async def test_the_other_side_never_bills_more_than_the_budget(
    database: Database, seed: int
) -> None:
    """Random sizes, random faults, many at once: the server's own bill counts, also for answers
    that broke off.
    """
    rng = random.Random(seed)
    price = Price(input=Decimal(rng.randint(1, 9)), output=Decimal(rng.randint(10, 99)))
    budget = rng.uniform(0.1, 0.5)
    await limit(database, all=budget)
    requests = [
        Request(
            model="m",
            prompt="wörd " * rng.randint(1, 400),
            max_tokens=rng.randint(1, 900),
            system=str(n),
            prefix="stable " * 600 if rng.random() < 0.2 else None,
        )
        for n in range(40)
    ]
    lengths = {request.system: rng.randint(1, 4 * request.max_tokens - 2) for request in requests}

    def body(request: dict[str, Any]) -> str:
        return json.dumps("x" * max(0, lengths[request["system"]] - 2))

    with FakeModels(body=body, faults=rng.choices(FAULTS, k=40)) as server:
        provider = Anthropic(api_key="sk-test", base_url=server.url)
        ask = LLM(provider, database, deadline=20, prices={"m": price})
        contexts = [await context(database, str(n)) for n in range(40)]
        tasks = [
            ask.ask(ctx, request, str) for ctx, request in zip(contexts, requests, strict=True)
        ]
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        await provider.aclose()
    read, written = server.billed
    billed = (read * price.input + written * price.output) / 1_000_000
    row = (await budgets.read(database))[0]
    assert 0 < billed <= row["spent_usd"] + row["reserved_usd"] <= row["usd_per_day"]
    assert any(isinstance(end, BudgetSpent) for end in ends)
    assert len(server.calls) == len(await calls(database))


async def test_a_cached_prefix_reserves_a_write_and_books_a_read(database: Database) -> None:
    price = Price(
        input=Decimal(4), output=Decimal(0), cache_read=Decimal(1), cache_write=Decimal(8)
    )
    await limit(database, all=100)
    prefix = "stable " * 1_000
    with FakeModels(body=lambda request: "1") as server:
        provider = Anthropic(api_key="sk-test", base_url=server.url)
        ask = LLM(provider, database, deadline=20, prices={"m": price})
        for number in range(2):
            ctx = await context(database, str(number))
            request = Request(model="m", prompt=str(number), max_tokens=9, prefix=prefix)
            await ask.ask(ctx, request, int)
        await provider.aclose()
    size = len(prefix) // 4  # tokens, by the rule of the server
    fresh = server.calls[0].input_tokens - size
    written, read = (4 * fresh + usd * size for usd in (8, 1))
    costs = [cost * 1_000_000 for (cost,) in await calls(database, "cost_usd")]
    assert costs == [written, read]
    tokens = (request.most_input_tokens, 9, {"m": price})
    most = most_usd("anthropic", "m", *tokens, cached_tokens=request.most_cached_tokens)
    assert most * 1_000_000 >= written


@pytest.fixture
def command(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Awaitable[Result]]:
    """Runs a command of `overnight` on the test's database."""
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "60")

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, cli, words)

    return run


async def test_a_person_sets_reads_and_removes_budgets(
    database: Database, command: Callable[..., Awaitable[Result]]
) -> None:
    assert "No budget: spending is unlimited" in (await command("budgets")).output
    done = await command("budget", "set", "key:garden", "2.50", "--reason", "a dear month")
    assert done.output == "key:garden may spend $2.50 a day\n"
    await llm(database, Model(used=2)).ask(await context(database), question(2), int)
    (row,) = json.loads((await command("budgets", "--json")).output)["budgets"]
    assert {
        name: row[name]
        for name in ("scope", "usd_per_day", "spent_usd", "reserved_usd", "left_usd", "used")
    } == {
        **{
            "scope": "key:garden",
            "usd_per_day": 2.5,
            "spent_usd": 2,
            "reserved_usd": 0,
            "left_usd": 0.5,
            "used": 0.8,
        },
    }
    shown = (await command("budgets")).output
    assert "key:garden" in shown
    assert "80%" in shown
    told = (await command("status")).output
    assert "key:garden $2.00 of $2.50 a day spent" in " ".join(told.split())
    (action,) = await database.fetch("select verb, target, reason from actions")
    assert action == {
        "verb": "budget set",
        "target": "key:garden",
        "reason": "$2.50 a day: a dear month",
    }
    assert (
        await command("budget", "remove", "key:garden")
    ).output == "key:garden has no limit any more\n"
    assert isinstance((await command("budget", "remove", "key:garden")).exception, NotFound)
    assert isinstance(
        (await command("budget", "set", "key:garden", "much", "--reason", "")).exception, UserError
    )
    assert isinstance(
        (await command("budget", "set", "garden", "2", "--reason", "")).exception, UserError
    )
