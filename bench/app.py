"""The pipelines that overnight is measured with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from overnight import App, Context, Pipeline
from workloads import OUTPUT, STEPS

HELD = 600.0  # seconds: longer than any bench

single = Pipeline("single")
chain = Pipeline("chain")
held = Pipeline("held")
on_begin: list[Callable[[int], None]] = []


def _begun(number: int) -> None:
    for note in on_begin:
        note(number)


@single.step
async def work(ctx: Context[None], number: int) -> None:
    _begun(number)


def _link(name: str) -> None:
    async def step(ctx: Context[None], before: object) -> str:
        _begun(-1)
        return OUTPUT

    step.__name__ = name
    chain.step(step)


for place in range(STEPS):
    _link(f"step_{place + 1}")


@held.step(timeout=HELD)
async def hold(ctx: Context[None], number: int) -> None:
    """Lasts until its worker dies; the second attempt ends at once."""
    _begun(number)
    if ctx.attempt == 1:
        await asyncio.sleep(HELD)


app = App("bench", [single, chain, held])
