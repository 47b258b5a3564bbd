"""Articles in a real Chromium at a real WordPress: in the editor of the owner, and in two themes
before readers.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import eyes
import pytest
from playwright.async_api import Browser, Page, Route

from contentstudio.model import (
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    ListBlock,
    Question,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)

pytestmark = pytest.mark.timeout(300)  # the editor is many scripts, and a machine may be busy
Make = Callable[..., Draft]
Desk = Any  # of conftest.py

OWNER_PASSWORD = "the owner types this"  # install.php sets it
EVERY_BLOCK = """() => {
  const flat = blocks => blocks.flatMap(block => [block, ...flat(block.innerBlocks)])
  return flat(wp.data.select('core/block-editor').getBlocks()).map(({name, isValid}) => [name,
      isValid])
}"""
SERIALISED_AGAIN = (
    "wp.blocks.serialize(wp.blocks.parse(wp.data.select('core/editor').getCurrentPost().content))"
)
IMAGES = [
    Image(src="hills-1.jpg", alt="Hills in the morning"),
    Image(src="hills-2.jpg", alt="Hills in the evening"),
    Image(src="hills-3.jpg", alt="Hills at noon", credit="Ann Lee", licence="CC BY 4.0"),
]


def text(*sentences: str, source: str | None = None, quoted: bool = False) -> list[Sentence]:
    """Sentences that have one source."""
    return [Sentence(text=sentence, source=source, quoted=quoted) for sentence in sentences]


ARTICLE: dict[str, Any] = {
    "title": "Compost from what falls",
    "description": "Leaves, straw and kitchen scraps become soil in a year, if they lie "
    "in the right "
    "order.",
    "sections": [
        Section(
            heading="What goes in",
            paragraphs=[
                text(
                    "A heap wants two things in balance.",
                    "What is green feeds it, and what is brown lets it breathe.",
                )
                + text("Both lie in most gardens by October.", source="s1"),
                ListBlock(
                    items=[
                        text("Leaves, best of all from fruit trees", source="s1"),
                        text("Straw & hay"),
                    ]
                ),
                text("It rots without help, only later.", source="s2"),
            ],
        ),
        Section(
            heading="How to build it",
            paragraphs=[
                ListBlock(
                    ordered=True,
                    items=[
                        text("Lay twigs below."),
                        text("Pile green on brown."),
                        text("Cover it."),
                    ],
                ),
                text("One rule is older than all books.")
                + text("Turn it once a month and it will never smell.", source="s2", quoted=True),
                QuoteBlock(
                    sentences=text(
                        "A garden is only as good as its heap.", source="s3", quoted=True
                    )
                ),
                StepsBlock(
                    steps=[
                        Instruction(
                            name="Find a place",
                            sentences=text("Half shade is best.", "Mind the neighbours."),
                        ),
                        Instruction(
                            name="Begin with twigs",
                            sentences=text("They let air in from below.", source="s1"),
                        ),
                    ]
                ),
                CalloutBlock(
                    tone="warning",
                    title="No glass & no plastic",
                    sentences=text("Neither of them ever becomes soil.", source="s2"),
                ),
                CalloutBlock(sentences=text("Gloves keep fingers warm.")),
                ImageBlock(src="hills-3.jpg", caption=text("Where the leaves come from")),
            ],
        ),
        Section(
            heading="How long it takes",
            paragraphs=[
                TableBlock(
                    head=[
                        "What",
                        "Days until it is soil",
                        "Temperature within",
                        "Water",
                        "How often it is turned",
                    ],
                    rows=[
                        [
                            text("Leaves"),
                            text("200", source="s1"),
                            text("20 °C"),
                            [],
                            text("Never"),
                        ],
                        [
                            text("Kitchen scraps"),
                            text("90", source="s2"),
                            text("> 45\u00a0°C"),
                            text("Little"),
                            text("Monthly"),
                        ],
                    ],
                ),
                text("Cold winters make it slower, and worms make it faster.", source="s2"),
            ],
        ),
    ],
    "references": [
        Reference(
            id="s1",
            url="https://leaves.example/autumn?page=1&part=2",
            title="Leaves & what they leave",
            sha256="0" * 64,
        ),
        Reference(
            id="s2", url="https://heaps.example/" + "a-long-address-" * 8, title="", sha256="1" * 64
        ),
        Reference(
            id="s3", url="https://words.example/", title="Words of gardeners", sha256="2" * 64
        ),
    ],
    "faq": [
        Question(question="Does it smell?", answer=text("Only where it gets no air.", source="s2"))
    ],
    "tags": ["Soil & Earth", "heaps"],
    "images": IMAGES,
}
WORDS_OF_EACH_KIND = [
    "What goes in",
    "It rots",
    "Turn it once",
    "Leaves, best",
    "Pile green",
    "A garden is only",
]
WORDS_OF_EACH_KIND += [
    "Days until",
    "Kitchen scraps",
    "> 45",
    "Begin with twigs",
    "They let air",
    "No glass &",
    "Neither of them",
    "Where the leaves",
    "Does it smell?",
    "Only where",
    "Leaves & what",
    "Words of",
]
KINDS = {
    f"core/{name}"
    for name in ("heading", "paragraph", "list", "list-item", "quote", "image", "table", "group")
}
THEMES = {"blocks": "twentytwentythree", "classic": "twentytwentyone"}
TOO_WIDE = """() => {
  const seen = element => {
    const {right, width, height} = element.getBoundingClientRect()
    return right > innerWidth + 0.5 && width > 1 && height > 1
      && getComputedStyle(element).visibility === 'visible'
  }
  const scrolls = element => element
    && (['auto', 'scroll'].includes(getComputedStyle(element).overflowX)
    || scrolls(element.parentElement))
  return [...document.querySelectorAll('body *')]
    .filter(element => seen(element) && !scrolls(element))
    .map(element => element.outerHTML.slice(0, 200))
}"""
SHOWN = """() => [...document.querySelectorAll('p, blockquote, q')]
  .map(element => getComputedStyle(element, '::before').content + element.textContent)"""
MARK = re.compile(r'"placeholder":"[0-9a-f]{64}\.[0-9a-f]{16}"')


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with eyes.chromium() as browser:
        yield browser


@pytest.fixture
def pictures() -> Path | None:
    return eyes.pictures()


@asynccontextmanager
async def page_at(site: Any, browser: Browser, look: str = "light") -> AsyncIterator[Page]:
    """A page that sees this site alone: what it asks of others (faces, emoji, previews) is answered
    with nothing.

    No script of it may complain, and the editor does of a block that it cannot read: see
    `eyes.page_of`.
    """

    async def answer(route: Route) -> None:
        if "/url-details?" in route.request.url:
            await route.fulfill(json={})
        elif route.request.url.startswith(site.url):
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


@asynccontextmanager
async def editor_of(site: Any, browser: Browser) -> AsyncIterator[Page]:
    """The owner's editor with the only post in it, which it can read."""
    (post,) = site.posts("compost%")
    async with owner_at(site, browser) as page:
        await page.goto(f"{site.url}/wp-admin/post.php?post={post['id']}&action=edit")
        await page.locator(".is-root-container [data-block]").first.wait_for()
        yield page


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Update", exact=True).click()
    await page.get_by_text("Post updated.").first.wait_for()
    assert not await page.evaluate("wp.data.select('core/editor').isEditedPostDirty()")


@pytest.fixture
def whole(draft: Make, desk: Desk, servers: Any) -> Make:
    """Makes a draft with everything that an article can have."""
    for image in IMAGES:
        (desk.file.parent / image.src).write_bytes(servers[0].photo(int(image.src[-5])))
    return partial(draft, **ARTICLE)


async def published(desk: Desk, draft: Draft) -> str:
    """Publish it; its address."""
    ending = await desk.publish("one", draft)
    assert ending["status"] == "succeeded", ending["error"]
    return str(ending["output"]["url"])


@pytest.mark.parametrize("theme", THEMES)
async def test_an_article_looks_right_in_themes_that_we_did_not_make(
    desk: Desk, whole: Make, browser: Browser, theme: str, pictures: Path | None
) -> None:
    url = await published(desk, whole())
    desk.wordpress.switch_theme(THEMES[theme])
    for look in ("phone", "light"):
        async with page_at(desk.wordpress, browser, look) as page:
            await page.goto(url)
            await check_width(page)
            assert await page.locator("h1").all_text_contents() == ["Compost from what falls"]
            for image in IMAGES:
                assert await page.get_by_alt_text(image.alt).count() == 1
            shown = await page.evaluate(SHOWN)
            assert [told.count("“") for told in shown if "Turn it once" in told] == [1]
            assert max(told.count("“") for told in shown if "only as good as" in told) <= 1, (
                "a theme may add one"
            )
            if pictures is not None:
                await load_all(page)
                size = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": 1600}
                name = f"wordpress-{theme}-{look}.png"
                await page.screenshot(path=pictures / name, full_page=True, clip=size)


async def check_width(page: Page) -> None:
    """Nothing is to be scrolled to sideways, but within what scrolls by itself, such as a table."""
    wide, window = await page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    size = page.viewport_size
    assert size is not None
    assert wide <= window == size["width"]
    assert await page.evaluate(TOO_WIDE) == []


async def load_all(page: Page) -> None:
    """The pictures too that are loaded when they come near."""
    await page.evaluate(
        "Promise.all([...document.images].map(image => (image.loading = 'eager', "
        "image.decode().catch(() => {}))))"
    )


async def test_the_editor_opens_valid_blocks_and_keeps_what_is_typed(
    desk: Desk, whole: Make, browser: Browser, pictures: Path | None
) -> None:
    await published(desk, whole())
    (before,) = desk.wordpress.posts("compost%")
    async with editor_of(desk.wordpress, browser) as page:
        blocks = await page.evaluate(EVERY_BLOCK)
        assert [name for name, valid in blocks if not valid] == []
        assert {name for name, _ in blocks} == KINDS
        assert await page.locator(".block-editor-warning").count() == 0
        assert await page.evaluate(SERIALISED_AGAIN) == before["content"]
        if pictures is not None:
            await page.screenshot(path=pictures / "wordpress-editor.png")
        await page.get_by_text("It rots").click()
        await page.keyboard.press("End")
        await page.keyboard.type(" Believe me.")
        await save(page)
    (after,) = desk.wordpress.posts("compost%")
    assert "Believe me." in after["content"]
    assert MARK.search(after["content"]) is not None
    ending = await desk.publish("two", whole(title="Another version"))
    assert ending["status"] == "needs_review"
    assert desk.wordpress.posts("compost%") == [after]


async def test_an_article_saved_in_the_editor_unchanged_is_still_ours(
    desk: Desk, whole: Make, browser: Browser
) -> None:
    await published(desk, whole())
    async with editor_of(desk.wordpress, browser) as page:
        for (
            words
        ) in WORDS_OF_EACH_KIND:  # the editor writes a block anew in which something was typed
            await page.locator(".is-root-container").get_by_text(words).first.click()
            await page.keyboard.type("x")
            await page.keyboard.press("Backspace")
        await save(page)
    ending = await desk.publish("two", whole(title="Another version"))
    assert ending["output"]["action"] == "updated", ending["error"]
