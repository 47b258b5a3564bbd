"""Which published articles are written again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contentstudio.config import Refresh
from contentstudio.model import Clicks
from contentstudio.research import refresh
from contentstudio.research.refresh import Article

RULES = Refresh(at_most=2, fallen=0.4, min_clicks=20)
STEADY = Article("compost", "Compost", "https://g.example/compost/", 50, 50, (), ())
CHANGED = replace(STEADY, slug="torn", changed=("https://a.example/1",), snapshots=("new",))
FALLEN = replace(STEADY, slug="fallen", now=10, snapshots=("near",))


def decisions(*articles: Article) -> list[tuple[str, str]]:
    return [(choice.slug, choice.decision) for choice in refresh.choose(articles, RULES)]


def test_a_changed_source_or_fallen_clicks_refresh_an_article() -> None:
    changed, fallen = refresh.choose([FALLEN, STEADY, CHANGED], RULES)
    assert (changed.target, changed.snapshots) == ("torn", ["new"])
    assert changed.reason == "https://a.example/1, a source of it, has changed"
    assert (fallen.target, fallen.snapshots) == ("fallen", ["near"])
    assert fallen.reason == "its clicks fell from 50 to 10 in a month"
    assert fallen.factors == {"changed": 0.0, "fall": 0.8}


@pytest.mark.parametrize(
    ("before", "now", "fell"), [(50, 30, True), (50, 31, False), (19, 0, False), (0, 0, False)]
)
def test_a_small_fall_and_a_fall_of_few_clicks_mean_nothing(
    before: int, now: int, fell: bool
) -> None:
    assert bool(decisions(replace(FALLEN, before=before, now=now))) == fell


def test_an_article_without_new_material_is_skipped_with_reason() -> None:
    (choice,) = refresh.choose([replace(FALLEN, snapshots=())], RULES)
    assert (choice.decision, choice.target) == ("skip", None)
    assert choice.reason.endswith("but nothing new was read of it")


def test_refreshes_are_limited_changed_first_then_deepest_falls() -> None:
    deeper = replace(FALLEN, slug="deeper", now=1)
    assert decisions(FALLEN, deeper, CHANGED) == [
        ("torn", "update"),
        ("deeper", "update"),
        ("fallen", "skip"),
    ]


def test_an_article_is_matched_to_queries_by_words_of_its_title() -> None:
    told = [
        Clicks(query=q, before=10, now=n)
        for n, q in enumerate(["compost heap", "heaps", "worm compost", "how to"])
    ]
    assert refresh.clicks("Turning the compost heap", told) == (20, 1)


@pytest.mark.parametrize(
    ("language", "title", "query", "other"),
    [
        ("de", "Die schönsten Häuser der Stadt", "schönes haus in der stadt", "haus am see"),
        ("es", "Las casas con jardines", "casa con jardín", "casa con piscina"),
        ("fr", "Les maisons de l’île", "une maison d'îles", "maison en bois"),
    ],
)
def test_the_words_of_a_query_stand_in_a_title_in_any_form(
    language: str, title: str, query: str, other: str
) -> None:
    told = [Clicks(query=q, before=10, now=n) for n, q in enumerate([other, query], 1)]
    assert refresh.clicks(title, told, language) == (10, 2)
