"""Every page and button as a person meets them: light, dark, on a phone, by keys, and while the
ledger changes.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from eyes import LOOKS, check_axe, check_width, page_of
from playwright.async_api import Browser, Route

from overnight import App
from overnight.console import pages
from overnight.inbox import messages
from overnight.operations import queries, runs
from overnight.store.database import Database


async def paths_of(database: Database) -> list[str]:
    """Every page, with a job of the night where it needs one."""
    jobs = await database.fetch("select status, min(job_id) as job from runs group by status")
    job = {row["status"]: row["job"] for row in jobs}
    (call,) = await database.fetch("select min(id)::text as id from llm_calls")
    wanted = {
        "/jobs/{job}": f"/jobs/{job['dead']}",
        "/review/{job}": f"/review/{job['needs_review']}",
        "/calls/{call}": f"/calls/{call['id']}",
    }
    known = [wanted.get(page.path, page.path) for page in pages.PAGES]
    return [*known, "/search?q=order", "/search?q=nothing+is+named+so"]


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_looks_right(
    browser: Browser, url: str, database: Database, look: str, pictures: Path | None
) -> None:
    async with page_of(browser, look) as page:
        for path in await paths_of(database):
            await page.goto(url + path)
            await check_width(page)
            await check_axe(page, (LOOKS[look]["color_scheme"],))
            assert await page.locator("h1").count() == 1
            if pictures is not None:
                name = path.strip("/").split("/")[0] or "home"
                await page.screenshot(
                    path=pictures / f"{name}{'-one' if path.count('/') > 1 else ''}-{look}.png"
                )


async def test_pages_work_without_javascript(
    browser: Browser, url: str, database: Database
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(url + "/dead")
    await page.get_by_role("button", name="Retry", exact=True).click()
    await page.get_by_text("1 failed job started again").wait_for()
    assert await queries.dead(database) == []
    await context.close()


async def test_a_dead_letter_is_edited_and_started_again(
    browser: Browser, url: str, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(url + "/dead")
        await page.get_by_text("Input: edit it").click()
        await page.get_by_label("Input as JSON").fill('{"customer": "ada", "number": 77}')
        await page.get_by_role("button", name="Start with this input").click()
        await page.get_by_text("edited: check of job").wait_for()
    rows = await database.fetch(
        "select input from runs where status = 'queued' and input ->> 'number' = '77'"
    )
    assert len(rows) == 1


@pytest.mark.parametrize("has_javascript", [True, False])
async def test_matching_jobs_and_messages_are_counted_then_discarded(
    browser: Browser, url: str, app: App, database: Database, has_javascript: bool
) -> None:
    await messages.receive(app, database, b"no JSON", source="webhook")
    await messages.receive(app, database, b"[]", source="webhook")
    context = await browser.new_context(java_script_enabled=has_javascript)
    page = await context.new_page()
    await page.goto(url + "/dead?error=JSON")
    assert await page.get_by_role("heading", name="message m1 from webhook").is_visible()
    await page.get_by_label("all matching failed jobs").check()
    await page.get_by_role("button", name="Count them").click()
    await page.get_by_text("1 failed job matches; nothing was changed").wait_for()
    await page.get_by_label("all matching failed jobs").check()
    await page.get_by_label("Why all of them").fill("spam")
    await page.get_by_role("button", name="Discard all").click()
    await page.get_by_text("1 failed job discarded").wait_for()
    assert "m1" not in {row["job_id"] for row in await queries.dead(database)}
    assert {row["kind"] for row in await queries.dead(database)} == {"run", "message"}
    await context.close()


async def test_what_waits_is_looked_at_and_approved(
    browser: Browser, url: str, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(url)
        await page.locator("main").get_by_role("link", name="Review", exact=True).first.click()
        await page.get_by_role("button", name="Approve").click()
        await page.get_by_text("approved: job").wait_for()
    assert len(await queries.review(database)) == 1


async def test_everything_is_switched_off_and_on_again(
    browser: Browser, url: str, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(url + "/switches")
        await page.get_by_label("Why").first.fill("a drill")
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_text("all is paused").wait_for()
        row = page.get_by_role("row", name="all paused")
        await row.get_by_role("button", name="Resume").click()
        await page.get_by_text("all is resumed").wait_for()


async def test_the_keys_lead_everywhere(browser: Browser, url: str) -> None:
    async with page_of(browser) as page:
        await page.goto(url)
        for key, path in ((p.key, p.path) for p in pages.PAGES if p.key):
            await page.keyboard.press("g")
            async with page.expect_navigation(url=url + path):
                await page.keyboard.press(key)
        await page.goto(url + "/runs")
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.name") == "q"
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/jobs/*")
        await page.keyboard.press("?")
        await page.get_by_role("dialog").get_by_role("link", name="Home").wait_for()


async def test_a_closed_search_takes_no_keys(browser: Browser, url: str) -> None:
    async with page_of(browser) as page:
        for _ in range(30):  # the browser moves the focus a moment after the dialog is closed
            await page.goto(url + "/runs")
            for key in ("/", "Escape", "j"):
                await page.keyboard.press(key)
            assert await page.evaluate("document.activeElement.matches('table.rows a')")


async def test_an_open_page_follows_the_ledger(
    browser: Browser, url: str, app: App, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(url + "/runs?status=queued")
        before = await page.locator("tbody tr").count()
        await runs.start(app, database, "order", {"customer": "ada", "number": 555})
        await page.locator("tbody tr").nth(before).wait_for(timeout=30_000)


async def test_a_page_is_live_though_a_script_of_it_comes_late(browser: Browser, url: str) -> None:
    async def come_late(route: Route) -> None:
        await asyncio.sleep(0.5)
        await route.continue_()

    async with page_of(browser) as page:
        await page.route("**/hx-sse-*.js", come_late)
        async with page.expect_request(url + "/live"):
            await page.goto(url + "/dead")


async def test_the_result_of_a_button_stays_after_a_live_update(
    browser: Browser, url: str, app: App, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(url + "/dead")
        await page.get_by_role("button", name="Retry", exact=True).click()
        said = page.get_by_text("1 failed job started again")
        await said.wait_for()
        async with page.expect_event("requestfinished", lambda request: "/dead" in request.url):
            await runs.start(app, database, "order", {"customer": "ada", "number": 557})
        await page.wait_for_timeout(200)  # until it is put in place
        assert await said.is_visible()


async def test_what_a_person_writes_is_not_taken_from_under_them(
    browser: Browser, url: str, app: App, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(url + "/dead")
        await page.get_by_text("Input: edit it").click()
        await page.get_by_label("Input as JSON").fill("half a thought")
        await runs.start(app, database, "order", {"customer": "ada", "number": 556})
        await page.wait_for_timeout(3_000)  # longer than a look at the ledger
        assert await page.get_by_label("Input as JSON").input_value() == "half a thought"


async def test_what_a_person_opens_during_a_live_update_stays_open(
    browser: Browser, url: str, app: App, database: Database
) -> None:
    asked, opened = asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        asked.set()
        await opened.wait()
        await route.continue_()

    async with page_of(browser) as page:
        await page.goto(url + "/dead")
        await page.route(url + "/dead", answer_late)
        await runs.start(app, database, "order", {"customer": "ada", "number": 558})
        async with asyncio.timeout(30):
            await asked.wait()
        await page.get_by_text("Input: edit it").click()
        async with page.expect_event(
            "requestfinished", lambda request: request.url == url + "/dead"
        ):
            opened.set()
        await page.wait_for_timeout(200)  # until it would be put in place
        assert await page.get_by_label("Input as JSON").is_visible()


@pytest.mark.parametrize("look", ["light", "phone"])
async def test_why_a_job_failed_is_found_and_retried_in_two_clicks(
    browser: Browser, url: str, database: Database, look: str
) -> None:
    (row,) = await queries.dead(database)
    async with page_of(browser, look) as page:
        await page.goto(url)
        await page.get_by_role("link", name="Why it failed").click()
        cause = page.locator(".cause .why")
        assert await cause.text_content() == row["error"]
        box = await cause.bounding_box()
        assert box is not None and box["width"] > 250
        await page.locator(".cause").get_by_role("button", name="Retry", exact=True).click()
        await page.get_by_text("1 failed job started again").wait_for()
    assert await queries.dead(database) == []
