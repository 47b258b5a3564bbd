"""Every kind of block as HTML, as Markdown and in a terminal: every word is shown, and none
is read as markup.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
from drafts import DRAFTS
from hypothesis import given, settings
from lxml import html
from pydantic import ValidationError
from researches import research

from contentstudio.config import Site
from contentstudio.memory.links import choose
from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    InternalLink,
    ListBlock,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.publish import anchors, markdown, render
from contentstudio.publish.labels import quotation_marks
from contentstudio.review import text as review_text
from contentstudio.seo import optimize
from contentstudio.writing.article import _rewrite_question
from contentstudio.writing.pool import cited_only
from overnight.errors import InvalidPayload

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # HTML cannot carry it
HOSTILE = (
    '<img src=x onerror="x()"> | {{ x }} </td></table><script>y</script> *a* [b](javascript:c)'
)


def said(text: str, source: str | None = None, quoted: bool = False) -> Sentence:
    return Sentence(text=text, source=source, quoted=quoted)


def make_draft(*blocks: Block, **changes: Any) -> Draft:
    values: dict[str, Any] = {
        "site": "garden",
        "slug": "compost",
        "title": "Compost",
        "description": "How to make it.",
        "sections": [Section(heading="Heaps", paragraphs=list(blocks) or [[said("A heap.")]])],
        "references": [
            Reference(id="s1", url="https://one.example/?b=1&c=2", title="One", sha256="0" * 64),
            Reference(id="s2", url="https://two.example/", title="Two", sha256="1" * 64),
        ],
        "writer": "a-model",
    }
    if any(isinstance(block, ImageBlock) for block in blocks):
        values["images"] = [Image(src="heap.png", alt="Leaves")]
    return Draft.model_validate(values | changes)


def whole(text: str = "A heap") -> list[Block]:
    """A block of every kind, with `text` in every place that a block has."""
    return [
        [said(text), said(text, "s1", quoted=True)],
        ListBlock(items=[[said(text), said(text, "s2")], [said(text, "s1", quoted=True)]]),
        ListBlock(ordered=True, items=[[said(text, "s1")]]),
        QuoteBlock(sentences=[said(text, "s1"), said(text, "s1")]),
        TableBlock(
            head=[text, ""],
            rows=[[[said(text, "s1"), said(text)], []], [[], [said(text, "s2", quoted=True)]]],
        ),
        StepsBlock(
            steps=[
                Instruction(name=text, sentences=[said(text, "s1"), said(text)]),
                Instruction(name=text, sentences=[said(text, "s2", quoted=True)]),
            ]
        ),
        CalloutBlock(tone="warning", title=text, sentences=[said(text), said(text, "s2")]),
        ImageBlock(src="heap.png", caption=[said(text, "s1")]),
    ]


def tree(draft: Draft, **options: Any) -> html.HtmlElement:
    return html.fragment_fromstring(render.body(draft, **options), create_parent="article")


def test_a_list_has_its_items() -> None:
    article = tree(make_draft(ListBlock(items=[[said("A."), said("B.", "s1")], [said("C.")]])))
    assert [item.text_content() for item in article.xpath("section[1]/ul/li")] == ["A. B.1", "C."]
    article = tree(make_draft(ListBlock(ordered=True, items=[[said("A.")]])))
    assert [item.text_content() for item in article.xpath("section[1]/ol/li")] == ["A."]


def test_a_quote_says_whose_words_it_has() -> None:
    article = tree(make_draft(QuoteBlock(sentences=[said("A.", "s1"), said("B.", "s1")])))
    (quote,) = article.xpath("//blockquote")
    assert quote.get("cite") == "https://one.example/?b=1&c=2"
    assert quote.text_content() == "A. B.1"  # the block is the quotation mark
    assert article.xpath("//blockquote//sup/a/@href") == ["#s1"]


def test_a_quote_of_two_sources_names_both() -> None:
    article = tree(make_draft(QuoteBlock(sentences=[said("A.", "s1"), said("B.", "s2")])))
    assert article.xpath("//blockquote")[0].attrib == {}
    assert article.xpath("//blockquote//sup/a/@href") == ["#s1", "#s2"]


def test_a_table_has_a_head_and_each_cell_in_its_place() -> None:
    rows = [[[said("Bark"), said("Or chips.")], []], [[], [said("5 cm", "s1")]]]
    article = tree(make_draft(TableBlock(head=["What", ""], rows=rows)))
    assert [(th.text or "", th.get("scope")) for th in article.xpath("//thead/tr/th")] == [
        ("What", "col"),
        ("", "col"),
    ]
    cells = [[td.text_content() for td in tr.xpath("td")] for tr in article.xpath("//tbody/tr")]
    assert cells == [["Bark Or chips.", ""], ["", "5 cm1"]]


def test_steps_are_a_numbered_list_with_their_names() -> None:
    steps = StepsBlock(
        steps=[
            Instruction(name="Pile", sentences=[said("A."), said("B.", "s1")]),
            Instruction(name="Wait", sentences=[said("C.")]),
        ]
    )
    items = tree(make_draft(steps)).xpath("//ol[@class='steps']/li")
    assert [item.xpath("string(p[1]/strong)") for item in items] == ["Pile", "Wait"]
    assert [item.xpath("string(p[2])") for item in items] == ["A. B.1", "C."]


@pytest.mark.parametrize(
    ("language", "tone", "title", "shown"),
    [
        ("en", "note", "", "Note"),
        ("en", "warning", "No glass", "Warning · No glass"),
        ("de-AT", "tip", "", "Tipp"),
        ("xx", "warning", "", "Warning"),
    ],
)
def test_a_callout_says_in_words_what_it_is(
    language: str, tone: Any, title: str, shown: str
) -> None:
    block = CalloutBlock(tone=tone, title=title, sentences=[said("Glass cuts.", "s1")])
    draft = make_draft(block, language=language)
    (aside,) = tree(draft).xpath("//aside[@role='note']")
    assert aside.get("class") == f"callout callout-{tone}"
    assert aside.get("aria-label") == shown
    assert [p.text_content() for p in aside.xpath("p")] == [shown, "Glass cuts.1"]
    assert f"> **{shown}**  \n> Glass cuts.[^1]" in markdown.body(draft)


FACTS: dict[str, Any] = {
    "caption": "In May & June",
    "credit": "Ann <Lee>",
    "licence": "CC BY 4.0",
    "licence_url": "https://licences.example/by",
}


@pytest.mark.parametrize(
    ("facts", "own", "below"),
    [
        ({}, [], None),
        ({}, [said("A heap.", "s1")], "A heap.1"),
        (FACTS, [], "In May & June Ann <Lee> · CC BY 4.0"),
        (FACTS, [said("A heap.")], "A heap. Ann <Lee> · CC BY 4.0"),
        ({"credit": "Ann"}, [], "Ann"),
        ({"licence_url": FACTS["licence_url"]}, [], FACTS["licence_url"]),
    ],
)
def test_below_a_picture_are_its_caption_credit_and_licence(
    facts: dict[str, Any], own: list[Sentence], below: str | None
) -> None:
    image = Image(src="heap.png", alt="Leaves", width=80, height=60, **facts)
    draft = make_draft(ImageBlock(src="heap.png", caption=own), images=[image])
    (figure,) = tree(draft).xpath("//figure")
    assert dict(figure.xpath("img")[0].attrib) == {
        "src": "heap.png",
        "alt": "Leaves",
        "width": "80",
        "height": "60",
        "loading": "lazy",
    }
    assert [one.text_content() for one in figure.xpath("figcaption")] == ([below] if below else [])
    licence = [FACTS["licence_url"]] if "licence_url" in facts else []
    assert figure.xpath("figcaption/span[@class='credit']/a/@href") == licence
    lines = markdown.body(draft).strip().split("\n\n")[1].split("  \n")
    assert lines[0] == "![Leaves](<heap.png>)"
    assert len(lines) == (2 if below else 1)


def test_facts_of_an_image_are_shown_where_no_block_places_it() -> None:
    draft = make_draft(images=[Image(src="heap.png", alt="Leaves", **FACTS)])
    assert tree(draft).xpath("string(//figcaption)") == "In May & June Ann <Lee> · CC BY 4.0"
    assert "![Leaves](<heap.png>)  \nIn May &amp; June Ann &lt;Lee&gt; · [CC BY 4" in markdown.body(
        draft
    )


def test_a_picture_that_a_block_places_stands_there_alone() -> None:
    images = [Image(src=f"{number}.png", alt=f"Heap {number}") for number in range(3)]
    draft = make_draft([said("A.")], ImageBlock(src="0.png"), [said("B.")], images=images)
    assert tree(draft).xpath("//img/@src") == ["0.png", "1.png", "2.png"]
    assert tree(draft).xpath("//img[@src='0.png']/preceding::p/text()") == ["A."]
    assert markdown.body(draft).count("0.png") == 1
    assert tree(draft, featured=images[0]).xpath("//img/@src") == ["0.png", "1.png", "2.png"]


@pytest.mark.parametrize("address", ["javascript:x()", "/by", "by", "https://", "ftp://a.example/"])
def test_a_licence_stands_at_an_address_of_the_web(address: str) -> None:
    with pytest.raises(ValidationError, match="licence_url needs an address"):
        Image(src="heap.png", alt="Leaves", licence_url=address)


def test_blocks_that_markdown_would_join_are_apart() -> None:
    steps = StepsBlock(steps=[Instruction(name="Pile", sentences=[said("A.")])])
    numbered, callout = (
        ListBlock(ordered=True, items=[[said("B.")]]),
        CalloutBlock(sentences=[said("C.")]),
    )
    quote = QuoteBlock(sentences=[said("D.", "s1")])
    apart = [(numbered, steps), (steps, numbered), (callout, callout), (quote, callout)]
    apart += [(callout, quote)]
    for before, after in apart:
        assert "\n\n<!-- -->\n\n" in markdown.body(make_draft(before, after))
    for before, after in [(numbered, callout), (steps, quote), (quote, quote), (steps, callout)]:
        assert "<!--" not in markdown.body(make_draft(before, after))


def test_links_stand_in_steps_and_callouts_and_not_in_captions() -> None:
    links = [InternalLink(anchor=word, url=f"/{word}/") for word in ("heap", "worm", "bark")]
    draft = make_draft(
        ImageBlock(src="heap.png", caption=[said("A heap, a worm, fresh bark.")]),
        StepsBlock(steps=[Instruction(name="The heap", sentences=[said("An autumn heap.")])]),
        CalloutBlock(title="A worm", sentences=[said("A worm.")]),
        links=links,
    )
    assert tree(draft).xpath("//figcaption//a") == []
    assert tree(draft).xpath("//li/p[2]/a/@href | //aside/p[2]/a/@href") == ["/heap/", "/worm/"]
    assert anchors.placed(draft) == links[:2]
    pages = [("Autumn heap", "/heap/"), ("Fresh bark", "/bark/")]
    assert [link.url for link in choose(draft, pages, 5)] == ["/heap/"]


def test_links_stand_in_items_and_cells_and_not_in_quotes() -> None:
    links = [InternalLink(anchor=word, url=f"/{word}/") for word in ("heap", "worm", "bark")]
    draft = make_draft(
        QuoteBlock(sentences=[said("A heap.", "s1")]),
        ListBlock(items=[[said("A heap.")]]),
        TableBlock(head=["worm"], rows=[[[said("A worm.")]], [[]], [[said("By bark.")]]]),
        links=links,
    )
    assert tree(draft).xpath("//section[1]//a[not(parent::sup)]/@href") == [
        "/heap/",
        "/worm/",
        "/bark/",
    ]
    assert tree(draft).xpath("//li/a/@href")[0] == "/heap/"
    assert markdown.body(draft).count("](<") == 3 + 1  # the source is a link too


def test_the_pieces_of_a_draft_are_in_the_order_of_its_blocks() -> None:
    draft = make_draft(*whole())
    assert ["".join(piece.text for piece in pieces) for pieces in anchors.pieces(draft)] == [
        "A heap"
    ] * 17
    assert len(draft.sentences()) == 17


def test_words_of_strangers_stay_words_in_every_block() -> None:
    article = tree(make_draft(*whole(HOSTILE)))
    assert not article.xpath("//script | //img[@src != 'heap.png'] | //@onerror")
    assert article.text_content().count(HOSTILE) == 21  # with a head, two names and a title
    assert len(article.xpath("//td")) == 4


@pytest.mark.parametrize("block", whole("A.")[1:], ids=lambda block: type(block).__name__)
def test_a_source_that_is_not_there_is_refused_in_every_block(block: Block) -> None:
    draft = make_draft(block, references=[])
    for body in (render.body, markdown.body):
        with pytest.raises(InvalidPayload, match="not among the article's references"):
            body(draft)


def test_a_theme_gets_quotation_marks_and_a_page_a_q_as_well() -> None:
    draft = make_draft(
        [said("A heap.", "s1", quoted=True)],
        ListBlock(items=[[said("A worm.", "s1", quoted=True)]]),
    )
    assert not tree(draft, cms=True).xpath("//q")
    assert "“A heap.”" in render.body(draft, cms=True)
    assert [q.text for q in tree(draft).xpath("//q")] == ["A heap.", "A worm."]
    assert (
        tree(draft).xpath("//p")[0].text_content()
        == tree(draft, cms=True).xpath("//p")[0].text_content()
    )


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "“A heap.”"),
        ("de", "„A heap.“"),
        ("de-AT", "„A heap.“"),
        ("de-CH", "«A heap.»"),
        ("de_CH", "«A heap.»"),
        ("fr", "«\u00a0A heap.\u00a0»"),
        ("nb-NO", "«A heap.»"),
        ("pl", "„A heap.”"),
        ("sv", "”A heap.”"),
        ("ja", "「A heap.」"),
        ("zh-Hant", "「A heap.」"),
        ("zh", "“A heap.”"),
        ("fil", "“A heap.”"),  # no Finnish
        ("xx", "“A heap.”"),
    ],
)
def test_quotation_marks_are_those_of_the_language(language: str, shown: str) -> None:
    draft = make_draft([said("A heap.", "s1", quoted=True)], language=language)
    assert shown == "A heap.".join(quotation_marks(language))
    assert shown in tree(draft, cms=True).xpath("//p")[0].text_content()
    assert shown in tree(draft).xpath("//p")[0].text_content()
    assert shown in markdown.body(draft)


def test_the_picture_that_a_theme_shows_is_not_shown_again() -> None:
    images = [Image(src=f"{number}.png", alt=f"Heap {number}") for number in range(4)]
    sections = [
        Section(heading=heading, paragraphs=[[said("A heap.")]]) for heading in ("One", "Two")
    ]
    draft = make_draft(sections=sections, images=images)
    assert tree(draft).xpath("//img/@src") == ["0.png", "1.png", "2.png", "3.png"]
    for featured in images:
        rest = [image.src for image in images if image != featured]
        assert tree(draft, featured=featured).xpath("//img/@src") == rest
    before = tree(draft, featured=images[0]).xpath("//img/following::section[1]/h2/text()")[0]
    assert before == "Two"  # the others stay in their places


def test_markdown_has_the_blocks_of_markdown() -> None:
    text = markdown.body(make_draft(*whole()))
    assert (
        "\n\n- A heap A heap[^2]\n- “A heap”[^1]\n\n1. A heap[^1]\n\n> A heap[^1] A heap[^1]\n\n"
        in text
    )
    assert (
        "\n\n| A heap |  |\n| --- | --- |\n| A heap[^1] A heap |  |\n|  | “A heap”[^2] |\n\n"
        in text
    )
    assert (
        "\n\n1. **A heap**  \n   A heap[^1] A heap\n2. **A heap**  \n   “A heap”[^2]\n\n"
        "> **Warning · A heap**  \n> A heap A heap[^2]\n\n![Leaves](<heap.png>)  \nA heap[^1]\n\n"
        in text
    )


def test_markdown_shows_the_author_and_the_day_of_a_source() -> None:
    one, two = make_draft().references
    dated = {"author": "Anna *B*", "published_at": datetime(2026, 11, 20, tzinfo=UTC)}
    references = [one.model_copy(update=dated), two]
    block = [said("A heap.", "s1"), said("A pile.", "s2")]
    text = markdown.body(make_draft(block, references=references))
    assert "), Anna \\*B\\*, 20 November 2026\n" in text
    assert text.endswith("[^2]: [Two](<https://two.example/>)\n")


def test_markdown_reads_no_words_of_strangers_as_its_own() -> None:
    lines = markdown.body(make_draft(*whole(HOSTILE))).splitlines()
    rows = [line.replace(r"\|", "") for line in lines if line.startswith("| ")]
    assert [row.count("|") for row in rows] == [3] * 4
    assert not any(
        mark in line.replace(r"\*", "")
        for line in lines
        for mark in ("<img", "</td", "{{", "*a*", "[b](")
    )


@pytest.mark.parametrize(
    "start", ["- no item", "1. no item", "+ no item", "> no quote", "# no heading", "| no cell |"]
)
def test_what_begins_as_a_block_within_a_block_is_text(start: str) -> None:
    lines = markdown.body(make_draft(*whole(start))).splitlines()
    starts = ("- ", "1. ", "> ", "| ")
    inner = [line.removeprefix(mark) for line in lines for mark in starts if line.startswith(mark)]
    assert len(inner) == 2 + 1 + 1 + 4 + 1 + 2
    assert not any(
        line.startswith((*starts, "+ ", "# ")) for line in inner if line != "--- | --- |"
    )


def test_a_terminal_shows_every_block() -> None:
    shown = review_text.article(make_draft(*whole()))
    assert (
        "- A heap A heap [s2]\n- “A heap” [s1]\n\n1. A heap [s1]\n\n> “A heap” [s1] “A heap” [s1]\n"
        in shown
    )
    assert "| A heap | –\n| A heap [s1] A heap | –\n| – | “A heap” [s2]\n" in shown
    assert "\n\n1. A heap\n   A heap [s1] A heap\n2. A heap\n   “A heap” [s2]\n\n" in shown
    assert (
        "\n\n! WARNING: A heap\n! A heap A heap [s2]\n\n[Leaves: heap.png]\nA heap [s1]\n" in shown
    )


@settings(deadline=None)
@given(DRAFTS)
def test_every_word_of_any_draft_is_shown_in_its_order(draft: Draft) -> None:
    page = " ".join(tree(draft).text_content().split())
    position = 0
    for sentence in draft.sentences():
        text = " ".join(FORBIDDEN.sub("", sentence.text).split())
        assert text in page[position:]
        position = page.index(text, position) + len(text)


def test_citations_are_numbered_anew_in_every_block() -> None:
    def using(source: str) -> list[Block]:
        return [
            ListBlock(ordered=True, items=[[said("A.", source)]]),
            QuoteBlock(sentences=[said("B.", source)]),
            TableBlock(head=["X"], rows=[[[said("C.", source)]], [[]]]),
            StepsBlock(steps=[Instruction(name="D", sentences=[said("D.", source)])]),
            CalloutBlock(sentences=[said("E.", source)]),
            ImageBlock(src="heap.png", caption=[said("F.", source)]),
        ]

    draft = cited_only(make_draft(*using("s2")))
    assert draft.sections[0].blocks == using("s1")
    assert [(r.id, r.title) for r in draft.references] == [("s1", "Two")]
    assert set(chain(*(s.source or "" for s in draft.sentences()))) == {"s", "1"}


def test_a_short_description_goes_on_with_no_item_or_cell() -> None:
    tells = "It needs leaves, some water, a little air, and a whole winter to become soil."
    blocks: list[Block] = [
        ListBlock(items=[[said(tells)]]),
        TableBlock(head=["What"], rows=[[[said(tells)]]]),
    ]
    site = Site(name="garden", url="https://garden.example", sources=["https://a.example"])
    assert optimize(make_draft(*blocks), site, []).draft.description == "How to make it."
    assert (
        optimize(make_draft(*blocks, [said(tells)]), site, []).draft.description
        == f"How to make it. {tells}"
    )


def test_a_model_that_mends_an_article_sees_its_blocks() -> None:
    site = Site(name="garden", url="https://garden.example", sources=["https://a.example"])
    question = _rewrite_question(site, make_draft(*whole("A heap")), research(), ["It is thin."])
    for mark in (
        '"paragraphs"',
        '"kind": "list"',
        '"ordered": true',
        '"kind": "quote"',
        '"kind": "table"',
        '"head"',
        '"kind": "steps"',
        '"kind": "callout"',
        '"kind": "image"',
    ):
        assert mark in question
    assert question.count("A heap") == 21
