"""Calls of a language model as the ledger wants them: cached, priced, booked, held by kill switches
and budgets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_UP, Decimal
from typing import Any, TypeVar

from overnight.engine.context import Context
from overnight.engine.spans import Attributes, span
from overnight.error_classes import describe
from overnight.errors import LeaseLost, SwitchedOff
from overnight.llm import budgets, wire
from overnight.llm.batches import SHARE, Batching, HasBatches
from overnight.llm.port import CallFailed, Provider, Reply, Request, Usage, parse
from overnight.llm.prices import Price, cost_usd, most_usd
from overnight.logs import MASK, clean
from overnight.store.database import Database, Row
from overnight.store.ledger import Ledger
from overnight.store.records import Alert
from overnight.store.sql import queries

T = TypeVar("T")
NOTHING = Usage(input_tokens=0, output_tokens=0)
NO_PROMPT: Mapping[str, Any] = {"request": None, "texts": "{}"}
UNCOUNTED = "the server told no usage, so the most that the call can cost is booked"


class LLM:
    """One provider for the steps of an app. `deadline` is in seconds, for a whole call; `prices`
    override the list. Prompts are stored with their calls, as long as payloads are kept; without
    `keep_prompts` they are not, where what is sent is stored elsewhere already.
    """

    def __init__(
        self,
        provider: Provider,
        database: Database,
        *,
        deadline: float,
        prices: Mapping[str, Price] | None = None,
        keep_prompts: bool = True,
    ) -> None:
        self._provider = provider
        self.database = database
        self._deadline = deadline
        self._keep_prompts = keep_prompts
        self._prices = prices
        self._told: set[str] = set()
        self._key_name = "key"  # as the app calls it
        self._batching: Batching | None = None
        if isinstance(provider, HasBatches):
            self._batching = Batching(
                provider.batches, provider.name, database, self._begin, self._settle_batched
            )

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self._provider.name

    async def ask(
        self, ctx: Context[Any], request: Request, type_: type[T], *, batch: bool = False
    ) -> T:
        """The answer, validated. One that was stored before is not paid for again; a failed call is
        booked too.

        Raises `TransientCall` and `PermanentCall` as they come. Before any money is spent:
        `UnpricedModel`,
        `SwitchedOff` while a kill switch is off, `BudgetSpent` where a budget has no room for the
        most that the call can cost (`BudgetReserved` where it will have when the calls under way
        have ended), and `LeaseLost` where another worker owns the run now.

        With `batch` the call goes by the provider's batch API, where it has one: `Waiting` is
        raised until the answer is there. What a batch fails to answer is called as usual.
        """
        stored = await self.stored(ctx, request, type_)
        if stored is None and batch:
            stored = await self.batched(ctx, request, type_)
        return await self.call(ctx, request, type_) if stored is None else stored

    async def batched(self, ctx: Context[Any], request: Request, type_: type[T]) -> T | None:
        """The answer by a batch; None where the request has to be called as usual. Raises as `ask`
        does.
        """
        if self._batching is None:
            return None
        self._key_name = ctx.app.key_name
        await self._batching.ask(ctx, request, request.hash(self._provider.name))
        return await self.stored(ctx, request, type_)

    async def stored(self, ctx: Context[Any], request: Request, type_: type[T]) -> T | None:
        """The answer that was stored before, which costs nothing; None without one."""
        request_hash = request.hash(self._provider.name)
        stored = await self.database.one(queries["llm_answer"], {"request_hash": request_hash})
        if stored is None:
            return None
        reply = Reply(
            text=stored["answer"],
            stop_reason=stored["stop_reason"],
            usage=NOTHING,
            model=stored["model"],
        )
        if stored["batch_id"] is not None:
            return await self._of_batch(stored, reply, request, type_)
        params = {
            **self._names(ctx, request, request_hash),
            "model": reply.model,
            "stop_reason": reply.stop_reason,
        }
        await self.database.fetch(queries["llm_cached"], params)
        ctx.charge(Decimal(0))
        return parse(reply, type_)

    async def _of_batch(
        self, stored: Row, reply: Reply, request: Request, type_: type[T]
    ) -> T | None:
        """An answer that came by a batch, which knew no types; one that does not fit is forgotten.
        It is read by each attempt, so that is not booked.
        """
        try:
            if request.schema is not None:
                reply = replace(reply, text=wire.json_answer(reply.text, NOTHING))
            return parse(reply, type_)
        except CallFailed as unfit:
            params = {"id": stored["id"], "error": clean(describe(unfit))}
            await self.database.fetch(queries["llm_unfit"], params)
            return None

    async def call(self, ctx: Context[Any], request: Request, type_: type[T]) -> T:
        """`ask`, for one who knows that nothing is stored: one paid call, booked before and settled
        after.

        Only an answer that parses is stored.
        """
        about = {
            "gen_ai.provider.name": self._provider.name,
            "gen_ai.request.model": request.model,
        }
        with span(f"chat {request.model}", about) as results:
            call = await self._begin(ctx, request, request.hash(self._provider.name))
            reply = Reply(text="", stop_reason="", usage=NOTHING, model=request.model)
            cut = list[Usage]()  # what a call has used up that is cut off
            try:
                reply = await self._provider.complete(
                    request, deadline=self._deadline, on_usage=cut.append
                )
                answer = parse(reply, type_)
            except BaseException as error:
                failure = error.usage if isinstance(error, CallFailed) else None
                usage = failure or next(iter(cut), reply.usage)
                failed = Reply(
                    text="", stop_reason=reply.stop_reason, usage=usage, model=reply.model
                )
                results |= await self._settle(ctx, call, request, failed, "failed", error)
                raise
            results |= await self._settle(ctx, call, request, reply, "stored")
        if reply.model_ends is not None:
            await self._tell_of_the_end(ctx, request.model, reply.model_ends)
        return answer

    async def _tell_of_the_end(self, ctx: Context[Any], model: str, ends: str) -> None:
        """An alert, which stays one however many processes tell of it."""
        if model not in self._told:
            self._told.add(model)
            who = f"{self._provider.name}/{model}"
            text = (
                f"{self._provider.name} switches {model} off ({ends}): name another model in "
                "the configuration"
            )
            alerts = [Alert("model_end", who, text)]
            await self.database.insist(lambda: ctx.ledger.open_alerts(alerts))

    async def _begin(
        self, ctx: Context[Any], request: Request, request_hash: str, batch: int | None = None
    ) -> int:
        """The id of the booked call, with the most that it can cost reserved in every budget of the
        run.
        """
        most = most_usd(
            self._provider.name,
            request.model,
            request.most_input_tokens,
            request.max_tokens,
            self._prices,
            cached_tokens=request.most_cached_tokens,
        )
        if batch is not None:
            most = (most * SHARE).quantize(most, ROUND_UP)
        params = {
            **self._names(ctx, request, request_hash),
            **(_stored_form(request) if self._keep_prompts else NO_PROMPT),
            "most_usd": most,
            "batch_id": batch,
        }
        rows = await self.database.fetch(queries["llm_begin"], params)
        budget_rows = [row for row in rows if row["scope"] is not None]
        is_refused = any(row["refuses"] for row in budget_rows)
        if is_refused:
            budget_rows = await self.database.fetch(queries["budget_room"], params)
            if news := budgets.alerts(budget_rows, most, ctx.app.key_name):
                await self.database.insist(lambda: budgets.tell(ctx.ledger, news))
        if refused := budgets.refusal(budget_rows, most, ctx.app.key_name):
            raise refused
        if is_refused:  # there is room again
            return await self._begin(ctx, request, request_hash, batch)
        if rows[0]["id"] is not None:
            return int(rows[0]["id"])
        if not await ctx.enabled():
            raise SwitchedOff("a kill switch is off, so the model was not called")
        raise LeaseLost

    def _names(self, ctx: Context[Any], request: Request, request_hash: str) -> dict[str, Any]:
        return {
            "run_id": ctx.run.id,
            "job_id": ctx.run.job_id,
            "step": ctx.run.step,
            "key": ctx.run.key,
            "pipeline": ctx.run.pipeline,
            "attempt": ctx.run.attempt,
            "provider": self._provider.name,
            "model": request.model,
            "request_hash": request_hash,
        }

    async def _settle(
        self,
        ctx: Context[Any],
        call: int,
        request: Request,
        reply: Reply,
        status: str,
        error: BaseException | None = None,
    ) -> Attributes:
        """Book what the call used up; what its span tells of that."""
        cost = self._price(request, reply.usage)
        unknown = self._price(request, _at_most(request, reply.usage)) - cost
        await self._book(call, reply, status, cost, unknown, error, ctx.app.key_name)
        ctx.charge(cost)
        return {
            "gen_ai.usage.input_tokens": reply.usage.input_tokens,
            "gen_ai.usage.output_tokens": reply.usage.output_tokens,
            "overnight.cost_usd": float(cost),
        }

    async def _settle_batched(
        self, call: Row, reply: Reply, error: CallFailed | None, unknown: Decimal
    ) -> None:
        """Book what a call of a batch used up. What was not counted costs what was reserved."""
        cost = call["reserved_usd"] if reply.usage.assumed else Decimal(0)
        if not reply.usage.assumed:
            usual = cost_usd(self._provider.name, call["model"], reply.usage, self._prices)
            cost = usual * SHARE
        status = "failed" if error else "stored"
        await self._book(call["id"], reply, status, cost, unknown, error, self._key_name)

    async def _book(
        self,
        call: int,
        reply: Reply,
        status: str,
        cost: Decimal,
        unknown: Decimal,
        error: BaseException | None,
        key_name: str,
    ) -> None:
        """End a booked call, with what it cost and what it may have cost besides."""
        params = {
            "id": call,
            "status": status,
            "model": reply.model,
            "answer": reply.text if status == "stored" else None,
            "stop_reason": reply.stop_reason or None,
            "input_tokens": reply.usage.input_tokens,
            "output_tokens": reply.usage.output_tokens,
            "cost_usd": cost,
            "unknown_usd": unknown,
            "error_kind": getattr(error, "kind", "aborted") if error else None,
            "error": _remark(error, reply.usage),
        }
        rows = await self.database.insist(
            lambda: self.database.fetch(queries["llm_settle"], params)
        )
        budget_rows = [row for row in rows if row["scope"] is not None]
        if news := budgets.alerts(budget_rows, Decimal(0), key_name):
            await self.database.insist(lambda: budgets.tell(Ledger(self.database), news))
        if rows[0]["woken"]:
            await budgets.wake(self.database)

    def _price(self, request: Request, usage: Usage) -> Decimal:
        """What a call cost, by the model that was asked: a dated version of it that answers has no
        other price.
        """
        return cost_usd(self._provider.name, request.model, usage, self._prices)


def _stored_form(request: Request) -> Mapping[str, Any]:
    """A request as the ledger keeps it: its numbers, and its texts apart under their hashes."""
    texts = {name: _storable(text, request.masked) for name, text in request.texts.items()}
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    numbers = {"max_tokens": request.max_tokens, "temperature": request.temperature}
    by_hash = {hashes[name]: text for name, text in texts.items()}
    return {
        "request": json.dumps({**numbers, "texts": hashes}),
        # as JSON, for an array of long texts takes ten times as long to be written
        "texts": json.dumps(by_hash, ensure_ascii=False),
    }


def _storable(text: str, masked: Sequence[str]) -> str:
    for word in masked:
        text = text.replace(word, MASK)
    return clean(text)


def _remark(error: BaseException | None, usage: Usage) -> str | None:
    """What is to be said of a call: how it failed, and that its cost is assumed."""
    remarks = [clean(describe(error))] if error else []
    return "; ".join([*remarks, *([UNCOUNTED] if usage.assumed else [])]) or None


def _at_most(request: Request, usage: Usage) -> Usage:
    """The most that was used up: an answer that broke off may have had any length until then."""
    if not usage.partial:
        return usage
    return replace(
        usage,
        output_tokens=request.max_tokens,
        raw={**usage.raw, "output_tokens": request.max_tokens} if usage.raw else {},
    )
