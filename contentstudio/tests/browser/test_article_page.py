"""An article with every kind of block as a reader with a phone sees it, in a real Chromium."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from eyes import LOOKS, page_of
from playwright.async_api import Browser

from contentstudio.config import Site
from contentstudio.model import (
    Block,
    Draft,
    ListBlock,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    TableBlock,
)
from contentstudio.publish import render

COLUMNS = 9
LONG = "https://a.example/" + "compost-and-more-of-it/" * 8


def say(text: str, quoted: bool = False) -> list[Sentence]:
    return [Sentence(text=text, source="s1", quoted=quoted)]


def page_with(language: str) -> str:
    blocks: list[Block] = [
        say("Words of another.", quoted=True),
        ListBlock(items=[say("One item."), say(LONG)]),
        QuoteBlock(sentences=say(LONG)),
        TableBlock(
            head=[f"Column {n}" for n in range(COLUMNS)],
            rows=[[say("Some words of it")] * COLUMNS] * 2,
        ),
        TableBlock(head=["Only"], rows=[[say(LONG)]]),
    ]
    draft = Draft(
        site="garden",
        slug="compost",
        title="Compost",
        description="How to make it.",
        sections=[Section(heading="Heaps", paragraphs=blocks)],
        references=[Reference(id="s1", url=LONG, title="One", sha256="0" * 64)],
        writer="test",
        language=language,
    )
    site = Site(name="garden", url="https://garden.example", sources=["https://a.example"])
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return render.article(site, draft, published_at=now, updated_at=now)


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("look", LOOKS)
async def test_a_wide_table_scrolls_within_itself_and_the_page_fits(
    browser: Browser, look: str, language: str
) -> None:
    async with page_of(browser, look) as page:
        await page.set_content(page_with(language))
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= LOOKS[look]["viewport"]["width"]
        scrolls = await page.evaluate(
            "[...document.querySelectorAll('.table')].map(t => t.scrollWidth > t.clientWidth)"
        )
        assert scrolls == [True, False]  # a long address breaks


async def test_quotation_marks_are_shown_once(browser: Browser) -> None:
    async with page_of(browser) as page:
        await page.set_content(page_with("de"))
        before = await page.evaluate(
            "getComputedStyle(document.querySelector('q'), '::before').content"
        )
        assert before == "none"
        assert await page.locator("section p").first.inner_text() == "„Words of another.“1"
