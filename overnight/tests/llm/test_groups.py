"""Calls that begin or end at the same moment share a statement, and each keeps its own guards."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from overnight import App, Context
from overnight.errors import BudgetSpent, LeaseLost, Refused, SwitchedOff
from overnight.llm import Price, Reply, Request, Usage, budgets
from overnight.llm.client import LLM, Answer
from overnight.operations import budgets as people
from overnight.operations import switches
from overnight.store.database import Database, Row
from overnight.store.ledger import Ledger
from overnight.store.records import Run
from overnight.store.sql import queries

PRICES = {"m": Price(input=Decimal(0), output=Decimal(1_000_000))}  # a token of output is a dollar
APP = App("app", [])


class Counting(Database):
    """Counts the statements of calls."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.counts = Counter[str]()

    async def fetch(
        self,
        sql: str,
        params: Mapping[str, Any] | Sequence[Any] = (),
        *,
        prepare: bool | None = None,
    ) -> list[Row]:
        self.counts.update(name for name in ("llm_begin", "llm_settle") if sql == queries[name])
        return await super().fetch(sql, params, prepare=prepare)


class Model:
    """A provider of which all calls are under way until `go` is set."""

    name = "anthropic"

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.go = asyncio.Event()

    async def complete(self, request: Request, *, deadline: float, on_usage: Any = None) -> Reply:
        self.prompts.append(request.prompt)
        await self.go.wait()
        usage = Usage(input_tokens=0, output_tokens=1)
        return Reply(text='"yes"', stop_reason="end_turn", usage=usage, model="m")


@pytest.fixture
async def counting(database: Database) -> AsyncIterator[Counting]:
    async with Counting(database.url) as counting:
        yield counting


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def llm(counting: Counting, model: Model) -> LLM:
    return LLM(model, counting, deadline=10, prices=PRICES)


async def context(database: Database, job: str, key: str = "garden") -> Context[Any]:
    """An attempt that runs."""
    row = await database.one(
        "insert into runs (job_id, step, pipeline, key, status, attempt) "
        "values (%(job)s, 'write', 'article', %(key)s, 'running', 1) returning id",
        {"job": job, "key": key},
    )
    assert row is not None
    about = {"job_id": job, "step": "write", "pipeline": "article", "key": key, "attempt": 1}
    run = Run(**{**dict.fromkeys(Run.__slots__), **row, **about, "failures": 0})
    return Context(run, None, APP, Ledger(database))


def question(most: int, prompt: str) -> Request:
    """A request that costs at most so many dollars."""
    return Request(model="m", prompt=prompt, max_tokens=most)


async def limit(database: Database, **usd: float) -> None:
    for scope, value in usd.items():
        name = scope if scope == "all" else f"key:{scope}"
        await people.set_limit(database, name, budgets.amount(value), reason="test", by="me")


@asynccontextmanager
async def locked(database: Database, table: str) -> AsyncIterator[None]:
    """For the block each statement that wants these rows waits."""
    async with await database.connect() as other, other.transaction():
        await other.execute(f"select from {table} for update")
        yield


async def waits(database: Database) -> None:
    """Until a statement waits for a lock."""
    while not await database.fetch(
        "select pid from pg_stat_activity where wait_event_type = 'Lock' "
        "and datname = current_database()"
    ):
        await asyncio.sleep(0.01)


Ask = Callable[[Context[Any], Request], "asyncio.Task[str]"]


@pytest.fixture
def ask(llm: LLM) -> Ask:
    def ask(ctx: Context[Any], request: Request) -> asyncio.Task[str]:
        return asyncio.create_task(llm.ask(ctx, request, str))

    return ask


async def sums(database: Database) -> dict[str, tuple[float, float]]:
    """Scope → (spent, reserved) of today."""
    rows = await budgets.read(database)
    return {row["scope"]: (float(row["spent_usd"]), float(row["reserved_usd"])) for row in rows}


async def test_calls_that_begin_and_end_together_share_statements(
    counting: Counting, model: Model, ask: Ask
) -> None:
    await limit(counting, all=100)
    contexts = [await context(counting, f"job {n}") for n in range(4)]
    tasks = [ask(contexts[n % 4], question(2, str(n))) for n in range(12)]
    while len(model.prompts) < 12:
        await asyncio.sleep(0.01)
    assert counting.counts == {"llm_begin": 1}
    assert await sums(counting) == {"all": (0, 24)}
    model.go.set()
    assert await asyncio.gather(*tasks) == ["yes"] * 12
    assert counting.counts == {"llm_begin": 1, "llm_settle": 1}
    assert await sums(counting) == {"all": (12, 0)}
    costs = await counting.fetch("select cost_usd from runs")
    assert [row["cost_usd"] for row in costs] == [3, 3, 3, 3]


async def test_no_group_of_calls_passes_a_budget(
    counting: Counting, model: Model, ask: Ask
) -> None:
    """Of calls of 1 to 4 dollars, all in one statement, those begin for which there is room."""
    await limit(counting, all=20, garden=9)
    contexts = [await context(counting, f"job {n}", ("garden", "sky")[n % 2]) for n in range(16)]
    tasks = [ask(ctx, question(1 + n // 4, str(n))) for n, ctx in enumerate(contexts)]
    while sum(task.done() for task in tasks) + len(model.prompts) < 16:
        await asyncio.sleep(0.01)
    reserved = await sums(counting)
    begun = [int(prompt) for prompt in model.prompts]
    assert {*range(8)} <= {*begun}, "those of 1 and 2 dollars fit into both"
    assert reserved["all"][1] == sum(1 + n // 4 for n in begun) <= 20
    assert reserved["key:garden"][1] == sum(1 + n // 4 for n in begun if n % 2 == 0) <= 9
    model.go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [n for n, result in enumerate(results) if result == "yes"] == sorted(begun)
    refusals = [result for result in results if result != "yes"]
    assert refusals and all(isinstance(refusal, BudgetSpent) for refusal in refusals)


async def test_a_call_beside_one_that_is_refused_begins(
    counting: Counting, model: Model, ask: Ask
) -> None:
    """The budget of its key refuses one, and that of everything has no room for all three."""
    await limit(counting, all=10, garden=5)
    first, garden, sky = [
        await context(counting, f"job {key}", key) for key in ("moon", "garden", "sky")
    ]
    model.go.set()
    tasks = [
        ask(first, question(1, "a")),
        ask(garden, question(6, "b")),
        ask(sky, question(8, "c")),
    ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [str, BudgetSpent, str]


async def test_each_call_of_a_group_has_its_own_guards(
    counting: Counting, model: Model, ask: Ask
) -> None:
    await limit(counting, all=100)
    fine, late, paused = [
        await context(counting, f"job {key}", key) for key in ("garden", "late", "paused")
    ]
    model.go.set()
    assert await ask(fine, question(1, "known")) == "yes"
    await counting.fetch("update runs set attempt = 2 where key = 'late'")
    await switches.pause(counting, "key:paused", reason="look first")
    tasks = [
        ask(fine, question(1, "first")),
        ask(late, question(1, "late")),
        ask(paused, question(1, "paused")),
        ask(late, question(1, "known")),
        ask(fine, question(1, "last")),
    ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [result if isinstance(result, str) else type(result) for result in results] == [
        *("yes", LeaseLost, SwitchedOff, "yes", "yes")
    ]
    assert model.prompts == ["known", "first", "last"]
    rows = await counting.fetch("select status, count(*) from llm_calls group by 1 order by 1")
    assert [tuple(row.values()) for row in rows] == [("cached", 1), ("stored", 3)]
    assert await sums(counting) == {"all": (3, 0)}


async def test_one_that_cannot_be_stored_is_refused_alone(
    counting: Counting, model: Model, ask: Ask
) -> None:
    await limit(counting, all=100)
    contexts = [await context(counting, f"job {n}") for n in range(3)]
    broken = replace(contexts[1], run=replace(contexts[1].run, attempt=2**40))
    model.go.set()
    tasks = [
        ask(contexts[0], question(1, "a")),
        ask(broken, question(1, "b")),
        ask(contexts[2], question(1, "c")),
    ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [results[0], type(results[1]), results[2]] == ["yes", Refused, "yes"]
    assert await sums(counting) == {"all": (2, 0)}


async def test_a_call_whose_step_is_gone_when_it_is_booked_is_ended(
    counting: Counting, model: Model, ask: Ask
) -> None:
    await limit(counting, all=100)
    first, second = await context(counting, "one"), await context(counting, "two")
    model.go.set()
    async with locked(counting, "budgets"):
        task = ask(first, question(5, "a"))
        await waits(counting)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await ask(second, question(2, "b")) == "yes"
    assert model.prompts == ["b"]
    rows = await counting.fetch("select status, error_kind, cost_usd from llm_calls order by id")
    assert [tuple(row.values()) for row in rows] == [
        ("failed", "aborted", 0),
        ("stored", None, 1),
    ]
    assert await sums(counting) == {"all": (1, 0)}


async def test_of_the_known_requests_the_first_with_an_answer_gives_it(
    counting: Counting, llm: LLM, model: Model
) -> None:
    ctx = await context(counting, "job")
    model.go.set()
    requests = [question(most, "?") for most in (1, 2, 3)]
    hashes = [request.hash(model.name) for request in requests]
    for request in requests[1:]:
        await llm.ask(ctx, request, str)
    for known, found in (
        (hashes, hashes[1]),
        (hashes[::-1], hashes[2]),
        (hashes[1:], hashes[1]),
    ):
        assert await llm.call(ctx, requests[0], str, known) == Answer("yes", found)
        assert await llm.stored(ctx, requests[0], str, known) == Answer("yes", found)
    assert len(model.prompts) == 2
    assert await llm.stored(ctx, requests[0], str) is None
    assert await llm.call(ctx, requests[0], str, hashes[:1]) == Answer("yes", hashes[0])
    assert len(model.prompts) == 3
