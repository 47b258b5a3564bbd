"""Planning as an owner does it: an article is moved to another day, and a site is stopped."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from eyes import check_width, page_of
from playwright.async_api import Browser, Locator, Page

from contentstudio import calendar, ideas
from contentstudio.config import Config
from overnight import App
from overnight.store.database import Database

QUESTION = "Why do bees dance"


@pytest.fixture
async def today(config: Config, app: App, database: Database) -> date:
    """Today, with an idea that is due in three days."""
    day = await calendar.today_of(config, database)
    await ideas.add(app, config, database, "garden", QUESTION, due=day + timedelta(days=3))
    return day


async def due(database: Database) -> date | None:
    (row,) = await database.fetch("select due from ideas where title = %s", [QUESTION])
    day: date | None = row["due"]
    return day


def entry(page: Page) -> Locator:
    return page.locator("li.entry", has_text=QUESTION).first


async def test_an_article_is_moved_and_a_site_stopped_in_two_clicks(
    browser: Browser, url: str, today: date, database: Database
) -> None:
    day = today + timedelta(days=5)
    async with page_of(browser) as page:
        await page.goto(url)
        await entry(page).get_by_text("Move", exact=True).first.click()
        await page.get_by_role("button", name=f"{day:%a} {day.day} {day:%b}").click()
        await page.get_by_text(f"is due on {day:%A}, {day}").wait_for()
        assert await due(database) == day
        await page.locator("ul.sites").get_by_role("button", name="Pause").click()
        await page.get_by_role("dialog").get_by_role("button", name="Pause").click()
        await page.get_by_text("site:garden is paused").first.wait_for()


async def test_an_entry_is_dragged_to_another_day(
    browser: Browser, url: str, today: date, database: Database
) -> None:
    day = today + timedelta(days=4)
    async with page_of(browser) as page:
        await page.goto(f"{url}/calendar?month={(today + timedelta(days=3)):%Y-%m}")
        target = page.locator(f"[data-day='{day}']")
        await entry(page).locator("a").hover()
        await page.mouse.down()
        await target.hover(position={"x": 10, "y": 40}, force=True)
        await page.mouse.move(*await centre(target), steps=3)
        await page.mouse.up()
        await page.get_by_text(f"is due on {day:%A}, {day}").wait_for()
        assert await due(database) == day


async def centre(of: Locator) -> tuple[float, float]:
    box = await of.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def test_it_is_dragged_on_a_phone_and_moved_by_keyboard(
    browser: Browser, url: str, today: date, database: Database
) -> None:
    async with page_of(browser, "phone") as page:
        await page.goto(f"{url}/calendar?month={(today + timedelta(days=3)):%Y-%m}")
        await check_width(page)
        day = today + timedelta(days=4)
        grip, other = (
            entry(page).locator(".grip"),
            page.locator(f"[data-day='{day}']"),
        )
        await other.scroll_into_view_if_needed()
        touch = await page.context.new_cdp_session(page)
        begin, end = await centre(grip), await centre(other)

        async def send(kind: str, *points: tuple[float, float]) -> None:
            named = [{"x": x, "y": y} for x, y in points]
            await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": named})

        await send("touchStart", begin)
        await send("touchMove", (begin[0], begin[1] + 20))
        await send("touchMove", end)
        await send("touchEnd")
        await page.get_by_text(f"is due on {day:%A}, {day}").wait_for()
        assert await due(database) == day
        await entry(page).locator("summary").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_text(f"is due on {today:%A}, {today}").wait_for()


async def test_ideas_are_put_in_order_by_drag_and_by_keyboard(
    browser: Browser, url: str, today: date, app: App, config: Config, database: Database
) -> None:
    async def order() -> list[str]:
        rows = await ideas.page(config, database, "garden", order="hand")
        return [row["title"] for row in rows]

    other = "How deep do roots go"
    await ideas.add(app, config, database, "garden", other, due=today + timedelta(days=9))
    async with page_of(browser) as page:
        await page.goto(f"{url}/ideas?site=garden")
        first, second = (await order())[:2]
        rows = page.locator("tr[data-place]")
        await rows.nth(1).locator(".grip").hover()
        await page.mouse.down()
        await page.mouse.move(*await centre(rows.nth(0)), steps=5)
        await page.mouse.up()
        await page.get_by_text(f"“{second}” has place 1 of garden").wait_for()
        assert (await order())[:2] == [second, first]
        down = page.get_by_role("button", name=f"Move “{second}” down")
        await down.focus()
        await page.keyboard.press("Enter")
        await page.get_by_text(f"“{second}” has place 2 of garden").wait_for()
        assert (await order())[:2] == [first, second]
