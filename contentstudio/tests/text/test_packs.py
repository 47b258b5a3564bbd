"""The packs of languages can be read, and their words are found as whole words."""

from __future__ import annotations

from importlib.resources import files

import pytest

from contentstudio.text import packs


@pytest.mark.parametrize("language", packs.LANGUAGES)
def test_each_pack_says_which_language_it_is(language: str) -> None:
    assert packs._pack(language)["name"]


def test_every_file_of_the_folder_is_listed() -> None:
    there = {f.name.removesuffix(".toml") for f in files("contentstudio.text.packs").iterdir()}
    assert there - {"__init__.py", "__pycache__"} == set(packs.LANGUAGES)


def test_an_unknown_language_has_no_words() -> None:
    assert not packs.is_known("xx")
    assert packs.words("xx", "claims", "negation") == ()
    assert packs.pattern("xx", "claims", "negation") is None


def test_a_word_is_found_whole_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = {"test": {"some": ["not", "won't", "at all", "cur*"]}}
    monkeypatch.setattr(packs, "_pack", lambda language: pack)
    packs.pattern.cache_clear()
    pattern = packs.pattern("en", "test", "some")
    assert pattern
    assert pattern.findall("Not a knot; it won’t  cure at\nall.") == [
        "Not",
        "won’t",
        "cure",
        "at\nall",
    ]
    packs.pattern.cache_clear()
