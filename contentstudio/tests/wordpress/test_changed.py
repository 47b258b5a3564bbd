"""A site that makes something else of an article than we sent: it counts as published, and what
differs is told.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from contentstudio.model import Draft, Image
from overnight.operations import dead_letters
from overnight.operations.filters import Filter

Make = Callable[..., Draft]
Desk = Any  # of conftest.py
Plugin = Callable[[str], None]

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
OURS = "$data['post_type'] === 'post' && $data['post_status'] === 'publish'"
ON_SAVE = (
    "add_filter('wp_insert_post_data', function ($data) {{ if ({}) {{ {} }} return $data; }});"
)
FIELD = "$data['post_{0}'] = str_replace('{1}', '{2}', $data['post_{0}']);"


@pytest.fixture
def plugin(servers: Any, request: pytest.FixtureRequest) -> Plugin:
    """Puts lines of PHP on the site."""
    file: Path = servers[2] / "wp-content" / "mu-plugins" / "of-a-test.php"
    request.addfinalizer(lambda: file.unlink(missing_ok=True))
    return lambda php: file.write_text(f"<?php {php}", "utf-8") and None


def on_save(line: str) -> str:
    return ON_SAVE.format(OURS, line)


# By what a plugin does on save: its line, and how what it did is told.
CHANGES = {
    "typography of the title": (on_save(FIELD.format("title", "On", "»On«")), "of the title"),
    "typography of the text": (
        on_save(FIELD.format("content", "It rots", "It “rots”")),
        "changed the text: “",
    ),
    "a shorter excerpt": (on_save("$data['post_excerpt'] = 'What to know…';"), "of the excerpt"),
    "no excerpt": (on_save("$data['post_excerpt'] = '';"), "dropped the excerpt"),
    "more text": (
        on_save("$data['post_content'] .= '<p>An advertisement.</p>';"),
        "An advertisement.",
    ),
    "another slug": (on_save("$data['post_name'] = 'compost-of-2026';"), "of the slug “compost”"),
    "no categories": (
        "add_action('set_object_terms', function ($id, $terms, $ids, $taxonomy) {"
        "    if ($taxonomy === 'category' && get_post_status($id) === 'publish') {"
        "        wp_remove_object_terms($id, array_map('intval', $ids), 'category'); } }, 10, 4);",
        "did not take the categories “Notes”",
    ),
    "a category of its own": (
        "add_action('rest_after_insert_post', function ($post) {"
        "    if ($post->post_status === 'publish') { wp_add_object_terms($post->ID, "
        "'automatic', 'category'); } });",
        "added categories of its own",
    ),
    "no picture": (
        "add_filter('update_post_metadata', fn($done, $id, $key) => $key === "
        "'_thumbnail_id' ? true : $done, 10, 3);"
        "add_filter('add_post_metadata', fn($done, $id, $key) => $key === "
        "'_thumbnail_id' ? true : $done, 10, 3);",
        "did not take the featured picture",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_plugins_change_is_reported_and_stops_no_next_version(
    desk: Desk, draft: Make, plugin: Plugin, change: str
) -> None:
    php, told = CHANGES[change]
    plugin(php)
    (desk.file.parent / "heap.png").write_bytes(PIXEL)
    images = [Image(src="heap.png", alt="A heap of leaves")] if change == "no picture" else []
    ending = await desk.publish("one", draft("A start.", images=images))
    assert ending["status"] == "succeeded", ending["error"]
    assert [told in one for one in ending["output"]["differs"]] == [True], ending["output"][
        "differs"
    ]
    again = await desk.publish("two", draft("A start.", images=images))
    assert again["output"]["action"] == "unchanged", again["error"]
    assert again["output"]["differs"] == ending["output"]["differs"]
    ending = await desk.publish("three", draft("Another start.", images=images))
    assert ending["output"]["action"] == "updated", ending["error"]
    (post,) = desk.wordpress.posts("compost%")
    assert "Another start." in post["content"]


async def test_tags_that_differ_in_case_alone_are_one_and_the_same(desk: Desk, draft: Make) -> None:
    with desk.wordpress.client("owner") as owner:
        owner.post("/tags", json={"name": "HEAPS"}).raise_for_status()
    ending = await desk.publish("one", draft("A start.", tags=["Heaps", "heaps", "soil"]))
    assert (ending["status"], ending["output"]["differs"]) == ("succeeded", []), ending["error"]


@pytest.mark.parametrize("status", ["pending", "draft", "private"])
async def test_a_status_that_is_refused_is_an_error(
    desk: Desk, draft: Make, plugin: Plugin, status: str
) -> None:
    plugin(on_save(f"$data['post_status'] = '{status}';"))
    ending = await desk.publish("one", draft("A start."))
    assert ending["status"] == "dead"
    assert f"stayed “{status}”" in ending["error"]


async def test_a_held_post_that_an_editor_approves_succeeds_at_replay(
    desk: Desk, draft: Make, plugin: Plugin
) -> None:
    plugin(
        on_save(
            "$data['post_status'] = current_user_can('manage_options') ? 'publish' : 'pending';"
        )
    )
    await desk.publish("one", draft("A start."))
    (post,) = desk.wordpress.posts("compost")
    with desk.wordpress.client("owner") as owner:
        owner.post(f"/posts/{post['id']}", json={"status": "publish"}).raise_for_status()
    await dead_letters.replay(None, desk.database, Filter(job="one"))
    await desk.work()
    ending = await desk.ending("one")
    assert (ending["status"], ending["output"]["differs"]) == ("succeeded", []), ending["error"]


class Cache:
    """Stands before a site and gives what it gave before, whoever asks, until a request says
    no-cache or, where it is `stubborn`, as long as the address is the same but for its parameter
    `_`.
    """

    def __init__(self, port: int) -> None:
        self.stubborn = False
        kept: dict[str, tuple[int, bytes]] = {}
        cache = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                key, told = self.path, "no-cache" in self.headers.get("Cache-Control", "")
                if cache.stubborn and "/posts/" in key:
                    key, told = key.split("&_=")[0], False
                if self.command != "GET" or told or key not in kept:
                    upstream = HTTPConnection("127.0.0.1", port, timeout=30)
                    headers = {
                        k: v
                        for k, v in self.headers.items()
                        if k.lower() not in ("connection", "host")
                    }
                    upstream.request(
                        self.command, self.path, body or None, {**headers, "Connection": "close"}
                    )
                    answer = upstream.getresponse()
                    kept[key] = answer.status, answer.read()
                    upstream.close()
                status, found = kept[key]
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(found)

            do_GET = do_POST = do_DELETE = do_any  # noqa: N815

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Cache:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def cache(desk: Desk) -> Iterator[Cache]:
    with Cache(desk.wordpress.port) as cache:
        desk.configure(url=cache.url)
        yield cache


async def test_a_cache_before_the_rest_api_is_bypassed_for_fresh_data(
    desk: Desk, draft: Make, cache: Cache
) -> None:
    for job, text, action in (
        ("one", "A.", "created"),
        ("two", "B.", "updated"),
        ("three", "C.", "updated"),
    ):
        ending = await desk.publish(job, draft(f"A start, {text}"))
        assert (ending["output"]["action"], ending["output"]["differs"]) == (action, []), ending[
            "error"
        ]
    (post,) = desk.wordpress.posts("compost")
    assert "A start, C." in post["content"]


async def test_a_stubborn_cache_is_reported_and_what_arrived_succeeds(
    desk: Desk, draft: Make, cache: Cache
) -> None:
    ending = await desk.publish("one", draft("A start."))
    known = (await desk.publish("two", draft("Another start.")))["output"]
    assert known["differs"] == []
    with desk.wordpress.client(
        "owner"
    ) as owner:  # so that the cache holds this version before it turns stubborn
        assert owner.get("/posts", params={"slug": "compost"}).status_code == 200
    cache.stubborn = True
    ending = await desk.publish("three", draft("A third start."))
    assert ending["status"] == "succeeded", ending["error"]
    assert "a cache in front of" in ending["output"]["differs"][0]
    (post,) = desk.wordpress.posts("compost")
    assert "A third start." in post["content"]
