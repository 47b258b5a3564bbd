"""Vectors by words, and the words that lead to another page."""

from __future__ import annotations

import math
import tomllib
from itertools import combinations, pairwise
from operator import mul
from pathlib import Path

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


def test_the_hash_of_a_word_is_the_same_everywhere_and_for_good() -> None:
    vector = Lexical().vector("compost")
    assert [(place, value) for place, value in enumerate(vector) if value] == [(926, -1.0)]


@pytest.mark.parametrize(
    "texts",
    [
        (
            "Die Bürgermeister bauten in den Gärten der Stadt neue Häuser aus Holz für Familien.",
            "Ein Bürgermeister baut im Garten der Stadt ein neues Haus aus Holz für eine Familie.",
        ),
        (
            "Les maires ont construit des maisons neuves en bois dans les jardins de la ville.",
            "Le maire construit une maison neuve en bois dans un jardin des villes de la région.",
        ),
        (
            "Los alcaldes construyeron casas nuevas de madera en los jardines de la ciudad vieja.",
            "El alcalde construye una casa nueva de madera en un jardín de las ciudades viejas.",
        ),
    ],
)
def test_other_forms_of_the_same_words_are_alike_in_a_language(texts: tuple[str, str]) -> None:
    other = "Im Herbst fliegen die Vögel nach Süden, und die Nächte werden kalt, lang und dunkel."
    assert likeness(*texts) > Lexical.scale.same
    assert likeness(texts[0], other) < Lexical.scale.related


def test_a_number_is_one_however_its_thousands_are_parted() -> None:
    for number in ("14.000", "14 000", "14\u202f000", "14’000", "14000"):
        assert likeness(f"{number} bees", "14,000 bees") == pytest.approx(1)
    assert likeness("bees 3.2 ants", "bees 32 ants") < 0.9
    assert likeness("in 2019 200 bees", "in 2019200 bees") < 0.9


def test_names_and_numbers_tell_more_than_other_words() -> None:
    goal = "In the last minute of the game {} shot the ball from a distance of {} metres."
    report = goal.format("Okafor", "210")
    told = "A long shot of {} decided everything: {} metres, the fans counted."
    assert likeness(report, told.format("Okafor", "210")) > likeness(
        report, goal.format("Dimitrov", "187")
    )


@pytest.mark.parametrize("number", ["2", "14", "1998", "2026"])
def test_small_numbers_and_years_tell_no_more_than_a_word(number: str) -> None:
    assert likeness(f"bees {number}", "bees") == pytest.approx(likeness("bees wax", "bees"), 0.1)
    assert likeness("bees 210", "bees") < likeness("bees wax", "bees") - 0.2


def test_what_stands_in_small_letters_too_is_no_name() -> None:
    text = "You turn the compost heap. It needs air."
    assert likeness(f"How To Turn The Compost Heap\n\n{text}", text) == pytest.approx(
        likeness(f"How to turn the compost heap\n\n{text}", text)
    )


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "it"])
def test_the_scale_parts_the_labelled_pairs_of_each_language(language: str) -> None:
    path = Path(__file__).parents[3] / "bench" / "pairs" / f"{language}.toml"
    texts = tomllib.loads(path.read_text("utf-8"))["text"]
    vectors = [Lexical().vector(f"{text['title']}\n\n{text['body'].strip()}") for text in texts]
    events, others, unrelated = list[float](), list[float](), list[float]()
    for (one, a), (other, b) in combinations(zip(texts, vectors, strict=True), 2):
        alike = math.fsum(map(mul, a, b))
        if "event" in one and one.get("event") == other.get("event"):
            events.append(alike)
        elif one.get("event") == other.get("subject", ""):
            others.append(alike)
        elif {*one.values()}.isdisjoint(other.values()):
            unrelated.append(alike)
    assert (len(events), len(others)) in [(6, 6), (4, 4)]
    assert min(events) >= Lexical.scale.same > max(others)
    assert sum(alike >= Lexical.scale.related for alike in unrelated) <= 0.02 * len(unrelated)


def test_an_anchor_is_the_phrase_that_names_most_of_the_page() -> None:
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


@pytest.mark.parametrize(
    ("language", "text", "title", "anchor"),
    [
        ("de", "Man baut in alten Gärten neue Häuser.", "Ein Haus im Garten", "Gärten neue Häuser"),
        ("fr", "On y voit les maisons des villes.", "La maison de ville", "maisons des villes"),
        ("es", "Las casas con jardines son caras.", "Una casa con jardín", "casas con jardines"),
    ],
)
def test_an_anchor_names_a_page_in_any_form_of_its_words(
    language: str, text: str, title: str, anchor: str
) -> None:
    told = draft(text).model_copy(update={"language": language})
    found = links.choose(told, [(title, "https://g.example/x/")], 5)
    assert [link.anchor for link in found] == [anchor]
