"""Where a passage stands in a text: what is found is the passage, whatever the text is made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contentstudio.text.wording import located, normal, stands_in

PIECES = st.sampled_from(
    [
        *"abcAB12.,'\"“”‘’-–—…()[] \t\n\u00a0\u00ad\u200b",
        "e\u0301",
        "\ufb01",
        "½",
        "種",
        "İ",
        "ß",
        "´",
    ]
)
TEXT = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=60).map("".join))


@given(TEXT, TEXT)
def test_what_is_found_is_the_piece(piece: str, text: str) -> None:
    place = located(piece, text)
    if place is not None:
        start, end = place
        assert 0 <= start < end <= len(text)
        assert normal(text[start:end]) == normal(piece)
        assert stands_in(normal(piece), normal(text))


@given(st.lists(st.sampled_from(["seeds", "keep", "four", "“years”", "é", "1,200"]), min_size=3))
def test_a_run_of_whole_words_is_found(words: list[str]) -> None:
    text = "\n".join(words)
    assert located(" ".join(words[1:]), text) is not None
