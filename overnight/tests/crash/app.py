"""The app of the crash tests, and a worker process for it: `app.py FOLDER (--url URL | --home
FOLDER) [options]`.

Everything that outlives a killed process is in FOLDER: `executions` has a line before and after
each execution of a step, `outside` is the other side of the external writes. Both are appended to
with one write(2) a line, which a SIGKILL cannot tear.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from overnight import (
    App,
    Cancel,
    Context,
    Event,
    Join,
    On,
    Pipeline,
    Retry,
    Review,
    Transient,
    Wait,
)
from overnight.engine.worker import Worker
from overnight.postgres.open import opened
from overnight.store.database import Database

QUICK = Retry(3, backoff=(0.05,))
PAUSE_AT_MOST = 0.06  # seconds; much longer steps could be hit MAX_LOSSES times by chance
PAUSES = (
    0.0,
    0.1,
)  # seconds before each look outside: what a killed process wrote is there at once
PATIENCE = 60.0  # seconds that a step waits for the test's signal


class Order(BaseModel):
    number: int

    @property
    def name(self) -> str:
        return f"order-{self.number:03}"

    @property
    def transient_failures(self) -> int:
        return {3: 1, 4: 2}.get(self.number % 5, 0)


class Text(BaseModel):
    number: int
    text: str


class Receipt(BaseModel):
    number: int
    receipt: str


class World:
    """What steps see beside the ledger, and what a test reads after them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.executions = folder / "executions"
        self.outside = folder / "outside"
        self.statements = folder / "statements"
        self.gate = folder / "gate"
        self.second_gate = folder / "second_gate"
        self.blocking = folder / "blocking"

    @contextmanager
    def executing(self, ctx: Context[Any]) -> Iterator[None]:
        who = f"{ctx.job_id} {ctx.run.step} {ctx.attempt} {os.getpid()}"
        append(self.executions, f"begin {who}")
        yield
        append(self.executions, f"end {who}")

    async def write_outside(self, ctx: Context[Any], name: str) -> dict[str, str]:
        """Slow on both sides of the write, so that kills fall before it and between it and its note
        in the ledger.
        """
        await asyncio.sleep(PAUSE_AT_MOST / 3)
        append(self.outside, f"{ctx.job_id} {name} {ctx.attempt} {os.getpid()}")
        await asyncio.sleep(PAUSE_AT_MOST / 3)
        return {"receipt": receipt(ctx.job_id, name)}

    async def look_outside(self, ctx: Context[Any], name: str) -> dict[str, str] | None:
        written = any(line.split()[:2] == [ctx.job_id, name] for line in lines(self.outside))
        return {"receipt": receipt(ctx.job_id, name)} if written else None

    async def write_once(self, ctx: Context[Any], name: str) -> str:
        result = await ctx.effect(
            name,
            content="1",
            call=lambda: self.write_outside(ctx, name),
            probe=lambda: self.look_outside(ctx, name),
            pauses=PAUSES,
        )
        return str(result["receipt"])


def append(path: Path, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def receipt(job_id: str, name: str) -> str:
    return f"{name} of {job_id}"


def pause(ctx: Context[Any]) -> float:
    return random.Random(f"{ctx.idempotency_key}:{ctx.attempt}").uniform(0, PAUSE_AT_MOST)


def fail_as_planned(ctx: Context[Any], order: Order) -> None:
    if ctx.run.failures < order.transient_failures:
        raise Transient(f"503, {ctx.run.failures + 1} of {order.transient_failures}")


Ctx = Context[World]

parcel_sent = Event("parcel.sent", key=lambda payload: payload["number"])
order = Pipeline("order", id=lambda order: order.name, events=[parcel_sent])


@order.step(retry=QUICK)
async def fetch(ctx: Ctx, order: Order) -> Order:
    with ctx.deps.executing(ctx):
        await asyncio.sleep(pause(ctx))
        fail_as_planned(ctx, order)
        return order


@order.step(retry=QUICK)
def write(ctx: Ctx, order: Order) -> Text:
    with ctx.deps.executing(ctx):
        time.sleep(pause(ctx))
        fail_as_planned(ctx, order)
        return Text(number=order.number, text=f"the text of {order.name}")


@order.step(retry=QUICK)
async def publish(ctx: Ctx, text: Text) -> Receipt:
    with ctx.deps.executing(ctx):
        return Receipt(number=text.number, receipt=await ctx.deps.write_once(ctx, "publish"))


@order.step(retry=QUICK)
def close(ctx: Ctx, published: Receipt) -> Receipt:
    """A child and an event, which exist once however often this is begun."""
    with ctx.deps.executing(ctx):
        ctx.spawn("parcel", Order(number=published.number))
        time.sleep(pause(ctx))
        ctx.emit("order.closed", Order(number=published.number))
        return published


@order.step(retry=QUICK, join=Join(PATIENCE, dead="skip"))
async def settle(ctx: Ctx, published: Receipt) -> Wait:
    """It joins the parcel, which has told of itself before it ended."""
    with ctx.deps.executing(ctx):
        (child,) = ctx.children
        value = child.load(Receipt) if child.succeeded else published
        return Wait("parcel.sent", published.number, timeout=5.0, value=value)


@order.step(retry=QUICK)
def archive(ctx: Ctx, sent: Receipt) -> str:
    with ctx.deps.executing(ctx):
        return "late" if ctx.received is None else str(ctx.received.payload["receipt"])


parcel = Pipeline("parcel", id=lambda order: f"parcel-{order.number:03}")


@parcel.step(retry=QUICK)
def pack(ctx: Ctx, order: Order) -> Order:
    with ctx.deps.executing(ctx):
        time.sleep(pause(ctx))
        return order


@parcel.step(retry=QUICK)
async def send(ctx: Ctx, order: Order) -> Receipt:
    with ctx.deps.executing(ctx):
        sent = Receipt(number=order.number, receipt=await ctx.deps.write_once(ctx, "send"))
        ctx.emit("parcel.sent", sent.model_dump())
        return sent


audit = Pipeline("audit", on=[On("order.closed")], id=lambda order: f"audit-{order.number:03}")


@audit.step(retry=QUICK)
async def check(ctx: Ctx, order: Order) -> Order | Review | Cancel:
    with ctx.deps.executing(ctx):
        await asyncio.sleep(pause(ctx))
        if order.number % 3 == 0:
            return Review(["look at this"], order)
        return Cancel("nothing to audit") if order.number % 3 == 1 else order


class Late(BaseModel):
    """The first owner waits for the gate, which the test opens when a second one has taken over and
    ended.
    """

    how: str

    @property
    def name(self) -> str:
        return f"late-{self.how}"


late = Pipeline("late", id=lambda late: late.name)


@late.step
async def overtaken(ctx: Ctx, late: Late) -> str:
    with ctx.deps.executing(ctx):
        if ctx.attempt > 1:
            await take_over(ctx, late)
        elif late.how == "blocks":
            # It holds up the event loop, so that its result is there before the loop hears of the
            # lost lease.
            ctx.spawn("poison", "harmless")  # dropped with the result
            await asyncio.sleep(0.2)  # its neighbours have begun by then
            ctx.deps.blocking.touch()
            for _ in until_open(ctx.deps.gate):
                time.sleep(0.005)
        elif late.how == "thread":
            await asyncio.to_thread(lambda: [time.sleep(0.005) for _ in until_open(ctx.deps.gate)])
        else:
            for _ in until_open(ctx.deps.gate):
                await asyncio.sleep(0.005)
            await ctx.deps.write_once(ctx, "late")
        return f"{os.getpid()}"


async def take_over(ctx: Ctx, late: Late) -> None:
    if late.how == "blocks":  # still at work when the late result comes
        for _ in until_open(ctx.deps.second_gate):
            await asyncio.sleep(0.005)
    if late.how == "effect":
        await ctx.deps.write_once(ctx, "late")


def until_open(gate: Path) -> Iterator[None]:
    deadline = time.monotonic() + PATIENCE
    while not gate.exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the gate was never opened")
        yield


patient = Pipeline("patient", id=lambda number: f"patient-{number}")


@patient.step
async def wait(ctx: Ctx, number: int) -> int:
    with ctx.deps.executing(ctx):
        for _ in until_open(ctx.deps.gate):
            await asyncio.sleep(0.01)
        return number


poison = Pipeline("poison", id=lambda word: f"poison-{word}")


@poison.step
async def swallow(ctx: Ctx, word: str) -> str:
    with ctx.deps.executing(ctx):
        if word == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        return word


def make_app(folder: Path) -> App:
    @asynccontextmanager
    async def world(_: Database) -> AsyncIterator[World]:
        yield World(folder)

    return App("crash", [order, parcel, audit, late, patient, poison], resources=world)


def expect_death(options: argparse.Namespace) -> None:
    """Of this process; of its Postgres where that is its own."""
    from kills import (  # beside this file, which is the program then
        Death,
        kill_postgres,
        kill_process,
    )

    from overnight.engine import worker
    from overnight.postgres.server import EmbeddedServer

    # What a claim took whose answer was lost waits for its lease, and then for its owner's next
    # look.
    worker.TICK = 1.0
    kill = (
        partial(kill_postgres, EmbeddedServer(options.home).data) if options.home else kill_process
    )
    Death.parse(options.death).install(kill, partial(append, World(options.folder).statements))


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url")
    where.add_argument("--home", type=Path)
    parser.add_argument("--lease", type=float, default=60.0)
    parser.add_argument("--concurrency", type=int, default=3)
    parser.add_argument("--death", default="")
    options = parser.parse_args()
    if options.death:
        expect_death(options)
    async with Database(options.url) if options.url else opened(options.home) as database:
        worker = Worker(
            make_app(options.folder),
            database,
            lease=options.lease,
            concurrency=options.concurrency,
            poll=0.3,
        )
        await worker.run(until_idle=True)


if __name__ == "__main__":
    asyncio.run(main())
