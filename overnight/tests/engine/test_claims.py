"""What holds a claim back or hurries it: priorities, limits, breakers; several workers at once
included.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from overnight import App, Context, Limit, Pipeline, Retry, Review, Transient
from overnight.engine.worker import Worker
from overnight.errors import ConfigError, Permanent
from overnight.operations import breakers
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Ending, NewRun, Run, Scope, Status, Transition
from overnight.testing import Clock, run_until_idle

Ctx = Context[Any]
DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def new(
    job_id: str, key: str = "", step: str = "one", priority: int = 0, delay: float = 0.0
) -> NewRun:
    return NewRun(job_id, step, "p", key, "{}", "h", delay, priority)


def scope(*, breaker: str | None = None, limits: tuple[Limit, ...] = ()) -> Scope:
    """Steps `p/one`, guarded so, and `p/two`, which nothing guards."""
    p = Pipeline("p")

    @p.step(breaker=breaker, limits=limits)
    async def one(ctx: Ctx, value: Any) -> None: ...

    @p.step
    async def two(ctx: Ctx, value: Any) -> None: ...

    return App("app", [p]).scope()


async def claimed(ledger: Ledger, what: Scope, limit: int = 99, worker: str = "w") -> list[Run]:
    return (await ledger.claim(what, worker, limit, 60)).runs


async def finish(ledger: Ledger, runs: list[Run]) -> None:
    await ledger.finish([Ending(run, DONE) for run in runs], "w")


async def test_claims_go_by_priority_and_then_by_age(ledger: Ledger) -> None:
    for job, priority in (("low", -5), ("first", 0), ("second", 0), ("high", 9), ("highest", 10)):
        await ledger.enqueue([new(job, priority=priority)])
    await ledger.enqueue([new("later", priority=99, delay=60)])
    order = []
    while runs := await claimed(ledger, scope(), 1):
        order.append(runs[0].job_id)
    assert order == ["highest", "high", "first", "second", "low"]


async def test_a_step_that_follows_has_the_priority_of_its_job(database: Database) -> None:
    p = Pipeline("p", priority=3)

    @p.step
    async def one(ctx: Ctx, value: int) -> int:
        return value

    @p.step
    async def two(ctx: Ctx, value: int) -> int:
        return value

    app = App("app", [p])
    await Ledger(database).enqueue([p.job(1), p.job(2, priority=7)])
    await run_until_idle(app, database)
    found = await database.fetch("select priority, count(*) from runs group by 1 order by 1")
    assert [tuple(row.values()) for row in found] == [(3, 2), (7, 2)]


async def test_a_concurrency_limit_holds_for_its_step_alone(ledger: Ledger) -> None:
    limited = scope(limits=(Limit(at_once=2),))
    await ledger.enqueue(
        [new(f"j{n}") for n in range(5)] + [new(f"k{n}", step="two") for n in range(3)]
    )
    first = await claimed(ledger, limited)
    assert Counter(run.step for run in first) == {"one": 2, "two": 3}
    assert await claimed(ledger, limited, worker="other") == []
    await finish(ledger, [run for run in first if run.step == "one"][:1])
    assert len(await claimed(ledger, limited)) == 1


async def test_a_limit_for_each_key_holds_each_key_alone(ledger: Ledger) -> None:
    limited = scope(limits=(Limit.each_key(at_once=1),))
    await ledger.enqueue(
        [new(f"{key}{n}", key) for key in ("garden", "kitchen", "") for n in range(3)]
    )
    first = await claimed(ledger, limited)
    assert sorted(run.key for run in first) == ["", "garden", "kitchen"]
    await finish(ledger, [run for run in first if run.key == "garden"])
    assert [run.key for run in await claimed(ledger, limited)] == ["garden"]


async def test_steps_that_name_the_same_limit_share_it(ledger: Ledger) -> None:
    p = Pipeline("p")

    @p.step(limits=[Limit("upstream", at_once=3)])
    async def one(ctx: Ctx, value: Any) -> None: ...

    @p.step(limits=[Limit("upstream", at_once=3)])
    async def two(ctx: Ctx, value: Any) -> None: ...

    await ledger.enqueue(
        [new(f"j{n}") for n in range(4)] + [new(f"k{n}", step="two") for n in range(4)]
    )
    shared = App("app", [p]).scope()
    assert len(await claimed(ledger, shared)) == 3
    assert await claimed(ledger, shared) == []


async def test_a_full_limit_does_not_stop_the_runs_behind_it(ledger: Ledger) -> None:
    limited = scope(limits=(Limit.each_key(at_once=1),))
    await ledger.enqueue([new(f"garden{n:03}", "garden") for n in range(200)])
    await ledger.enqueue([new("kitchen", "kitchen")])
    taken: list[str] = []
    while runs := await claimed(ledger, limited, 10):
        taken += [run.key for run in runs]
    assert sorted(taken) == ["garden", "kitchen"]


async def test_a_rate_limit_holds_in_every_window_of_its_length(
    ledger: Ledger, clock: Clock
) -> None:
    limited = scope(limits=(Limit(starts=3, per=60),))
    await ledger.enqueue([new(f"j{n}") for n in range(20)])
    starts: list[datetime] = []
    for _ in range(40):
        runs = await claimed(ledger, limited, 2)
        starts += [await clock.now()] * len(runs)
        await finish(ledger, runs)  # that they end makes no room: starts are counted
        await clock.move(7)
    assert len(starts) == 15  # 3 in each of the five minutes begun in 40 times 7 seconds
    assert all(
        (later - earlier).total_seconds() > 60
        for earlier, later in zip(starts, starts[3:], strict=False)
    )


@pytest.mark.parametrize(
    "limit", [Limit(at_once=3), Limit(starts=3, per=3600), Limit.each_key(at_once=1)]
)
async def test_many_workers_together_never_pass_a_limit(
    server_url: str, database: Database, limit: Limit
) -> None:
    ledger = Ledger(database)
    await ledger.enqueue([new(f"{key}{n}", key) for key in ("a", "b", "c") for n in range(30)])
    limited = scope(limits=(limit,))
    for _ in range(5):
        got = await asyncio.gather(*(claimed(ledger, limited, 2, f"w{n}") for n in range(4)))
        running = await database.fetch(
            "select key, count(*) from runs where status = 'running' group by key"
        )
        assert sum(row["count"] for row in running) <= 3
        if "{key}" in limit.name:
            assert all(row["count"] == 1 for row in running)
        if limit.at_once:
            await finish(ledger, [run for runs in got for run in runs])
    left = await database.one("select count(*) as queued from runs where status = 'queued'")
    assert left is not None and left["queued"] < 90  # and they got on


async def test_held_by_a_limit_a_claim_says_poll_and_by_a_breaker_when(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([new("a"), new("b")])
    limited = scope(limits=(Limit(at_once=1),))
    assert len((await ledger.claim(limited, "w", 9, 60)).runs) == 1
    assert (await ledger.claim(limited, "w", 9, 60)).next_due == 0
    await database.fetch(
        "insert into breakers (name, key, open_until) values ('cms', '', ledger_now() + "
        "interval '500 s')"
    )
    held = await ledger.claim(scope(breaker="cms"), "w", 9, 60)
    assert held.runs == []
    assert held.next_due == pytest.approx(500, abs=30)


class Site:
    """An upstream that is up or down, with a pipeline that leans on it."""

    def __init__(self, database: Database, clock: Clock, breaker: str = "cms {key}") -> None:
        self.down, self.calls, self.clock, self.database = True, Counter[str](), clock, database
        self.pipeline = Pipeline("p", key=lambda value: value["site"])

        @self.pipeline.step(breaker=breaker, retry=Retry(1, jitter=0))
        async def call(ctx: Ctx, value: dict[str, Any]) -> str | Review:
            self.calls[ctx.run.key] += 1
            if self.down and ctx.run.key == "bad":
                raise Transient("502 Bad Gateway")
            return "ok"

        self.app = App("app", [self.pipeline])

    async def start(self, site: str, count: int) -> None:
        await Ledger(self.database).enqueue(
            [self.pipeline.job({"site": site, "n": n}) for n in range(count)]
        )

    async def work(self, seconds: float = 0) -> None:
        """Work off what is due at once; then let time pass."""
        await Worker(self.app, self.database).run(until_idle=True, horizon=0)
        await self.clock.move(seconds)

    async def breaker(self) -> dict[str, Any]:
        row = await self.database.one("select * from breakers where name = 'cms bad'")
        assert row is not None
        return row

    async def failures(self) -> int:
        row = await self.database.one("select coalesce(sum(failures), 0) as failures from runs")
        assert row is not None
        return int(row["failures"])


async def test_an_open_breaker_costs_no_attempts_and_a_probe_closes_it(
    database: Database, clock: Clock
) -> None:
    site = Site(database, clock)
    await site.start("bad", 40)
    await site.work()
    burnt, called = await site.failures(), site.calls["bad"]
    assert (await site.breaker())[
        "failures"
    ] == 5  # the fifth opened it; what was under way beside it counts no more
    for _ in range(9):
        await site.work(60)  # open for ten minutes: nothing of it starts
    assert (await site.failures(), site.calls["bad"]) == (burnt, called)
    await site.start("good", 3)
    await site.work()
    assert site.calls["good"] == 3  # another site has a breaker of its own

    await clock.move(61)
    await site.work()
    assert site.calls["bad"] == called + 1  # half-open: a single probe, which failed
    await site.work(600)
    assert site.calls["bad"] == called + 1

    site.down = False
    await clock.move(1)
    await site.work()  # the next probe is well, and all the rest follows
    assert (await site.breaker())["open_until"] is None
    assert (
        await database.fetch("select 1 from runs where status <> 'succeeded' and failures < 2")
        == []
    )
    alerts = await database.fetch(
        "select subject, count, resolved_at from alerts where kind = 'breaker'"
    )
    assert [(a["subject"], a["count"], a["resolved_at"] is not None) for a in alerts] == [
        ("cms bad", 2, True)
    ]


async def test_many_workers_let_a_single_probe_through(database: Database, clock: Clock) -> None:
    ledger = Ledger(database)
    await ledger.enqueue([new(f"j{n}") for n in range(50)])
    await database.fetch(
        "insert into breakers (name, key, open_until) values ('cms', '', ledger_now())"
    )
    guarded = scope(breaker="cms")
    got = await asyncio.gather(*(claimed(ledger, guarded, 9, f"w{n}") for n in range(4)))
    (probe,) = [run for runs in got for run in runs]
    row = await database.one("select probe_run, open_until > ledger_now() as open from breakers")
    assert row == {"probe_run": probe.id, "open": True}


async def test_a_probe_whose_worker_died_is_followed_by_another_one(
    database: Database, clock: Clock
) -> None:
    ledger = Ledger(database)
    await ledger.enqueue([new(f"j{n}") for n in range(5)])
    await database.fetch(
        "insert into breakers (name, key, open_until) values ('cms', '', ledger_now())"
    )
    guarded = scope(breaker="cms")
    assert len(await claimed(ledger, guarded)) == 1
    await clock.move(601)
    assert await claimed(ledger, guarded) == []  # for all that is known it still runs
    await ledger.rescue("other", max_losses=5, settle=0)
    assert len(await claimed(ledger, guarded)) == 1


async def test_a_breaker_and_a_limit_can_have_the_same_name(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([new(f"j{n}") for n in range(5)])
    both = scope(breaker="cms", limits=(Limit("cms", at_once=2),))
    assert len(await claimed(ledger, both)) == 2
    await database.fetch(
        "insert into breakers (name, key, open_until) values ('cms', '', ledger_now() + "
        "interval '9 min')"
    )
    await database.fetch("update runs set status = 'succeeded' where status = 'running'")
    assert await claimed(ledger, both) == []


async def test_a_person_closes_a_breaker_and_it_is_written_down(
    database: Database, clock: Clock
) -> None:
    site = Site(database, clock)
    await site.start("bad", 5)
    await site.work()
    site.down = False
    await breakers.close(database, "cms bad", reason="the host is back", by="ada")
    await clock.move(5)
    await site.work()
    assert [r["status"] for r in await database.fetch("select status from runs")] == [
        "succeeded"
    ] * 5
    (deed,) = await database.fetch("select verb, target, reason, by from actions")
    assert deed == {"verb": "close", "target": "cms bad", "reason": "the host is back", "by": "ada"}


async def test_errors_not_of_the_upstream_do_not_open_its_breaker(
    database: Database, clock: Clock
) -> None:
    p = Pipeline("p")

    @p.step(breaker="cms")
    async def call(ctx: Ctx, value: int) -> None: ...

    runs = [NewRun(f"j{n}", "call", "p", "", '"no number"', "h") for n in range(9)]
    await Ledger(database).enqueue(runs)
    await run_until_idle(App("app", [p]), database)
    assert (
        await database.fetch("select 1 from runs where status = 'dead' and error_class = 'payload'")
        != []
    )
    assert await database.fetch("select 1 from breakers where open_until is not null") == []


async def test_permanent_errors_in_a_row_open_a_breaker_too(
    database: Database, clock: Clock
) -> None:
    p = Pipeline("p")

    @p.step(breaker="cms")
    async def call(ctx: Ctx, value: int) -> None:
        raise Permanent("401 the key was revoked")

    await Ledger(database).enqueue([p.job(n) for n in range(200)])
    await Worker(App("app", [p]), database, concurrency=5).run(until_idle=True, horizon=0)
    (found,) = await database.fetch("select count(*) from runs where status = 'dead'")
    assert found["count"] < 50  # what was claimed until the breaker was written


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Limit(),
        lambda: Limit(at_once=0),
        lambda: Limit(starts=0),
        lambda: Limit(starts=1001),
        lambda: Limit(starts=1, per=0),
        lambda: scope(limits=(Limit(at_once=1), Limit(starts=1))),
        lambda: Pipeline("a/b"),
    ],
)
def test_a_guard_that_makes_no_sense_is_refused_when_defined(wrong: Any) -> None:
    with pytest.raises(ConfigError):
        wrong()


async def test_a_used_up_rate_limit_says_when_it_has_room_again(
    ledger: Ledger, clock: Clock
) -> None:
    limited = scope(limits=(Limit(starts=2, per=3600),))
    await ledger.enqueue([new(f"j{n}") for n in range(5)])
    assert len(await claimed(ledger, limited)) == 2
    await clock.move(600)
    held = await ledger.claim(limited, "w", 9, 60)
    assert (held.runs, held.next_due) == ([], pytest.approx(3000, abs=30))
    await clock.move(held.next_due or 0)
    assert len(await claimed(ledger, limited)) == 2
