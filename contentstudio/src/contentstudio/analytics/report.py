"""What the figures of a site say: its days, its best articles, and what to do. Pure.

A report is made when new figures came, and is the output of the job that read them: a page of the
console adds up nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from contentstudio.analytics.pages import address
from contentstudio.model import Model, QueryFigures

DAYS = 28  # of a report: four whole weeks, compared with the four before
SPAN = timedelta(days=DAYS)
BEST = 20  # articles that a report names
MAX_ADVICE = 20  # of each kind
# The owner's time is dear: advice is for what many readers saw. These are choices of ours.
MIN_IMPRESSIONS = 200  # in DAYS, of an article whose title may be better
FIRST_PAGE = 10.0  # the last position on the first page of results
MIN_CTR = 0.01  # clicks by impression that an article there has at least
MIN_SHARED = 50  # impressions of a query in DAYS, over all its articles
MIN_SHARE = 0.25  # of these that the second article has

Action = Literal["refresh", "title", "merge"]


class ArticleResult(Model):
    """An article over DAYS, and its clicks and visits over the DAYS before."""

    site: str
    slug: str
    title: str
    clicks: int
    clicks_before: int
    impressions: int
    position: float | None
    visits: int
    visits_before: int


class DayResult(Model):
    """All articles of a site on a day."""

    day: date
    clicks: int
    impressions: int
    visits: int


class Advice(Model):
    """What to do with an article. `other` is the slug of the one that it competes with."""

    action: Action
    site: str
    slug: str
    title: str
    why: str
    other: str | None = None


class Report(Model):
    """What the figures of a site say up to `day`. `merges` is None where no queries were read."""

    site: str
    day: date
    days: tuple[DayResult, ...]
    best: tuple[ArticleResult, ...]
    advice: tuple[Advice, ...]
    merges: tuple[Advice, ...] | None = None


def report(
    site: str,
    day: date,
    articles: Sequence[ArticleResult],
    days: Sequence[DayResult],
    merges: Sequence[Advice] | None,
    *,
    fallen: float,
    min_clicks: int,
) -> Report:
    """The report of a site. `fallen` is the share of clicks from whose loss on an article is
    refreshed, where there were `min_clicks` before.
    """
    best = sorted(articles, key=lambda each: (-each.clicks, -each.visits, each.slug))
    advice = [*_falling(articles, fallen, min_clicks), *_not_clicked(articles)]
    first = {each.slug: each for each in reversed(advice)}  # one advice for an article
    return Report(
        site=site,
        day=day,
        days=tuple(days),
        best=tuple(best[:BEST]),
        advice=tuple(each for each in advice if first[each.slug] is each),
        merges=None if merges is None else tuple(merges),
    )


def _falling(articles: Iterable[ArticleResult], fallen: float, min_clicks: int) -> list[Advice]:
    losses = [
        each
        for each in articles
        if each.clicks_before >= min_clicks and each.clicks <= each.clicks_before * (1 - fallen)
    ]
    losses.sort(key=lambda each: each.clicks - each.clicks_before)
    return [
        _advice(
            "refresh",
            each,
            f"{each.clicks} clicks in {DAYS} days, {each.clicks_before} in the {DAYS} days before",
        )
        for each in losses[:MAX_ADVICE]
    ]


def _not_clicked(articles: Iterable[ArticleResult]) -> list[Advice]:
    seen = [each for each in articles if is_not_clicked(each)]
    seen.sort(key=lambda each: -each.impressions)
    return [
        _advice(
            "title",
            each,
            f"shown {each.impressions} times at position {each.position:.1f}, clicked "
            f"{each.clicks} times",
        )
        for each in seen[:MAX_ADVICE]
    ]


def is_not_clicked(article: ArticleResult) -> bool:
    """Whether an article is on the first page of results, and hardly anybody chooses it."""
    return (
        article.position is not None
        and article.position <= FIRST_PAGE
        and article.impressions >= MIN_IMPRESSIONS
        and article.clicks < article.impressions * MIN_CTR
    )


def _advice(action: Action, article: ArticleResult, why: str) -> Advice:
    names = {"site": article.site, "slug": article.slug, "title": article.title}
    return Advice(action=action, why=why, **names)


def merges(
    site: str,
    queries: Iterable[QueryFigures],
    articles: Mapping[str, str],
    titles: Mapping[str, str],
) -> list[Advice]:
    """Pairs of articles that compete for one query; `articles` are slugs by address. A pair is
    named once, by the query for which both are shown most.
    """
    shown: dict[str, dict[str, int]] = {}
    for each in queries:
        slug = articles.get(address(each.url))
        if slug is not None:
            counts = shown.setdefault(each.query, {})
            counts[slug] = counts.get(slug, 0) + each.impressions
    pairs: dict[frozenset[str], Advice] = {}
    for query, counts in sorted(shown.items(), key=lambda item: (-sum(item[1].values()), item[0])):
        pair = _competing(counts)
        if pair is not None and frozenset(pair) not in pairs:
            slug, other = pair
            why = (
                f"“{query}” shows this article {counts[slug]} times and "
                f"“{titles.get(other, other)}” {counts[other]} times"
            )
            names = {"site": site, "slug": slug, "title": titles.get(slug, slug)}
            pairs[frozenset(pair)] = Advice(action="merge", why=why, other=other, **names)
    return list(pairs.values())[:MAX_ADVICE]


def _competing(counts: Mapping[str, int]) -> tuple[str, str] | None:
    """The two articles that a query shows most, where the second one takes from the first."""
    whole = sum(counts.values())
    first, *rest = sorted(counts, key=lambda slug: (-counts[slug], slug))
    if not rest or whole < MIN_SHARED or counts[rest[0]] < whole * MIN_SHARE:
        return None
    return first, rest[0]
