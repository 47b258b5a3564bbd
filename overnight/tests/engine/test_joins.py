"""A step that joins begins when the jobs of the step before have ended, once, and in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from pydantic import BaseModel
from two_sessions import beside, pinned

from overnight import App, Cancel, Child, Context, Join, NoWork, On, Pipeline, Review
from overnight.errors import ConfigError
from overnight.operations import causes, dead_letters, queries, reviews
from overnight.operations import runs as jobs
from overnight.operations.decisions import Approve, Reject
from overnight.operations.filters import Filter
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Ending, NewRun, Run, Scope, Status, Transition
from overnight.store.wait_records import NewWait
from overnight.testing import Clock, run_until_idle, runs

Ctx = Context[Any]
HOUR = 3600.0


class Site(BaseModel):
    """What becomes of its check is in its name."""

    name: str


class Report(BaseModel):
    name: str
    pages: int


class Survey:
    """An app whose `split` spawns a check of each site, which `collect` joins."""

    def __init__(self, join: Join = Join(HOUR)) -> None:  # noqa: B008  frozen
        self.broken = True
        self.seen: list[tuple[Sequence[Child], bool]] = []
        self.survey = Pipeline("survey", id=lambda sites: "survey-" + "-".join(sites))
        self.check = Pipeline("check", id=lambda site: f"check-{site.name}")
        self.app = App("surveys", [self.survey, self.check])

        @self.survey.step
        async def split(ctx: Ctx, sites: list[str]) -> int:
            for site in sites:
                ctx.spawn("check", Site(name=site))
            return len(sites)

        @self.survey.step(join=join)
        async def collect(ctx: Ctx, count: int) -> list[str]:
            self.seen.append((list(ctx.children), ctx.timed_out))
            return [
                child.load(Report).name
                for child in ctx.children
                if child.succeeded and child.output
            ]

        @self.check.step
        async def read(ctx: Ctx, site: Site) -> Site | NoWork | Review | Cancel:
            if site.name.startswith("dead") and self.broken:
                raise ValueError("no such site")
            if site.name.startswith("none"):
                return NoWork("no pages")
            if site.name.startswith("odd"):
                return Review(["odd"], site)
            return Cancel("gone") if site.name.startswith("gone") else site

        @self.check.step
        async def count(ctx: Ctx, site: Site) -> Report:
            return Report(name=site.name, pages=len(site.name))

    async def start(self, database: Database, *sites: str) -> str:
        job, _ = await jobs.start(self.app, database, "survey", list(sites))
        return job

    async def work(self, database: Database, clock: Clock | None = None) -> list[Ending]:
        return await run_until_idle(self.app, database, clock=clock, horizon=60 if clock else 1)

    @property
    def statuses(self) -> list[str]:
        return [child.status for child in self.seen[-1][0]]


async def step_of(database: Database, job: str, step: str = "collect") -> Any:
    (run,) = [run for run in await runs(database, job_id=job) if run.step == step]
    return run


async def test_it_begins_when_all_children_have_ended(database: Database) -> None:
    survey = Survey()
    job = await survey.start(database, "c", "a", "none", "b", "gone")
    await survey.work(database)
    ((children, timed_out),) = survey.seen
    assert [child.job_id for child in children] == [
        f"check-{n}" for n in ["c", "a", "none", "b", "gone"]
    ]
    assert [child.succeeded for child in children] == [True, True, True, True, False]
    assert children[0].output == {"name": "c", "pages": 1}
    assert (children[4].status, children[4].error, timed_out) == ("cancelled", "gone", False)
    run = await step_of(database, job)
    assert (run.input, run.output, run.attempt) == (5, ["c", "a", "b"], 1)


async def test_without_children_it_begins_at_once(database: Database) -> None:
    survey = Survey()
    await survey.start(database)
    await survey.work(database)
    assert survey.seen == [([], False)]


@pytest.mark.parametrize("needs, count", [("first", 1), (1, 1), (2, 2), (3, 3), (9, 3), ("all", 3)])
async def test_it_needs_so_many_children_and_no_more(
    database: Database, needs: Any, count: int
) -> None:
    survey = Survey(Join(HOUR, needs=needs))
    sites = [f"s{n}" if n < count - 1 else f"odd{n}" for n in range(3)]
    await survey.start(database, *sites)
    await survey.work(database)
    assert survey.seen == []
    (waiting, *_) = await queries.review(database)
    approve = Approve(waiting["revision"])
    await reviews.decide(survey.app, database, waiting["job_id"], approve, by="ada")
    await survey.work(database)
    ((children, timed_out),) = survey.seen
    assert sum(child.succeeded for child in children) == count
    assert (len(children), timed_out) == (3, False)


async def test_after_its_time_it_begins_with_what_there_is(
    database: Database, clock: Clock
) -> None:
    survey = Survey()
    job = await survey.start(database, "a", "odd")
    await survey.work(database)
    assert survey.seen == []
    await clock.move(HOUR - 20)
    assert await survey.work(database) == []
    await clock.move(21)
    await survey.work(database)
    assert (survey.statuses, survey.seen[-1][1]) == (["succeeded", "needs_review"], True)
    assert (await step_of(database, job)).output == ["a"]


async def test_a_dead_child_is_waited_for_until_it_is_mended(
    database: Database, clock: Clock
) -> None:
    survey = Survey(Join(HOUR, dead="wait"))
    await survey.start(database, "a", "dead")
    await survey.work(database)
    assert survey.seen == []
    survey.broken = False
    await dead_letters.replay(survey.app, database, Filter(pipeline="check"), by="ada")
    await survey.work(database)
    assert survey.statuses == ["succeeded", "succeeded"]


async def test_a_dead_child_that_is_skipped_counts_once(database: Database) -> None:
    survey = Survey(Join(HOUR, dead="skip"))
    await survey.start(database, "dead", "odd")
    await survey.work(database)
    await dead_letters.replay(survey.app, database, Filter(pipeline="check"), by="ada")
    await survey.work(database)  # it dies again, and the other one still waits for a person
    assert survey.seen == []
    (waiting,) = await queries.review(database)
    reject = Reject(waiting["revision"], "no")
    await reviews.decide(survey.app, database, "check-odd", reject, by="ada")
    await survey.work(database)
    assert (survey.statuses, survey.seen[-1][1]) == (["dead", "cancelled"], False)


async def test_by_a_dead_child_it_fails_and_goes_on_by_a_replay(
    database: Database, clock: Clock
) -> None:
    survey = Survey(Join(HOUR, dead="fail"))
    job = await survey.start(database, "a", "dead", "odd")
    await survey.work(database)
    run = await step_of(database, job)
    assert (run.status, survey.seen) == ("dead", [])
    assert run.error == "job check-dead of check is a dead letter: ValueError: no such site"
    survey.broken = False
    await dead_letters.replay(survey.app, database, Filter(pipeline="check"), by="ada")
    await dead_letters.replay(survey.app, database, Filter(job=job), by="ada")
    await survey.work(database)  # replayed too early: one child still waits for a person
    assert ((await step_of(database, job)).outcome, survey.seen) == ("snooze", [])
    (waiting,) = await queries.review(database)
    await reviews.decide(survey.app, database, "check-odd", Approve(waiting["revision"]), by="ada")
    await survey.work(database, clock)
    assert survey.statuses == ["succeeded"] * 3


async def test_joins_nest(database: Database) -> None:
    survey = Survey()
    surveys = Pipeline("surveys")
    seen: list[Any] = []

    @surveys.step
    async def split(ctx: Ctx, names: list[list[str]]) -> None:
        for each in names:
            ctx.spawn("survey", each)

    @surveys.step(join=Join(HOUR))
    async def collect(ctx: Ctx, _: None) -> None:
        seen.extend(child.output for child in ctx.children)

    app = App("surveys", [surveys, *survey.app.pipelines.values()])
    await jobs.start(app, database, "surveys", [["a", "b"], [], ["c", "none"]])
    await run_until_idle(app, database, horizon=60)
    assert seen == [["a", "b"], [], ["c"]]


async def test_jobs_of_an_emitted_event_are_no_children(database: Database) -> None:
    seen: list[Any] = []
    p, q = Pipeline("p"), Pipeline("q", on=[On("came")])

    @p.step
    async def split(ctx: Ctx, value: int) -> None:
        ctx.emit("came", 1)
        ctx.spawn("q", 2)
        ctx.spawn("q", 2)

    @p.step(join=Join(HOUR))
    async def collect(ctx: Ctx, _: None) -> None:
        seen.extend(child.output for child in ctx.children)

    @q.step
    async def one(ctx: Ctx, value: int) -> int:
        return value

    app = App("a", [p, q])
    await jobs.start(app, database, "p", 1)
    await run_until_idle(app, database, horizon=60)
    assert seen == [2]


@pytest.mark.parametrize(
    "terms",
    [{"timeout": 0}, {"timeout": 1, "needs": 0}, {"timeout": 1, "needs": "some"},
     {"timeout": 1, "dead": "bury"}, {"timeout": 1e12}],
)  # fmt: skip
def test_a_join_that_cannot_be_is_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Join(**terms)


def test_the_first_step_joins_nothing() -> None:
    with pytest.raises(ConfigError, match="one cannot join: it is the first"):

        @Pipeline("p").step(join=Join(1))
        async def one(ctx: Ctx, value: int) -> None: ...


# --- people and joins


async def test_a_join_that_is_cancelled_begins_no_more(database: Database, clock: Clock) -> None:
    survey = Survey()
    job = await survey.start(database, "odd")
    await survey.work(database)
    await jobs.cancel(database, job, "enough", by="ada")
    await clock.move(2 * HOUR)
    await survey.work(database)
    assert (survey.seen, (await step_of(database, job)).status) == ([], "cancelled")


async def test_an_edit_of_a_waiting_join_leaves_its_time(database: Database) -> None:
    survey = Survey()
    job = await survey.start(database, "odd")
    await survey.work(database)
    before = await step_of(database, job)
    await jobs.edit(survey.app, database, job, 7, by="ada")
    after = await step_of(database, job)
    assert (after.input, after.due_at, after.status) == (7, before.due_at, "queued")


# --- whatever ends a child, the join hears of it, once

DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)
ENDINGS = {
    "done": DONE,
    "no work": Transition(Status.SUCCEEDED, "no_work"),
    "cancelled": Transition(Status.CANCELLED, "cancel", "no more"),
    "dead": Transition(Status.DEAD, "error", "404", "permanent", failed=True),
}
GOES_ON = {
    "a retry": Transition(Status.QUEUED, "retry", "502", "transient", failed=True),
    "a snooze": Transition(Status.QUEUED, "snooze", delay=60.0),
    "a review": Transition(Status.NEEDS_REVIEW, "review", "look"),
}
SCOPE = Scope(["p/one", "p/two", "p/join"])


def new(job_id: str, step: str = "one", **terms: Any) -> NewRun:
    return NewRun(job_id, step, "p", "", "{}", "h", **terms)


def split(run: Run, *children: str, needs: int | None = None, dead: str = "skip") -> Ending:
    """An ending that begins these jobs, and a step that joins them."""
    follow = NewRun(run.job_id, "join", "p", "", None, None, delay=HOUR, origin="join")
    wait = NewWait("join", None, None, needs, dead, children)
    return Ending(run, DONE, "1", next=[follow, *map(new, children)], wait=wait)


async def claimed(ledger: Ledger, *jobs: str) -> list[Run]:
    """These jobs, in the hands of a worker."""
    claim = await ledger.claim(SCOPE, "w", 99, 60)
    return [next(run for run in claim.runs if run.job_id == job) for job in jobs]


async def joining(ledger: Ledger, *children: str, **terms: Any) -> list[Run]:
    """A join of these children, each in the hands of a worker."""
    await ledger.enqueue([new("parent")])
    (parent,) = await claimed(ledger, "parent")
    await ledger.finish([split(parent, *children, **terms)], "w")
    return await claimed(ledger, *children)


async def is_due(database: Database) -> bool:
    (row,) = await database.fetch(
        "select r.due_at <= ledger_now() as due, w.fulfilled_at is not null as told"
        " from runs r left join waits w on w.run_id = r.id"
        " where r.step = 'join' and r.job_id = 'parent'"
    )
    assert row["due"] == row["told"]
    return bool(row["due"])


@pytest.mark.parametrize("how", ENDINGS)
async def test_each_ending_of_a_worker_counts(database: Database, how: str) -> None:
    ledger = Ledger(database)
    one, two = await joining(ledger, "a", "b")
    await ledger.finish([Ending(one, ENDINGS[how], "1")], "w")
    assert not await is_due(database)
    await ledger.finish([Ending(two, ENDINGS[how], "1")], "w")
    assert await is_due(database)


@pytest.mark.parametrize("how", GOES_ON)
async def test_what_goes_on_has_not_ended(database: Database, how: str) -> None:
    ledger = Ledger(database)
    (child,) = await joining(ledger, "a")
    await ledger.finish([Ending(child, GOES_ON[how], "1")], "w")
    assert not await is_due(database)


async def test_a_child_ends_with_its_last_step(database: Database) -> None:
    ledger = Ledger(database)
    (child,) = await joining(ledger, "a")
    follow = NewRun("a", "two", "p", "", None, None)
    finish = await ledger.finish(
        [Ending(child, DONE, "1", next=[follow])], "w", eager={(child.id, 1)}, lease=60
    )
    assert not await is_due(database)
    await ledger.finish([Ending(finish.begun[0], DONE, "1")], "w")
    assert await is_due(database)


DEBOUNCED = "insert into runs (job_id, step, pipeline, debounce) values ('later', 'one', 'p', 'd')"


async def put_in_review(database: Database, ledger: Ledger, child: Run) -> str:
    await ledger.finish([Ending(child, GOES_ON["a review"], "1")], "w")
    (waiting,) = await queries.review(database)
    return str(waiting["revision"])


async def approve(database: Database, ledger: Ledger, child: Run) -> None:
    decision = Approve(await put_in_review(database, ledger, child))
    await reviews.decide(app(), database, "a", decision, by="ada")


async def reject(database: Database, ledger: Ledger, child: Run) -> None:
    decision = Reject(await put_in_review(database, ledger, child), "no")
    await reviews.decide(app(), database, "a", decision, by="ada")


async def cancel(database: Database, ledger: Ledger, child: Run) -> None:
    await ledger.finish([Ending(child, GOES_ON["a snooze"])], "w")
    await jobs.cancel(database, "a", "no", by="ada")


async def discard(database: Database, ledger: Ledger, child: Run) -> None:
    await ledger.finish([Ending(child, ENDINGS["dead"])], "w")
    assert not await is_due(database)
    await dead_letters.discard(database, Filter(job="a"), "no", by="ada")


async def write_around(database: Database, ledger: Ledger, child: Run) -> None:
    await ledger.finish([Ending(child, GOES_ON["a retry"])], "w")
    await database.fetch("update runs set status = 'cancelled' where job_id = 'a'")


async def replace_it(database: Database, ledger: Ledger, child: Run) -> None:
    """By a later event, as a debounced run that waits."""
    await database.fetch("update runs set debounce = 'd', status = 'queued' where job_id = 'a'")
    await database.fetch("update runs set attempt = 0 where job_id = 'a'")
    await database.fetch(f"{DEBOUNCED} on conflict (job_id, step) do nothing")


async def replace_it_by_what_has_ended(database: Database, ledger: Ledger, child: Run) -> None:
    await database.fetch(
        "insert into runs (job_id, step, pipeline, status) "
        "values ('later', 'one', 'p', 'succeeded')"
    )
    await replace_it(database, ledger, child)


async def lose_it(database: Database, ledger: Ledger, child: Run) -> None:
    """To a worker that dies once too often."""
    await database.fetch(
        "update runs set losses = 4, lease_until = ledger_now() where job_id = 'a'"
    )
    await ledger.rescue("v", max_losses=5, settle=1.0)


def app() -> App:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: Any) -> Any: ...

    return App("a", [p])


OTHERS: dict[str, tuple[Callable[[Database, Ledger, Run], Awaitable[None]], str]] = {
    "approve": (approve, "wait"),
    "reject": (reject, "wait"),
    "cancel": (cancel, "wait"),
    "discard": (discard, "wait"),
    "plain SQL": (write_around, "wait"),
    "a later event": (replace_it, "wait"),
    "a later event whose job has ended": (replace_it_by_what_has_ended, "wait"),
    "a rescue": (lose_it, "skip"),
}


@pytest.mark.parametrize("how", OTHERS)
async def test_whatever_else_ends_a_child_counts(database: Database, how: str) -> None:
    ledger, (act, dead) = Ledger(database), OTHERS[how]
    (child,) = await joining(ledger, "a", dead=dead)
    await act(database, ledger, child)
    assert await is_due(database)


async def test_an_approval_that_goes_on_ends_no_child(database: Database) -> None:
    ledger = Ledger(database)
    (child,) = await joining(ledger, "a")
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: Any) -> Any: ...

    @p.step
    async def two(ctx: Ctx, value: Any) -> Any: ...

    revision = await put_in_review(database, ledger, child)
    await reviews.decide(App("a", [p]), database, "a", Approve(revision), by="ada")
    assert not await is_due(database)


async def test_an_ending_that_is_sent_again_counts_once(database: Database) -> None:
    ledger = Ledger(database)
    one, _, _ = await joining(ledger, "a", "b", "c", needs=2)
    for _ in range(3):
        await ledger.finish([Ending(one, DONE, "1")], "w")
    assert not await is_due(database)


async def test_a_late_owner_joins_nothing(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.enqueue([new("parent")])
    (parent,) = await claimed(ledger, "parent")
    await database.fetch("update runs set attempt = 2 where job_id = 'parent'")
    await ledger.finish([split(parent, "a")], "w")
    assert (
        await database.fetch("select run_id from waits union all select run_id from wait_jobs")
        == []
    )


# --- two at once


@pytest.mark.parametrize("needs", [None, 2])
async def test_of_two_last_children_at_once_one_sees_the_other(
    database: Database, needs: int | None
) -> None:
    ledger = Ledger(database)
    one, two = await joining(ledger, "a", "b", needs=needs)
    async with await database.connect() as first, await database.connect() as second:
        await first.execute("begin")
        await pinned(first).finish([Ending(one, DONE, "1")], "w")
        end = pinned(second).finish([Ending(two, DONE, "1")], "w")
        await beside(database, first, second, end)
    assert await is_due(database)


async def test_of_two_ending_runs_of_one_child_one_sees_the_other(
    database: Database,
) -> None:
    ledger = Ledger(database)
    (one,) = await joining(ledger, "a")
    await ledger.enqueue([new("a", "two")])
    (two,) = await claimed(ledger, "a")
    async with await database.connect() as first, await database.connect() as second:
        await first.execute("begin")
        await pinned(first).finish([Ending(one, DONE, "1")], "w")
        end = pinned(second).finish([Ending(two, DONE, "1")], "w")
        await beside(database, first, second, end)
    assert await is_due(database)


async def adopting(ledger: Ledger) -> tuple[Run, Run]:
    """A parent and the job `a`, which exists before the join takes it as its child."""
    await ledger.enqueue([new("parent"), new("a")])
    parent, child = await claimed(ledger, "parent", "a")
    return parent, child


@pytest.mark.parametrize("first_is", ["the join", "the child"])
@pytest.mark.parametrize("how", ["done", "cancelled", "dead"])
async def test_a_child_that_ends_while_its_join_is_written_counts(
    database: Database, first_is: str, how: str
) -> None:
    ledger = Ledger(database)
    parent, child = await adopting(ledger)
    writes = [split(parent, "a")], [Ending(child, ENDINGS[how], "1")]
    async with await database.connect() as first, await database.connect() as second:
        await first.execute("begin")
        await pinned(first).finish(writes[first_is == "the child"], "w")
        await beside(
            database, first, second, pinned(second).finish(writes[first_is == "the join"], "w")
        )
    assert await is_due(database)


@pytest.mark.parametrize("first_is", ["the join", "the child"])
async def test_a_step_that_follows_while_the_join_is_written_counts(
    database: Database, first_is: str
) -> None:
    ledger = Ledger(database)
    parent, child = await adopting(ledger)
    follow = NewRun("a", "two", "p", "", None, None)
    writes = [split(parent, "a")], [Ending(child, DONE, "1", next=[follow])]
    async with await database.connect() as first, await database.connect() as second:
        await first.execute("begin")
        await pinned(first).finish(writes[first_is == "the child"], "w")
        await beside(
            database, first, second, pinned(second).finish(writes[first_is == "the join"], "w")
        )
    assert not await is_due(database)
    (run,) = await claimed(ledger, "a")
    await ledger.finish([Ending(run, DONE, "1")], "w")
    assert await is_due(database)


async def test_a_second_step_is_held_until_its_join_is_written(database: Database) -> None:
    """The first step ends before the join sees it; the second one is locked by the join."""
    ledger = Ledger(database)
    parent, child = await adopting(ledger)
    follow = NewRun("a", "two", "p", "", None, None)
    async with (
        await database.connect() as one,
        await database.connect() as join,
        await database.connect() as two,
    ):
        await one.execute("begin")
        await pinned(one).finish([Ending(child, DONE, "1", next=[follow])], "w")
        await join.execute("begin")
        await beside(database, one, join, pinned(join).finish([split(parent, "a")], "w"))
        assert await claimed(ledger) == []  # the join has locked it, so nobody claims it
        await join.execute("commit")
        (run,) = await claimed(pinned(two), "a")
        await pinned(two).finish([Ending(run, DONE, "1")], "w")
    assert await is_due(database)


@pytest.mark.parametrize("how", ["done", "cancelled", "dead"])
async def test_a_child_that_had_ended_before_counts(database: Database, how: str) -> None:
    ledger = Ledger(database)
    parent, child = await adopting(ledger)
    await ledger.finish([Ending(child, ENDINGS[how], "1")], "w")
    await ledger.finish([split(parent, "a")], "w")
    assert await is_due(database)


async def test_a_child_that_ends_in_the_statement_of_its_join_counts(database: Database) -> None:
    ledger = Ledger(database)
    parent, child = await adopting(ledger)
    await ledger.finish([split(parent, "a"), Ending(child, DONE, "1")], "w")
    assert await is_due(database)


async def test_two_joins_may_share_a_child(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.enqueue([new("parent"), new("other")])
    parent, other = await claimed(ledger, "parent", "other")
    await ledger.finish([split(parent, "a"), split(other, "a", "b")], "w")
    one, two = await claimed(ledger, "a", "b")
    for child, fulfilled in ((one, [False, True]), (two, [True, True])):  # of other, of parent
        await ledger.finish([Ending(child, DONE, "1")], "w")
        rows = await database.fetch("select fulfilled_at from waits order by run_id")
        assert [row["fulfilled_at"] is not None for row in rows] == fulfilled


async def test_an_end_and_a_time_out_at_once_begin_it_once(
    database: Database, clock: Clock
) -> None:
    ledger = Ledger(database)
    (child,) = await joining(ledger, "a")
    await clock.move(HOUR + 1)
    async with await database.connect() as first, await database.connect() as second:
        await first.execute("begin")
        assert len((await pinned(first).claim(Scope(["p/join"]), "w", 9, 60)).runs) == 1
        end = pinned(second).finish([Ending(child, DONE, "1")], "w")
        await beside(database, first, second, end)
    (run,) = [run for run in await runs(database, job_id="parent") if run.step == "join"]
    assert (run.status, run.attempt) == ("running", 1)
    assert await database.fetch("select fulfilled_at, missing from waits") == [
        {"fulfilled_at": None, "missing": 0}
    ]


# --- what people see


async def test_the_children_of_a_job_are_listed_by_page(database: Database) -> None:
    survey = Survey()
    job = await survey.start(database, "c", "odd", "dead", "a")
    await survey.work(database)
    first = await queries.children(database, job, limit=3)
    assert [(row["job_id"], row["status"], row["ended"]) for row in first] == [
        ("check-c", "succeeded", True),
        ("check-odd", "needs_review", False),
        ("check-dead", "dead", False),
    ]
    last = first[-1]["run_id"], first[-1]["position"]
    (row,) = await queries.children(database, job, limit=3, before=last)
    assert (row["job_id"], row["joined_by"], row["step"]) == ("check-a", "collect", "count")
    assert await queries.children(database, "check-a") == []


async def test_a_job_says_how_many_children_it_waits_for(database: Database) -> None:
    survey = Survey()
    job = await survey.start(database, "a", "odd", "dead")
    await survey.work(database)
    cause = causes.of_job(await queries.job(database, job), survey.app)
    assert cause is not None
    assert (cause.level, cause.what.partition(", until")[0]) == (
        "well",
        "collect waits for 2 of 3 jobs",
    )
