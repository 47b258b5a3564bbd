"""The model of research_team.py: Anthropic's, or a stand-in on loopback where there is no
ANTHROPIC_API_KEY.

The stand-in speaks the protocol and knows nothing: its answers have the right shape, no more. They
cost nothing.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel

from overnight import Context
from overnight.llm import Anthropic, Price, Request, strict_schema
from overnight.llm.client import LLM
from overnight.store.database import Database
from overnight.testing.fake_llm import FakeModels

MODEL = "claude-sonnet-5-5"
ANSWERS = {
    "questions": ["What is it?", "Whom does it help?", "What does it cost?"],
    "text": "A stand-in wrote this, and it knows nothing.",
}

T = TypeVar("T")


class Plan(BaseModel):
    questions: list[str]


class Text(BaseModel):
    text: str


async def ask(ctx: Context[LLM], prompt: str, type_: type[T]) -> T:
    """One call of the model, or its stored answer."""
    request = Request(model=MODEL, prompt=prompt, schema=strict_schema(type_), max_tokens=4_000)
    return await ctx.deps.ask(ctx, request, type_)


def answer(request: dict[str, Any]) -> str:
    """What the stand-in says: JSON of the shape that is asked for."""
    return json.dumps(
        {name: ANSWERS[name] for name in request["output_config"]["format"]["schema"]["properties"]}
    )


@asynccontextmanager
async def open_model(database: Database) -> AsyncIterator[LLM]:
    """For `App(resources=…)`: what steps find as `ctx.deps`, for as long as a worker lives."""
    key, url, prices = (
        os.environ.get("ANTHROPIC_API_KEY"),
        os.environ.get("ANTHROPIC_BASE_URL"),
        None,
    )
    with ExitStack() as stack:
        if key is None:
            key, url = "offline", stack.enter_context(FakeModels(body=answer)).url
            prices = {MODEL: Price(input=Decimal(0), output=Decimal(0))}
        provider = Anthropic(api_key=key, base_url=url)
        try:
            yield LLM(provider, database, deadline=60, prices=prices)
        finally:
            await provider.aclose()
