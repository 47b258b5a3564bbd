"""Which words carry matter, and which forms are one word, by the language."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from contentstudio.text import stems
from contentstudio.text.words import content_words, matter_of, words_in_order


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("cs", "hrad", "hradem"),
        ("de", "Häuser", "Haus"),
        ("de", "Bürgermeistern", "Bürgermeister"),
        ("en", "heaps", "heap"),
        ("es", "alcaldes", "alcalde"),
        ("es", "naciones", "nación"),
        ("fr", "tomates", "tomate"),
        ("fr", "maisons", "maison"),
        ("it", "ponti", "ponte"),
        ("nl", "boeken", "boek"),
        ("pl", "domami", "dom"),
        ("pt", "pontes", "ponte"),
        ("sv", "husets", "huset"),
    ],
)
def test_the_forms_of_a_word_are_one(language: str, one: str, other: str) -> None:
    assert content_words(one, language) == content_words(other, language) != frozenset()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Das ist für uns und auch nicht mit dem, der über es war"),
        ("en", "This is of the and it was"),
        ("es", "Es de los que no son para el y lo"),
        ("fr", "C’est l’un qui n’a pas été dans les"),
        ("it", "È per gli altri che non sono di una"),
        ("nl", "Het is niet voor de en ook van ons"),
        ("pt", "É para os que não são de uma"),
    ],
)
def test_the_little_words_of_a_language_carry_no_matter(language: str, text: str) -> None:
    assert words_in_order(text, language) == []


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("fr", "L'eau qu’elle boit", ["eau", "boit"]),
        ("it", "Dell'acqua nell’orto", ["acqua", "orto"]),
        ("de", "Der Küsten-Tunnel", ["kust", "tunnel"]),
        ("en", "A two-year plan isn't risk-free", ["two-year", "plan", "risk-free"]),
    ],
)
def test_parts_of_a_word_are_words_except_in_english(
    language: str, text: str, words: list[str]
) -> None:
    assert words_in_order(text, language) == words


def test_of_a_language_that_nobody_knows_every_word_counts() -> None:
    assert words_in_order("Og the og", "xx") == ["og", "the", "og"]


def test_every_language_that_is_listed_has_its_rules() -> None:
    for language in stems._SNOWBALL:
        assert stems.stem("a", language)


def test_threads_that_stem_words_do_not_mix_them_up() -> None:
    words = [f"{start}{end}" for start in "bdfgklmnprst" for end in ("äuserungen", "echenden")]
    alone = [stems.stem(word, "de") for word in words]
    matter_of.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        rounds = threads.map(lambda _: [stems.stem(word, "de") for word in words], range(64))
        assert all(each == alone for each in rounds)
