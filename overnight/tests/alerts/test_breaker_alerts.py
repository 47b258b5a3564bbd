"""What people are told of a breaker: that it opens, and when it closes for how long it was open and
what waited.
"""

from __future__ import annotations

from typing import Any

import pytest

from overnight import App, Context, Pipeline, Retry, Transient
from overnight.operations import breakers, queries, runs, switches
from overnight.pipelines.lookups import behind
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle


class Shop:
    """An upstream of its own for each key, and another step that needs none."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock, self.is_down = database, clock, True
        pipeline, free = Pipeline("order", key=lambda order: order["key"]), Pipeline("free")

        @pipeline.step(breaker="shop {key}", retry=Retry(9, backoff=(1.0,)))
        async def book(ctx: Context[Any], order: dict[str, Any]) -> None:
            if self.is_down:
                raise Transient("502 Bad Gateway")

        @free.step
        async def nothing(ctx: Context[Any], value: int) -> None: ...

        self.app = App("shop", [pipeline, free])

    async def order(self, *keys: str) -> None:
        for number, key in enumerate(keys):
            await runs.start(self.app, self.database, "order", {"key": key, "number": number})

    async def work(self, horizon: float = 60.0) -> None:
        await run_until_idle(self.app, self.database, clock=self.clock, horizon=horizon)

    async def alert(self) -> dict[str, Any]:
        (row,) = [
            each
            for each in await queries.alerts(self.database, everything=True)
            if each["kind"] == "breaker"
        ]
        return row


@pytest.fixture
async def shop(database: Database, clock: Clock) -> Shop:
    made = Shop(database, clock)
    await made.order(*["ann"] * 7, "bob")
    later = (
        "update runs set due_at = ledger_now() + interval '30 days' where input ->> 'number' "
        "= any('{6,7}')"
    )
    await database.fetch(later)
    await made.work()
    return made


async def test_that_a_breaker_opens_is_an_alert_with_the_last_error(shop: Shop) -> None:
    alert = await shop.alert()
    assert (alert["kind"], alert["subject"], alert["resolved_at"]) == ("breaker", "shop ann", None)
    assert alert["text"] == "5 errors in a row, so what needs it waits; the last: 502 Bad Gateway"


async def test_closing_reports_how_long_it_was_open_and_what_waited(shop: Shop) -> None:
    shop.is_down = False
    await shop.database.fetch(
        "update runs set due_at = ledger_now() where key = 'bob'"
    )  # behind another breaker
    await switches.pause(shop.database, "key:bob", reason="", by="ada")
    await shop.clock.move(700)
    await shop.work()
    alert = await shop.alert()
    assert alert["resolved_at"] is not None
    assert alert["text"] == (
        "it was open for 12 min, and 5 runs waited for it; "
        "5 errors in a row, so what needs it waits; the last: 502 Bad Gateway"
    )


async def test_a_person_who_closes_it_is_named(shop: Shop) -> None:
    await shop.clock.move(180)
    await breakers.close(shop.database, "shop ann", reason="it is back", by="ada", app=shop.app)
    assert (await shop.alert())["text"].startswith(
        "ada closed it; it was open for 4 min, and 6 runs waited for it; "
    )


async def test_who_does_not_know_the_app_tells_of_the_time_alone(shop: Shop) -> None:
    await breakers.close(shop.database, "shop ann", reason="it is back", by="ada")
    assert (await shop.alert())["text"].startswith("ada closed it; it was open for 1 min; 5 errors")


@pytest.mark.parametrize(
    ("breaker", "steps"),
    [("shop ann", ["order/book"]), ("shop ", ["order/book"]), ("cms", []), ("a shop ann", [])],
)
async def test_the_steps_behind_a_breaker_are_those_that_name_it(
    shop: Shop, breaker: str, steps: list[str]
) -> None:
    assert behind(shop.app, breaker) == steps
