"""A stand-in for the APIs of language models on loopback, faults included. For tests and trials;
standard library only.

It speaks Anthropic's Messages ("Streaming messages" in its documentation) and OpenAI's chat
completions, each by its path. It refuses what the real APIs refuse where that is cheap to tell, and
bills by a rule of thumb of four characters a token. Prompts are cached as they do it: Anthropic
what is marked, OpenAI the beginning that an earlier prompt had, too.

In a test:

    with FakeModels(body=lambda request: '{"title": "…"}', faults=["529", "ok"]) as server:
        provider = Anthropic(api_key="sk-test", base_url=server.url)
        another = OpenAI(base_url=server.url + "/v1")

By hand, and then point the application's base URL at what it prints:

    python -m overnight.testing.fake_llm --port 8089 --faults 429 drop-mid-stream
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pkgutil
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from overnight.testing.fake_batches import Batches, is_of_batches

Body = Callable[[dict[str, Any]], str]
MIN_CACHED_TOKENS = 1_024  # of OpenAI's and of most models of Anthropic
CACHE_STEP = 128  # tokens: what OpenAI's cache holds of a prompt is a multiple of it
MAX_MARKS = 4  # of cache_control in a request
CHARACTERS = 4  # a token

MESSAGES, CHAT = "/v1/messages", "/v1/chat/completions"

_OPTIONAL = {
    "system",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "stream",
    "output_config",
    "metadata",
}
_OPTIONAL |= {"thinking", "tools", "tool_choice", "service_tier"}
_CHAT_FIELDS = {
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "stream",
    "stream_options",
    "temperature",
}
_CHAT_FIELDS |= {"stop", "response_format"}
_REFUSED_IN_SCHEMA = {
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "multipleOf",
    "maxItems",
    "oneOf",
}


@dataclass(frozen=True)
class HttpFault:
    """An answer that is no stream: the status, the error's type and message, and what goes with
    them.
    """

    status: int
    type: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] | None = None


HTTP_FAULTS = {
    "400": HttpFault(400, "invalid_request_error", "max_tokens: 99999999 is too many"),
    "400-spend-limit": HttpFault(
        400,
        "invalid_request_error",
        "You have reached your specified API usage limits. Access resumes next month.",
    ),
    "401": HttpFault(401, "authentication_error", "invalid x-api-key"),
    "402": HttpFault(402, "billing_error", "There is a problem with your billing."),
    "403": HttpFault(403, "permission_error", "Your API key may not use this resource."),
    "404": HttpFault(404, "not_found_error", "model: no-such-model"),
    "409": HttpFault(409, "conflict_error", "The resource is being changed."),
    "413": HttpFault(413, "request_too_large", "Request exceeds the maximum size"),
    "429": HttpFault(429, "rate_limit_error", "Too many requests.", {"retry-after": "2"}),
    "429-spend-cap": HttpFault(
        429,
        "rate_limit_error",
        "The monthly cap is reached.",
        details={"error_code": "enforced_spend_limit_reached"},
    ),
    "500": HttpFault(500, "api_error", "Internal server error"),
    "502": HttpFault(502, "api_error", "Bad gateway"),
    "503": HttpFault(503, "api_error", "Service unavailable"),
    "504": HttpFault(504, "timeout_error", "The request timed out."),
    "529": HttpFault(529, "overloaded_error", "Overloaded"),
}
STOP_REASONS = {
    "ok": "end_turn",
    "truncated-json": "end_turn",
    "max-tokens": "max_tokens",
    "refusal": "refusal",
    "context-window": "model_context_window_exceeded",
    "pause-turn": "pause_turn",
    "content-filter": "refusal",
}
FINISH_REASONS = {"max-tokens": "length", "context-window": "length", "pause-turn": "tool_calls"}
FINISH_REASONS["content-filter"] = "content_filter"
FINISH_REASONS["troubled"] = "insufficient_system_resource"  # DeepSeek's
# How OpenAI words what is not told by the status alone.
CODES = {"429-spend-cap": "insufficient_quota", "400-spend-limit": "billing_hard_limit_reached"}
BROKEN_STREAMS = {
    "drop-mid-stream",
    "no-message-stop",
    "no-stop-reason",
    "no-usage",
    "error-event-overloaded",
    "malformed-event",
    "misshapen-event",
    "stall",
}
NO_STREAM = {"reset", "hang", "html-200", "html-502"}
# Oddities of servers that cost no answer: how lines end, what stands around JSON, in what shape a
# text comes.
ODD_STREAMS: dict[str, Callable[[bytes], bytes]] = {
    "cr-lines": lambda stream: stream.replace(b"\n", b"\r"),
    "crlf-lines": lambda stream: stream.replace(b"\n", b"\r\n"),
    "no-blank-line": lambda stream: stream.removesuffix(b"data: [DONE]\n\n").rstrip(b"\n"),
    "byte-order-mark": lambda stream: b"\xef\xbb\xbf" + stream,
    "comments": lambda stream: stream.replace(b"data: ", b": a comment\nid: 7\nretry: 10\ndata:"),
}
FRAMES = {
    "think": "<think>\nJSON is wanted.\n</think>\n\n{}",
    "fence": "```json\n{}\n```",
    "think-fence": "<think>JSON.</think>\n```\n{}\n```\n",
}
SHAPES = {"parts", "whole-json"}
ODD = {*ODD_STREAMS, *FRAMES, *SHAPES}
FAULTS = sorted({*HTTP_FAULTS, *STOP_REASONS, *BROKEN_STREAMS, *NO_STREAM, *ODD, "troubled"})


@dataclass
class Call:
    """One request, as the server saw it. `input_tokens` and `output_tokens` are what it billed; the
    former includes what was written to the prompt cache and read from it.
    """

    request: dict[str, Any]
    headers: dict[str, str]
    fault: str
    path: str = MESSAGES
    status: int = 200
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    text: str = ""


class FakeModels:
    """The server. Each call takes the next fault of the queue; with none left it is `ok`.

    `body` turns a request into the text of the answer; the default makes an instance of the
    request's schema. `stream`, where it is set, is sent as every answer's stream instead, byte for
    byte. `calls` has every request, refused ones too, before its answer goes out. `delay` (seconds)
    passes before each answer. With
    `keep_alive` a connection serves many calls, as real servers have it, and closing waits until
    clients have closed theirs; `connections` counts them.
    """

    def __init__(
        self,
        *,
        body: Body | None = None,
        faults: Iterable[str] = (),
        port: int = 0,
        delay: float = 0.0,
        keep_alive: bool = False,
    ) -> None:
        self.body = body or sample
        self.stream: bytes | None = None
        self.calls: list[Call] = []
        self.closing = threading.Event()
        self.delay = delay
        self.keep_alive = keep_alive
        self.connections = 0
        self._faults: deque[str] = deque()
        self.batches = Batches(self)
        self._cache = set[tuple[str, str]]()  # models and the beginnings of their prompts
        self._lock = threading.Lock()
        self.script(*faults)
        self._http = _HttpServer(("127.0.0.1", port), _Handler)
        self._http.fake = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.02,), name="fake-models"
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def billed(self) -> tuple[int, int]:
        """The tokens of input and output, over all calls."""
        return sum(call.input_tokens for call in self.calls), sum(
            call.output_tokens for call in self.calls
        )

    def script(self, *faults: str) -> None:
        """Queue faults, one for each of the next calls. Raises `ValueError` for a name that is not
        in `FAULTS`.
        """
        if unknown := set(faults) - set(FAULTS):
            raise ValueError(f"There is no fault named {sorted(unknown)}; there are {FAULTS}.")
        with self._lock:
            self._faults.extend(faults)

    def connected(self) -> None:
        with self._lock:
            self.connections += 1

    def receive(self, path: str, request: dict[str, Any], headers: dict[str, str]) -> Call:
        with self._lock:
            call = Call(request, headers, self._faults.popleft() if self._faults else "ok", path)
            self.calls.append(call)
        return call

    def look_up(self, call: Call) -> None:
        """Note on the call what its prompt writes to the prompt cache and what it reads from it."""
        beginnings = marked_of(call.request) if call.path == MESSAGES else beginnings_of(call)
        sizes = {(call.request["model"], text): tokens(text) for text in beginnings}
        with self._lock:
            held = [size for key, size in sizes.items() if key in self._cache]
            self._cache.update(sizes)
        call.cache_read_tokens = max(held, default=0)
        if call.path == MESSAGES:
            longest = max(sizes.values(), default=0)
            call.cache_write_tokens = longest - call.cache_read_tokens

    def start(self) -> FakeModels:
        self._thread.start()
        return self

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def __enter__(self) -> FakeModels:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class _HttpServer(ThreadingHTTPServer):
    request_queue_size = 1_024
    daemon_threads = False  # so that closing waits for every handler, and leaves no socket open
    fake: FakeModels

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in mid-answer is what deadlines are for; anything else is a fault
        of this file.
        """
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60.0
    disable_nagle_algorithm = True
    server: _HttpServer

    def setup(self) -> None:
        super().setup()
        self.server.fake.connected()

    def do_GET(self) -> None:
        self._batch(b"")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        if is_of_batches(self.path):
            self._batch(raw)
            return
        try:
            request = json.loads(raw)
        except ValueError:
            request = {}
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = self.server.fake.receive(self.path, request, headers)
        self.close_connection = not self.server.fake.keep_alive or call.fault != "ok"
        if self.server.fake.delay:
            self.server.fake.closing.wait(self.server.fake.delay)
        refusal = REFUSALS[self.path](call) if self.path in REFUSALS else HTTP_FAULTS["404"]
        if refused := refusal or HTTP_FAULTS.get(call.fault):
            self._refuse(call, refused)
        elif call.fault in NO_STREAM:
            self._answer_without_stream(call)
        else:
            self._stream(call)

    def _batch(self, raw: bytes) -> None:
        """One request to the batch APIs; the answer to one that was carried out may get lost."""
        answer = self.server.fake.batches.receive(self.command, self.path, raw)
        if answer is None:
            self.close_connection = True
            self._answer_without_stream(Call({}, {}, "reset", self.path))
        else:
            self._send(answer.status, answer.content_type, answer.body, {})

    def _refuse(self, call: Call, fault: HttpFault) -> None:
        call.status = fault.status
        error: dict[str, Any] = {"type": fault.type, "message": fault.message}
        if call.path == CHAT:
            error["code"] = CODES.get(call.fault)
        elif fault.details:
            error["details"] = dict(fault.details)
        body = json.dumps({"type": "error", "error": error, "request_id": "req_fake"})
        self._send(fault.status, "application/json", body, fault.headers)

    def _answer_without_stream(self, call: Call) -> None:
        if call.fault == "reset":
            # Lingering for zero seconds makes the kernel send RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif call.fault == "hang":
            self.server.fake.closing.wait(60)
        else:
            call.status = int(call.fault.removeprefix("html-"))
            self._send(
                call.status,
                "text/html",
                "<html><body><h1>Please log in</h1></body></html>" * 40,
                {},
            )

    def _send(self, status: int, content_type: str, body: str, headers: Mapping[str, str]) -> None:
        encoded = body.encode()
        self.send_response(status)
        for name, value in {
            "content-type": content_type,
            "content-length": str(len(encoded)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.close_connection = True
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(encoded)

    def _stream(self, call: Call) -> None:
        self.server.fake.look_up(call)
        events = script_stream(call, self.server.fake.body(call.request))
        if call.fault == "whole-json":
            self._send(200, "application/json", json.dumps(whole(call)), {})
            return
        if self.server.fake.stream is not None:
            events = [self.server.fake.stream]
        if call.fault in ODD_STREAMS:
            events = [ODD_STREAMS[call.fault](b"".join(events))]
        self.send_response(200)
        for name, value in (
            ("content-type", "text/event-stream; charset=utf-8"),
            ("transfer-encoding", "chunked"),
        ):
            self.send_header(name, value)
        self.send_header("connection", "close" if self.close_connection else "keep-alive")
        self.end_headers()
        self.wfile.write(b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events))
        if call.fault == "stall":
            self.server.fake.closing.wait(60)
        if call.fault != "drop-mid-stream":
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as in the base class
        """Silent: `calls` says it all."""


def whole_message(call: Call) -> dict[str, Any]:
    """The answer of Anthropic's that comes in one, as in the results of a batch."""
    start = json.loads(_Messages.opening(call)[0].split(b"data: ")[1])["message"]
    usage = {**start["usage"], "output_tokens": call.output_tokens}
    content = [{"type": "text", "text": call.text}]
    stop_reason = STOP_REASONS.get(call.fault, "end_turn")
    return {**start, "content": content, "stop_reason": stop_reason, "usage": usage}


def script_stream(call: Call, text: str) -> list[bytes]:
    """The events of one answer as its fault has them, and what they bill, noted on the call."""
    if call.fault in ("truncated-json", "max-tokens", "context-window"):
        text = text[: len(text) * 2 // 3]
    text = FRAMES.get(call.fault, "{}").replace("{}", text)
    call.text = text
    call.input_tokens = tokens(json.dumps(call.request.get("messages"))) + tokens(
        str(call.request.get("system", ""))
    )
    call.output_tokens = tokens(text)
    pieces = [text[start : start + 40] for start in range(0, len(text), 40)]
    speech: Speech = _Chat if call.path == CHAT else _Messages
    if call.fault in BROKEN_STREAMS - {"no-message-stop", "no-stop-reason", "no-usage"}:
        half = pieces[: max(1, len(pieces) // 2)]
        call.output_tokens = tokens("".join(half))
        return speech.opening(call) + speech.deltas(call, half) + speech.broken(call.fault)
    return speech.opening(call) + speech.deltas(call, pieces) + speech.closing(call)


def whole(call: Call) -> dict[str, Any]:
    """The answer of a server that does not stream, in chat completions."""
    usage = chat_usage(call)
    message = {"role": "assistant", "content": call.text}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return {
        "object": "chat.completion",
        "model": call.request["model"],
        "choices": choices,
        "usage": usage,
    }


class Speech(Protocol):
    """How a protocol tells an answer."""

    @staticmethod
    def opening(call: Call) -> list[bytes]: ...
    @staticmethod
    def deltas(call: Call, pieces: list[str]) -> list[bytes]: ...
    @staticmethod
    def closing(call: Call) -> list[bytes]: ...
    @staticmethod
    def broken(fault: str) -> list[bytes]: ...


class _Messages:
    """Anthropic's."""

    @staticmethod
    def opening(call: Call) -> list[bytes]:
        usage = {
            "input_tokens": call.input_tokens - call.cache_read_tokens - call.cache_write_tokens,
            "cache_creation_input_tokens": call.cache_write_tokens,
            "cache_read_input_tokens": call.cache_read_tokens,
            "cache_creation": {
                "ephemeral_5m_input_tokens": call.cache_write_tokens,
                "ephemeral_1h_input_tokens": 0,
            },
            "output_tokens": 1,
            "service_tier": "standard",
        }
        message = {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "model": call.request["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            **({} if call.fault == "no-usage" else {"usage": usage}),
        }
        return [
            _event("message_start", message=message),
            _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
            _event("ping"),
        ]

    @staticmethod
    def deltas(call: Call, pieces: list[str]) -> list[bytes]:
        return [
            _event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
            for piece in pieces
        ]

    @staticmethod
    def closing(call: Call) -> list[bytes]:
        stop_reason = (
            None if call.fault == "no-stop-reason" else STOP_REASONS.get(call.fault, "end_turn")
        )
        events = [
            _event("content_block_stop", index=0),
            _event(
                "message_delta",
                delta={"stop_reason": stop_reason, "stop_sequence": None},
                usage={"output_tokens": call.output_tokens},
            ),
            _event("message_stop"),
        ]
        return events[:-1] if call.fault == "no-message-stop" else events

    @staticmethod
    def broken(fault: str) -> list[bytes]:
        if fault == "error-event-overloaded":
            return [_event("error", error={"type": "overloaded_error", "message": "Overloaded"})]
        if fault == "malformed-event":
            return [
                b'event: content_block_delta\ndata: {"type": "content_block_delta", '
                b'"delta": {"ty\n\n'
            ]
        if fault == "misshapen-event":
            return [b'event: message_delta\ndata: {"type": "message_delta", "delta": []}\n\n']
        return []


class _Chat:
    """OpenAI's."""

    @staticmethod
    def opening(call: Call) -> list[bytes]:
        return [_chunk(call, {"role": "assistant", "content": ""})]

    @staticmethod
    def deltas(call: Call, pieces: list[str]) -> list[bytes]:
        field = "refusal" if call.fault == "refusal" else "content"
        if call.fault == "parts":
            thought = {
                "type": "thinking",
                "thinking": [{"type": "text", "text": "JSON is wanted."}],
            }
            return [
                _chunk(call, {field: [thought, {"type": "text", "text": piece}]})
                for piece in pieces
            ]
        return [_chunk(call, {field: piece}) for piece in pieces]

    @staticmethod
    def closing(call: Call) -> list[bytes]:
        finish = None if call.fault == "no-stop-reason" else FINISH_REASONS.get(call.fault, "stop")
        usage = chat_usage(call)
        counted = (
            call.request.get("stream_options", {}).get("include_usage") and call.fault != "no-usage"
        )
        events = [_chunk(call, {}, finish)]
        if counted:
            events.append(_data({"object": "chat.completion.chunk", "choices": [], "usage": usage}))
        return events if call.fault == "no-message-stop" else [*events, b"data: [DONE]\n\n"]

    @staticmethod
    def broken(fault: str) -> list[bytes]:
        if fault == "error-event-overloaded":
            return [
                _data(
                    {"error": {"message": "Overloaded", "type": "overloaded_error", "code": None}}
                )
            ]
        if fault == "malformed-event":
            return [b'data: {"object": "chat.completion.chunk", "choi\n\n']
        if fault == "misshapen-event":
            return [_data({"choices": [[]]})]
        return []


def _chunk(call: Call, delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _data(
        {"object": "chat.completion.chunk", "model": call.request["model"], "choices": [choice]}
    )


def _event(type_: str, **payload: Any) -> bytes:
    return f"event: {type_}\n".encode() + _data({"type": type_, **payload})


def _data(payload: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(payload)}\n\n".encode()


def tokens(text: str) -> int:
    """A rule of thumb, not a tokenizer."""
    return (len(text) + CHARACTERS - 1) // CHARACTERS


def refuse_messages(call: Call) -> HttpFault | None:
    """Why Anthropic would not take this request; None when it would."""
    if not (
        call.headers.get("x-api-key") or call.headers.get("authorization", "").startswith("Bearer ")
    ):
        return HttpFault(401, "authentication_error", "x-api-key header is required")
    if not call.headers.get("anthropic-version"):
        return _invalid("anthropic-version: header is required")
    message = _fault_of_fields(call.request) or _fault_of_messages(call.request["messages"])
    message = message or _fault_of_blocks(call.request)
    message = message or _fault_of_format(call.request.get("output_config", {}))
    return _invalid(message) if message else None


def refuse_chat(call: Call) -> HttpFault | None:
    """Why OpenAI would not take this request; None when it would. A server of one's own asks for no
    key.
    """
    request = call.request
    for name, type_ in {"model": str, "messages": list}.items():
        if not isinstance(request.get(name), type_) or not request[name]:
            return _invalid(f"{name}: Field required")
    if extra := set(request) - _CHAT_FIELDS:
        return _invalid(f"Unknown parameter: '{min(extra)}'")
    if request.get("max_tokens", request.get("max_completion_tokens", 1)) < 1:
        return _invalid("max_tokens: must be at least 1")
    if not 0 <= request.get("temperature", 0) <= 2:
        return _invalid("temperature: range: 0..2")
    if any(not message.get("content") for message in request["messages"]):
        return _invalid("messages: each message needs content")
    if not request.get("stream"):
        return _invalid("stream: this stand-in only streams")
    schema = request.get("response_format", {})
    fault = (
        _fault_of_schema(schema["json_schema"]["schema"])
        if schema.get("type") == "json_schema"
        else None
    )
    return _invalid(fault) if fault else None


REFUSALS: dict[str, Callable[[Call], HttpFault | None]] = {
    MESSAGES: refuse_messages,
    CHAT: refuse_chat,
}


def _invalid(message: str) -> HttpFault:
    return HttpFault(400, "invalid_request_error", message)


def _fault_of_fields(request: dict[str, Any]) -> str | None:
    required = {"model": str, "max_tokens": int, "messages": list}
    for name, type_ in required.items():
        if not isinstance(request.get(name), type_) or not request[name]:
            return f"{name}: Field required"
    if extra := set(request) - set(required) - _OPTIONAL:
        return f"{min(extra)}: Extra inputs are not permitted"
    if request["max_tokens"] < 1:
        return "max_tokens: Input should be greater than or equal to 1"
    if not 0 <= request.get("temperature", 0) <= 1:
        return "temperature: range: 0..1"
    return None if request.get("stream") is True else "stream: this stand-in only streams"


def _fault_of_messages(messages: list[dict[str, Any]]) -> str | None:
    if any(
        message.get("role") not in ("user", "assistant") or not message.get("content")
        for message in messages
    ):
        return "messages: each message needs a role and content"
    return (
        None
        if messages[-1]["role"] == "user"
        else "This model does not support assistant message prefill."
    )


def _fault_of_blocks(request: dict[str, Any]) -> str | None:
    blocks = blocks_of(request)
    marks = [block["cache_control"] for block in blocks if block.get("cache_control") is not None]
    if any(not block.get("text") for block in blocks):
        return "messages: text content blocks must be non-empty"
    if any(mark.get("type") != "ephemeral" for mark in marks):
        return "cache_control.type: Input should be 'ephemeral'"
    if any(mark.get("ttl", "5m") not in ("5m", "1h") for mark in marks):
        return "cache_control.ttl: Input should be '5m' or '1h'"
    if len(marks) > MAX_MARKS:
        return f"A maximum of 4 blocks with cache_control may be provided. Found {len(marks)}."
    return None


def _fault_of_format(output_config: dict[str, Any]) -> str | None:
    if (form := output_config.get("format")) is None:
        return None
    if form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
        return "output_config.format: a json_schema is required"
    return _fault_of_schema(form["schema"])


def _fault_of_schema(schema: dict[str, Any]) -> str | None:
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return (
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be "
            "explicitly set to false"
        )
    if refused := _REFUSED_IN_SCHEMA & set(schema):
        return f"output_config.format.schema: property '{min(refused)}' is not supported"
    parts = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner = parts + schema.get("anyOf", []) + ([schema["items"]] if "items" in schema else [])
    return next(filter(None, map(_fault_of_schema, inner)), None)


def schema_of(request: dict[str, Any]) -> dict[str, Any] | None:
    """The schema that the answer is to fit, in either protocol."""
    chat, messages = request.get("response_format", {}), request.get("output_config", {})
    schema: dict[str, Any] = chat.get("json_schema") or messages.get("format") or {}
    return schema.get("schema")


def prompt_of(request: dict[str, Any]) -> str:
    """The question with the prefix before it, in either protocol."""
    return text_of(request["messages"][-1]["content"])


def text_of(content: Any) -> str:
    """The text of a message, be it one text or a list of blocks."""
    if isinstance(content, str):
        return content
    return "\n\n".join(str(block.get("text", "")) for block in content)


def blocks_of(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a request to Anthropic that come as blocks, in the order of its cache."""
    contents = [request.get("system"), *(each["content"] for each in request["messages"])]
    return [block for content in contents if isinstance(content, list) for block in content]


def marked_of(request: dict[str, Any]) -> list[str]:
    """What Anthropic would cache: the prompt up to each block that is marked, where that is long
    enough.
    """
    contents = [request.get("system") or [], *(each["content"] for each in request["messages"])]
    text, marked = "", list[str]()
    for content in contents:
        for block in [{"text": content}] if isinstance(content, str) else content:
            text += block["text"]
            marked += [text] if block.get("cache_control") else []
    return [text for text in marked if tokens(text) >= MIN_CACHED_TOKENS]


def beginnings_of(call: Call) -> list[str]:
    """What OpenAI would cache of a prompt: its beginnings of 1,024 tokens, and of 128 more each."""
    text = "".join(text_of(message["content"]) for message in call.request["messages"])
    sizes = range(MIN_CACHED_TOKENS, tokens(text) + 1, CACHE_STEP)
    return [text[: size * CHARACTERS] for size in sizes]


def chat_usage(call: Call) -> dict[str, Any]:
    """What a call used up, as OpenAI words it."""
    return {
        "prompt_tokens": call.input_tokens,
        "completion_tokens": call.output_tokens,
        "prompt_tokens_details": {"cached_tokens": call.cache_read_tokens},
    }


def sample(request: dict[str, Any]) -> str:
    """The default body: an instance of the request's schema, or a sentence when there is none."""
    schema = schema_of(request)
    if schema is None:
        return "This answer was written by a stand-in that speaks the protocol and knows nothing."
    return json.dumps(_instance(schema, schema.get("$defs", {})))


def _instance(schema: dict[str, Any], defs: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _instance(defs[schema["$ref"].rsplit("/", 1)[-1]], defs)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "anyOf" in schema:
        return _instance(schema["anyOf"][0], defs)
    if schema.get("type") == "object":
        return {name: _instance(part, defs) for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_instance(schema.get("items", {"type": "string"}), defs)]
    return {"integer": 1, "number": 0.5, "boolean": True, "null": None}.get(
        schema.get("type", ""), "A sample of text."
    )


def main(argv: list[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="overnight.testing.fake_llm", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--port", type=int, default=8089)
    parser.add_argument(
        "--faults", nargs="*", default=[], choices=FAULTS, metavar="FAULT", help=", ".join(FAULTS)
    )
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--keep-alive", action="store_true", help="many calls on one connection")
    parser.add_argument(
        "--body", metavar="MODULE:FUNCTION", help="writes the answers: request (dict) -> text"
    )
    options = parser.parse_args(argv)
    body = pkgutil.resolve_name(options.body) if options.body else None
    settings = {"port": options.port, "delay": options.delay, "keep_alive": options.keep_alive}
    with FakeModels(body=body, faults=options.faults, **settings) as server:
        sys.stdout.write(f"Speaking the protocols of Anthropic and OpenAI on {server.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            server.closing.wait()


if __name__ == "__main__":
    main()
