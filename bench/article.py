"""The app whose ledger is filled: three steps, of which the typed command loads nothing more than
these.
"""

from __future__ import annotations

from overnight import App, Context, Limit, Pipeline

article = Pipeline("article")


@article.step
async def research(ctx: Context[None], topic: object) -> object:
    return topic


@article.step(breaker="model")
async def write(ctx: Context[None], topic: object) -> object:
    return topic


@article.step(breaker="cms {key}", limits=[Limit.each_key(at_once=4)])
async def publish(ctx: Context[None], topic: object) -> object:
    return topic


app = App("bench", [article])
