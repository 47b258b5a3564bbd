"""The page of a job shows the jobs that its steps join as one tree."""

from __future__ import annotations

import re

import pytest
from console_night import Open

from overnight import App, Context, Join, Permanent, Pipeline
from overnight.console.pages.common import ROWS
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.contract

Ctx = Context[None]
survey, check = Pipeline("survey"), Pipeline("check", id=lambda n: f"child-{n}")


@check.step
async def look(ctx: Ctx, number: int) -> int:
    if number == 1:
        raise Permanent("<b>site one</b> answers nothing")
    return number


@survey.step
async def split(ctx: Ctx, count: int) -> int:
    for number in range(count):
        ctx.spawn("check", number)
    return count


@survey.step(join=Join(timeout=3600, dead="wait"))
async def collect(ctx: Ctx, count: int) -> int:
    return len(ctx.children)


APP = App("survey", [survey, check])


def children(page: str) -> list[str]:
    """The ids of the jobs that are listed as joined, in their order."""
    return re.findall(r'href="/jobs/(child-\d+)"', page)


async def test_a_waiting_join_shows_its_jobs_and_what_is_missing(
    database: Database, clock: Clock, opened: Open
) -> None:
    job, _ = await runs.start(APP, database, "survey", 3)
    await run_until_idle(APP, database, horizon=60)
    async with opened(APP) as client:
        page = (await client.get(f"/jobs/{job}")).text
    assert children(page) == ["child-0", "child-1", "child-2"]
    assert "collect waits for 1 of 3 jobs, until" in page
    assert "&lt;b&gt;site one&lt;/b&gt; answers nothing" in page


async def test_many_joined_jobs_come_by_pages(
    database: Database, clock: Clock, opened: Open
) -> None:
    job, _ = await runs.start(APP, database, "survey", 2 * ROWS)
    await run_until_idle(APP, database, horizon=60)
    async with opened(APP) as client:
        first = (await client.get(f"/jobs/{job}")).text
        (more,) = re.findall(r'href="(/jobs/[^"]+\?children=[^"]+)"', first)
        second = (await client.get(more)).text
        wrong = await client.get(f"/jobs/{job}?children=nonsense")
    listed = children(first) + children(second)
    assert listed == [f"child-{number}" for number in range(2 * ROWS)]
    assert wrong.status_code == 200


async def test_a_job_that_joins_nothing_lists_no_jobs(
    database: Database, clock: Clock, opened: Open
) -> None:
    job, _ = await runs.start(APP, database, "check", 7)
    await run_until_idle(APP, database, horizon=60)
    async with opened(APP) as client:
        page = (await client.get(f"/jobs/{job}")).text
    assert "Jobs that" not in page
