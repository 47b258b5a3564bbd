"""Articles in a real Chromium at a real WordPress: in the editor of the owner, and in two themes before readers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import eyes
import pytest
from playwright.async_api import Browser, Page, Route

OWNER_PASSWORD = "the owner types this"  # install.php sets it
EVERY_BLOCK = """() => {
  const flat = blocks => blocks.flatMap(block => [block, ...flat(block.innerBlocks)])
  return flat(wp.data.select('core/block-editor').getBlocks()).map(({name, isValid}) => [name, isValid])
}"""
SERIALISED_AGAIN = "wp.blocks.serialize(wp.blocks.parse(wp.data.select('core/editor').getCurrentPost().content))"
BLOCKS = """<!-- wp:heading {"placeholder":"a mark"} -->
<h2>Heaps</h2>
<!-- /wp:heading -->

<!-- wp:paragraph -->
<p>A heap is a start &amp; more than “nothing”<sup><a href="#s1">1</a></sup>.</p>
<!-- /wp:paragraph -->

<!-- wp:list -->
<ul><!-- wp:list-item -->
<li>Leaves</li>
<!-- /wp:list-item -->

<!-- wp:list-item -->
<li>Straw</li>
<!-- /wp:list-item --></ul>
<!-- /wp:list -->

<!-- wp:list {"ordered":true} -->
<ol><!-- wp:list-item -->
<li>Pile it.</li>
<!-- /wp:list-item --></ol>
<!-- /wp:list -->

<!-- wp:quote -->
<blockquote class="wp-block-quote"><!-- wp:paragraph -->
<p>Turn it.</p>
<!-- /wp:paragraph --></blockquote>
<!-- /wp:quote -->

<!-- wp:table -->
<figure class="wp-block-table"><table><thead><tr><th>What</th><th>Days</th></tr></thead>\
<tbody><tr><td>Leaves</td><td>200</td></tr></tbody></table></figure>
<!-- /wp:table -->"""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with eyes.chromium() as browser:
        yield browser


@asynccontextmanager
async def page_at(site: Any, browser: Browser, look: str = "light") -> AsyncIterator[Page]:
    """A page that sees this site alone: what it asks of others (faces, emoji) is answered with nothing.

    No script of it may complain, and the editor does of a block that it cannot read: see `eyes.page_of`.
    """

    async def answer(route: Route) -> None:
        if route.request.url.startswith(site.url):
            await route.continue_()
        else:
            await route.fulfill(status=204)

    async with eyes.page_of(browser, look) as page:
        await page.route("**/*", answer)
        yield page


@asynccontextmanager
async def owner_at(site: Any, browser: Browser) -> AsyncIterator[Page]:
    """A page of the owner, who has signed in."""
    async with page_at(site, browser) as page:
        await page.goto(f"{site.url}/wp-login.php")
        await page.get_by_label("Username").fill("owner")
        await page.locator("#user_pass").fill(OWNER_PASSWORD)
        await page.get_by_role("button", name="Log In").click()
        await page.wait_for_url("**/wp-admin/")
        yield page


async def open_in_editor(page: Page, site: Any, post: Any) -> None:
    await page.goto(f"{site.url}/wp-admin/post.php?post={post}&action=edit")
    await page.wait_for_function("window.wp?.data?.select('core/block-editor')?.getBlocks().length")
    await page.locator(".is-root-container [data-block]").first.wait_for()


async def test_the_editor_reads_blocks_of_each_kind(wordpress: Any, browser: Browser) -> None:
    with wordpress.client("owner") as owner:
        post = owner.post("/posts", json={"title": "On heaps", "content": BLOCKS}).json()
    async with owner_at(wordpress, browser) as page:
        await open_in_editor(page, wordpress, post["id"])
        assert [name for name, valid in await page.evaluate(EVERY_BLOCK) if not valid] == []
        assert await page.locator(".block-editor-warning").count() == 0
        assert await page.evaluate(SERIALISED_AGAIN) == BLOCKS
