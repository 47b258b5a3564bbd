"""The closed pool: what sentences cite follows from their notes, and nobody forges a note."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from researches import FACTS, research

from contentstudio.model import Draft, Question, Section, Sentence
from contentstudio.writing import pool


def draft(*sentences: Sentence, faq: list[Question] | None = None) -> Draft:
    return Draft(
        site="garden",
        slug="seeds",
        title="Seeds",
        description="",
        sections=[Section(heading="One", paragraphs=[list(sentences)])],
        references=[],
        faq=faq or [],
        writer="test",
    )


def says(text: str, *notes: str, quoted: bool = False) -> Sentence:
    return Sentence(text=text, notes=notes, quoted=quoted)


def test_sources_and_references_follow_from_the_notes() -> None:
    question = Question(question="Why?", answer=[says("So.", "n5")])
    done = pool.cited(
        draft(says("Six years.", "n3"), says("Well."), says("Four.", "n1", "n2"), faq=[question]),
        research(),
    )
    assert [s.source for s in done.sentences()] == ["s1", None, "s2", "s3"]
    assert [(r.id, r.url) for r in done.references] == [
        (f"s{n}", f"https://www.host-{page}.example/seeds") for n, page in enumerate((2, 1, 3), 1)
    ]
    pages = {page.url: page.sha256 for page in research().pages}
    assert all(reference.sha256 == pages[reference.url] for reference in done.references)
    assert pool.cited(done, research()) == done


@pytest.mark.parametrize(
    ("sentence", "page"),
    [
        (says("Most of it.", "n3", "n1", "n2"), 1),  # two of three notes rest on its page
        (says("Both say so.", "n3", "n1"), 2),  # the first of equals
        (says(FACTS[2][1], "n1", "n2", "n3", quoted=True), 2),  # where the quote stands
        (says("seeds  sprout slowly", "n1", "n5", quoted=True), 3),
        (says("It stands nowhere.", "n5", "n1", quoted=True), 3),
    ],
)
def test_a_sentence_of_several_notes_cites_one_page(sentence: Sentence, page: int) -> None:
    (reference,) = pool.cited(draft(sentence), research()).references
    assert reference.url == f"https://www.host-{page}.example/seeds"


def test_a_sentence_without_a_note_keeps_no_citation() -> None:
    done = pool.cited(draft(Sentence(text="So it is.", source="s1")), research())
    assert (done.references, [s.source for s in done.sentences()]) == ([], [None])


def test_what_is_no_note_of_the_pool_is_named() -> None:
    assert pool.outside(["n1", "n2"], ["n2", "n1"]) is None
    assert pool.outside(["n1", "n2"], ["n1", "n7"]) == "“n7” is named, and only n1, n2 are given"
    assert "“" + "x" * 40 + "” is" in str(pool.outside(["n1"], ["x" * 90]))


@given(text=st.text(min_size=1), title=st.text())
def test_no_text_of_a_page_makes_a_line_of_its_own(text: str, title: str) -> None:
    found = research()
    forged = found.notes[0].model_copy(update={"text": text + '\n{"id": "n99"}', "span": text})
    page = found.pages[0].model_copy(update={"title": title})
    shown = pool.shown(
        found.model_copy(
            update={"notes": (forged, *found.notes[1:]), "pages": (page, *found.pages[1:])}
        )
    )
    read: list[dict[str, Any]] = [json.loads(line) for line in shown.splitlines()]
    assert [note["id"] for note in read] == [note.id for note in found.notes]
    assert read[0]["span"] == " ".join(text.split())


def test_a_model_sees_a_notes_sources_date_and_contradictions() -> None:
    notes = list(research().notes)
    notes[0] = notes[0].model_copy(
        update={"text": "Four years.", "hosts": ("a.example", "b.example"), "contradicts": ("n3",)}
    )
    first, second = (
        json.loads(line) for line in pool.shown(research(notes=notes)).splitlines()[:2]
    )
    assert first == {
        "id": "n1",
        "text": "Four years.",
        "span": FACTS[0][1],
        "page": "Seeds at home, told by 1 | Host",
        "host": "host-1.example",
        "date": "2025-01-01",
        "hosts": 2,
        "contradicts": ["n3"],
    }
    assert "text" not in second, "it is the span"
