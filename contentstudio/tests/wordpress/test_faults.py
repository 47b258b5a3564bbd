"""Publishing to a real WordPress while things break: afterwards one post has the slug, with the
right content.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import runpy
import signal
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import FAULTS

from contentstudio.model import Draft
from contentstudio.publish import slug_drafts
from contentstudio.publish import wordpress as adapter
from overnight.operations import dead_letters
from overnight.operations.filters import Filter

Make = Callable[..., Draft]
Desk = Any  # of conftest.py

REQUESTS = {
    "begin": ("POST", "/posts?"),
    "write": ("POST", "/posts/"),
    "look again": ("GET", "/posts/"),
}


def only(desk: Desk, text: str, slug: str = "compost") -> None:
    """One post has the slug or looks like it, readers see it, and it says this."""
    posts = desk.wordpress.posts(f"{slug}%")
    assert [(post["slug"], post["status"]) for post in posts] == [(slug, "publish")]
    assert text in posts[0]["content"]
    assert posts[0]["title"] == f"On {slug}: a &lt; b &amp; “c”"
    assert (
        desk.wordpress.sql("select count(*) from wp_posts where post_content like '%\"begun\"%'")
        == "0"
    )


@pytest.mark.parametrize("request_", ["begin", "write", "look again"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_of_the_network(
    desk: Desk, draft: Make, monkeypatch: pytest.MonkeyPatch, fault: str, request_: str
) -> None:
    monkeypatch.setattr(slug_drafts, "PAUSES", (0.0, 0.1))
    desk.configure(timeout_seconds=1 if fault.startswith("hang") else 30)
    desk.proxy.fault(fault, *REQUESTS[request_])
    ending = await desk.publish("one", draft("A start."))
    assert ending["status"] == "succeeded", ending["error"]
    assert (ending["failures"] == 0) is (
        request_ == "look again"
    )  # a look after the write is repeated at once
    assert ending["output"]["differs"] == []
    only(desk, "A start.")


async def test_a_slow_insert_that_ends_after_we_gave_up(desk: Desk, draft: Make) -> None:
    desk.wordpress.sql(
        "insert into wp_options (option_name, option_value) values ('test_slow_seconds', '3')"
    )
    desk.configure(timeout_seconds=1)
    ending = await desk.publish("one", draft("A start."))
    assert ending["status"] == "succeeded", ending["error"]
    assert sum(told == "POST /wp-json/wp/v2/posts" for told in desk.proxy.told) == 1
    only(desk, "A start.")


@pytest.mark.parametrize("request_", ["write", "look again"])
async def test_a_twin_that_a_slow_server_makes_late_is_removed(
    desk: Desk, draft: Make, request_: str
) -> None:
    """Of two drafts with the same slug WordPress would show the one as `-2`."""
    columns = (
        "post_author, post_date, post_date_gmt, to_ping, pinged, post_modified, post_modified_gmt"
    )
    columns += ", post_content_filtered, post_type, post_name"
    begun = f"'', '', 'draft', '{adapter.BEGUN}'"  # as it was begun, without a title
    twin = f"insert into wp_posts ({columns}, post_title, post_excerpt, post_status, post_content) "
    twin += f"select {columns}, {begun} "
    once(
        desk,
        REQUESTS[request_],
        lambda: desk.wordpress.sql(f"{twin} from wp_posts where post_name = 'compost'"),
    )
    ending = await desk.publish("one", draft("A start."))
    assert ending["status"] == "succeeded", ending["error"]
    only(desk, "A start.")


@pytest.mark.parametrize("request_", ["begin", "write"])
async def test_php_killed_and_started_again(
    desk: Desk, draft: Make, monkeypatch: pytest.MonkeyPatch, request_: str
) -> None:
    monkeypatch.setattr(slug_drafts, "PAUSES", (0.0, 0.1))
    once(
        desk,
        REQUESTS[request_],
        lambda: (desk.wordpress.kill(), desk.wordpress.start()),
        in_the_middle=True,
    )
    ending = await desk.publish("one", draft("A start."))
    assert ending["status"] == "succeeded", ending["error"]
    only(desk, "A start.")


@pytest.mark.parametrize("request_", ["begin", "write", "look again"])
async def test_mariadb_killed_and_started_again(
    desk: Desk, draft: Make, monkeypatch: pytest.MonkeyPatch, request_: str
) -> None:
    monkeypatch.setattr(slug_drafts, "PAUSES", (0.0, 0.1))
    server = desk.wordpress.database
    once(desk, REQUESTS[request_], server.kill, after=server.start)
    ending = await desk.publish("one", draft("A start."))
    assert ending["status"] == "succeeded", ending["error"]
    assert ending["failures"] == (0 if request_ == "look again" else 1)
    only(desk, "A start.")


def once(
    desk: Desk,
    request_: tuple[str, str],
    before: Callable[[], Any],
    after: Callable[[], Any] = lambda: None,
    in_the_middle: bool = False,
) -> None:
    """Do something before the first such request, or while it is carried out, and something after
    it.
    """
    state = {"done": 0}

    def watch(number: int, when: str) -> None:
        fits = desk.proxy.told[number - 1].startswith(f"{request_[0]} ") and matches(
            desk.proxy.told[number - 1], request_
        )
        if when == "before" and fits and not state["done"]:
            state["done"] = number
            if in_the_middle:
                desk.wordpress.sql(
                    "insert into wp_options (option_name, option_value) values "
                    "('test_slow_seconds', '0.5')"
                )
                threading.Timer(0.2, before).start()
            else:
                before()
        elif when == "after" and state["done"] == number:
            after()

    desk.proxy.watch = watch


def matches(told: str, request_: tuple[str, str]) -> bool:
    return request_[1] in f"{told}?"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_our_worker_killed_at_every_point_of_the_sequence(
    desk: Desk, draft: Make, when: str
) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(
        ["contentstudio.app", "contentstudio.publish.wordpress", "overnight.testing", "httpx2"]
    )
    await desk.publish("first", draft(slug="first"))
    requests = len(desk.proxy.told)
    assert requests >= 8, desk.proxy.told
    for point in range(1, requests + 1):
        slug = f"at-{point}"
        started = len(desk.proxy.told)
        await desk.begin(slug, draft("A start.", slug=slug))
        given = {
            "FILE": str(desk.file),
            "URL": desk.database.url,
            "SECRET": desk.wordpress.passwords["editor"],
        }
        process = processes.Process(
            target=runpy.run_path, args=(str(Path(__file__).with_name("worker.py")), given)
        )
        gone = killing(desk, process, started + point, when)
        process.start()
        process.join(60)
        gone.set()
        desk.proxy.watch = lambda number, when: None
        assert process.exitcode in (-signal.SIGKILL, 0)
        await desk.work()
        ending = await desk.ending(slug)
        assert ending["status"] == "succeeded", ending["error"]
        only(desk, "A start.", slug)


def killing(desk: Desk, process: BaseProcess, request_: int, when: str) -> threading.Event:
    """Kill the process at that request, which goes on once the event tells that the process is
    gone.

    The proxy's thread does not join the process itself: of two threads that wait for one child of a
    fork server only one is told how it ended.
    """
    gone = threading.Event()

    def watch(number: int, now: str) -> None:
        if (number, now) == (request_, when):
            process.kill()
            assert gone.wait(60)

    desk.proxy.watch = watch
    return gone


async def test_twenty_at_once_publish_one_slug(desk: Desk, draft: Make) -> None:
    for number in range(20):
        await desk.begin(f"job {number}", draft(f"Version {number}."))
    await asyncio.gather(*(desk.work(concurrency=10) for _ in range(3)))
    rows = await desk.database.fetch(
        "select status, error, output from runs where step = 'publish'"
    )
    assert [row["status"] for row in rows] == ["succeeded"] * 20, [row["error"] for row in rows]
    assert [row["output"]["action"] for row in rows].count("created") == 1
    only(desk, "Version ")


async def test_a_persons_edit_in_between_is_not_written_over(desk: Desk, draft: Make) -> None:
    """After our post was begun and before it is written, a person writes into it."""

    def edit() -> None:
        (post,) = desk.wordpress.posts("compost%")
        with desk.wordpress.client("owner") as owner:
            owner.post(
                f"/posts/{post['id']}", json={"content": "A person’s words."}
            ).raise_for_status()

    desk.proxy.fault("502 after", *REQUESTS["begin"])
    desk.proxy.watch = lambda number, when: (
        edit()
        if when == "after" and desk.proxy.told[number - 1] == "POST /wp-json/wp/v2/posts"
        else None
    )
    ending = await desk.publish("one", draft("A start."))
    assert ending["status"] == "needs_review"
    (post,) = desk.wordpress.posts("compost%")
    assert post["content"] == "A person’s words."


async def test_a_wrong_password_writes_nothing_the_right_one_once(desk: Desk, draft: Make) -> None:
    desk.configure("editor", password="not this one")
    ending = await desk.publish("one", draft("A start."))
    assert ending["status"] == "dead"
    assert "the password or the role is wrong" in ending["error"]
    assert desk.wordpress.posts("compost%") == []
    desk.configure("editor")
    await dead_letters.replay(None, desk.database, Filter(job="one"))
    await desk.work()
    only(desk, "A start.")


async def test_an_author_publishes_nothing_without_rights_then_once(
    desk: Desk, draft: Make
) -> None:
    desk.configure("contributor", category=None)
    ending = await desk.publish("one", draft("A start.", tags=[]))
    assert ending["status"] == "dead"
    assert "403" in ending["error"]
    assert [post["status"] for post in desk.wordpress.posts("compost%")] == ["draft"]
    desk.configure("editor")
    await dead_letters.replay(None, desk.database, Filter(job="one"))
    await desk.work()
    only(desk, "A start.")
