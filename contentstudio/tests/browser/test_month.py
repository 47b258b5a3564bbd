"""The desk after a month of three sites, as the documents show it."""

from __future__ import annotations

import json
from pathlib import Path

import month as sample
import pytest
from eyes import LOOKS, RULES, check_axe, check_steady, check_width, page_of
from playwright.async_api import Browser

from contentstudio import console
from contentstudio.store.articles import STATES
from overnight.console import audit
from overnight.console import pages as engine
from overnight.store.database import Database

SLUG = "which-pot-size-do-peppers-really-need"
ITEMS = {  # pages of one thing, by the name of their picture
    "article": ("/articles/{site}/{slug}", f"/articles/green-balcony/{SLUG}"),
    "editor": ("/articles/{site}/{slug}/edit", f"/articles/green-balcony/{SLUG}/edit"),
    "site": ("/sites/{site}", "/sites/slow-kitchen"),
}

DESK = console.build(sample.load_config()).pages


def paths(failed: str, waiting: str) -> dict[str, str]:
    """Every page of the menu, and one of each kind of thing, by the name of its picture."""
    declared = [*engine.PAGES, audit.PAGE, *DESK]
    menu = {page.path.strip("/") or "home": page.path for page in declared if page.title}
    there = {page.path for page in declared}
    items = {name: path for name, (pattern, path) in ITEMS.items() if pattern in there}
    ones = {"jobs-one": f"/jobs/{failed}", "review-one": f"/review/{waiting}"}
    return {**menu, **items, **ones, "night": "/night?hours=744", "week": "/calendar?week=2099-W52"}


async def jobs(database: Database) -> tuple[str, str]:
    """A job that failed, and one whose article waits with a sentence to look at."""
    (failed,) = await database.fetch(
        "select job_id from runs where status = 'dead' and pipeline = 'article' order by id limit 1"
    )
    (waiting,) = await database.fetch(
        "select job_id from runs where status = 'needs_review' and error like 'claims:%%'"
    )
    return failed["job_id"], waiting["job_id"]


@pytest.mark.timeout(300)  # it is thirty pages
@pytest.mark.parametrize("look", LOOKS)
async def test_a_month_of_the_desk_looks_right(
    browser: Browser, month_url: str, database: Database, look: str, pictures: Path | None
) -> None:
    async with page_of(browser, look) as page:
        for name, path in paths(*await jobs(database)).items():
            answer = await page.goto(month_url + path)
            assert answer is not None
            assert answer.status == 200, path
            await check_steady(page)
            await check_width(page)
            await check_axe(page, (LOOKS[look]["color_scheme"],), RULES[look])
            assert await page.locator("h1").count() == 1
            if pictures is not None:
                await page.screenshot(path=pictures / f"{name}-{look}.png")


@pytest.mark.timeout(300)  # it is a dozen pages, twice
async def test_the_page_of_an_article_is_for_everybody_in_each_state(
    browser: Browser, month_url: str, database: Database
) -> None:
    failed, _ = await jobs(database)
    await database.fetch(
        "insert into articles (site, slug, title, state) select 'slow-kitchen', 'in-' || state, "
        "'An article in the state ' || state, state from unnest(%s::text[]) state "
        "where not exists (select from articles a where a.state = state.state)",
        [list(STATES)],
    )
    rows = await database.fetch(
        "select distinct on (state) site, slug, state from articles order by state, job_id"
    )
    assert {row["state"] for row in rows} == set(STATES)
    pages = [f"/articles/{row['site']}/{row['slug']}" for row in rows]
    async with page_of(browser) as page:
        for path in (*pages, f"/articles/{failed}"):
            await page.goto(month_url + path)
            await check_axe(page, ("light",))
            await check_axe(page, ("dark",), RULES["dark"])


async def test_what_last_week_cost_by_site_is_one_click_away(
    browser: Browser, month_url: str
) -> None:
    async with page_of(browser) as page:
        await page.goto(month_url)
        await page.get_by_role("link", name="Results", exact=True).first.click()
        for name in ("green-balcony", "slow-kitchen", "city-bikes"):
            row = page.get_by_role("row", name=name).first
            assert "$" in await row.inner_text()


async def test_the_results_say_what_to_do_with_which_article(
    browser: Browser, month_url: str
) -> None:
    async with page_of(browser) as page:
        await page.goto(f"{month_url}/results")
        text = await page.locator("main").inner_text()
        for action in ("Refresh it", "Merge two articles", "Find a better title"):
            assert action in text
        await page.get_by_label("Site").select_option("city-bikes")
        await page.get_by_role("button", name="Show").click()
        await page.wait_for_url("**/results?site=city-bikes")
        assert "slow-kitchen" not in await page.locator("table").first.inner_text()
        await check_axe(page)


async def test_a_title_in_the_results_never_runs(
    browser: Browser, month_url: str, database: Database
) -> None:
    text = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">" * 3
    await database.fetch(
        "update runs set output = jsonb_set(jsonb_set(jsonb_set(output, '{best,0,title}', %(text)s)"
        ", '{advice,0,title}', %(text)s), '{merges,0,why}', %(text)s) where step = 'report' "
        "and jsonb_array_length(output->'advice') > 0 and jsonb_array_length(output->'merges') > 0",
        {"text": json.dumps(text)},
    )
    async with page_of(browser, "phone") as page:
        await page.goto(f"{month_url}/results")
        assert "document.title='run'" in await page.content()
        assert await page.locator("img[onerror]").count() == 0
        await check_width(page)


@pytest.mark.parametrize("look", ["light", "phone"])
async def test_results_without_figures_say_where_they_come_from(
    browser: Browser, url: str, look: str
) -> None:
    async with page_of(browser, look) as page:
        await page.goto(f"{url}/results")
        assert "search_console" in await page.locator(".empty").first.inner_text()
        assert await page.get_by_role("row", name="garden").count() == 1
        await check_width(page)
