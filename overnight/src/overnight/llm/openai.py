"""Any endpoint that speaks OpenAI's chat completions, streamed, behind the port: OpenAI's own, or a server nearby.

Facts: OpenAI's API reference ("Chat completions", "Streaming", "Error codes"); what other servers leave out is
configured or assumed on the safe side.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any, Literal

from overnight.llm import wire
from overnight.llm.port import CallFailed, Kind, PermanentCall, Reply, Request, TransientCall, Usage

if TYPE_CHECKING:
    from ssl import SSLContext

    from httpx2 import AsyncClient, Response

CLIENTS = 32  # over which the calls are spread: one looks through all of its connections twice a call
OPENAI_URL = "https://api.openai.com/v1"

JsonMode = Literal["schema", "object", "text"]

# Failures by the error's code or type: the first in mid-stream, after a 200; the second always, for the status says
# less: a spent quota is a 429, too.
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
_CUT: dict[str, tuple[Kind, str]] = {
    "length": ("truncated", "The answer was cut off at max_tokens, or at the end of the model's context window."),
    "content_filter": ("refused", "A content filter ended the answer."),
}
_JSON_ONLY = "Answer with JSON alone, nothing before or after it, that fits this JSON schema:\n"


class OpenAI:
    """The adapter. One instance per event loop; it may be called concurrently. Close it with `aclose`.

    `base_url` ends before `/chat/completions`; a server of one's own may need no key. `json` says how it is asked for
    JSON: by the schema, by the object mode with the schema in words, or in words alone. `name` is its id in the price
    list. `read_timeout` (seconds) is how long the stream may stand still; a server nearby may load the model first.
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
        self._url = base_url.rstrip("/") + "/chat/completions"
        # OpenAI's own newer models refuse the name that all other servers know.
        self._limit = "max_completion_tokens" if base_url.rstrip("/") == OPENAI_URL else "max_tokens"
        self._json = json
        self._read_timeout = read_timeout
        self._opening = asyncio.Lock()
        self._clients: list[AsyncClient] = []
        self._turns: Iterator[AsyncClient] = iter(())

    async def complete(self, request: Request, *, deadline: float) -> Reply:
        client = await self._connection()
        answer = _Answer(request, self.name)
        try:
            async with asyncio.timeout(deadline):
                async with client.stream("POST", self._url, json=self._body(request)) as response:
                    await self._read(response, answer)
            return answer.reply()
        except asyncio.CancelledError as cut:
            cut.usage = answer.usage  # type: ignore[attr-defined]  # a call that is cut off is billed too
            raise
        except Exception as error:
            if (failure := wire.explain(error, answer.usage, self.name, deadline)) is None:
                raise
            raise wire.told(failure, self._key) from None

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
            # Who bounds the calls at once is the worker, so the client does not: its default would queue the 101st.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
            timeout=httpx2.Timeout(self._read_timeout, connect=min(wire.CONNECT_TIMEOUT, self._read_timeout)),
        )
        return client

    def _body(self, request: Request) -> dict[str, Any]:
        """The request on the wire. Only what was set is sent."""
        system, wanted = request.system, None
        if request.schema is not None:
            if self._json == "schema":
                # Some servers refuse a schema that is not named; the name means nothing.
                wanted = {"name": "answer", "strict": True, "schema": request.schema}
            else:
                system = "\n\n".join(filter(None, (system, _JSON_ONLY + json.dumps(request.schema))))
        body: dict[str, Any] = {
            "model": request.model,
            self._limit: request.max_tokens,
            "messages": [
                *([{"role": "system", "content": system}] if system is not None else []),
                {"role": "user", "content": request.prompt},
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if wanted is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        elif request.schema is not None and self._json == "object":
            body["response_format"] = {"type": "json_object"}
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.stop:
            body["stop"] = list(request.stop)
        return body

    async def _read(self, response: Response, answer: _Answer) -> None:
        """Stream the answer into `answer` until it is finished or the stream ends."""
        if response.status_code != 200:
            body = _decoded(await response.aread())
            raise _refusal(self.name, response.status_code, body, response.headers, None)
        content_type = response.headers.get("content-type", "nothing")
        if not content_type.startswith("text/event-stream"):
            raise TransientCall(f"{self.name} answered with {content_type}, not with a stream.", kind="malformed")
        events = _events(response)
        async for data in events:
            if data == "[DONE]":
                await wire.drain(events)
                return
            answer.begun = True
            event = _decoded(data)
            if "error" in wire.mapping(event):
                raise _refusal(self.name, None, event, response.headers, answer.usage)
            try:
                answer.feed(event)
            except (LookupError, ValueError, TypeError, AttributeError):
                message = f"The stream of {self.name} had an event that cannot be read."
                raise TransientCall(message, kind="malformed", usage=answer.usage) from None


class _Answer:
    """Folds the events of one stream. `begun`: the server is at work, so the call costs something."""

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
        """What was used up, as far as the server told: its count comes last of all, so a cut one has none."""
        return self._counted or (wire.most(self._request) if self.begun else None)

    def feed(self, event: Any) -> None:
        """Take one event. The last one has the counts and no choice."""
        self._model = event.get("model") or self._model
        for choice in event.get("choices") or []:
            delta = choice.get("delta") or {}
            self._text.append(delta.get("content") or "")
            self._refused |= bool(delta.get("refusal"))
            self._finish = choice.get("finish_reason") or self._finish
        if raw := event.get("usage"):
            self._counted = Usage(
                input_tokens=int(raw["prompt_tokens"]),
                output_tokens=int(raw["completion_tokens"]),
                cache_read_tokens=int(wire.mapping(raw.get("prompt_tokens_details")).get("cached_tokens") or 0),
            )

    def reply(self) -> Reply:
        """The finished answer. Raises `CallFailed` for one that broke off, whatever text it has."""
        if self._refused:
            raise PermanentCall("The model refused to answer.", kind="refused", usage=self.usage)
        if self._finish is None or self.usage is None:
            message = f"The answer of {self._name} ended without a finish reason."
            raise TransientCall(message, kind="incomplete", usage=self.usage)
        if self._finish != "stop":
            unknown: tuple[Kind, str] = ("unknown", f"The model stopped unexpectedly: {self._finish}.")
            kind, message = _CUT.get(self._finish, unknown)
            raise PermanentCall(message, kind=kind, usage=self.usage)
        text = "".join(self._text)
        if self._request.schema is not None and not wire.is_json(text):
            raise TransientCall("The answer is not well-formed JSON.", kind="malformed", usage=self.usage)
        return Reply(text=text, stop_reason=self._finish, usage=self.usage, model=self._model)


async def _events(response: Response) -> AsyncIterator[str]:
    """The data of each server-sent event. Lines are cut here: the client's own way takes most of a call's time."""
    data: list[str] = []
    rest = b""
    async for chunk in response.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode()
            if text.startswith("data:"):
                data.append(text.removeprefix("data:").removeprefix(" "))
            elif not text and data:
                yield "\n".join(data)
                data.clear()


def _decoded(body: bytes | str) -> Any:
    """The JSON, or None, which no fold can digest."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _refusal(
    name: str, status: int | None, body: object, headers: Mapping[str, str], usage: Usage | None
) -> CallFailed:
    """The error that the server reported: `{"error": {"message", "type", "code"}}`, other JSON, or a proxy's text."""
    error = wire.mapping(wire.mapping(body).get("error"))
    words = [str(word) for word in (error.get("code"), error.get("type")) if word is not None]
    said = error.get("message") or wire.mapping(body).get("error")
    who = f"{name} answered {status or 'in mid-stream'} ({words[0] if words else 'no error code'})"
    message = f"{who}: {said}" if isinstance(said, str) else f"{who}."
    kind = next((_PERMANENT[word] for word in words if word in _PERMANENT), None)
    if kind is not None:
        return PermanentCall(message, kind=kind, usage=usage)
    if status is None:
        kind = next((_TRANSIENT[word] for word in words if word in _TRANSIENT), None)
        status = next((int(word) for word in words if word.isdecimal()), 500)  # some tell the status as the code
    if status in _OVERLOADED:
        kind = "overloaded"
    if kind or status in wire.TRANSIENT or status >= 500:
        kind = kind or wire.TRANSIENT.get(status, "server")
        return TransientCall(message, kind=kind, usage=usage, retry_after=wire.seconds(headers.get("retry-after")))
    return PermanentCall(message, kind=wire.PERMANENT.get(status, "unknown"), usage=usage)
