"""Slugs and scores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.model import Snapshot
from contentstudio.research.topics import clean_title, score, slug_of

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def page(words: int, days_old: float | None) -> Snapshot:
    published = None if days_old is None else NOW - timedelta(days=days_old)
    return Snapshot(url="https://a.example/", title="t", text="word " * words, sha256="0", published_at=published)


@pytest.mark.parametrize(
    ("title", "clean"),
    [
        ("Compost that works | Potting Shed", "Compost that works"),
        ("iOS 13 - what is new - The Blog", "iOS 13 - what is new"),
        ("A | long name behind the bar", "A | long name behind the bar"),
        ("Plain", "Plain"),
    ],
)
def test_a_title_loses_the_name_of_its_site(title: str, clean: str) -> None:
    assert clean_title(title) == clean


@given(st.text(min_size=1))
def test_every_title_has_a_slug_of_its_own_letters(title: str) -> None:
    slug = slug_of(title)
    assert slug
    assert len(slug) <= 80
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_a_title_without_letters_has_a_slug_all_the_same() -> None:
    assert slug_of("!!!").startswith("topic-")
    assert slug_of("!!!") != slug_of("???")


@given(st.integers(0, 5000), st.one_of(st.none(), st.floats(-10, 10_000)))
def test_a_score_and_its_factors_lie_between_0_and_1(words: int, days_old: float | None) -> None:
    factors = score(page(words, days_old), NOW)
    assert set(factors) == {"substance", "freshness", "score"}
    assert all(0 <= value <= 1 for value in factors.values())


def test_longer_and_fresher_is_better() -> None:
    assert score(page(400, 1), NOW)["score"] == 1
    assert score(page(100, 1), NOW)["score"] < score(page(300, 1), NOW)["score"]
    assert score(page(400, 300), NOW)["score"] < score(page(400, 60), NOW)["score"]
