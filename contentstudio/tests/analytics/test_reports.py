"""What the figures of articles say: which article a page is, and what to do."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from contentstudio.analytics import pages, report
from contentstudio.analytics.report import ArticleResult, DayResult, Report
from contentstudio.model import Figures, QueryFigures

DAY = date(2026, 11, 20)


def article(slug: str = "mulch", **numbers: Any) -> ArticleResult:
    nothing: dict[str, Any] = dict.fromkeys(
        ("clicks", "clicks_before", "impressions", "visits", "visits_before"), 0
    )
    return ArticleResult(
        **{
            **nothing,
            "site": "garden",
            "slug": slug,
            "title": slug.title(),
            "position": None,
            **numbers,
        }
    )


def made(*articles: ArticleResult, merges: Any = None) -> Report:
    return report.report("garden", DAY, articles, [], merges, fallen=0.4, min_clicks=20)


@pytest.mark.parametrize(
    "url",
    [
        "https://garden.example/mulch/",
        "http://garden.example/mulch",
        "https://www.garden.example/mulch/?utm_source=x#top",
        "https://GARDEN.example/mulch",
    ],
)
def test_spellings_of_one_address_are_one_page(url: str) -> None:
    assert pages.address(url) == "garden.example/mulch"


@pytest.mark.parametrize(
    "url",
    ["https://garden.example/", "https://sky.example/mulch", "https://garden.example/mulch/2"],
)
def test_another_page_or_host_is_no_article(url: str) -> None:
    assert pages.rows([Figures(url=url, day=DAY)], {"garden.example/mulch": "mulch"}) == []


def test_addresses_in_other_scripts_are_compared_as_they_read() -> None:
    encoded = "https://garden.example/%D0%BA%D0%BE%D0%BC%D0%BF%D0%BE%D1%81%D1%82/"
    assert pages.address(encoded) == pages.address("https://garden.example/компост")


def test_figures_of_one_page_are_added_and_positions_weighted() -> None:
    figures = [
        Figures(
            url="https://garden.example/mulch/", day=DAY, clicks=3, impressions=30, position=2.0
        ),
        Figures(url="http://garden.example/mulch", day=DAY, clicks=1, impressions=10, position=6.0),
        Figures(url="https://garden.example/mulch", day=DAY - timedelta(days=1), visits=7),
    ]
    before, on_day = pages.rows(figures, {"garden.example/mulch": "mulch"})
    assert (on_day.clicks, on_day.impressions, on_day.position) == (4, 40, 3.0)
    assert (before.visits, before.position) == (7, None)


@pytest.mark.parametrize(
    ("clicks", "before", "falls"),
    [(60, 100, True), (61, 100, False), (0, 20, True), (0, 19, False)],
)
def test_an_article_that_lost_its_clicks_is_to_be_refreshed(
    clicks: int, before: int, falls: bool
) -> None:
    advice = made(article(clicks=clicks, clicks_before=before)).advice
    assert [each.action for each in advice] == ["refresh"] * falls
    assert all(f"{clicks} clicks" in each.why for each in advice)


@pytest.mark.parametrize(
    ("impressions", "clicks", "position", "seen"),
    [
        (1_000, 9, 4.0, True),
        (1_000, 10, 4.0, False),
        (199, 0, 4.0, False),
        (1_000, 0, 10.1, False),
        (1_000, 0, None, False),
    ],
)
def test_an_article_seen_but_not_clicked_needs_a_better_title(
    impressions: int, clicks: int, position: float | None, seen: bool
) -> None:
    advice = made(article(impressions=impressions, clicks=clicks, position=position)).advice
    assert [each.action for each in advice] == ["title"] * seen


def test_an_article_has_one_advice_the_loss_first() -> None:
    both = article(clicks=1, clicks_before=100, impressions=1_000, position=3.0)
    assert [each.action for each in made(both).advice] == ["refresh"]


def test_the_greatest_loss_comes_first_and_the_best_article() -> None:
    rows = [
        article("a", clicks=10, clicks_before=40),
        article("b", clicks=50, clicks_before=200),
        article("c", clicks=70, visits=1),
        article("d", clicks=70, visits=2),
    ]
    made_of_them = made(*rows)
    assert [each.slug for each in made_of_them.advice] == ["b", "a"]
    assert [each.slug for each in made_of_them.best] == ["d", "c", "b", "a"]


def test_a_report_is_short_however_many_articles_there_are() -> None:
    many = [article(f"a{n}", clicks_before=100, clicks=n % 7) for n in range(500)]
    assert len(made(*many).best) == report.BEST
    assert len(made(*many).advice) == report.MAX_ADVICE


ADDRESSES = {f"garden.example/{slug}": slug for slug in ("mulch", "straw", "bark")}


def queries(**counts: int) -> list[QueryFigures]:
    return [
        QueryFigures(query="cover soil", url=f"https://garden.example/{slug}/", impressions=count)
        for slug, count in counts.items()
    ]


@pytest.mark.parametrize(
    ("counts", "pair"),
    [
        ({"mulch": 60, "straw": 40}, ("mulch", "straw")),
        ({"straw": 60, "mulch": 40, "bark": 1}, ("straw", "mulch")),
        ({"mulch": 80, "straw": 20}, None),
        ({"mulch": 29, "straw": 20}, None),
        ({"mulch": 100}, None),
        ({"mulch": 60, "home": 40}, None),
    ],
)
def test_two_articles_on_one_query_are_to_be_merged(
    counts: dict[str, int], pair: tuple[str, str] | None
) -> None:
    found = report.merges("garden", queries(**counts), ADDRESSES, {"mulch": "All of mulch"})
    assert [(each.slug, each.other) for each in found] == ([pair] if pair else [])
    assert all("cover soil" in each.why for each in found)


def test_a_pair_that_competes_for_many_queries_is_named_once() -> None:
    rows = [
        QueryFigures(query=query, url=f"https://garden.example/{slug}", impressions=count)
        for query, count in (("small", 50), ("large", 90))
        for slug in ("mulch", "straw")
    ]
    (found,) = report.merges("garden", rows, ADDRESSES, {})
    assert "“large”" in found.why


def test_days_stand_as_they_were_given() -> None:
    day = DayResult(day=DAY, clicks=1, impressions=2, visits=3)
    whole = report.report("garden", DAY, [], [day], None, fallen=0.4, min_clicks=20)
    assert whole.days == (day,)
    assert Report.model_validate_json(whole.model_dump_json()) == whole
