"""The passage of a text that a hit shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.search.excerpt import excerpt

FILLER = "Nothing of it stands here. " * 50
TEXT = f"{FILLER}Tomato seeds keep for four years. They want a dry jar. {FILLER}"


def test_the_passage_with_most_words_begins_with_its_sentence() -> None:
    shown = excerpt("A tomato. " + TEXT, ["tomato", "seeds", "jar"], 200)
    assert shown.startswith("… Tomato seeds keep for four years. They want a dry jar. Nothing")
    assert shown.endswith(" …")


@pytest.mark.parametrize("word", ["seed", "seeds", "seeding"])
def test_other_forms_of_a_word_count(word: str) -> None:
    assert "Tomato seeds" in excerpt(TEXT, [word], 200)


def test_a_short_text_is_whole_and_on_one_line() -> None:
    assert excerpt("One\n\ntwo  three.", ["two"], 200) == "One two three."


def test_without_a_word_it_is_the_beginning() -> None:
    assert excerpt(TEXT, ["zzz"], 60) == "Nothing of it stands here. Nothing of it stands here. …"
    assert excerpt("Short.", [], 60) == "Short."


def test_a_script_without_blanks_is_cut_between_characters() -> None:
    text = "今天天气很好。" * 50 + "堆肥需要空气。" + "今天天气很好。" * 50
    shown = excerpt(text, ["堆肥"], 100)
    assert shown.startswith("… 堆肥需要空气。")
    assert len(shown) <= 104


@given(st.text(max_size=400), st.lists(st.text(max_size=8), max_size=5), st.integers(100, 200))
def test_it_is_never_longer_and_made_of_the_text(text: str, words: list[str], length: int) -> None:
    shown = excerpt(text, words, length)
    assert len(shown) <= length + 4
    plain = shown.removeprefix("… ").removesuffix(" …")
    assert plain in " ".join(text.split()) + " …"
