"""Which articles of a site belong together, by what the manifest says of them. Pure: same input,
same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import log

from contentstudio.publish.lists import Page, named, newest_first
from contentstudio.text.words import content_words

MOST = 3
TAG = 2.0  # what a shared tag counts beside a shared word
LEAST = 2.0  # a tag in common, or two words
# of a site's articles: a word that more of them have tells nothing of what belongs together
COMMON = 0.25
NEWEST = 100  # articles with a word or a tag that are compared


def related(
    pages: Mapping[str, Page], most: int = MOST, *, language: str = "en"
) -> dict[str, list[str]]:
    """For each slug the slugs of at most so many articles that are nearest to it, the nearest
    first.

    Two articles are as near as they have words of their titles and descriptions, and tags, in
    common: each word counts from 1 to 2, the more the fewer articles have it, and a tag twice that.
    So each answer depends on the other articles, but on no order and no clock. `language` is the
    site's.
    """
    order = newest_first(pages)
    features = [_features(pages[slug], language) for slug in order]
    having: dict[str, list[int]] = defaultdict(list)
    for place, words in enumerate(features):
        for feature in words:
            having[feature].append(place)
    weights = {
        feature: weight
        for feature, had in having.items()
        if (weight := _weight(feature, len(had), len(order)))
    }
    near = {
        order[place]: _nearest(
            place, [(weights[f], having[f][:NEWEST]) for f in words if f in weights], most
        )
        for place, words in enumerate(features)
    }
    return {slug: [order[place] for place in places] for slug, places in near.items()}


def _features(page: Page, language: str) -> list[str]:
    """Words and tags, the latter with a sign that no word has; in an order, so that sums are the
    same every time.
    """
    words = content_words(f"{page.title} {page.description}", page.language or language)
    return sorted({*words, *(f"#{tag}" for tag in named(page.tags))})


def _weight(feature: str, having: int, articles: int) -> float:
    """What it counts that two articles have a word or a tag in common; 0 where that
    tells nothing.
    """
    is_tag = feature.startswith("#")
    if having < 2 or (not is_tag and having > max(2, COMMON * articles)):
        return 0.0
    rarity = log(articles / having) / log(articles)
    return (TAG if is_tag else 1.0) * (1 + rarity)


def _nearest(place: int, shared: Sequence[tuple[float, Sequence[int]]], most: int) -> list[int]:
    """The places with the highest sums of weights; of equal ones the first, which are
    the newest.
    """
    scores: dict[int, float] = defaultdict(float)
    for weight, places in shared:
        for other in places:
            scores[other] += weight
    near = [(-score, other) for other, score in scores.items() if score >= LEAST and other != place]
    return [other for _, other in sorted(near)[:most]]
