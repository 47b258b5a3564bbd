"""Any endpoint that speaks OpenAI's chat completions, streamed, behind the port: OpenAI's own, or a
server nearby.

Facts: OpenAI's API reference ("Chat completions", "Streaming", "Error codes"); what other servers
leave out is configured or assumed on the safe side.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any, Literal

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
    from ssl import SSLContext

    from httpx2 import AsyncClient, Response

    from overnight.llm.openai_batches import OpenAIBatches

CLIENTS = (
    32  # over which the calls are spread: one looks through all of its connections twice a call
)
OPENAI_URL = "https://api.openai.com/v1"

JsonMode = Literal["schema", "object", "text"]

# Failures by the error's code or type: the first in mid-stream, after a 200; the second always, for
# the status says less: a spent quota is a 429, too.
_TRANSIENT: dict[str, Kind] = {
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "server_error": "server",
    "api_error": "server",
    "engine_overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "timeout": "timeout",
}
_PERMANENT: dict[str, Kind] = {
    "insufficient_quota": "spend_cap",
    "billing_hard_limit_reached": "spend_cap",
    "billing_not_active": "spend_cap",
    "context_length_exceeded": "too_large",
    "content_filter": "refused",
    "content_policy_violation": "refused",
    "invalid_api_key": "auth",
    "model_not_found": "not_found",
}
_OVERLOADED = (503, 529)
# How an answer ends, by the words of OpenAI, Azure, Mistral, DeepSeek, Zhipu, Together, TGI, vLLM,
# SGLang, Gemini, Cohere and watsonx in their documentation of chat completions; compared in lower
# case.
_FINISHED = {"stop", "eos", "eos_token", "stop_sequence", "end_turn", "complete", "completed"}
_TROUBLED = {
    "insufficient_system_resource",
    "network_error",
    "error",
    "abort",
    "aborted",
    "cancelled",
    "time_limit",
}
_TROUBLED |= {
    "timeout",
    "load",
    "unload",
    "internal_error",
    "server_error",
    "overloaded",
    "not_finished",
}
_LENGTH: tuple[str, ...] = (
    "length",
    "max_tokens",
    "max_output_tokens",
    "model_length",
    "token_limit",
)
_LENGTH += ("model_context_window_exceeded",)
_FILTER: tuple[str, ...] = (
    "content_filter",
    "sensitive",
    "safety",
    "recitation",
    "prohibited_content",
    "blocklist",
    "spii",
)
_FILTER += ("guardrail_intervened", "error_toxic")
_CUT: dict[tuple[str, ...], tuple[Kind, str]] = {
    _LENGTH: (
        "truncated",
        "The answer was cut off at max_tokens, or at the end of the model's context window.",
    ),
    _FILTER: ("refused", "A content filter ended the answer."),
    ("refusal",): ("refused", "The model refused to answer."),
}
_TEXTS = ("text", "output_text", None)  # types of parts that are the answer
_JSON_ONLY = "Answer with JSON alone, nothing before or after it, that fits this JSON schema:\n"


class OpenAI:
    """The adapter. One instance per event loop; it may be called concurrently. Close it with
    `aclose`.

    `base_url` ends before `/chat/completions`; a server of one's own may need no key. `json` says
    how it is asked for JSON: by the schema, by the object mode with the schema in words, or in
    words alone. `name` is its id in the price list. `read_timeout` (seconds) is how long the stream
    may stand still; a server nearby may load the model first.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str = OPENAI_URL,
        json: JsonMode = "schema",
        name: str = "openai",
        read_timeout: float = 120.0,
    ) -> None:
        wire.check_url(base_url, name)
        self.name = name
        self._key = wire.checked_key(api_key, name) if api_key is not None else None
        self._base = base_url.rstrip("/")
        self._url = self._base + "/chat/completions"
        # OpenAI's own newer models refuse the name that all other servers know, and other servers
        # may refuse the key by which OpenAI sends requests of one prefix to one cache.
        self._is_openai = base_url.rstrip("/") == OPENAI_URL
        self._limit = "max_completion_tokens" if self._is_openai else "max_tokens"
        self._json = json
        self._read_timeout = read_timeout
        self._opening = asyncio.Lock()
        self._clients: list[AsyncClient] = []
        self._turns: Iterator[AsyncClient] = iter(())

    async def complete(
        self,
        request: Request,
        *,
        deadline: float,
        on_usage: Callable[[Usage], None] = lambda usage: None,
    ) -> Reply:
        client = await self._connection()
        answer = _Answer(request, self.name)
        try:
            async with asyncio.timeout(deadline):
                async with client.stream("POST", self._url, json=self._body(request)) as response:
                    await self._read(response, answer)
            return answer.reply()
        except BaseException as error:
            if (failure := wire.explain(error, answer.usage, self.name, deadline)) is None:
                wire.report(answer.usage, on_usage)
                raise
            raise wire.told(failure, self._key) from None

    @property
    def batches(self) -> OpenAIBatches:
        from overnight.llm.openai_batches import OpenAIBatches

        return OpenAIBatches(self)

    async def aclose(self) -> None:
        """Close the connections. A later call opens new ones."""
        clients, self._clients = self._clients, []
        for client in clients:
            await client.aclose()

    async def _connection(self) -> AsyncClient:
        async with self._opening:  # the first calls come together
            if not self._clients:
                httpx2 = await asyncio.to_thread(importlib.import_module, "httpx2")
                context = await asyncio.to_thread(httpx2.create_ssl_context)
                self._clients = [self._client(httpx2, context) for _ in range(CLIENTS)]
                self._turns = cycle(self._clients)
        return next(self._turns)

    def _client(self, httpx2: Any, context: SSLContext) -> AsyncClient:
        headers = {"authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
        client: AsyncClient = httpx2.AsyncClient(
            headers=headers,
            verify=context,
            # Who bounds the calls at once is the worker, so the client does not: its default would
            # queue the 101st.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
            timeout=httpx2.Timeout(
                self._read_timeout, connect=min(wire.CONNECT_TIMEOUT, self._read_timeout)
            ),
        )
        return client

    def _body(self, request: Request) -> dict[str, Any]:
        """The request on the wire. Only what was set is sent."""
        system, schema = request.system, None
        if request.schema is not None:
            if self._json == "schema":
                # Some servers refuse a schema that is not named; the name means nothing.
                schema = {"name": "answer", "strict": True, "schema": request.schema}
            else:
                system = "\n\n".join(
                    filter(None, (system, _JSON_ONLY + json.dumps(request.schema)))
                )
        body: dict[str, Any] = {
            "model": request.model,
            self._limit: request.max_tokens,
            "messages": [
                *([{"role": "system", "content": system}] if system is not None else []),
                {"role": "user", "content": _question(request)},
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif request.schema is not None and self._json == "object":
            body["response_format"] = {"type": "json_object"}
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.stop:
            body["stop"] = list(request.stop)
        if request.prefix is not None and self._is_openai:
            body["prompt_cache_key"] = _cache_key(request)
        return body

    async def _read(self, response: Response, answer: _Answer) -> None:
        """Stream the answer into `answer` until it is finished or the stream ends."""
        if response.status_code != 200:
            body = wire.decoded(await response.aread())
            raise _refusal(self.name, response.status_code, body, response.headers, None)
        content_type = response.headers.get("content-type", "nothing").lower()
        if content_type.startswith(
            "application/json"
        ):  # a server that does not stream tells all in one
            self._take(wire.decoded(await response.aread()), response, answer)
            return
        if not content_type.startswith("text/event-stream"):
            raise TransientCall(
                f"{self.name} answered with {content_type}, not with a stream.", kind="malformed"
            )
        events = wire.events(response)
        async for event in events:
            if event.data.strip() == "[DONE]":
                await wire.drain(events)
                return
            self._take(wire.decoded(event.data), response, answer, is_error=event.type == "error")

    def _take(
        self, event: Any, response: Response, answer: _Answer, *, is_error: bool = False
    ) -> None:
        """Fold one event into the answer. What the fold cannot digest is malformed, be it no JSON
        or another shape.
        """
        answer.begun = True
        if is_error or wire.mapping(event).get("error"):
            raise _refusal(self.name, None, event, response.headers, answer.usage)
        try:
            answer.feed(event)
        except (LookupError, ValueError, TypeError, AttributeError):
            message = f"The stream of {self.name} had an event that cannot be read."
            raise TransientCall(message, kind="malformed") from None


def _question(request: Request) -> str:
    """The prefix and the question in one text, for some servers take no list of texts. What comes
    first is cached by the servers themselves.
    """
    return "\n\n".join(filter(None, (request.prefix, request.prompt)))


def _cache_key(request: Request) -> str:
    """The same for requests that begin alike; it may have up to 64 characters."""
    beginning = json.dumps([request.model, request.system, request.prefix])
    return hashlib.sha256(beginning.encode()).hexdigest()[:32]


class _Answer:
    """Folds the events of one stream. `begun`: the server is at work, so the call costs
    something.
    """

    def __init__(self, request: Request, name: str) -> None:
        self.begun = False
        self._request = request
        self._name = name
        self._text: list[str] = []
        self._model = request.model
        self._finish: str | None = None
        self._refused = False
        self._counted: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        """What was used up, as far as the server told: its count comes last of all, so a cut one
        has none.
        """
        return self._counted or (wire.most(self._request) if self.begun else None)

    def feed(self, event: Any) -> None:
        """Take one event. The last one has the counts and no choice; some servers count in each:
        the newest holds.
        """
        self._model = wire.text(event.get("model") or self._model)
        self._counted = _counts(event.get("usage")) or self._counted
        for choice in _items(event.get("choices")):
            delta = choice.get("delta") or choice.get("message") or {}
            for part in _items(delta.get("content")):
                self._add(part)
            self._refused |= bool(delta.get("refusal"))
            self._finish = _finish(choice) or self._finish

    def _add(self, part: Any) -> None:
        """One part of the content: a text, or an object of a type. Thoughts and references are not
        the answer.
        """
        if isinstance(part, str):
            self._text.append(part)
        elif part.get("type", "text") in _TEXTS:
            self._text.append(wire.text(part["text"]))
        self._refused |= not isinstance(part, str) and part.get("type") == "refusal"

    def reply(self) -> Reply:
        """The finished answer. Raises `CallFailed` for one that broke off, whatever text it has."""
        if self._refused:
            raise PermanentCall("The model refused to answer.", kind="refused", usage=self.usage)
        if self._finish is None or self.usage is None:
            message = f"The answer of {self._name} ended without a finish reason."
            raise TransientCall(message, kind="incomplete", usage=self.usage)
        reason = self._finish.lower()
        if reason in _TROUBLED:
            message = f"The server of {self._name} broke the answer off: {self._finish}."
            raise TransientCall(message, kind="overloaded", usage=self.usage)
        if reason not in _FINISHED:
            unknown: tuple[Kind, str] = (
                "unknown",
                f"The model stopped unexpectedly: {self._finish}.",
            )
            kind, message = next((cut for words, cut in _CUT.items() if reason in words), unknown)
            raise PermanentCall(message, kind=kind, usage=self.usage)
        text = wire.joined(self._text)
        if self._request.schema is not None:
            text = wire.json_answer(text, self.usage)
        return Reply(text=text, stop_reason=self._finish, usage=self.usage, model=self._model)


def _items(value: Any) -> list[Any]:
    """The items of a list, without what is null; what stands alone is the only one."""
    return [item for item in (value if isinstance(value, list) else [value]) if item is not None]


def _finish(choice: Mapping[str, Any]) -> str | None:
    """The reason for which a choice ended; some servers write “null” as a word until it does."""
    reason = choice.get("finish_reason")
    return None if reason in (None, "", "null") else wire.text(reason)


def _counts(raw: Any) -> Usage | None:
    """What the server counted, if it told both counts."""
    reported = wire.mapping(raw)
    read, written = (
        wire.count(reported.get(name)) for name in ("prompt_tokens", "completion_tokens")
    )
    if read is None or written is None:
        return None
    details = wire.mapping(reported.get("prompt_tokens_details"))
    cached = min(wire.count(details.get("cached_tokens")) or 0, read)
    cache_writes = wire.count(details.get("cache_write_tokens")) or 0  # OpenAI's, from GPT-5.6 on
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cache_read_tokens=cached,
        cache_write_tokens=min(cache_writes, read - cached),
    )


def _refusal(
    name: str, status: int | None, body: object, headers: Mapping[str, str], usage: Usage | None
) -> CallFailed:
    """The error that the server reported: `{"error": {"message", "type", "code"}}`, other JSON, or
    a proxy's text.
    """
    error = wire.mapping(wire.mapping(body).get("error") or body)
    words = [str(word) for word in (error.get("code"), error.get("type")) if word is not None]
    detail = error.get("message") or wire.mapping(body).get("error")
    who = f"{name} answered {status or 'in mid-stream'} ({words[0] if words else 'no error code'})"
    message = f"{who}: {detail}" if isinstance(detail, str) else f"{who}."
    kind = next((_PERMANENT[word] for word in words if word in _PERMANENT), None)
    if kind is not None:
        return PermanentCall(message, kind=kind, usage=usage)
    if status is None:
        kind = next((_TRANSIENT[word] for word in words if word in _TRANSIENT), None)
        status = next(
            (int(word) for word in words if word.isdecimal()), 500
        )  # some tell the status as the code
    if status in _OVERLOADED:
        kind = "overloaded"
    if kind or status in wire.TRANSIENT or status >= 500:
        kind = kind or wire.TRANSIENT.get(status, "server")
        return TransientCall(message, kind=kind, usage=usage, retry_after=wire.waiting(headers))
    return PermanentCall(message, kind=wire.PERMANENT.get(status, "unknown"), usage=usage)
