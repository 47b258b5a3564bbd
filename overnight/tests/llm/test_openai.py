"""What is OpenAI's alone: the request on the wire, the ways to ask for JSON, and servers that leave
things out.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from overnight.llm import (
    CallFailed,
    OpenAI,
    PermanentCall,
    Request,
    TransientCall,
    Usage,
    cost_usd,
    parse,
    strict_schema,
)
from overnight.llm.openai import OPENAI_URL, JsonMode, _counts, _refusal
from overnight.llm.prices import most_usd
from overnight.testing.fake_llm import HTTP_FAULTS, FakeModels, HttpFault

pytestmark = pytest.mark.contract


class Word(BaseModel):
    word: str


ANSWER = json.dumps({"word": "night"})


@pytest.fixture
def server() -> Iterator[FakeModels]:
    with FakeModels(body=lambda request: ANSWER) as server:
        yield server


@pytest.fixture
async def provider(server: FakeModels) -> AsyncIterator[OpenAI]:
    provider = OpenAI(base_url=server.url + "/v1/")
    yield provider
    await provider.aclose()


def request(**changes: Any) -> Request:
    return Request(**{"model": "small", "prompt": "A word.", "max_tokens": 40, **changes})


async def test_the_request_on_the_wire(server: FakeModels, provider: OpenAI) -> None:
    asked = request(system="You write.", schema=strict_schema(Word), stop=("END",), temperature=0.5)
    await provider.complete(asked, deadline=20)
    assert server.calls[0].request == {
        "model": "small",
        "max_tokens": 40,
        "messages": [
            {"role": "system", "content": "You write."},
            {"role": "user", "content": "A word."},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": strict_schema(Word)},
        },
        "temperature": 0.5,
        "stop": ["END"],
    }


async def test_only_what_was_set_is_sent(server: FakeModels, provider: OpenAI) -> None:
    await provider.complete(request(), deadline=20)
    assert set(server.calls[0].request) == {
        "model",
        "max_tokens",
        "messages",
        "stream",
        "stream_options",
    }
    assert "authorization" not in server.calls[0].headers


async def test_a_key_is_sent_where_there_is_one(server: FakeModels) -> None:
    provider = OpenAI(api_key="sk-1234", base_url=server.url + "/v1")
    await provider.complete(request(), deadline=20)
    await provider.aclose()
    assert server.calls[0].headers["authorization"] == "Bearer sk-1234"


def test_openai_itself_is_told_the_limit_by_its_newer_name() -> None:
    assert (
        OpenAI(api_key="sk-1234", base_url=OPENAI_URL)._body(request())["max_completion_tokens"]
        == 40
    )


async def test_a_prefix_stands_before_the_prompt_in_one_text(
    server: FakeModels, provider: OpenAI
) -> None:
    await provider.complete(request(prefix="The notes.", system="You write."), deadline=20)
    sent = server.calls[0].request
    assert sent["messages"][1] == {"role": "user", "content": "The notes.\n\nA word."}
    assert "prompt_cache_key" not in sent, "a server of one's own may refuse it"


def test_openai_itself_is_given_a_key_for_each_prefix() -> None:
    provider = OpenAI(api_key="sk-1234", base_url=OPENAI_URL)
    one, same, other, none = (
        provider._body(request(prefix=prefix, prompt=prompt)).get("prompt_cache_key")
        for prefix, prompt in (("a", "1"), ("a", "2"), ("b", "1"), (None, "1"))
    )
    assert one == same != other
    assert none is None
    assert 0 < len(one) <= 64


async def test_tokens_read_from_and_written_to_the_cache_are_counted(
    server: FakeModels, provider: OpenAI
) -> None:
    asked = [request(model="gpt-5.6", prefix="word " * 1_000, prompt=p) for p in ("a", "b")]
    first, second = [(await provider.complete(each, deadline=20)).usage for each in asked]
    assert (first.cache_read_tokens, second.cache_read_tokens) == (0, 1_152)
    written = {"cached_tokens": 100, "cache_write_tokens": 1_900}
    raw = {"prompt_tokens": 2_000, "completion_tokens": 5, "prompt_tokens_details": written}
    usage = _counts(raw)
    assert usage is not None
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (100, 1_900)
    raw["prompt_tokens_details"] = {"cached_tokens": 9_000, "cache_write_tokens": 9_000}
    usage = _counts(raw)
    assert usage is not None
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (2_000, 0)


def test_what_openai_writes_to_its_cache_by_itself_is_reserved() -> None:
    """From GPT-5.6 on it bills that at more than other input, whether a request asks or not."""
    usage = Usage(input_tokens=9_000, output_tokens=9, cache_write_tokens=9_000)
    fresh = Usage(input_tokens=9_000, output_tokens=9)
    for model in ("gpt-5.6-sol", "gpt-6-luna"):
        most = most_usd("openai", model, 9_000, 9)
        assert cost_usd("openai", model, fresh) < cost_usd("openai", model, usage) <= most
    fresh = Usage(input_tokens=9_000, output_tokens=0)
    assert most_usd("openai", "gpt-4.1-mini", 9_000, 0) == cost_usd("openai", "gpt-4.1-mini", fresh)


@pytest.mark.parametrize(("mode", "format_"), [("object", {"type": "json_object"}), ("text", None)])
async def test_a_server_without_schemas_is_given_it_in_words(
    server: FakeModels, mode: JsonMode, format_: dict[str, str] | None
) -> None:
    provider = OpenAI(base_url=server.url + "/v1", json=mode)
    asked = request(system="You write.", schema=strict_schema(Word))
    reply = await provider.complete(asked, deadline=20)
    await provider.aclose()
    sent = server.calls[0].request
    assert sent.get("response_format") == format_
    assert sent["messages"][0]["content"].startswith("You write.\n\nAnswer with JSON alone")
    assert json.dumps(strict_schema(Word)) in sent["messages"][0]["content"]
    assert len(json.dumps(sent)) < asked.most_input_tokens, "what is reserved covers what is added"
    assert parse(reply, Word).word == "night"


async def test_an_answer_without_counts_is_booked_as_its_maximum(
    server: FakeModels, provider: OpenAI
) -> None:
    server.script("no-usage")
    usage = (await provider.complete(request(), deadline=20)).usage
    assert (usage.input_tokens, usage.output_tokens) == (request().most_input_tokens, 40)
    assert usage.assumed


async def test_an_answer_said_to_be_complete_needs_no_end_mark(
    server: FakeModels, provider: OpenAI
) -> None:
    server.script("no-message-stop")
    assert (await provider.complete(request(), deadline=20)).text == ANSWER


async def test_a_mark_of_the_end_makes_no_answer_whole(
    server: FakeModels, provider: OpenAI
) -> None:
    server.script("no-stop-reason")
    with pytest.raises(TransientCall) as caught:
        await provider.complete(request(), deadline=20)
    assert caught.value.kind == "incomplete"


@pytest.mark.parametrize(
    ("status", "error", "class_", "kind"),
    [
        (400, {"code": "context_length_exceeded"}, PermanentCall, "too_large"),
        (400, {"code": "content_filter"}, PermanentCall, "refused"),
        (429, {"type": "insufficient_quota"}, PermanentCall, "spend_cap"),
        (None, {"type": "server_error"}, TransientCall, "server"),
        (None, {"code": 429, "message": "slow down"}, TransientCall, "rate_limit"),
        (None, {"code": "401"}, PermanentCall, "auth"),
        (None, {"message": "nobody knows"}, TransientCall, "server"),
        (None, {"code": ["odd"]}, TransientCall, "server"),
        (302, None, PermanentCall, "unknown"),
        (500, "a text", TransientCall, "server"),
    ],
)
def test_errors_are_classed_by_their_code_first(
    status: int | None, error: object, class_: type[CallFailed], kind: str
) -> None:
    failure = _refusal("openai", status, {"error": error}, {}, None)
    assert (type(failure), failure.kind) == (class_, kind)


async def test_what_a_server_says_is_told(
    server: FakeModels, provider: OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        HTTP_FAULTS,
        "404",
        HttpFault(404, "not_found_error", "model 'small' not found, pull it first"),
    )
    server.script("404")
    with pytest.raises(PermanentCall, match=r"openai answered 404 .*pull it first"):
        await provider.complete(request(), deadline=20)


CASES = Path(__file__).parents[3] / "contentstudio/tests/cases"
A = json.dumps({"a": 1})


class Case(BaseModel):
    a: int


def chunk(delta: Any, finish: str | None = None, **more: Any) -> bytes:
    return data(
        {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}
    )


def data(event: Any) -> bytes:
    return f"data: {json.dumps(event)}\n\n".encode()


USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
COUNTED = data({"model": "m", "choices": [], "usage": USAGE})
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("name", ["13-mistral.sse", "17-think.sse"])
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
async def test_a_stream_that_failed_is_read_now(
    server: FakeModels, provider: OpenAI, name: str, end: bytes, before: bytes
) -> None:
    server.stream = before + (CASES / name).read_bytes().replace(b"\n", end)
    reply = await provider.complete(request(schema=strict_schema(Case)), deadline=20)
    assert parse(reply, Case).a == 1
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.assumed) == (
        5,
        7,
        False,
    )


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
async def test_the_last_event_needs_no_blank_line(
    server: FakeModels, provider: OpenAI, end: bytes, before: bytes
) -> None:
    server.stream = before + (CASES / "14-no-blank-line.sse").read_bytes().replace(b"\n", end)
    reply = await provider.complete(request(schema=strict_schema(Case)), deadline=20)
    assert (parse(reply, Case).a, reply.stop_reason) == (1, "stop")
    assert reply.usage.assumed, "this server counts nothing"


@pytest.mark.parametrize(
    "reason",
    [
        "insufficient_system_resource",
        "network_error",
        "error",
        "abort",
        "ABORTED",
        "cancelled",
        "time_limit",
    ],
)
async def test_a_server_in_trouble_is_asked_again(
    server: FakeModels, provider: OpenAI, reason: str
) -> None:
    case = (CASES / "15-finish.sse").read_bytes()
    server.stream = case.replace(b"insufficient_system_resource", reason.encode())
    with pytest.raises(TransientCall, match=re.escape(reason)) as caught:
        await provider.complete(request(schema=strict_schema(Case)), deadline=20)
    assert caught.value.kind == "overloaded", "so the fallback is asked"
    usage = caught.value.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.assumed) == (5, 7, False)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        *(("length", "truncated"), ("model_length", "truncated"), ("MAX_TOKENS", "truncated")),
        *(
            ("content_filter", "refused"),
            ("sensitive", "refused"),
            ("SAFETY", "refused"),
            ("refusal", "refused"),
        ),
        *(("tool_calls", "unknown"), ("function_call", "unknown"), ("a new word", "unknown")),
    ],
)
async def test_what_ends_an_answer_early(
    server: FakeModels, provider: OpenAI, reason: str, kind: str
) -> None:
    server.stream = chunk({"content": A}) + chunk({}, reason) + COUNTED + DONE
    with pytest.raises(PermanentCall) as caught:
        await provider.complete(request(), deadline=20)
    assert caught.value.kind == kind
    assert caught.value.usage is not None
    assert caught.value.usage.output_tokens == 7


@pytest.mark.parametrize(
    "reason", ["stop", "STOP", "eos", "eos_token", "stop_sequence", "end_turn", "COMPLETE"]
)
async def test_what_ends_a_whole_answer(server: FakeModels, provider: OpenAI, reason: str) -> None:
    server.stream = chunk({"content": A}) + chunk({}, reason) + COUNTED + DONE
    assert (await provider.complete(request(), deadline=20)).text == A


@pytest.mark.parametrize(
    "pieces",
    [
        chunk({"role": "assistant", "content": None}) + chunk({"content": A}),
        chunk(None) + chunk({"content": A}),
        chunk({"content": ""})
        + chunk({"content": [{"type": "text", "text": '{"a"'}, {"text": ": 1}"}]}),
        chunk({"content": {"type": "text", "text": A}}),
        chunk({"content": ['{"a"', ": 1}", None]}),
        chunk(
            {
                "content": [
                    {"type": "output_text", "text": A},
                    {"type": "reference", "reference_ids": [1]},
                ]
            }
        ),
        chunk({"content": [{"text": A}]}),
        chunk({"reasoning_content": "hm", "content": None})
        + chunk({"content": A, "tool_calls": []}),
        data({"choices": {"index": 0, "delta": {"content": A}, "finish_reason": "null"}}),
        data({"choices": [None]})
        + data({"choices": None})
        + data({"object": "ping"})
        + chunk({"content": A}),
        chunk({"content": A}, None, error=None),
        chunk({"content": A}, None, usage=None) + chunk({}, None, usage={}),
        chunk({"content": A}, None, usage={"prompt_tokens": 1, "completion_tokens": 1}),
        data({"model": None, "choices": [{"message": {"content": A}}]}),
    ],
)
async def test_a_text_comes_in_many_shapes(
    server: FakeModels, provider: OpenAI, pieces: bytes
) -> None:
    server.stream = pieces + chunk({}, "stop") + COUNTED + DONE
    reply = await provider.complete(request(schema=strict_schema(Case)), deadline=20)
    assert json.loads(reply.text) == {"a": 1}
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.assumed) == (
        5,
        7,
        False,
    )


async def test_halves_of_a_character_in_two_events_become_one(
    server: FakeModels, provider: OpenAI
) -> None:
    server.stream = (
        chunk({"content": "\ud83c"})
        + chunk({"content": "\udf19 \ud83c\udf19"})
        + chunk({}, "stop")
        + DONE
    )
    assert (await provider.complete(request(), deadline=20)).text == "\U0001f319 \U0001f319"


@pytest.mark.parametrize(
    "event",
    [
        *(
            None,
            5,
            "text",
            [],
            True,
            {"choices": 5},
            {"choices": ["text"]},
            {"choices": [{"delta": "text"}]},
        ),
        *(
            {"choices": [{"delta": {"content": 5}}]},
            {"choices": [{"delta": {"content": [5]}}]},
            {"model": ["m"]},
        ),
        *(
            {"choices": [{"delta": {"content": [{"type": "text"}]}}]},
            {"choices": [{"finish_reason": {}}]},
        ),
    ],
)
async def test_an_event_of_another_shape_is_malformed_and_books_counts(
    server: FakeModels, provider: OpenAI, event: Any
) -> None:
    server.stream = chunk({"content": A}) + COUNTED + data(event) + chunk({}, "stop") + DONE
    with pytest.raises(TransientCall) as caught:
        await provider.complete(request(), deadline=20)
    assert caught.value.kind == "malformed"
    assert caught.value.usage is not None
    assert (caught.value.usage.input_tokens, caught.value.usage.output_tokens) == (5, 7)


@pytest.mark.parametrize(
    "broken",
    [b"data: " + b"[" * 100_000 + b"\n\n", b"data: \xff\n\n", b"data: {\n\n", b'data: {"choi'],
)
async def test_bytes_that_are_no_event_are_malformed_and_booked(
    server: FakeModels, provider: OpenAI, broken: bytes
) -> None:
    server.stream = chunk({"content": A}) + COUNTED + broken
    with pytest.raises(TransientCall) as caught:
        await provider.complete(request(), deadline=20)
    assert caught.value.kind == "malformed"
    assert caught.value.usage is not None
    assert caught.value.usage.output_tokens == 7


@pytest.mark.parametrize(
    "counts",
    [
        *(
            {"prompt_tokens": 5},
            {"prompt_tokens": None, "completion_tokens": 7},
            {"completion_tokens": "many"},
            [1],
            3,
        ),
        *(
            {"prompt_tokens": -1, "completion_tokens": 7},
            {"prompt_tokens": 10**30, "completion_tokens": 7},
        ),
    ],
)
async def test_counts_that_cannot_be_are_none(
    server: FakeModels, provider: OpenAI, counts: Any
) -> None:
    server.stream = chunk({"content": A}, "stop") + data({"choices": [], "usage": counts}) + DONE
    usage = (await provider.complete(request(), deadline=20)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.assumed) == (
        request().most_input_tokens,
        40,
        True,
    )


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (
            b'event: error\ndata: {"message": "Overloaded", "type": "overloaded_error"}\n\n',
            "overloaded",
        ),
        (b"event: error\ndata: something broke\n\n", "server"),
        (b'data: {"error": "something broke"}\n\n', "server"),
        (b'data: {"error": {"code": 429, "message": "slow down"}}', "rate_limit"),
    ],
)
async def test_errors_in_mid_stream_have_several_shapes(
    server: FakeModels, provider: OpenAI, event: bytes, kind: str
) -> None:
    server.stream = chunk({"content": A}, None, usage=USAGE) + event
    with pytest.raises(TransientCall) as caught:
        await provider.complete(request(), deadline=20)
    assert caught.value.kind == kind
    assert caught.value.usage is not None
    assert caught.value.usage.output_tokens == 7
