"""Notes: only what stands in a snapshot is kept, with who else says it and who says otherwise."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.brief import Note
from contentstudio.model import Snapshot
from contentstudio.research.notes import Fact, assemble, quoted

DAY = datetime(2026, 11, 25, tzinfo=UTC)
SEEDS = (
    "How long seeds keep\n\n"
    "Tomato seeds keep for four years in a dry, cool cupboard. Onion seeds lose their strength "
    "within one year.\n\n"
    "The seed library of Graz “lends” packets to 1,200 members. It opened last year.\n\n"
    "Heat above 35 °C kills most seeds within weeks."
)


def page(text: str, url: str = "https://a.example/", **fields: object) -> Snapshot:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    given = {"title": "A page", "language": "en", **fields}
    return Snapshot.model_validate({"url": url, "text": text, "sha256": sha256, **given})


def noted(snapshot: Snapshot, text: str, span: str) -> tuple[Note, ...]:
    return assemble([Fact(text, span, snapshot.sha256)], [snapshot])


def test_a_span_is_found_whatever_its_blanks_and_typography() -> None:
    snapshot = page(SEEDS.replace("dry, cool", "dry,\n cool"))
    for span in (
        "Tomato seeds keep for four years in a dry, cool cupboard.",
        "Tomato  seeds keep for four\nyears in a dry, cool cupboard.",
        'The seed library of Graz "lends" packets to 1,200 members.',
        "The seed library of Graz ‘‘lends’’ packets to 1,200 members.".replace("‘‘", "«").replace(
            "’’", "»"
        ),
    ):
        (note,) = noted(snapshot, "A fact about it.", span)
        assert snapshot.text[note.start : note.end] == note.span
        assert note.span.split()[-1] == span.split()[-1]


@pytest.mark.parametrize(
    "span",
    [
        "Tomato seeds keep for ten years in a dry, cool cupboard.",
        "tomato seeds keep for four years",
        "Tomato seeds … in a dry, cool cupboard.",
        "omato seeds keep for four year",
        "Tomato seeds",
        "...",
        "Tomato seeds keep for four years in a dry, cool cupboard. Heat above 35 °C kills most "
        "seeds within weeks.",
    ],
)
def test_what_does_not_stand_in_the_page_is_dropped(span: str) -> None:
    assert noted(page(SEEDS), "Tomato seeds keep for years.", span) == ()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Tomato seeds keep for four years.", True),
        ("Tomato seeds keep for 4 years.", True),
        ("Tomato seeds keep for 5 years.", False),
        ("Tomato seeds keep for four years at 35 °C.", False),
        ("Tomato seeds keep for 4 %.", False),
    ],
)
def test_a_note_whose_numbers_are_not_in_its_span_is_dropped(text: str, kept: bool) -> None:
    span = "Tomato seeds keep for four years in a dry, cool cupboard."
    assert (noted(page(SEEDS), text, span) != ()) == kept


def test_a_relative_date_is_resolved_or_its_note_is_dropped() -> None:
    fact = ("The seed library of Graz opened last year.", "It opened last year.")
    dated, undated = page(SEEDS, published_at=DAY), page(SEEDS)
    assert [note.text for note in noted(dated, *fact)] == [
        "The seed library of Graz opened in 2025."
    ]
    (by_model,) = noted(dated, "The seed library of Graz opened in 2025.", fact[1])
    assert by_model.span == "It opened last year."
    assert noted(dated, "The seed library of Graz opened in 2024.", fact[1]) == ()
    assert noted(undated, *fact) == ()
    assert noted(undated, "The seed library of Graz opened in 2025.", fact[1]) == ()


def test_what_is_said_twice_is_one_note_with_both_hosts() -> None:
    one = page("Tomato seeds keep for four years in a cool cupboard.", "https://a.example/")
    other = page("In a cool cupboard, tomato seeds keep for four years!", "https://b.example/")
    third = page("A cool cupboard keeps them. Tomato seeds keep four years.", "https://c.example/")
    facts = [Fact(s.text, s.text, s.sha256) for s in (one, other)]
    (note,) = assemble(facts, [one, other, third])
    assert note.sha256 == one.sha256
    assert note.hosts[:2] == ("a.example", "b.example")


def test_two_pages_of_one_host_are_one_voice() -> None:
    text = "Tomato seeds keep for four years in a cool cupboard."
    one = page(text, "https://a.example/1")
    other = page(text + " Onions do not.", "https://www.a.example/2")
    (note,) = assemble([Fact(text, text, one.sha256)], [one, other])
    assert note.hosts == ("a.example",)


@pytest.mark.parametrize(
    ("other", "confirms"),
    [
        ("A cool cupboard is a good place for four jars of tomato sauce.", False),
        ("Stored in a cool cupboard, tomato seeds keep for about four years.", True),
        ("Stored in a cool cupboard, tomato seeds keep for about 4 years.", True),
        ("Stored in a cool cupboard, tomato seeds keep for about nine years.", False),
        ("Stored in a cool cupboard, tomato seeds do not keep for four years.", False),
    ],
)
def test_a_host_confirms_with_the_words_and_the_figures(other: str, confirms: bool) -> None:
    text = "Tomato seeds keep for four years in a cool cupboard."
    pages = [page(text), page(other, "https://b.example/")]
    (note,) = assemble([Fact(text, text, pages[0].sha256)], pages)
    assert (note.hosts == ("a.example", "b.example")) == confirms


def test_a_name_that_another_page_does_not_have_is_not_confirmed() -> None:
    text = "The seed library of Graz lends packets to all its members for one year."
    other = "The seed library of Linz lends packets to all its members for one year."
    pages = [page(text), page(other, "https://b.example/")]
    (note,) = assemble([Fact(text, text, pages[0].sha256)], pages)
    assert note.hosts == ("a.example",)


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        (
            "Tomato seeds keep for four years in a cupboard.",
            "Tomato seeds keep for ten years in a cupboard.",
            True,
        ),
        (
            "Tomato seeds survive frost in the open bed.",
            "Tomato seeds do not survive frost in the open bed.",
            True,
        ),
        ("The library of Graz opened in 1987.", "The library of Graz opened in 1989.", True),
        (
            "In 2019 the farm sold 40 tonnes of seed.",
            "In 2020 the farm sold 55 tonnes of seed.",
            False,
        ),
        (
            "Tomato seeds keep for four years in a cupboard.",
            "Onion sets like a bed in full sun for ten weeks.",
            False,
        ),
        (
            "Tomato seeds keep for four years in a cupboard.",
            "Tomato seeds keep for 4 years in a dark cupboard.",
            False,
        ),
    ],
)
def test_what_says_otherwise_of_the_same_contradicts_it(
    one: str, other: str, contradict: bool
) -> None:
    pages = [page(one), page(other, "https://b.example/"), page("Peas climb.", "https://c.example")]
    notes = assemble([Fact(p.text, p.text, p.sha256) for p in pages[:2]], pages)
    if contradict:
        assert [note.contradicts for note in notes] == [("n2",), ("n1",)]
    else:
        assert {note.contradicts for note in notes} == {()}


def test_without_a_model_facts_are_sentences_that_stand_alone() -> None:
    facts = quoted(page(SEEDS, published_at=DAY), ["How long do tomato seeds keep?"], 2)
    assert [fact.text for fact in facts] == [
        "Tomato seeds keep for four years in a dry, cool cupboard.",
        "Onion seeds lose their strength within one year.",
    ]
    everything = [fact.text for fact in quoted(page(SEEDS, published_at=DAY), [], 20)]
    assert len(everything) == 4
    assert "It opened last year." not in everything


def test_of_a_page_that_was_found_only_what_answers_is_taken() -> None:
    about = quoted(page(SEEDS), ["onion seeds strength"], 20, is_about=False)
    assert [fact.text for fact in about] == ["Onion seeds lose their strength within one year."]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Dies gilt für alle Sorten. Tomatensamen bleiben im Schrank vier Jahre keimfähig."),
        ("fr", "Elles gèlent vite. Les graines de tomate se gardent quatre ans au sec."),
        ("es", "Esto vale para todas. Las semillas de tomate duran cuatro años en seco."),
    ],
)
def test_sentences_that_lean_are_known_by_their_language(language: str, text: str) -> None:
    facts = quoted(page(text, language=language), [], 20)
    assert [fact.text for fact in facts] == [text.split(". ", 1)[1]]


PIECES = (
    *(
        "Seeds keep four years.",
        "“Cool” rooms",
        "e\u0301t\u00e9",
        "1,200",
        "\n\n",
        " ",
        "…",
        "\ufb01ne",
    ),
    *("no.", "Graz", "\u00a0", "--", "种子可以保存四年。", "\u200b", "İ"),
)
TEXT = st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join)


@given(TEXT, st.data())
def test_the_span_of_a_note_that_is_kept_stands_at_its_place(
    text: str, data: st.DataObject
) -> None:
    snapshot = page(text)
    start = data.draw(st.integers(0, len(text)))
    span = data.draw(st.one_of(TEXT, st.just(text[start : start + 60])))
    for note in noted(snapshot, "Seeds keep.", span):
        assert snapshot.text[note.start : note.end] == note.span
        assert note.sha256 == snapshot.sha256


@pytest.mark.parametrize(
    ("language", "question", "answer", "other"),
    [
        (
            "de",
            "Wie alt wird ein Haus aus Holz?",
            "Gut gepflegte Häuser werden trotz aller Hölzer, die faulen, zweihundert Jahre alt.",
            "Wie ein Vogel aus dem Nest fällt, so wird es am Abend auch im Tal wieder sehr still.",
        ),
        (
            "fr",
            "Quel est l’âge d’une maison en bois ?",
            "Les maisons bien entretenues gardent leurs bois pendant plus de deux siècles entiers.",
            "Il est clair que l’hiver sera long et que la neige tiendra dans les vallées du nord.",
        ),
    ],
)
def test_a_passage_answers_in_other_forms_of_the_words(
    language: str, question: str, answer: str, other: str
) -> None:
    told = page(f"{other} {answer}", language=language)
    (fact,) = quoted(told, [question], 1)
    assert fact.text == answer
