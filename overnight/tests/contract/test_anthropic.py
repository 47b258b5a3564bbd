"""Every way in which Anthropic's API can fail, through the real SDK and the adapter, against a server on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field
from structlog.testing import capture_logs

from overnight.errors import ConfigError, Permanent, Transient
from overnight.llm import (
    Anthropic,
    CallFailed,
    PermanentCall,
    Reply,
    Request,
    TransientCall,
    Usage,
    cost_usd,
    parse,
    strict_schema,
)
from overnight.llm.anthropic import _seconds
from overnight.llm.fake_server import FAULTS, HTTP_FAULTS, FakeAnthropic, HttpFault, sample

KEY = "sk-ant-secret-0123456789"
MODEL = "claude-opus-4-8"


class Article(BaseModel):
    title: str = Field(min_length=1, max_length=80)
    body: str


ANSWER = json.dumps({"title": "Night trains", "body": "They leave at ten. " * 20})


@pytest.fixture
def server() -> Iterator[FakeAnthropic]:
    with FakeAnthropic(body=lambda request: ANSWER) as server:
        yield server


@pytest.fixture
async def provider(server: FakeAnthropic) -> AsyncIterator[Anthropic]:
    provider = Anthropic(api_key=KEY, base_url=server.url)
    yield provider
    await provider.aclose()


def article_request(**changes: Any) -> Request:
    fields: dict[str, Any] = {"model": MODEL, "prompt": "Write.", "max_tokens": 4000, "schema": strict_schema(Article)}
    return Request(**{**fields, **changes})


async def failure_of(provider: Anthropic, request: Request | None = None, deadline: float = 20.0) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await provider.complete(request or article_request(), deadline=deadline)
    return caught.value


# fault: class, kind, retry_after. Whether a call is paid for is in PAID below.
NOT_PAID: dict[str, tuple[type[CallFailed], str, float | None]] = {
    "400": (PermanentCall, "bad_request", None),
    "400-spend-limit": (PermanentCall, "spend_cap", None),
    "401": (PermanentCall, "auth", None),
    "402": (PermanentCall, "spend_cap", None),
    "403": (PermanentCall, "auth", None),
    "404": (PermanentCall, "not_found", None),
    "409": (TransientCall, "server", None),
    "413": (PermanentCall, "too_large", None),
    "429": (TransientCall, "rate_limit", 2.0),
    "429-spend-cap": (PermanentCall, "spend_cap", None),
    "500": (TransientCall, "server", None),
    "502": (TransientCall, "server", None),
    "503": (TransientCall, "server", None),
    "504": (TransientCall, "timeout", None),
    "529": (TransientCall, "overloaded", None),
    "html-200": (TransientCall, "malformed", None),
    "html-502": (TransientCall, "server", None),
    "reset": (TransientCall, "dropped", None),
}
PAID: dict[str, tuple[type[CallFailed], str]] = {
    "drop-mid-stream": (TransientCall, "dropped"),
    "no-message-stop": (TransientCall, "incomplete"),
    "no-stop-reason": (TransientCall, "incomplete"),
    "truncated-json": (TransientCall, "malformed"),
    "max-tokens": (PermanentCall, "truncated"),
    "context-window": (PermanentCall, "truncated"),
    "refusal": (PermanentCall, "refused"),
    "pause-turn": (PermanentCall, "unknown"),
    "error-event-overloaded": (TransientCall, "overloaded"),
    "malformed-event": (TransientCall, "malformed"),
    "misshapen-event": (TransientCall, "malformed"),
}
SILENT = {"stall", "hang"}
# What is sent before the stop reason has the final counts; a stream that broke off earlier told of one token.
COUNTED = {
    "no-message-stop",
    "no-stop-reason",
    "truncated-json",
    "max-tokens",
    "context-window",
    "refusal",
    "pause-turn",
}


def test_every_fault_of_the_server_has_a_verdict() -> None:
    assert set(FAULTS) - {"ok"} == NOT_PAID.keys() | PAID.keys() | SILENT


def assert_readable(failure: CallFailed) -> None:
    message = str(failure)
    assert 10 < len(message) <= 300
    assert "\n" not in message
    assert "<" not in message
    assert KEY not in message
    assert failure.__suppress_context__, "the SDK's error would take response bodies into logs"


@pytest.mark.parametrize("fault", NOT_PAID)
async def test_a_call_that_was_never_begun(server: FakeAnthropic, provider: Anthropic, fault: str) -> None:
    class_, kind, retry_after = NOT_PAID[fault]
    server.script(fault)
    failure = await failure_of(provider)
    assert type(failure) is class_
    assert failure.kind == kind
    assert failure.usage is None
    assert getattr(failure, "retry_after", None) == retry_after
    assert isinstance(failure, Transient if class_ is TransientCall else Permanent)
    assert len(server.calls) == 1, "the SDK must not retry"
    assert_readable(failure)


@pytest.mark.parametrize("fault", PAID)
async def test_a_call_that_failed_in_mid_stream_says_what_it_used(
    server: FakeAnthropic, provider: Anthropic, fault: str
) -> None:
    class_, kind = PAID[fault]
    server.script(fault)
    failure = await failure_of(provider)
    assert type(failure) is class_
    assert failure.kind == kind
    assert failure.usage is not None
    assert failure.usage.input_tokens == server.calls[0].input_tokens > 0
    assert failure.usage.output_tokens == (server.calls[0].output_tokens if fault in COUNTED else 1)
    assert cost_usd("anthropic", MODEL, failure.usage) > 0
    assert len(server.calls) == 1
    assert_readable(failure)


@pytest.mark.parametrize("fault", sorted(SILENT))
async def test_the_deadline_holds_for_the_whole_call(server: FakeAnthropic, provider: Anthropic, fault: str) -> None:
    await provider.complete(article_request(), deadline=20)  # the SDK is loaded and does not count
    server.script(fault)
    failure = await failure_of(provider, deadline=0.3)
    assert type(failure) is TransientCall
    assert failure.kind == "timeout"
    assert (failure.usage is not None) == (fault == "stall")
    assert_readable(failure)


async def test_a_stream_that_stands_still_is_given_up_before_the_deadline(server: FakeAnthropic) -> None:
    provider = Anthropic(api_key=KEY, base_url=server.url, read_timeout=0.2)
    server.script("stall", "hang")
    for expected_usage in (True, False):
        failure = await failure_of(provider)
        assert failure.kind == "timeout"
        assert (failure.usage is not None) == expected_usage
        assert "silent" in str(failure)
    await provider.aclose()


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        provider = Anthropic(api_key=KEY, base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        failure = await failure_of(provider)
    assert type(failure) is TransientCall
    assert failure.kind == "dropped"
    assert_readable(failure)
    await provider.aclose()


async def test_a_finished_answer(server: FakeAnthropic, provider: Anthropic) -> None:
    reply = await provider.complete(article_request(), deadline=20)
    call = server.calls[0]
    assert reply.text == ANSWER
    assert reply.stop_reason == "end_turn"
    assert reply.model == MODEL
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (call.input_tokens, call.output_tokens)
    assert server.billed == (call.input_tokens, call.output_tokens)
    assert parse(reply, Article).title == "Night trains"
    # $5 and $25 per million tokens; the list that genai-prices carries.
    expected = (call.input_tokens * Decimal(5) + call.output_tokens * Decimal(25)) / 1_000_000
    assert cost_usd("anthropic", MODEL, reply.usage) == expected


async def test_the_request_on_the_wire(server: FakeAnthropic, provider: Anthropic) -> None:
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


async def test_only_what_was_set_is_sent(server: FakeAnthropic, provider: Anthropic) -> None:
    await provider.complete(Request(model=MODEL, prompt="Hello", max_tokens=9), deadline=20)
    await provider.complete(Request(model=MODEL, prompt="Hello", max_tokens=9, temperature=0.0), deadline=20)
    absent, present = (call.request for call in server.calls)
    assert set(absent) == {"model", "max_tokens", "messages", "stream"}
    assert present == {**absent, "temperature": 0.0}


async def test_text_need_not_be_json_without_a_schema(server: FakeAnthropic, provider: Anthropic) -> None:
    server.body = lambda request: "Plain words, not JSON."
    assert (await provider.complete(article_request(schema=None), deadline=20)).text == "Plain words, not JSON."


async def test_a_retry_after_a_failure_succeeds(server: FakeAnthropic, provider: Anthropic) -> None:
    server.script("drop-mid-stream", "529")
    assert [(await failure_of(provider)).kind for _ in range(2)] == ["dropped", "overloaded"]
    assert (await provider.complete(article_request(), deadline=20)).text == ANSWER


async def test_calls_at_once_do_not_mix(server: FakeAnthropic, provider: Anthropic) -> None:
    server.body = lambda request: json.dumps(request["messages"][0]["content"])
    replies = await asyncio.gather(
        *(provider.complete(article_request(prompt=name * 300), deadline=20) for name in "ab")
    )
    assert [json.loads(reply.text) for reply in replies] == ["a" * 300, "b" * 300]


async def test_a_closed_provider_opens_again(provider: Anthropic) -> None:
    await provider.complete(article_request(), deadline=20)
    await provider.aclose()
    await provider.aclose()
    assert isinstance(await provider.complete(article_request(), deadline=20), Reply)


async def test_cancelling_is_not_a_failure_of_the_call(server: FakeAnthropic, provider: Anthropic) -> None:
    server.script("stall")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await provider.complete(article_request(), deadline=20)


async def test_the_end_of_life_of_a_model_is_logged_once_and_fails_nothing(provider: Anthropic) -> None:
    with capture_logs() as logs:
        for _ in range(2):
            await provider.complete(article_request(model="claude-sonnet-4-5"), deadline=20)
    assert [(line["event"], line["log_level"], line["model"]) for line in logs] == [
        ("llm.model_deprecated", "warning", "claude-sonnet-4-5")
    ]
    assert logs[0]["end_of_life"] == "November 30th, 2026"


async def test_a_prompt_that_is_no_unicode_text_is_not_tried_again(server: FakeAnthropic, provider: Anthropic) -> None:
    failure = await failure_of(provider, article_request(prompt="half a pair: \ud83d"))
    assert (type(failure), failure.kind) == (PermanentCall, "bad_request")
    assert server.calls == []


async def test_no_key_and_no_flood_gets_into_a_message(
    server: FakeAnthropic, provider: Anthropic, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = HttpFault(401, "authentication_error", f"invalid x-api-key\n {KEY} " + "and so on " * 99)
    monkeypatch.setitem(HTTP_FAULTS, "401", echo)
    server.script("401")
    failure = await failure_of(provider)
    assert_readable(failure)
    assert "invalid x-api-key [key] and so on" in str(failure)
    assert len(str(failure)) == 300
    assert KEY not in repr(provider) + repr(vars(provider))


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
async def test_a_request_that_the_api_refuses(provider: Anthropic, changes: dict[str, Any], said: str) -> None:
    failure = await failure_of(provider, article_request(**changes))
    assert (type(failure), failure.kind) == (PermanentCall, "bad_request")
    assert said in str(failure)


@pytest.mark.parametrize("key", ["", "  ", "sk ant", "sk-änt", "sk-ant\nx"])
def test_a_key_that_cannot_be_one_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Anthropic(api_key=key)
    assert not key.strip() or key not in str(caught.value)


def test_a_base_url_without_a_scheme_is_refused() -> None:
    with pytest.raises(ConfigError, match="http"):
        Anthropic(api_key=KEY, base_url="127.0.0.1:8089")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("nan", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert _seconds(header) == seconds


async def test_the_default_answer_fits_the_schema(server: FakeAnthropic, provider: Anthropic) -> None:
    server.body = sample
    assert parse(await provider.complete(article_request(), deadline=20), Article).title


async def test_the_server_runs_by_itself() -> None:
    command = [sys.executable, "-m", "overnight.llm.fake_server", "--port", "0", "--faults", "529"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    url = (await process.stdout.readline()).decode().split()[-1]
    provider = Anthropic(api_key=KEY, base_url=url)
    assert (await failure_of(provider)).kind == "overloaded"
    assert parse(await provider.complete(article_request(), deadline=20), Article).title
    await provider.aclose()
    process.terminate()
    await process.wait()


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault named"):
        FakeAnthropic(faults=["nope"])


def test_cache_tokens_are_input_and_have_their_own_price() -> None:
    raw = {"input_tokens": 100, "output_tokens": 50, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 20}
    raw |= {"server_tool_use": {"web_search_requests": 3}}  # type: ignore[dict-item]
    usage = Usage(input_tokens=130, output_tokens=50, raw=raw)
    counted = Usage(input_tokens=130, output_tokens=50, cache_read_tokens=20, cache_write_tokens=10, web_searches=3)
    # 100 × $5 + 10 × $6.25 + 20 × $0.50 + 50 × $25 per million, and 3 × $10 per thousand.
    assert cost_usd("anthropic", MODEL, usage) == cost_usd("anthropic", MODEL, counted) == Decimal("0.0318225")
