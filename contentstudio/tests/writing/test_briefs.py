"""A brief by code: whose title it has, what stands together, and what it answers."""

from __future__ import annotations

from itertools import chain

import pytest
from researches import FACTS, QUESTIONS, SITE, idea, research

from contentstudio.brief import Research, Signal
from contentstudio.config import Gates
from contentstudio.writing import briefs
from contentstudio.writing.briefs import TooThin


def named(plan: briefs.Brief) -> list[str]:
    return [name for section in plan.sections for name in section.notes]


def test_the_title_is_the_ideas_and_never_a_sources() -> None:
    found = research()
    assert briefs.plan(SITE, found).titles == ("How long do tomato seeds keep",)
    for title in ("Seeds at home, told by 2 | Host", "seeds at home, TOLD by 2", "Seeds at home…"):
        assert briefs.is_taken(title, found) == (title != "Seeds at home…")
    assert not briefs.is_taken("How long do tomato seeds keep", found)


def test_each_note_stands_in_one_section_or_answers_a_question() -> None:
    plan = briefs.plan(SITE, research())
    assert plan.faq == QUESTIONS[:1]
    answer = briefs.answer_to(plan.faq[0], plan.research.notes)
    assert answer is not None
    assert answer.text.startswith("Labels with the year")
    assert sorted([*named(plan), answer.id]) == [f"n{n}" for n in range(1, len(FACTS) + 1)]
    assert 2 <= len(plan.sections) <= briefs.MAX_SECTIONS
    assert len({section.heading for section in plan.sections}) == len(plan.sections)


def test_a_question_equal_to_the_title_is_not_in_the_faq() -> None:
    title = "How long do tomato seeds keep"
    plan = briefs.plan(SITE, research(questions=(f"{title}?", *QUESTIONS)))
    assert (plan.titles, plan.faq) == ((title,), QUESTIONS[:1])


def test_notes_that_contradict_each_other_stand_together() -> None:
    first, _, third, *_ = research().notes
    alone = [n for n in research().notes if n.id not in ("n1", "n3")]
    one = first.model_copy(update={"contradicts": ("n3",)})
    found = research(notes=[one, *alone, third], questions=())
    (section,) = [s for s in briefs.plan(SITE, found).sections if "n1" in s.notes]
    assert "n3" in section.notes


def test_groups_are_nearly_equal_even_where_all_notes_are_alike() -> None:
    same = [(1 + n % 3, f"Seeds keep well for {n} years in the cold.") for n in range(18)]
    plan = briefs.plan(SITE, research(same, questions=()))
    sizes = [len(section.notes) for section in plan.sections]
    assert sum(sizes) == 18
    assert len(sizes) == 4
    assert max(sizes) <= 6


def test_notes_of_one_page_keep_its_order() -> None:
    plan = briefs.plan(SITE, research([(1, text) for _, text in FACTS], questions=()))
    assert named(plan) == [f"n{number}" for number in range(1, len(FACTS) + 1)]


def test_a_digest_has_so_many_notes_and_of_every_page_its_share() -> None:
    many = [(1, f"The first host says {n} of seeds and jars.") for n in range(60)]
    few = [(2, "A second host says one thing."), (3, "A third host says another thing.")]
    plan = briefs.plan(SITE, research([*many, *few], questions=()))
    assert len(named(plan)) == briefs.MAX_NOTES
    assert {"n61", "n62"} <= set(named(plan))


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (research(notes=[], pages=[]), "no source was read"),
        (research(FACTS[:3]), "3 notes were found; at least 4"),
    ],
)
def test_too_few_notes_are_no_article(found: Research, says: str) -> None:
    with pytest.raises(TooThin, match=says):
        briefs.plan(SITE, found)


@pytest.mark.parametrize(
    ("gates", "notes", "length"),
    [
        (Gates(), 8, (160, 480)),
        (Gates(), 4, (120, 240)),
        (Gates(), 100, (2_000, 2_500)),
        (Gates(min_words=900, max_words=1_000), 8, (900, 900)),
        (Gates(min_words=10, max_words=100), 8, (100, 100)),
    ],
)
def test_an_article_is_as_long_as_its_notes_and_its_gates_allow(
    gates: Gates, notes: int, length: tuple[int, int]
) -> None:
    assert briefs.length(SITE.model_copy(update={"gates": gates}), notes) == length


def test_the_terms_are_the_queries_of_the_idea_each_once() -> None:
    signals = [
        Signal(kind="query", text="tomato seeds how long"),
        Signal(kind="story", text="A page", url="https://a.example/"),
        Signal(kind="suggestion", text="old tomato seeds"),
        Signal(kind="query", text="tomato seeds how long"),
    ]
    found = research(idea=idea(signals=signals))
    assert briefs.plan(SITE, found).terms == ("tomato seeds how long", "old tomato seeds")
    assert briefs.plan(SITE, found).covered == ("Jars", "Cellars")


def test_other_languages_have_numbers_for_headings() -> None:
    plan = briefs.plan(SITE.model_copy(update={"language": "de"}), research())
    assert [section.heading for section in plan.sections] == [
        str(n) for n in range(1, len(plan.sections) + 1)
    ]


def test_a_question_is_answered_by_its_words_or_not_at_all() -> None:
    notes = research().notes
    assert briefs.answer_to("What do the stars say?", notes) is None
    assert briefs.answer_to("?", notes) is None
    assert briefs.answer_to("Do old seeds sprout?", notes) == notes[4]
    assert list(chain(briefs.plan(SITE, research(questions=["Why?"])).faq)) == []
