"""A whole article read once more: wording may change, and what is stated may not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from contentstudio.model import Draft, ListBlock, QuoteBlock, Section, Sentence
from contentstudio.writing import polish
from contentstudio.writing.answers import Polish


def says(text: str, *notes: str, quoted: bool = False) -> Sentence:
    return Sentence(text=text, notes=notes, quoted=quoted)


DRAFT = Draft(
    site="garden",
    slug="seeds",
    title="Seeds",
    description="",
    sections=[
        Section(
            heading="Years",
            paragraphs=[
                [says("Seeds keep 4 years.", "n1"), says("They keep for 4 years.", "n1")],
                ListBlock(items=[[says("Cold helps.", "n2")], [says("Damp harms.", "n3")]]),
            ],
        ),
        Section(
            heading="Words",
            paragraphs=[
                QuoteBlock(sentences=[says("Keep them dry.", "n3")]),
                [says("So the book says."), says("It is old.", "n4")],
            ],
        ),
    ],
    references=[],
    writer="test",
)


def answer(
    *changes: tuple[int, str, list[str]], add: list[tuple[int, str]] | None = None
) -> Polish:
    return Polish.model_validate(
        {
            "changes": [{"sentence": n, "text": t, "notes": names} for n, t, names in changes],
            "additions": [{"after": n, "text": text} for n, text in add or []],
        }
    )


def texts(draft: Draft) -> list[list[str]]:
    return [[sentence.text for sentence in group] for group in draft.paragraphs()]


def test_a_model_reads_each_sentence_with_its_number_and_notes() -> None:
    assert polish.numbered(DRAFT) == (
        "# Seeds\n\n## Years\n\n1 [n1] Seeds keep 4 years.\n2 [n1] They keep for 4 years.\n\n"
        "3 [n2] Cold helps.\n4 [n3] Damp harms.\n\n## Words\n\n5 [n3, quoted] Keep them dry.\n\n"
        "6 [] So the book says.\n7 [n4] It is old."
    )


def test_wording_changes_repetitions_go_and_transitions_come() -> None:
    given = answer(
        (1, "For 4 years seeds keep.", ["n1"]),
        (2, "", ["n1"]),
        (4, "Damp does harm.", ["n3"]),
        (6, "A book has it.", []),
        add=[(0, "How long do seeds keep?"), (4, "Why is that?"), (7, "So sow them soon.")],
    )
    assert polish.fault(DRAFT, given) is None
    done = polish.polished(DRAFT, given)
    assert texts(done) == [
        ["How long do seeds keep?", "For 4 years seeds keep."],
        ["Cold helps."],
        ["Damp does harm."],
        ["Why is that?"],
        ["Keep them dry."],
        ["A book has it.", "It is old.", "So sow them soon."],
    ]
    assert [s.notes for s in done.sentences() if s.notes] == [
        *[("n1",), ("n2",), ("n3",), ("n3",), ("n4",)]
    ]
    assert [section.heading for section in done.sections] == ["Years", "Words"]


def test_an_article_that_reads_well_stays_as_it_is() -> None:
    assert polish.fault(DRAFT, answer()) is None
    assert polish.polished(DRAFT, answer()) == DRAFT


def test_what_opens_with_a_list_gets_its_introduction_before_it() -> None:
    section = Section(heading="One", paragraphs=[ListBlock(items=[[says("Cold helps.", "n2")]])])
    draft = DRAFT.model_copy(update={"sections": [section]})
    done = polish.polished(draft, answer(add=[(0, "What helps?")]))
    assert texts(done) == [["What helps?"], ["Cold helps."]]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (answer((1, "Seeds keep 4 years.", ["n1", "n2"])), r"states \[n1\], and its change"),
        (answer((1, "Seeds keep 4 years.", [])), r"states \[n1\], and its change \[\]"),
        (answer((6, "A book says so.", ["n9"])), r"states \[\], and its change \[n9\]"),
        (answer((1, "Seeds keep 5 years.", ["n1"])), "has other numbers"),
        (answer((1, "Seeds keep for years.", ["n1"])), "has other numbers"),
        (answer((5, "Keep them damp.", ["n3"])), "is a quote, and has other words"),
        (answer((7, "", ["n4"])), "no sentence states n4 any more"),
        (answer((1, "", ["n1"]), (2, "", ["n1"])), "no sentence states n1 any more"),
        (answer((4, "", ["n3"])), "a sentence of a list is taken out"),
        (answer((5, "", ["n3"])), "a sentence of a quote is taken out"),
        (answer((1, "A 4.", ["n1"]), (1, "B 4.", ["n1"])), "is changed twice"),
        (answer((9, "Nine.", [])), "there is no sentence 9, of 7"),
        (answer((0, "None.", [])), "there is no sentence 0, of 7"),
        (answer(add=[(8, "Late.")]), "there is no sentence 8, of 7"),
        (answer(add=[(-1, "Early.")]), "there is no sentence -1, of 7"),
        (answer(add=[(1, "It was 1999.")]), "is added, and has a number"),
    ],
)
def test_an_answer_that_changes_what_is_stated_is_refused(given: Polish, says: str) -> None:
    assert (fault := polish.fault(DRAFT, given)) is not None
    assert re.search(says, fault)


def test_a_section_may_not_lose_its_last_sentence() -> None:
    sections: list[Any] = [
        Section(heading="One", paragraphs=[[says("Cold helps.", "n2")]]),
        Section(heading="Two", paragraphs=[[says("Cold does help.", "n2")]]),
    ]
    draft = DRAFT.model_copy(update={"sections": sections})
    assert "a section has no sentence" in str(polish.fault(draft, answer((2, "", ["n2"]))))
