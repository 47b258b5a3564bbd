"""An article as a reviewer reads it: its parts in reading order, each text with its place and with
what is doubtful about it. Pure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Fault,
    ImageBlock,
    ListBlock,
    QuoteBlock,
    Sentence,
    StepsBlock,
    TableBlock,
)

Kind = Literal[
    "description",
    "heading",
    "question",
    "paragraph",
    "list",
    "quote",
    "table",
    "steps",
    "callout",
    "image",
]


@dataclass(frozen=True, slots=True)
class Piece:
    """A text at its place. `faults` are what is doubtful about it."""

    place: str
    text: str
    source: str | None = None
    quoted: bool = False
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A heading or a block. `head` has its names: of columns, of steps, of a callout. `groups` are
    its sentences: of each item, step or cell, row after row. `about` is what a picture shows, or
    the tone of a callout.
    """

    kind: Kind
    groups: tuple[tuple[Piece, ...], ...]
    head: tuple[Piece, ...] = ()
    ordered: bool = False
    about: str = ""

    @property
    def doubtful(self) -> list[Piece]:
        """The texts of this part about which something is doubtful."""
        pieces = (*self.head, *(piece for group in self.groups for piece in group))
        return [piece for piece in pieces if piece.faults]

    @property
    def rows(self) -> list[tuple[tuple[Piece, ...], ...]]:
        """The rows of a table, each with its cells."""
        width = max(len(self.head), 1)
        return [self.groups[start : start + width] for start in range(0, len(self.groups), width)]


def parts(draft: Draft, marks: Iterable[Fault] = ()) -> list[Part]:
    """The article below its title."""
    reader = _Reader(marks)
    read = [Part("description", ((reader.piece("description", draft.description),),))]
    for section in draft.sections:
        read.append(Part("heading", ((reader.piece("heading", section.heading),),)))
        read += [reader.block(block, draft) for block in section.blocks]
    for question in draft.faq:
        read.append(Part("question", ((reader.piece("question", question.question),),)))
        read.append(Part("paragraph", (reader.sentences(question.answer),)))
    return read


def elsewhere(read: Sequence[Part], marks: Iterable[Fault]) -> list[Fault]:
    """What is doubtful at places that stand in none of the parts: the title, a tag, a link."""
    there = {
        piece.place
        for part in read
        for group in (part.head, *part.groups)
        for piece in group
        if piece.text
    }
    return [mark for mark in marks if mark.place not in there]


class _Reader:
    """Counts the texts of each kind in reading order, as `places` does."""

    def __init__(self, marks: Iterable[Fault]) -> None:
        self._counts: Counter[str] = Counter()
        self._faults: defaultdict[str, list[Fault]] = defaultdict(list)
        for mark in marks:
            self._faults[mark.place].append(mark)

    def piece(self, kind: str, text: str, source: str | None = None, quoted: bool = False) -> Piece:
        self._counts[kind] += 1
        place = kind if kind == "description" else f"{kind} {self._counts[kind]}"
        return Piece(place, text, source, quoted, tuple(self._faults.get(place, ())))

    def sentences(self, sentences: Sequence[Sentence]) -> tuple[Piece, ...]:
        return tuple(self.piece("sentence", s.text, s.source, s.quoted) for s in sentences)

    def block(self, block: Block, draft: Draft) -> Part:
        match block:
            case ListBlock():
                items = tuple(map(self.sentences, block.items))
                return Part("list", items, ordered=block.ordered)
            case QuoteBlock():
                return Part("quote", (self.sentences(block.sentences),))
            case TableBlock():
                head = tuple(self.piece("head of a table", name) for name in block.head)
                return Part("table", tuple(self.sentences(c) for r in block.rows for c in r), head)
            case StepsBlock():
                head = tuple(self.piece("name of a step", step.name) for step in block.steps)
                return Part("steps", tuple(self.sentences(s.sentences) for s in block.steps), head)
            case CalloutBlock():
                head = (self.piece("title of a callout", block.title),)
                return Part("callout", (self.sentences(block.sentences),), head, about=block.tone)
            case ImageBlock():
                image = draft.image(block.src)
                alt = image.alt if image else block.src
                return Part("image", (self.sentences(block.caption),), about=alt)
        return Part("paragraph", (self.sentences(block),))
