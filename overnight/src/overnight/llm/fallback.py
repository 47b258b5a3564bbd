"""One model after another: who is asked when the first is overloaded, refuses, or has failed too
often of late.

Each model that has a substitute has a breaker of its own, shared by all workers. It opens and
closes by the rules of `breaker`; while it is open the model is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from overnight.engine import breaker_updates, breakers
from overnight.engine.breakers import Signal
from overnight.engine.context import Context
from overnight.errors import Transient
from overnight.llm.client import LLM, Answer, Resting
from overnight.llm.port import CallFailed, Kind, Request, TransientCall
from overnight.store.breaker_records import Breaker

T = TypeVar("T")

PASSED_ON: tuple[Kind, ...] = (
    "overloaded",
    "refused",
)  # what another model may do better, in the same attempt
UNLUCKY: tuple[Kind, ...] = (
    "malformed",
    "incomplete",
)  # an answer that says nothing of the upstream


class AllResting(Transient):
    """The breakers of all models are open, so none was asked. `retry_after` is in seconds."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that can be asked, and through whom."""

    llm: LLM
    model: str

    @property
    def name(self) -> str:
        return f"{self.llm.provider}:{self.model}"

    @property
    def breaker(self) -> str:
        return f"model {self.name}"


async def ask(
    ctx: Context[Any],
    choices: Sequence[Choice],
    request: Request,
    type_: type[T],
    *,
    guarded: bool = False,
    batch: bool = False,
    known: Sequence[Request] = (),
) -> tuple[T, Choice]:
    """The answer of the first model that gives one, and which one that was. Each is asked as by
    `LLM.ask`; by a batch the first alone.

    `request.model` is replaced by each choice's. An answer that any of them gave before is taken,
    and before that one to a request that is `known` to ask the same. One without a substitute has a
    breaker only if it is `guarded`, for a caller that goes on without an answer. Raises what the
    last one asked raises, and `AllResting`.
    """
    first = choices[0]
    by_hash = {
        of(each, choice).hash(choice.llm.provider): choice
        for each in (*known, request)
        for choice in choices
    }
    known_hashes = list(by_hash)
    if batch:
        own = of(request, first)
        if (stored := await first.llm.stored(ctx, own, type_, known_hashes)) is not None:
            return stored.value, by_hash[stored.request_hash]
        if (batched := await first.llm.batched(ctx, own, type_)) is not None:
            return batched, first
    if len(choices) == 1 and not guarded:
        answer = await first.llm.call(ctx, of(request, first), type_, known_hashes)
    else:
        answer = await _ask_in_turn(ctx, choices, request, type_, known_hashes)
    return answer.value, by_hash[answer.request_hash]


def of(request: Request, choice: Choice) -> Request:
    """The request as a choice is asked it."""
    return replace(request, model=choice.model)


async def _ask_in_turn(
    ctx: Context[Any],
    choices: Sequence[Choice],
    request: Request,
    type_: type[T],
    known: Sequence[str],
) -> Answer[T]:
    failure: CallFailed | None = None
    rests: list[float] = []
    for choice in choices:
        try:
            return await call(ctx, choice, request, type_, known)
        except AllResting as resting:
            rests.append(resting.retry_after or 0.0)
        except CallFailed as error:
            if error.kind not in PASSED_ON:
                raise
            failure = error
    if failure is not None:
        raise failure
    names = " and ".join(choice.name for choice in choices)
    raise AllResting(
        f"the breakers of {names} are open, so no model was asked", retry_after=min(rests)
    )


async def call(
    ctx: Context[Any], choice: Choice, request: Request, type_: type[T], known: Sequence[str] = ()
) -> Answer[T]:
    """`LLM.call` behind the choice's breaker. Raises `AllResting` while that is open."""
    try:
        return await _behind(ctx, choice, request, type_, known)
    except Resting:
        if (rest := await _rest(ctx, choice)) > 0:
            why = f"the breaker “{choice.breaker}” is open, so {choice.name} was not asked"
            raise AllResting(why, retry_after=rest) from None
    return await _behind(ctx, choice, request, type_, known, is_probe=True)


async def _behind(
    ctx: Context[Any],
    choice: Choice,
    request: Request,
    type_: type[T],
    known: Sequence[str],
    *,
    is_probe: bool = False,
) -> Answer[T]:
    """A call of which the breaker gets to know what changes it: of a closed one that knows of no
    error, errors alone.
    """
    signal, is_news = Signal(ctx.run.id, "nothing"), is_probe
    breaker = None if is_probe else choice.breaker
    try:
        answer = await choice.llm.call(ctx, of(request, choice), type_, known, breaker)
        signal, is_news = replace(signal, verdict="well"), is_probe or not answer.is_well
        return answer
    except CallFailed as error:
        if isinstance(error, TransientCall) and error.kind not in UNLUCKY:
            signal, is_news = replace(signal, verdict="error", error=str(error)), True
        raise
    finally:
        if is_news:
            await choice.llm.database.insist(
                partial(breaker_updates.record, ctx.ledger, {(choice.breaker, ""): [signal]})
            )


async def _rest(ctx: Context[Any], choice: Choice) -> float:
    """Seconds for which the model is not to be asked; 0 where it may be, be it as the probe of a
    half-open breaker.
    """
    name = (choice.breaker, "")
    decide = partial(_let_through, run=ctx.run.id)
    change = (await breaker_updates.update(ctx.ledger, {name: decide}))[name]
    if change.before.open_until is None or change.after != change.before:
        return 0.0
    return (change.before.open_until - change.now).total_seconds()


def _let_through(breaker: Breaker, now: datetime, run: int) -> Breaker:
    return breakers.probe(breaker, run, now)
