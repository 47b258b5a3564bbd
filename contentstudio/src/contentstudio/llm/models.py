"""Which models write: for each step of the writing one, and its substitute where there is one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cache
from typing import Any, Literal, TypeVar, cast, get_args

from contentstudio import config as settings
from contentstudio.config import Model, Verify, Writing
from contentstudio.llm import prompts
from overnight import ConfigError, Context, logs
from overnight.llm import Anthropic, OpenAI, PermanentCall, Price, Request, fallback, strict_schema
from overnight.llm.client import LLM
from overnight.llm.fallback import Choice
from overnight.llm.openai import OPENAI_URL
from overnight.names import nearest
from overnight.operations import queries
from overnight.store.database import Database
from overnight.store.ledger import Ledger

T = TypeVar("T")
Step = Literal["ideas", "questions", "notes", "brief", "section", "polish", "rewrite", "judge"]
STEPS: tuple[Step, ...] = get_args(Step)
OPEN_ALERTS = 10_000  # that are looked through when a worker starts


class Models:
    """What each step of the writing asks: cached, priced, booked."""

    def __init__(self, writing: Writing, choices: Mapping[Step, Sequence[Choice]]) -> None:
        self._writing = writing
        self._choices = choices
        self._cut_off: set[Step] = (
            set()
        )  # whose answers need more tokens than their words, as this process found

    async def ask(
        self,
        ctx: Context[Any],
        step: Step,
        system: str,
        prompt: str,
        type_: type[T],
        *,
        words: int,
        prefix: str = "",
    ) -> tuple[T, str]:
        """The answer of up to so many words, and the name of the model that gave it. Raises what
        `fallback.ask` raises. `prefix` is sent before `prompt`: the part that the calls for one
        article share, letter for letter, which providers then read from their cache.

        Where the config says `batch`, raises `Waiting` until the answer is there: the step lets it
        pass and begins again later, when the answers that are there cost nothing.

        It is asked for as many tokens as that takes, for a budget reserves them all, and once more
        for all that the config allows where that cut the answer off: some models think in these
        tokens too.
        """
        choices = self._choices[step]
        request = Request(
            model=choices[0].model,
            system=system,
            prompt=prompt,
            schema=_schema(cast(Hashable, type_)),
            max_tokens=self._writing.max_tokens,
            temperature=self._writing.temperature,
            prefix=prefix or None,
            masked=(prompts.canary(ctx.job_id, settings.canary_key()),),
        )
        needed = min(request.max_tokens, tokens_for(words))
        answer, choice = await self._ask(ctx, step, request, type_, needed)
        return answer, choice.name

    async def _ask(
        self, ctx: Context[Any], step: Step, request: Request, type_: type[T], needed: int
    ) -> tuple[T, Choice]:
        choices, batch = self._choices[step], self._writing.batch
        if step not in self._cut_off and needed < request.max_tokens:
            try:
                own = replace(request, max_tokens=needed)
                # an answer to the larger request is the one that came where the smaller was cut off
                return await fallback.ask(ctx, choices, own, type_, batch=batch, known=[request])
            except PermanentCall as cut:
                if cut.kind != "truncated":
                    raise
                self._cut_off.add(step)
        return await fallback.ask(ctx, choices, request, type_, batch=batch)


def tokens_for(words: int) -> int:
    """More tokens than an answer of so many words takes in JSON, also in languages with long words.

    English takes about 1.4 tokens a word, and the JSON of a sentence 15 more; an answer may be half
    as long again.
    """
    return 500 + 5 * words


@cache
def _schema(type_: Any) -> dict[str, Any]:
    """Made once for each type of answer."""
    return strict_schema(type_)


BY_WRITER = Verify()  # the judge is the model that writes


def connect(
    writing: Writing, database: Database, stack: AsyncExitStack, verify: Verify = BY_WRITER
) -> Models:
    """The models of a config, closed with the stack. Raises `ConfigError` where a key
    is missing.
    """
    llms: dict[settings.Provider, LLM] = {}
    prices = prices_of(writing)

    def choice(model: Model) -> Choice:
        provider = model.provider or ("openai" if writing.writer == "openai" else "anthropic")
        if provider not in llms:
            served_by = _provider(writing, provider)
            stack.push_async_callback(served_by.aclose)
            llms[provider] = LLM(
                served_by, database, deadline=writing.deadline_seconds, prices=prices
            )
        return Choice(llms[provider], model.model or writing.model)

    def choices(step: Step) -> list[Choice]:
        first = _model_of(step, writing, verify)
        return list(
            dict.fromkeys(choice(model) for model in (first, writing.fallback) if model is not None)
        )

    return Models(writing, {step: choices(step) for step in _steps(verify)})


def _steps(verify: Verify) -> list[Step]:
    """The steps that ask a model."""
    return [step for step in STEPS if step != "judge" or verify.judge == "model"]


def _model_of(step: Step, writing: Writing, verify: Verify) -> Model:
    model: Model = verify.model if step == "judge" else getattr(writing, step)
    return model


def in_use_by(writing: Writing, verify: Verify = BY_WRITER) -> list[str]:
    """The models that a config names, as `provider/model`, by which alerts know them."""
    prices = {"anthropic": "anthropic", "openai": writing.openai.prices}
    return [f"{prices[provider]}/{model}" for provider, model in _named(writing, verify)]


def _named(writing: Writing, verify: Verify) -> list[tuple[settings.Provider, str]]:
    """The models that a config names, each with who serves it."""
    steps = (_model_of(step, writing, verify) for step in _steps(verify))
    named = [model for model in (*steps, writing.fallback) if model is not None]
    default: settings.Provider = "openai" if writing.writer == "openai" else "anthropic"
    return list(
        dict.fromkeys((model.provider or default, model.model or writing.model) for model in named)
    )


def is_offline(writing: Writing) -> bool:
    """Whether no model writes: by the config, or because `auto` has no key."""
    return writing.writer == "offline" or (writing.writer == "auto" and settings.api_key() is None)


def priced_as(writing: Writing, step: Step, verify: Verify = BY_WRITER) -> tuple[str, str]:
    """The provider in the price list, and the model that a step asks first."""
    model = _model_of(step, writing, verify)
    default = "openai" if writing.writer == "openai" else "anthropic"
    is_openai = (model.provider or default) == "openai"
    return writing.openai.prices if is_openai else "anthropic", model.model or writing.model


def faults(writing: Writing, verify: Verify = BY_WRITER) -> list[tuple[str, str]]:
    """What keeps the models of a config from being asked: what it is, and what to do. Nobody is
    asked.
    """
    return [*_missing_keys(writing, verify), *_unpriced(writing, verify)]


def _missing_keys(writing: Writing, verify: Verify) -> list[tuple[str, str]]:
    missing = [
        p
        for p in dict.fromkeys(provider for provider, _ in _named(writing, verify))
        if _lacks_key(writing, p)
    ]
    return [
        (f"a model of {name} needs a key", f"put {name.upper()}_API_KEY into the environment")
        for name in missing
    ]


def _lacks_key(writing: Writing, provider: settings.Provider) -> bool:
    needed = provider == "anthropic" or writing.openai.base_url.rstrip("/") == OPENAI_URL
    return needed and settings.api_key(provider) is None


def _unpriced(writing: Writing, verify: Verify) -> list[tuple[str, str]]:
    from overnight.llm.prices import UnpricedModel, most_usd

    prices = prices_of(writing)
    models = []
    for name in dict.fromkeys(in_use_by(writing, verify)):
        provider, _, model = name.partition("/")
        try:
            most_usd(provider, model, 1, 1, prices)
        except UnpricedModel:
            near = nearest(model, _listed(provider))
            mend = (
                f'look at its name; or set its price: writing.prices."{model}" = {{ input = '
                f"…, output = … }}"
            )
            models.append((f"the price of “{model}” of {provider} is not known{near}", mend))
    return models


def _listed(provider: str) -> list[str]:
    """The models of a provider in the price list."""
    from genai_prices.data import providers

    return [model.id for each in providers if each.id == provider for model in each.models]


def prices_of(writing: Writing) -> dict[str, Price]:
    """The prices that the owner set, by model."""
    return {
        model: Price.model_validate(price.model_dump()) for model, price in writing.prices.items()
    }


def _provider(writing: Writing, name: settings.Provider) -> Anthropic | OpenAI:
    key = settings.api_key(name)
    logs.hide(key)
    if _lacks_key(writing, name):
        raise ConfigError(
            f"[writing] names a model of {name}, which needs {name.upper()}_API_KEY in "
            "the environment"
        )
    if name == "openai":
        server = writing.openai
        return OpenAI(
            api_key=key, base_url=server.base_url, json=server.json_as, name=server.prices
        )
    assert key is not None
    return Anthropic(api_key=key, base_url=writing.anthropic.base_url)


async def forget_other_models(database: Database, in_use: Sequence[str]) -> None:
    """Resolve the alerts that a provider switches a model off which the config names no longer."""
    alerts = await queries.alerts(database, limit=OPEN_ALERTS)
    ending = [row["subject"] for row in alerts if row["kind"] == "model_end"]
    if unused := [model for model in ending if model not in in_use]:
        await Ledger(database).resolve_alerts("model_end", unused)
