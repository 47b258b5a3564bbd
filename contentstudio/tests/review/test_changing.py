"""A person changes one text of an article, or cuts it, and all else stays."""

from __future__ import annotations

import pytest
from drafts import DRAFTS
from hypothesis import given
from hypothesis import strategies as st

from contentstudio import places
from contentstudio.model import Draft, Fault, Question, Reference, Section, Sentence
from contentstudio.review import text
from contentstudio.review.changing import changed
from overnight.errors import UserError

PAGE = Reference(id="s1", url="https://a.example/", title="A", sha256="0" * 64)


def draft() -> Draft:
    quote = Sentence(text="It rots.", source="s1", quoted=True, notes=("n1",))
    plain = Sentence(text="So it feeds the soil.", source="s1", notes=("n2",))
    return Draft(
        site="garden",
        slug="mulch",
        title="Mulch",
        description="On mulch.",
        sections=[Section(heading="Leaves", paragraphs=[[quote, plain]])],
        faq=[Question(question="Why?", answer=[plain])],
        references=[PAGE],
        writer="anthropic:a-model",
    )


@given(DRAFTS, st.data())
def test_a_change_of_one_place_leaves_all_others(article: Draft, data: st.DataObject) -> None:
    before = {each.place: each.text for each in places.texts(article)}
    can = [p for p in before if p.split(" ")[0] in ("title", "heading", "sentence", "question")]
    place = data.draw(st.sampled_from(can))
    after = {each.place: each.text for each in places.texts(changed(article, place, "Other."))}
    assert after == {**before, place: "Other."}


def test_words_of_a_person_quote_nobody_and_keep_their_source() -> None:
    (first, second), _ = changed(draft(), "sentence 1", "It turns into soil.").paragraphs()
    assert first == Sentence(text="It turns into soil.", source="s1")
    assert second == draft().sentences()[1]


def test_a_text_that_is_given_as_it_is_changes_nothing() -> None:
    assert changed(draft(), "sentence 1", "It rots.") == draft()


def test_a_sentence_and_a_question_can_be_cut() -> None:
    assert [s.text for s in changed(draft(), "sentence 1", "").sentences()] == [
        *["So it feeds the soil."] * 2
    ]
    assert changed(draft(), "question 1", "").faq == []


@pytest.mark.parametrize("place", ["title", "heading 1", "description"])
def test_what_an_article_needs_cannot_be_cut(place: str) -> None:
    with pytest.raises(UserError, match="cannot be cut"):
        changed(draft(), place, "")


@pytest.mark.parametrize("place", ["sentence 9", "sentence", "Sentence 1", "", "tag 1"])
def test_a_place_that_there_is_not_is_named(place: str) -> None:
    with pytest.raises(UserError, match="has no place"):
        changed(draft(), place, "Words.")


def test_marks_stand_around_their_texts_in_a_terminal() -> None:
    marks = [
        Fault(place="sentence 2", text="So it feeds the soil.", reason="Why."),
        Fault(place="heading 1", text="Leaves", reason="Why."),
        Fault(place="sentence 77", text="Gone.", reason="Why."),
    ]
    shown = text.article(text.marked(draft(), marks))
    assert "“It rots.” [s1] ⟦So it feeds the soil.⟧ [s1]" in shown
    assert "⟦Leaves⟧" in shown
    assert shown.count("⟦") == 2
