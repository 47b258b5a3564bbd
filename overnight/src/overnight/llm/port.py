"""The port: what is asked of a language model, what comes back, and how a call can fail.

A provider returns a `Reply` only for an answer that is finished and says so. Everything else is a
`TransientCall` or a `PermanentCall`, which carries what the failed call used up, because a failed
call is billed too.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from typing import Any, Literal, Protocol, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from overnight.errors import OvernightError, Permanent, Transient, first_fault

T = TypeVar("T")

# Tokens of input that are not ours: the marks of a turn, the instruction for structured output.
# Providers document some hundreds for what they add so.
FRAME_TOKENS = 1_000
# Tokens for each letter of a word in small Latin letters, the space before it included: more than
# the tokenizers in use were measured to take, even for random letters
# (docs/decisions/0035-reservations-near-the-cost.md). A word of one letter is one token.
WORD_TOKENS = 0.6
TEXTS = ("system", "schema", "prefix", "prompt", "stop")  # of a request, in their order
_WORD = re.compile(r" [A-Za-z]?[a-z]+|[A-Za-z][a-z]+")

Kind = Literal[
    "rate_limit",
    "overloaded",
    "server",
    "timeout",
    "dropped",
    "incomplete",
    "truncated",
    "refused",
    "malformed",
    "auth",
    "spend_cap",
    "bad_request",
    "not_found",
    "too_large",
    "unsent",
    "unknown",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One question to a model. A parameter that is None is not sent.

    `schema` is a JSON schema as `strict_schema` makes it; with it the answer is JSON. `temperature`
    stays None unless the owner set it: recent models refuse the parameter. `prefix` is the stable
    part that several requests share. It is sent before `prompt`, so that the provider may keep it
    in its prompt cache, where it is read at a fraction of the price. `masked` are words in the
    texts that are sent, but never stored.
    """

    model: str
    prompt: str
    max_tokens: int
    system: str | None = None
    schema: dict[str, Any] | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    prefix: str | None = None
    masked: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.prefix == "":  # no text is no prefix: APIs refuse an empty block
            object.__setattr__(self, "prefix", None)
        if self.temperature is not None:
            # 0, 0.0 and -0.0 are equal requests, so they must be written alike; adding 0.0 takes
            # the sign off.
            object.__setattr__(self, "temperature", float(self.temperature) + 0.0)

    def hash(self, provider: str) -> str:
        """The key of the cached answer: SHA-256, in hexadecimal, of the canonical JSON of
        everything that is sent.

        What is not sent is left out, so an absent temperature differs from every number, and a
        parameter that is added to this class later does not change the hashes of requests that do
        not use it.
        """
        canonical = json.dumps(
            {"provider": provider, **self._sent()},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=True,
            allow_nan=False,
        )
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()

    @property
    def most_input_tokens(self) -> int:
        """More tokens than a provider counts for this request. JSON has every byte of what is sent
        and some more.
        """
        return self._most_shared_tokens + _most_tokens(self.prompt) + FRAME_TOKENS

    @property
    def most_cached_tokens(self) -> int:
        """More tokens than a provider writes to its prompt cache: the prefix and what comes before
        it; 0 without a prefix.
        """
        if self.prefix is None:
            return 0
        return self._most_shared_tokens + FRAME_TOKENS

    @property
    def _most_shared_tokens(self) -> int:
        return _most_tokens({name: v for name, v in self._sent().items() if name != "prompt"})

    @property
    def texts(self) -> dict[str, str]:
        """What a person reads of it: its texts by their names, in the order in which they are
        sent.
        """
        schema = json.dumps(self.schema, ensure_ascii=False) if self.schema else None
        stop = "\n".join(self.stop)
        texts = zip(TEXTS, (self.system, schema, self.prefix, self.prompt, stop), strict=True)
        return {name: text for name, text in texts if text}

    def _sent(self) -> dict[str, Any]:
        names = (each.name for each in fields(self) if each.compare)
        values = ((name, getattr(self, name)) for name in names)
        return {name: value for name, value in values if value not in (None, ())}


def _most_tokens(value: object) -> int:
    """More tokens than the JSON of a value has.

    Each token of a text stands for at least one byte of its UTF-8, so a text has no more tokens
    than bytes; words in small Latin letters have fewer (`WORD_TOKENS`). Some tokenizers normalize
    first (NFKC), which may make a text longer, so the longer form counts.
    """
    return _most_tokens_of(json.dumps(value, ensure_ascii=False))


@lru_cache(maxsize=16)  # what is counted twice for a call, and what calls of an article share
def _most_tokens_of(text: str) -> int:
    forms = {text, unicodedata.normalize("NFKC", text)}
    return max(math.ceil(_weight(form)) for form in forms)


def _weight(text: str) -> float:
    saved = (1 - WORD_TOKENS) * len("".join(_WORD.findall(text)))
    return len(text.encode("utf-8", "surrogatepass")) - saved


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a call used up, in tokens and searches.

    `input_tokens` is all of the input: what was fresh, what was written to the provider's prompt
    cache and what was read from it. `output_tokens` includes the thinking. `raw` is the provider's
    own account, from which the price is computed; empty means that the counts above are all there
    is, as in an estimate. `partial`: the answer broke off before its output was counted, so there
    may have been more of it, up to `max_tokens`. `assumed`: the server told no counts, so these are
    the most that there can be.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    web_searches: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False
    assumed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A finished answer. `model` is the one that answered, which may be a dated version of the one
    that was asked.

    `stop_reason` is the provider's own word. `model_ends` says when the provider will switch the
    model off, if it told.
    """

    text: str
    stop_reason: str
    usage: Usage
    model: str
    model_ends: str | None = None


class CallFailed(OvernightError):
    """The call to the language model failed.

    `kind` says how, in one word. `usage` is what the call used up all the same and has to be
    booked; None when nothing is known to have been used.
    """

    kind: Kind
    usage: Usage | None


class TransientCall(CallFailed, Transient):
    """The call to the language model failed and may work later."""

    def __init__(
        self,
        message: str | None = None,
        *,
        kind: Kind = "unknown",
        usage: Usage | None = None,
        retry_after: float | None = None,
        review: bool = False,
    ) -> None:
        Transient.__init__(self, message, retry_after=retry_after, review=review)
        self.kind = kind
        self.usage = usage


class PermanentCall(CallFailed, Permanent):
    """The call to the language model failed and will fail again."""

    def __init__(
        self, message: str | None = None, *, kind: Kind = "unknown", usage: Usage | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.usage = usage


class Provider(Protocol):
    """A company whose models can be called. `name` is its id in the price list and a part of each
    request's hash.
    """

    @property
    def name(self) -> str: ...

    async def complete(
        self,
        request: Request,
        *,
        deadline: float,
        on_usage: Callable[[Usage], None] = lambda usage: None,
    ) -> Reply:
        """The whole answer, within `deadline` seconds from first to last byte. Raises `CallFailed`.

        `on_usage` is called with what a call has used up that ends by any other error, such as a
        cancellation: that is billed, too.

        With `request.schema` the text is well-formed JSON. Whether it fits the type is for `parse`
        to say, and an answer belongs in a cache only after `parse` took it: a retry must not be
        served the bad one again.
        """
        ...


def parse(reply: Reply, type_: type[T]) -> T:
    """The answer's JSON as `type_`, validated. The text is taken whole: no search for a JSON block
    inside of it.

    An answer that was cut off is `truncated` and permanent: the same request meets the same limit.
    One that claims to be finished and yet does not fit is `malformed` and transient: sampling is
    random and the next answer may be right. If none is, a person decides. Both are raised with the
    reply's usage.
    """
    if reply.stop_reason == "max_tokens":
        raise PermanentCall(
            "The answer was cut off at max_tokens.", kind="truncated", usage=reply.usage
        )
    try:
        answer: T = _adapter(cast(Hashable, type_)).validate_json(reply.text)
        return answer
    except ValidationError as error:
        name = getattr(type_, "__name__", str(type_))
        message = f"The answer is not a valid {name}: {_first_fault(error)}."
    raise unfit(message, reply.usage)


def unfit(message: str, usage: Usage) -> TransientCall:
    """An answer that is whole and has not the form that was asked for: the next may; if none has, a
    person decides.
    """
    return TransientCall(message, kind="malformed", usage=usage, review=True)


@cache
def _adapter(type_: Any) -> TypeAdapter[Any]:
    """Made once for each type: that takes longer than reading an answer."""
    return TypeAdapter(type_)


def _first_fault(error: ValidationError) -> str:
    """The first fault, cut where it is long, and how many there are besides."""
    count = error.error_count()
    return first_fault(error)[:200] + (f" (and {count - 1} more)" if count > 1 else "")


# What Anthropic's API documentation ("Structured outputs") lists as supported.
_KEPT = {"type", "enum", "const", "default", "description", "title", "required", "$ref"}
_FORMATS = {
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
}
_LIMITS = {
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minItems",
    "maxItems",
    "uniqueItems",
}


def strict_schema(type_: Any) -> dict[str, Any]:
    """The JSON schema of `type_` in the subset that structured output takes. References stay
    references.

    Objects are closed. Limits such as `minLength` are refused by the API, so they move into the
    description, where the model can read them; `parse` enforces them. Raises `TypeError` for what
    the subset cannot say: a mapping with free keys, a tuple with a type per place.
    """
    return _strict(TypeAdapter(type_).json_schema())


def _strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    _refuse_inexpressible(schema)
    strict = {"$ref": schema["$ref"]} if "$ref" in schema else dict(_keywords(schema))
    if "$defs" in schema:
        strict["$defs"] = {name: _strict(part) for name, part in schema["$defs"].items()}
    return strict


def _refuse_inexpressible(schema: Mapping[str, Any]) -> None:
    if schema.get("additionalProperties"):
        raise TypeError(
            "A mapping with free keys cannot be asked for; use a list of key and value."
        )
    if "prefixItems" in schema:
        raise TypeError(
            "A tuple with a type for each place cannot be asked for; use a model with named fields."
        )


def _keywords(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    limits: dict[str, Any] = {}
    for keyword, value in schema.items():
        if (
            keyword in _KEPT
            or (keyword == "format" and value in _FORMATS)
            or (keyword == "minItems" and value < 2)
        ):
            yield keyword, value
        elif keyword in _LIMITS:
            limits[keyword] = value
        elif keyword == "properties":
            yield keyword, {name: _strict(part) for name, part in value.items()}
        elif keyword == "items":
            yield keyword, _strict(value)
        elif keyword in ("anyOf", "oneOf"):
            # A discriminated union comes as oneOf, which the subset lacks; its members exclude one
            # another anyway.
            yield "anyOf", [_strict(part) for part in value]
    if schema.get("type") == "object":
        yield "additionalProperties", False
    if limits:
        limits_text = ", ".join(f"{keyword}: {value}" for keyword, value in limits.items())
        yield "description", f"{schema.get('description', '')} ({limits_text})".strip()
