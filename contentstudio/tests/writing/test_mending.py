"""Other words at some places: what was not touched is the same, byte for byte."""

from __future__ import annotations

import random
from typing import Any

import pytest
from drafts import DRAFTS
from hypothesis import given
from hypothesis import strategies as st
from researches import FACTS, research

from contentstudio import places
from contentstudio.model import (
    Draft,
    Fault,
    ListBlock,
    Question,
    QuoteBlock,
    Section,
    Sentence,
    TableBlock,
)
from contentstudio.writing import mending, pool
from contentstudio.writing.answers import Mended

NOTES = [note.id for note in research().notes]


def sentence(note: int, text: str = "", **changes: Any) -> Sentence:
    text = text or FACTS[note - 1][1]
    return Sentence(text=text, notes=(f"n{note}",), **changes)


def draft(**changes: Any) -> Draft:
    """Two sections and a question, of notes of two hosts."""
    sections = [
        Section(heading="Jars", paragraphs=[[sentence(1), sentence(2)], [Sentence(text="So?")]]),
        Section(heading="Cellars", paragraphs=[ListBlock(items=[[sentence(3)], [sentence(4)]])]),
    ]
    values: dict[str, Any] = {
        "site": "garden",
        "slug": "seeds",
        "title": "Seeds",
        "description": "Of seeds.",
        "sections": sections,
        "faq": [Question(question="Which packet first?", answer=[sentence(8)])],
        "references": [],
        "writer": "anthropic:a-model",
    }
    return pool.cited(Draft.model_validate(values | changes), research())


def changed(place: str, text: str = "", *notes: str, quoted: bool = False) -> dict[str, Any]:
    return {"place": place, "text": text, "notes": list(notes), "quoted": quoted}


def faults(*places_at_fault: str) -> list[Fault]:
    return [Fault(place=place, text="…", reason="Why.") for place in places_at_fault]


def mend(article: Draft, *texts: dict[str, Any]) -> Draft:
    answer = Mended.model_validate({"texts": texts})
    at_fault = faults(*(text["place"] for text in texts))
    assert mending.fault(article, at_fault, NOTES)(answer) is None
    return mending.mended(article, answer, research())


def texts(article: Draft) -> dict[str, str]:
    return {text.place: text.text for text in places.texts(article)}


@given(DRAFTS, st.randoms(use_true_random=False))
def test_all_that_has_no_fault_is_the_same_byte_for_byte(
    article: Draft, chance: random.Random
) -> None:
    before = texts(article)
    can = [place for place in before if place.split(" ")[0] in ("sentence", "heading", "title")]
    chosen = chance.sample(can, chance.randint(1, min(4, len(can))))
    answer = Mended.model_validate({"texts": [changed(p, f"New {p}", "n1") for p in chosen]})
    after = texts(mending.mended(article, answer, research()))
    assert after == {**before, **{place: f"New {place}" for place in chosen}}


@given(DRAFTS, st.randoms(use_true_random=False))
def test_what_is_cut_leaves_all_else_in_its_order(article: Draft, chance: random.Random) -> None:
    count = len(article.sentences())
    numbers = chance.sample(range(count), chance.randint(0, count))
    try:
        left = places.without(article, {f"sentence {number + 1}" for number in numbers})
    except ValueError:
        return  # nothing would be left
    assert left.sentences() == [s for n, s in enumerate(article.sentences()) if n not in numbers]
    assert {s.heading for s in left.sections} <= {s.heading for s in article.sections}
    assert Draft.model_validate(left.model_dump()).sentences() == left.sentences()


def test_a_mended_sentence_cites_the_page_of_its_notes() -> None:
    article = draft()
    assert [r.url for r in article.references][:2] == [
        *("https://www.host-1.example/seeds", "https://www.host-2.example/seeds")
    ]
    after = mend(article, changed("sentence 2", FACTS[4][1], "n5", quoted=True))
    mended = after.sentences()[1]
    assert (mended.notes, mended.quoted) == (("n5",), True)
    cited = {reference.id: reference.url for reference in after.references}
    assert cited[mended.source or ""] == "https://www.host-3.example/seeds"
    untouched = [(s.text, s.notes, cited[s.source or ""]) for s in after.sentences() if s.source]
    known = {reference.id: reference.url for reference in article.references}
    before = [(s.text, s.notes, known[s.source or ""]) for s in article.sentences() if s.source]
    assert [each for each in untouched if each in before] == [before[0], *before[2:]]


def test_a_sentence_without_notes_cites_nothing() -> None:
    after = mend(
        draft(),
        changed("sentence 4", "A cold place is better."),
        changed("sentence 5"),
        changed("question 1"),
    )
    assert after.sentences()[3] == Sentence(text="A cold place is better.")
    assert [r.url for r in after.references] == ["https://www.host-1.example/seeds"]
    assert after.faq == []


def test_a_sentence_of_a_block_quote_stays_quoted() -> None:
    quote = QuoteBlock(sentences=[sentence(1)])
    article = draft(sections=[Section(heading="Said", paragraphs=[quote])])
    after = mend(article, changed("sentence 1", FACTS[1][1], "n2"))
    assert after.sentences()[0].quoted


def test_what_is_empty_after_a_cut_goes_with_it() -> None:
    table = TableBlock(head=["a", "b"], rows=[[[sentence(3)], []], [[], [sentence(4)]]])
    article = draft(
        sections=[
            Section(heading="Jars", paragraphs=[[sentence(1)], [sentence(2)]]),
            Section(heading="Cellars", paragraphs=[table]),
        ]
    )
    left = places.without(article, {"sentence 1", "sentence 3"})
    (jars, cellars) = left.sections
    assert jars.blocks == [[article.sentences()[1]]]
    assert cellars.blocks == [TableBlock(head=["a", "b"], rows=[[[], [article.sentences()[3]]]])]
    gone = places.without(article, {"sentence 3", "sentence 4"})
    assert [section.heading for section in gone.sections] == ["Jars"]


@pytest.mark.parametrize("cut", [["title"], ["heading 1"], ["sentence 99"], ["step 1"]])
def test_only_sentences_and_questions_that_there_are_can_be_cut(cut: list[str]) -> None:
    with pytest.raises(KeyError):
        places.without(draft(), cut)


def test_an_article_is_not_cut_to_nothing() -> None:
    every = {f"sentence {n}" for n in range(1, 6)}
    with pytest.raises(ValueError, match="no section"):
        places.without(draft(), every)
    answer = Mended.model_validate({"texts": [changed(place) for place in every]})
    assert "no section" in str(mending.fault(draft(), faults(*every), NOTES)(answer))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([changed("sentence 2", "Words.")], "“sentence 2” is changed, which has no fault"),
        ([changed("sentence 1", "A."), changed("sentence 1", "B.")], "is changed twice"),
        ([changed("title")], "only a sentence can be taken out"),
        ([changed("sentence 1", "Words.", "n77")], "“n77” is named"),
        ([changed("sentence 1", "Words.", quoted=True)], "is quoted and names no note"),
        ([changed("sentence 1"), changed("title", "Jars")], None),
        ([], None),
    ],
)
def test_an_answer_changes_what_has_a_fault_by_known_notes(
    answer: list[dict[str, Any]], why: str | None
) -> None:
    check = mending.fault(draft(), faults("sentence 1", "title"), NOTES)
    said = check(Mended.model_validate({"texts": answer}))
    assert (said is None) if why is None else (said is not None and why in said)
