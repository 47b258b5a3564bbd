"""A person edits while we publish: what they did stays, in whichever field, and between whichever
requests.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contentstudio import config as settings
from contentstudio import publish
from contentstudio.model import Draft, Existing, Image
from contentstudio.publish import wordpress as adapter
from contentstudio.publish.port import GONE, Article, Conflict, Publisher
from overnight.errors import Transient
from overnight.operations import runs

Make = Callable[..., Draft]
Desk = Any  # of conftest.py

NIGHT = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WRITE = ("POST", "/posts/")
# What a person does to a post: to a field by REST, as the editor does it, and how the database
# tells of it.
EDITS: dict[str, dict[str, Any]] = {
    "title": {"title": "A person’s title"},
    "excerpt": {"excerpt": "A person’s excerpt."},
    "text": {"content": "<p>A person’s words.</p>"},
    "tags": {},
    "categories": {},
    "picture": {},
    "slug": {"slug": "a-persons-slug"},
    "back to a draft": {"status": "draft"},
    "private": {"status": "private"},
    "trash": {},
}


async def at_once(name: str, *, call: Callable[[], Any], **_: Any) -> Any:
    """An effect without a ledger."""
    return await call()


def opened(desk: Desk) -> AbstractAsyncContextManager[Publisher]:
    config = settings.load(desk.file)
    return publish.opened(config, config.site[0])


def at(desk: Desk, request_: tuple[str, str], act: Callable[[], Any], when: str = "before") -> None:
    """Do something once, before or after the first such request from now on."""
    state = {"done": False}

    def watch(number: int, now: str) -> None:
        told = f"{desk.proxy.told[number - 1]}?"
        if (
            now == when
            and told.startswith(f"{request_[0]} ")
            and request_[1] in told
            and not state["done"]
        ):
            state["done"] = True
            act()

    desk.proxy.watch = watch


class Person:
    """The owner, who edits our post by hand; `stays` says whether their version stands
    there still.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.done: dict[str, Any] | None = None

    def _post(self) -> dict[str, Any]:
        number = self._desk.wordpress.sql("select max(ID) from wp_posts where post_type = 'post'")
        with self._desk.wordpress.client("owner") as owner:
            found: dict[str, Any] = owner.get(f"/posts/{number}", params={"context": "edit"}).json()
        return found

    def edit(self, what: str) -> None:
        """Raises where WordPress does not take it, so that no test passes without an edit."""
        post, change = self._post(), dict(EDITS[what])
        with self._desk.wordpress.client("owner") as owner:
            if what in ("tags", "categories"):
                change[what] = [owner.post(f"/{what}", json={"name": "of a person"}).json()["id"]]
            if what == "picture":
                headers = {
                    "Content-Disposition": 'attachment; filename="mine.png"',
                    "Content-Type": "image/png",
                }
                change["featured_media"] = owner.post(
                    "/media", content=PIXEL, headers=headers
                ).json()["id"]
            if what == "trash":
                owner.delete(f"/posts/{post['id']}").raise_for_status()
            else:
                owner.post(f"/posts/{post['id']}", json=change).raise_for_status()
        self.done = self._standing()

    def _standing(self) -> dict[str, Any]:
        post = self._post()
        texts = {name: post[name]["raw"] for name in ("title", "excerpt", "content")}
        return texts | {
            name: post[name] for name in ("slug", "status", "tags", "categories", "featured_media")
        }

    def stays(self) -> bool:
        assert self.done is not None, "the person did nothing"
        return self._standing() == self.done


@pytest.fixture
def person(desk: Desk) -> Person:
    return Person(desk)


@pytest.fixture
def article(desk: Desk, draft: Make) -> Callable[..., Article]:
    (desk.file.parent / "heap.png").write_bytes(PIXEL)

    def make(text: str, *, pictured: bool = False, **changes: Any) -> Article:
        images = [Image(src="heap.png", alt="A heap of leaves")] if pictured else []
        return Article(draft(text, images=images), NIGHT, pictures={"heap.png": PIXEL}, **changes)

    return make


# Requests of an update of a live post, in their order: the look, the picture and the terms, the
# look before the write.
BETWEEN = {
    "upload": ("POST", "/media?"),
    "term": ("POST", "/tags?"),
    "last look": ("GET", "/posts?"),
}


@pytest.mark.parametrize("request_", BETWEEN)
@pytest.mark.parametrize("what", EDITS)
async def test_a_persons_change_during_an_update_stays(
    desk: Desk, person: Person, article: Callable[..., Article], what: str, request_: str
) -> None:
    async with opened(desk) as publisher:
        _, known = await publisher.publish(article("A start."), at_once)
        at(desk, BETWEEN[request_], lambda: person.edit(what))
        with pytest.raises(Conflict) as conflict:
            await publisher.publish(article("Another start.", pictured=True), at_once, known)
        assert person.stays()
        assert (conflict.value.there is None) == (what == "trash")


@pytest.mark.parametrize("state", ["draft", "scheduled"])
@pytest.mark.parametrize("what", ["title", "tags", "trash"])
async def test_a_persons_change_of_a_post_not_yet_public_stays(
    desk: Desk, person: Person, article: Callable[..., Article], what: str, state: Any
) -> None:
    soon = datetime(2099, 1, 1, tzinfo=UTC)
    async with opened(desk) as publisher:
        _, known = await publisher.publish(
            replace(article("A start.", state=state), at=soon), at_once
        )
        assert known.state == state
        at(desk, BETWEEN["term"], lambda: person.edit(what))
        with pytest.raises(Conflict):
            await publisher.publish(
                replace(article("Another start.", state=state), at=soon), at_once, known
            )
    assert person.stays()


@pytest.mark.parametrize("what", [what for what in EDITS if what != "back to a draft"])
async def test_what_a_person_changes_in_the_empty_draft_stays(
    desk: Desk, person: Person, article: Callable[..., Article], what: str
) -> None:
    async with opened(desk) as publisher:
        at(desk, BETWEEN["term"], lambda: person.edit(what))
        with pytest.raises(Conflict):
            await publisher.publish(article("A start."), at_once)
    assert person.stays()


async def test_a_trashed_empty_draft_is_made_anew_where_a_person_asks(
    desk: Desk, person: Person, draft: Make
) -> None:
    at(desk, BETWEEN["term"], lambda: person.edit("trash"))
    ending = await desk.publish("one", draft("A start."))
    assert ending["status"] == "needs_review", ending["error"]
    desk.proxy.watch = lambda number, when: None
    ending = await desk.publish("two", draft("A start."), over=GONE)
    assert ending["status"] == "succeeded", ending["error"]


@pytest.mark.parametrize("new", [True, False], ids=["new", "there before"])
@pytest.mark.parametrize("what", EDITS)
async def test_after_a_lost_answer_what_a_person_changed_stays(
    desk: Desk, person: Person, draft: Make, what: str, new: bool
) -> None:
    if not new:
        await desk.publish("one", draft("A start."))
    desk.proxy.fault("502 after", *WRITE)
    at(desk, WRITE, lambda: person.edit(what), "after")
    ending = await desk.publish("two", draft("Another start."))
    assert ending["status"] == "needs_review", ending["error"]
    assert person.stays()


@pytest.mark.parametrize("new", [True, False], ids=["new", "there before"])
async def test_after_a_lost_answer_an_arrived_version_is_not_rewritten(
    desk: Desk, draft: Make, new: bool
) -> None:
    if not new:
        await desk.publish("one", draft("A start."))
    desk.proxy.fault("502 after", *WRITE)
    before = len(desk.proxy.told)
    ending = await desk.publish("two", draft("Another start."))
    assert (ending["status"], ending["failures"]) == ("succeeded", 1), ending["error"]
    assert ending["output"]["differs"] == []
    assert (
        sum(told.startswith("POST /wp-json/wp/v2/posts/") for told in desk.proxy.told[before:]) == 1
    )
    ending = await desk.publish("three", draft("A third start."))
    assert ending["output"]["action"] == "updated", ending["error"]


@pytest.mark.parametrize("what", [None, "title", "excerpt", "tags", "categories", "text"])
async def test_after_a_lost_answer_only_our_own_version_is_overwritten(
    desk: Desk, person: Person, article: Callable[..., Article], what: str | None
) -> None:
    lost, later = article("A lost start."), article("A later start.")
    async with opened(desk) as publisher:
        desk.proxy.fault("502 after", *WRITE)
        with pytest.raises(Transient):
            await publisher.publish(lost, at_once)
        if what is None:
            published, _ = await publisher.publish(
                later, at_once, None, [lost.sha256, later.sha256]
            )
            assert published.differs == ()
            return
        person.edit(what)
        with pytest.raises(Conflict):
            await publisher.publish(later, at_once, None, [lost.sha256, later.sha256])
    assert person.stays()


@pytest.fixture
def plugin(servers: Any, request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Puts lines of PHP on the site."""
    file: Path = servers[2] / "wp-content" / "mu-plugins" / "of-a-test.php"
    request.addfinalizer(lambda: file.unlink(missing_ok=True))
    return lambda php: file.write_text(f"<?php {php}", "utf-8") and None


# A plugin dies while the post becomes public: its row is written, and its terms are not.
DYING = """
add_action('transition_post_status', function ($new, $old, $post) {
    if ($new === 'publish' && $post->post_type === 'post' && !get_option('test_died')) {
        update_option('test_died', 1);
        status_header(500);
        exit;
    }
}, 10, 3);
"""


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
async def test_a_write_interrupted_by_a_plugin_is_completed(
    desk: Desk, draft: Make, plugin: Callable[[str], None], known: bool
) -> None:
    if known:
        desk.configure(state="draft")
        await desk.publish("one", draft("A start.", tags=["old"]))
        desk.configure()
    plugin(DYING)
    ending = await desk.publish("two", draft("Another start."))
    assert (ending["status"], ending["failures"]) == ("succeeded", 1), ending["error"]
    assert ending["output"]["differs"] == []
    with desk.wordpress.client("owner") as owner:
        (post,) = owner.get("/posts", params={"slug": "compost"}).json()
        assert post["categories"] == [
            owner.get("/categories", params={"slug": "notes"}).json()[0]["id"]
        ]
    assert len(post["tags"]) == 2


async def test_a_persons_edit_right_after_our_write_is_not_ours(
    desk: Desk, person: Person, draft: Make
) -> None:
    at(desk, ("GET", "/posts/"), lambda: person.edit("title"))  # the look after the write
    ending = await desk.publish("one", draft("A start."))
    assert ending["status"] == "succeeded", ending["error"]
    assert "its title" in ending["output"]["differs"][0]
    ending = await desk.publish("two", draft("Another start."))
    assert ending["status"] == "needs_review"
    assert person.stays()


@pytest.mark.parametrize("what", ["title", "text", "tags"])
async def test_a_persons_change_during_an_unpublish_stays_public(
    desk: Desk, person: Person, article: Callable[..., Article], what: str
) -> None:
    async with opened(desk) as publisher:
        _, known = await publisher.publish(article("A start."), at_once)

        async def late(name: str, *, call: Callable[[], Any], **_: Any) -> Any:
            person.edit(what)
            return await call()

        with pytest.raises(Conflict):
            await publisher.unpublish("compost", late, known)
    assert person.stays()


async def test_a_persons_text_in_a_post_taken_back_is_not_ours(
    desk: Desk, person: Person, article: Callable[..., Article]
) -> None:
    async with opened(desk) as publisher:
        _, known = await publisher.publish(article("A start."), at_once)
        person.edit("text")
        person.edit("back to a draft")
        there = await publisher.unpublish("compost", at_once, known)
        assert there is not None and there.state == "draft"
        with pytest.raises(Conflict):
            await publisher.publish(
                article("A start."), at_once, Existing.model_validate(there.model_dump())
            )
    assert person.stays()


@pytest.mark.parametrize("what", ["title", "excerpt", "text"])
async def test_an_empty_draft_into_which_a_person_wrote_is_not_swept(
    desk: Desk, person: Person, what: str
) -> None:
    with desk.wordpress.client("editor") as editor:
        begun = {"slug": "compost", "content": adapter.BEGUN, "status": "draft"}
        editor.post("/posts", json=begun).raise_for_status()
    if what != "text":
        person.edit(what)
    else:
        with desk.wordpress.client("owner") as owner:
            (post,) = desk.wordpress.posts("compost")
            words = f"{adapter.BEGUN}\n<p>A person’s words.</p>"
            owner.post(f"/posts/{post['id']}", json={"content": words}).raise_for_status()
    desk.wordpress.sql("update wp_posts set post_modified_gmt = '2020-01-01'")
    await runs.start(desk.app, desk.database, "tidy", {"date": "2026-11-23", "sites": ["garden"]})
    await desk.work()
    assert [post["slug"] for post in desk.wordpress.posts("compost")] == ["compost"]
