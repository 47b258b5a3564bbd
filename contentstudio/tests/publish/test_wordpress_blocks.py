"""Drafts as blocks of WordPress: the markup is what Gutenberg of 6.1 itself saves, and our
fingerprint is read back.

The expected texts were written by Gutenberg's own `serialize`; a real one is asked in
`wordpress/test_blocks.py`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    InternalLink,
    ListBlock,
    Question,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.publish import fingerprint, wordpress_blocks
from contentstudio.publish.wordpress_blocks import Picture, canonical, content, plain, sha256
from overnight.errors import InvalidPayload

SHA = "ab" * 32
PICTURES = {
    "heap.png": Picture(5, "https://g.example/heap.png"),
    "worm.png": Picture(7, "https://g.example/worm-1024x768.png", "large"),
    "leaf.png": Picture(8, "https://g.example/leaf.png"),
}


def said(text: str, source: str | None = None, quoted: bool = False) -> Sentence:
    return Sentence(text=text, source=source, quoted=quoted)


def make_draft(*blocks: Block, **changes: Any) -> Draft:
    values: dict[str, Any] = {
        "site": "garden",
        "slug": "compost",
        "title": "Compost",
        "description": "How to make it.",
        "sections": [
            Section(heading="Heaps & more", paragraphs=list(blocks) or [[said("A heap.")]])
        ],
        "references": [],
        "writer": "offline",
    }
    return Draft.model_validate(values | changes)


def source(number: int, url: str = "https://a.example/?b=1&c=2", title: str = "A & B") -> Reference:
    return Reference(id=f"s{number}", url=url, title=title, sha256="0" * 64)


def written(*blocks: Block, **changes: Any) -> list[str]:
    """The blocks of a draft, without the fingerprint and the heading of the section."""
    text = re.sub(
        r' {"placeholder":"[^"]*"}', "", content(make_draft(*blocks, **changes), SHA, PICTURES)
    )
    first, *others = re.split(r"\n\n(?!<!-- wp:list-item|<!-- wp:paragraph -->\n<p>Within)", text)
    assert (
        first
        == '<!-- wp:heading -->\n<h2 id="heaps-more">Heaps &amp; more</h2>\n<!-- /wp:heading -->'
    )
    return others


def only(*blocks: Block, **changes: Any) -> str:
    (block,) = written(*blocks, **changes)
    return block


def shown(text: str) -> str:
    """What stands in a paragraph of this text."""
    return (
        only([said(text)])
        .removeprefix("<!-- wp:paragraph -->\n<p>")
        .removesuffix("</p>\n<!-- /wp:paragraph -->")
    )


def test_the_fingerprint_is_invisible_in_the_first_heading() -> None:
    text = content(make_draft(), SHA, {})
    assert text == (
        f'<!-- wp:heading {{"placeholder":"{fingerprint.mark(SHA, text)}"}} -->\n<h2 '
        'id="heaps-more">Heaps &amp; more</h2>\n'
        "<!-- /wp:heading -->\n\n<!-- wp:paragraph -->\n<p>A heap.</p>\n<!-- /wp:paragraph -->"
    )
    assert "placeholder" not in re.sub(r"<!--.*?-->", "", text)


def test_text_is_written_as_browsers_write_it() -> None:
    assert shown("a & <b>\u00a0\"q\" 'q' > é 😀") == "a &amp; &lt;b&gt;&nbsp;\"q\" 'q' &gt; é 😀"
    assert shown("&amp; &copy;") == "&amp;amp; &amp;copy;"
    assert shown(" a\n\tb  c ") == "a b c"
    assert shown("a\x00\ufffeb") == "ab"
    assert (
        shown("<!--more--> <!-- /wp:paragraph -->")
        == "&lt;!--more--&gt; &lt;!-- /wp:paragraph --&gt;"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[gallery ids=1]", "<span>[</span>gallery ids=1]"),
        ("[caption]x[/caption]", "<span>[</span>caption]x[/caption]"),
        ("[[gallery]]", "[<span>[</span>gallery]]"),
        ("[公式]", "<span>[</span>公式]"),
        ("a [ b ] []", "a [ b ] []"),
        ("https://a.example/?b=1&c=2", "<span>https://a.example/?b=1&amp;c=2</span>"),
        (" HTTP://a.example/ ", "<span>HTTP://a.example/</span>"),
        ("See https://a.example/", "See https://a.example/"),
        ("&#91; &#x5B; &#a;", "<span>&amp;</span>#91; <span>&amp;</span>#x5B; &amp;#a;"),
    ],
)
def test_what_wordpress_would_run_is_wrapped_in_a_kept_element(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_citations_lead_to_the_sources() -> None:
    paragraph, heading, sources = written(
        [said("It rots.", "s1"), said("It smells.", "s2")],
        references=[source(1), source(2, "ftp://a.example/", "")],
    )
    assert paragraph == (
        '<!-- wp:paragraph -->\n<p>It rots.<sup><a aria-label="Source 1" href="#s1">1</a></sup> '
        'It smells.<sup><a aria-label="Source 2" href="#s2">2</a></sup></p>\n<!-- /wp:paragraph -->'
    )
    assert heading == '<!-- wp:heading -->\n<h2 id="sources">Sources</h2>\n<!-- /wp:heading -->'
    assert sources == (
        '<!-- wp:list {"ordered":true} -->\n<ol><!-- wp:list-item -->\n'
        '<li><a id="s1" rel="noopener nofollow" href="https://a.example/?b=1&amp;c=2">A '
        "&amp; B</a> a.example</li>\n"
        "<!-- /wp:list-item -->\n\n<!-- wp:list-item -->\n"
        '<li><span id="s2">ftp://a.example/</span></li>\n<!-- /wp:list-item '
        "--></ol>\n<!-- /wp:list -->"
    )


def test_a_source_shows_its_author_and_its_day() -> None:
    dated = {"published_at": datetime(2026, 11, 20, tzinfo=UTC), "author": "A. & B."}
    *_, sources = written([said("It rots.", "s1")], references=[source(1).model_copy(update=dated)])
    assert "</a> A. &amp; B., a.example, 20 November 2026</li>" in sources


def test_a_citation_of_no_source_is_an_error() -> None:
    with pytest.raises(InvalidPayload, match="'s9'"):
        content(make_draft([said("It rots.", "s9")]), SHA, {})


@pytest.mark.parametrize(
    ("language", "quote"), [("en", "“Turn it.”"), ("fr", "«&nbsp;Turn it.&nbsp;»")]
)
def test_a_quoted_sentence_has_marks_of_its_language_no_element(language: str, quote: str) -> None:
    text = only([said("Turn it.", quoted=True)], language=language)
    assert text == f"<!-- wp:paragraph -->\n<p>{quote}</p>\n<!-- /wp:paragraph -->"


def test_a_list_has_items() -> None:
    plain_list, ordered = written(
        ListBlock(items=[[said("A."), said("B.")], [said("https://a.example/")]]),
        ListBlock(ordered=True, items=[[said("A.")]]),
    )
    assert plain_list == (
        "<!-- wp:list -->\n<ul><!-- wp:list-item -->\n<li>A. B.</li>\n<!-- /wp:list-item -->\n\n"
        "<!-- wp:list-item -->\n<li>https://a.example/</li>\n<!-- /wp:list-item "
        "--></ul>\n<!-- /wp:list -->"
    )
    assert ordered == (
        '<!-- wp:list {"ordered":true} -->\n<ol><!-- wp:list-item -->\n<li>A.</li>\n<!-- '
        "/wp:list-item --></ol>\n"
        "<!-- /wp:list -->"
    )


def test_a_quote_names_its_source_where_it_has_one() -> None:
    one, two, *_ = written(
        QuoteBlock(sentences=[said("Turn it.", "s1"), said("Now.", "s1")]),
        QuoteBlock(sentences=[said("Turn it.", "s1"), said("Now.", "s2")]),
        references=[source(1), source(2)],
    )
    assert one == (
        '<!-- wp:quote -->\n<blockquote class="wp-block-quote"><!-- wp:paragraph -->\n'
        '<p>Turn it. Now.<sup><a aria-label="Source 1" href="#s1">1</a></sup></p>\n<!-- '
        "/wp:paragraph -->"
        '<cite><a rel="noopener nofollow" href="https://a.example/?b=1&amp;c=2">A &amp; '
        "B</a></cite></blockquote>\n"
        "<!-- /wp:quote -->"
    )
    assert "cite" not in two


def test_a_table_has_a_head_and_rows() -> None:
    table = TableBlock(
        head=["A & b", ""], rows=[[[said("1")], []], [[said("q", quoted=True)], [said("[x]")]]]
    )
    assert only(table) == (
        '<!-- wp:table -->\n<figure class="wp-block-table"><table>'
        '<thead><tr><th scope="col">A &amp; b</th><th scope="col"></th></tr></thead>'
        "<tbody><tr><td>1</td><td></td></tr><tr><td>“q”</td><td><span>[</span>x]</td></tr></tbody>"
        "</table></figure>\n<!-- /wp:table -->"
    )


def test_steps_are_a_numbered_list_with_each_name_first() -> None:
    steps = StepsBlock(
        steps=[
            Instruction(name="Pile <it> & wait", sentences=[said("A."), said("[x] B.")]),
            Instruction(name="[gallery]", sentences=[said("C.")]),
        ]
    )
    assert only(steps) == (
        '<!-- wp:list {"ordered":true} -->\n<ol><!-- wp:list-item -->\n'
        "<li><strong>Pile &lt;it&gt; &amp; wait</strong><br>A. <span>[</span>x] B.</li>\n"
        "<!-- /wp:list-item -->\n\n<!-- wp:list-item -->\n"
        "<li><strong><span>[</span>gallery]</strong><br>C.</li>\n"
        "<!-- /wp:list-item --></ol>\n<!-- /wp:list -->"
    )


def test_a_callout_is_a_group_with_a_border() -> None:
    block = CalloutBlock(tone="warning", title="No <glass>", sentences=[said("Within a & b.")])
    assert only(block) == (
        '<!-- wp:group {"tagName":"aside","style":{"border":{"width":"1px"},"spacing":{"padding":'
        '{"top":"1em","right":"1em","bottom":"1em","left":"1em"}}}} -->\n'
        '<aside class="wp-block-group" style="border-width:1px;'
        'padding-top:1em;padding-right:1em;padding-bottom:1em;padding-left:1em">'
        "<!-- wp:paragraph -->\n<p><strong>Warning · No &lt;glass&gt;</strong></p>\n"
        "<!-- /wp:paragraph -->\n\n<!-- wp:paragraph -->\n<p>Within a &amp; b.</p>\n"
        "<!-- /wp:paragraph --></aside>\n<!-- /wp:group -->"
    )


def test_a_picture_is_at_its_block_with_its_caption_and_credit() -> None:
    facts = {"credit": "Ann & Lee", "licence": "CC BY", "licence_url": "https://l.example/?a&b"}
    images = [Image(src="heap.png", alt="A heap"), Image(src="leaf.png", alt="A leaf", **facts)]
    before, leaf, after = written(
        [said("A.")],
        ImageBlock(src="leaf.png", caption=[said("A [leaf].")]),
        [said("B.")],
        images=images,
    )
    assert [before, after] == [
        f"<!-- wp:paragraph -->\n<p>{text}.</p>\n<!-- /wp:paragraph -->" for text in "AB"
    ]
    assert leaf == (
        '<!-- wp:image {"id":8,"sizeSlug":"full","linkDestination":"none"} -->\n'
        '<figure class="wp-block-image size-full"><img src="https://g.example/leaf.png" '
        'alt="A leaf" class="wp-image-8"/><figcaption class="wp-element-caption">'
        'A <span>[</span>leaf]. Ann &amp; Lee · <a href="https://l.example/?a&amp;b">CC BY</a>'
        "</figcaption></figure>\n<!-- /wp:image -->"
    )


def test_the_featured_picture_is_the_first_that_no_block_places() -> None:
    images = [Image(src=src, alt=f"A {src}") for src in ("heap.png", "worm.png")]
    draft = make_draft(ImageBlock(src="heap.png"), images=images)
    assert wordpress_blocks.featured(draft, PICTURES) == PICTURES["worm.png"]
    assert content(draft, SHA, PICTURES).count("<img ") == 1
    alone = make_draft(ImageBlock(src="heap.png"), images=images[:1])
    assert wordpress_blocks.featured(alone, PICTURES) == PICTURES["heap.png"]
    assert content(alone, SHA, PICTURES).count("<img ") == 1


def test_a_picture_that_nobody_can_load_leaves_no_block() -> None:
    lost = [Image(src="lost.png", alt="Lost")]
    block = ImageBlock(src="lost.png", caption=[said("Lost heap.")])
    links = [InternalLink(anchor="heap", url="/heap/")]
    text = only(block, [said("A heap.")], images=lost, links=links)
    assert text == (
        '<!-- wp:paragraph -->\n<p>A <a href="/heap/">heap</a>.</p>\n<!-- /wp:paragraph -->'
    )


def test_questions_are_headings_of_the_third_level() -> None:
    _, title, question, answer = written(faq=[Question(question="Who?", answer=[said("We.")])])
    assert (
        title == '<!-- wp:heading -->\n<h2 id="questions">Questions and answers</h2>\n<!-- '
        "/wp:heading -->"
    )
    assert (
        question == '<!-- wp:heading {"level":3} -->\n<h3 id="who">Who?</h3>\n<!-- /wp:heading -->'
    )
    assert answer == "<!-- wp:paragraph -->\n<p>We.</p>\n<!-- /wp:paragraph -->"


def test_a_long_article_begins_with_its_contents() -> None:
    sections = [Section(heading=f"Part {n}", paragraphs=[[said("A.")]]) for n in range(5)]
    text = content(make_draft(sections=sections), SHA, {})
    first, second = re.split(r"\n\n(?!<!-- wp:list-item)", text)[:2]
    assert re.sub(r" {.*?}", "", first) == (
        "<!-- wp:paragraph -->\n<p><strong>Contents</strong></p>\n<!-- /wp:paragraph -->"
    )
    assert re.findall("<li>(.*?)</li>", second) == [
        f'<a href="#part-{n}">Part {n}</a>' for n in range(5)
    ]
    assert sha256(text) == SHA


def test_the_first_picture_is_featured_and_the_others_are_blocks() -> None:
    images = [
        Image(src=src, alt=f"A {src}")
        for src in ("heap.png", "worm.png", "leaf.png", "https://e.example/e.png")
    ]
    draft = make_draft(
        images=[*images, Image(src="javascript:x", alt=""), Image(src="lost.png", alt="")]
    )
    assert wordpress_blocks.featured(draft, PICTURES) == PICTURES["heap.png"]
    _, worm, leaf, elsewhere = written(images=draft.images)
    assert worm == (
        '<!-- wp:image {"id":7,"sizeSlug":"large","linkDestination":"none"} -->\n'
        '<figure class="wp-block-image size-large">'
        '<img src="https://g.example/worm-1024x768.png" alt="A worm.png" '
        'class="wp-image-7"/></figure>\n'
        "<!-- /wp:image -->"
    )
    assert (
        'size-full"><img src="https://g.example/leaf.png" alt="A leaf.png" class="wp-image-8"/>'
        in leaf
    )
    assert elsewhere == (
        '<!-- wp:image -->\n<figure class="wp-block-image"><img src="https://e.example/e.png" '
        'alt="A https://e.example/e.png"/></figure>\n<!-- /wp:image -->'
    )


@pytest.mark.parametrize(
    ("alt", "expected"),
    [
        ("a \"b\" 'c' & > d", "a &quot;b&quot; 'c' &amp; &gt; d"),
        ("R&amp;D &amp;amp;lt; &bogus;", "R&amp;D ‹ &amp;\u2060bogus;"),
        ("a < b", "a ‹ b"),
        ("[gallery]\n [1 ]", "[\u2060gallery] [\u20601 ]"),
    ],
)
def test_the_alt_text_of_a_picture_survives_the_editor(alt: str, expected: str) -> None:
    _, image = written(images=[Image(src="heap.png", alt=""), Image(src="worm.png", alt=alt)])
    assert f' alt="{expected}" class' in image


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/?q=\"<[x]>'&amp;", "https://a.example/?q=%22%3C%5Bx%5D%3E'&amp;amp%3B"),
        ("https://[2001:db8::1]:80/é?a=1&copy=2", "https://[2001:db8::1]:80/é?a=1&amp;copy=2"),
        ('https://a"onclick=x.example/ b', "https://a%22onclick=x.example/%20b"),
    ],
)
def test_an_address_ends_no_attribute_and_runs_nothing(url: str, expected: str) -> None:
    block = written([said("It rots.", "s1")], references=[source(1, url)])[-1]
    assert f'href="{expected}">' in block


def test_links_of_the_site_are_in_the_text() -> None:
    text = only([said("It rots.")], links=[InternalLink(anchor="rots", url="/rot?a=1&b=2")])
    assert '<p>It <a href="/rot?a=1&amp;b=2">rots</a>.</p>' in text


@pytest.mark.parametrize(
    "draft", [make_draft(sections=[]), make_draft(sections=[], references=[source(1)])]
)
def test_a_draft_without_a_section_has_its_fingerprint_too(draft: Draft) -> None:
    assert sha256(content(draft, SHA, {})) == SHA


WHOLE = make_draft(
    [said("A\u00a0& b > [x].", "s1"), said("https://a.example/")],
    ListBlock(items=[[said("A.")], [said("B.")]]),
    QuoteBlock(sentences=[said("Turn it.", "s1")]),
    TableBlock(head=["A"], rows=[[[said("1")]]]),
    StepsBlock(steps=[Instruction(name="Pile", sentences=[said("Pile it.")])]),
    CalloutBlock(title="No glass", sentences=[said("Glass cuts.")]),
    ImageBlock(src="leaf.png", caption=[said("In May")]),
    references=[source(1)],
    images=[
        Image(src="heap.png", alt="A heap"),
        Image(src="worm.png", alt="A worm"),
        Image(src="leaf.png", alt="A leaf", licence="CC", licence_url="https://l.example/"),
    ],
)


def whole() -> str:
    return content(WHOLE, SHA, PICTURES)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"/>', '" />'),  # kses
        lambda text: text.replace("<h2 id", '<h2 class="wp-block-heading" id'),  # 6.3
        lambda text: text.replace("<ul>", '<ul class="wp-block-list">').replace(
            "<ol>", '<ol class="wp-block-list">'
        ),
        lambda text: text.replace(
            "<!-- wp:table -->", '<!-- wp:table {"hasFixedLayout":false} -->'
        ),  # 6.6
        lambda text: text.replace('"id":7,"sizeSlug":"large"', '"sizeSlug":"large","id":7'),
        lambda text: text.replace("\n\n", "\n") + "\n",
        lambda text: text.replace("&nbsp;", "\u00a0").replace(
            "&gt;", ">"
        ),  # a block in which something was typed
    ],
)
def test_what_wordpress_changes_by_itself_is_no_change(change: Callable[[str], str]) -> None:
    assert change(whole()) != whole()
    assert sha256(change(whole())) == SHA
    assert canonical(change(whole())) == canonical(whole())


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("Turn it.", "Turn them."),
        lambda text: text.replace("<td>1<", "<td>2<"),
        lambda text: text.replace("A worm", "Two worms"),
        lambda text: text.replace("b=1&amp;c=2", "b=1&amp;c=3"),
        lambda text: text.replace("worm-1024x768", "other"),
        lambda text: text.replace("<li>B.</li>", "<li></li>"),
        lambda text: text.replace("Pile it.", "Pile them."),
        lambda text: text.replace("<strong>Pile<", "<strong>Heap<"),
        lambda text: text.replace("Glass cuts", "Glass shines"),
        lambda text: text.replace("Note · No glass", "Tip · No glass"),
        lambda text: text.replace("In May", "In June"),
        lambda text: text.replace("https://l.example/", "https://m.example/"),
        lambda text: text.partition("<!-- wp:image")[0],
        lambda text: text[text.index("<!-- wp:image") :].partition("\n\n")[2],
    ],
)
def test_a_persons_change_of_a_word_a_link_or_a_picture_is_one(
    change: Callable[[str], str],
) -> None:
    assert change(whole()) != whole()
    assert sha256(change(whole())) is None
    assert canonical(change(whole())) != canonical(whole())


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("Turn it.", "<strong>Turn it.</strong>"),
        lambda text: text.replace("<!-- wp:quote -->", '<!-- wp:quote {"align":"center"} -->'),
        lambda text: text.replace("<h2 id", '<h2 style="color:red" id'),
        lambda text: text.replace('{"tagName":"aside",', "{"),
        lambda text: text.replace("border-width:1px", "border-width:2px"),
    ],
)
def test_a_persons_change_of_form_shows_though_the_text_is_ours(
    change: Callable[[str], str],
) -> None:
    assert sha256(change(whole())) == SHA
    assert canonical(change(whole())) != canonical(whole())


def test_the_form_of_earlier_versions_is_read_and_left_as_it_is() -> None:
    body = '<section id="a">\n<h2>A</h2>\n<p>“<q>B</q>”</p>\n</section>'
    old = (
        f'<!-- wp:html {{"contentstudio":"{fingerprint.mark(SHA, body)}"}} -->\n{body}\n<!-- '
        "/wp:html -->"
    )
    assert sha256(old) == SHA
    assert sha256(old.replace("B", "C")) is None
    assert canonical(old) == old


@pytest.mark.parametrize(
    "text", ["", "My words.", "<!-- wp:heading -->\n<h2>A</h2>\n<!-- /wp:heading -->"]
)
def test_what_has_no_fingerprint_is_not_ours(text: str) -> None:
    assert sha256(text) is None
    assert canonical(text) == text


def test_a_fingerprint_in_the_words_is_none() -> None:
    words = f'<!-- wp:paragraph {{"placeholder":"{SHA}.{"0" * 16}"}} -->'
    text = content(make_draft([said(words)]), "cd" * 32, {})
    assert sha256(text) == "cd" * 32


@pytest.mark.parametrize(
    "words",
    [
        "a < b & <b>c</b>",
        "<script>alert(1)</script>",
        "&lt;b&gt; &amp;amp; &#91; &#x5B;",
        "“A & B”",
        "a\0b",
    ],
)
def test_a_title_is_stored_as_words(words: str) -> None:
    assert "<" not in plain(words) and ">" not in plain(words)
    assert html.unescape(plain(words)) == words.replace("\0", "").replace("&#", "&\u2060#")


def test_attributes_end_no_comment() -> None:
    text = wordpress_blocks._json({"a": "--><b>&\"'\\é", "b": 1, "c": True})
    assert (
        text == '{"a":"\\u002d\\u002d\\u003e\\u003cb\\u003e\\u0026\\u0022\'\\\\é","b":1,"c":true}'
    )
