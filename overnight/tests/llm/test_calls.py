"""What a model was asked and answered: stored with its call, each text once for a run, without
secrets.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from overnight import App, Pipeline, Retry, logs
from overnight.cli.main import cli
from overnight.engine.context import Context
from overnight.errors import NotFound
from overnight.llm import PermanentCall, Price, Reply, Request, Usage
from overnight.llm.client import LLM
from overnight.operations import queries
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Scope

PRICES = {"m": Price(input=Decimal(1), output=Decimal(2))}
REQUEST = Request(
    model="m",
    system="You write.",
    schema={"type": "string"},
    prefix="The site and the notes.",
    prompt="Section 1, please.",
    stop=("END",),
    max_tokens=100,
    temperature=0.5,
)

pipeline = Pipeline("words")


@pipeline.step(retry=Retry(0))
async def say(ctx: Context[None], word: str) -> str:
    return word


app = App("words", [pipeline])


class Model:
    """A provider that answers always the same, or fails."""

    name = "anthropic"

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    async def complete(self, request: Request, *, deadline: float, on_usage: Any = None) -> Reply:
        if self.failure is not None:
            raise self.failure
        usage = Usage(input_tokens=30, output_tokens=4)
        return Reply(text='"an answer"', stop_reason="end_turn", usage=usage, model="m-1")


Begin = Callable[[str], Any]


@pytest.fixture
def begin(database: Database) -> Begin:
    """Makes a run that is under way, and its context."""
    ledger = Ledger(database)

    async def begin(word: str) -> Context[Any]:
        await ledger.enqueue([pipeline.job(word)])
        (run,) = (await ledger.claim(Scope(["words/say"]), "me", 1, 60.0)).runs
        return Context(run, None, app, ledger)

    return begin


def llm(database: Database, model: Model | None = None, **options: Any) -> LLM:
    return LLM(model or Model(), database, deadline=10, prices=PRICES, **options)


async def texts(database: Database) -> list[str]:
    """All texts that are stored."""
    return [row["text"] for row in await database.fetch("select text from llm_texts order by text")]


async def test_what_was_asked_stands_with_its_answer(database: Database, begin: Begin) -> None:
    await llm(database).ask(await begin("a"), REQUEST, str)
    (row,) = await queries.calls(database)
    call = await queries.call(database, row["id"])
    assert list(call["texts"].items()) == [
        ("system", "You write."),
        ("schema", '{"type": "string"}'),
        ("prefix", "The site and the notes."),
        ("prompt", "Section 1, please."),
        ("stop", "END"),
    ]
    assert call["options"] == {"max_tokens": 100, "temperature": 0.5}
    assert (call["answer"], call["model"], call["status"]) == ('"an answer"', "m-1", "stored")
    assert (call["input_tokens"], call["output_tokens"]) == (30, 4)


async def test_calls_of_a_run_share_their_texts(database: Database, begin: Begin) -> None:
    ctx = await begin("a")
    for number in range(1, 4):
        request = Request(
            model="m", system="S", prefix="A long prefix", prompt=f"{number}", max_tokens=9
        )
        await llm(database).ask(ctx, request, str)
    assert await texts(database) == ["1", "2", "3", "A long prefix", "S"]
    calls = [await queries.call(database, row["id"]) for row in await queries.calls(database)]
    assert [call["texts"]["prompt"] for call in calls] == ["3", "2", "1"]
    assert {call["texts"]["prefix"] for call in calls} == {"A long prefix"}


async def test_a_stored_answer_leads_to_the_call_that_paid(
    database: Database, begin: Begin
) -> None:
    for word in "ab":
        await llm(database).ask(await begin(word), REQUEST, str)
    again, paid = await queries.calls(database)
    call = await queries.call(database, again["id"])
    assert (call["status"], call["paid_by"], call["cost_usd"]) == ("cached", paid["id"], 0)
    assert call["texts"] == (await queries.call(database, paid["id"]))["texts"] != {}
    assert call["answer"] == '"an answer"'


async def test_a_call_that_failed_shows_what_it_was_asked(database: Database, begin: Begin) -> None:
    broken = llm(database, Model(PermanentCall("refused", kind="refused")))
    with pytest.raises(PermanentCall):
        await broken.ask(await begin("a"), REQUEST, str)
    (row,) = await queries.calls(database)
    call = await queries.call(database, row["id"])
    assert (call["status"], call["error_kind"], call["answer"]) == ("failed", "refused", None)
    assert call["texts"]["prompt"] == "Section 1, please."


@pytest.mark.parametrize("part", ["system", "prefix", "prompt", "schema", "stop"])
async def test_no_secret_of_a_prompt_is_stored(
    database: Database, begin: Begin, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "hidden", set())
    logs.hide("sk-very-secret")
    text = "key sk-very-secret\0\ud800 end"
    value = {"schema": {"title": text}, "stop": (text,)}.get(part, text)
    request = Request(**{"model": "m", "prompt": "?", "max_tokens": 9, part: value})
    await llm(database).call(await begin("a"), request, str)
    (row,) = await queries.calls(database)
    told = (await queries.call(database, row["id"]))["texts"][part]
    assert "key •••" in told and "end" in told
    assert "sk-very-secret" not in json.dumps(await texts(database))


async def test_a_masked_word_is_sent_and_not_stored(database: Database, begin: Begin) -> None:
    request = Request(
        model="m", system="The mark is mark-1.", prompt="?", max_tokens=9, masked=("mark-1",)
    )
    assert request.hash("x") == replace(request, masked=()).hash("x")
    await llm(database).ask(await begin("a"), request, str)
    assert await texts(database) == ["?", "The mark is •••."]


async def test_what_is_stored_elsewhere_is_not_stored_again(
    database: Database, begin: Begin
) -> None:
    await llm(database, keep_prompts=False).ask(await begin("a"), REQUEST, str)
    (row,) = await queries.calls(database)
    call = await queries.call(database, row["id"])
    assert (call["texts"], call["options"], call["answer"]) == ({}, None, '"an answer"')
    assert await texts(database) == []


async def test_calls_are_listed_a_page_at_a_time_and_by_job(
    database: Database, begin: Begin
) -> None:
    jobs = []
    for word in "abc":
        ctx = await begin(word)
        jobs.append(ctx.job_id)
        await llm(database).ask(ctx, Request(model="m", prompt=word, max_tokens=9), str)
    first = await queries.calls(database, limit=2)
    rest = await queries.calls(database, limit=2, before=first[-1]["id"])
    assert [row["job_id"] for row in (*first, *rest)] == jobs[::-1]
    assert [row["job_id"] for row in await queries.calls(database, jobs[1])] == [jobs[1]]


async def test_a_call_that_is_not_there_is_told_of(database: Database) -> None:
    with pytest.raises(NotFound, match="there is no call 7"):
        await queries.call(database, 7)


async def test_the_commands_show_the_calls_of_a_job_and_one_whole(
    database: Database, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    ctx = await begin("a")
    await llm(database).ask(ctx, REQUEST, str)
    (row,) = await queries.calls(database)

    async def told(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    assert str(row["id"]) in await told("calls", ctx.job_id[:8])
    shown = await told("prompt", str(row["id"]))
    for part, text in {**REQUEST.texts, "answer": '"an answer"'}.items():
        assert f"--- {part}\n{text}\n" in shown
    whole = json.loads(await told("prompt", str(row["id"]), "--json"))
    assert whole["texts"] == REQUEST.texts
    (listed,) = json.loads(await told("calls", "--json"))["calls"]
    assert listed["job_id"] == ctx.job_id
