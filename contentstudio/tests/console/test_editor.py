"""The editor: words are checked while they are written, saved where they belong, and never lost."""

from __future__ import annotations

import httpx2
import pytest
from drafts import small_draft
from lxml import html

from contentstudio.review import editing, manuscript
from contentstudio.store.articles import Articles
from contentstudio.store.publications import Publications
from desk import Desk
from overnight.console.access import Access
from overnight.errors import IllegalTransition, NotFound, UserError
from overnight.operations import queries, reviews
from overnight.operations.decisions import Approve, Edit

pytestmark = pytest.mark.contract

LEAK = "As an AI language model I cannot say more."
EDIT = "/articles/garden/compost/edit"
OTHER = "A person wrote this sentence."
PASSWORD = "a long enough password"


def form_of(page: str) -> dict[str, str]:
    """What the editor sends."""
    (form,) = html.fromstring(page).xpath("//form[@data-editor]")
    return dict(form.fields)


def text_of(page: str, xpath: str) -> str:
    return " ".join(each.text_content() for each in html.fromstring(page).xpath(xpath))


async def opened(client: httpx2.AsyncClient) -> dict[str, str]:
    answer = await client.get(EDIT)
    assert answer.status_code == 200, answer.text
    return form_of(answer.text)


async def waiting(desk: Desk, job: str = "one") -> str:
    """The words of an article that waits for a person."""
    draft = small_draft(text=LEAK)
    assert (await desk.check(job, draft))["status"] == "needs_review"
    return manuscript.write(draft)


async def test_words_of_a_review_are_saved_and_checked_again(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    words = await waiting(desk)
    form = await opened(client)
    assert form["words"].replace("\r\n", "\n").strip() == words.strip()
    saved = await client.post(
        "/fragment/save-words",
        data={**form, "words": words.replace(LEAK, OTHER).replace("\n", "\r\n")},
    )
    assert saved.headers["location"].startswith("/articles/garden/compost?saved=")
    (run,) = await desk.database.fetch("select input, status from runs where step = 'gate'")
    assert (run["status"], OTHER in str(run["input"])) == ("queued", True)
    page = await client.get(saved.headers["location"])
    assert "is saved, and checked again" in page.text
    assert html.fromstring(page.text).xpath("//*[@data-saved]")


async def test_words_are_checked_before_they_are_saved(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    words = await waiting(desk)
    form = await opened(client)
    said = (await client.post("/fragment/check-words", data=form)).text
    assert "leaks" in text_of(said, "//ul[contains(@class, 'checks')]/li/b")
    assert text_of(said, "//mark[@id='sentence-1']") == LEAK
    better = {**form, "words": words.replace(LEAK, OTHER)}
    said = (await client.post("/fragment/check-words", data=better)).text
    assert "leaks" not in text_of(said, "//ul[contains(@class, 'checks')]/li/b")
    assert OTHER in text_of(said, "//div[@class='reading']")
    assert (await queries.review(desk.database))[0]["job_id"] == "one"  # nothing was changed


async def test_the_editor_does_not_wait_for_the_checks(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    await waiting(desk)
    page = (await client.get(EDIT)).text
    assert text_of(page, "//*[@data-unchecked]") != ""
    assert not html.fromstring(page).xpath("//ul[contains(@class, 'checks')]")
    said = (await client.post("/fragment/check-words", data=form_of(page))).text
    assert "data-unchecked" not in said
    assert "leaks" in text_of(said, "//ul[contains(@class, 'checks')]/li/b")


async def test_without_a_script_a_button_checks_the_words(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    words = await waiting(desk)
    form = {**await opened(client), "words": words.replace(LEAK, OTHER), "only": "check"}
    answer = await client.post("/fragment/save-words", data=form)
    assert answer.status_code == 200
    assert OTHER in form_of(answer.text)["words"]
    assert OTHER in text_of(answer.text, "//div[@class='reading']")
    assert len(await queries.review(desk.database)) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [("no title", "an article needs a title"), ("# T\n\n## H\n\nx. [s9]\n", "line 5: [s9]")],
)
async def test_words_that_cannot_be_read_come_back(
    desk: Desk, client: httpx2.AsyncClient, words: str, says: str
) -> None:
    await waiting(desk)
    form = {**await opened(client), "words": words}
    answer = await client.post("/fragment/save-words", data=form)
    assert form_of(answer.text)["words"].split() == words.split()
    assert says in text_of(answer.text, "//*[@role='alert']")
    assert says in (await client.post("/fragment/check-words", data=form)).text


async def test_of_two_who_edit_the_second_sees_both_and_loses_nothing(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    words = await waiting(desk)
    form = await opened(client)
    (row,) = await queries.review(desk.database)
    theirs = small_draft(text="As an AI I wrote it first.").model_dump(mode="json")
    await reviews.decide(desk.app, desk.database, "one", Edit(row["revision"], theirs))
    await desk.work()
    mine = {**form, "words": words.replace(LEAK, OTHER)}
    answer = await client.post("/fragment/save-words", data=mine)
    assert answer.status_code == 200
    assert "were changed since you opened them" in text_of(answer.text, "//*[@role='alert']")
    assert text_of(answer.text, "//del") == "As an AI I wrote it first."
    assert text_of(answer.text, "//ins") == OTHER
    again = form_of(answer.text)
    assert OTHER in again["words"]
    saved = await client.post("/fragment/save-words", data=again)
    assert saved.status_code == 303


async def test_words_come_back_while_a_job_is_at_work_on_the_article(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    words = await waiting(desk)
    form = {**await opened(client), "words": words.replace(LEAK, OTHER)}
    assert (await client.post("/fragment/save-words", data=form)).status_code == 303
    answer = await client.post("/fragment/save-words", data=form)
    assert answer.status_code == 200
    assert OTHER in form_of(answer.text)["words"]
    assert "its words can be edited when it waits" in text_of(answer.text, "//*[@role='alert']")


async def test_words_of_a_published_article_become_its_next_version(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    await desk.publish("one", small_draft(text="A heap is a start."))
    form = await opened(client)
    form["words"] = form["words"].replace("A heap is a start.", OTHER)
    saved = await client.post("/fragment/save-words", data={**form, "reason": "it is better"})
    assert saved.status_code == 303, saved.text
    article = await Articles(desk.database).read("garden", "compost")
    assert article is not None and article.job_id is not None
    assert (article.state, article.job_id != "one") == ("refreshing", True)
    assert await Articles(desk.database).edited(article.job_id)  # so that no model changes it
    await desk.work()
    (row,) = await queries.review(desk.database, article.job_id)
    await reviews.decide(desk.app, desk.database, article.job_id, Approve(row["revision"]))
    await desk.work()
    version = await Publications(desk.database).version("garden", "compost")
    assert version is not None
    assert (version["number"], OTHER in str(version["draft"])) == (2, True)
    (action, *_) = await queries.actions(desk.database, article.job_id)
    assert (action["verb"], action["reason"]) == ("edit", "it is better")


async def test_a_last_edit_before_publication_is_taken(desk: Desk) -> None:
    await waiting(desk)
    (row,) = await queries.review(desk.database)
    await reviews.decide(desk.app, desk.database, "one", Approve(row["revision"]))
    words = await editing.read(desk.database, desk.config, "garden", "compost")
    assert words.stands == "waiting"
    done = await save(desk, words.text.replace(LEAK, OTHER), words.revision)
    assert "checked again" in done
    (run,) = await desk.database.fetch("select input from runs where step = 'confirm'")
    assert OTHER in str(run["input"])


async def save(desk: Desk, text: str, revision: str) -> str:
    return await editing.save(
        desk.app, desk.database, desk.config, "garden", "compost", text, revision=revision
    )


@pytest.mark.parametrize("revision", ["", "0" * 64, "1234567"])
async def test_nothing_is_saved_over_words_of_another_revision(desk: Desk, revision: str) -> None:
    await desk.publish("one", small_draft())
    with pytest.raises(IllegalTransition, match="were changed since you opened them"):
        await save(desk, manuscript.write(small_draft(text=OTHER)), revision)
    assert await desk.database.fetch("select 1 from actions") == []


async def test_the_same_words_begin_no_job(desk: Desk) -> None:
    await desk.publish("one", small_draft())
    words = await editing.read(desk.database, desk.config, "garden", "compost")
    with pytest.raises(UserError, match="are the same as before"):
        await save(desk, words.text, words.revision)


async def test_an_article_without_a_text_has_no_words(desk: Desk) -> None:
    with pytest.raises(NotFound, match="garden has no article “compost”"):
        await editing.read(desk.database, desk.config, "garden", "compost")
    await desk.database.fetch(
        "insert into articles (site, slug, title, state) values ('garden', 'compost', 'x', 'idea')"
    )
    with pytest.raises(IllegalTransition, match="is in the state idea"):
        await editing.read(desk.database, desk.config, "garden", "compost")


async def test_who_may_only_look_saves_nothing_and_checks_nothing(desk: Desk) -> None:
    await waiting(desk)
    async with desk.console(Access({"view": PASSWORD})) as client:
        await client.post("/login", data={"password": PASSWORD})
        page = (await client.get("/articles/garden/compost")).text
        assert EDIT not in page
        form = await opened(client)
        for name in ("save-words", "check-words"):
            assert (await client.post(f"/fragment/{name}", data=form)).status_code == 403


async def test_a_form_of_another_site_or_of_no_page_is_refused(
    desk: Desk, client: httpx2.AsyncClient
) -> None:
    await waiting(desk)
    form = await opened(client)
    elsewhere = {"origin": "https://evil.example"}
    answer = await client.post("/fragment/save-words", data=form, headers=elsewhere)
    assert answer.status_code == 403
    assert (
        await client.post("/fragment/save-words", data={**form, "csrf": "x"})
    ).status_code == 403
    assert (await client.post("/fragment/nothing", data=form)).status_code == 404


async def test_programs_save_words_too(desk: Desk, client: httpx2.AsyncClient) -> None:
    words = await waiting(desk)
    form = await opened(client)
    body = {name: form[name] for name in ("site", "slug", "revision")}
    answer = await client.post(
        "/api/do/edit-article",
        json={**body, "words": words.replace(LEAK, OTHER)},
        headers={"x-csrf-token": form["csrf"]},
    )
    assert answer.status_code == 200, answer.text
    assert "is saved, and checked again" in answer.json()["done"]
