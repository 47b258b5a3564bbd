"""Failed jobs with equal errors: what is equal, what stays apart, and one replay for a group."""

from __future__ import annotations

from typing import Any

import pytest

from overnight import App, Context, Permanent, Pipeline
from overnight.inbox import messages
from overnight.operations import dead_letters, failures, runs
from overnight.operations.filters import Filter
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.titles import Titles

EQUAL = [
    ("item 17 is missing", "item 9 is missing"),
    ("job_12 was lost", "job_3456 was lost"),
    ("3f2a91b0c4d25566 is gone", "0000a1b2c3d4e5f6 is gone"),
    (
        "row 6f9619ff-8b86-d011-b42d-00c04fc964ff is locked",
        "row abcdabcd-abcd-abcd-abcd-abcdabcdabcd is locked",
    ),
    ("due 2026-11-30T04:00:00Z", "due 2026-12-01T17:30:12Z"),
    ("connect 10.0.0.1:443 refused", "connect 192.168.10.77:8443 refused"),
    ("no page “garden”", "no page “a long name / of it”"),
    ("GET https://cms.example/a?x=1 failed", "GET https://cms.example/b/c/d failed"),
    ("took 1.5 s", "took 12,000.25 s"),
    ("it   broke\nhere", "it broke here"),
    ("a" * 300 + " one", "a" * 300 + " two"),
    ("HTTP 503 of item 1", "HTTP 503 of item 22"),
]
APART = [
    ("the shop answers 404", "the shop answers 503"),
    ("HTTP/1.1 502 Bad Gateway", "HTTP/1.1 504 Gateway Timeout"),
    ("HTTP 500", "HTTP 501"),
    ("status: 401", "status: 403"),
    ("502 Bad", "500 Bad"),
    ("KeyError: 'title'", "KeyError: 'url'"),
    ("GET https://a.example/x failed", "GET https://b.example/x failed"),
    ("it broke", "it Broke"),
    ("", "it broke"),
]


async def shape(database: Database, error: str) -> str:
    rows = await database.fetch("select error_shape(%s) as shape", [error])
    return str(rows[0]["shape"])


@pytest.mark.parametrize(("one", "other"), EQUAL)
async def test_errors_are_equal_that_differ_in_numbers_ids_and_names(
    database: Database, one: str, other: str
) -> None:
    assert await shape(database, one) == await shape(database, other)


@pytest.mark.parametrize(("one", "other"), APART)
async def test_errors_of_two_causes_stay_apart(database: Database, one: str, other: str) -> None:
    assert await shape(database, one) != await shape(database, other)


def shop() -> App:
    """A step that fails for odd numbers, and another one with the same error."""
    order, letter = Pipeline("order"), Pipeline("letter")

    @order.step
    async def book(ctx: Context[Any], number: int) -> int:
        if number % 2:
            raise Permanent(f"order {number} is odd")
        return number

    @letter.step
    async def write(ctx: Context[Any], number: int) -> int:
        raise Permanent(f"order {number} is odd")

    async def read(database: Database, jobs: Any) -> dict[str, str]:
        return {jobs[0]: "The first one"}

    return App("shop", [order, letter], extensions=[Titles(read)])


async def fail(app: App, database: Database, clock: Clock) -> dict[str, list[str]]:
    """Three orders that fail, and a letter; the ids of the jobs by pipeline, oldest first."""
    jobs: dict[str, list[str]] = {"order": [], "letter": []}
    for pipeline, number in (("order", 1), ("order", 3), ("letter", 1), ("order", 5)):
        job, _ = await runs.start(app, database, pipeline, number)
        jobs[pipeline].append(job)
        await run_until_idle(app, database, clock=clock)
        await clock.move(60)
    return jobs


async def test_a_group_has_what_its_failed_jobs_have_in_common(
    database: Database, clock: Clock
) -> None:
    app = shop()
    jobs = await fail(app, database, clock)
    await database.fetch("update runs set cost_usd = 0.25, key = 'ada' where pipeline = 'order'")
    found = await failures.read(database, app)
    orders, letters = found.groups
    assert (orders["pipeline"], orders["step"], orders["count"]) == ("order", "book", 3)
    assert (orders["error"], orders["error_class"]) == ("order 5 is odd", "permanent")
    assert (float(orders["cost_usd"]), orders["keys"]) == (0.75, ["ada"])
    assert orders["jobs"] == jobs["order"][::-1]
    assert orders["titles"] == {jobs["order"][2]: "The first one"}
    assert orders["first_at"] < orders["last_at"]
    assert "edit the input" in orders["advice"]
    assert (letters["jobs"], letters["count"]) == (jobs["letter"], 1)
    assert (found.count, found.next) == (4, None)


async def test_a_group_is_replayed_or_discarded_and_no_other_job(
    database: Database, clock: Clock
) -> None:
    app = shop()
    jobs = await fail(app, database, clock)
    orders, letters = (await failures.read(database)).groups
    done = await dead_letters.replay(app, database, Filter(group=orders["group"]), by="ada")
    assert (done.count, {row["job_id"] for row in done.first}) == (3, set(jobs["order"]))
    (left,) = (await failures.read(database)).groups
    assert left["jobs"] == jobs["letter"]
    await dead_letters.discard(database, Filter(group=letters["group"]), "odd", by="ada")
    assert (await failures.read(database)).groups == []
    assert (await dead_letters.replay(app, database, Filter(group="0" * 12))).count == 0


async def test_messages_with_equal_faults_are_one_group(database: Database) -> None:
    app = shop()
    for body in (b"[]", b"[ ]", b"no JSON"):
        await messages.receive(app, database, body, source="webhook")
    groups = (await failures.read(database, app)).groups
    assert {(row["kind"], row["origin"]) for row in groups} == {("message", "webhook")}
    assert sorted(row["count"] for row in groups) == [1, 2]
    twice = next(row for row in groups if row["count"] == 2)
    assert sorted(twice["jobs"]) == ["m1", "m2"]
    done = await dead_letters.discard(database, Filter(group=twice["group"]), "spam")
    assert done.count == 2


async def test_older_failed_jobs_are_on_the_next_page(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = await fail(shop(), database, clock)
    monkeypatch.setattr(failures, "LOOKED", 2)
    first = await failures.read(database)
    assert {job for row in first.groups for job in row["jobs"]} == {
        jobs["order"][2],
        jobs["letter"][0],
    }
    second = await failures.read(database, before=first.next)
    assert [(row["count"], row["jobs"]) for row in second.groups] == [(2, jobs["order"][1::-1])]
    last = await failures.read(database, before=second.next)
    assert (last.groups, last.next) == ([], None)


async def test_groups_are_of_the_jobs_that_match_alone(database: Database, clock: Clock) -> None:
    jobs = await fail(shop(), database, clock)
    for matching, expected in (
        (Filter(pipeline="letter"), jobs["letter"]),
        (Filter(job=jobs["order"][0]), jobs["order"][:1]),
        (Filter(error="order 3"), jobs["order"][1:2]),
        (Filter(pipeline="nothing"), []),
    ):
        groups = (await failures.read(database, None, matching)).groups
        assert [job for row in groups for job in row["jobs"]] == expected
