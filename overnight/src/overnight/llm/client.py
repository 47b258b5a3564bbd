"""Calls of a language model as the ledger wants them: cached, priced, booked, held by the kill switch."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from overnight.context import Context
from overnight.database import Database
from overnight.errors import SwitchedOff
from overnight.llm.port import Provider, Reply, Request, Usage, parse
from overnight.llm.prices import Price, UnpricedModel, cost_usd
from overnight.logs import clean
from overnight.policy import describe
from overnight.sql import queries

T = TypeVar("T")
NOTHING = Usage(input_tokens=0, output_tokens=0)


class LLM:
    """One provider for the steps of an app. `deadline` is in seconds, for a whole call; `prices` override the list."""

    def __init__(
        self, provider: Provider, database: Database, *, deadline: float, prices: Mapping[str, Price] | None = None
    ) -> None:
        self._provider = provider
        self._database = database
        self._deadline = deadline
        self._prices = prices

    async def ask(self, ctx: Context[Any], request: Request, type_: type[T]) -> T:
        """The answer, validated. One that was stored before is not paid for again; a failed call is booked too.

        Raises `TransientCall` and `PermanentCall` as they come, `UnpricedModel` before any money is spent, and
        `SwitchedOff` while a kill switch is off.
        """
        request_hash = request.hash(self._provider.name)
        stored = await self._database.one(queries["llm_answer"], {"request_hash": request_hash})
        if stored is not None:
            reply = Reply(
                text=stored["answer"], stop_reason=stored["stop_reason"], usage=NOTHING, model=stored["model"]
            )
            call = await self._begin(ctx, request, request_hash)
            await self._settle(ctx, call, request.model, reply, "cached")
            return parse(reply, type_)
        self._price(request.model, NOTHING, request.model)
        if not await ctx.enabled():
            raise SwitchedOff("a kill switch is off, so the model was not called")
        return await self._call(ctx, request, request_hash, type_)

    async def _call(self, ctx: Context[Any], request: Request, request_hash: str, type_: type[T]) -> T:
        """One paid call: booked before, settled after, whatever comes of it. Only an answer that parses is stored."""
        call = await self._begin(ctx, request, request_hash)
        reply = Reply(text="", stop_reason="", usage=NOTHING, model=request.model)
        try:
            reply = await self._provider.complete(request, deadline=self._deadline)
            answer = parse(reply, type_)
        except BaseException as error:
            usage = getattr(error, "usage", None) or reply.usage
            failed = Reply(text="", stop_reason=reply.stop_reason, usage=usage, model=reply.model)
            await self._settle(ctx, call, request.model, failed, "failed", error)
            raise
        await self._settle(ctx, call, request.model, reply, "stored")
        return answer

    async def _begin(self, ctx: Context[Any], request: Request, request_hash: str) -> int:
        row = await self._database.one(
            queries["llm_begin"],
            {
                "run_id": ctx.run.id,
                "job_id": ctx.run.job_id,
                "step": ctx.run.step,
                "key": ctx.run.key,
                "pipeline": ctx.run.pipeline,
                "attempt": ctx.run.attempt,
                "provider": self._provider.name,
                "model": request.model,
                "request_hash": request_hash,
            },
        )
        assert row is not None
        return int(row["id"])

    async def _settle(
        self,
        ctx: Context[Any],
        call: int,
        request_model: str,
        reply: Reply,
        status: str,
        error: BaseException | None = None,
    ) -> None:
        cost = self._price(reply.model, reply.usage, request_model)
        params = {
            "id": call,
            "status": status,
            "model": reply.model,
            "answer": reply.text if status == "stored" else None,
            "stop_reason": reply.stop_reason or None,
            "input_tokens": reply.usage.input_tokens,
            "output_tokens": reply.usage.output_tokens,
            "cost_usd": cost,
            "error_kind": getattr(error, "kind", "aborted") if error else None,
            "error": clean(describe(error)) if error else None,
        }
        await self._database.insist(lambda: self._database.fetch(queries["llm_settle"], params))
        ctx.charge(cost)

    def _price(self, model: str, usage: Usage, asked: str) -> Decimal:
        """What a call cost. A dated version that the list does not know costs what was asked for."""
        try:
            return cost_usd(self._provider.name, model, usage, self._prices)
        except UnpricedModel:
            return cost_usd(self._provider.name, asked, usage, self._prices)
