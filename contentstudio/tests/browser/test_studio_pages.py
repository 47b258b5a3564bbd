"""The studio's own pages and its review as a person meets them: light, dark, on a phone, full of
what must not run.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from eyes import LOOKS, check_width, page_of
from playwright.async_api import Browser

from overnight import App
from overnight.operations import queries
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
RUNNABLE = "script:not([src]):not([type='application/ld+json']), img[onerror]"
PLANTED = (
    "update runs set error = %(text)s || coalesce(error, ''), output = "
    "jsonb_set(jsonb_set(jsonb_set(output,"
    " '{draft,title}', to_jsonb(%(text)s::text)), '{draft,description}', to_jsonb(%(text)s::text)),"
    " '{verdicts,0,reason}', to_jsonb(%(text)s::text)) where status = 'needs_review'",
    "update runs set input = jsonb_set(input, '{titles,0}', to_jsonb(%(text)s::text)) "
    "where step = 'generate'",
    "update snapshots set title = %(text)s",
    "update evidence set passage = %(text)s",
    "update ideas set title = %(text)s, reason = %(text)s",
    "update articles set title = %(text)s",
    "update versions set draft = jsonb_set(draft, '{title}', to_jsonb(%(text)s::text))",
    "update runs set error = %(text)s where status = 'dead'",
    "update alerts set text = %(text)s",
)


def paths(job: str) -> dict[str, str]:
    """Every page that the studio adds or adds to, by the name of its picture."""
    lists = {
        "studio": "/",
        "sites": "/sites",
        "site": "/sites/garden",
        "calendar": "/calendar",
        "calendar-week": "/calendar?week=2099-W52",
        "ideas": "/ideas",
        "night": "/night?hours=8000",
        "articles": "/articles",
        "reviews": "/review",
    }
    of_job = {"brief-of-job": f"/briefs/{job}", "article-of-job": f"/articles/{job}"}
    return {**lists, **of_job, "article": f"/review/{job}"}


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_of_the_studio_looks_right(
    browser: Browser, url: str, waiting: str, look: str, pictures: Path | None
) -> None:
    async with page_of(browser, look) as page:
        for name, path in paths(waiting).items():
            await page.goto(url + path)
            await check_width(page)
            assert await page.locator("h1").count() == 1
            if pictures is not None:
                await page.screenshot(path=pictures / f"{name}-{look}.png")


async def test_text_planted_in_titles_sources_claims_errors_never_runs(
    browser: Browser, url: str, waiting: str, database: Database
) -> None:
    for sql in PLANTED:
        await database.fetch(sql, {"text": HOSTILE})
    async with page_of(browser) as page:
        for path in (
            *paths(waiting).values(),
            f"/review/{waiting}/preview",
            f"/jobs/{waiting}",
            "/dead",
            "/alerts",
        ):
            await page.goto(url + path)
            assert await page.title() != "run", path
            assert "document.title='run'" in await page.content() or path == "/sites", (
                f"{path} shows none of it"
            )
            assert await page.locator(RUNNABLE).count() == 0, path


async def test_an_article_is_read_in_a_sandboxed_frame_and_approved(
    browser: Browser, url: str, waiting: str, app: App, database: Database, clock: Clock
) -> None:
    async with page_of(browser) as page:
        await page.goto(url)
        await page.locator("ul.waits a").first.click()
        frame = page.frame_locator("iframe.preview")
        assert await frame.locator("h1").inner_text() != ""
        assert await page.locator("iframe.preview").get_attribute("sandbox") == ""
        assert await page.get_by_role("heading", name="Claims beside their sources").count() == 1
        await page.get_by_role("button", name="Approve").click()
        await page.get_by_text("approved: job").wait_for()
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    (published,) = await database.fetch(
        "select status from runs where job_id = %s and step = 'publish'", [waiting]
    )
    assert published["status"] == "succeeded"


async def test_the_words_of_an_article_are_edited_and_judged_anew(
    browser: Browser, url: str, waiting: str, app: App, database: Database, clock: Clock
) -> None:
    async with page_of(browser) as page:
        await page.goto(f"{url}/review/{waiting}")
        await page.get_by_role("link", name="Edit", exact=True).click()
        box = page.get_by_label("The words")
        words = await box.input_value()
        assert words.startswith("# ")
        await box.fill("# A title of mine\n" + words.partition("\n")[2])
        await page.get_by_role("heading", name="A title of mine", exact=True).wait_for()
        await page.get_by_role("button", name="Save and re-check").click()
        await page.get_by_text("is saved, and checked again").wait_for()
    (row,) = await database.fetch(
        "select input, status from runs where job_id = %s and step = 'gate'", [waiting]
    )
    assert (row["input"]["title"], row["status"]) == ("A title of mine", "queued")


async def test_an_unreadable_text_is_one_sentence_and_changes_nothing(
    browser: Browser, url: str, waiting: str, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(f"{url}/review/{waiting}")
        await page.get_by_role("link", name="Edit", exact=True).click()
        box = page.get_by_label("The words")
        await box.fill("no title, no heading")
        await page.get_by_role("button", name="Save and re-check").click()
        await page.get_by_role("alert").get_by_text("an article needs a title").wait_for()
        assert await box.input_value() == "no title, no heading"
    assert len(await queries.review(database)) == 1


async def test_an_article_is_rejected_with_a_reason(
    browser: Browser, url: str, waiting: str, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(f"{url}/review/{waiting}")
        await page.get_by_role("button", name="Reject").click()
        dialog = page.get_by_role("dialog", name="Reject")
        await dialog.get_by_label("Why").fill("not for us")
        await dialog.get_by_role("button", name="Reject").click()
        await page.get_by_text("rejected: job").wait_for()
    (deed,) = await database.fetch("select verb, reason from actions")
    assert deed == {"verb": "reject", "reason": "not for us"}


async def test_a_site_is_switched_off_and_on_where_it_is_listed(
    browser: Browser, url: str, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(f"{url}/sites")
        row = page.get_by_role("row", name="garden")
        await row.get_by_label("Why").fill("its owner is away")
        await row.get_by_role("button", name="Pause").click()
        await page.get_by_text("site:garden is paused").wait_for()
        await row.get_by_role("button", name="Resume").click()
        await page.get_by_text("site:garden is resumed").wait_for()


async def test_the_ideas_of_one_site_are_chosen(
    browser: Browser, url: str, database: Database
) -> None:
    async with page_of(browser) as page:
        await page.goto(f"{url}/ideas")
        everything = await page.locator("tbody tr").count()
        await page.get_by_label("Site").select_option("garden")
        await page.get_by_role("button", name="Show").click()
        await page.wait_for_url("**/ideas?site=garden*")
        assert await page.locator("tbody tr").count() == everything > 0
