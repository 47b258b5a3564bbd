"""Slugs that readers recognise, and titles that would share one."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.text.slugs import (
    candidates,
    free_slug,
    identity,
    in_ascii,
    in_url,
    is_slug,
    slug_of,
)

TITLES = (Path(__file__).parents[1] / "cases" / "10-titles.txt").read_text("utf-8").splitlines()
LONG = "How the people of a small town on the coast rebuilt their harbour after the great storm"
SHARED = [
    [f"{LONG} of 1953", f"{LONG} of 1962", LONG],
    ["Das ist schon gut", "Das ist schön gut"],
    ["Salt & pepper", "Salt pepper"],
    ["Win $5 today", "Win €5 today", "Win 5 today"],
    ["10² reasons", "10-2 reasons", "10.2 reasons"],
    ["I ❤ York", "I York"],
    [
        "堆肥の作り方を一から学ぶための長い長い入門記事その一",
        "堆肥の作り方を一から学ぶための長い長い入門記事その二",
    ],
]


def given_to(titles: list[str]) -> dict[str, str]:
    """The slugs of stories that come one after another, by their titles."""
    taken: dict[str, str] = {}
    for title in titles:
        taken[free_slug(title, taken)] = title
    return {title: slug for slug, title in taken.items()}


@pytest.mark.parametrize("titles", [TITLES, *SHARED])
def test_different_stories_have_different_slugs_in_any_order(titles: list[str]) -> None:
    for order in [titles, titles[::-1]]:
        slugs = given_to(list(order))
        assert len(slugs) == len(titles)
        assert all(map(is_slug, slugs.values()))


@pytest.mark.parametrize("titles", [TITLES[:3], *SHARED])
def test_a_story_keeps_its_slug_on_another_day(titles: list[str]) -> None:
    for order in permutations(titles):
        taken = {slug: title for title, slug in given_to(list(order)).items()}
        for title in titles:
            assert taken[free_slug(title, taken)] == title
            assert free_slug(f"{title}!", taken) == free_slug(title, taken)


def test_a_story_keeps_a_slug_that_was_made_by_other_rules() -> None:
    assert free_slug("公式", {"gong-shi": "公式"}) == "gong-shi"


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("C++ for absolute beginners", "c-plus-plus-for-absolute-beginners"),
        ("C# for absolute beginners", "c-sharp-for-absolute-beginners"),
        ("C for absolute beginners", "c-for-absolute-beginners"),
        ("Growing figs at -5 degrees", "growing-figs-at-minus-5-degrees"),
        ("Growing figs at \u22125 degrees", "growing-figs-at-minus-5-degrees"),
        ("Growing figs - 5 tips", "growing-figs-5-tips"),
        ("Pages 3-5", "pages-3-5"),
        ("1,5 Liter", "1-5-liter"),
        ("10,000 steps", "10000-steps"),
        (".NET and Node.js", "dot-net-and-node-js"),
        ("Ünïcode Títle", "unicode-title"),
        ("Как сделать компост", "kak-sdelat-kompost"),
        ("公式", "公式"),
        ("Python入門 2026年", "python入門-2026年"),
        ("हिन्दी में खाद", "हिन्दी-में-खाद"),
        ("ทำปุ๋ยหมัก", "ทำปุ๋ยหมัก"),
        ("ｶﾞｰﾃﾞﾆﾝｸﾞ", "ガーデニング"),
        ("كيف تصنع السماد؟", "كيف-تصنع-السماد"),
    ],
)
def test_readers_recognise_a_title_in_its_slug(title: str, slug: str) -> None:
    assert slug_of(title) == slug


@given(st.text(), st.text())
def test_every_slug_is_valid_and_short_enough_for_wordpress(one: str, other: str) -> None:
    for title in (one, f"{one} {other} " * 20):
        for slug in candidates(title):
            assert is_slug(slug)
            assert len(slug) <= 80
            assert len(quote(slug)) <= 190
            assert in_url(slug).isascii()
            assert is_slug(in_ascii(slug)) and in_ascii(slug).isascii()


@given(st.lists(st.text(), unique_by=identity))
def test_titles_that_differ_share_no_slug(titles: list[str]) -> None:
    assert len(given_to(titles)) == len(titles)


@pytest.mark.parametrize(
    "text",
    ["", "-a", "A", "a/b", "a.b", "..", "a b", "a\0", "É", "\ud800", "公" * 23, "a" * 201, "公%式"],
)
def test_what_is_no_part_of_a_path_is_no_slug(text: str) -> None:
    assert not is_slug(text)
