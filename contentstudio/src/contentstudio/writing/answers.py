"""What a model answers: the plan of an article, the blocks of a section, changes of a whole one;
and what is wrong with an answer. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contentstudio.model import (
    Block,
    CalloutBlock,
    Instruction,
    ListBlock,
    Question,
    QuoteBlock,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
    Tone,
)
from contentstudio.writing.pool import outside


def _storable(text: str) -> str:
    """Postgres stores no NUL: an answer with one is malformed, and so it is asked for again instead
    of kept.
    """
    if "\0" in text:
        raise ValueError("a NUL character")
    return text


Text = Annotated[str, AfterValidator(_storable)]
Words = Annotated[Text, Field(min_length=1)]


# What a model writes: pictures come from elsewhere, and questions have a place of their own.
WritableBlock = Literal["paragraph", "list", "steps", "table", "quote", "callout"]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PlannedSection(_Answer):
    """A section of a plan: what it tells, the ids of the notes that it states, and its blocks."""

    heading: Words
    tells: Text
    notes: list[str] = Field(min_length=1)
    blocks: list[WritableBlock]


class Plan(_Answer):
    """The plan of an article."""

    titles: list[Words] = Field(min_length=1)
    description: Text
    intent: Text
    angle: Text
    sections: list[PlannedSection] = Field(min_length=1)
    faq: list[Words]
    terms: list[Words]
    images: list[Words]
    adds: list[Words]


class WrittenSentence(_Answer):
    """A sentence as the model gives it: `notes` are the ids of the notes that it states, none where
    it claims nothing.
    """

    text: Words
    notes: list[str]
    quoted: bool


_Sentences = Annotated[list[WrittenSentence], Field(min_length=1)]


class WrittenParagraph(_Answer):
    kind: Literal["paragraph"]
    sentences: _Sentences


class WrittenList(_Answer):
    kind: Literal["list"]
    ordered: bool
    items: list[_Sentences] = Field(min_length=1)


class WrittenInstruction(_Answer):
    name: Words
    sentences: _Sentences


class WrittenSteps(_Answer):
    kind: Literal["steps"]
    steps: list[WrittenInstruction] = Field(min_length=1)


class WrittenCallout(_Answer):
    kind: Literal["callout"]
    tone: Tone
    title: Text
    sentences: _Sentences


class WrittenTable(_Answer):
    kind: Literal["table"]
    head: list[Words] = Field(min_length=1)
    rows: list[list[list[WrittenSentence]]] = Field(min_length=1)


class WrittenQuote(_Answer):
    kind: Literal["quote"]
    sentences: _Sentences


WrittenBlock = Annotated[
    WrittenParagraph | WrittenList | WrittenSteps | WrittenTable | WrittenQuote | WrittenCallout,
    Field(discriminator="kind"),
]


class Body(_Answer):
    """What stands beneath a heading."""

    blocks: list[WrittenBlock] = Field(min_length=1)


class WrittenSection(Body):
    """A heading and what stands beneath it."""

    heading: Words


class WrittenAnswer(_Answer):
    """A question of readers and its answer."""

    question: Words
    answer: _Sentences


class Answers(_Answer):
    """The questions that the notes answer."""

    faq: list[WrittenAnswer]


class Written(_Answer):
    """A whole article, as the model gives it when it mends one."""

    title: Words
    description: Text
    sections: list[WrittenSection] = Field(min_length=1)
    faq: list[WrittenAnswer]


class Change(_Answer):
    """Other words for a sentence, known by its number, with the notes that it states; no words take
    it out.
    """

    sentence: int
    text: Text
    notes: list[str]


class Addition(_Answer):
    """A sentence that claims nothing, behind the one of that number; 0 is the beginning."""

    after: int
    text: Words


class Polish(_Answer):
    """What a whole article needs so that it reads as one."""

    changes: list[Change]
    additions: list[Addition]


class MendedText(_Answer):
    """Other words at a place that has a fault; no words take the sentence out. `notes` are those
    that a sentence states.
    """

    place: Words
    text: Text
    notes: list[str]
    quoted: bool


class Mended(_Answer):
    """What an article needs so that none of its faults holds any more."""

    texts: list[MendedText]


def section(heading: str, body: Body) -> Section:
    """The section of a body without a fault."""
    return Section(heading=heading, paragraphs=[_block(block) for block in body.blocks])


def question(written: WrittenAnswer) -> Question:
    """A question of an article."""
    return Question(question=written.question, answer=_given(written.answer))


def fault_in_bodies(pool: Sequence[str]) -> Callable[..., str | None]:
    """What is wrong with some bodies that may name these notes, or None."""

    def fault(*bodies: Body) -> str | None:
        blocks = [block for body in bodies for block in body.blocks]
        widths = next(filter(None, map(_wrong_width, blocks)), None)
        return widths or _fault([s for block in blocks for s in _sentences(block)], pool)

    return fault


def fault_in_answers(pool: Sequence[str]) -> Callable[[Sequence[WrittenAnswer]], str | None]:
    """What is wrong with some answers that may name these notes, or None."""

    def fault(answers: Sequence[WrittenAnswer]) -> str | None:
        return _fault([sentence for each in answers for sentence in each.answer], pool)

    return fault


def fault_in_plan(pool: Sequence[str]) -> Callable[[Plan], str | None]:
    """What is wrong with a plan of these notes, or None."""

    def fault(plan: Plan) -> str | None:
        return outside(pool, (name for section in plan.sections for name in section.notes))

    return fault


def _fault(sentences: Sequence[WrittenSentence], pool: Sequence[str]) -> str | None:
    if any(s.quoted and not s.notes for s in sentences):
        return "a quoted sentence names no note"
    return outside(pool, (name for s in sentences for name in s.notes))


def _wrong_width(block: WrittenBlock) -> str | None:
    if isinstance(block, WrittenTable) and any(len(r) != len(block.head) for r in block.rows):
        return f"a table whose head has {len(block.head)} cells has a row with more or fewer"
    return None


def _sentences(block: WrittenBlock) -> Iterator[WrittenSentence]:
    match block:
        case WrittenList():
            yield from (sentence for item in block.items for sentence in item)
        case WrittenSteps():
            yield from (sentence for step in block.steps for sentence in step.sentences)
        case WrittenTable():
            yield from (s for row in block.rows for cell in row for s in cell)
        case _:
            yield from block.sentences


def _block(block: WrittenBlock) -> Block:
    match block:
        case WrittenList():
            return ListBlock(ordered=block.ordered, items=[_given(item) for item in block.items])
        case WrittenSteps():
            steps = [Instruction(name=s.name, sentences=_given(s.sentences)) for s in block.steps]
            return StepsBlock(steps=steps)
        case WrittenCallout():
            sentences = _given(block.sentences)
            return CalloutBlock(tone=block.tone, title=block.title, sentences=sentences)
        case WrittenTable():
            rows = [[_given(cell) for cell in row] for row in block.rows]
            return TableBlock(head=list(block.head), rows=rows)
        case WrittenQuote():
            return QuoteBlock(sentences=_given(block.sentences))
    return _given(block.sentences)


def _given(sentences: Sequence[WrittenSentence]) -> list[Sentence]:
    return [Sentence(text=s.text, quoted=s.quoted, notes=tuple(s.notes)) for s in sentences]
