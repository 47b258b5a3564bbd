"""The pages of Operations say first what hinders, why it failed, and what to press."""

from __future__ import annotations

import re
from collections.abc import Sequence

import console_night as night
import httpx2
import pytest
from console_night import Open, csrf

from overnight import App
from overnight.operations import failures, queries
from overnight.store.database import Database
from overnight.titles import Titles

pytestmark = pytest.mark.contract

TITLE = f"A title {night.HOSTILE}"


async def bury(database: Database, number: int) -> str:
    """A failed job whose error has a number."""
    job = f"failed{number}"
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, attempt, failures, error, "
        "error_class, input, finished_at) values (%(job)s, 'check', 'order', 'ada', 'dead', 1, 1, "
        "%(error)s, 'transient', '{}', ledger_now())",
        {"job": job, "error": f"item {number} is locked"},
    )
    return job


def titled(app: App) -> App:
    async def read(database: Database, jobs: Sequence[str]) -> dict[str, str]:
        return dict.fromkeys(jobs, TITLE)

    return App(app.name, app.pipelines.values(), extensions=[Titles(read)])


async def test_the_list_has_one_row_for_each_job(
    client: httpx2.AsyncClient, database: Database
) -> None:
    page = (await client.get("/runs")).text
    (row,) = await database.fetch("select count(distinct job_id) as jobs from runs")
    assert page.count("<tr>") - 1 == row["jobs"]
    first = await client.get("/runs", params={"status": "succeeded"})
    assert 'class="mark succeeded"' in first.text
    waiting = await client.get("/runs", params={"status": "needs_review"})
    assert 'class="mark later"' in waiting.text


async def test_the_page_of_a_failed_job_begins_with_its_cause(
    client: httpx2.AsyncClient, database: Database
) -> None:
    (row,) = await queries.dead(database)
    page = (await client.get(f"/jobs/{row['job_id']}")).text
    cause, steps = page.index("check failed after 1 attempt"), page.index("<h2>Steps</h2>")
    assert cause < page.index("no such article") < page.index('action="/do/replay"') < steps
    assert "Correct its cause or edit the input" in page


async def test_equal_failures_are_one_group_with_one_retry(
    client: httpx2.AsyncClient, database: Database
) -> None:
    jobs = [await bury(database, number) for number in (1, 22, 333)]
    (group,) = (row for row in (await failures.read(database)).groups if row["jobs"][0] in jobs)
    for path in ("/", "/dead"):
        page = (await client.get(path)).text
        assert "Retry all 3" in page
        assert f'name="group" value="{group["group"]}"' in page
    one_by_one = (await client.get("/dead", params={"group": group["group"]})).text
    assert all(f'href="/jobs/{job}"' in one_by_one for job in jobs)
    form = {"csrf": await csrf(client), "back": "/dead", "group": group["group"]}
    answer = await client.post("/do/replay", data=form)
    assert "3+failed+jobs+started+again" in answer.headers["location"]
    assert [row["step"] for row in await queries.dead(database)] == ["check"]


async def test_the_home_page_shows_each_incident_with_its_button(
    client: httpx2.AsyncClient,
) -> None:
    page = (await client.get("/")).text
    for what, button in (
        ("customer:ben is paused", "/do/resume"),
        ("The breaker shop ada is open", "/do/close-breaker"),
    ):
        assert re.search(rf'{what}.*?action="{button}"', page, re.S)
    assert "No worker is running" in page
    status = (await client.get("/api/status")).json()
    assert {row["kind"] for row in status["incidents"]} >= {"worker", "pause", "breaker"}


async def test_a_job_is_called_by_its_title_on_every_page(
    app: App, opened: Open, database: Database
) -> None:
    job = (await queries.dead(database))[0]["job_id"]
    waiting = (await queries.review(database))[0]["job_id"]
    async with opened(titled(app)) as client:
        paths = ["/", "/runs", "/dead", "/review", "/effects", "/alerts", f"/jobs/{job}"]
        for path in (*paths, f"/review/{waiting}"):
            page = (await client.get(path)).text
            assert "A title &lt;script&gt;" in page, path
            assert "<script>" not in page, path
        listed = (await client.get("/api/jobs")).json()["rows"]
        assert {row["title"] for row in listed} == {TITLE}


@pytest.mark.parametrize("address", ["/dead?at=x&before=5", "/dead?before=0&at=1h", "/dead?at=1h"])
async def test_an_address_that_nobody_wrote_is_a_page_or_a_refusal(
    client: httpx2.AsyncClient, address: str
) -> None:
    assert (await client.get(address)).status_code in (200, 400)


async def test_older_groups_are_a_page_further(
    client: httpx2.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        await bury(database, number)
    monkeypatch.setattr(failures, "LOOKED", 2)
    page = (await client.get("/dead")).text
    older = re.search(r'href="(/dead\?[^"]*before=[^"]*)"', page)
    assert older is not None
    assert "Retry all 2" in page
    second = (await client.get(older[1].replace("&amp;", "&"))).text
    assert "Retry all 2" in second
