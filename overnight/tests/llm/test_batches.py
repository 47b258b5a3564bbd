"""Calls by batch APIs, on a real Postgres and against servers of their protocols: at half the
price, in any order, and whatever breaks, nothing is paid for twice.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from overnight import App, Context
from overnight.errors import BudgetReserved, SwitchedOff, Waiting
from overnight.llm import (
    Anthropic,
    OpenAI,
    PermanentCall,
    Price,
    Request,
    batches,
    budgets,
    strict_schema,
)
from overnight.llm.client import LLM
from overnight.operations import budgets as people
from overnight.operations import switches
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Run
from overnight.testing import Clock
from overnight.testing.fake_llm import FakeModels, prompt_of

pytestmark = pytest.mark.contract

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
APP = App("app", [])
PRICES = {"m": Price(input=Decimal(4), output=Decimal(8))}


class Word(BaseModel):
    word: str


@pytest.fixture(autouse=True)
def _collect_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "COLLECT", 0.25)


@pytest.fixture
def server(clock: Clock) -> Iterator[FakeModels]:
    def answer(request: dict[str, Any]) -> str:
        return json.dumps({"word": prompt_of(request)})

    with FakeModels(body=answer) as server:
        yield server


@pytest.fixture(params=["anthropic", "openai"])
async def llm(
    request: pytest.FixtureRequest, database: Database, clock: Clock, server: FakeModels
) -> AsyncIterator[LLM]:
    await clock.set(NOON)
    server.batches.now = lambda: NOON
    provider: Anthropic | OpenAI
    if request.param == "anthropic":
        provider = Anthropic(api_key="sk-test", base_url=server.url)
    else:
        provider = OpenAI(api_key="sk-test", base_url=server.url + "/v1")
    yield LLM(provider, database, deadline=20, prices=PRICES)
    await provider.aclose()


def again(llm: LLM) -> LLM:
    """As another process has it."""
    return LLM(llm._provider, llm.database, deadline=20, prices=PRICES)


async def context(database: Database, job: str = "job") -> Context[Any]:
    """An attempt that runs."""
    row = await database.one(
        "insert into runs (job_id, step, pipeline, key, status, attempt) "
        "values (%(job)s, 'generate', 'article', 'garden', 'running', 1) returning id",
        {"job": job},
    )
    assert row is not None
    names = {"job_id": job, "step": "generate", "pipeline": "article", "key": "garden"}
    run = Run(**row, **names, attempt=1, failures=0, input=None)
    return Context(run, None, APP, Ledger(database))


def question(prompt: str = "night", **changes: Any) -> Request:
    fields = {"model": "m", "max_tokens": 100, "schema": strict_schema(Word), **changes}
    return Request(prompt=prompt, **fields)


async def ask(llm: LLM, ctx: Context[Any], *prompts: str) -> list[Any]:
    """What comes of each question: its word, or the error."""
    asked = [llm.ask(ctx, question(prompt), Word, batch=True) for prompt in prompts]
    ends = await asyncio.gather(*asked, return_exceptions=True)
    return [end.word if isinstance(end, Word) else end for end in ends]


async def calls(database: Database) -> list[tuple[Any, ...]]:
    rows = await database.fetch("select status, error_kind from llm_calls order by id")
    return [tuple(row.values()) for row in rows]


def is_waiting(ends: list[Any]) -> bool:
    return bool(ends) and all(type(end) is Waiting for end in ends)


def accepted(server: FakeModels) -> int:
    """Batches that the provider was sent and took."""
    return len(server.batches.all)


def usual_calls(server: FakeModels) -> int:
    return sum("batch" not in call.headers for call in server.calls)


WORDS = ("one", "two", "three")


async def test_a_step_waits_for_its_batch_and_pays_half(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    await people.set_limit(database, "all", budgets.amount(10), reason="test", by="me")
    ctx = await context(database)
    first = await ask(llm, ctx, *WORDS)
    assert is_waiting(first)
    assert all(0 < end.retry_after <= batches.SHORTEST for end in first)
    assert accepted(server) == 1
    assert sorted(server.batches.sent) == sorted(
        question(word).hash(llm.provider) for word in WORDS
    )
    reserved = (await budgets.read(database))[0]["reserved_usd"]
    await clock.move(61)
    assert is_waiting(await ask(llm, ctx, *WORDS)), "it is under way"
    server.batches.end()
    await clock.move(601)
    assert await ask(llm, ctx, *WORDS) == list(WORDS)
    read, written = server.billed
    paid = Decimal(4 * read + 8 * written) / 2_000_000
    budget = (await budgets.read(database))[0]
    assert (budget["spent_usd"], budget["reserved_usd"]) == (paid, 0)
    most = [question(word).most_input_tokens * 4 + 100 * 8 for word in WORDS]
    assert reserved == Decimal(sum(most)) / 2_000_000
    assert await calls(database) == [("stored", None)] * 3
    (run,) = await database.fetch("select cost_usd from runs")
    assert run["cost_usd"] == paid
    assert usual_calls(server) == 0


async def test_calls_of_several_jobs_share_a_batch_and_wake_together(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    jobs = [await context(database, f"job {word}") for word in WORDS]
    ends = [ask(llm, ctx, word) for ctx, word in zip(jobs, WORDS, strict=True)]
    assert all(map(is_waiting, await asyncio.gather(*ends)))
    assert accepted(server) == 1
    sleeping = (
        "update runs set status = 'queued', outcome = 'snooze', due_at = ledger_now() + '1 h'"
    )
    await database.fetch(sleeping + " where job_id <> 'job one'")
    server.batches.end()
    await clock.move(61)
    assert await ask(llm, jobs[0], "one") == ["one"]
    due = await database.fetch(
        "select id from runs where status = 'queued' and due_at <= ledger_now()"
    )
    assert len(due) == 2


@pytest.mark.parametrize("outcome", ["errored", "expired", "canceled"])
async def test_what_a_batch_does_not_answer_is_called_as_usual_once(
    llm: LLM, database: Database, clock: Clock, server: FakeModels, outcome: str
) -> None:
    unlucky = question("two").hash(llm.provider)
    server.batches.outcome = lambda id_: outcome if id_ == unlucky else "succeeded"
    ctx = await context(database)
    assert is_waiting(await ask(llm, ctx, *WORDS))
    server.batches.end()
    await clock.move(61)
    assert await ask(llm, ctx, *WORDS) == list(WORDS)
    assert await ask(llm, ctx, *WORDS) == list(WORDS)
    assert (accepted(server), usual_calls(server)) == (1, 1)
    assert Counter(call.path and prompt_of(call.request) for call in server.calls) == Counter(WORDS)
    failures = [kind for status, kind in await calls(database) if status == "failed"]
    assert failures == [{"errored": "bad_request"}.get(outcome, "timeout")]
    assert not await database.fetch("select id from llm_calls where reserved_usd > 0")


async def test_calls_of_a_cancelled_or_deleted_batch_are_made_directly(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    ctx = await context(database)
    assert is_waiting(await ask(llm, ctx, "one"))
    await llm._provider.batches.cancel("batch_1")  # type: ignore[attr-defined]
    await clock.move(61)
    assert await ask(llm, ctx, "one") == ["one"]
    assert is_waiting(await ask(llm, ctx, "two"))
    server.batches.all.pop("batch_2")
    await clock.move(61)
    assert await ask(llm, ctx, "two") == ["two"]
    assert usual_calls(server) == 2
    kept = await database.fetch("select reserved_usd from llm_calls where reserved_usd > 0")
    assert len(kept) == 1, "nobody knows whether the deleted one was billed"


async def test_an_answer_that_is_cut_off_is_not_asked_for_again(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    server.batches.outcome = lambda id_: "max-tokens"
    ctx = await context(database)
    assert is_waiting(await ask(llm, ctx, "one"))
    server.batches.end()
    await clock.move(61)
    for _ in range(2):
        (cut,) = await ask(llm, ctx, "one")
        assert isinstance(cut, PermanentCall)
        assert cut.kind == "truncated"
    assert (accepted(server), usual_calls(server)) == (1, 0)
    (paid,) = await database.fetch("select cost_usd > 0 as paid from llm_calls")
    assert paid["paid"]


async def test_an_answer_of_another_type_is_served_to_nobody(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    answers = iter(['{"letter": "x"}', '{"word": "right"}'])
    server.body = lambda request: next(answers)
    ctx = await context(database)
    assert is_waiting(await ask(llm, ctx, "one"))
    server.batches.end()
    await clock.move(61)
    assert await ask(llm, ctx, "one") == ["right"]
    assert await calls(database) == [("failed", "malformed"), ("stored", None)]


async def test_while_the_provider_is_down_the_step_waits(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    ctx = await context(database)
    assert is_waiting(await ask(llm, ctx, "one"))
    server.batches.end()
    server.batches.down = True
    for _ in range(3):
        await clock.move(601)
        assert is_waiting(await ask(llm, ctx, "one"))
    server.batches.down = False
    await clock.move(601)
    assert await ask(llm, ctx, "one") == ["one"]
    assert (accepted(server), usual_calls(server)) == (1, 0)


async def test_a_batch_of_which_nothing_is_heard_for_days_is_given_up(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    ctx = await context(database)
    assert is_waiting(await ask(llm, ctx, "one"))
    server.batches.down = True
    await clock.set(NOON + timedelta(days=4))
    assert await ask(llm, ctx, "one") == ["one"]
    assert usual_calls(server) == 1
    assert await calls(database) == [("failed", "dropped"), ("stored", None)]


async def test_a_batch_that_is_refused_is_called_as_usual(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    server.batches.refused = 1
    assert await ask(llm, await context(database), "one") == ["one"]
    assert (accepted(server), usual_calls(server)) == (0, 1)
    assert await calls(database) == [("failed", "rate_limit"), ("stored", None)]


async def test_a_batch_whose_answer_got_lost_is_found_again(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    """The provider took it; only its answer, with the id, did not come."""
    server.batches.lost = 1
    ctx = await context(database)
    assert is_waiting(await ask(llm, ctx, *WORDS))
    await clock.move(301)
    assert is_waiting(await ask(again(llm), ctx, *WORDS)), "it may yet be on its way"
    await clock.move(300)
    assert is_waiting(await ask(again(llm), ctx, *WORDS))
    server.batches.end()
    for _ in range(2):
        await clock.move(601)
        ends = await ask(again(llm), ctx, *WORDS)
    assert ends == list(WORDS)
    assert (accepted(server), usual_calls(server)) == (1, 0)
    assert await calls(database) == [("stored", None)] * 3


class Killed(BaseException):
    """The process is no more."""


POINTS = ["begin", "send", "note", "results", "settle", "end"]


@pytest.mark.parametrize("point", POINTS)
async def test_whatever_a_crash_cuts_off_nothing_is_paid_twice(
    llm: LLM,
    database: Database,
    clock: Clock,
    server: FakeModels,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    """The process dies before the act of this name, or, of `settle`, after the first call."""
    server.batches.polls = 0
    ctx = await context(database)
    batching, api = llm._batching, llm._batching._api  # type: ignore[union-attr]
    places: dict[str, tuple[Any, str]] = {
        "begin": (batching, "_begin"),
        "send": (api, "send"),
        "note": (batching, "_note"),
        "results": (api, "results"),
        "settle": (batching, "_settle"),
        "end": (batching, "_end"),
    }
    place, name = places[point]
    whole, count = getattr(place, name), 0

    async def dying(*args: Any) -> Any:
        nonlocal count
        count += 1
        if point != "settle" or count > 1:
            raise Killed
        return await whole(*args)

    monkeypatch.setattr(place, name, dying)
    for _ in range(2):
        ends = await ask(llm, ctx, *WORDS)
        if any(isinstance(end, Killed) for end in ends) or count:
            break
        await clock.move(61)
    assert count, "it died"
    answered: list[Any] = []
    for _ in range(6):
        answered = await ask(again(llm), ctx, *WORDS)
        if answered == list(WORDS):
            break
        await clock.move(601)
    assert answered == list(WORDS)
    assert Counter(prompt_of(call.request) for call in server.calls) == Counter(WORDS)
    paid = await database.fetch("select cost_usd from llm_calls where cost_usd > 0")
    assert len(paid) == 3


async def test_another_program_s_batches_are_not_taken_for_ours(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    server.batches.page = 2
    foreign = {f"foreign-{n}": question(f"foreign {n}") for n in range(1)}
    for _ in range(5):
        await llm._provider.batches.send("another", foreign)  # type: ignore[attr-defined]
    server.batches.lost = 1
    ctx = await context(database)
    assert is_waiting(await ask(llm, ctx, "one"))
    server.batches.end()
    for _ in range(2):
        await clock.move(601)
        ends = await ask(again(llm), ctx, "one")
    assert ends == ["one"]
    assert (accepted(server), usual_calls(server)) == (6, 0)


async def test_a_day_later_what_expired_gives_its_reservation_back(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    await people.set_limit(database, "all", budgets.amount(10), reason="test", by="me")
    server.batches.outcome = lambda id_: "expired"
    ctx = await context(database)
    assert is_waiting(await ask(llm, ctx, "one"))
    assert (await budgets.read(database))[0]["reserved_usd"] > 0
    server.batches.end()
    await clock.set(NOON + timedelta(hours=25))
    assert await ask(llm, ctx, "one") == ["one"]
    budget = (await budgets.read(database))[0]
    assert (budget["spent_usd"] > 0, budget["reserved_usd"]) == (True, 0)


async def test_no_batch_passes_a_budget_or_a_switch(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    ctx = await context(database)
    await people.set_limit(database, "all", budgets.amount("0.005"), reason="test", by="me")
    ends = await ask(llm, ctx, *map(str, range(8)))
    begun = sum(type(end) is Waiting for end in ends)
    assert 0 < begun < 8
    assert len(server.batches.sent) == begun
    budget = (await budgets.read(database))[0]
    assert budget["reserved_usd"] <= budget["usd_per_day"]
    assert {type(end) for end in ends} == {Waiting, BudgetReserved}, "what a batch holds comes back"
    await people.set_limit(database, "all", budgets.amount(10), reason="test", by="me")
    await switches.pause(database, "all", reason="test")
    (refused,) = await ask(llm, ctx, "off")
    assert isinstance(refused, SwitchedOff)
    assert len(server.batches.sent) == begun


async def test_a_provider_without_batches_is_called_as_usual(
    llm: LLM, database: Database, clock: Clock, server: FakeModels
) -> None:
    class Plain:
        name = llm.provider
        complete = staticmethod(llm._provider.complete)

    plain = LLM(Plain(), database, deadline=20, prices=PRICES)
    assert await ask(plain, await context(database), "one") == ["one"]
    assert (accepted(server), usual_calls(server)) == (0, 1)
