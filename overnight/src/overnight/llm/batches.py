"""Calls by the batch APIs of providers: at half the price, answered within a day.

What is asked within a moment goes in one batch. Its intent and its calls are in the ledger before
it is sent, so after a crash the provider is asked for it, and nothing is sent twice. Whoever asks
looks at the batches that are due, its own or others', and stores all that has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable
from uuid import uuid4

from overnight.engine.context import Context
from overnight.errors import Waiting
from overnight.llm.port import CallFailed, PermanentCall, Reply, Request, TransientCall, Usage
from overnight.logs import log
from overnight.store.database import Database, Row
from overnight.store.sql import queries

SHARE = Decimal("0.5")  # of the usual price: both providers' price lists, "Batch"
COLLECT = 0.5  # seconds for which calls are collected into one batch
SEND_TIMEOUT = 120.0  # seconds
GRACE = 600.0  # seconds in which a batch that is being sent is not asked for
SHORTEST, LONGEST = 60.0, 600.0  # seconds between two looks at a batch
GIVE_UP = 3 * 86_400.0  # seconds after which a batch is lost that the provider tells nothing of
REJECTED = ("rate_limit",)  # transient failures after which nothing was accepted for certain

Result = Reply | CallFailed


class BatchMissing(Exception):
    """The provider does not have the batch."""


class Undecided(Exception):
    """Nobody can know yet whether the provider has the batch."""


class Batches(Protocol):
    """The batch API of a provider. Each method raises `CallFailed`."""

    async def send(self, mark: str, requests: Mapping[str, Request]) -> str:
        """Send the requests, each with its id; the provider's id of the batch."""
        ...

    async def find(
        self, mark: str, ids: AbstractSet[str], since: datetime, others: AbstractSet[str]
    ) -> str | None:
        """The batch with this mark, or with requests of these ids, that was sent after `since`;
        None where there is none. `others` are known to be other ones. Raises `Undecided`.
        """
        ...

    async def results(self, batch: str) -> Mapping[str, Result] | None:
        """The results by the ids of the requests, in the form of `Provider.complete`; a text that
        should be JSON as it came. Those that were cancelled or expired are left out. None while the
        batch is under way. Raises `BatchMissing`.
        """
        ...

    async def cancel(self, batch: str) -> None:
        """Have what is not answered yet not answered."""
        ...


@runtime_checkable
class HasBatches(Protocol):
    """A provider that has a batch API."""

    @property
    def batches(self) -> Batches: ...


Begin = Callable[[Context[Any], Request, str, int], Awaitable[int]]
Settle = Callable[[Row, Reply, CallFailed | None, Decimal], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Item:
    ctx: Context[Any]
    request: Request
    sent: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Batching:
    """The calls of one provider that go by batches. `begin` books a call and reserves for it,
    `settle` books its result and what it may have cost besides.
    """

    def __init__(
        self, api: Batches, name: str, database: Database, begin: Begin, settle: Settle
    ) -> None:
        self._api = api
        self._name = name
        self._database = database
        self._begin = begin
        self._settle = settle
        self._items: dict[str, _Item] = {}
        self._tasks = set[asyncio.Task[None]]()
        self._looking = asyncio.Lock()  # who asks meanwhile waits for what comes

    async def ask(self, ctx: Context[Any], request: Request, request_hash: str) -> None:
        """Raises `Waiting` while the answer is under way. Comes back where a batch has given all
        that it will: the answer is stored, or a usual call has to be made.

        Raises what `begin` raises, and `PermanentCall` for an answer that was cut off: the same
        request would be again.
        """
        async with self._looking:
            await self._look_at_due()
        item = await self._item(request_hash)
        if item is None or item["error_kind"] == "unsent":
            await self._sent(ctx, request, request_hash)
            item = await self._item(request_hash)
        if item is not None and item["status"] == "started":
            raise Waiting("the answer comes by a batch", retry_after=max(1.0, item["pause"]))
        if item is not None and item["error_kind"] == "truncated":
            counts = Usage(input_tokens=0, output_tokens=0)  # booked already
            raise PermanentCall(item["error"], kind="truncated", usage=counts)

    async def _item(self, request_hash: str) -> Row | None:
        return await self._database.one(queries["llm_batch_item"], {"request_hash": request_hash})

    async def _sent(self, ctx: Context[Any], request: Request, request_hash: str) -> None:
        """Wait until the next batch, with this request, was sent."""
        if not self._items:
            task = asyncio.create_task(self._collect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        item = self._items.setdefault(request_hash, _Item(ctx, request))
        await asyncio.shield(item.sent)

    async def _collect(self) -> None:
        await asyncio.sleep(COLLECT)
        items, self._items = self._items, {}
        try:
            await self._send(items)
        except Exception as error:
            for item in items.values():
                _fail(item, error)
        finally:
            for item in items.values():
                if not item.sent.done():
                    item.sent.set_result(None)  # the ledger says how it stands

    async def _send(self, items: Mapping[str, _Item]) -> None:
        """Write the intent, book the calls that may begin, send them."""
        mark = uuid4().hex
        params = {"provider": self._name, "mark": mark, "grace": GRACE}
        (row,) = await self._database.fetch(queries["llm_batch_begin"], params)
        requests = {}
        for request_hash, item in items.items():
            try:
                await self._begin(item.ctx, item.request, request_hash, row["id"])
                requests[request_hash] = item.request
            except Exception as error:
                _fail(item, error)
        if not requests:
            await self._end(row["id"], "no call could begin")
            return
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                batch = await self._api.send(mark, requests)
        except CallFailed as failure:
            if isinstance(failure, PermanentCall) or failure.kind in REJECTED:
                await self._settle_all(row["id"], {}, failure, Decimal(0))
                await self._end(row["id"], str(failure))
            return  # what may have arrived is asked for later
        except TimeoutError:
            return
        await self._note(row["id"], batch)

    async def _note(self, id_: int, batch: str) -> None:
        """Keep the provider's id. A batch that was given up meanwhile is not to be answered."""
        params = {"id": id_, "batch": batch, "pause": SHORTEST}
        noted = await self._database.insist(
            lambda: self._database.fetch(queries["llm_batch_sent"], params)
        )
        if not noted:
            await self._api.cancel(batch)

    async def _look_at_due(self) -> None:
        params = {"provider": self._name, "shortest": SHORTEST, "longest": LONGEST}
        for row in await self._database.fetch(queries["llm_batch_due"], params):
            try:
                await self._look(row)
            except (CallFailed, Undecided) as error:
                log.warning("batch not reached", provider=self._name, error=str(error))
                if row["age"] > GIVE_UP:
                    await self._lose(row["id"])

    async def _look(self, row: Row) -> None:
        if row["status"] == "sending":
            await self._recover(row)
            return
        try:
            results = await self._api.results(row["batch"])
        except BatchMissing:
            await self._lose(row["id"])
            return
        if results is not None:
            expired = TransientCall("The batch ended before this request.", kind="timeout")
            await self._settle_all(row["id"], results, expired, Decimal(0))
            await self._end(row["id"], None)

    async def _lose(self, id_: int) -> None:
        """Give up a batch that may have been billed."""
        lost = TransientCall("The provider does not tell what became of the batch.", kind="dropped")
        await self._settle_all(id_, {}, lost, Decimal(1))
        await self._end(id_, str(lost))

    async def _recover(self, row: Row) -> None:
        """A batch that was cut off while it was sent: take up the provider's, or give it up."""
        calls = await self._database.fetch(queries["llm_batch_calls"], {"id": row["id"]})
        ids = {call["request_hash"] for call in calls}
        params = {"provider": self._name, "since": row["created_at"]}
        known = await self._database.fetch(queries["llm_batch_known"], params)
        others = {other["batch"] for other in known}
        batch = await self._api.find(row["mark"], ids, row["created_at"], others) if ids else None
        if batch is not None:
            await self._note(row["id"], batch)
            return
        unsent = TransientCall("The batch did not reach the provider.", kind="unsent")
        await self._settle_all(row["id"], {}, unsent, Decimal(0))
        await self._end(row["id"], str(unsent))

    async def _settle_all(
        self, id_: int, results: Mapping[str, Result], missing: CallFailed, unknown: Decimal
    ) -> None:
        """Book the results of a batch; `missing` for the calls that have none, which may have cost
        a share of their reservation.
        """
        nothing = Usage(input_tokens=0, output_tokens=0)
        for call in await self._database.fetch(queries["llm_batch_calls"], {"id": id_}):
            result = results.get(call["request_hash"], missing)
            if isinstance(result, Reply):
                await self._settle(call, result, None, Decimal(0))
                continue
            failed = Reply(
                text="", stop_reason="", usage=result.usage or nothing, model=call["model"]
            )
            rest = unknown * call["reserved_usd"] if result is missing else Decimal(0)
            await self._settle(call, failed, result, rest)

    async def _end(self, id_: int, error: str | None) -> None:
        params = {"id": id_, "error": error}
        await self._database.insist(lambda: self._database.fetch(queries["llm_batch_end"], params))


def _fail(item: _Item, error: Exception) -> None:
    if not item.sent.done():
        item.sent.set_exception(error)
        item.sent.exception()  # seen: whoever asked may be gone
