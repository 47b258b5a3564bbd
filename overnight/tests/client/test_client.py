"""Jobs from another program: start, emit, where a job stands, its result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from overnight import (
    App,
    Client,
    Context,
    Debounce,
    JobCancelled,
    JobFailed,
    JobInReview,
    NoWork,
    On,
    Permanent,
    Pipeline,
    ResultGone,
    Review,
    Status,
)
from overnight.client import waiting
from overnight.errors import IdConflict, InvalidPayload, LedgerUnavailable, NotFound
from overnight.operations import dead_letters, queries, reviews, runs
from overnight.operations.decisions import Approve
from overnight.operations.filters import Filter
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle


class Order(BaseModel):
    number: int
    name: str = "ann"


class Receipt(BaseModel):
    number: int
    text: str


@dataclass
class Shop:
    app: App
    orders: Pipeline[Order, Receipt | None]
    client: Client
    database: Database

    async def work(self, **options: Any) -> None:
        await run_until_idle(self.app, self.database, **options)


def shop_app() -> tuple[App, Pipeline[Order, Receipt | None]]:
    orders = Pipeline[Order, Receipt | None]("orders", id=lambda order: f"order-{order.number}")
    letters = Pipeline("letters", on=[On("ordered")])
    edits = Pipeline("edits", on=[On("edited", Debounce(60))], key=lambda order: order.name)

    @orders.step
    async def check(ctx: Context, order: Order) -> Order | NoWork | Review:
        if order.name == "review":
            return Review(["look at it"], order)
        return NoWork("nothing is wanted") if order.name == "nobody" else order

    @orders.step
    async def ship(ctx: Context, order: Order) -> Receipt:
        if order.name == "broken":
            raise Permanent("the box is broken")
        return Receipt(number=order.number, text=f"for {order.name}")

    @letters.step
    async def write(ctx: Context, order: Order) -> str:
        return f"dear {order.name}"

    @edits.step
    async def save(ctx: Context, order: Order) -> int:
        return order.number

    return App("shop", [orders, letters, edits]), orders


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Shop]:
    app, orders = shop_app()
    async with Client(app, database.url) as client:
        yield Shop(app, orders, client, database)


# --- start and emit


async def test_a_job_is_started_once_and_has_a_typed_result(shop: Shop) -> None:
    job = await shop.client.start(shop.orders, Order(number=1))
    again = await shop.client.start(shop.orders, Order(number=1))
    assert (job.id, again.id) == ("order-1", "order-1")
    await shop.work()
    assert await job.result() == await again.result() == Receipt(number=1, text="for ann")


async def test_by_its_name_a_pipeline_takes_and_gives_plain_data(shop: Shop) -> None:
    job = await shop.client.start("orders", {"number": 2})
    await shop.work()
    assert await job.result() == {"number": 2, "text": "for ann"}


async def test_the_job_of_an_id_is_the_one_that_was_started(shop: Shop) -> None:
    job = await shop.client.start("orders", {"number": 2})
    await shop.work()
    assert await shop.client.job(job.id, shop.orders).result() == Receipt(number=2, text="for ann")


@pytest.mark.parametrize(
    ("pipeline", "value", "error"),
    [
        ("parcels", {"number": 1}, NotFound),
        (Pipeline("parcels"), {"number": 1}, NotFound),
        ("orders", {"name": "ann"}, InvalidPayload),
        ("orders", {"number": 1, "name": "bob"}, IdConflict),
    ],
)
async def test_what_cannot_be_started_is_an_error(
    shop: Shop, pipeline: Any, value: Any, error: type[Exception]
) -> None:
    await shop.client.start("orders", {"number": 1})
    with pytest.raises(error):
        await shop.client.start(pipeline, value)


async def test_who_starts_a_job_is_in_the_audit_log(shop: Shop) -> None:
    job = await shop.client.start(
        "orders", {"number": 1}, by="ada", reason="a call", at=timedelta(hours=1), priority=5
    )
    (entry,) = await queries.actions(shop.database, job.id)
    assert (entry["by"], entry["reason"], entry["verb"]) == ("ada", "a call", "orders")
    (run,) = await shop.database.fetch(
        "select priority, due_at > ledger_now() + interval '59 min' as later from runs"
    )
    assert run == {"priority": 5, "later": True}


async def test_an_event_gives_a_job_of_each_pipeline_that_listens(shop: Shop) -> None:
    (job,) = await shop.client.emit("ordered", {"number": 3})
    await shop.work()
    assert await job.result() == "dear ann"
    with pytest.raises(NotFound, match="no pipeline of this app listens"):
        await shop.client.emit("unheard", {})


async def test_a_job_whose_place_a_later_event_took_says_which(shop: Shop) -> None:
    (first,) = await shop.client.emit("edited", {"number": 1})
    (second,) = await shop.client.emit("edited", {"number": 2})
    await shop.work(clock=Clock(shop.database))
    assert await second.result() == 2
    for ask in (first.status, first.result):
        with pytest.raises(NotFound, match=f"took the place of job {first.id}.*{second.id}"):
            await ask()


# --- where a job stands


async def test_the_status_is_that_of_the_last_step(shop: Shop) -> None:
    job = await shop.client.start(shop.orders, Order(number=1))
    status = await job.status()
    assert (status.step, status.state, status.attempt) == ("check", Status.QUEUED, 0)
    assert status.is_open
    assert not status.has_succeeded
    await shop.work()
    status = await job.status()
    assert (status.step, status.state, status.outcome) == ("ship", Status.SUCCEEDED, "done")
    assert status.has_succeeded
    assert not status.is_open


async def test_an_unknown_job_is_not_found(shop: Shop) -> None:
    for ask in (shop.client.job("none").status, shop.client.job("none").result):
        with pytest.raises(NotFound, match="there is no job “none”"):
            await ask()


# --- the result


async def test_a_job_without_work_has_no_output(shop: Shop) -> None:
    job = await shop.client.start(shop.orders, Order(number=1, name="nobody"))
    await shop.work()
    assert await job.result() is None


async def test_a_dead_letter_raises_its_error_until_it_is_replayed(shop: Shop) -> None:
    job = await shop.client.start(shop.orders, Order(number=1, name="broken"))
    await shop.work()
    with pytest.raises(JobFailed) as failure:
        await job.result()
    assert str(failure.value) == "job order-1 failed at ship: the box is broken"
    assert failure.value.status.error_class == "permanent"
    await runs.edit(shop.app, shop.database, job.id, {"number": 1, "name": "ann"})
    await shop.work()
    assert await job.result() == Receipt(number=1, text="for ann")


async def test_a_discarded_job_is_cancelled(shop: Shop) -> None:
    job = await shop.client.start(shop.orders, Order(number=1, name="broken"))
    await shop.work()
    await dead_letters.discard(shop.database, Filter(job=job.id), "too old")
    with pytest.raises(JobCancelled, match="job order-1 was cancelled at ship: too old"):
        await job.result()


async def test_a_review_raises_until_it_is_approved(shop: Shop) -> None:
    job = await shop.client.start(shop.orders, Order(number=1, name="review"))
    await shop.work()
    with pytest.raises(JobInReview, match="job order-1 waits for review at check: look at it"):
        await job.result()
    (waiting,) = await queries.review(shop.database, job.id)
    await reviews.decide(shop.app, shop.database, job.id, Approve(waiting["revision"]))
    await shop.work()
    assert await job.result() == Receipt(number=1, text="for review")


async def test_a_result_that_retention_removed_is_gone(shop: Shop) -> None:
    job = await shop.client.start(shop.orders, Order(number=1))
    await shop.work()
    await shop.database.fetch("update runs set output = null, emptied_at = ledger_now()")
    with pytest.raises(ResultGone, match="the result of job order-1 is not kept any more"):
        await job.result()
    assert (await job.status()).has_succeeded


async def test_a_result_that_does_not_fit_the_code_is_refused(shop: Shop) -> None:
    job = await shop.client.start(shop.orders, Order(number=1))
    await shop.work()
    await shop.database.fetch("""update runs set output = '{"number": "x"}' where step = 'ship'""")
    with pytest.raises(InvalidPayload, match="the result of job order-1 does not fit orders: "):
        await job.result()


async def test_a_result_is_waited_for_within_its_timeout(shop: Shop) -> None:
    job = await shop.client.start(shop.orders, Order(number=1))
    with pytest.raises(TimeoutError, match=r"job order-1 has not ended within 0\.05 s"):
        await job.result(timeout=0.05)
    waits = [asyncio.create_task(job.result(timeout=60)) for _ in range(3)]
    await shop.work()
    assert await asyncio.gather(*waits) == [Receipt(number=1, text="for ann")] * 3


async def test_many_waits_share_one_statement(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []
    read = queries.last_runs

    async def last_runs(database: Database, jobs: set[str], **options: Any) -> Any:
        asked.append(set(jobs))
        return await read(database, jobs, **options)

    jobs = [await shop.client.start(shop.orders, Order(number=n)) for n in range(50)]
    monkeypatch.setattr(queries, "last_runs", last_runs)
    waits = [asyncio.create_task(job.result(timeout=60)) for job in jobs]
    await shop.work()
    results = await asyncio.gather(*waits)
    assert [result and result.number for result in results] == list(range(50))
    assert asked[0] == {job.id for job in jobs}


async def test_an_outage_is_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await shop.client.start(shop.orders, Order(number=1))
    await shop.work()
    answers: list[Any] = [LedgerUnavailable("away"), LedgerUnavailable("away")]
    read = queries.last_runs

    async def last_runs(database: Database, jobs: set[str], **options: Any) -> Any:
        if answers:
            raise answers.pop()
        return await read(database, jobs, **options)

    monkeypatch.setattr(queries, "last_runs", last_runs)
    monkeypatch.setattr("overnight.store.database.OUTAGE_PAUSES", (0.0,))
    assert await job.result(timeout=60) == Receipt(number=1, text="for ann")
    assert answers == []


async def test_what_else_is_wrong_goes_to_all_who_wait(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await shop.client.start(shop.orders, Order(number=1))

    async def last_runs(*_: Any, **__: Any) -> Any:
        raise ValueError("a fault")

    monkeypatch.setattr(queries, "last_runs", last_runs)
    waits = [asyncio.create_task(job.result(timeout=60)) for _ in range(2)]
    errors = await asyncio.gather(*waits, return_exceptions=True)
    assert [str(error) for error in errors] == ["a fault"] * 2


def test_a_job_is_asked_about_less_often_the_longer_it_takes() -> None:
    loop = asyncio.new_event_loop()
    waiter = waiting.Waiter("a", loop.create_future(), since=100.0, next=100.0)
    pauses = []
    for now in (100.0, 100.2, 101.0, 150.0):
        waiter.take({"status": "running"}, now)
        pauses.append(round(waiter.next - now, 6))
    assert pauses == [waiting.TICK, 0.05, 0.25, waiting.SLOWEST]
    assert not waiter.future.done()
    loop.close()


# --- the client


async def test_a_client_that_is_not_open_says_so(database: Database) -> None:
    client = Client(shop_app()[0], database.url)
    with pytest.raises(RuntimeError, match="the client is not open"):
        await client.start("orders", {"number": 1})


async def test_who_waits_while_the_client_closes_is_told_so(database: Database) -> None:
    app, orders = shop_app()
    async with Client(app, database.url) as client:
        job = await client.start(orders, Order(number=1))
        wait = asyncio.create_task(job.result())
        await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="the client was closed before the job had ended"):
        await wait
