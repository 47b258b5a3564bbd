"""The frame as a person uses it: the search, the drawer of a phone, questions before what cannot be
undone, messages, times, charts.
"""

from __future__ import annotations

import pytest
from eyes import check_axe, check_width, page_of
from playwright.async_api import Browser

from overnight.store.database import Database

FAILED = "select job_id from runs where status = 'dead'"


async def test_a_job_is_found_and_opened_by_keys_alone(
    browser: Browser, url: str, database: Database
) -> None:
    (row,) = await database.fetch(FAILED)
    async with page_of(browser) as page:
        await page.goto(url + "/schedules")
        await page.keyboard.press("/")
        await page.keyboard.type(row["job_id"][:8])
        await page.locator("#palette").get_by_role("link", name=row["job_id"]).wait_for()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/jobs/{row['job_id']}")


async def test_the_search_is_an_accessible_dialog_with_the_pages(
    browser: Browser, url: str
) -> None:
    async with page_of(browser) as page:
        await page.goto(url + "/runs")
        await page.get_by_role("link", name="Search").click()
        palette = page.get_by_role("dialog", name="Search")
        await palette.get_by_role("link", name="Breakers").wait_for()
        await check_axe(page)
        await page.keyboard.press("Escape")
        assert await palette.count() == 0


async def test_the_search_works_without_javascript(browser: Browser, url: str) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(url + "/runs")
    await page.get_by_role("link", name="Search").click()
    await page.get_by_label("Title, name or id").fill("ada")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("main").get_by_role("link", name="ada").click()
    await page.wait_for_url("**/runs?key=ada")
    await context.close()


@pytest.mark.parametrize("has_javascript", [True, False])
async def test_the_menu_of_a_phone_is_a_drawer(
    browser: Browser, url: str, has_javascript: bool
) -> None:
    async with page_of(browser, "phone", java_script_enabled=has_javascript) as page:
        await page.goto(url + "/runs")
        menu = page.get_by_role("navigation", name="Main")
        assert not await menu.is_visible()
        await page.get_by_role("button", name="Menu").click()
        if has_javascript:
            await check_width(page)
            await check_axe(page)
        await menu.get_by_role("link", name="Alerts").click()
        await page.wait_for_url("**/alerts")


async def test_icons_are_drawn(browser: Browser, url: str) -> None:
    async with page_of(browser) as page:
        await page.goto(url + "/runs")
        await page.wait_for_function(DRAWN)


DRAWN = """() => [...document.querySelectorAll('.side .icon use')].every(
  use => use.getBBox().width > 0)"""


async def test_a_message_is_closed_and_not_said_again(browser: Browser, url: str) -> None:
    async with page_of(browser) as page:
        await page.goto(url + "/runs?status=dead&done=it+is+done")
        await page.get_by_role("status").get_by_text("it is done").wait_for()
        assert page.url == url + "/runs?status=dead"
        await page.get_by_role("link", name="Close the message").click()
        assert await page.get_by_text("it is done").count() == 0


async def test_times_tick_while_the_page_is_open(browser: Browser, url: str) -> None:
    async with page_of(browser) as page:
        await page.clock.install()
        # A request that is under way when the clock jumps is one that has timed out.
        async with page.expect_response("**/live*"):
            await page.goto(url + "/schedules")
        time = page.locator("time[data-ago]").first
        before = await time.inner_text()
        await page.clock.fast_forward("05:00:00")
        await page.wait_for_function(
            "text => document.querySelector('time[data-ago]').textContent != text", arg=before
        )
        assert await time.get_attribute("title") is not None


@pytest.mark.parametrize("look", ["light", "phone"])
async def test_charts_are_drawn_within_their_figures(browser: Browser, url: str, look: str) -> None:
    async with page_of(browser, look) as page:
        await page.goto(url + "/signals?hours=720")
        await page.locator("canvas").first.wait_for()
        outside = await page.evaluate(
            "[...document.querySelectorAll('.chart')].filter(figure => [...figure.querySelectorAll("
            "'canvas')].some(each => each.getBoundingClientRect().right > "
            "figure.getBoundingClientRect().right)).length"
        )
        assert outside == 0
        await check_width(page)
