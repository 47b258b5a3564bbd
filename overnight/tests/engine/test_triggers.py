"""Debounced events and deadlines on a real Postgres, with a clock that is moved."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from overnight import App, Context, Debounce, On, Pipeline, Retry, Transient
from overnight.engine.worker import Worker
from overnight.errors import ConfigError, NotFound
from overnight.operations import dead_letters, runs
from overnight.operations.filters import Filter
from overnight.pipelines.lookups import debounces
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.testing import Clock, run_until_idle

Ctx = Context[Any]


class Edits:
    """Pages are edited; each page is published some time after the last edit, with what it was
    then.
    """

    def __init__(self, database: Database, clock: Clock, wait: Debounce) -> None:
        self.published: list[tuple[str, int]] = []
        self.database, self.clock = database, clock
        publish = Pipeline(
            "publish", on=[On("edited", debounce=wait)], key=lambda page: page["page"]
        )

        @publish.step
        async def write(ctx: Ctx, page: dict[str, Any]) -> None:
            self.published.append((page["page"], page["revision"]))

        edit = Pipeline("edit")

        @edit.step
        async def save(ctx: Ctx, page: dict[str, Any]) -> None:
            ctx.emit("edited", page)

        self.app = App("app", [publish, edit])

    async def edit(self, page: str, revision: int, *, wait: float = 0) -> None:
        await Ledger(self.database).enqueue(
            [self.app.pipeline("edit").job({"page": page, "revision": revision})]
        )
        await self.work()
        await self.clock.move(wait)

    async def work(self) -> None:
        await Worker(self.app, self.database).run(until_idle=True, horizon=0)


async def test_debounced_events_become_one_job_with_the_latest_input(
    database: Database, clock: Clock
) -> None:
    edits = Edits(database, clock, Debounce(90))
    for revision in range(5):
        await edits.edit("roses", revision, wait=80)
    assert edits.published == []
    await clock.move(11)
    await edits.work()
    assert edits.published == [("roses", 4)]


async def test_each_key_waits_for_itself(database: Database, clock: Clock) -> None:
    edits = Edits(database, clock, Debounce(90))
    await edits.edit("roses", 1, wait=60)
    await edits.edit("beans", 1, wait=31)
    await edits.work()
    assert edits.published == [("roses", 1)]


async def test_a_busy_key_still_fires_after_the_maximum_wait(
    database: Database, clock: Clock
) -> None:
    edits = Edits(database, clock, Debounce(90, at_most=200))
    for revision in range(4):
        await edits.edit("roses", revision, wait=60)
    await edits.work()
    assert edits.published == [("roses", 3)]  # 240 s after the first edit, 60 s after the last


async def test_an_event_that_comes_after_the_start_is_a_job_of_its_own(
    database: Database, clock: Clock
) -> None:
    edits = Edits(database, clock, Debounce(90))
    await edits.edit("roses", 1, wait=91)
    await edits.work()
    await edits.edit("roses", 2, wait=91)
    await edits.work()
    assert edits.published == [("roses", 1), ("roses", 2)]


async def test_many_events_of_one_key_at_once_are_one_job(database: Database, clock: Clock) -> None:
    edits = Edits(database, clock, Debounce(90))
    jobs = [
        next(edits.app.pipeline("publish").jobs_for("edited", {"page": "roses", "revision": n}))
        for n in range(20)
    ]
    await asyncio.gather(*(Ledger(database).enqueue([job]) for job in jobs))
    found = await database.fetch(
        "select key, origin, extract(epoch from due_at - created_at)::int as wait from runs"
    )
    assert found == [{"key": "roses", "origin": "event edited", "wait": 90}]


async def test_the_same_event_twice_restarts_the_wait_and_is_done_once(
    database: Database, clock: Clock
) -> None:
    edits = Edits(database, clock, Debounce(90))
    (job,) = edits.app.jobs_for("edited", {"page": "roses", "revision": 1})
    for _ in range(3):
        await Ledger(database).enqueue([job])
        await clock.move(60)
    assert len(await database.fetch("select 1 from runs where due_at > ledger_now()")) == 1
    await clock.move(31)
    await edits.work()
    await Ledger(database).enqueue([job])  # it has run: the id says that this very work is done
    await clock.move(91)
    await edits.work()
    assert edits.published == [("roses", 1)]


@pytest.mark.parametrize("wrong", [lambda: Debounce(-1), lambda: Debounce(90, at_most=60)])
def test_a_wait_that_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError):
        wrong()


def hopeful(deadline: float) -> tuple[App, list[int]]:
    """A job whose second step never succeeds."""
    p, calls = Pipeline("p", deadline=deadline), []

    @p.step
    async def first(ctx: Ctx, value: int) -> int:
        return value

    @p.step(retry=Retry(99, backoff=(30,), jitter=0))
    async def second(ctx: Ctx, value: int) -> None:
        calls.append(value)
        raise Transient("503")

    return App("app", [p]), calls


async def test_a_deadline_is_the_whole_jobs_and_ends_its_retries(
    database: Database, clock: Clock
) -> None:
    app, calls = hopeful(deadline=100)
    await Ledger(database).enqueue([app.pipeline("p").job(1)])
    await run_until_idle(app, database, clock=clock)
    assert len(calls) == 4  # at 0, 30, 60 and 90 s; the next one would come too late
    (letter,) = await database.fetch("select step, error, error_class from dead_letters")
    assert letter["error"] == "503; the deadline of the job leaves no time to try again"


async def test_no_attempt_begins_after_the_deadline(database: Database, clock: Clock) -> None:
    app, calls = hopeful(deadline=100)
    await Ledger(database).enqueue([app.pipeline("p").job(1)])
    await clock.move(101)
    await run_until_idle(app, database, clock=clock)
    assert calls == []
    (letter,) = await database.fetch("select step, error_class from dead_letters")
    assert letter == {"step": "first", "error_class": "deadline"}


@pytest.mark.parametrize("again", ["replay", "edit"])
async def test_a_person_may_start_again_what_its_deadline_ended(
    database: Database, clock: Clock, again: str
) -> None:
    app, calls = hopeful(deadline=100)
    job = app.pipeline("p").job(1)
    await Ledger(database).enqueue([job])
    await clock.move(101)
    await run_until_idle(app, database, clock=clock, horizon=0)
    if again == "replay":
        await dead_letters.replay(None, database, Filter(job=job.job_id))
    else:
        await runs.edit(app, database, job.job_id, 1)
    await Worker(app, database).run(until_idle=True, horizon=0)
    assert calls == [1]


async def test_an_attempt_running_at_the_deadline_is_ended(database: Database) -> None:
    p = Pipeline("p", deadline=1)

    @p.step(timeout=60)
    async def slow(ctx: Ctx, value: int) -> None:
        await asyncio.sleep(60)

    await Ledger(database).enqueue([p.job(1)])
    await run_until_idle(App("app", [p]), database)
    (letter,) = await database.fetch("select error from dead_letters")
    assert "took longer than" in letter["error"]


async def test_a_job_replaced_by_a_later_event_leads_to_its_successor(
    database: Database, clock: Clock
) -> None:
    edits = Edits(database, clock, Debounce(90))
    told = [
        job
        for revision in range(3)
        for job in await runs.emit(
            edits.app, database, "edited", {"page": "roses", "revision": revision}
        )
    ]
    rows = await database.fetch("select job_id from runs")
    assert [row["job_id"] for row in rows] == told[2:]
    assert await runs.find_job(database, told[2]) == told[2]
    for earlier in told[:2]:
        for look in (
            runs.find_job(database, earlier[:8]),
            runs.cancel(database, earlier, "no"),
        ):
            with pytest.raises(
                NotFound,
                match=f"took the place of job {earlier} while it waited: see job {told[2]}",
            ):
                await look
    # Edited back: the first one stands again.
    assert (
        await runs.emit(edits.app, database, "edited", {"page": "roses", "revision": 0}) == told[:1]
    )
    assert await runs.find_job(database, told[0]) == told[0]
    with pytest.raises(NotFound, match=f"see job {told[0]}"):
        await runs.find_job(database, told[2])


async def test_the_last_of_a_steps_events_counts_and_returns_its_id(
    database: Database, clock: Clock
) -> None:
    p, q, answers = (
        Pipeline("p"),
        Pipeline("q", on=[On("edited", debounce=Debounce(90))], key=lambda v: v["page"]),
        [],
    )

    @p.step
    async def save(ctx: Ctx, value: int) -> None:
        for revision in range(8):
            answers.append(ctx.emit("edited", {"page": "roses", "revision": revision}))
        answers.append(ctx.emit("edited", {"page": "lilies", "revision": 0}))
        assert ctx.emit("nobody listens", 1) == []

    @q.step
    async def write(ctx: Ctx, value: Any) -> None: ...

    await Ledger(database).enqueue([p.job(1)])
    await Worker(App("app", [p, q]), database).run(until_idle=True, horizon=0)
    rows = await database.fetch(
        "select job_id, input from runs where pipeline = 'q' order by input->>'page' desc"
    )
    assert [(row["job_id"], row["input"]["revision"]) for row in rows] == [
        (answers[7][0], 7),
        (answers[8][0], 0),
    ]


async def test_how_long_a_job_of_an_event_may_be_replaced_is_said(
    database: Database, clock: Clock
) -> None:
    edits = Edits(database, clock, Debounce(90))
    assert (debounces(edits.app, "edited"), debounces(edits.app, "other")) == (90, 0)


@pytest.mark.parametrize("event", ["edit", "unheard"])
async def test_an_event_without_listeners_is_refused_with_known_events(
    database: Database, clock: Clock, event: str
) -> None:
    edits = Edits(database, clock, Debounce(90))
    with pytest.raises(NotFound, match=f"listens to “{event}”; there are: edited"):
        await runs.emit(edits.app, database, event, {"page": "roses", "revision": 0})
