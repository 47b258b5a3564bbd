"""The batch APIs of the stand-in for language models: Anthropic's Message Batches, and OpenAI's
files and batches.

A batch ends when a test says so (`end`), or at the look after `polls` looks. Its results come in
another order than its requests.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from overnight.testing.fake_llm import Call, FakeModels

ANTHROPIC = "/v1/messages/batches"
PREFIXES = (ANTHROPIC, "/v1/batches", "/v1/files")
WINDOW = timedelta(hours=24)


def is_of_batches(path: str) -> bool:
    return path.startswith(PREFIXES)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    body: str
    status: int = 200
    content_type: str = "application/json"


@dataclass
class Batch:
    """One batch: the requests by their ids, and the results once it has ended."""

    id: str
    path: str
    requests: Mapping[str, dict[str, Any]]
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    looks: int = 0
    outcomes: dict[str, str] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return bool(self.outcomes)


class Batches:
    """What the server has. `outcome` says how a request ends, by its id: `succeeded`, `errored`,
    `canceled` or `expired`, or a fault of a finished answer, such as `max-tokens`. `down` answers
    everything with 500; `lost` are the next creations whose answer gets lost, `refused` those that
    are answered with 429. `pages` is the size of a page of the list.
    """

    def __init__(self, fake: FakeModels) -> None:
        self._fake = fake
        self._lock = threading.RLock()
        self.all: dict[str, Batch] = {}
        self.files: dict[str, str] = {}
        self.polls: int | None = None
        self.outcome: Callable[[str], str] = lambda id_: "succeeded"
        self.down = False
        self.lost = 0
        self.refused = 0
        self.page = 100
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.requests: list[tuple[str, str]] = []  # methods and paths, as they came

    @property
    def sent(self) -> list[str]:
        """The ids of all requests that were accepted, in all batches."""
        return [id_ for batch in self.all.values() for id_ in batch.requests]

    def end(self) -> None:
        """Have all batches ended."""
        with self._lock:
            for batch in self.all.values():
                self._end(batch)

    def receive(self, method: str, path: str, raw: bytes) -> Answer | None:
        """The answer; None for one that gets lost."""
        url = urlsplit(path)
        options = {name: values[0] for name, values in parse_qs(url.query).items()}
        with self._lock:
            self.requests.append((method, url.path))
            if self.down:
                return _error(500, "api_error", "Internal server error")
            if method == "POST" and url.path in (ANTHROPIC, "/v1/batches", "/v1/files"):
                return self._create(url.path, raw)
            if url.path in (ANTHROPIC, "/v1/batches"):
                return self._list(url.path, options)
            return self._one(url.path)

    def _create(self, path: str, raw: bytes) -> Answer | None:
        if self.refused:
            self.refused -= 1
            return _error(429, "rate_limit_error", "Too many batches.")
        if path == "/v1/files":
            return _json(self._upload(raw))
        request = json.loads(raw)
        if path == ANTHROPIC:
            requests = {each["custom_id"]: each["params"] for each in request["requests"]}
            total, metadata, api = len(request["requests"]), {}, "/v1/messages"
        else:
            lines = [json.loads(line) for line in self.files[request["input_file_id"]].split("\n")]
            requests = {line["custom_id"]: line["body"] for line in lines}
            total, metadata, api = len(lines), request.get("metadata", {}), request["endpoint"]
        if fault := self._fault(path, requests, total):
            return _error(400, "invalid_request_error", fault)
        batch = Batch(f"batch_{len(self.all) + 1}", api, requests, self.now(), metadata)
        self.all[batch.id] = batch
        if self.lost:
            self.lost -= 1
            return None
        return _json(self._state(path, batch))

    def _upload(self, raw: bytes) -> dict[str, Any]:
        """A multipart form: the body begins with its boundary."""
        boundary = raw.split(b"\r\n", 1)[0][2:]
        head = b"content-type: multipart/form-data; boundary=" + boundary + b"\r\n\r\n"
        form = BytesParser(policy=HTTP).parsebytes(head + raw)
        parts = {
            part.get_param("name", header="content-disposition"): part for part in form.iter_parts()
        }
        assert parts["purpose"].get_content().strip() == "batch"
        id_ = f"file_{len(self.files) + 1}"
        self.files[id_] = bytes(parts["file"].get_payload(decode=True)).decode().strip()
        return {"id": id_, "object": "file", "purpose": "batch"}

    def _fault(self, path: str, requests: Mapping[str, dict[str, Any]], total: int) -> str | None:
        """Why the API would not take the requests."""
        if not requests or len(requests) != total:
            return "custom_id: each request needs its own"
        for id_, params in requests.items():
            if not 1 <= len(id_) <= 64 or not id_.replace("_", "").replace("-", "").isalnum():
                return "custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
            if "stream" in params:
                return "stream: not supported in a batch"
        return None

    def _list(self, path: str, options: Mapping[str, str]) -> Answer:
        batches = sorted(self.all.values(), key=lambda each: each.created_at, reverse=True)
        after = options.get("after_id") or options.get("after")
        ids = [batch.id for batch in batches]
        start = ids.index(after) + 1 if after else 0
        page = batches[start : start + min(self.page, int(options.get("limit", "20")))]
        more = start + len(page) < len(batches)
        for batch in page:
            self._look(batch)
        data = [self._state(path, batch) for batch in page]
        return _json({"data": data, "has_more": more, "last_id": page[-1].id if page else None})

    def _one(self, path: str) -> Answer:
        parts = path.removeprefix("/v1/messages").split("/")
        parts = [part for part in parts if part not in ("", "v1")]
        kind, id_, *rest = parts
        if kind == "files" and id_.removesuffix(":errors") in self.all:
            return self._openai_results(self.all[id_.removesuffix(":errors")], id_)
        if id_ not in self.all:
            return _error(404, "not_found_error", f"There is no batch {id_}.")
        batch = self.all[id_]
        if rest == ["results"]:
            lines = [{"custom_id": i, "result": batch.results[i]} for i in reversed(batch.results)]
            return _lines(lines)
        if rest == ["cancel"]:
            self._end(batch, "canceled")
        self._look(batch)
        return _json(self._state(path, batch))

    def _look(self, batch: Batch) -> None:
        batch.looks += 1
        if self.polls is not None and batch.looks > self.polls:
            self._end(batch)

    def _end(self, batch: Batch, outcome: str | None = None) -> None:
        if batch.ended:
            return
        for id_ in batch.requests:
            batch.outcomes[id_] = outcome or self.outcome(id_)
            batch.results[id_] = self._result(batch, batch.outcomes[id_], id_)

    def _result(self, batch: Batch, outcome: str, id_: str) -> dict[str, Any]:
        """In Anthropic's words; `body` is OpenAI's."""
        from overnight.testing import fake_llm

        error = {"type": "invalid_request_error", "message": "It cannot be answered."}
        if outcome in ("canceled", "expired"):
            return {"type": outcome}
        if outcome == "errored":
            return {"type": "errored", "error": {"type": "error", "error": error}}
        fault = "ok" if outcome == "succeeded" else outcome
        params = batch.requests[id_]
        call: Call = self._fake.receive(batch.path, params, {"batch": id_})
        call.fault = fault
        fake_llm.script_stream(call, self._fake.body(params))
        if batch.path == fake_llm.CHAT:
            body = fake_llm.whole(call)
            body["choices"][0]["finish_reason"] = fake_llm.FINISH_REASONS.get(fault, "stop")
            return {"type": "succeeded", "body": body}
        return {"type": "succeeded", "message": fake_llm.whole_message(call)}

    def _state(self, path: str, batch: Batch) -> dict[str, Any]:
        if path.startswith(ANTHROPIC):
            counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
            for id_ in batch.requests:
                outcome = batch.outcomes.get(id_, "processing")
                counts[outcome if outcome in counts else "succeeded"] += 1
            return {
                "id": batch.id,
                "type": "message_batch",
                "processing_status": "ended" if batch.ended else "in_progress",
                "request_counts": counts,
                "created_at": batch.created_at.isoformat(),
                "expires_at": (batch.created_at + WINDOW).isoformat(),
                "results_url": "http://elsewhere.invalid/results" if batch.ended else None,
            }
        expired = "expired" in batch.outcomes.values()
        ended = "expired" if expired else "completed"
        return {
            "id": batch.id,
            "object": "batch",
            "status": ended if batch.ended else "in_progress",
            "created_at": int(batch.created_at.timestamp()),
            "metadata": dict(batch.metadata),
            "output_file_id": batch.id if batch.ended else None,
            "error_file_id": f"{batch.id}:errors" if batch.ended else None,
        }

    def _openai_results(self, batch: Batch, file: str) -> Answer:
        """What succeeded, or with `:errors` what did not."""
        lines = []
        for id_ in reversed(batch.results):
            result = batch.results[id_]
            if file.endswith(":errors") == ("body" in result):
                continue
            line: dict[str, Any] = {
                "id": f"req_{id_[:8]}",
                "custom_id": id_,
                "response": None,
                "error": None,
            }
            if "body" in result:
                line["response"] = {"status_code": 200, "request_id": "r", "body": result["body"]}
            elif result["type"] == "errored":
                body = {"error": {"message": "It cannot be answered.", "code": "invalid_value"}}
                line["response"] = {"status_code": 400, "request_id": "r", "body": body}
            else:
                code = {"expired": "batch_expired", "canceled": "batch_cancelled"}[result["type"]]
                line["error"] = {"code": code, "message": "It was not begun."}
            lines.append(line)
        return _lines(lines)


def _json(value: Any) -> Answer:
    return Answer(json.dumps(value))


def _lines(values: list[dict[str, Any]]) -> Answer:
    return Answer("".join(json.dumps(v) + "\n" for v in values), content_type="application/x-jsonl")


def _error(status: int, type_: str, message: str) -> Answer:
    error = {"type": type_, "message": message}
    return Answer(json.dumps({"type": "error", "error": error}), status)
