"""Every way in which an API of language models can fail, in each protocol, through the adapter, on
loopback.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field

from overnight.errors import ConfigError, Permanent, Transient
from overnight.llm import (
    Anthropic,
    CallFailed,
    OpenAI,
    PermanentCall,
    Reply,
    Request,
    TransientCall,
    Usage,
    cost_usd,
    parse,
    strict_schema,
)
from overnight.llm.openai import CLIENTS
from overnight.testing.fake_llm import (
    FAULTS,
    HTTP_FAULTS,
    ODD,
    FakeModels,
    HttpFault,
    prompt_of,
    sample,
)

pytestmark = pytest.mark.contract

KEY = "sk-secret-0123456789"
Provider = Anthropic | OpenAI


class Article(BaseModel):
    title: str = Field(min_length=1, max_length=80)
    body: str


ANSWER = json.dumps({"title": "Night trains", "body": "They leave at ten. " * 20})


@dataclass(frozen=True)
class Api:
    """A protocol: its adapter, a model in its price list with the dollars per million tokens, its
    word for the end.
    """

    connect: Callable[..., Provider]
    model: str
    input_usd: str
    output_usd: str
    stop: str


def anthropic(url: str, key: str = KEY, **options: Any) -> Anthropic:
    return Anthropic(api_key=key, base_url=url, **options)


def openai(url: str, key: str = KEY, **options: Any) -> OpenAI:
    return OpenAI(api_key=key, base_url=url + "/v1" if url.startswith("http") else url, **options)


APIS = {
    "anthropic": Api(anthropic, "claude-opus-4-8", "5", "25", "end_turn"),
    "openai": Api(openai, "gpt-4.1-mini", "0.4", "1.6", "stop"),
}


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> Api:
    return APIS[request.param]


@pytest.fixture
def server() -> Iterator[FakeModels]:
    with FakeModels(body=lambda request: ANSWER) as server:
        yield server


@pytest.fixture
async def provider(api: Api, server: FakeModels) -> AsyncIterator[Provider]:
    provider = api.connect(server.url)
    yield provider
    await provider.aclose()


async def test_one_connection_serves_one_call_after_another(api: Api) -> None:
    with FakeModels(body=lambda request: ANSWER, keep_alive=True) as server:
        provider = api.connect(server.url)
        for _ in range(3 * CLIENTS):
            await provider.complete(article_request(api), deadline=20)
        await provider.aclose()
    assert server.connections <= CLIENTS


def article_request(api: Api, **changes: Any) -> Request:
    fields: dict[str, Any] = {"model": api.model, "prompt": "Write.", "max_tokens": 4000}
    return Request(**{**fields, "schema": strict_schema(Article), **changes})


async def failure_of(provider: Provider, request: Request, deadline: float = 20.0) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await provider.complete(request, deadline=deadline)
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
    "content-filter": (PermanentCall, "refused"),
    "pause-turn": (PermanentCall, "unknown"),
    "error-event-overloaded": (TransientCall, "overloaded"),
    "malformed-event": (TransientCall, "malformed"),
    "misshapen-event": (TransientCall, "malformed"),
}
SILENT = {"stall", "hang"}
# Where the protocols differ: OpenAI's says that the answer is whole before its mark of the end; its
# counts may lack.
APART = {"no-usage", "troubled"}
ONLY_IN_CHAT = {"whole-json"}
WHOLE_IN_CHAT = {"no-message-stop"}
OVERLOADED_IN_CHAT = {"503"}
# What is told before the end has the final counts; an answer that broke off earlier has none, or
# one token.
COUNTED = set(PAID) - {
    "drop-mid-stream",
    "error-event-overloaded",
    "malformed-event",
    "misshapen-event",
}


def test_every_fault_of_the_server_has_a_verdict() -> None:
    assert set(FAULTS) - {"ok"} == NOT_PAID.keys() | PAID.keys() | SILENT | APART | ODD


def assert_readable(failure: CallFailed) -> None:
    message = str(failure)
    assert 10 < len(message) <= 300
    assert "\n" not in message
    assert "<" not in message
    assert KEY not in message
    assert failure.__suppress_context__, "a library's error would take response bodies into logs"


@pytest.mark.parametrize("fault", NOT_PAID)
async def test_a_call_that_was_never_begun(
    server: FakeModels, api: Api, provider: Provider, fault: str
) -> None:
    class_, kind, retry_after = NOT_PAID[fault]
    if fault in OVERLOADED_IN_CHAT and provider.name == "openai":
        kind = "overloaded"
    server.script(fault)
    failure = await failure_of(provider, article_request(api))
    assert type(failure) is class_
    assert failure.kind == kind
    assert failure.usage is None
    assert getattr(failure, "retry_after", None) == retry_after
    assert isinstance(failure, Transient if class_ is TransientCall else Permanent)
    assert len(server.calls) == 1, "nobody but the ledger retries"
    assert_readable(failure)


@pytest.mark.parametrize("fault", PAID)
async def test_a_call_that_failed_in_mid_stream_says_what_it_used(
    server: FakeModels, api: Api, provider: Provider, fault: str
) -> None:
    if fault in WHOLE_IN_CHAT and provider.name == "openai":
        return
    class_, kind = PAID[fault]
    server.script(fault)
    request = article_request(api)
    failure = await failure_of(provider, request)
    assert type(failure) is class_
    assert failure.kind == kind
    assert failure.usage is not None
    (call,) = server.calls
    if fault in COUNTED:
        assert (failure.usage.input_tokens, failure.usage.output_tokens) == (
            call.input_tokens,
            call.output_tokens,
        )
    elif provider.name == "openai":
        most = (request.most_input_tokens, request.max_tokens, True)
        assert (
            failure.usage.input_tokens,
            failure.usage.output_tokens,
            failure.usage.assumed,
        ) == most
    else:
        assert (failure.usage.input_tokens, failure.usage.output_tokens) == (call.input_tokens, 1)
    assert cost_usd(provider.name, api.model, failure.usage) > 0
    assert_readable(failure)


@pytest.mark.parametrize("fault", sorted(SILENT))
async def test_the_deadline_holds_for_the_whole_call(
    server: FakeModels, api: Api, provider: Provider, fault: str
) -> None:
    await provider.complete(
        article_request(api), deadline=20
    )  # what is loaded first does not count
    server.script(fault)
    failure = await failure_of(provider, article_request(api), deadline=0.3)
    assert type(failure) is TransientCall
    assert failure.kind == "timeout"
    assert (failure.usage is not None) == (fault == "stall")
    assert_readable(failure)


async def test_a_silent_stream_is_abandoned_before_the_deadline(
    server: FakeModels, api: Api
) -> None:
    provider = api.connect(server.url, read_timeout=0.2)
    server.script("stall", "hang")
    for expected_usage in (True, False):
        failure = await failure_of(provider, article_request(api))
        assert failure.kind == "timeout"
        assert (failure.usage is not None) == expected_usage
        assert "silent" in str(failure)
    await provider.aclose()


async def test_nobody_listens(api: Api) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        provider = api.connect(f"http://127.0.0.1:{unused.getsockname()[1]}")
        failure = await failure_of(provider, article_request(api))
    assert type(failure) is TransientCall
    assert failure.kind == "dropped"
    assert_readable(failure)
    await provider.aclose()


async def test_a_finished_answer(server: FakeModels, api: Api, provider: Provider) -> None:
    reply = await provider.complete(article_request(api), deadline=20)
    call = server.calls[0]
    assert reply.text == ANSWER
    assert reply.stop_reason == api.stop
    assert reply.model == api.model
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (
        call.input_tokens,
        call.output_tokens,
    )
    assert server.billed == (call.input_tokens, call.output_tokens)
    assert not reply.usage.assumed
    assert parse(reply, Article).title == "Night trains"
    expected = (
        call.input_tokens * Decimal(api.input_usd) + call.output_tokens * Decimal(api.output_usd)
    ) / 1_000_000
    assert cost_usd(provider.name, api.model, reply.usage) == expected


@pytest.mark.parametrize("oddity", sorted(ODD))
async def test_what_is_odd_about_a_stream_costs_no_answer(
    server: FakeModels, api: Api, provider: Provider, oddity: str
) -> None:
    if oddity in ONLY_IN_CHAT and provider.name != "openai":
        return
    server.script(oddity)
    reply = await provider.complete(article_request(api), deadline=20)
    assert (reply.text, reply.stop_reason) == (ANSWER, api.stop)
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.assumed) == (
        *server.billed,
        False,
    )


@pytest.mark.parametrize(
    "answer",
    [
        f"Here it is: {ANSWER}",
        f"{ANSWER}\nI hope it helps.",
        f"Here it is:\n```json\n{ANSWER}\n```",
        f"```json\n{ANSWER}\n```\nI hope it helps.",
        f"I think. <think>So.</think>{ANSWER}",
        f"<think>So. {ANSWER}",
        f"```\n```json\n{ANSWER}\n```\n```",
        f"```json\n{ANSWER}",
        f"```\n{ANSWER}\n~~~",
        "[" * 100_000,
        "",
    ],
)
async def test_what_does_not_enclose_the_whole_answer_is_no_frame(
    server: FakeModels, api: Api, provider: Provider, answer: str
) -> None:
    server.body = lambda request: answer
    failure = await failure_of(provider, article_request(api))
    assert (type(failure), failure.kind) == (TransientCall, "malformed")
    assert failure.usage is not None
    assert (failure.usage.input_tokens, failure.usage.output_tokens) == server.billed


@pytest.mark.parametrize("tag", ["think", "thinking", "reasoning"])
async def test_a_think_block_may_begin_in_the_servers_own_prompt(
    server: FakeModels, api: Api, provider: Provider, tag: str
) -> None:
    server.body = lambda request: f"JSON is wanted.\n</{tag}>\n\n{ANSWER}"
    assert (await provider.complete(article_request(api), deadline=20)).text == ANSWER


async def test_a_frame_stays_where_no_json_is_asked_for(
    server: FakeModels, api: Api, provider: Provider
) -> None:
    server.body = lambda request: "```\nprint()\n```"
    assert (
        await provider.complete(article_request(api, schema=None), deadline=20)
    ).text == "```\nprint()\n```"


async def test_a_fault_of_our_own_says_what_the_call_used(
    server: FakeModels, api: Api, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise TypeError("a fault of the parser")

    monkeypatch.setattr("overnight.llm.wire.joined", broken)
    used: list[Usage] = []
    with pytest.raises(TypeError):
        await provider.complete(article_request(api), deadline=20, on_usage=used.append)
    (usage,) = used
    assert (usage.input_tokens, usage.output_tokens) == server.billed


async def test_text_need_not_be_json_without_a_schema(
    server: FakeModels, api: Api, provider: Provider
) -> None:
    server.body = lambda request: "Plain words, not JSON."
    reply = await provider.complete(article_request(api, schema=None), deadline=20)
    assert reply.text == "Plain words, not JSON."


async def test_a_retry_after_a_failure_succeeds(
    server: FakeModels, api: Api, provider: Provider
) -> None:
    server.script("drop-mid-stream", "529")
    kinds = [(await failure_of(provider, article_request(api))).kind for _ in range(2)]
    assert kinds == ["dropped", "overloaded"]
    assert (await provider.complete(article_request(api), deadline=20)).text == ANSWER


async def test_calls_at_once_do_not_mix(server: FakeModels, api: Api, provider: Provider) -> None:
    server.body = lambda request: json.dumps(prompt_of(request))
    replies = await asyncio.gather(
        *(provider.complete(article_request(api, prompt=name * 300), deadline=20) for name in "ab")
    )
    assert [json.loads(reply.text) for reply in replies] == ["a" * 300, "b" * 300]


async def test_a_hundred_and_fifty_calls_are_held_at_once(api: Api) -> None:
    """A client that queues some of them would never meet this server's condition."""
    begun = asyncio.Event()
    loop, waiting = asyncio.get_running_loop(), []

    def body(request: dict[str, Any]) -> str:
        waiting.append(1)
        if len(waiting) == 150:
            loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(begun.wait(), loop).result(60)
        return ANSWER

    with FakeModels(body=body) as server:
        provider = api.connect(server.url)
        calls = (provider.complete(article_request(api), deadline=60) for _ in range(150))
        assert len(await asyncio.gather(*calls)) == 150
        await provider.aclose()


async def test_a_closed_provider_opens_again(api: Api, provider: Provider) -> None:
    await provider.complete(article_request(api), deadline=20)
    await provider.aclose()
    await provider.aclose()
    assert isinstance(await provider.complete(article_request(api), deadline=20), Reply)


async def test_cancelling_is_not_a_failure_of_the_call(
    server: FakeModels, api: Api, provider: Provider
) -> None:
    server.script("stall")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await provider.complete(article_request(api), deadline=20)


async def test_a_prompt_that_is_no_unicode_text_is_not_tried_again(
    server: FakeModels, api: Api, provider: Provider
) -> None:
    failure = await failure_of(provider, article_request(api, prompt="half a pair: \ud83d"))
    assert (type(failure), failure.kind) == (PermanentCall, "bad_request")
    assert server.calls == []


async def test_no_key_and_no_flood_gets_into_a_message(
    server: FakeModels, api: Api, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = HttpFault(401, "authentication_error", f"invalid x-api-key\n {KEY} " + "and so on " * 99)
    monkeypatch.setitem(HTTP_FAULTS, "401", echo)
    server.script("401")
    failure = await failure_of(provider, article_request(api))
    assert_readable(failure)
    assert "invalid x-api-key [key] and so on" in str(failure)
    assert len(str(failure)) == 300
    assert KEY not in repr(provider) + repr(vars(provider))


@pytest.mark.parametrize("key", ["", "  ", "sk ant", "sk-änt", "sk-ant\nx"])
def test_an_impossible_key_is_refused_without_being_repeated(api: Api, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        api.connect("http://127.0.0.1:1", key=key)
    assert not key.strip() or key not in str(caught.value)


def test_a_base_url_without_a_scheme_is_refused(api: Api) -> None:
    with pytest.raises(ConfigError, match="http"):
        api.connect("127.0.0.1:8089")


async def test_the_default_answer_fits_the_schema(
    server: FakeModels, api: Api, provider: Provider
) -> None:
    server.body = sample
    assert parse(await provider.complete(article_request(api), deadline=20), Article).title


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault named"):
        FakeModels(faults=["nope"])
