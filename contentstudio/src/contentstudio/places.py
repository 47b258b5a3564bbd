"""Where in an article a text stands, by a name that gates, judge, writer and review share. Pure.

A place is the kind of text and its number among those of its kind, from 1: `heading 2`, `sentence
14`, `head of a table 3`. Title and description have no number. `sentence 14` is the fourteenth of
`Draft.sentences()`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    ImageBlock,
    ListBlock,
    QuoteBlock,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
    names,
)

_ALONE = ("title", "description")
# The kinds that `replaced` puts other words into.
WRITTEN = frozenset(
    (
        *("title", "description", "heading", "sentence", "question"),
        *("head of a table", "name of a step", "title of a callout"),
    )
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of an article that a reader may see. `kind` is the place without its number."""

    place: str
    kind: str
    text: str


def texts(draft: Draft) -> list[Text]:
    """Everything that the writer wrote and a reader may see. References are put in by code."""
    counts: Counter[str] = Counter()
    found = []
    for kind, text in _texts(draft):
        counts[kind] += 1
        found.append(Text(kind if kind in _ALONE else f"{kind} {counts[kind]}", kind, text))
    return found


def replaced(draft: Draft, new: Mapping[str, str]) -> Draft:
    """The draft with other words at some places; all else is as it was. Tags, links and pictures
    are no places of the writer and stay. Raises `KeyError` where there is no such place.
    """
    places = {text.place for text in texts(draft)}
    if missing := set(new) - places:
        raise KeyError(min(missing))
    counts: Counter[str] = Counter()

    def at(kind: str, text: str) -> str:
        counts[kind] += 1
        return new.get(f"{kind} {counts[kind]}", text)

    sections = [_section(section, at) for section in draft.sections]
    faq = [
        question.model_copy(update={"question": at("question", question.question)})
        for question in draft.faq
    ]
    changed = draft.model_copy(
        update={
            "title": new.get("title", draft.title),
            "description": new.get("description", draft.description),
            "sections": sections,
            "faq": faq,
        }
    )
    return changed.map_sentences(
        lambda sentence: sentence.model_copy(update={"text": at("sentence", sentence.text)})
    )


def can_cut(place: str) -> bool:
    """Whether the text of a place can be taken out of an article."""
    return place.startswith(("sentence ", "question "))


def without(draft: Draft, cut: Collection[str]) -> Draft:
    """The draft without some sentences, or questions with their answers, and without what is empty
    then: an item, a step, a block, a section. Raises `KeyError` where there is no such place, or
    none that can be cut, and `ValueError` where no section is left.
    """
    known = {text.place for text in texts(draft) if can_cut(text.place)}
    if missing := set(cut) - known:
        raise KeyError(min(missing))
    counts: Counter[str] = Counter()

    def stays(kind: str) -> bool:
        counts[kind] += 1
        return f"{kind} {counts[kind]}" not in cut

    def left(sentences: list[Sentence]) -> list[Sentence]:
        return [sentence for sentence in sentences if stays("sentence")]

    sections = [
        section.model_copy(update={"blocks": blocks})
        for section in draft.sections
        if (blocks := [b for block in section.blocks if (b := _left(block, left))])
    ]
    if not sections:
        raise ValueError("no section of the article would be left")
    answers = [(question, left(question.answer), stays("question")) for question in draft.faq]
    faq = [
        q.model_copy(update={"answer": answer}) for q, answer, stay in answers if answer and stay
    ]
    return draft.model_copy(update={"sections": sections, "faq": faq})


def _left(block: Block, left: Callable[[list[Sentence]], list[Sentence]]) -> Block | None:
    """What is left of a block; None where that is nothing."""
    match block:
        case ListBlock():
            items = list(filter(None, map(left, block.items)))
            return block.model_copy(update={"items": items}) if items else None
        case QuoteBlock() | CalloutBlock():
            sentences = left(block.sentences)
            return block.model_copy(update={"sentences": sentences}) if sentences else None
        case TableBlock():
            each = [(row, list(map(left, row))) for row in block.rows]
            rows = [cells for row, cells in each if any(cells) or not any(row)]
            return block.model_copy(update={"rows": rows}) if rows else None
        case StepsBlock():
            steps = [
                step.model_copy(update={"sentences": sentences})
                for step in block.steps
                if (sentences := left(step.sentences))
            ]
            return block.model_copy(update={"steps": steps}) if steps else None
        case ImageBlock():
            return block.model_copy(update={"caption": left(block.caption)})
    return left(block) or None


def _texts(draft: Draft) -> Iterator[tuple[str, str]]:
    yield "title", draft.title
    yield "description", draft.description
    yield from (("heading", section.heading) for section in draft.sections)
    yield from (("sentence", sentence.text) for sentence in draft.sentences())
    yield from (name for block in draft.blocks() for name in names(block))
    yield from (("question", question.question) for question in draft.faq)
    yield from (("tag", tag) for tag in draft.tags)
    yield from (("link", link.anchor) for link in draft.links)
    yield from (("alternative text", image.alt) for image in draft.images)
    for image in draft.images:
        of_image = {"caption": image.caption, "credit": image.credit, "licence": image.licence}
        yield from ((kind, text) for kind, text in of_image.items() if text)


def _section(section: Section, at: Callable[[str, str], str]) -> Section:
    return section.model_copy(
        update={
            "heading": at("heading", section.heading),
            "blocks": [_block(block, at) for block in section.blocks],
        }
    )


def _block(block: Block, at: Callable[[str, str], str]) -> Block:
    """The block with the words that are no sentences changed, in the order of `names`."""
    match block:
        case TableBlock():
            return block.model_copy(
                update={"head": [at("head of a table", text) for text in block.head]}
            )
        case StepsBlock():
            steps = [
                step.model_copy(update={"name": at("name of a step", step.name)})
                for step in block.steps
            ]
            return block.model_copy(update={"steps": steps})
        case CalloutBlock():
            return block.model_copy(update={"title": at("title of a callout", block.title)})
    return block
