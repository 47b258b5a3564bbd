"""Anthropic's Message Batches. Facts: its API reference ("Create a Message Batch" and the pages
beside it) and the guide "Batch processing".

A batch bears no mark of ours, and the list of batches does not say what is in them. One that was
cut off while it was sent is known by the ids in its results, which are there when it has ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from overnight.llm import wire
from overnight.llm.batches import BatchMissing, Result, Undecided
from overnight.llm.port import CallFailed, Request, TransientCall

if TYPE_CHECKING:
    from overnight.llm.anthropic import Anthropic

PATH = "/v1/messages/batches"
PAGE = 100  # batches of one page of the list
SKEW = timedelta(hours=1)  # that the clocks of provider and database may differ


class AnthropicBatches:
    """The batches of one connection."""

    def __init__(self, provider: Anthropic) -> None:
        self._provider = provider

    async def send(self, mark: str, requests: Mapping[str, Request]) -> str:
        from overnight.llm.anthropic import _body

        items = [
            {"custom_id": id_, "params": {k: v for k, v in _body(request).items() if k != "stream"}}
            for id_, request in requests.items()
        ]
        return wire.text((await self._post(PATH, {"requests": items})).get("id"))

    async def find(
        self, mark: str, ids: AbstractSet[str], since: datetime, others: AbstractSet[str]
    ) -> str | None:
        undecided = False
        async for batch in self._sent_since(since - SKEW):
            id_, counts = batch["id"], wire.mapping(batch.get("request_counts"))
            if id_ in others or sum(map(int, counts.values())) != len(ids):
                continue
            if batch["processing_status"] != "ended":
                undecided = True
            elif await self._has_any(id_, ids):
                return str(id_)
        if undecided:
            raise Undecided("a batch is under way that may be ours")
        return None

    async def _has_any(self, batch: str, ids: AbstractSet[str]) -> bool:
        try:
            return bool(ids & (await self._results_of(batch)).keys())
        except BatchMissing:
            return False

    async def results(self, batch: str) -> Mapping[str, Result] | None:
        state = await self._get(f"{PATH}/{batch}")
        if state.get("processing_status") != "ended":
            return None
        return await self._results_of(batch)

    async def cancel(self, batch: str) -> None:
        await self._post(f"{PATH}/{batch}/cancel", {})

    async def _results_of(self, batch: str) -> dict[str, Result]:
        async with self._call(BatchMissing) as client:
            body = await client.get(f"{PATH}/{batch}/results", cast_to=bytes)
        results = {}
        for line in wire.lines(body.decode(), "Anthropic"):
            if (result := _result(wire.mapping(line.get("result")))) is not None:
                results[str(line.get("custom_id"))] = result
        return results

    async def _sent_since(self, moment: datetime) -> AsyncIterator[Mapping[str, Any]]:
        """The batches of the workspace, the newest first."""
        after: dict[str, str] = {}
        while True:
            page = await self._get(PATH, {"limit": PAGE, **after})
            for batch in page["data"]:
                if datetime.fromisoformat(batch["created_at"]) < moment:
                    return
                yield batch
            if not page.get("has_more"):
                return
            after = {"after_id": page["last_id"]}

    async def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        async with self._call(BatchMissing) as client:
            answer = await client.get(path, cast_to=object, options={"params": params or {}})
        return wire.mapping(answer)

    async def _post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        async with self._call() as client:
            answer = await client.post(path, cast_to=object, body=body)
        return wire.mapping(answer)

    @asynccontextmanager
    async def _call(self, missing: type[Exception] | None = None) -> AsyncIterator[Any]:
        """The connection; what goes wrong with it comes out as `CallFailed`, or as `missing` where
        there is no such thing.
        """
        from overnight.llm.anthropic import _explain

        try:
            yield await self._provider._connection()
        except Exception as error:
            failure = _explain(error, None, wire.CONNECT_TIMEOUT)
            if failure is None:
                raise
            if failure.kind == "not_found" and missing is not None:
                raise missing from None
            raise wire.told(failure, self._provider._key) from None


def _result(result: Mapping[str, Any]) -> Result | None:
    """A result in the form of a call; None for a request that was cancelled or expired."""
    from overnight.llm.anthropic import _refusal

    match result.get("type"):
        case "succeeded":
            return _answer(wire.mapping(result.get("message")))
        case "errored":
            return _refusal(None, wire.mapping(result.get("error")), {}, None)
    return None


def _answer(message: Mapping[str, Any]) -> Result:
    """A whole message, folded as the events of a stream would be."""
    from overnight.llm.anthropic import _Answer

    answer = _Answer(None)
    try:
        answer.feed({"type": "message_start", "message": message})
        for block in message["content"]:
            if block.get("type") == "text":
                delta = {"type": "text_delta", "text": block["text"]}
                answer.feed({"type": "content_block_delta", "delta": delta})
        stop = {"stop_reason": message["stop_reason"]}
        answer.feed({"type": "message_delta", "delta": stop})
        answer.feed({"type": "message_stop"})
        return answer.reply(json_expected=False)
    except CallFailed as failure:
        return failure
    except (LookupError, ValueError, TypeError, AttributeError):
        text = "A result of Anthropic's batch cannot be read."
        return TransientCall(text, kind="malformed", usage=answer.usage)
