"""Who writes: the models, where they are served, and the prices of their tokens."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, Field, model_validator

from contentstudio.config.fields import HttpUrl, Section


class Price(Section):
    """Dollars per million tokens, for a model that the price list does not know or the owner pays
    otherwise.
    """

    input: float = Field(ge=0)
    output: float = Field(ge=0)


Provider = Literal["anthropic", "openai"]


class Model(Section):
    """A model, and who serves it. What is left out is as in [writing]."""

    provider: Provider | None = None
    model: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _names_its_model(self) -> Model:
        if self.provider and not self.model:
            raise ValueError("needs a model beside its provider")
        return self


class Anthropic(Section):
    """Where Anthropic's API is, unless at its own address. The key is ANTHROPIC_API_KEY."""

    base_url: HttpUrl | None = None


class OpenAI(Section):
    """Any endpoint of chat completions: OpenAI's own, or `base_url`, which ends before
    /chat/completions.

    The key is OPENAI_API_KEY; a server of one's own may need none. `json_as` is how it is asked for
    JSON: by `schema`, or where it knows none by its `object` mode, or in the words of the prompt
    alone (`text`). `prices` is the provider in the price list of genai-prices, such as groq or
    openrouter.
    """

    base_url: HttpUrl = "https://api.openai.com/v1"
    json_as: Literal["schema", "object", "text"] = "schema"
    prices: str = "openai"


class Writing(Section):
    """Who writes. `auto` takes Anthropic where ANTHROPIC_API_KEY is set, and the offline writer
    where it is not.

    `fallback` is asked where `model` is overloaded, refuses, or has failed too often of late. Each
    step of the writing may have a model of its own: the `brief` (an older config may call it
    `outline`), each `section`, the `polish` of the whole article, and a `rewrite`.
    `deadline_seconds` is for one call of a model, `max_tokens` for one answer.
    `sections_at_once` are the calls under way for one article.

    `batch` sends the calls by the batch APIs of the providers: at half the price, and an answer may
    take up to a day.

    `rewrites` is how often an article that fails a gate goes back to a model with the reasons,
    before a person sees it. Where each fault has a place, only these places are rewritten, at most
    twice; 0 sends nothing back.

    `offline_articles` says what becomes of articles of the offline writer: each waits for `review`,
    and has `noindex` when it was approved; or is published without a review, with `noindex` or
    (`publish`) like any other.
    """

    writer: Literal["auto", "anthropic", "openai", "offline"] = "auto"
    model: str = "claude-sonnet-5-5"
    fallback: Model | None = None
    ideas: Model = Model()
    questions: Model = Model()
    notes: Model = Model()
    brief: Model = Field(default=Model(), validation_alias=AliasChoices("brief", "outline"))
    section: Model = Model()
    polish: Model = Model()
    rewrite: Model = Model()
    anthropic: Anthropic = Anthropic()
    openai: OpenAI = OpenAI()
    max_tokens: int = Field(default=8_000, ge=256, le=64_000)
    temperature: float | None = Field(default=None, ge=0, le=1)
    deadline_seconds: float = Field(default=240, gt=0, le=3_600)
    sections_at_once: int = Field(default=3, ge=1, le=20)
    batch: bool = False
    rewrites: int = Field(default=1, ge=0, le=3)
    offline_articles: Literal["review", "noindex", "publish"] = "review"
    prices: dict[str, Price] = Field(default={})

    @model_validator(mode="after")
    def _names_a_model(self) -> Writing:
        if self.writer == "openai" and "model" not in self.model_fields_set:
            raise ValueError("needs a model: openai serves none by the name that is the default")
        if self.fallback is not None and not self.fallback.model:
            raise ValueError("needs a model in its fallback")
        return self
