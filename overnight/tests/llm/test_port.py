"""The port by itself: hashes, validation, schemas, prices, and what importing it costs."""

from __future__ import annotations

import copy
import hashlib
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from overnight.errors import ConfigError, Permanent, Transient
from overnight.llm import (
    CallFailed,
    PermanentCall,
    Price,
    Reply,
    Request,
    TransientCall,
    UnpricedModel,
    Usage,
    cost_usd,
    parse,
    strict_schema,
)

USAGE = Usage(input_tokens=10, output_tokens=5)

values: dict[str, st.SearchStrategy[Any]] = {
    "model": st.text(),
    "prompt": st.text(),
    "max_tokens": st.integers(1, 200_000),
    "system": st.none() | st.text(),
    "schema": st.none()
    | st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())),
    "temperature": st.none() | st.floats(0, 1) | st.integers(0, 1),
    "stop": st.lists(st.text()).map(tuple),
    "prefix": st.none() | st.text(),
}
requests = st.builds(Request, **values)


def test_the_strategies_cover_every_field() -> None:
    assert set(values) == {field.name for field in fields(Request) if field.compare}


@given(requests, st.text())
def test_equal_requests_have_equal_hashes(request: Request, provider: str) -> None:
    assert copy.deepcopy(request) == request
    assert copy.deepcopy(request).hash(provider) == request.hash(provider)
    assert len(request.hash(provider)) == 64


@given(requests, st.sampled_from(sorted(values)), st.data())
def test_any_changed_field_changes_the_hash(
    request: Request, name: str, data: st.DataObject
) -> None:
    changed = replace(request, **{name: data.draw(values[name])})
    assume(changed != request)
    assert changed.hash("anthropic") != request.hash("anthropic")


@given(requests, requests)
def test_hashes_are_equal_exactly_when_requests_are(one: Request, other: Request) -> None:
    assert (one.hash("anthropic") == other.hash("anthropic")) == (one == other)


def test_the_provider_is_part_of_the_hash() -> None:
    request = Request(model="m", prompt="p", max_tokens=1)
    assert request.hash("anthropic") != request.hash("openai")


def test_an_absent_temperature_is_a_value_of_its_own() -> None:
    absent = Request(model="m", prompt="p", max_tokens=1)
    zero = replace(absent, temperature=0.0)
    assert absent.hash("a") != zero.hash("a")
    assert {
        zero.hash("a"),
        replace(absent, temperature=0).hash("a"),
        replace(absent, temperature=-0.0).hash("a"),
    } == {zero.hash("a")}


def test_the_hash_does_not_change_between_versions() -> None:
    """A cache filled last month must be found today."""
    request = Request(
        model="m", prompt="Grüße", max_tokens=10, temperature=0.5, schema={"b": 1, "a": 2}
    )
    canonical = (
        b'{"max_tokens":10,"model":"m","prompt":"Gr\\u00fc\\u00dfe","provider":"anthropic",'
        b'"schema":{"a":2,"b":1},"temperature":0.5}'
    )
    assert request.hash("anthropic") == hashlib.sha256(canonical).hexdigest()


def test_an_empty_prefix_is_none() -> None:
    request = Request(model="m", prompt="p", max_tokens=1)
    assert replace(request, prefix="") == request
    assert replace(request, prefix="").hash("a") == request.hash("a")


def test_a_request_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Request(model="m", prompt="p", max_tokens=1).model = "other"  # type: ignore[misc]


class Source(BaseModel):
    url: str = Field(pattern="^https://", max_length=200)
    rank: int = Field(ge=1, le=9)


class Article(BaseModel):
    """An article."""

    title: str = Field(min_length=10, description="A headline")
    pattern: str  # named like a keyword
    kind: Literal["news", "guide"] = "guide"
    sources: list[Source] = Field(min_length=3)
    tags: list[str] = Field(min_length=1)
    lead: Source | None = None


def reply(text: str, stop_reason: str = "end_turn") -> Reply:
    return Reply(text=text, stop_reason=stop_reason, usage=USAGE, model="m")


def test_a_valid_answer_is_parsed() -> None:
    assert parse(reply('{"url": "https://a.b", "rank": 2}'), Source) == Source(
        url="https://a.b", rank=2
    )
    assert parse(reply("[1, 2]"), list[int]) == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"url": "https://a.b", "ra',
        '{"url": "https://a.b", "rank": 20}',
        'Here it is: {"url": "https://a.b", "rank": 2}',
        '```json\n{"url": "https://a.b", "rank": 2}\n```',
    ],
)
def test_a_finished_answer_that_does_not_fit_is_transient(text: str) -> None:
    with pytest.raises(TransientCall) as caught:
        parse(reply(text), Source)
    assert caught.value.kind == "malformed"
    assert caught.value.usage is USAGE
    assert "Source" in str(caught.value)
    assert caught.value.__context__ is None, (
        "the validation error would take the whole answer into logs"
    )


def test_an_answer_that_was_cut_off_is_permanent() -> None:
    with pytest.raises(PermanentCall) as caught:
        parse(reply('{"url": "https://a', "max_tokens"), Source)
    assert (caught.value.kind, caught.value.usage) == ("truncated", USAGE)


def test_failures_steer_retries_by_their_class() -> None:
    transient = TransientCall("Later.", kind="rate_limit", usage=USAGE, retry_after=2)
    assert isinstance(transient, Transient)
    assert isinstance(transient, CallFailed)
    assert (transient.kind, transient.usage, transient.retry_after) == ("rate_limit", USAGE, 2)
    permanent = PermanentCall(kind="auth")
    assert isinstance(permanent, Permanent)
    assert isinstance(permanent, CallFailed)
    assert str(permanent) == "The call to the language model failed and will fail again."
    again = copy.copy(transient)
    assert (str(again), again.kind, again.retry_after) == ("Later.", "rate_limit", 2)


def test_a_strict_schema_has_only_what_the_api_takes() -> None:
    assert strict_schema(Article) == {
        "$defs": {
            "Source": {
                "title": "Source",
                "type": "object",
                "properties": {
                    "url": {
                        "title": "Url",
                        "type": "string",
                        "description": "(maxLength: 200, pattern: ^https://)",
                    },
                    "rank": {
                        "title": "Rank",
                        "type": "integer",
                        "description": "(maximum: 9, minimum: 1)",
                    },
                },
                "required": ["url", "rank"],
                "additionalProperties": False,
            }
        },
        "title": "Article",
        "description": "An article.",
        "type": "object",
        "properties": {
            "title": {
                "title": "Title",
                "type": "string",
                "description": "A headline (minLength: 10)",
            },
            "pattern": {"title": "Pattern", "type": "string"},
            "kind": {
                "title": "Kind",
                "type": "string",
                "enum": ["news", "guide"],
                "default": "guide",
            },
            "sources": {
                "title": "Sources",
                "type": "array",
                "items": {"$ref": "#/$defs/Source"},
                "description": "(minItems: 3)",
            },
            "tags": {"title": "Tags", "type": "array", "items": {"type": "string"}, "minItems": 1},
            "lead": {"anyOf": [{"$ref": "#/$defs/Source"}, {"type": "null"}], "default": None},
        },
        "required": ["title", "pattern", "sources", "tags"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("type_", [dict[str, int], tuple[int, str]])
def test_what_the_api_cannot_say_is_refused_at_once(type_: Any) -> None:
    with pytest.raises(TypeError, match="cannot be asked for"):
        strict_schema(type_)


def test_a_model_without_a_price_is_never_free() -> None:
    for provider, model in (("anthropic", "no-such-model"), ("nobody", "claude-opus-4-8")):
        with pytest.raises(UnpricedModel, match=f'no price for the model "{model}"') as caught:
            cost_usd(provider, model, USAGE)
        assert isinstance(caught.value, ConfigError)


def test_the_owners_price_goes_first() -> None:
    usage = Usage(
        input_tokens=1_000_000,
        output_tokens=100_000,
        cache_read_tokens=200_000,
        cache_write_tokens=300_000,
    )
    plain = Price(input=Decimal(2), output=Decimal(10))
    assert cost_usd("anthropic", "claude-opus-4-8", usage, {"claude-opus-4-8": plain}) == Decimal(3)
    assert cost_usd("nobody", "mine", usage, {"mine": plain}) == Decimal(3)
    detailed = Price(
        input=Decimal(2), output=Decimal(10), cache_read=Decimal("0.2"), cache_write=Decimal("2.5")
    )
    assert cost_usd("nobody", "mine", usage, {"mine": detailed}) == Decimal("2.79")
    free = Price(input=Decimal(0), output=Decimal(0))
    assert cost_usd("nobody", "mine", usage, {"mine": free}) == 0


def test_searches_without_a_price_are_never_free() -> None:
    usage = replace(USAGE, web_searches=3)
    price = Price(input=Decimal(0), output=Decimal(0))
    with pytest.raises(UnpricedModel, match="web_search"):
        cost_usd("nobody", "mine", usage, {"mine": price})
    priced = price.model_copy(update={"web_search": Decimal(10)})
    assert cost_usd("nobody", "mine", usage, {"mine": priced}) == Decimal("0.03")


@pytest.mark.parametrize(
    "fields_", [{"input": -1, "output": 1}, {"input": 1}, {"input": 1, "output": 1, "cached": 1}]
)
def test_a_price_that_makes_no_sense_is_refused(fields_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Price.model_validate(fields_)


def test_importing_the_port_loads_no_sdk() -> None:
    code = (
        "import sys, overnight.llm; print(*(set(sys.modules) & {'anthropic', 'httpx2', "
        "'genai_prices', 'http.server'}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.strip() == ""
