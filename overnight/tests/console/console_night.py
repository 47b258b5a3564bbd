"""A night with one of everything, for the console to show. Its texts hold what a page
must not run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx2
from pydantic import BaseModel

from overnight import (
    App,
    Context,
    Cron,
    Keys,
    NoWork,
    Permanent,
    Pipeline,
    Retry,
    Review,
    Snooze,
    Transient,
)
from overnight.observability import rollup
from overnight.operations import control
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

Open = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]
HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


CALL = """
    insert into llm_calls (job_id, step, pipeline, key, attempt, provider, model, request_hash,
        status,
                           input_tokens, output_tokens, cost_usd, started_at, finished_at)
    values ('job', 'write', 'letter', 'ada', 1, 'anthropic', %(model)s, %(day)s::text, 'stored',
        9000, 1200, %(usd)s,
            ledger_now() - make_interval(days => %(day)s, mins => 10),
            ledger_now() - make_interval(days => %(day)s, mins => 9))
"""


class Order(BaseModel):
    customer: str
    number: int


Ctx = Context[None]
order = Pipeline("order", key=lambda o: o.customer)
letter = Pipeline(
    "letter", on=[Cron("0 4 * * *", "Europe/Belgrade")], id=lambda when: f"letter-{when}"
)


@order.step(retry=Retry(3))
async def check(ctx: Ctx, order: Order) -> Order | NoWork:
    if order.number == 2 and ctx.attempt < 3:
        ctx.log.info("asking the shop", what=HOSTILE)
        raise Transient("the shop answers 502 Bad Gateway")
    if order.number == 3:
        raise Permanent(f"no such article: {HOSTILE}")
    return NoWork("nothing was ordered") if order.number == 0 else order


@order.step
async def judge(ctx: Ctx, order: Order) -> Order | Review:
    return Review([f"an unusual order: {HOSTILE}"], order) if order.number in (4, 5) else order


@order.step(breaker="shop {key}")
async def book(ctx: Ctx, order: Order) -> dict[str, str] | Snooze:
    if order.number == 6:
        return Snooze(3_600, "the shop is closed")

    async def call() -> dict[str, str]:
        return {"url": f"https://shop.example/orders/{order.number}"}

    return dict(await ctx.effect("book", content=str(order.number), call=call))


@letter.step
async def write(ctx: Ctx, when: str) -> str:
    return when


def make_app() -> App:
    return App("nightshop", [order, letter], keys=Keys("customer", lambda: ["ada", "ben"]))


async def fill(database: Database, clock: Clock) -> App:
    """Let the night happen."""
    app = make_app()
    for number in range(12):
        customer = "ada" if number % 2 else "ben"
        await control.start(app, database, "order", Order(customer=customer, number=number))
    await run_until_idle(app, database, clock=clock, horizon=1_800)
    await control.set_switch(
        database, "key:ben", enabled=False, reason=f"a trial {HOSTILE}", by="ada"
    )
    await control.start(app, database, "order", Order(customer="ben", number=100))
    await database.fetch(
        "insert into breakers (name, key, failures, error, opened_at, open_until)"
        " values ('shop ada', 'ada', 5, 'the shop answers 502', ledger_now(), "
        "ledger_now() + interval '10 minutes')"
    )
    for day in range(14):
        await database.fetch(
            CALL, {"day": day, "usd": 42 if day == 0 else 4.2, "model": ("opus", "haiku")[day % 2]}
        )
    await rollup.sample(database)
    while not await rollup.add(database):
        pass
    await database.fetch(
        "insert into budgets (scope, person_usd, person) values ('all', 20, 'ada')"
    )
    return app


async def csrf(client: httpx2.AsyncClient) -> str:
    """What the forms of this session carry."""
    found = re.search(r'name="csrf" value="(\w+)"', (await client.get("/switches")).text)
    assert found is not None
    return found[1]
