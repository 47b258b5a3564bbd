"""What is Anthropic's alone: the request on the wire, what its API refuses, the end of a model's
life, its counts.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field

from overnight.llm import (
    Anthropic,
    CallFailed,
    PermanentCall,
    Request,
    Usage,
    cost_usd,
    parse,
    strict_schema,
)
from overnight.testing.fake_llm import FakeModels

pytestmark = pytest.mark.contract

KEY = "sk-ant-secret-0123456789"
MODEL = "claude-opus-4-8"


class Article(BaseModel):
    title: str = Field(min_length=1, max_length=80)
    body: str


ANSWER = json.dumps({"title": "Night trains", "body": "They leave at ten. " * 20})


@pytest.fixture
def server() -> Iterator[FakeModels]:
    with FakeModels(body=lambda request: ANSWER) as server:
        yield server


@pytest.fixture
async def provider(server: FakeModels) -> AsyncIterator[Anthropic]:
    provider = Anthropic(api_key=KEY, base_url=server.url)
    yield provider
    await provider.aclose()


def article_request(**changes: Any) -> Request:
    fields: dict[str, Any] = {
        "model": MODEL,
        "prompt": "Write.",
        "max_tokens": 4000,
        "schema": strict_schema(Article),
    }
    return Request(**{**fields, **changes})


async def failure_of(
    provider: Anthropic, request: Request | None = None, deadline: float = 20.0
) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await provider.complete(request or article_request(), deadline=deadline)
    return caught.value


async def test_the_request_on_the_wire(server: FakeModels, provider: Anthropic) -> None:
    await provider.complete(article_request(system="You write.", stop=("END",)), deadline=20)
    assert server.calls[0].request == {
        "model": MODEL,
        "max_tokens": 4000,
        "messages": [{"role": "user", "content": "Write."}],
        "stream": True,
        "system": "You write.",
        "stop_sequences": ["END"],
        "output_config": {"format": {"type": "json_schema", "schema": strict_schema(Article)}},
    }


async def test_only_what_was_set_is_sent(server: FakeModels, provider: Anthropic) -> None:
    await provider.complete(Request(model=MODEL, prompt="Hello", max_tokens=9), deadline=20)
    await provider.complete(
        Request(model=MODEL, prompt="Hello", max_tokens=9, temperature=0.0), deadline=20
    )
    absent, present = (call.request for call in server.calls)
    assert set(absent) == {"model", "max_tokens", "messages", "stream"}
    assert present == {**absent, "temperature": 0.0}


PREFIX = "A stable text. " * 300  # more than 1,024 tokens, less than 2,048


async def test_a_prefix_is_a_block_of_its_own_before_the_prompt(
    server: FakeModels, provider: Anthropic
) -> None:
    await provider.complete(article_request(prefix=PREFIX), deadline=20)
    (message,) = server.calls[0].request["messages"]
    cached = {"type": "text", "text": PREFIX, "cache_control": {"type": "ephemeral"}}
    assert message["content"] == [cached, {"type": "text", "text": "Write."}]


@pytest.mark.parametrize(
    ("model", "characters", "system", "is_marked"),
    [
        ("claude-sonnet-5-5", 4_096, 0, True),
        ("claude-sonnet-5-5", 4_095, 0, False),
        ("claude-sonnet-5-5", 4_000, 96, True),
        ("claude-model-of-next-year", 4_096, 0, True),
        ("claude-haiku-4-5-20251001", 4_096, 0, False),
        ("claude-haiku-4-5-20251001", 16_384, 0, True),
        ("claude-opus-4-6", 16_383, 0, False),
        ("claude-opus-4-7", 8_192, 0, True),
        ("claude-opus-4-8", 4_096, 0, True),
        ("claude-3-5-haiku-latest", 8_191, 0, False),
    ],
)
async def test_only_what_is_long_enough_for_a_cache_is_marked(
    server: FakeModels,
    provider: Anthropic,
    model: str,
    characters: int,
    system: int,
    is_marked: bool,
) -> None:
    asked = article_request(model=model, prefix="x" * characters, system="y" * system or None)
    await provider.complete(asked, deadline=20)
    prefix, prompt = server.calls[0].request["messages"][0]["content"]
    assert ("cache_control" in prefix, "cache_control" in prompt) == (is_marked, False)


async def test_a_prefix_is_written_to_the_cache_once_and_then_read(
    server: FakeModels, provider: Anthropic
) -> None:
    requests = [article_request(prefix=PREFIX, prompt=f"Section {n}.") for n in range(3)]
    usages = [(await provider.complete(request, deadline=20)).usage for request in requests]
    size = -(-len(PREFIX) // 4)  # tokens, by the rule of the server
    counts = [(usage.cache_write_tokens, usage.cache_read_tokens) for usage in usages]
    assert counts == [(size, 0), (0, size), (0, size)]
    fresh = usages[0].input_tokens - size
    output = usages[0].output_tokens
    for usage, usd_per_million in zip(usages, ("6.25", "0.50", "0.50"), strict=True):
        paid = 5 * fresh + Decimal(usd_per_million) * size + 25 * output
        assert cost_usd("anthropic", MODEL, usage) == paid / 1_000_000


MARK = {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([{"type": "text", "text": ""}], "non-empty"),
        ([{"type": "text", "text": "a", "cache_control": {"type": "forever"}}], "ephemeral"),
        ([{"type": "text", "text": "a", "cache_control": {**MARK, "ttl": "1d"}}], "ttl"),
        ([{"type": "text", "text": "a", "cache_control": MARK}] * 5, "maximum of 4"),
    ],
)
async def test_the_stand_in_refuses_the_blocks_that_the_api_refuses(
    server: FakeModels,
    provider: Anthropic,
    monkeypatch: pytest.MonkeyPatch,
    blocks: list[dict[str, Any]],
    said: str,
) -> None:
    monkeypatch.setattr("overnight.llm.anthropic._content", lambda request: blocks)
    failure = await failure_of(provider)
    assert (failure.kind, said in str(failure)) == ("bad_request", True)


async def test_the_end_of_life_of_a_model_comes_with_its_answer(provider: Anthropic) -> None:
    reply = await provider.complete(article_request(model="claude-sonnet-4-5"), deadline=20)
    assert reply.model_ends == "November 30th, 2026"
    assert (await provider.complete(article_request(), deadline=20)).model_ends is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"prompt": ""}, "messages"),
        ({"temperature": 1.5}, "temperature"),
        ({"schema": {"type": "array", "items": {"type": "object"}}}, "additionalProperties"),
        ({"schema": {"anyOf": [{"type": "integer", "minimum": 1}]}}, "minimum"),
    ],
)
async def test_a_request_that_the_api_refuses(
    provider: Anthropic, changes: dict[str, Any], said: str
) -> None:
    failure = await failure_of(provider, article_request(**changes))
    assert (type(failure), failure.kind) == (PermanentCall, "bad_request")
    assert said in str(failure)


async def test_the_server_runs_by_itself() -> None:
    command = [sys.executable, "-m", "overnight.testing.fake_llm", "--port", "0", "--faults", "529"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    url = (await process.stdout.readline()).decode().split()[-1]
    provider = Anthropic(api_key=KEY, base_url=url)
    assert (await failure_of(provider)).kind == "overloaded"
    assert parse(await provider.complete(article_request(), deadline=20), Article).title
    await provider.aclose()
    process.terminate()
    await process.wait()


def test_cache_tokens_are_input_and_have_their_own_price() -> None:
    raw = {
        "input_tokens": 100,
        "output_tokens": 50,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 20,
    }
    raw |= {"server_tool_use": {"web_search_requests": 3}}  # type: ignore[dict-item]
    usage = Usage(input_tokens=130, output_tokens=50, raw=raw)
    counted = Usage(
        input_tokens=130,
        output_tokens=50,
        cache_read_tokens=20,
        cache_write_tokens=10,
        web_searches=3,
    )
    # 100 × $5 + 10 × $6.25 + 20 × $0.50 + 50 × $25 per million, and 3 × $10 per thousand.
    assert (
        cost_usd("anthropic", MODEL, usage)
        == cost_usd("anthropic", MODEL, counted)
        == Decimal("0.0318225")
    )
