"""Anthropic's Messages API, streamed, behind the port.

The SDK is used for the connection alone: authentication, pooling, HTTP errors. The request's body
is ours, so what is sent is what is hashed, and the stream's events are folded here, because the SDK
takes a stream that ends early for a finished answer. Facts: Anthropic's API documentation
("Streaming messages", "Errors", "Structured outputs").
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from overnight.llm import wire
from overnight.llm.port import (
    CallFailed,
    Kind,
    PermanentCall,
    Reply,
    Request,
    TransientCall,
    Usage,
)

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

    from overnight.llm.anthropic_batches import AnthropicBatches

# By the error's type, where there is no status of its own: in mid-stream, after a 200.
_TRANSIENT: dict[int | str | None, Kind] = {
    **wire.TRANSIENT,
    "conflict_error": "server",
    "rate_limit_error": "rate_limit",
    "api_error": "server",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
}
_PERMANENT: dict[int | str | None, Kind] = {
    **wire.PERMANENT,
    "invalid_request_error": "bad_request",
    "authentication_error": "auth",
    "billing_error": "spend_cap",
    "permission_error": "auth",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
}
_FINISHED = {"end_turn", "stop_sequence"}
# The shortest prompt that is cached, in tokens, by the beginning of the model's name; the longest
# beginning decides. "Prompt caching" in Anthropic's documentation, "Cache limitations".
MIN_CACHED_TOKENS = {
    "": 1_024,
    "claude-haiku-4-5": 4_096,
    "claude-3-haiku": 2_048,
    "claude-3-5-haiku": 2_048,
    "claude-opus-4-5": 4_096,
    "claude-opus-4-6": 4_096,
    "claude-opus-4-7": 2_048,
}
_CHARACTERS = 4  # a token in English, as Anthropic's documentation estimates it
_CUT: dict[str, tuple[Kind, str]] = {
    "max_tokens": ("truncated", "The answer was cut off at max_tokens."),
    "model_context_window_exceeded": (
        "truncated",
        "The answer was cut off at the end of the model's context window.",
    ),
    "refusal": ("refused", "The model refused to answer."),
}


class Anthropic:
    """The adapter. One instance per event loop; it may be called concurrently. Close it with
    `aclose`.

    `read_timeout` (seconds) is how long the stream may stand still. It ends a dead connection long
    before the deadline of the whole call; the API sends pings while the model thinks.
    """

    name = "anthropic"

    def __init__(
        self, *, api_key: str, base_url: str | None = None, read_timeout: float = 120.0
    ) -> None:
        if base_url is not None:
            wire.check_url(base_url, "Anthropic")
        self._key = wire.checked_key(api_key, "Anthropic")
        self._base_url = base_url
        self._read_timeout = read_timeout
        self._client: AsyncAnthropic | None = None

    async def complete(
        self,
        request: Request,
        *,
        deadline: float,
        on_usage: Callable[[Usage], None] = lambda usage: None,
    ) -> Reply:
        client = await self._connection()
        answer = _Answer(_end_of_life(request.model))
        try:
            async with asyncio.timeout(deadline):
                await _read(client, request, answer)
            return answer.reply(json_expected=request.schema is not None)
        except BaseException as error:
            if (failure := _explain(error, answer.usage, deadline)) is None:
                wire.report(answer.usage, on_usage)
                raise
            # The SDK's errors carry whole response bodies, so they do not follow ours into logs.
            raise wire.told(failure, self._key) from None

    @property
    def batches(self) -> AnthropicBatches:
        from overnight.llm.anthropic_batches import AnthropicBatches

        return AnthropicBatches(self)

    async def aclose(self) -> None:
        """Close the connections. A later call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connection(self) -> AsyncAnthropic:
        if self._client is None:
            # In a thread: the import takes seconds, and heartbeats must go on meanwhile. Outside of
            # the deadline, too.
            await asyncio.to_thread(importlib.import_module, "anthropic.resources.messages")
            import anthropic

            timeout = anthropic.Timeout(
                self._read_timeout, connect=min(wire.CONNECT_TIMEOUT, self._read_timeout)
            )
            # No retries here: ours are durable and counted. The `or` is for two first calls at
            # once.
            self._client = self._client or anthropic.AsyncAnthropic(
                api_key=self._key.get_secret_value(),
                base_url=self._base_url,
                max_retries=0,
                timeout=timeout,
            )
        return self._client


class _Answer:
    """Folds the events of one stream: what has been said, and used up, so far."""

    def __init__(self, ends: str | None) -> None:
        self.usage: Usage | None = None
        self._ends = ends
        self.finished = False
        self._text: list[str] = []
        self._model = ""
        self._stop_reason: str | None = None
        self._raw: dict[str, Any] = {}

    def feed(self, event: Any) -> None:
        """Take one event. Types that are not known are passed over, as the documentation asks."""
        match event["type"]:
            case "message_start":
                self._model = event["message"]["model"]
                self._count(event["message"]["usage"])
            case "content_block_delta" if event["delta"]["type"] == "text_delta":
                self._text.append(wire.text(event["delta"]["text"]))
            case "message_delta":
                self._stop_reason = event["delta"].get("stop_reason") or self._stop_reason
                self._count(event.get("usage") or {})
            case "message_stop":
                self.finished = True

    def _count(self, raw: Mapping[str, Any]) -> None:
        """The counts are cumulative: the newest of each holds."""
        self._raw.update({name: value for name, value in raw.items() if value is not None})
        read, writes = (
            int(self._raw.get(f"cache_{way}_input_tokens", 0)) for way in ("read", "creation")
        )
        self.usage = Usage(
            input_tokens=int(self._raw["input_tokens"]) + read + writes,
            output_tokens=int(self._raw.get("output_tokens", 0)),
            cache_read_tokens=read,
            cache_write_tokens=writes,
            web_searches=int(self._raw.get("server_tool_use", {}).get("web_search_requests", 0)),
            raw=dict(self._raw),
            partial=self._stop_reason is None,
        )

    def reply(self, *, json_expected: bool) -> Reply:
        """The finished answer. Raises `CallFailed` for one that broke off, whatever text it has."""
        if not self.finished or self._stop_reason is None or self.usage is None:
            message = "Anthropic's answer ended without a stop reason."
            raise TransientCall(message, kind="incomplete", usage=self.usage)
        if self._stop_reason not in _FINISHED:
            unknown: tuple[Kind, str] = (
                "unknown",
                f"The model stopped unexpectedly: {self._stop_reason}.",
            )
            kind, message = _CUT.get(self._stop_reason, unknown)
            raise PermanentCall(message, kind=kind, usage=self.usage)
        text = wire.joined(self._text)
        if json_expected:
            text = wire.json_answer(text, self.usage)
        return Reply(
            text=text,
            stop_reason=self._stop_reason,
            usage=self.usage,
            model=self._model,
            model_ends=self._ends,
        )


def _body(request: Request) -> dict[str, Any]:
    """The request on the wire. Only what was set is sent."""
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "messages": [{"role": "user", "content": _content(request)}],
        "stream": True,
    }
    if request.system is not None:
        body["system"] = request.system
    if request.schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    return body


def _content(request: Request) -> str | list[dict[str, Any]]:
    """The question; behind its prefix, which is a block of its own, where it has one.

    The cache holds all that comes before the end of the marked block, the system prompt too. What
    is too short to be cached bears no mark.
    """
    if request.prefix is None:
        return request.prompt
    prefix: dict[str, Any] = {"type": "text", "text": request.prefix}
    if _is_cached(request):
        prefix["cache_control"] = {"type": "ephemeral"}
    return [prefix, {"type": "text", "text": request.prompt}]


def _is_cached(request: Request) -> bool:
    characters = len(request.system or "") + len(request.prefix or "")
    names = [name for name in MIN_CACHED_TOKENS if request.model.startswith(name)]
    return characters >= _CHARACTERS * MIN_CACHED_TOKENS[max(names, key=len)]


async def _read(client: AsyncAnthropic, request: Request, answer: _Answer) -> None:
    """Stream the answer into `answer` until it is finished or the stream ends."""
    from anthropic import AsyncStream

    stream = await client.post(
        "/v1/messages",
        body=_body(request),
        cast_to=object,
        stream=True,
        stream_cls=AsyncStream[object],
    )
    async with stream:
        content_type = stream.response.headers.get("content-type", "nothing")
        if not content_type.startswith("text/event-stream"):
            raise TransientCall(
                f"Anthropic answered with {content_type}, not with a stream.", kind="malformed"
            )
        events = wire.events(stream.response)
        async for line in events:
            event = _decoded(line.data, answer)
            if event["type"] == "error":
                raise _refusal(None, event, stream.response.headers, answer.usage)
            if answer.finished:
                await wire.drain(events)
                return


def _decoded(data: str, answer: _Answer) -> Any:
    """The event, folded into `answer`. Whatever the fold cannot digest is malformed, be it no JSON
    or another shape.
    """
    try:
        event = wire.decoded(data)
        answer.feed(event)
    except (LookupError, ValueError, TypeError, AttributeError):
        message = "Anthropic's stream had an event that cannot be read."
        raise TransientCall(message, kind="malformed", usage=answer.usage) from None
    return event


def _end_of_life(model: str) -> str | None:
    """When the model will be switched off. The table is read, for the SDK's own warning may be an
    exception.
    """
    from anthropic.resources.messages import DEPRECATED_MODELS

    return DEPRECATED_MODELS.get(model)


def _explain(error: BaseException, usage: Usage | None, deadline: float) -> CallFailed | None:
    """What went wrong with the call; None for an error that is not the call's."""
    import anthropic

    if isinstance(error, anthropic.APIStatusError):
        return _refusal(error.status_code, error.body, error.response.headers, usage)
    if isinstance(error, anthropic.APITimeoutError):
        return TransientCall(
            "Anthropic was silent for longer than the read timeout.", kind="timeout", usage=usage
        )
    if isinstance(error, anthropic.APIConnectionError):
        return wire.dropped(error, usage, "Anthropic")
    return wire.explain(error, usage, "Anthropic", deadline)


def _refusal(
    status: int | None, body: object, headers: Mapping[str, str], usage: Usage | None
) -> CallFailed:
    """The error that the API reported: `body` is `{"error": {"type", "message", "details"}}`, or a
    proxy's text.
    """
    error = wire.mapping(wire.mapping(body).get("error"))
    type_, detail = error.get("type"), error.get("message")
    retry_after = wire.waiting(headers)
    who = f"Anthropic answered {status or 'in mid-stream'} ({type_ or 'no error type'})"
    # The explanation of a gateway is an HTML page, which helps nobody.
    message = f"{who}: {detail}" if isinstance(detail, str) else f"{who}."
    if _is_spend_cap(status, error, retry_after):
        return PermanentCall(message, kind="spend_cap", usage=usage)
    code = type_ if status is None else status
    if code in _TRANSIENT or (status or 0) >= 500:
        kind = _TRANSIENT.get(code, "server")
        return TransientCall(message, kind=kind, usage=usage, retry_after=retry_after)
    return PermanentCall(message, kind=_PERMANENT.get(code, "unknown"), usage=usage)


def _is_spend_cap(status: int | None, error: Mapping[str, Any], retry_after: float | None) -> bool:
    """Money, not load: waiting does not help before the next month.

    The cap of the tier is a 429 that has an error code and no retry-after. The limit that an owner
    sets in Anthropic's console is a 400 that only its message tells apart.
    """
    code = str(wire.mapping(error.get("details")).get("error_code"))
    if code.endswith("spend_limit_reached"):
        return retry_after is None
    return status == 400 and str(error.get("message")).startswith("You have reached your specified")
