"""The list of articles and the page of each: in every state, in every script, however many."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from drafts import small_draft
from lxml import html

from contentstudio import articles
from contentstudio.console import articles as pages
from contentstudio.review import gather
from contentstudio.store.articles import STATES, Articles, Matching
from contentstudio.store.sql import queries
from desk import Desk
from overnight.operations import runs
from overnight.store.database import Database
from overnight.titles import titles_of

pytestmark = pytest.mark.contract

HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
LEAK = "As an AI language model I cannot say more."
TITLES = ["Как хранить картофель зимой", "冬のじゃがいもの保存方法", "كيف تحفظ البطاطس", "W" * 300]


async def put(database: Database, slug: str, state: str = "idea", **changes: Any) -> None:
    """An article as a job of another day left it."""
    row = {"site": "garden", "slug": slug, "title": slug, "state": state, **changes}
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    await database.fetch(f"insert into articles ({names}) values ({values})", row)


def slugs(page: str) -> list[str]:
    """The articles of a list, in its order."""
    links = html.fromstring(page).xpath("//td[contains(@class, 'title')]//a/@href")
    return [str(link).rpartition("/")[2] for link in links]


async def get(client: httpx2.AsyncClient, path: str, **query: str) -> str:
    answer = await client.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_list_is_filtered_by_site_state_and_words(
    client: httpx2.AsyncClient, database: Database
) -> None:
    await put(database, "first-binoculars", "published", title="Your first binoculars")
    await put(database, "cafe", "review", title="Café crème")
    await put(database, "potato", title=TITLES[1])
    assert slugs(await get(client, "/articles", state="review")) == ["cafe"]
    assert slugs(await get(client, "/articles", site="garden", text="bino FIRST")) == [
        "first-binoculars"
    ]
    assert slugs(await get(client, "/articles", text="cafe")) == ["cafe"]
    assert slugs(await get(client, "/articles", text="じゃがいも")) == ["potato"]
    assert slugs(await get(client, "/articles", text="inoculars")) == []


@pytest.mark.parametrize("text", ["'", "\\", "a & b | !c <-> (", ":*", "   ", "%", "<script>", "-"])
async def test_no_text_breaks_the_search(
    client: httpx2.AsyncClient, database: Database, text: str
) -> None:
    await put(database, "cafe")
    await get(client, "/articles", text=text)
    found = await pages.search(database, text)
    assert all(each.kind == "article" for each in found)


async def test_every_article_is_on_one_page_of_the_list(
    client: httpx2.AsyncClient, database: Database
) -> None:
    """Many of them changed at the same moment."""
    await database.fetch(
        "insert into articles (site, slug, title, state, changed_at) select 'garden', 's' || n, "
        "'t', 'idea', ledger_now() - make_interval(mins => n / 40) from generate_series(1, 130) n"
    )
    path, seen = "/articles", list[str]()
    while path:
        page = await get(client, path)
        seen += slugs(page)
        older = html.fromstring(page).xpath("//a[contains(@href, 'before=')]/@href")
        path = str(older[0]) if older else ""
    assert sorted(seen) == sorted(f"s{n}" for n in range(1, 131))


@pytest.mark.parametrize("mark", ["", "x", "1/garden", "9" * 40 + "/garden/a", "1//"])
def test_a_place_that_is_none_begins_at_the_top(mark: str) -> None:
    assert articles.place(mark) is None


async def test_a_row_has_words_sources_cost_clicks_and_position(
    desk: Desk, client: httpx2.AsyncClient, database: Database
) -> None:
    await desk.publish("one", small_draft(text="A heap is a start."))
    await database.fetch("update runs set cost_usd = 0.5 where step = 'publish'")
    now = await desk.clock.now()
    for days, clicks, position in ((1, 3, 2.0), (2, 1, 6.0), (40, 99, 1.0)):
        await database.fetch(
            "insert into article_results (site, slug, source, day, clicks, impressions, position) "
            "values ('garden', 'compost', 'search_console', %s, %s, 10, %s)",
            [(now - timedelta(days=days)).date(), clicks, position],
        )
    (row,) = await Articles(database).listed()
    figures = {name: row[name] for name in ("words", "sources", "cost_usd", "clicks", "position")}
    assert figures == {"words": 5, "sources": 0, "cost_usd": 0.5, "clicks": 4, "position": 4.0}
    (shown,) = html.fromstring(await get(client, "/articles")).xpath("//tbody/tr")
    cells = {cell.get("data-label"): cell.text_content() for cell in shown.iter("td")}
    assert {cells[n] for n in ("words", "clicks", "position")} == {"5", "4", "4.0"}


@pytest.mark.parametrize("title", [*TITLES, HOSTILE])
async def test_an_article_has_a_page_in_every_state(
    client: httpx2.AsyncClient, database: Database, title: str
) -> None:
    for state in STATES:
        await put(database, f"größe-冬-{state}", state, title=title)
        page = html.fromstring(await get(client, f"/articles/garden/größe-冬-{state}"))
        assert [h1.text_content() for h1 in page.iter("h1")] == [title]
        assert not page.xpath("//script[not(@src)] | //img")


async def test_the_page_tells_an_articles_life_and_what_can_be_done(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    await desk.publish("one", small_draft(text="A heap is a start."))
    await desk.publish("two", small_draft(text="A heap is an end."))
    text = await get(client, "/articles/garden/compost")
    page = html.fromstring(text)
    life = page.xpath("//ol[@class='life']/li/b/text()")
    assert [each for each in life if "ublish" in each] == [
        *(f"Version {number} published" for number in (1, 2))
    ]
    assert "A heap is an end." in page.xpath("//div[@class='reading']")[0].text_content()
    (removed,), (added,) = (page.xpath(f"//{tag}/text()") for tag in ("del", "ins"))
    assert (removed, added) == ("A heap is a start.", "A heap is an end.")
    assert {f"/do/{verb}-article" for verb in ("unpublish", "rollback")} <= set(
        page.xpath("//form/@action")
    )
    assert "/do/publish-article" not in text
    assert "A heap is an end." in (await client.get("/review/two/preview")).text


async def test_an_unpublished_article_is_published_again_from_its_page(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    await desk.publish("one", small_draft())
    text = await get(client, "/articles/garden/compost")
    pressed = await press(client, text, "unpublish-article")
    assert "done=unpublish" in pressed.headers["location"]
    await desk.work()
    text = await get(client, "/articles/garden/compost")
    assert "/do/unpublish-article" not in text
    await press(client, text, "publish-article")
    await desk.work()
    assert "/do/unpublish-article" in await get(client, "/articles/garden/compost")


async def press(client: httpx2.AsyncClient, page: str, verb: str, **fields: str) -> httpx2.Response:
    """Send the first form of a verb that a page has."""
    form = html.fromstring(page).xpath(f"//form[@action='/do/{verb}']")[0]
    return await client.post(form.get("action"), data={**dict(form.fields), **fields})


async def test_a_failed_article_says_so_and_leads_to_its_job(
    desk: Desk, client: httpx2.AsyncClient, database: Database
) -> None:
    assert (await desk.publish("one", small_draft("größe")))["status"] == "dead"
    page = await get(client, "/articles/garden/größe")
    assert "/jobs/one" in page and "cannot be a slug" in page
    assert slugs(await get(client, "/articles", state="failed")) == ["gr%C3%B6%C3%9Fe"]
    assert await pages.badges(database) == {"/articles": 1}


async def test_the_address_by_a_job_leads_to_its_article(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    await desk.publish("one", small_draft())
    await desk.publish("two", small_draft(text="A heap is an end."))
    await desk.publish("three", small_draft("größe"))
    for job, slug in (("one", "compost"), ("two", "compost"), ("three", "gr%C3%B6%C3%9Fe")):
        answer = await client.get(f"/articles/{job}")
        assert answer.headers["location"] == f"/articles/garden/{slug}"
    job, _ = await runs.start(desk.app, desk.database, "night", {"date": "2026-11-23", "sites": []})
    assert (await client.get(f"/articles/{job}")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/articles/garden/none", "/articles/gardn/compost", "/articles/garden/none/edit"]
)
async def test_an_article_that_there_is_not_is_one_sentence(
    client: httpx2.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code in (400, 404)
    assert html.fromstring(answer.text).xpath("//h1")


async def test_a_review_list_has_titles_and_counts_what_is_doubtful(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    await desk.check("one", small_draft("one", LEAK, title="Heaps and heaps"))
    await desk.check("two", small_draft("two"))
    page = html.fromstring(await get(client, "/review"))
    rows = [[cell.text_content() for cell in row.iter("td")] for row in page.xpath("//tbody/tr")]
    assert [(row[0], row[1]) for row in rows] == [
        ("Heaps and heaps", "garden"),
        ("On two", "garden"),
    ]
    for row, job in zip(rows, ("one", "two"), strict=True):
        dossier = await gather(desk.database, desk.config, job)
        assert dossier is not None
        assert row[2] == str(len({mark.place for mark in dossier.marks}))


async def test_a_doubtful_sentence_is_first_and_marked_in_its_text(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    await desk.check("one", small_draft(text=LEAK))
    page = html.fromstring(await get(client, "/review/one"))
    marks = {mark.get("id"): mark.text_content() for mark in page.iter("mark")}
    assert marks["sentence-1"] == LEAK
    doubts = [each.text_content() for each in page.xpath("//ol[@class='doubts']/li")]
    assert any(LEAK in doubt and "which no reader should see" in doubt for doubt in doubts)
    assert page.xpath("//a[@href='/articles/garden/compost/edit']")
    answer = await press(client, html.tostring(page, encoding="unicode"), "approve")
    assert "done=approved" in answer.headers["location"]


async def test_jobs_are_called_by_the_titles_of_their_articles(desk: Desk) -> None:
    await desk.publish("one", small_draft())
    await desk.publish("two", small_draft(text="A heap is an end."))
    started = await articles.ask(
        desk.app, desk.config, desk.database, "unpublish", "garden", "compost", reason="x"
    )
    night, _ = await runs.start(
        desk.app, desk.database, "night", {"date": "2026-11-23", "sites": []}
    )
    jobs = ["one", "two", started.job_id]
    assert await titles_of(desk.app, desk.database, [*jobs, night, "none"]) == dict.fromkeys(
        jobs, "On compost"
    )


async def test_an_old_article_of_many_is_found_by_its_name(desk: Desk, database: Database) -> None:
    """However many its site published since."""
    await desk.publish("one", small_draft())
    await database.fetch(
        "insert into publications (site, slug, job_id, existing, at) select 'garden', 's' || n, "
        "'j', %s, ledger_now() + interval '1 hour' from generate_series(1, %s) n",
        [json.dumps({"url": "https://garden.example/x/"}), articles.LISTED + 1],
    )
    started = await articles.ask(
        desk.app, desk.config, database, "unpublish", "garden", "compost", reason="x"
    )
    assert started.new


async def test_an_article_failed_where_its_present_job_did(database: Database) -> None:
    """What failed before is of a job that it has no more."""
    for job, status in (("old", "dead"), ("new", "succeeded"), ("bad", "dead")):
        await database.fetch(
            "insert into runs (job_id, step, status, lease_until, cost_usd) "
            "values (%s, 'publish', %s, null, 1)",
            [job, status],
        )
    await put(database, "healed", "published", job_id="new")
    await put(database, "broken", "writing", job_id="bad")
    await put(database, "unwritten")
    await database.fetch(
        "insert into versions (site, slug, sha256, draft, job_id) "
        "values ('garden', 'healed', 'a', '{}', 'old')"
    )
    rows = {row["slug"]: row for row in await Articles(database).listed()}
    assert {slug: row["failed"] for slug, row in rows.items()} == {
        "healed": False,
        "broken": True,
        "unwritten": False,
    }
    assert rows["healed"]["cost_usd"] == 2
    listed = await Articles(database).listed(Matching(state=articles.FAILED))
    assert [row["slug"] for row in listed] == ["broken"]
    assert await Articles(database).failed_count(10) == 1


async def test_the_failed_articles_are_counted_by_indexes(database: Database) -> None:
    await database.fetch(
        "insert into runs (job_id, step, status, lease_until, finished_at, error) "
        "select 'j' || n, md5(n::text), case n % 9 when 1 then 'dead' else 'succeeded' end, null, "
        "ledger_now(), repeat(md5(n::text), 9) from generate_series(1, 20000) n"
    )
    await database.fetch("vacuum analyze runs")
    lines = await database.fetch(f"explain {queries['failed_count']}", {"most": 100})
    plan = "\n".join(line["QUERY PLAN"] for line in lines)
    assert "Index Only Scan using runs_standing_jobs on" in plan, plan


async def test_a_state_that_there_is_not_is_refused(desk: Desk) -> None:
    with pytest.raises(Exception, match="there is no state “gone”; there are: idea, "):
        await articles.listed(desk.config, desk.database, None, 10, state="gone")


@pytest.mark.parametrize("text", [None, "s7777"])
async def test_of_many_articles_a_list_reads_one_page(database: Database, text: str | None) -> None:
    await database.fetch(
        "insert into articles (site, slug, title, state, changed_at) select 'garden', 's' || n, "
        "'On heap ' || n, 'published', ledger_now() - make_interval(mins => n) "
        "from generate_series(1, 10000) n"
    )
    await database.fetch("analyze articles")
    rows = await Articles(database).listed(Matching(text=text), 50)
    assert len(rows) == (50 if text is None else 1)
    nothing = dict.fromkeys(("site", "slug", "state", "before_at", "before_site", "before_slug"))
    plan = await database.fetch(
        f"explain {queries['articles_list']}",
        {**nothing, "text": text, "limit": 50},
        prepare=False,
    )
    lines = "\n".join(line["QUERY PLAN"] for line in plan)
    assert "Seq Scan on articles" not in lines
    assert ("articles_changed" if text is None else "articles_words") in lines
