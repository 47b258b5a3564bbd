"""Articles as their owner meets them: found, read, approved, taken off a site, and written."""

from __future__ import annotations

from pathlib import Path

import pytest
from eyes import LOOKS, check_width, page_of
from playwright.async_api import Browser

from overnight import App
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle


async def address(database: Database, state: str) -> str:
    """The page of an article in a state."""
    (row, *_) = await database.fetch(
        "select site, slug from articles where state = %s order by slug", [state]
    )
    return f"/articles/{row['site']}/{row['slug']}"


@pytest.mark.parametrize("look", LOOKS)
async def test_an_article_and_its_editor_look_right(
    browser: Browser, url: str, database: Database, look: str, pictures: Path | None
) -> None:
    published, waits = [await address(database, state) for state in ("published", "review")]
    paths = {"article-published": published, "article-waiting": waits, "editor": f"{waits}/edit"}
    async with page_of(browser, look) as page:
        for name, path in paths.items():
            await page.goto(url + path)
            await check_width(page)
            assert await page.locator("h1").count() == 1
            if pictures is not None:
                await page.screenshot(path=pictures / f"{name}-{look}.png", full_page=True)


async def test_a_waiting_article_is_read_and_approved_in_three_clicks(
    browser: Browser, url: str, waiting: str, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(url)
        await page.get_by_role("navigation").get_by_role("link", name="Review").first.click()
        await page.get_by_role("table").get_by_role("link").first.click()
        assert await page.locator(".reading").inner_text() != ""
        await page.get_by_role("button", name="Approve", exact=True).click()
        await page.get_by_text("approved: job").wait_for()
    assert not await database.fetch("select 1 from runs where status = 'needs_review'")


async def test_an_article_is_taken_off_its_site_in_three_clicks(
    browser: Browser, url: str, app: App, database: Database, clock: Clock
) -> None:
    path = await address(database, "published")
    async with page_of(browser) as page:
        await page.goto(url)
        await page.get_by_role("navigation").get_by_role("link", name="Articles").first.click()
        await page.locator(f"a[href='{path}']").click()
        await page.get_by_role("button", name="Unpublish").click()
        await page.get_by_text("is queued").wait_for()
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    (row,) = await database.fetch(
        "select state from articles where site = %s and slug = %s", path.split("/")[2:]
    )
    assert row["state"] == "unpublished"


async def test_words_survive_a_closed_tab_and_are_checked_live(
    browser: Browser, url: str, waiting: str, database: Database
) -> None:
    path = f"{url}{await address(database, 'review')}/edit"
    async with page_of(browser) as page:
        tab = await page.context.new_page()
        await tab.goto(path)
        box = tab.get_by_label("The words, as Markdown")
        words = "# A title of mine\n" + (await box.input_value()).partition("\n")[2]
        await box.fill(words)
        await tab.get_by_role("heading", name="A title of mine", exact=True).wait_for()
        await tab.close()
        await page.goto(path)
        await page.get_by_role("button", name="Restore them").click()
        assert await page.get_by_label("The words, as Markdown").input_value() == words
        await page.get_by_role("button", name="Save and re-check").click()
        await page.get_by_text("is saved, and checked again").wait_for()
        assert await page.evaluate("Object.keys(localStorage).length") == 0
    (row,) = await database.fetch(
        "select input from runs where step = 'gate' and status = 'queued'"
    )
    assert row["input"]["title"] == "A title of mine"
