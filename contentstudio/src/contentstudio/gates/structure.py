"""The page is well built: headings, links, pictures, title and description. By its tree, in every
language.

Wide characters (Chinese, Japanese, Korean) count as two in lengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from contentstudio import places
from contentstudio.gates import markup
from contentstudio.gates.input import Case, fault, known, passed, verdict
from contentstudio.model import (
    Block,
    CalloutBlock,
    Fault,
    ListBlock,
    QuoteBlock,
    Sentence,
    StepsBlock,
    TableBlock,
    Verdict,
    groups,
)
from contentstudio.text import packs
from contentstudio.text.wording import normal, shown

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# of the sentences; where more of them end without a stop, the language or the author has none
_CUT = 0.2
_STOPS = (".", "!", "?", "”", '"', "'", ")", ":")
_TRAILS = re.compile(r"[,;(-]$")  # a comma, a bracket or a dash
_NUMBER = re.compile(
    r"(?:(?:step|tip|part|rule|schritt|tipp|teil|regel|étape|conseil|partie|règle|paso|consejo|parte"
    r"|regla|passo|consiglio|regola|stap|deel|dica|regra)\s+)?(?:no\.?\s*)?(\d{1,2})\s*[.):–-](?!\d)",
    re.I,
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def check(case: Case) -> Verdict:
    """Look over the article as it is rendered, and over what the page says of itself."""
    page = known(case.page, "the page")
    article = markup.article(page)
    looks = (
        _headings(article),
        _links(article),
        _pictures(case, article),
        _numbered(case),
        _blocks(case),
        _cut_off(case),
        _head(case),
    )
    if wrong := [*chain.from_iterable(looks)]:
        return verdict("structure", wrong, "")
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
    for question in case.draft.faq:
        if not any(_has_words(s.text) for s in question.answer):
            yield f"The question {shown(question.question)} has no answer."


def _numbered(case: Case) -> Iterator[Fault]:
    """Headings with a number that is not the next one."""
    headings = [text for text in places.texts(case.draft) if text.kind == "heading"]
    numbers = [(text, int(match[1])) for text in headings if (match := _NUMBER.match(text.text))]
    for wanted, (text, number) in enumerate(numbers, 1):
        if len(numbers) > 1 and number != wanted:
            yield fault(text, f"has the number {number} where {wanted} is due.")


def _cut_off(case: Case) -> Iterator[Fault | str]:
    """Sentences without words, and those that end in the middle."""
    texts = [text for text in places.texts(case.draft) if text.kind == "sentence"]
    pairs = list(zip(texts, case.draft.sentences(), strict=True))
    for text, _ in pairs:
        if not _has_words(normal(text.text)):
            place = Fault(place=text.place, text=text.text, reason="A sentence has no words.")
            yield place
    # An item, a cell or a caption needs no stop, so one without has not been cut off.
    running = {id(sentence) for sentence in case.draft.running_text()}
    whole = [text for text, sentence in pairs if id(sentence) in running]
    cut = [text for text in whole if normal(text.text)[-1:].isalnum()]
    without = {text.place for text in cut} if len(cut) <= _CUT * len(whole) else set()
    for text, sentence in pairs:
        words = normal(text.text)
        last = words.rstrip(" .…").rpartition(" ")[2].casefold()
        is_open = last in packs.words(case.language, "leaks", "unfinished")
        if text.place in without or (is_open and not words.endswith(_STOPS)):
            yield _unfinished(text, "ends without a stop, as what was cut off does.")
        elif not sentence.quoted and (_TRAILS.search(words) or (is_open and _dots(words))):
            yield _unfinished(text, "ends in the middle, as what was cut off does.")


def _unfinished(text: places.Text, why: str) -> Fault:
    reason = f"{shown(normal(text.text))} {why}"
    return Fault(place=text.place, text=text.text, reason=reason)


def _dots(words: str) -> bool:
    return words.endswith(("...", "…"))


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


def _head(case: Case) -> Iterator[Fault]:
    gates = case.gates
    bands = {
        "title": (gates.min_title, gates.max_title),
        "description": (gates.min_description, gates.max_description),
    }
    for text in places.texts(case.draft)[:2]:
        size, (least, most) = _width(normal(text.text)), bands[text.kind]
        for bound, is_wrong in (
            (f"at least {least}", size < least),
            (f"at most {most}", size > most),
        ):
            if is_wrong:
                reason = f"The {text.kind} has {size} characters; {bound} are wanted."
                yield Fault(place=text.place, text=text.text, reason=reason)
    if normal(case.draft.title).casefold() == normal(case.draft.description).casefold():
        reason = "The description says the title again."
        yield Fault(place="description", text=case.draft.description, reason=reason)


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
