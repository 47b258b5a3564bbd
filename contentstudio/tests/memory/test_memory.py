"""Vectors by words, and the words that lead to another page."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.memory import links
from contentstudio.memory.embeddings import Lexical
from contentstudio.model import Draft, Section, Sentence

COMPOST = (
    "Turn the heap once a month. A compost heap needs air and water, and kitchen scraps rot "
    "in it within weeks."
)


def likeness(one: str, other: str) -> float:
    return math.fsum(
        a * b for a, b in zip(Lexical().vector(one), Lexical().vector(other), strict=True)
    )


def draft(*texts: str, quoted: bool = False) -> Draft:
    paragraph = [Sentence(text=text, quoted=quoted) for text in texts]
    section = Section(heading="A heading", paragraphs=[paragraph])
    told = {
        "site": "garden",
        "slug": "s",
        "title": "T",
        "description": "",
        "references": [],
        "writer": "w",
    }
    return Draft(**told, sections=[section])


@given(st.text())
def test_a_vector_has_length_1_or_says_nothing(text: str) -> None:
    vector = Lexical().vector(text)
    assert len(vector) == Lexical.DIMENSION
    assert math.hypot(*vector) == pytest.approx(1) or not any(vector)


def test_texts_are_alike_by_the_words_that_carry_matter() -> None:
    assert likeness(COMPOST, COMPOST) == pytest.approx(1)
    assert likeness(COMPOST, COMPOST.upper()) == pytest.approx(1)
    assert likeness(COMPOST, "The moon is bright since the sun shines on it.") < 0.2
    assert likeness("This is of the and it was", "This is of the and it was") == 0


def test_the_order_of_words_counts_but_less_than_the_words() -> None:
    assert 0.6 < likeness("compost heap air water", "water air heap compost") < 0.99


def test_a_script_without_blanks_is_compared_by_its_characters() -> None:
    text, longer = "堆肥需要空气和水", "好的堆肥需要空气和水以及时间"
    assert likeness(text, longer) > 0.6 > 0.2 > likeness(text, "月亮每个月绕地球一圈")


def test_what_a_word_is_hashed_to_is_the_same_everywhere_and_for_good() -> None:
    vector = Lexical().vector("compost")
    assert [(place, value) for place, value in enumerate(vector) if value] == [(414, -1.0)]


def test_an_anchor_is_the_phrase_of_the_prose_that_names_most_of_a_page() -> None:
    (link,) = links.choose(
        draft(COMPOST), [("How to build a compost heap", "https://g.example/heap/")], 5
    )
    assert (link.anchor, link.url) == ("compost heap", "https://g.example/heap/")
    assert link.anchor in COMPOST


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Turn the heap once a month.", "The phases of the moon"),
        ("There is a heap of compost. Heap, compost: both.", "Building sheds"),
        ("We like compost; heap it up.", "The compost heap"),
    ],
)
def test_a_page_of_which_the_prose_does_not_speak_gets_no_link(text: str, title: str) -> None:
    assert links.choose(draft(text), [(title, "https://g.example/x/")], 5) == []


def test_the_words_of_a_quote_are_left_as_they_are() -> None:
    pages = [("The compost heap", "https://g.example/heap/")]
    assert links.choose(draft(COMPOST, quoted=True), pages, 5) == []


def test_no_words_lead_to_two_pages_and_no_page_is_linked_twice() -> None:
    text = "A compost heap needs air. Leaf mould takes two years. A worm bin is quick."
    pages = [
        (title, f"https://g.example/{n}/")
        for n, title in enumerate(["Compost heap", "The compost heap", "Leaf mould"])
    ]
    found = links.choose(draft(text), [*pages, pages[0]], 5)
    assert [(link.anchor, link.url) for link in found] == [
        ("compost heap", "https://g.example/0/"),
        ("Leaf mould", "https://g.example/2/"),
    ]
    assert all(one.anchor not in other.anchor for one, other in pairwise(found))
    assert len(links.choose(draft(text), pages, 1)) == 1
