"""Lists, quotes and tables, as HTML, as Markdown and in a terminal: every word is shown, and none
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

from contentstudio.config import Site
from contentstudio.model import (
    Block,
    Draft,
    Image,
    InternalLink,
    ListBlock,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    TableBlock,
)
from contentstudio.publish import anchors, markdown, render
from contentstudio.publish.labels import quotation_marks
from contentstudio.review import text as review_text
from contentstudio.seo import optimize
from contentstudio.writing.article import _rewrite_question, cited_only
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
    ] * 11
    assert len(draft.sentences()) == 11


def test_words_of_strangers_stay_words_in_every_block() -> None:
    article = tree(make_draft(*whole(HOSTILE)))
    assert not article.xpath("//script | //img | //@onerror")
    assert article.text_content().count(HOSTILE) == 12
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
    assert len(inner) == 2 + 1 + 1 + 4
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
    question = _rewrite_question(site, make_draft(*whole("A heap")), {}, ["It is thin."])
    for mark in (
        '"paragraphs"',
        '"kind": "list"',
        '"ordered": true',
        '"kind": "quote"',
        '"kind": "table"',
        '"head"',
    ):
        assert mark in question
    assert question.count("A heap") == 12
