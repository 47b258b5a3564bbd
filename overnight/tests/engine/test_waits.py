"""An event is given to one run that waits for it, whichever of the two comes first, and in time."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from two_sessions import beside, pinned

from overnight import App, Context, Event, Join, On, Pipeline, Received, Retry, Transient, Wait
from overnight.errors import ConfigError, InvalidPayload, NotFound
from overnight.inbox.messages import receive
from overnight.operations import causes
from overnight.operations import queries as queries_of
from overnight.operations import runs as jobs
from overnight.operations.commands import Emit, Operator
from overnight.operations.retention import Keep, Retention
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Ending, NewRun, Run, Scope, Status, Transition
from overnight.store.sql import queries
from overnight.store.wait_records import NewEvent, NewWait
from overnight.testing import Clock, alerts, run_until_idle, runs

Ctx = Context[Any]
HOUR = 3600.0


class Payment(BaseModel):
    order: int
    euros: float


settled = Event("payment.settled", key=lambda payment: payment.order, payload=Payment)
shout = Event("shout")


class Shop:
    """An order waits for its payment, and notes what it got."""

    def __init__(self) -> None:
        self.seen: list[tuple[Received | None, bool]] = []
        self.failures = 0
        self.order = Pipeline("order", id=lambda number: f"order-{number}", events=[settled])
        self.bank = Pipeline("bank", on=[On("paid")], events=[settled, shout])
        self.app = App("shop", [self.order, self.bank])

        @self.order.step
        async def ask(ctx: Ctx, number: int) -> Wait:
            return Wait("payment.settled", number, timeout=HOUR, value={"number": number})

        @self.order.step(retry=Retry(3, backoff=(5.0,)))
        async def ship(ctx: Ctx, order: dict[str, int]) -> int:
            self.seen.append((ctx.received, ctx.timed_out))
            if ctx.run.failures < self.failures:
                raise Transient("503")
            return order["number"]

        @self.bank.step
        async def settle(ctx: Ctx, number: int) -> None:
            ctx.emit("payment.settled", {"order": number, "euros": 9.5})

    async def start(self, database: Database, number: int = 42) -> str:
        job, _ = await jobs.start(self.app, database, "order", number)
        await run_until_idle(self.app, database, horizon=1)
        return job

    async def pay(self, database: Database, number: int = 42) -> list[str]:
        payment = {"order": number, "euros": 9.5}
        return await jobs.emit(self.app, database, "payment.settled", payment)


async def test_a_step_goes_on_with_the_event_it_waited_for(database: Database) -> None:
    shop = Shop()
    job = await shop.start(database)
    assert shop.seen == []
    assert await shop.pay(database, 41) == []
    assert await shop.pay(database) == [job]
    await run_until_idle(shop.app, database, horizon=1)
    ((received, timed_out),) = shop.seen
    assert received is not None
    assert (received.event, received.key) == ("payment.settled", "42")
    assert (received.payload, timed_out) == (Payment(order=42, euros=9.5), False)
    (_, ship) = await runs(database, job_id=job)
    assert (ship.input, ship.output, ship.attempt) == ({"number": 42}, 42, 1)


async def test_an_event_that_came_before_is_given_to_the_first(
    database: Database,
) -> None:
    shop = Shop()
    await shop.pay(database)
    await shop.start(database)
    assert [received is not None for received, _ in shop.seen] == [True]


async def test_a_time_out_goes_on_without_the_event(database: Database, clock: Clock) -> None:
    shop = Shop()
    await shop.start(database)
    await clock.move(HOUR + 1)
    await run_until_idle(shop.app, database, horizon=1)
    assert shop.seen == [(None, True)]
    assert await shop.pay(database) == []  # the wait is over: it is kept for another one


async def test_an_event_after_the_time_but_before_the_attempt_counts(
    database: Database, clock: Clock
) -> None:
    shop = Shop()
    job = await shop.start(database)
    await clock.move(HOUR + 1)
    assert await shop.pay(database) == [job]
    await run_until_idle(shop.app, database, horizon=1)
    assert [timed_out for _, timed_out in shop.seen] == [False]


async def test_a_retry_finds_the_same_event(database: Database, clock: Clock) -> None:
    shop = Shop()
    shop.failures = 1
    await shop.pay(database)
    await shop.start(database)
    await shop.pay(database)  # it comes while the retry waits, and is none of its business
    await run_until_idle(shop.app, database, clock=clock, horizon=60)
    assert len(shop.seen) == 2
    assert shop.seen[0] == shop.seen[1]


async def test_a_step_may_emit_what_another_one_waits_for(database: Database) -> None:
    shop = Shop()
    await shop.start(database)
    await jobs.emit(shop.app, database, "paid", 42)
    await run_until_idle(shop.app, database, horizon=1)
    assert [received is not None for received, _ in shop.seen] == [True]


async def test_a_webhook_that_comes_twice_gives_one_event(database: Database) -> None:
    shop = Shop()
    body = json.dumps({"order": 42, "euros": 1}).encode()
    for _ in range(2):
        await receive(
            shop.app, database, body, source="webhook", key="k1", target="event:payment.settled"
        )
    assert len(await database.fetch("select * from events")) == 1


async def test_a_payload_that_does_not_fit_is_refused(database: Database) -> None:
    shop = Shop()
    with pytest.raises(InvalidPayload, match=r"does not fit the event payment.settled: euros"):
        await jobs.emit(shop.app, database, "payment.settled", {"order": 1})
    with pytest.raises(InvalidPayload, match="at most 200 characters"):
        Event("e", key=lambda value: "k" * 201).new(1)
    with pytest.raises(NotFound):
        await jobs.emit(shop.app, database, "payment.lost", {})
    received = await receive(
        shop.app, database, b'{"order": 1}', source="webhook", target="event:payment.settled"
    )
    assert received.letter is not None
    assert await database.fetch("select * from events") == []


def refused(case: str) -> App:
    p = Pipeline("p", events=[shout])
    waits = {"event": "shout", "key": "", "timeout": 1.0}
    odd = {"unknown": {"event": "shut"}, "never": {"timeout": 0}, "long key": {"key": "k" * 201}}

    @p.step
    async def one(ctx: Ctx, value: int) -> Any:
        if case == "two":
            ctx.spawn("p", value + 1)
        return Wait(**{**waits, **odd.get(case, {})})

    if case != "last":

        @p.step(join=Join(1) if case == "two" else None)
        async def two(ctx: Ctx, value: Any) -> None: ...

    return App("a", [p])


@pytest.mark.parametrize(
    "case, why",
    [
        ("last", "one is the last step, so no other one could wait"),
        ("unknown", "the app declares no event “shut”; there are: shout"),
        ("never", "Wait takes a timeout in seconds, more than 0"),
        ("two", "two joins jobs, so it cannot wait for the event shout too"),
        ("long key", "the key of an event has at most 200 characters"),
    ],
)
async def test_a_wait_that_cannot_be_is_a_dead_letter(
    database: Database, case: str, why: str
) -> None:
    app = refused(case)
    await jobs.start(app, database, "p", 1)
    await run_until_idle(app, database, horizon=1)
    (run,) = await runs(database)
    assert run.status == "dead"
    assert (run.error or "").startswith(why)


def test_an_event_is_declared_once() -> None:
    one, other = Event("e"), Event("e", payload=int)
    assert App("a", [Pipeline("p", events=[one]), Pipeline("q", events=[one])]).events == {"e": one}
    with pytest.raises(ConfigError, match="the event e is declared twice"):
        App("a", [Pipeline("p", events=[one]), Pipeline("q", events=[other])])


async def test_kept_events_go_with_the_payloads(database: Database, clock: Clock) -> None:
    shop = Shop()
    await shop.pay(database, 1)
    await shop.pay(database)
    await shop.start(database)
    app = App("shop", shop.app.pipelines.values(), extensions=[Retention(Keep(payloads=30))])
    await clock.move(timedelta(days=29).total_seconds())
    await run_until_idle(app, database, horizon=1)
    assert len(await database.fetch("select * from events")) == 2
    await clock.move(timedelta(days=2).total_seconds())
    await database.fetch(queries["prune"], {"batch": 100})
    await database.fetch(queries["prune"], {"batch": 100})
    assert await database.fetch("select * from events") == []
    assert await alerts(database) == []


# --- two at once

DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)
SCOPE = Scope(["p/one", "p/two"])


async def claimed(ledger: Ledger, count: int) -> list[Run]:
    """So many jobs, in the hands of a worker."""
    await ledger.enqueue([NewRun(f"j{n}", "one", "p", "", "{}", "h") for n in range(count)])
    claim = await ledger.claim(SCOPE, "w", 99, 60)
    return sorted(claim.runs, key=lambda run: run.job_id)


def waiting(run: Run) -> Ending:
    """A step whose next one waits for the event `e` of the key `k`."""
    follow = NewRun(run.job_id, "two", "p", "", None, None, delay=HOUR, origin="wait")
    return Ending(run, DONE, "1", next=[follow], wait=NewWait("two", "e", "k"))


def emitting(run: Run) -> Ending:
    return Ending(run, DONE, "1", events=[NewEvent("e", "k", "7")])


async def given(database: Database) -> list[str | None]:
    """The job that each event was given to; whoever has one is due."""
    rows = await database.fetch(
        "select r.job_id, r.due_at <= ledger_now() as due, w.fulfilled_at is not null as told"
        " from events e left join runs r on r.id = e.run_id left join waits w on w.run_id = r.id"
        " order by e.id"
    )
    assert all(row["job_id"] is None or (row["due"] and row["told"]) for row in rows)
    return [row["job_id"] for row in rows]


MEETINGS = {
    "an event and a wait": ("ew", ["j1"]),
    "a wait and an event": ("we", ["j0"]),
    "two events and a wait": ("wee", ["j0", None]),
    "two waits and an event": ("eww", ["j1"]),
    "two waits and two events": ("wwee", ["j0", "j1"]),
}


@pytest.mark.parametrize("case", MEETINGS)
async def test_of_all_that_meet_each_event_is_given_once(database: Database, case: str) -> None:
    """The last two at once; those before one after the other."""
    kinds, expected = MEETINGS[case]
    ledger = Ledger(database)
    attempts = await claimed(ledger, len(kinds))
    acts = [
        {"w": waiting, "e": emitting}[kind](run) for kind, run in zip(kinds, attempts, strict=True)
    ]
    for act in acts[:-2]:
        await ledger.finish([act], "w")
    async with await database.connect() as first, await database.connect() as second:
        await first.execute("begin")
        await pinned(first).finish([acts[-2]], "w")
        await beside(database, first, second, pinned(second).finish([acts[-1]], "w"))
    assert await given(database) == expected


async def test_events_and_waits_of_one_statement_meet(database: Database) -> None:
    ledger = Ledger(database)
    one, two, three = await claimed(ledger, 3)
    await ledger.finish([emitting(one), waiting(two), waiting(three)], "w")
    assert await given(database) == ["j1"]


@pytest.mark.parametrize("others", [0, 1])
async def test_an_event_and_a_time_out_at_once_begin_it_once(
    database: Database, clock: Clock, others: int
) -> None:
    """The event goes to the next that waits, or is kept."""
    ledger = Ledger(database)
    sender, *waits = await claimed(ledger, 2 + others)
    await ledger.finish([waiting(waits[0])], "w")
    await clock.move(HOUR + 1)
    for run in waits[1:]:
        await ledger.finish([waiting(run)], "w")
    async with await database.connect() as first, await database.connect() as second:
        await first.execute("begin")
        assert len((await pinned(first).claim(Scope(["p/two"]), "w", 9, 60)).runs) == 1
        end = pinned(second).finish([emitting(sender)], "w")
        await beside(database, first, second, end)
    assert await given(database) == (["j2"] if others else [None])


async def test_a_cancelled_wait_takes_no_event(database: Database) -> None:
    ledger = Ledger(database)
    sender, run = await claimed(ledger, 2)
    await ledger.finish([waiting(run)], "w")
    await jobs.cancel(database, "j1", "no", by="ada")
    await ledger.finish([emitting(sender)], "w")
    assert await given(database) == [None]


async def test_an_event_of_a_late_owner_is_not_kept(database: Database) -> None:
    ledger = Ledger(database)
    (sender,) = await claimed(ledger, 1)
    await database.fetch("update runs set attempt = 2")
    await ledger.finish([emitting(sender)], "w")
    assert await given(database) == []


async def test_an_ending_that_is_sent_again_keeps_one_event(database: Database) -> None:
    ledger = Ledger(database)
    (sender,) = await claimed(ledger, 1)
    for _ in range(3):
        await ledger.finish([emitting(sender)], "w")
    assert await given(database) == [None]


# --- what people see


async def test_a_job_says_which_event_it_waits_for(database: Database) -> None:
    shop = Shop()
    job = await shop.start(database)
    cause = causes.of_job(await queries_of.job(database, job), shop.app)
    assert cause is not None
    assert cause.what.startswith("ship waits for payment.settled 42, until 20")


async def test_the_command_says_that_an_event_is_kept(database: Database) -> None:
    shop = Shop()
    at = Operator(shop.app, database, "ada")
    emit = Emit(event="payment.settled", payload={"order": 42, "euros": 1})
    assert (await emit.do(at)).text == "kept: the next job that waits for it goes on"
    job = await shop.start(database, 43)
    emit = Emit(event="payment.settled", payload={"order": 43, "euros": 1})
    assert (await emit.do(at)).text == f"queued: {job}"
    noted = await database.fetch("select verb, target, by from actions order by id")
    assert noted == [{"verb": "emit", "target": "payment.settled", "by": "ada"}] * 2
