"""A brief that waits, as its owner meets it: with its notes, its cost, and its words to edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from eyes import LOOKS, check_width, page_of
from playwright.async_api import Browser

from contentstudio.brief import Brief
from contentstudio.config import Config
from contentstudio.demo.web import DemoWeb
from overnight import App
from overnight.operations import queries
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
PLANTED = (
    "update runs set output = jsonb_set(jsonb_set(jsonb_set(output, '{titles,0}', "
    "to_jsonb(%(text)s::text)), '{sections,0,heading}', to_jsonb(%(text)s::text)), "
    "'{research,notes,0,text}', to_jsonb(%(text)s::text)) where status = 'needs_review'"
)


@pytest.fixture
def config(web: DemoWeb, write_config: Callable[..., Config]) -> Config:
    """A site whose briefs wait for its owner."""
    config = write_config([web.url + "/potting-shed/mulch.html"])
    (site,) = config.site
    careful = site.model_copy(update={"autonomy": "brief"})
    return config.model_copy(update={"site": [careful]})


async def brief_of(database: Database) -> Brief:
    (row,) = await database.fetch("select output from runs where status = 'needs_review'")
    return Brief.model_validate(row["output"])


@pytest.mark.parametrize("look", LOOKS)
async def test_a_brief_and_its_job_look_right(
    browser: Browser, url: str, waiting: str, look: str, pictures: Path | None
) -> None:
    async with page_of(browser, look) as page:
        for name, path in {"brief": f"/review/{waiting}", "job": f"/jobs/{waiting}"}.items():
            await page.goto(url + path)
            await check_width(page)
            assert await page.locator("h1").count() == 1
            if pictures is not None:
                await page.screenshot(path=pictures / f"{name}-of-a-brief-{look}.png")


async def test_a_brief_shows_its_notes_is_edited_and_written(
    browser: Browser, url: str, waiting: str, app: App, database: Database, clock: Clock
) -> None:
    plan = await brief_of(database)
    async with page_of(browser) as page:
        await page.goto(f"{url}/review/{waiting}")
        assert await page.locator("iframe").count() == 0
        for note in plan.research.notes:
            assert await page.get_by_role("cell", name=note.id, exact=True).count() == 1
        await page.get_by_text("Edit the text").click()
        box = page.get_by_label("The words")
        await box.fill("# A title of mine\n## One\nNotes: n99\n")
        await page.get_by_role("button", name="Save and re-check").click()
        await page.get_by_role("alert").get_by_text("line 3: n99 is no note").wait_for()
        await page.goto(f"{url}/review/{waiting}")
        await page.get_by_text("Edit the text").click()
        await page.get_by_label("The words").fill("# A title of mine\n## One\nNotes: n1, n2\n")
        await page.get_by_role("button", name="Save and re-check").click()
        await page.get_by_text("edited: brief of job").wait_for()
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    (written,) = await database.fetch("select output from runs where step = 'generate'")
    assert written["output"]["title"] == "A title of mine"


async def test_a_brief_is_approved_as_it_is(
    browser: Browser, url: str, waiting: str, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(f"{url}/review/{waiting}")
        await page.get_by_role("button", name="Approve").click()
        await page.get_by_text("approved: job").wait_for()
    assert await queries.review(database) == []


async def test_what_is_planted_in_a_brief_never_runs(
    browser: Browser, url: str, waiting: str, database: Database
) -> None:
    await database.fetch(PLANTED, {"text": HOSTILE})
    async with page_of(browser) as page:
        for path in (f"/review/{waiting}", f"/jobs/{waiting}"):
            await page.goto(url + path)
            assert await page.title() != "run"
            assert await page.locator("script:not([src]), img[onerror]").count() == 0
