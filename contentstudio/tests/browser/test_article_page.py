"""An article with every kind of block as a reader with a phone sees it, in a real Chromium."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from eyes import LOOKS, page_of
from playwright.async_api import Browser

from contentstudio.config import Site
from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    ListBlock,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.publish import render

COLUMNS = 9
PICTURE = "heap.png"
LONG = "https://a.example/" + "compost-and-more-of-it/" * 8
# The contrasts of a box's text and of its edge with its ground, as WCAG reckons them.
CONTRASTS = """selector => {
  const style = getComputedStyle(document.querySelector(selector))
  const light = colour => {
    const [r, g, b] = colour.match(/[0-9.]+/g).map(Number)
      .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const ground = light(style.backgroundColor)
  return [style.color, style.borderInlineStartColor].map(light)
    .map(other => (Math.max(other, ground) + 0.05) / (Math.min(other, ground) + 0.05))
}"""


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
        StepsBlock(
            steps=[Instruction(name=name, sentences=say(LONG)) for name in ("Pile it up", LONG)]
        ),
        CalloutBlock(sentences=say("Gloves keep fingers warm.")),
        CalloutBlock(tone="tip", title=LONG, sentences=say(LONG)),
        CalloutBlock(tone="warning", title="No glass", sentences=say("Glass never rots.")),
        ImageBlock(src=PICTURE, caption=say(LONG)),
    ]
    image = Image(
        src=PICTURE,
        alt="A heap of leaves",
        credit=LONG,
        licence="CC BY 4.0",
        licence_url="https://licences.example/by",
        width=1600,
        height=900,
    )
    draft = Draft(
        site="garden",
        slug="compost",
        title="Compost",
        description="How to make it.",
        sections=[Section(heading="Heaps", paragraphs=blocks)],
        references=[Reference(id="s1", url=LONG, title="One", sha256="0" * 64)],
        images=[image],
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


async def test_steps_callouts_and_pictures_have_accessible_names(browser: Browser) -> None:
    async with page_of(browser) as page:
        await page.set_content(page_with("en"))
        article = page.get_by_role("article")
        for name in ("Note", f"Tip · {LONG}", "Warning · No glass"):
            assert await article.get_by_role("note", name=name, exact=True).count() == 1
        steps = page.locator("ol.steps")
        assert await steps.get_by_role("listitem").count() == 2
        figure = page.get_by_role("figure").filter(has=page.get_by_alt_text("A heap of leaves"))
        assert await figure.get_by_role("link", name="CC BY 4.0").get_attribute("rel") == (
            "license noopener"
        )
        assert await page.locator("table th:not([scope])").count() == 0


@pytest.mark.parametrize("look", LOOKS)
async def test_a_callout_stands_out_and_its_words_can_be_read(browser: Browser, look: str) -> None:
    """WCAG 2.2 wants a contrast of 4.5 for text, and of 3 for what tells one thing from another."""
    async with page_of(browser, look) as page:
        await page.set_content(page_with("en"))
        for tone in ("note", "tip", "warning"):
            text, edge = await page.evaluate(CONTRASTS, f".callout-{tone}")
            assert text >= 4.5 and edge >= 3, (tone, text, edge)
