"""OpenAI's Batch API, which other servers speak too. Facts: its API reference ("Batch", "Files")
and the guide "Batch API".

The requests are uploaded as a file, which costs nothing; the batch names it and bears our mark.
What succeeded is in the output file, what failed or expired in the error file.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from overnight.llm import wire
from overnight.llm.batches import BatchMissing, Result
from overnight.llm.port import CallFailed, Request, TransientCall

if TYPE_CHECKING:
    from httpx2 import Response

    from overnight.llm.openai import OpenAI

PAGE = 100  # batches of one page of the list
SKEW = timedelta(hours=1)  # that the clocks of provider and database may differ
ENDED = {"completed", "failed", "expired", "cancelled"}
NOT_DONE = {"batch_expired", "batch_cancelled"}  # codes of requests that were not begun
NO_REQUEST = Request(model="", prompt="", max_tokens=0)  # results say what they are of


class OpenAIBatches:
    """The batches of one connection."""

    def __init__(self, provider: OpenAI) -> None:
        self._provider = provider

    async def send(self, mark: str, requests: Mapping[str, Request]) -> str:
        lines = [json.dumps(self._line(id_, request)) for id_, request in requests.items()]
        file = ("overnight.jsonl", "\n".join(lines).encode(), "application/jsonl")
        uploaded = await self._json(
            "POST", "/files", data={"purpose": "batch"}, files={"file": file}
        )
        body = {
            "input_file_id": uploaded["id"],
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"overnight": mark},
        }
        return wire.text((await self._json("POST", "/batches", json=body)).get("id"))

    def _line(self, id_: str, request: Request) -> dict[str, Any]:
        body = self._provider._body(request)
        del body["stream"], body["stream_options"]
        return {"custom_id": id_, "method": "POST", "url": "/v1/chat/completions", "body": body}

    async def find(
        self, mark: str, ids: AbstractSet[str], since: datetime, others: AbstractSet[str]
    ) -> str | None:
        async for batch in self._sent_since((since - SKEW).timestamp()):
            if wire.mapping(batch.get("metadata")).get("overnight") == mark:
                return wire.text(batch.get("id"))
        return None

    async def results(self, batch: str) -> Mapping[str, Result] | None:
        state = await self._json("GET", f"/batches/{batch}")
        if state.get("status") not in ENDED:
            return None
        results: dict[str, Result] = {}
        for name in ("output_file_id", "error_file_id"):
            if file := state.get(name):
                response = await self._answer("GET", f"/files/{file}/content")
                for line in wire.lines(response.text, self._provider.name):
                    if (result := self._result(line)) is not None:
                        results[str(line.get("custom_id"))] = result
        return results

    async def cancel(self, batch: str) -> None:
        await self._json("POST", f"/batches/{batch}/cancel")

    def _result(self, line: Mapping[str, Any]) -> Result | None:
        """A result in the form of a call; None for a request that was cancelled or expired."""
        from overnight.llm.openai import _Answer, _refusal

        response, error = wire.mapping(line.get("response")), wire.mapping(line.get("error"))
        if error.get("code") in NOT_DONE:
            return None
        status = wire.count(response.get("status_code"))
        if error or status != 200:
            return _refusal(self._provider.name, status, error or response.get("body"), {}, None)
        answer = _Answer(NO_REQUEST, self._provider.name)
        answer.begun = True
        try:
            answer.feed(response["body"])
            return answer.reply()
        except CallFailed as failure:
            return failure
        except (LookupError, ValueError, TypeError, AttributeError):
            text = f"A result of a batch of {self._provider.name} cannot be read."
            return TransientCall(text, kind="malformed", usage=answer.usage)

    async def _sent_since(self, moment: float) -> AsyncIterator[Mapping[str, Any]]:
        """The batches of the project, the newest first; `moment` is in Unix seconds."""
        after: dict[str, str] = {}
        while True:
            page = await self._json("GET", "/batches", params={"limit": PAGE, **after})
            batches = page.get("data") or []
            for batch in batches:
                if batch["created_at"] < moment:
                    return
                yield batch
            if not page.get("has_more") or not batches:
                return
            after = {"after": batches[-1]["id"]}

    async def _json(self, method: str, path: str, **options: Any) -> Mapping[str, Any]:
        body = wire.decoded((await self._answer(method, path, **options)).content)
        if not isinstance(body, dict):
            text = f"{self._provider.name} answered with what is no JSON."
            raise TransientCall(text, kind="malformed")
        return body

    async def _answer(self, method: str, path: str, **options: Any) -> Response:
        from overnight.llm.openai import _refusal

        provider = self._provider
        client = await provider._connection()
        try:
            response = await client.request(method, provider._base + path, **options)
            if response.status_code == 404 and method == "GET":
                raise BatchMissing
            if response.status_code >= 300:
                body = wire.decoded(response.content)
                raise _refusal(provider.name, response.status_code, body, response.headers, None)
            return response
        except Exception as error:
            failure = wire.explain(error, None, provider.name, wire.CONNECT_TIMEOUT)
            if failure is None:
                raise
            raise wire.told(failure, provider._key) from None
