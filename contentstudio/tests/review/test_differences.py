"""What two versions of an article say otherwise."""

from __future__ import annotations

from drafts import DRAFTS, small_draft
from hypothesis import given

from contentstudio.model import Draft, Section, Sentence
from contentstudio.review.differences import Difference, differences
from contentstudio.verify.judgement import lines


def count(found: list[Difference], *changes: str) -> int:
    return sum(each.count for each in found if each.change in changes)


def draft(*sentences: str) -> Draft:
    said = [Sentence(text=text) for text in sentences]
    return small_draft(sections=[Section(heading="Heaps", paragraphs=[said])])


@given(DRAFTS)
def test_a_version_does_not_differ_from_itself(article: Draft) -> None:
    assert differences(article, article) == []


@given(DRAFTS, DRAFTS)
def test_both_versions_are_told_whole(before: Draft, after: Draft) -> None:
    found = differences(before, after)
    old, new = ([t for t in lines(each) if t.text.strip()] for each in (before, after))
    if found:
        assert count(found, "same", "skipped", "removed") == len(old)
        assert count(found, "same", "skipped", "added") == len(new)


def test_a_sentence_in_other_words_is_removed_and_added() -> None:
    found = differences(draft("One.", "Two.", "Three."), draft("One.", "Zwei.", "Three."))
    changes = [(each.change, each.text) for each in found if each.change != "skipped"]
    assert changes == [
        *[("same", "One."), ("removed", "Two."), ("added", "Zwei."), ("same", "Three.")]
    ]


def test_what_is_far_from_a_change_is_counted_and_not_shown() -> None:
    many = [f"Sentence {number}." for number in range(50)]
    found = differences(draft(*many), draft(*many, "The last one."))
    assert [each.change for each in found] == ["skipped", "same", "added"]
    assert found[0].count == len(many) + 2  # with title, description and heading, but one


def test_a_sentence_that_moved_is_told_at_both_places() -> None:
    found = differences(draft("One.", "Two."), draft("Two.", "One."))
    assert count(found, "added") == count(found, "removed") == 1
