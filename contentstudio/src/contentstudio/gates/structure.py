"""The page is well built: headings, links, pictures, title and description. By its tree, in every
language.

Wide characters (Chinese, Japanese, Korean) count as two in lengths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from contentstudio.gates import markup
from contentstudio.gates.input import Case, failed, known, passed
from contentstudio.model import (
    Block,
    CalloutBlock,
    ListBlock,
    QuoteBlock,
    Sentence,
    StepsBlock,
    TableBlock,
    Verdict,
    groups,
)
from contentstudio.text.wording import normal, shown

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# of the sentences; where more of them end without a stop, the language or the author has none
_CUT = 0.2
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def check(case: Case) -> Verdict:
    """Look over the article as it is rendered, and over what the page says of itself."""
    page = known(case.page, "the page")
    article = markup.article(page)
    looks = (
        _headings(article),
        _links(article),
        _pictures(case, article),
        _blocks(case),
        _head(case),
    )
    fault = next(chain.from_iterable(looks), None)
    if fault:
        return failed("structure", fault)
    count = sum(1 for _ in article.iter(*_HEADINGS))
    return passed(
        "structure",
        f"{count} headings in order, links and pictures have words, title and description fit.",
    )


def _headings(article: HtmlElement) -> Iterator[str]:
    texts: set[str] = set()
    level = 1
    headings = list(article.iter(*_HEADINGS))
    if not any(heading.tag == "h2" for heading in headings):
        yield "The article has no headings."
    if sum(heading.tag == "h1" for heading in headings) > 1:
        yield "The article has more than one title (h1)."
    for heading in headings:
        text = normal(markup.text_of(heading))
        if not any(map(str.isalnum, text)):
            yield f"A heading ({heading.tag}) is empty."
        if text.casefold() in texts:
            yield f"The heading {shown(text)} stands there twice."
        texts.add(text.casefold())
        here = int(heading.tag[1])
        if here > level + 1:
            yield (
                f"The heading {shown(text)} is an {heading.tag} below an h{level}: a level "
                "is left out."
            )
        level = here


def _links(article: HtmlElement) -> Iterator[str]:
    targets = {element.get("id") for element in article.iter()} | {None}
    for link in article.iter("a"):
        href = (link.get("href") or "").strip()
        words = [
            markup.text_of(link),
            link.get("aria-label") or "",
            *(i.get("alt") or "" for i in link.iter("img")),
        ]
        if not any(map(str.isalnum, "".join(words))):
            yield f"The link to {href or 'nowhere'} has no words."
        if href in ("", "#"):
            yield f"The link {shown(words[0])} leads nowhere."
        if href.startswith("#") and href[1:] not in targets:
            yield f"The link {shown(words[0])} leads to {href}, which is not in the article."


def _pictures(case: Case, article: HtmlElement) -> Iterator[str]:
    pictures = [(i.get("src") or "", i.get("alt")) for i in article.iter("img")]
    for src, alt in [*pictures, *((image.src, image.alt) for image in case.draft.images)]:
        if not any(map(str.isalnum, alt or "")):
            yield f"The picture {src or 'without an address'} has no alternative text."


def _blocks(case: Case) -> Iterator[str]:
    for section in case.draft.sections:
        if not any(
            _has_words(s.text) for block in section.blocks for group in groups(block) for s in group
        ):
            yield f"The section {shown(section.heading)} is empty."
        for block in section.blocks:
            yield from _block(block, section.heading)
    if not all(_has_words(normal(s.text)) for s in case.draft.sentences()):
        yield "A sentence has no words."
    # An item, a cell or a caption needs no stop, so one without has not been cut off.
    whole = [normal(s.text) for s in case.draft.running_text()]
    cut = [text for text in whole if text[-1:].isalnum()]
    if cut and len(cut) <= _CUT * len(whole):
        yield f"{shown(cut[0])} ends without a stop, as what was cut off does."
    for question in case.draft.faq:
        if not any(_has_words(s.text) for s in question.answer):
            yield f"The question {shown(question.question)} has no answer."


def _block(block: Block, heading: str) -> Iterator[str]:
    """What is empty in a block that is no paragraph."""
    below = f"below {shown(heading)}"
    match block:
        case ListBlock() if not all(map(_is_said, block.items)):
            yield f"A list {below} has an empty item."
        case QuoteBlock() if not _is_said(block.sentences):
            yield f"A quote {below} is empty."
        case CalloutBlock() if not _is_said(block.sentences):
            yield f"A callout {below} is empty."
        case StepsBlock():
            if not all(_has_words(step.name) for step in block.steps):
                yield f"A step {below} has no words in its name."
            if not all(_is_said(step.sentences) for step in block.steps):
                yield f"A step {below} is empty."
        case TableBlock():
            if not any(map(_has_words, block.head)):
                yield f"A table {below} has no words in its head."
            if not all(any(map(_is_said, row)) for row in block.rows):
                yield f"A table {below} has an empty row."


def _is_said(sentences: Sequence[Sentence]) -> bool:
    return any(_has_words(sentence.text) for sentence in sentences)


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))


def _head(case: Case) -> Iterator[str]:
    gates = case.gates
    bands = {
        "title": (gates.min_title, gates.max_title),
        "description": (gates.min_description, gates.max_description),
    }
    for name, (least, most) in bands.items():
        size = _width(normal(getattr(case.draft, name)))
        if size < least:
            yield f"The {name} has {size} characters; at least {least} are wanted."
        if size > most:
            yield f"The {name} has {size} characters; at most {most} are wanted."
    if normal(case.draft.title).casefold() == normal(case.draft.description).casefold():
        yield "The description says the title again."


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
