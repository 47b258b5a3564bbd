"""What the pages show and what the buttons do, each in the name of who pressed it."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

import console_night as night
import httpx2
import pytest
from console_night import Open, csrf

from overnight.console import pages
from overnight.console.live import Live
from overnight.operations import actors, queries
from overnight.operations.commands import OPERATIONS
from overnight.operations.filters import Filter
from overnight.pipelines.triggers import Skipped
from overnight.store.database import Database
from overnight.store.schedules import Schedules

pytestmark = pytest.mark.contract

LISTS = [page.path for page in pages.PAGES if "{" not in page.path]


async def press(client: httpx2.AsyncClient, verb: str, **form: str) -> str:
    """Press a button; what is said of it."""
    answer = await client.post(
        f"/do/{verb}", data={"csrf": await csrf(client), "back": "/dead", **form}
    )
    said = parse_qs(urlsplit(answer.headers["location"]).query)
    return said.get("done", said.get("refused", [""]))[0]


async def job_of(database: Database, status: str) -> str:
    rows = await database.fetch("select job_id from runs where status = %s order by id", [status])
    return str(rows[0]["job_id"])


@pytest.mark.parametrize("path", LISTS)
async def test_every_page_shows_the_night_and_runs_none_of_its_texts(
    client: httpx2.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "<img" not in answer.text


@pytest.mark.parametrize("path", LISTS)
async def test_every_page_of_an_empty_ledger_teaches(opened: Open, path: str) -> None:
    app = night.make_app()
    async with opened(app) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert 'class="empty"' in answer.text or path == "/schedules"


async def test_every_job_has_a_page_with_what_is_known_of_it(
    client: httpx2.AsyncClient, database: Database
) -> None:
    for row in await database.fetch("select distinct job_id from runs"):
        answer = await client.get(f"/jobs/{row['job_id']}")
        assert answer.status_code == 200
        assert "<script>" not in answer.text
    retried = await job_of_customer_two(database)
    page = (await client.get(f"/jobs/{retried}")).text
    assert page.count('<p class="why">the shop answers 502 Bad Gateway') == 2
    assert page.count("<summary>Log and traceback</summary>") == 2
    assert page.count(" info asking the shop what=&lt;script&gt;") == 2
    assert "https://shop.example/orders/2" in page
    assert "<svg" in page


async def test_a_call_shows_its_prompt_and_answer_and_runs_neither(
    client: httpx2.AsyncClient, database: Database
) -> None:
    (run,) = await database.fetch("select min(id) as id from runs")
    await database.fetch(
        "insert into llm_texts (run_id, sha256, text) values (%(run)s, '\\x0a', %(text)s)",
        {"run": run["id"], "text": f"Write. {night.HOSTILE}"},
    )
    (call,) = await database.fetch(
        "insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, model, "
        "request_hash, status, answer, request) values (%(run)s, 'job', 'write', 'letter', '', 1, "
        "'anthropic', 'opus', 'h', 'stored', %(text)s, %(request)s) returning id",
        {
            "run": run["id"],
            "text": night.HOSTILE,
            "request": '{"max_tokens": 9, "texts": {"prompt": "0a"}}',
        },
    )
    page = (await client.get(f"/calls/{call['id']}")).text
    assert page.count("&lt;script&gt;document.title") == 2
    assert "<script>" not in page and "<img" not in page
    assert (await client.get("/calls/99999999")).status_code == 404
    told = (await client.get(f"/api/calls/{call['id']}")).json()
    assert told["texts"] == {"prompt": f"Write. {night.HOSTILE}"}


async def job_of_customer_two(database: Database) -> str:
    rows = await database.fetch("select job_id from runs where step = 'check' and failures = 2")
    return str(rows[0]["job_id"])


async def test_a_job_is_found_by_its_first_digits(
    client: httpx2.AsyncClient, database: Database
) -> None:
    job = await job_of(database, "dead")
    answer = await client.get("/runs", params={"job": job[:9]})
    assert answer.headers["location"] == f"/jobs/{job}"
    assert (await client.get("/jobs/0000000000")).status_code == 404


async def test_runs_are_filtered(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/runs", params={"status": "needs_review", "key": "ada"})).text
    assert page.count('class="status needs_review"') == 1


async def test_one_dead_letter_is_replayed_in_the_name_of_who_pressed(
    client: httpx2.AsyncClient, database: Database
) -> None:
    job = await job_of(database, "dead")
    assert await press(client, "replay", job=job) == "1 failed job started again"
    assert await queries.dead(database) == []
    (deed,) = await queries.actions(database, job)
    assert (deed["verb"], deed["by"]) == ("replay", actors.whoami())


async def test_all_are_replayed_only_by_a_filter_or_when_all_are_meant(
    client: httpx2.AsyncClient, database: Database
) -> None:
    assert "say which" in await press(client, "replay")
    assert "0 failed jobs" in await press(client, "replay", error="no such words")
    assert await press(client, "replay", everything="yes") == "1 failed job started again"


async def test_dropping_needs_a_reason_and_a_choice(
    client: httpx2.AsyncClient, database: Database
) -> None:
    job = await job_of(database, "dead")
    assert "say which" in await press(client, "discard", reason="old")
    assert "say why" in await press(client, "discard", job=job)
    assert await press(client, "discard", job=job, reason="old") == "1 failed job discarded"
    assert await queries.dead(database, Filter(job=job)) == []


async def test_an_edited_dead_letter_starts_with_the_new_input(
    client: httpx2.AsyncClient, database: Database
) -> None:
    job = await job_of(database, "dead")
    assert "no JSON" in await press(client, "edit", job=job, input="{")
    assert "edited" in await press(
        client, "edit", job=job, input='{"customer": "ada", "number": 7}'
    )
    (run,) = await database.fetch("select status, input from runs where job_id = %s", [job])
    assert (run["status"], run["input"]["number"]) == ("queued", 7)


async def test_a_decision_is_bound_to_what_the_page_showed(
    client: httpx2.AsyncClient, database: Database
) -> None:
    job = await job_of(database, "needs_review")
    seal = re.search(r'name="revision" value="(\w+)"', (await client.get(f"/review/{job}")).text)
    assert seal is not None
    assert "not what stands there" in await press(client, "approve", job=job, revision="0" * 64)
    assert await job_of(database, "needs_review") == job
    assert "say why" in await press(client, "reject", job=job, revision=seal[1])
    assert "approved" in await press(client, "approve", job=job, revision=seal[1])
    assert "cannot be" in await press(client, "approve", job=job, revision=seal[1])


async def test_a_switch_is_flipped_and_flipped_back_with_its_history(
    client: httpx2.AsyncClient, database: Database
) -> None:
    assert "is paused" in await press(client, "pause", scope="customer:ada", reason="a look")
    assert "no customer" in await press(client, "pause", scope="customer:nobody", reason="a look")
    assert "is resumed" in await press(client, "resume", scope="customer:ada")
    page = (await client.get("/switches")).text
    assert "a look" in page
    assert "customer:ada" in page


async def test_a_breaker_is_closed_and_a_budget_set(
    client: httpx2.AsyncClient, database: Database
) -> None:
    assert "is closed" in await press(
        client, "close-breaker", name="shop ada", reason="they said so"
    )
    assert "may spend $7.50 a day" in await press(
        client, "set-budget", scope="all", usd="7.50", reason="less"
    )
    assert "usd: Input should be a valid number" in await press(
        client, "set-budget", scope="all", usd="much", reason="less"
    )


async def test_a_button_that_is_none_is_not_found(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/do/nothing", data={"csrf": await csrf(client)})).status_code == 404
    assert set(OPERATIONS) >= {
        "pause",
        "resume",
        "approve",
        "reject",
        "edit",
        "replay",
        "discard",
        "cancel",
    }


async def test_open_pages_hear_of_a_change_and_of_nothing_else(
    client: httpx2.AsyncClient, database: Database
) -> None:
    await client.get("/")
    async with client.stream("GET", "/live", timeout=60) as stream:
        lines = stream.aiter_lines()
        heard = [line async for line in _until(lines, "event: changed")]  # the first look
        await database.fetch("update alerts set count = count + 1")
        async with asyncio.timeout(30):
            heard += [line async for line in _until(lines, "event: changed")]
    assert heard.count("event: changed") == 2


async def test_a_page_opened_late_gets_the_changes_since_its_creation(database: Database) -> None:
    live = Live(database)
    watchers = [live.events(), live.events()]
    for watcher in watchers:
        assert [await anext(watcher), (await anext(watcher))[:14]] == [
            "retry: 3000\n\n",
            "event: changed",
        ]
    for watcher in watchers:
        await watcher.aclose()


async def _until(lines, last):  # type: ignore[no-untyped-def]
    async for line in lines:
        yield line
        if line == last:
            return


async def test_a_page_reports_a_missing_database_and_starts_our_own(
    client: httpx2.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[bool] = []
    await client.get("/")
    assert database._pool
    await database._pool.close()
    monkeypatch.setattr(database, "_recover", lambda: started.append(True))
    answer = await client.get("/runs")
    assert (answer.status_code, started) == (503, [True])
    assert "comes back by itself" in answer.text


async def test_an_alert_links_to_the_page_where_it_can_be_handled(
    client: httpx2.AsyncClient, database: Database
) -> None:
    dead = await job_of(database, "dead")
    for path in ("/alerts", "/"):
        page = (await client.get(path)).text
        assert f'<a href="/jobs/{dead}">job failed</a>' in page
    assert "No alert channel is configured" in (await client.get("/alerts")).text


@pytest.mark.parametrize("has_fired", [True, False])
async def test_a_schedule_shows_its_last_slot_apart_from_being_overdue(
    client: httpx2.AsyncClient, database: Database, has_fired: bool
) -> None:
    async def cells() -> list[str]:
        page = (await client.get("/schedules")).text
        found = [
            re.search(rf'data-label="{label}">(.*?)</td>', page, re.S)
            for label in ("last", "overdue since")
        ]
        return [" ".join(re.sub("<[^>]+>", " ", cell[1]).split()) for cell in found if cell]

    (schedule,) = await Schedules(database).read()
    if has_fired:
        await Schedules(database).skip(
            schedule, Skipped(1, schedule.last_slot, "away"), "skipped", "away"
        )
    last, overdue = await cells()
    assert (last.startswith("skipped") if has_fired else last == "never", overdue) == (True, "")
    await database.fetch("update schedules set last_slot = last_slot - interval '3 days'")
    (row,) = await queries.schedules(database, night.make_app())
    assert await cells() == [
        last,
        f"{row['overdue']:%Y-%m-%d %H:%M:%S} UTC does a worker of nightshop run?",
    ]


async def test_what_needs_a_person_stands_before_everything_else(
    client: httpx2.AsyncClient,
) -> None:
    page = (await client.get("/")).text
    assert (
        page.index("<h2>Needs you</h2>")
        < page.index("<h2>Spent today</h2>")
        < page.index("<h2>Alerts</h2>")
    )
    assert "Start one: <code>overnight worker</code>" in page
