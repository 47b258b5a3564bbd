"""Publishing to a real WordPress when nothing breaks: what readers see, and that what a person did
there stays.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from contentstudio import articles
from contentstudio import config as settings
from contentstudio.model import Draft, Image
from contentstudio.publish import wordpress as adapter
from contentstudio.publish.port import Article
from contentstudio.publish.wordpress import BEGUN, WordPress
from overnight.operations import reviews, runs, switches
from overnight.operations.decisions import Approve

Make = Callable[..., Draft]
Desk = Any  # of conftest.py

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def at_once(name: str, *, call: Callable[[], Any], **_: Any) -> Any:
    """An effect without a ledger."""
    return await call()


def writes(desk: Desk) -> list[str]:
    return [told for told in desk.proxy.told if not told.startswith("GET")]


async def seal(desk: Desk, job: str) -> str:
    (row,) = await desk.database.fetch(
        "select seal(output, input) as seal from runs where job_id = %s", [job]
    )
    return str(row["seal"])


async def test_an_article_is_seen_by_readers_with_its_terms(desk: Desk, draft: Make) -> None:
    ending = await desk.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert ending["output"]["action"] == "created"
    (post,) = desk.wordpress.posts("compost%")
    assert (post["slug"], post["status"]) == ("compost", "publish")
    page = httpx2.get(ending["output"]["url"])
    assert page.status_code == 200
    assert "A heap is a start &amp; more than" in page.text
    assert "contentstudio" not in page.text
    with desk.wordpress.client("owner") as owner:
        there = owner.get("/posts", params={"slug": "compost", "_embed": "1"}).json()[0]
    assert html.unescape(there["title"]["rendered"]) == "On compost: a < b & “c”"
    assert there["excerpt"]["rendered"].strip() == "<p>What to know of heaps.</p>"
    terms = [
        html.unescape(term["name"]) for group in there["_embedded"]["wp:term"] for term in group
    ]
    assert sorted(terms) == ["Notes", "Soil & Earth", "heaps"]


async def test_another_version_goes_into_the_same_post(desk: Desk, draft: Make) -> None:
    await desk.publish("one", draft())
    (first,) = desk.wordpress.posts("compost%")
    ending = await desk.publish("two", draft("Another start."))
    assert ending["output"]["action"] == "updated", ending["error"]
    (post,) = desk.wordpress.posts("compost%")
    assert post["id"] == first["id"]
    assert "Another start." in httpx2.get(ending["output"]["url"]).text


async def test_the_same_article_again_writes_nothing(desk: Desk, draft: Make) -> None:
    await desk.publish("one", draft())
    done = len(writes(desk))
    ending = await desk.publish("two", draft())
    assert ending["output"]["action"] == "unchanged", ending["error"]
    assert len(writes(desk)) == done


async def test_a_picture_comes_along_once_with_its_words(desk: Desk, draft: Make) -> None:
    (desk.file.parent / "heap.png").write_bytes(PIXEL)
    images = [Image(src="heap.png", alt="A heap of leaves")]
    for job, text in (("one", "A start."), ("two", "Another start.")):
        ending = await desk.publish(job, draft(text, images=images))
        assert ending["status"] == "succeeded", ending["error"]
    with desk.wordpress.client("owner") as owner:
        (picture,) = owner.get("/media").json()
        (post,) = owner.get("/posts", params={"slug": "compost"}).json()
    assert picture["alt_text"] == "A heap of leaves"
    assert post["featured_media"] == picture["id"]
    assert httpx2.get(picture["source_url"]).content == PIXEL


async def test_an_author_publishes_in_a_category_that_is_there(desk: Desk, draft: Make) -> None:
    desk.configure("author")
    ending = await desk.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    desk.configure("author", category="Nowhere")
    ending = await desk.publish("two", draft(slug="mulch"))
    assert ending["status"] == "dead"
    assert "“Nowhere”" in ending["error"]
    assert [post["status"] for post in desk.wordpress.posts("mulch%")] == ["draft"]


async def test_a_draft_stays_one_until_a_person_publishes_it_for_good(
    desk: Desk, draft: Make
) -> None:
    desk.configure(state="draft")
    await desk.publish("one", draft())
    (post,) = desk.wordpress.posts("compost%")
    assert post["status"] == "draft"
    with desk.wordpress.client("owner") as owner:
        owner.post(f"/posts/{post['id']}", json={"status": "publish"}).raise_for_status()
    ending = await desk.publish("two", draft("Another start."))
    assert ending["output"]["action"] == "updated", ending["error"]
    (post,) = desk.wordpress.posts("compost%")
    assert post["status"] == "publish"
    assert "Another start." in post["content"]


async def test_a_scheduled_article_waits_for_its_time(desk: Desk, draft: Make) -> None:
    config = settings.load(desk.file)
    assert isinstance(config.site[0].publish, settings.WordPress)
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    async with WordPress(config.site[0], config.site[0].publish) as publisher:
        _, there = await publisher.publish(Article(draft(), tomorrow, "scheduled"), at_once)
    assert there.state == "scheduled"
    with desk.wordpress.client("owner") as owner:
        post = owner.get(f"/posts/{there.id}", params={"context": "edit"}).json()
    assert (post["status"], post["date_gmt"]) == ("future", f"{tomorrow:%Y-%m-%dT%H:%M:%S}")


async def test_a_rollback_brings_back_the_version_before(desk: Desk, draft: Make) -> None:
    await desk.publish("one", draft("The first version."))
    await desk.clock.move(60)
    await desk.publish("two", draft("The second version."))
    await desk.clock.move(60)
    job, _ = await runs.start(desk.app, desk.database, "rollback", named())
    await desk.work()
    assert (await desk.ending(job))["output"]["action"] == "updated"
    (post,) = desk.wordpress.posts("compost%")
    assert "The first version." in post["content"]


async def test_unpublish_hides_an_article_and_publish_brings_it_back(
    desk: Desk, draft: Make
) -> None:
    url = (await desk.publish("one", draft()))["output"]["url"]
    await runs.start(desk.app, desk.database, "unpublish", named())
    await desk.work()
    assert httpx2.get(url).status_code == 404
    assert [post["status"] for post in desk.wordpress.posts("compost%")] == ["draft"]
    ending = await desk.publish("two", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert httpx2.get(url).status_code == 200


def named() -> dict[str, str]:
    return {"site": "garden", "slug": "compost", "asked": "2026-11-23T12:00:00Z"}


async def edited(desk: Desk, draft: Make) -> dict[str, Any]:
    """A post that a person changed after us, and a new version of ours."""
    await desk.publish("one", draft())
    (post,) = desk.wordpress.posts("compost%")
    with desk.wordpress.client("owner") as owner:
        changed = post["content"].replace("A heap", "A person’s heap")
        owner.post(f"/posts/{post['id']}", json={"content": changed}).raise_for_status()
    done = len(writes(desk))
    ending: dict[str, Any] = await desk.publish("two", draft("Another start."))
    assert len(writes(desk)) == done
    return ending


async def test_a_persons_change_needs_a_person_and_stays_if_approved(
    desk: Desk, draft: Make
) -> None:
    ending = await edited(desk, draft)
    assert ending["status"] == "needs_review"
    assert "was changed by a person" in ending["error"]
    await reviews.decide(desk.app, desk.database, "two", Approve(await seal(desk, "two")))
    await desk.work()
    assert (await desk.ending("two"))["output"]["action"] == "left"
    (post,) = desk.wordpress.posts("compost%")
    assert "A person’s heap" in post["content"]


async def test_a_persons_change_is_written_over_where_a_person_says_so(
    desk: Desk, draft: Make
) -> None:
    ending = await edited(desk, draft)
    assert "contentstudio overwrite two --reason …" in ending["error"]
    await articles.overwrite(desk.app, desk.database, "two", reason="the numbers were wrong")
    await desk.work()
    ending = await desk.ending("two")
    assert ending["status"] == "succeeded", ending["error"]
    (post,) = desk.wordpress.posts("compost%")
    assert "Another start." in post["content"]


async def test_what_a_person_took_away_or_back_is_not_put_there_again(
    desk: Desk, draft: Make
) -> None:
    for slug, status in (("compost", "trash"), ("mulch", "draft")):
        await desk.publish(f"{slug} one", draft(slug=slug))
        (post,) = desk.wordpress.posts(slug)
        with desk.wordpress.client("owner") as owner:
            if status == "trash":
                owner.delete(f"/posts/{post['id']}").raise_for_status()
            else:
                owner.post(f"/posts/{post['id']}", json={"status": status}).raise_for_status()
        ending = await desk.publish(f"{slug} two", draft("Another start.", slug=slug))
        assert ending["status"] == "needs_review"
    assert [post["status"] for post in desk.wordpress.posts("compost%")] == ["trash"]
    assert [post["status"] for post in desk.wordpress.posts("mulch%")] == ["draft"]


async def test_a_post_of_the_owners_with_our_slug_is_not_written_over(
    desk: Desk, draft: Make
) -> None:
    with desk.wordpress.client("owner") as owner:
        owner.post(
            "/posts",
            json={"slug": "compost", "title": "Mine", "content": "My words.", "status": "draft"},
        )
    ending = await desk.publish("one", draft())
    assert ending["status"] == "needs_review"
    assert "was not written by us" in ending["error"]
    assert [post["content"] for post in desk.wordpress.posts("compost%")] == ["My words."]


async def test_a_slug_reserved_by_wordpress_is_reported_and_not_used(
    desk: Desk, draft: Make
) -> None:
    ending = await desk.publish("one", draft(slug="feed"))
    assert ending["status"] == "dead"
    assert "“feed-2” of the slug “feed”" in ending["error"]
    assert desk.wordpress.posts("feed%") == []


async def test_every_post_of_the_site_is_told_page_by_page(
    desk: Desk, draft: Make, monkeypatch: Any
) -> None:
    monkeypatch.setattr(adapter, "PER_PAGE", 2)
    with desk.wordpress.client("owner") as owner:
        for number in range(4):
            owner.post(
                "/posts",
                json={"title": f"Post & {number}", "content": "Words.", "status": "publish"},
            )
    config = settings.load(desk.file)
    assert isinstance(config.site[0].publish, settings.WordPress)
    async with WordPress(config.site[0], config.site[0].publish) as publisher:
        found = [post async for post in publisher.posts()]
    assert sorted(post.title for post in found) == [
        "Hello world!",
        *(f"Post & {number}" for number in range(4)),
    ]


async def test_the_check_reports_a_wrong_password_and_missing_rights(desk: Desk) -> None:
    async def checked() -> list[bool]:
        config = settings.load(desk.file)
        assert isinstance(config.site[0].publish, settings.WordPress)
        async with WordPress(config.site[0], config.site[0].publish) as publisher:
            return [finding.ok for finding in await publisher.check()]

    assert await checked() == [True, True, True, True]
    desk.configure("contributor")
    assert await checked() == [True, False, False, True]
    desk.configure("editor", password="wrong")
    assert await checked() == [False]


async def test_a_sweep_removes_only_abandoned_drafts_of_ours(desk: Desk, draft: Make) -> None:
    with desk.wordpress.client("editor") as editor:
        for slug, content in (
            ("lost", BEGUN),
            ("lost-2", BEGUN),
            ("needed", BEGUN),
            ("mine", "My words."),
            ("new", BEGUN),
        ):
            editor.post(
                "/posts", json={"slug": slug, "content": content, "status": "draft"}
            ).raise_for_status()
    desk.wordpress.sql(
        "update wp_posts set post_modified_gmt = '2020-01-01' where post_name <> 'new'"
    )
    await switches.pause(desk.database, "key:garden", reason="while we look")
    await desk.begin("needs it", draft(slug="needed"))
    await desk.database.fetch(
        "insert into publications (site, slug, job_id, begun) values ('garden', "
        "'needed', 'needs it', '{x}'), "
        "('garden', 'lost', 'gone', '{x}')"
    )
    await switches.pause(desk.database, "step:article/publish", reason="while we look")
    await switches.resume(desk.database, "key:garden", reason="looked")
    await runs.start(desk.app, desk.database, "tidy", {"date": "2026-11-23", "sites": ["garden"]})
    await desk.work()
    assert {post["slug"] for post in desk.wordpress.posts()} == {
        "hello-world",
        "needed",
        "mine",
        "new",
    }
