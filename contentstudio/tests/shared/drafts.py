"""Drafts with every kind of block, in words that a reader of Markdown could take for marks.

They are built from a seed (the same seed, the same draft): Hypothesis's own strategies need thirty
times as long.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st

from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    ListBlock,
    Question,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)

T = TypeVar("T")


def small_draft(slug: str = "compost", text: str = "A heap is a start.", **changes: Any) -> Draft:
    """An article of one sentence, for tests to which its words do not matter."""
    values: dict[str, Any] = {
        "site": "garden",
        "slug": slug,
        "title": f"On {slug}",
        "description": "What to know of heaps.",
        "sections": [Section(heading="Heaps", paragraphs=[[Sentence(text=text)]])],
        "references": [],
        "writer": "offline",
    }
    return Draft.model_validate(values | changes)


MARKS = [
    "#",
    "##",
    ">",
    ">>",
    "-",
    "*",
    "+",
    "1.",
    "2)",
    "|",
    "| --- |",
    "\\",
    "\\|",
    "<br>",
    "<BR />",
    "[s1]",
    "[]",
]
MARKS += [
    "[s1]:",
    "`",
    "“",
    "Words",
    "10",
    ".",
    "\u00a0",
    "\u2028",
    "公式",
    "---",
    ":-:",
    "<",
    "{{",
    "\\<br>",
    "\x00",
    "**",
    "**Name**",
    "!!!",
    "!!! tip",
    "![](heap.png)",
]
IDS = ("s1", "s12")
PICTURES = ("heap.png", "worm (1).png")


def some(
    chance: random.Random, make: Callable[[random.Random], T], most: int, least: int = 1
) -> list[T]:
    return [make(chance) for _ in range(chance.randint(least, most))]


def words(chance: random.Random) -> str:
    """A line, as a sentence has it."""
    parts = [
        chance.choice([*MARKS, " ", " ", chr(chance.randint(1, 0x2FF))])
        for _ in range(chance.randint(1, 5))
    ]
    return " ".join("".join(parts).split()) or "x"


def sentence(chance: random.Random) -> Sentence:
    return Sentence(
        text=words(chance), source=chance.choice([None, *IDS]), quoted=chance.random() < 0.4
    )


def sentences(chance: random.Random) -> list[Sentence]:
    return some(chance, sentence, 3)


def table(chance: random.Random) -> TableBlock:
    width = chance.randint(1, 3)
    rows = [
        [some(chance, sentence, 2, 0) for _ in range(width)] for _ in range(chance.randint(1, 3))
    ]
    return TableBlock(head=[chance.choice(["", words(chance)]) for _ in range(width)], rows=rows)


def callout(chance: random.Random) -> CalloutBlock:
    return CalloutBlock(
        tone=chance.choice(["note", "tip", "warning"]),
        title=chance.choice(["", words(chance)]),
        sentences=sentences(chance),
    )


def instruction(chance: random.Random) -> Instruction:
    return Instruction(name=words(chance), sentences=sentences(chance))


def block(chance: random.Random) -> Block:
    kinds: list[Callable[[], Block]] = [
        lambda: sentences(chance),
        lambda: ListBlock(ordered=chance.random() < 0.5, items=some(chance, sentences, 3)),
        lambda: QuoteBlock(sentences=sentences(chance)),
        lambda: table(chance),
        lambda: StepsBlock(steps=some(chance, instruction, 3)),
        lambda: callout(chance),
        lambda: ImageBlock(src=chance.choice(PICTURES), caption=some(chance, sentence, 2, 0)),
    ]
    return chance.choice(kinds)()


def section(chance: random.Random) -> Section:
    return Section(heading=words(chance), paragraphs=some(chance, block, 4))


def question(chance: random.Random) -> Question:
    return Question(question=words(chance), answer=sentences(chance))


def draft(seed: int) -> Draft:
    chance = random.Random(seed)
    return Draft(
        site="garden",
        slug="mulch",
        title=words(chance),
        description=chance.choice(["", words(chance)]),
        sections=some(chance, section, 2),
        references=[
            Reference(id=name, url=f"https://a.example/{name}", title="", sha256="0" * 64)
            for name in IDS
        ],
        writer="test",
        faq=some(chance, question, 1, 0),
        images=[Image(src=src, alt=words(chance)) for src in PICTURES],
    )


DRAFTS = st.integers(0, 2**64 - 1).map(draft)
