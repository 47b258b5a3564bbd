"""Drafts as Markdown with front matter, for the generators of static sites."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    ListBlock,
    QuoteBlock,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.publish import anchors, captions
from contentstudio.publish.anchors import Piece
from contentstudio.publish.labels import quotation_marks
from overnight.errors import InvalidPayload

# Entities for what a generator reads before Markdown does (Liquid, shortcodes) or as HTML, and for
# backticks, between which kramdown sees no end of a cell, escaped or not; a backslash for the rest.
# An address in the prose is kept from becoming a link, which would swallow the footnote behind it.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "{": "&#123;", "}": "&#125;", "`": "&#96;"}
_SPECIAL = re.compile(r"[&<>{}\\`*_\[\]#~|$]|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
# JSON may hold these as they are. YAML may not, or reads a line break.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_BREAK = "  \n"  # a line break within a paragraph
_APART = "<!-- -->"  # between two blocks that Markdown would take for one
_BEGINS = re.compile(r"^(\d+)([.)])|^([-+=:!])")


def body(draft: Draft) -> str:
    """The article below its title; sources are footnotes.

    Raises InvalidPayload when a sentence names a source that is not among the references.
    """
    numbers = {reference.id: number for number, reference in enumerate(draft.references, 1)}
    linked = iter(anchors.pieces(draft))
    marks = quotation_marks(draft.language)

    def say(sentences: list[Sentence], marks: tuple[str, str] = marks) -> str:
        return _sentences([(one, next(linked)) for one in sentences], numbers, marks)

    placed = draft.placed()
    loose = ["" if image.src in placed else _picture(image) for image in draft.images]
    parts: list[str] = []
    for number, section in enumerate(draft.sections):
        parts += filter(None, loose[number : number + 1])
        parts.append(f"## {escaped(section.heading)}")
        for block, before in zip(section.blocks, [None, *section.blocks], strict=False):
            parts += [_APART] if _is_one(before, block) else []
            parts += filter(None, [_block(block, say, draft)])
    parts += filter(None, loose[len(draft.sections) :])
    for question in draft.faq:
        parts.append(f"### {escaped(question.question)}")
        parts.append(say(question.answer))
    cited = {sentence.source for sentence in draft.sentences()}
    for reference in draft.references:
        if reference.id in cited:
            title = escaped(reference.title or reference.url)
            parts.append(f"[^{numbers[reference.id]}]: [{title}](<{_target(reference.url)}>)")
    return "\n\n".join(parts) + "\n"


def front_matter(values: dict[str, Any]) -> str:
    """YAML between its fences. Values are JSON, which readers of YAML 1.1 and 1.2 read alike; plain
    strings, as pyyaml writes them, they do not: `1e5` is a number in YAML 1.2. Times are as they
    are.
    """
    lines = [
        f"{name}: {_yaml(value)}" for name, value in values.items() if value not in (None, [], "")
    ]
    return "\n".join(["---", *lines, "---", ""])


def escaped(text: str) -> str:
    """Text that Markdown shows as it stands."""
    plain = _SPECIAL.sub(
        lambda match: _ENTITIES.get(match[0], f"\\{match[0]}"), " ".join(text.split())
    )
    return _BEGINS.sub(
        lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}", plain
    )


def _is_one(before: Block | None, block: Block) -> bool:
    """Whether Markdown would take two blocks that follow each other for one."""
    match before, block:
        case (ListBlock(ordered=True), StepsBlock()) | (StepsBlock(), ListBlock(ordered=True)):
            return True
        case (CalloutBlock(), CalloutBlock() | QuoteBlock()) | (QuoteBlock(), CalloutBlock()):
            return True
    return False


def _block(block: Block, say: Callable[..., str], draft: Draft) -> str:
    """A block as Markdown, and a table as GitHub's; each item, quote and row stands on one line. A
    step and a callout begin with their names, on a line before it.
    """
    match block:
        case ListBlock():
            items = (
                f"{number}." if block.ordered else "-" for number, _ in enumerate(block.items, 1)
            )
            return "\n".join(
                f"{mark} {say(item)}" for mark, item in zip(items, block.items, strict=True)
            )
        case QuoteBlock():
            return f"> {say(block.sentences, marks=('', ''))}"
        case TableBlock():
            rows = [
                [*map(escaped, block.head)],
                ["---"] * len(block.head),
                *([*map(say, row)] for row in block.rows),
            ]
            return "\n".join(f"| {' | '.join(row)} |" for row in rows)
        case StepsBlock():
            return "\n".join(
                f"{number}. **{escaped(step.name)}**{_BREAK}   {say(step.sentences)}"
                for number, step in enumerate(block.steps, 1)
            )
        case CalloutBlock():
            headline = escaped(captions.headline(block.tone, block.title, draft.language))
            return f"> **{headline}**{_BREAK}> {say(block.sentences)}"
        case ImageBlock():
            caption, image = say(block.caption), draft.image(block.src)
            return _picture(image, caption) if image else ""
    return say(block)


def _sentences(
    sentences: list[tuple[Sentence, list[Piece]]], numbers: dict[str, int], marks: tuple[str, str]
) -> str:
    parts = []
    for sentence, pieces in sentences:
        if sentence.source is not None and sentence.source not in numbers:
            raise InvalidPayload(
                f"A sentence cites {sentence.source!r}, which is not among the article's "
                "references."
            )
        words = escaped(sentence.text) if sentence.quoted else "".join(map(_piece, pieces))
        text = f"{marks[0]}{words}{marks[1]}" if sentence.quoted else words
        parts.append(text + (f"[^{numbers[sentence.source]}]" if sentence.source else ""))
    return " ".join(parts)


def _piece(piece: Piece) -> str:
    text = escaped(piece.text)
    before, after = re.match(r"\s*", piece.text), re.search(r"\s*$", piece.text)
    text = (
        f"{' ' if before and before[0] else ''}{text}{' ' if after and after[0] and text else ''}"
    )
    return f"[{text}](<{_target(piece.url)}>)" if piece.url else text


def _picture(image: Image, caption: str = "") -> str:
    """A picture, and in the line below it what stands below it."""
    credit = "".join(map(_piece, captions.credit(image)))
    below = " ".join(filter(None, (caption or escaped(image.caption), credit)))
    picture = f"![{escaped(image.alt)}](<{_target(image.src)}>)"
    return _BREAK.join(filter(None, (picture, below)))


def _target(url: str) -> str:
    return re.sub(r"[<>\\{}\s]", lambda match: f"%{ord(match[0]):02X}", url)


def _yaml(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _UNPRINTABLE.sub(
        lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False)
    )
