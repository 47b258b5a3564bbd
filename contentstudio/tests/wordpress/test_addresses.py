"""What readers get at the address of an article: ours, or the job says what stands
there instead.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from contentstudio.model import Draft

Make = Callable[..., Draft]
Desk = Any  # of conftest.py
Plugin = Callable[[str], None]


@pytest.fixture
def plugin(servers: Any, request: pytest.FixtureRequest) -> Plugin:
    """Puts lines of PHP on the site."""
    file: Path = servers[2] / "wp-content" / "mu-plugins" / "of-a-test.php"
    request.addfinalizer(lambda: file.unlink(missing_ok=True))
    return lambda php: file.write_text(f"<?php {php}", "utf-8") and None


def page(desk: Desk, **fields: Any) -> int:
    with desk.wordpress.client("owner") as owner:
        values = {
            "slug": "compost",
            "title": "Our compost",
            "content": "A page.",
            "status": "publish",
            **fields,
        }
        answer = owner.post("/pages", json=values)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])


def writes(desk: Desk) -> list[str]:
    return [told for told in desk.proxy.told if not told.startswith("GET")]


async def test_a_page_with_the_slug_needs_a_person_and_stops_the_write(
    desk: Desk, draft: Make
) -> None:
    page(desk)
    ending = await desk.publish("one", draft())
    assert ending["status"] == "needs_review", ending["error"]
    assert "the page “Our compost” has the slug “compost”" in ending["error"]
    assert writes(desk) == []
    assert desk.wordpress.posts("compost%") == []


async def test_publishing_anyway_is_allowed_and_says_what_readers_get(
    desk: Desk, draft: Make
) -> None:
    page(desk)
    ending = await desk.publish("one", draft(), over="gone")
    assert ending["status"] == "succeeded", ending["error"]
    (told,) = ending["output"]["differs"]
    assert "the page “Our compost” has the slug" in told
    assert "A page." in httpx2.get(f"{desk.wordpress.url}/compost/").text


@pytest.mark.parametrize("status", ["draft", "private"])
async def test_a_page_that_nobody_sees_yet_holds_the_address_too(
    desk: Desk, draft: Make, status: str
) -> None:
    """WordPress gives readers neither of the two then. An author's account is not shown
    the page.
    """
    page(desk, status=status)
    ending = await desk.publish("one", draft())
    assert ending["status"] == "needs_review", ending["error"]
    assert f"the page “Our compost” ({status}) has the slug “compost”" in ending["error"]
    assert writes(desk) == []
    desk.configure("author")
    ending = await desk.publish("two", draft())
    assert ending["status"] == "succeeded", ending["error"]
    (told,) = ending["output"]["differs"]
    assert "get the answer 404" in told


@pytest.mark.parametrize("other", ["below another page", "other permalinks"])
async def test_a_page_that_has_another_address_is_in_nobodys_way(
    desk: Desk, draft: Make, other: str
) -> None:
    if other == "other permalinks":
        structure = "/%year%/%postname%/"
        desk.wordpress.sql(
            f"update wp_options set option_value='{structure}' where "
            "option_name='permalink_structure'"
        )
        desk.wordpress.sql(
            "update wp_options set option_value = '' where option_name = 'rewrite_rules'"
        )
    parent = page(desk, slug="garden") if other == "below another page" else 0
    page(desk, parent=parent)
    ending = await desk.publish("one", draft())
    assert (ending["status"], ending["output"]["differs"]) == ("succeeded", []), ending["error"]


async def test_an_article_of_a_type_that_a_plugin_brings_is_found_too(
    desk: Desk, draft: Make, plugin: Plugin
) -> None:
    """Its address is that of a post, as of plugins that take the name of a type out of
    addresses.
    """
    plugin(
        "add_action('init', fn() => register_post_type('recipe', ['public' => true, "
        "'show_in_rest' => true, "
        "'label' => 'Recipes']));"
        "add_filter('post_type_link', fn($url, $post) => $post->post_type === 'recipe' "
        "? home_url('/' . $post->post_name . '/') : $url, 10, 2);"
    )
    with desk.wordpress.client("owner") as owner:
        values = {"slug": "compost", "title": "A recipe", "status": "publish"}
        assert owner.post("/recipe", json=values).status_code == 201
    ending = await desk.publish("one", draft())
    assert ending["status"] == "needs_review", ending["error"]
    assert "the recipe “A recipe”" in ending["error"]


async def test_a_page_that_appears_meanwhile_leaves_only_a_draft(desk: Desk, draft: Make) -> None:
    made: list[int] = []

    def watch(number: int, when: str) -> None:
        if (
            when == "before"
            and desk.proxy.told[number - 1].startswith("POST /wp-json/wp/v2/posts/")
            and not made
        ):
            made.append(page(desk))

    desk.proxy.watch = watch
    ending = await desk.publish("one", draft())
    assert ending["status"] == "needs_review", ending["error"]
    assert made
    (post,) = desk.wordpress.posts("compost%")
    assert post["status"] == "draft"
    with desk.wordpress.client("owner") as owner:
        owner.delete(f"/pages/{made[0]}", params={"force": "true"}).raise_for_status()
    ending = await desk.publish("two", draft())
    assert (ending["status"], ending["output"]["differs"]) == ("succeeded", []), ending["error"]


async def test_a_page_that_took_the_address_of_an_article_is_reported(
    desk: Desk, draft: Make
) -> None:
    await desk.publish("one", draft())
    page(desk)
    ending = await desk.publish("two", draft("Another start of it."))
    assert ending["status"] == "succeeded", ending["error"]
    (told,) = ending["output"]["differs"]
    assert "the page “Our compost” has the slug “compost”" in told


# By what readers get: the lines of a plugin, and what is said of it.
SEEN = {
    "a firewall": (
        "status_header(403); die('<title>Blocked</title>');",
        "answered 403, titled “Blocked”",
    ),
    "maintenance": ("status_header(503); die('Briefly unavailable');", "answered 503"),
    "a login": ("wp_redirect(home_url('/wp-login.php')); exit;", "asks readers to log in"),
    "a circle": ("wp_redirect($_SERVER['REQUEST_URI']); exit;", "come to no end"),
    "another page": (
        "die('<title>Soon</title>We are coming soon.');",
        "get another page, titled “Soon”",
    ),
    "nothing": (
        "status_header(404); die('<title>Nothing</title>');",
        "get the answer 404, titled “Nothing”",
    ),
    "an old page": (
        "if (!isset($_GET['contentstudio'])) { die('<title>Old</title>Old words.'); }",
        "a cache in front of",
    ),
    "too much": ("while (true) { echo str_repeat('x', 65536); }", "more than"),
}


@pytest.mark.parametrize("what", SEEN)
async def test_an_unreachable_article_is_published_with_a_warning(
    desk: Desk, draft: Make, plugin: Plugin, what: str
) -> None:
    php, told = SEEN[what]
    plugin(f"add_action('template_redirect', function () {{ {php} }}, 1);")
    ending = await desk.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    (said,) = ending["output"]["differs"]
    assert told in said
