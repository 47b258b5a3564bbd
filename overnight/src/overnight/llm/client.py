"""Calls of a language model as the ledger wants them: cached, priced, booked, held by kill switches
and budgets.

A call takes one statement before it and one after it, which all calls share that begin, or end, at
the same moment.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal
from typing import Any, Generic, TypeVar

from overnight.engine.context import Context
from overnight.engine.spans import Attributes, span
from overnight.error_classes import describe
from overnight.errors import LeaseLost, OvernightError, SwitchedOff
from overnight.llm import budgets, wire
from overnight.llm.batches import SHARE, Batching, HasBatches
from overnight.llm.port import CallFailed, Provider, Reply, Request, Usage, parse
from overnight.llm.prices import Price, cost_usd, most_usd
from overnight.logs import MASK, clean
from overnight.store.database import Database, Row
from overnight.store.group_commit import GroupCommit
from overnight.store.ledger import Ledger
from overnight.store.records import Alert
from overnight.store.sql import queries

T = TypeVar("T")
NOTHING = Usage(input_tokens=0, output_tokens=0)
NO_PROMPT: Mapping[str, Any] = {"request": None, "texts": {}}
UNCOUNTED = "the server told no usage, so the most that the call can cost is booked"


class Resting(OvernightError):
    """The breaker of a call is not closed, so it did not begin."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """An answer, and the hash of the request that it answers. `is_well`: the call's breaker knows
    of no error.
    """

    value: T
    request_hash: str
    is_well: bool = True


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
        self._begins = GroupCommit(self._write_begins, unclaimed=self._give_back)
        self._endings = GroupCommit[Collection[str]](self._write_endings)
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
        if batch:
            if (stored := await self.stored(ctx, request, type_)) is not None:
                return stored.value
            if (answer := await self.batched(ctx, request, type_)) is not None:
                return answer
        known = [request.hash(self._provider.name)]
        return (await self.call(ctx, request, type_, known)).value

    async def batched(self, ctx: Context[Any], request: Request, type_: type[T]) -> T | None:
        """The answer by a batch; None where the request has to be called as usual. Raises as `ask`
        does.
        """
        if self._batching is None:
            return None
        self._key_name = ctx.app.key_name
        await self._batching.ask(ctx, request, request.hash(self._provider.name))
        stored = await self.stored(ctx, request, type_)
        return None if stored is None else stored.value

    async def stored(
        self, ctx: Context[Any], request: Request, type_: type[T], known: Sequence[str] = ()
    ) -> Answer[T] | None:
        """The answer that is stored for the first of these hashes of requests that has one (for
        `request` where there are none), which costs nothing; None without one.
        """
        known = known or [request.hash(self._provider.name)]
        text = _json({**self._names(ctx), "known": known})
        while (row := await self._begins.add(text))["stored_id"] is not None:
            if (answered := await self._read(ctx, row, request, type_)) is not None:
                return answered
        return None

    async def call(
        self,
        ctx: Context[Any],
        request: Request,
        type_: type[T],
        known: Sequence[str] = (),
        breaker: str | None = None,
    ) -> Answer[T]:
        """One paid call, booked before and settled after, unless an answer is stored for one of the
        hashes of requests that are `known`, the first of them first. Raises `Resting` while the
        breaker of that name is not closed.

        Only an answer that parses is stored.
        """
        own, more = request.hash(self._provider.name), {"known": known, "breaker": breaker}
        while (row := await self._permitted(ctx, request, own, more))["id"] is None:
            if (answered := await self._read(ctx, row, request, type_)) is not None:
                return answered
        value, is_well = await self._called(ctx, row["id"], request, type_, breaker)
        return Answer(value, own, is_well)

    async def _read(
        self, ctx: Context[Any], row: Row, request: Request, type_: type[T]
    ) -> Answer[T] | None:
        """A stored answer. None for one that came by a batch, which knew no types, and does not
        fit: it is forgotten.
        """
        reply = Reply(
            text=row["answer"], stop_reason=row["stop_reason"], usage=NOTHING, model=row["model"]
        )
        if row["batch_id"] is None:
            ctx.charge(Decimal(0))
            return Answer(parse(reply, type_), row["request_hash"])
        try:
            if request.schema is not None:
                reply = replace(reply, text=wire.json_answer(reply.text, NOTHING))
            return Answer(parse(reply, type_), row["request_hash"])
        except CallFailed as unfit:
            params = {"id": row["stored_id"], "error": clean(describe(unfit))}
            await self.database.fetch(queries["llm_unfit"], params)
            return None

    async def _called(
        self,
        ctx: Context[Any],
        call: int,
        request: Request,
        type_: type[T],
        breaker: str | None,
    ) -> tuple[T, bool]:
        about = {
            "gen_ai.provider.name": self._provider.name,
            "gen_ai.request.model": request.model,
        }
        with span(f"chat {request.model}", about) as results:
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
                await self._settle(ctx, call, request, failed, "failed", error, about=results)
                raise
            unwell = await self._settle(
                ctx, call, request, reply, "stored", breaker=breaker, about=results
            )
        if reply.model_ends is not None:
            await self._tell_of_the_end(ctx, request.model, reply.model_ends)
        return answer, breaker not in unwell

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
        row = await self._permitted(ctx, request, request_hash, {"batch_id": batch})
        return int(row["id"])

    async def _permitted(
        self,
        ctx: Context[Any],
        request: Request,
        request_hash: str,
        more: Mapping[str, Any],
    ) -> Row:
        """The booked call with its `id`; without one, the answer that is stored. `more` is what
        else llm_begin.sql takes.
        """
        self._key_name = ctx.app.key_name
        most = self._most(request, batched=more.get("batch_id") is not None)
        text = _json(
            {
                **self._names(ctx),
                **(_stored_form(request) if self._keep_prompts else NO_PROMPT),
                "model": request.model,
                "request_hash": request_hash,
                "most_usd": str(most),
                **more,
            }
        )
        while (row := await self._begins.add(text))["is_refused"]:
            await self._refuse(ctx, most)
        if row["id"] is None and row["stored_id"] is None:
            if row["rests"]:
                raise Resting
            if not await ctx.enabled():
                raise SwitchedOff("a kill switch is off, so the model was not called")
            raise LeaseLost
        return row

    def _most(self, request: Request, *, batched: bool) -> Decimal:
        """The most that a call can cost, in dollars."""
        most = most_usd(
            self._provider.name,
            request.model,
            request.most_input_tokens,
            request.max_tokens,
            self._prices,
            cached_tokens=request.most_cached_tokens,
        )
        return (most * SHARE).quantize(most, ROUND_UP) if batched else most

    async def _refuse(self, ctx: Context[Any], most: Decimal) -> None:
        """Raise why a budget refuses a call, and tell a person; not where there is room again."""
        params = {**self._names(ctx), "most_usd": most}
        rows = await self.database.fetch(queries["budget_room"], params)
        if news := budgets.alerts(rows, most, self._key_name):
            await self.database.insist(lambda: budgets.tell(ctx.ledger, news))
        if refused := budgets.refusal(rows, most, self._key_name):
            raise refused

    def _names(self, ctx: Context[Any]) -> dict[str, Any]:
        return {
            "run_id": ctx.run.id,
            "job_id": ctx.run.job_id,
            "step": ctx.run.step,
            "key": ctx.run.key,
            "pipeline": ctx.run.pipeline,
            "attempt": ctx.run.attempt,
            "provider": self._provider.name,
        }

    async def _write_begins(self, texts: Sequence[str]) -> list[Row]:
        params = {"calls": _listed(texts)}
        return await self.database.fetch(queries["llm_begin"], params, prepare=False)

    def _give_back(self, row: Row) -> None:
        """End a call that was booked when its step was gone: nobody made it."""
        if row["id"] is not None:
            unmade = Reply(text="", stop_reason="", usage=NOTHING, model=row["model"])
            error = asyncio.CancelledError()
            text = _ending(row["id"], unmade, "failed", Decimal(0), Decimal(0), error)
            self._endings.add_soon(text)

    async def _settle(
        self,
        ctx: Context[Any],
        call: int,
        request: Request,
        reply: Reply,
        status: str,
        error: BaseException | None = None,
        *,
        breaker: str | None = None,
        about: Attributes | None = None,
    ) -> Collection[str]:
        """Book what the call used up, and tell of it in `about`; the breakers that know of
        errors.
        """
        cost = self._price(request, reply.usage)
        unknown = self._price(request, _at_most(request, reply.usage)) - cost
        ending = _ending(call, reply, status, cost, unknown, error, breaker)
        unwell = await self._endings.add(ending)
        ctx.charge(cost)
        if about is not None:
            about["gen_ai.usage.input_tokens"] = reply.usage.input_tokens
            about["gen_ai.usage.output_tokens"] = reply.usage.output_tokens
            about["overnight.cost_usd"] = float(cost)
        return unwell

    async def _settle_batched(
        self, call: Row, reply: Reply, error: CallFailed | None, unknown: Decimal
    ) -> None:
        """Book what a call of a batch used up. What was not counted costs what was reserved."""
        cost = call["reserved_usd"] if reply.usage.assumed else Decimal(0)
        if not reply.usage.assumed:
            usual = cost_usd(self._provider.name, call["model"], reply.usage, self._prices)
            cost = usual * SHARE
        status = "failed" if error else "stored"
        await self._endings.add(_ending(call["id"], reply, status, cost, unknown, error))

    async def _write_endings(self, texts: Sequence[str]) -> list[Collection[str]]:
        """End booked calls, and tell of their budgets; for each the breakers that know of
        errors.
        """
        params = {"calls": _listed(texts)}
        rows = await self.database.insist(
            lambda: self.database.fetch(queries["llm_settle"], params, prepare=False)
        )
        budget_rows = [row for row in rows if row["scope"] is not None]
        if news := budgets.alerts(budget_rows, Decimal(0), self._key_name):
            await self.database.insist(lambda: budgets.tell(Ledger(self.database), news))
        if rows[0]["woken"]:
            await budgets.wake(self.database)
        return [rows[0]["unwell"]] * len(texts)

    def _price(self, request: Request, usage: Usage) -> Decimal:
        """What a call cost, by the model that was asked: a dated version of it that answers has no
        other price.
        """
        return cost_usd(self._provider.name, request.model, usage, self._prices)


def _ending(
    call: int,
    reply: Reply,
    status: str,
    cost: Decimal,
    unknown: Decimal,
    error: BaseException | None = None,
    breaker: str | None = None,
) -> str:
    """How a booked call ended, with what it cost and what it may have cost besides, as JSON."""
    return _json(
        {
            "id": call,
            "status": status,
            "model": reply.model,
            "answer": reply.text if status == "stored" else None,
            "stop_reason": reply.stop_reason or None,
            "input_tokens": reply.usage.input_tokens,
            "output_tokens": reply.usage.output_tokens,
            "cost_usd": str(cost),
            "unknown_usd": str(unknown),
            "error_kind": getattr(error, "kind", "aborted") if error else None,
            "error": _remark(error, reply.usage),
            "breaker": breaker,
        }
    )


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _listed(texts: Sequence[str]) -> str:
    """JSON texts as the list that a statement takes: an array of long texts takes the driver ten
    times as long to write. Such a statement is planned anew each time, by how large the table of
    calls is by now.
    """
    return f"[{','.join(texts)}]"


def _stored_form(request: Request) -> Mapping[str, Any]:
    """A request as the ledger keeps it: its numbers, and its texts apart under their hashes."""
    texts = {name: _storable(text, request.masked) for name, text in request.texts.items()}
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    numbers = {"max_tokens": request.max_tokens, "temperature": request.temperature}
    by_hash = {hashes[name]: text for name, text in texts.items()}
    return {"request": {**numbers, "texts": hashes}, "texts": by_hash}


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
