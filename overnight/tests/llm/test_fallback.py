"""The fallback of a model: when it is asked, when not, and what its breaker does meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
from pydantic import BaseModel

from overnight import App, Budgets, Context, Pipeline, Retry
from overnight.engine.breakers import ERRORS, PAUSE
from overnight.engine.context import Context as Ctx
from overnight.errors import BudgetSpent
from overnight.llm import (
    Anthropic,
    CallFailed,
    OpenAI,
    Price,
    Request,
    budgets,
    fallback,
    strict_schema,
)
from overnight.llm.client import LLM, UNCOUNTED
from overnight.llm.fallback import AllResting, Choice
from overnight.store import breakers
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Scope
from overnight.testing import Clock
from overnight.testing.fake_llm import FakeModels

PRICES = {model: Price(input="1", output="2") for model in ("first", "second", "claude-sonnet-4-5")}


class Word(BaseModel):
    word: str


REQUEST = Request(model="", prompt="A word.", max_tokens=100, schema=strict_schema(Word))

pipeline = Pipeline("words")


@pipeline.step(retry=Retry(0))
async def say(ctx: Context, word: str) -> str:
    return word


app = App("words", [pipeline])


@pytest.fixture
def server() -> Iterator[FakeModels]:
    with FakeModels(body=lambda request: json.dumps({"word": request["model"]})) as server:
        yield server


@pytest.fixture
async def choices(database: Database, server: FakeModels) -> AsyncIterator[list[Choice]]:
    first, second = (
        Anthropic(api_key="sk-1", base_url=server.url),
        OpenAI(base_url=server.url + "/v1"),
    )
    yield [
        Choice(LLM(first, database, deadline=10, prices=PRICES), "first"),
        Choice(LLM(second, database, deadline=10, prices=PRICES), "second"),
    ]
    await first.aclose()
    await second.aclose()


@pytest.fixture
async def attempt(database: Database) -> Callable[..., Any]:
    """Makes a run that is under way, and its context."""
    ledger = Ledger(database)

    async def begin(word: str = "w") -> Ctx[Any]:
        await ledger.enqueue([pipeline.job(word)])
        (run,) = (await ledger.claim(Scope(["words/say"]), "me", 1, 60.0)).runs
        return Ctx(run, None, app, ledger)

    return begin


Begin = Callable[..., Any]


async def asked(ctx: Ctx[Any], choices: list[Choice], prompt: str = "A word.") -> str:
    request = Request(model="", prompt=prompt, max_tokens=100, schema=strict_schema(Word))
    return (await fallback.ask(ctx, choices, request, Word))[0].word


@pytest.mark.parametrize("fault", ["529", "error-event-overloaded", "refusal"])
async def test_the_fallback_is_asked_in_the_same_attempt(
    database: Database, server: FakeModels, choices: list[Choice], attempt: Begin, fault: str
) -> None:
    server.script(fault)
    ctx = await attempt()
    answer, by = await fallback.ask(ctx, choices, REQUEST, Word)
    assert (answer.word, by.name) == ("second", "openai:second")
    calls = await database.fetch(
        "select provider, model, status, attempt, cost_usd from llm_calls order by id"
    )
    assert [(c["provider"], c["model"], c["status"], c["attempt"]) for c in calls] == [
        ("anthropic", "first", "failed", 1),
        ("openai", "second", "stored", 1),
    ]
    run = await database.one("select cost_usd from runs")
    assert run is not None
    assert run["cost_usd"] == sum(c["cost_usd"] for c in calls)


@pytest.mark.parametrize(
    "fault", ["400", "401", "404", "429-spend-cap", "429", "500", "drop-mid-stream", "max-tokens"]
)
async def test_what_another_model_would_not_mend_is_not_passed_on(
    server: FakeModels, choices: list[Choice], attempt: Begin, fault: str
) -> None:
    server.script(fault)
    with pytest.raises(CallFailed):
        await asked(await attempt(), choices)
    assert [call.request["model"] for call in server.calls] == ["first"]


async def test_a_finish_reason_that_means_trouble_asks_the_fallback(
    database: Database, server: FakeModels, choices: list[Choice], attempt: Begin
) -> None:
    server.script("troubled")
    answer, by = await fallback.ask(await attempt(), choices[::-1], REQUEST, Word)
    assert (answer.word, by.name) == ("first", "anthropic:first")
    (failed, _) = await database.fetch(
        "select status, error_kind, cost_usd from llm_calls order by id"
    )
    assert (failed["status"], failed["error_kind"]) == ("failed", "overloaded")
    assert failed["cost_usd"] > 0


async def test_a_spent_budget_is_not_passed_on(
    database: Database, server: FakeModels, choices: list[Choice], attempt: Begin
) -> None:
    await budgets.declare(database, App("words", [pipeline], extensions=[Budgets({"all": 0})]))
    with pytest.raises(BudgetSpent):
        await asked(await attempt(), choices)
    assert server.calls == []


async def test_a_model_that_fails_often_rests_until_its_probe_succeeds(
    database: Database, clock: Clock, server: FakeModels, choices: list[Choice], attempt: Begin
) -> None:
    ctx = await attempt()
    server.script(*["500"] * ERRORS)
    for _ in range(ERRORS):
        with pytest.raises(CallFailed):
            await asked(ctx, choices)
    assert await asked(ctx, choices, "One.") == "second"
    (alert,) = await database.fetch("select kind, subject from alerts where resolved_at is null")
    assert (alert["kind"], alert["subject"]) == ("breaker", "model anthropic:first")
    await clock.move(PAUSE + 1)
    server.script("500")
    with pytest.raises(CallFailed):
        await asked(ctx, choices, "Two.")
    assert await asked(ctx, choices, "Two.") == "second", "the probe failed, so it rests again"
    await clock.move(PAUSE + 1)
    assert await asked(ctx, choices, "Three.") == "first"
    assert await asked(ctx, choices, "Four.") == "first"
    assert await database.fetch("select kind from alerts where resolved_at is null") == []


def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two attempts read the first model's breaker at once: a race that always comes about."""
    barrier, read = asyncio.Barrier(2), breakers.read
    waited = set[asyncio.Task[Any] | None]()

    async def read_at_once(database: Database, names: Sequence[str]) -> Any:
        known = await read(database, names)
        if (task := asyncio.current_task()) not in waited:
            waited.add(task)
            await barrier.wait()
        return known

    monkeypatch.setattr(breakers, "read", read_at_once)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The names of the breakers of each look at them."""
    looks, read = list[Sequence[str]](), breakers.read

    async def look(database: Database, names: Sequence[str]) -> Any:
        looks.append(names)
        return await read(database, names)

    monkeypatch.setattr(breakers, "read", look)
    return looks


async def test_a_breaker_is_read_only_while_it_knows_of_errors(
    database: Database,
    server: FakeModels,
    choices: list[Choice],
    attempt: Begin,
    reads: list[Sequence[str]],
) -> None:
    ctx = await attempt()
    assert await asked(ctx, choices, "One.") == "first"
    assert reads == []
    server.script("500")
    with pytest.raises(CallFailed):
        await asked(ctx, choices, "Two.")
    (failing,) = await database.fetch("select failures from breakers")
    assert (failing["failures"], len(reads)) == (1, 1)
    for number in range(2):
        assert await asked(ctx, choices, f"Three {number}.") == "first"
        (well,) = await database.fetch("select failures from breakers")
        assert (well["failures"], len(reads)) == (0, 2)


async def test_a_stored_answer_is_served_while_its_model_rests(
    server: FakeModels, choices: list[Choice], attempt: Begin
) -> None:
    ctx = await attempt()
    assert await asked(ctx, choices, "Known.") == "first"
    server.script(*["500"] * ERRORS)
    for _ in range(ERRORS):
        with pytest.raises(CallFailed):
            await asked(ctx, choices)
    assert await asked(ctx, choices, "Known.") == "first"
    assert await asked(ctx, choices) == "second"
    assert len(server.calls) == ERRORS + 2


async def test_one_alone_is_the_probe(
    clock: Clock,
    server: FakeModels,
    choices: list[Choice],
    attempt: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = await attempt("one"), await attempt("other")
    server.script(*["500"] * ERRORS)
    for _ in range(ERRORS):
        with pytest.raises(CallFailed):
            await asked(one, choices)
    await clock.move(PAUSE + 1)
    together(monkeypatch)
    answers = await asyncio.gather(asked(one, choices, "One."), asked(other, choices, "Other."))
    assert sorted(answers) == ["first", "second"]


async def test_while_all_models_rest_none_is_asked_and_a_wait_is_given(
    server: FakeModels, choices: list[Choice], attempt: Begin
) -> None:
    ctx = await attempt()
    server.script(*["500"] * ERRORS, *["500"] * ERRORS)
    for _ in range(2 * ERRORS):
        with pytest.raises(CallFailed):
            await asked(ctx, choices)
    with pytest.raises(AllResting, match="anthropic:first and openai:second") as resting:
        await asked(ctx, choices)
    assert 0 < (resting.value.retry_after or 0) <= PAUSE
    assert len(server.calls) == 2 * ERRORS


async def test_a_fallbacks_answer_is_kept_when_the_first_model_is_well(
    server: FakeModels, choices: list[Choice], attempt: Begin
) -> None:
    server.script("529")
    ctx = await attempt()
    assert [await asked(ctx, choices) for _ in range(2)] == ["second", "second"]
    assert len(server.calls) == 2


async def test_an_unlucky_answer_does_not_open_the_breaker(
    database: Database, server: FakeModels, choices: list[Choice], attempt: Begin
) -> None:
    ctx = await attempt()
    server.script(*["truncated-json"] * (ERRORS + 1))
    for _ in range(ERRORS + 1):
        with pytest.raises(CallFailed):
            await asked(ctx, choices)
    assert await asked(ctx, choices) == "first"
    assert await database.fetch("select kind from alerts") == []


async def test_a_model_alone_has_no_breaker_of_its_own(
    database: Database, server: FakeModels, choices: list[Choice], attempt: Begin
) -> None:
    ctx = await attempt()
    server.script(*["500"] * (ERRORS + 1))
    for _ in range(ERRORS + 1):
        with pytest.raises(CallFailed):
            await asked(ctx, choices[:1])
    assert await asked(ctx, choices[:1]) == "first"
    assert await database.fetch("select name from breakers") == []


async def test_a_call_with_unknown_usage_is_booked_as_its_reservation(
    database: Database, server: FakeModels, choices: list[Choice], attempt: Begin
) -> None:
    await budgets.declare(database, App("words", [pipeline], extensions=[Budgets({"all": 5})]))
    server.script("no-usage", "drop-mid-stream")
    ctx = await attempt()
    assert await asked(ctx, choices[1:]) == "second"
    with pytest.raises(CallFailed):
        await asked(ctx, choices[1:], "More.")
    stored, dropped = await database.fetch(
        "select cost_usd, error, status from llm_calls order by id"
    )
    # one dollar for a million tokens of input, two for output: what llm_begin held
    assert float(stored["cost_usd"]) == pytest.approx(
        (REQUEST.most_input_tokens + 2 * 100 + 5) / 1e6, rel=0.01
    )
    assert (stored["error"], stored["status"]) == (UNCOUNTED, "stored")
    assert dropped["error"].startswith("The connection to openai failed")
    assert dropped["error"].endswith(UNCOUNTED)
    (budget,) = await database.fetch("select spent_usd, reserved_usd from budgets")
    assert (budget["spent_usd"], budget["reserved_usd"]) == (
        stored["cost_usd"] + dropped["cost_usd"],
        0,
    )


async def test_a_model_that_will_be_switched_off_is_an_alert_told_once(
    database: Database, choices: list[Choice], attempt: Begin
) -> None:
    ctx = await attempt()
    old = [Choice(choices[0].llm, "claude-sonnet-4-5")]
    for prompt in ("One.", "Two."):
        await asked(ctx, old, prompt)
    old[0].llm._told.clear()  # another process, which knows nothing of it
    await asked(ctx, old, "Three.")
    (alert,) = await database.fetch("select kind, subject, text, count from alerts")
    assert (alert["kind"], alert["subject"], alert["count"]) == (
        "model_end",
        "anthropic/claude-sonnet-4-5",
        1,
    )
    assert "November 30th, 2026" in alert["text"]
