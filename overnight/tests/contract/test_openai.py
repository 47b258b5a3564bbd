"""What is OpenAI's alone: the request on the wire, the ways to ask for JSON, and servers that leave things out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from overnight.llm import CallFailed, OpenAI, PermanentCall, Request, TransientCall, parse, strict_schema
from overnight.llm.fake_server import HTTP_FAULTS, FakeModels, HttpFault
from overnight.llm.openai import OPENAI_URL, JsonMode, _refusal


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
        "messages": [{"role": "system", "content": "You write."}, {"role": "user", "content": "A word."}],
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
    assert set(server.calls[0].request) == {"model", "max_tokens", "messages", "stream", "stream_options"}
    assert "authorization" not in server.calls[0].headers


async def test_a_key_is_sent_where_there_is_one(server: FakeModels) -> None:
    provider = OpenAI(api_key="sk-1234", base_url=server.url + "/v1")
    await provider.complete(request(), deadline=20)
    await provider.aclose()
    assert server.calls[0].headers["authorization"] == "Bearer sk-1234"


def test_openai_itself_is_told_the_limit_by_its_newer_name() -> None:
    assert OpenAI(api_key="sk-1234", base_url=OPENAI_URL)._body(request())["max_completion_tokens"] == 40


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


async def test_an_answer_without_counts_is_booked_as_the_most_it_can_be(server: FakeModels, provider: OpenAI) -> None:
    server.script("no-usage")
    usage = (await provider.complete(request(), deadline=20)).usage
    assert (usage.input_tokens, usage.output_tokens) == (request().most_input_tokens, 40)
    assert usage.assumed


async def test_an_answer_that_said_it_is_whole_needs_no_mark_of_the_end(server: FakeModels, provider: OpenAI) -> None:
    server.script("no-message-stop")
    assert (await provider.complete(request(), deadline=20)).text == ANSWER


async def test_a_mark_of_the_end_makes_no_answer_whole(server: FakeModels, provider: OpenAI) -> None:
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
    monkeypatch.setitem(HTTP_FAULTS, "404", HttpFault(404, "not_found_error", "model 'small' not found, pull it first"))
    server.script("404")
    with pytest.raises(PermanentCall, match=r"openai answered 404 .*pull it first"):
        await provider.complete(request(), deadline=20)
