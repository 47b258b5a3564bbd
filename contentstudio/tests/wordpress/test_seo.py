"""The fields of SEO plugins at a real WordPress, which some lines of the owner's register: written
and read back.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contentstudio.model import Draft
from contentstudio.publish.seo_fields import PLUGINS

Make = Callable[..., Draft]
Desk = Any  # of conftest.py
Expose = Callable[..., None]

OPEN = "'auth_callback' => fn() => current_user_can('edit_posts')"
KEYS = [key for plugin in PLUGINS for key in (plugin.title, plugin.description)]


@pytest.fixture
def expose(servers: Any, request: pytest.FixtureRequest) -> Expose:
    """Registers fields as an owner does, with further options in PHP."""
    plugin: Path = servers[2] / "wp-content" / "mu-plugins" / "owner.php"
    request.addfinalizer(lambda: plugin.unlink(missing_ok=True))

    def write(*keys: str, options: str = OPEN) -> None:
        told = f"['type' => 'string', 'single' => true, 'show_in_rest' => true, {options}]"
        lines = "".join(f"register_post_meta('post', '{key}', {told});" for key in keys)
        plugin.write_text(
            (plugin.read_text("utf-8") if plugin.exists() else "<?php ") + lines, "utf-8"
        )

    return write


def kept(desk: Desk) -> dict[str, str]:
    """The fields as the database has them."""
    rows = desk.wordpress.sql(
        "select meta_key, meta_value from wp_postmeta join wp_posts on ID = post_id "
        f"where post_name = 'compost' and meta_key in ({', '.join(map(repr, KEYS))})"
    )
    return dict(row.split("\t") for row in rows.splitlines())


async def test_what_a_site_exposes_is_written_with_each_version(
    desk: Desk, draft: Make, expose: Expose
) -> None:
    expose(*KEYS)
    for job, title in (("one", "On compost & “heaps”"), ("two", "On compost, again")):
        ending = await desk.publish(job, draft(title=title))
        assert ending["status"] == "succeeded", ending["error"]
        said = {plugin.title: html.escape(title) for plugin in PLUGINS}  # as WordPress's own title
        assert kept(desk) == said | {
            plugin.description: "What to know of heaps." for plugin in PLUGINS
        }


async def test_nothing_else_is_written(desk: Desk, draft: Make, expose: Expose) -> None:
    expose("rank_math_description")
    expose("rank_math_title", options=f"{OPEN}, 'show_in_rest' => false")
    ending = await desk.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert kept(desk) == {"rank_math_description": "What to know of heaps."}


async def test_a_field_that_may_only_be_read_is_left_out(
    desk: Desk, draft: Make, expose: Expose
) -> None:
    expose("_yoast_wpseo_title", options="'auth_callback' => '__return_false'")
    expose("_yoast_wpseo_metadesc")
    ending = await desk.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert kept(desk) == {"_yoast_wpseo_metadesc": "What to know of heaps."}
    assert (await desk.publish("two", draft()))["output"]["action"] == "unchanged"


async def test_a_field_that_comes_out_otherwise_is_told(
    desk: Desk, draft: Make, expose: Expose
) -> None:
    expose(
        "rank_math_description",
        options=f"{OPEN}, 'sanitize_callback' => fn($text) => substr($text, 0, 8)",
    )
    ending = await desk.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    (told,) = ending["output"]["differs"]
    assert (
        told
        == "WordPress made “What to” of the field rank_math_description “What to know of heaps.”"
    )


async def test_what_a_person_wrote_into_a_field_is_for_a_person(
    desk: Desk, draft: Make, expose: Expose
) -> None:
    expose("rank_math_description")
    await desk.publish("one", draft())
    (post,) = desk.wordpress.posts("compost%")
    with desk.wordpress.client("owner") as owner:
        owner.post(
            f"/posts/{post['id']}", json={"meta": {"rank_math_description": "Mine."}}
        ).raise_for_status()
    ending = await desk.publish("two", draft("Another start."))
    assert ending["status"] == "needs_review"
    assert kept(desk) == {"rank_math_description": "Mine."}


async def test_a_plugin_that_comes_later_is_no_change_of_a_persons(
    desk: Desk, draft: Make, expose: Expose
) -> None:
    await desk.publish("one", draft())
    expose("rank_math_description")
    ending = await desk.publish("two", draft("Another start."))
    assert ending["output"]["action"] == "updated", ending["error"]
    assert kept(desk) == {"rank_math_description": "What to know of heaps."}
