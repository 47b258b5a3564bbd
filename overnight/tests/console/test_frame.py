"""The frame of every page: the menu in two parts, badges, search, buttons that ask first, and what
is shown where something is wrong.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from overnight import App, http
from overnight.console import audit, pages, site, templates
from overnight.console.access import Access, Visitor
from overnight.console.extension import Console, Context, Found, Page, Verb
from overnight.store.database import Database

pytestmark = pytest.mark.contract
HERE = Path(templates.__file__).parent
TITLE = "Compost <b>&</b> 堆肥"


async def no_data(_: Context, __: Mapping[str, str]) -> dict[str, Any]:
    return {"text": "", "groups": {}}


async def find(_: Database, text: str) -> Sequence[Found]:
    return [Found("/articles/garden/compost", TITLE, "article", f"for {text}")]


async def waiting(_: Database) -> Mapping[str, int]:
    return {"/articles": 120, "/review": 7}


DESK = Console(
    pages=(
        Page("/articles", "search.html", no_data, "Articles", "p", "desk", "article"),
        Page("/articles/{site}/{slug}", "search.html", no_data),
        Page("/review", "search.html", no_data, "Review", "v", "desk", "review"),
    ),
    badges=waiting,
    search=find,
)


@asynccontextmanager
async def desk(
    app: App, database: Database, own: Console = DESK
) -> AsyncIterator[httpx2.AsyncClient]:
    with http.listen("127.0.0.1", 0) as listener:
        built = site.build(app, database, Access({}), own=own)
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False) as client,
        ):
            yield client


def entries(page: str) -> dict[str, str]:
    """The menu of a page: paths and the text of each entry."""
    (menu,) = re.findall(r'<div id="entries">(.*?)</div>', page, re.DOTALL)
    links = re.findall(r'<a href="([^"]+)"[^>]*>(.*?)</a>', menu, re.DOTALL)
    return {path: re.sub(r"<[^>]+>", "", text).strip() for path, text in links}


async def test_an_app_without_a_desk_has_one_part_without_a_name(
    client: httpx2.AsyncClient,
) -> None:
    page = (await client.get("/runs")).text
    titled = [each.path for each in (*pages.PAGES, audit.PAGE) if each.title and not each.under]
    assert list(entries(page)) == titled
    assert 'class="part"' not in page


async def test_the_desk_is_before_operations_and_replaces_pages(
    app: App, database: Database
) -> None:
    async with desk(app, database) as client:
        page = (await client.get("/articles")).text
    assert re.findall(r'<p class="part"[^>]*>(\w+)</p>', page) == ["Desk", "Operations"]
    assert list(entries(page))[:3] == ["/articles", "/review", "/"]
    assert len(re.findall(r'href="/review"', page.partition("</nav>")[0])) == 1


@pytest.mark.parametrize(
    ("path", "current", "state"),
    [
        ("/runs", "/runs", "page"),
        ("/calls", "/runs", "true"),
        ("/effects", "/switches", "true"),
        ("/articles/garden/compost", "/articles", "true"),
    ],
)
async def test_the_entry_of_the_menu_where_a_page_belongs_is_marked(
    app: App, database: Database, path: str, current: str, state: str
) -> None:
    async with desk(app, database) as client:
        page = (await client.get(path)).text
    marked = re.findall(r'<a href="([^"]+)" aria-current="(\w+)"', page.partition("</nav>")[0])
    assert marked == [(current, state)]


async def test_badges_count_what_waits_and_stop_at_a_hundred(app: App, database: Database) -> None:
    await database.fetch(
        "insert into alerts (kind, subject, text) select 'budget', n::text, 'x'"
        " from generate_series(1, 150) n"
    )
    async with desk(app, database) as client:
        menu = entries((await client.get("/runs")).text)
    assert menu["/articles"] == "Articles, 99+"
    assert menu["/review"] == "Review, 7", "the app's own count takes the place of the engine's"
    assert menu["/dead"] == "Failed jobs, 1"
    assert menu["/alerts"] == "Alerts, 99+"
    assert menu["/schedules"] == "Schedules"


async def test_search_finds_jobs_keys_pages_and_what_the_app_has(
    app: App, database: Database
) -> None:
    (row,) = await database.fetch("select job_id, pipeline from runs where status = 'dead'")
    async with desk(app, database) as client:
        by_id = (await client.get("/search", params={"q": row["job_id"][:9]})).text
        by_key = (await client.get("/search", params={"q": "AD"})).text
        by_page = (await client.get("/search", params={"q": "sched"})).text
        rows = (await client.get("/api/search", params={"q": row["job_id"][:9]})).json()["rows"]
    assert f'href="/jobs/{row["job_id"]}"' in by_id
    assert "Compost &lt;b&gt;&amp;&lt;/b&gt; 堆肥" in by_id
    assert 'href="/runs?key=ada"' in by_key
    assert by_page.count('href="/schedules"><b>Schedules</b>') == 1
    assert rows[0] == {
        "path": "/articles/garden/compost",
        "title": TITLE,
        "kind": "article",
        "line": f"for {row['job_id'][:9]}",
    }
    assert rows[-1]["path"] == f"/jobs/{row['job_id']}"


@pytest.mark.parametrize("text", ["", "   ", "zzz nothing", "%", "_", "'", "<script>", "x" * 5_000])
async def test_a_search_for_anything_answers(client: httpx2.AsyncClient, text: str) -> None:
    answer = await client.get("/search", params={"q": text})
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    found = answer.text.partition('<div class="found"')[2].partition("</main>")[0]
    assert ('class="empty"' in found) == (text.strip() != "")
    assert ("/jobs/" in found) is False


async def test_a_missing_page_says_so_and_leads_home_and_to_the_search(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.get("/no/such/page")
    assert answer.status_code == 404
    assert "<h1>Page not found</h1>" in answer.text
    assert 'href="/search"' in answer.text and 'href="/"' in answer.text


async def test_the_address_of_an_asset_changes_with_its_content(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/runs")).text
    for name in ("console.css", "console.js", "icons.svg", "icon.svg"):
        path = templates.asset(name)
        assert re.fullmatch(rf"/static/{re.escape(name)}\?v=[0-9a-f]{{8}}", path)
        assert path in page
        assert (await client.get(path)).status_code == 200


def test_every_icon_of_the_pages_is_in_the_sprite() -> None:
    sprite = (HERE / "static/icons.svg").read_text()
    symbols = set(re.findall(r'<symbol id="(\w+)"', sprite))
    texts = "".join(file.read_text() for file in (HERE / "templates").glob("*.html"))
    named = set(re.findall(r'icon\("(\w+)"', texts)) | {
        each.icon for each in pages.PAGES if each.icon
    }
    assert named <= symbols
    assert len(symbols) == sprite.count("<symbol ")


async def test_what_came_of_a_button_is_said_once(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/runs?status=dead&done=it+is+done&refused=it+is+not")).text
    assert '<p class="said well" role="status"><span>it is done</span>' in page
    assert '<p class="said act" role="alert"><span>it is not</span>' in page
    assert 'class="close" href="/runs?status=dead"' in page


# --- the parts


def macros(own: Console = DESK) -> Any:
    """The macros of parts.html with what the console gives them."""
    app = App("nightshop", [])
    made = templates.Templates(app, [HERE / "templates"], own)
    return made._environment.get_template("parts.html").module


class Take(BaseModel):
    job: str


async def take(*_: Any) -> str:
    return "taken"


VERBS = Console(
    verbs={
        "take": Verb(take, "It is taken.", Take),
        "note": Verb(take, "It is noted.", Take, role="edit"),
    }
)


@pytest.mark.parametrize(
    ("role", "shown"), [("view", []), ("edit", ["note"]), ("operate", ["take", "note", "pause"])]
)
def test_a_button_is_shown_to_those_who_may_press_it(role: Any, shown: list[str]) -> None:
    parts, visitor = macros(VERBS), Visitor("ada", role, "c5rf")
    for macro in (parts.button, parts.with_reason):
        for confirm in ("", "It is gone for good."):
            made = {
                verb: macro(visitor, "/", verb, "Press", {"job": "a"}, confirm=confirm).strip()
                for verb in ("take", "note", "pause")
            }
            assert [verb for verb, html in made.items() if html] == shown
    assert macros(VERBS).button(None, "/", "take", "Press", {}).strip() == ""


def test_a_confirmation_is_a_question_that_holds_the_form() -> None:
    parts, visitor = macros(VERBS), Visitor("ada", "operate", "c5rf")
    asked = parts.with_reason(
        visitor, "/x", "take", "Take", {"job": "a"}, "danger", confirm="Sure?"
    )
    opener, _, question = asked.partition("<div")
    (target,) = re.findall(r'popovertarget="([\w-]+)"', opener)
    assert "<form" not in opener
    assert f'id="{target}" popover role="dialog"' in question
    assert '<form method="post" action="/do/take">' in question
    assert 'name="reason" required' in question and "<p>Sure?</p>" in question
    other = parts.with_reason(
        visitor, "/x", "take", "Take", {"job": "b"}, "danger", confirm="Sure?"
    )
    assert target not in other


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=5), "5 s ago"),
        (timedelta(minutes=3, seconds=40), "3 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1, hours=3), "1 day ago"),
        (timedelta(days=29), "29 days ago"),
        (-timedelta(hours=2, seconds=9), "in 2 h"),
    ],
)
def test_a_time_is_said_in_its_largest_unit(age: timedelta, text: str) -> None:
    assert templates.ago(datetime.now(UTC) - age) == text


def test_a_time_long_ago_is_a_day_with_its_year() -> None:
    assert templates.ago(datetime(2019, 3, 7, 12, tzinfo=UTC)) == "7 Mar 2019"
    assert templates.ago(None) == ""


def test_a_state_has_the_word_and_the_tone_that_people_know() -> None:
    status = macros().status
    assert status("dead") == '<span class="status dead" data-tone="act">failed</span>'
    assert 'data-tone="look">needs review<' in status("needs_review")
    assert 'data-tone="none">–<' in status(None)
