"""A place names one text of an article, and only that text changes with it."""

from __future__ import annotations

import pytest

from contentstudio import places
from contentstudio.model import (
    CalloutBlock,
    Draft,
    Image,
    Instruction,
    ListBlock,
    Question,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)

ONE, TWO = [Sentence(text="One.", source="s1", notes=("n1",))], [Sentence(text="Two.")]
DRAFT = Draft(
    site="garden",
    slug="seeds",
    title="Seeds",
    description="How long they keep.",
    sections=[
        Section(heading="Short", paragraphs=[ONE, ListBlock(items=[TWO, ONE])]),
        Section(
            heading="Long",
            paragraphs=[
                TableBlock(head=["Seed", "Years"], rows=[[ONE, TWO]]),
                StepsBlock(steps=[Instruction(name="Dry", sentences=ONE)]),
                CalloutBlock(title="Note", sentences=TWO),
            ],
        ),
    ],
    references=[],
    writer="test",
    faq=[Question(question="Why?", answer=TWO)],
    tags=["seed"],
    images=[Image(src="/a.webp", alt="A seed", caption="Dry", credit="Ada", licence="CC0")],
)
WRITTEN = [
    text.place
    for text in places.texts(DRAFT)
    if text.kind not in ("tag", "link", "alternative text", "caption", "credit", "licence")
]


def test_each_place_has_a_name_of_its_own() -> None:
    named = [text.place for text in places.texts(DRAFT)]
    assert len(set(named)) == len(named)
    assert named[:4] == ["title", "description", "heading 1", "heading 2"]
    assert {"sentence 8", "head of a table 2", "name of a step 1", "caption 1"} <= set(named)


def test_a_sentence_has_the_number_that_it_has_in_the_draft() -> None:
    numbered = [text.text for text in places.texts(DRAFT) if text.kind == "sentence"]
    assert numbered == [sentence.text for sentence in DRAFT.sentences()]


def test_the_kinds_that_a_writer_can_reword_are_told() -> None:
    assert {text.kind for text in places.texts(DRAFT) if text.place in WRITTEN} == places.WRITTEN


@pytest.mark.parametrize("place", WRITTEN)
def test_one_place_changes_and_all_else_stays(place: str) -> None:
    changed = places.replaced(DRAFT, {place: "Other words"})
    before = {text.place: text.text for text in places.texts(DRAFT)}
    assert {text.place: text.text for text in places.texts(changed)} == before | {
        place: "Other words"
    }
    assert places.replaced(changed, {place: before[place]}) == DRAFT


def test_nothing_replaced_is_the_same_draft() -> None:
    assert places.replaced(DRAFT, {}) == DRAFT


@pytest.mark.parametrize("place", ["sentence 99", "heading", "tags 1"])
def test_an_unknown_place_is_refused(place: str) -> None:
    with pytest.raises(KeyError, match=place):
        places.replaced(DRAFT, {place: "Other words"})
