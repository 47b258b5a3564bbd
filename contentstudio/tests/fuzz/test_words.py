"""Words and vectors of any text, in any language."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.memory.embeddings import Lexical
from contentstudio.text import stems
from contentstudio.text.words import content_words, words_in_order


@given(st.text(), st.sampled_from(sorted(stems._SNOWBALL)))
def test_any_text_has_the_same_words_in_a_language_each_time(text: str, language: str) -> None:
    words = words_in_order(text, language)
    assert "" not in words
    assert content_words(text, language) == frozenset(words)
    assert words_in_order(f"{text} {text}", language) == words * 2


@given(st.lists(st.text(), max_size=6).map(" ".join))
def test_any_text_has_a_vector_and_is_like_itself(text: str) -> None:
    vector = Lexical().vector(text)
    assert vector == Lexical().vector(text)
    assert math.hypot(*vector) == pytest.approx(1) or not any(vector)
