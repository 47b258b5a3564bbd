"""Drafts of any words as blocks of WordPress: the fingerprint is read back, and no markup but our
own is in them.
"""

from __future__ import annotations

import html
import re
from itertools import cycle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contentstudio.model import (
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
from contentstudio.publish.wordpress_blocks import Picture, canonical, content, plain, sha256

SHA = "ab" * 32
BITS = [
    "a",
    " ",
    "\n",
    "\u00a0",
    "&",
    "&amp;",
    "&#91;",
    "&copy",
    "<",
    "<b>",
    "</p>",
    "<!--",
    "-->",
    "--",
    "]",
    "\\",
    "{",
]
BITS += [
    "&#x5B;",
    "[gallery]",
    "[[x]]",
    '"',
    "'",
    "https://a.example/x",
    "“",
    "\0",
    "\ufffe",
    "<!-- /wp:paragraph -->",
    "公式",
]
WORDS = st.text(min_size=1, max_size=9) | st.lists(
    st.sampled_from(BITS), min_size=1, max_size=5
).map("".join)
URLS = [
    "https://a.example/?b=1&c=2",
    'https://a"b.example/',
    "ftp://a",
    "https://[2001:db8::1]/[x]",
    "https://a.example/",
]


def make_draft(words: list[str], url: str, language: str) -> Draft:
    """A draft with every kind of block, whose places have these words in turn."""
    say = cycle(words)

    def sentences(source: str | None, quoted: bool = False) -> list[Sentence]:
        return [
            Sentence(text=next(say), source=source, quoted=quoted),
            Sentence(text=next(say), source="s2"),
        ]

    blocks: list[Any] = [
        [Sentence(text=next(say))],
        sentences("s1", quoted=True),
        ListBlock(items=[sentences(None), sentences("s1")]),
        QuoteBlock(sentences=sentences("s2")),
        TableBlock(head=[next(say), ""], rows=[[sentences("s1"), []]]),
        StepsBlock(steps=[Instruction(name=next(say), sentences=sentences("s1"))]),
        CalloutBlock(title=next(say), sentences=sentences(None)),
        ImageBlock(src="b.png", caption=sentences("s2")),
        ImageBlock(src="c.png"),
    ]
    return Draft(
        site="garden",
        slug="compost",
        title=next(say),
        description=next(say),
        sections=[Section(heading=next(say), paragraphs=blocks)],
        references=[
            Reference(id=f"s{n}", url=url, title=next(say), sha256="0" * 64) for n in (1, 2)
        ],
        writer="offline",
        language=language,
        faq=[Question(question=next(say), answer=sentences(None))],
        links=[InternalLink(anchor=next(say), url=url)],
        images=[
            Image(src=src, alt=next(say), caption=next(say), credit=next(say), licence=next(say))
            for src in ("a.png", "b.png", "c.png", url)
        ],
    )


DRAFTS = st.builds(
    make_draft,
    st.lists(WORDS, min_size=1, max_size=4),
    st.sampled_from(URLS) | st.text(max_size=9).map("https://a.example/{}".format),
    st.sampled_from(["en", "fr", "ja", "xx"]),
)
PICTURES = {
    "a.png": Picture(5, "https://g.example/a.png"),
    "b.png": Picture(7, "https://g.example/é-[b].png", "large"),
    "c.png": Picture(8, "https://g.example/c.png"),
}
COMMENT = re.compile(r'<!-- (/?)wp:([a-z-]+)( {"[^<>&]*})? -->')
NUMBERED = re.compile("&amp;#(?:[0-9]+|[xX][0-9a-fA-F]+);")  # WordPress makes entities of these
ELEMENT = re.compile(
    r"</?(?:p|h[23]|[ou]l|li|br|strong|sup|span|cite|t(?:able|head|body|r|h|d)|blockquote|aside|a"
    r"|fig(?:ure|caption)|img)"
    r'(?: (?:id|class|style|href|rel|aria-label|scope|src|alt)="[^"<>]*")*/?>'
)


@given(DRAFTS)
def test_any_draft_is_recognised_as_ours_with_only_our_markup(draft: Draft) -> None:
    text = content(draft, SHA, PICTURES)
    assert sha256(text) == SHA
    assert canonical(canonical(text)) == canonical(text)
    opened: list[str] = []
    for end, name, _ in COMMENT.findall(text):
        if end:
            assert opened.pop() == name
        else:
            opened.append(name)
    assert opened == []
    words = ELEMENT.sub("", COMMENT.sub("", text))
    assert not re.search(r"[<>]", words)
    assert not NUMBERED.search(text)
    # What WordPress would run: a shortcode anywhere, a preview in the place of an address that has
    # a paragraph alone.
    assert not re.search(r"\[[^<>&/\[\]\x00-\x20=\u2060\"]", re.sub(r"https?://\[", "", text))
    assert not re.search(r"<p>\s*https?://[^\s<>\"]+\s*</p>", text, re.IGNORECASE)


@given(WORDS)
def test_any_title_is_stored_as_its_words(words: str) -> None:
    stored = plain(words)
    assert not re.search("[<>]", stored)
    assert not NUMBERED.search(stored)
    assert html.unescape(stored).replace("\u2060", "") == re.sub(
        "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", words.replace("\u2060", "")
    )
