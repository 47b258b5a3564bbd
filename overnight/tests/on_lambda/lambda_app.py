"""An app whose handlers run in the sandboxes of these tests. What outlives a killed process is in
the folder FOLDER.
"""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from overnight import App, Context, Cron, On, Pipeline, Retry, Transient
from overnight.aws.handlers import Handlers

Ctx = Context[Any]


def folder() -> Path:
    return Path(os.environ["FOLDER"])


def note(text: str) -> None:
    """One write of one line, which no kill can tear."""
    with (folder() / "notes").open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


orders = Pipeline("orders", on=[On("ordered")], key=lambda order: str(order["number"]))


@orders.step(timeout=2)
async def check(ctx: Ctx, order: dict[str, int]) -> dict[str, int]:
    note(f"check {order['number']}")
    return order


@orders.step(timeout=2, retry=Retry(3, (1.0,)))
async def ship(ctx: Ctx, order: dict[str, int]) -> str:
    note(f"ship {order['number']}")
    if order.get("fails") and ctx.attempt == 1:
        raise Transient("502 Bad Gateway")
    return f"shipped {order['number']}"


fan = Pipeline("fan")


@fan.step(timeout=2)
async def out(ctx: Ctx, count: int) -> None:
    for number in range(count):
        ctx.spawn("orders", {"number": number})


slow = Pipeline("slow")


@slow.step(timeout=600)
async def wait(ctx: Ctx, name: str) -> str:
    """Longer than any invocation here; the second time it has what the first one stored."""
    note(f"wait {name}")
    stored = folder() / name
    if not stored.exists():
        stored.touch()
        await asyncio.Event().wait()
    return name


stuck = Pipeline("stuck")


@stuck.step(timeout=600)
async def hang(ctx: Ctx, name: str) -> None:
    """Blocks the whole process, the first time."""
    note(f"hang {name}")
    if ctx.attempt == 1:
        time.sleep(3600)


nightly = Pipeline("nightly", on=[Cron("0 4 * * *", "Europe/Belgrade", grace=timedelta(days=2))])


@nightly.step(timeout=2)
async def begin(ctx: Ctx, slot: dict[str, str]) -> str:
    return slot["slot"]


app = App("lambda", [orders, fan, slow, stuck, nightly])

_handlers = Handlers(lambda: app)
worker, schedule, sweep, console = (
    _handlers.worker,
    _handlers.schedule,
    _handlers.sweep,
    _handlers.console,
)
