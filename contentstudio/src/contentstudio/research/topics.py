"""From the pages of a night to topics: those that tell one story, what it is worth, and what to do
with it. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import mul
from typing import Literal
from urllib.parse import urlsplit

from contentstudio.config import Research, Weights
from contentstudio.model import Demand, Model
from contentstudio.text.slugs import identity, slug_of
from contentstudio.text.titles import clean_title
from contentstudio.text.words import content_words

FULL_WORDS = 400  # words from which on a text counts as wholly substantial
FRESH_DAYS = 30  # days during which a page counts as wholly fresh
STALE_DAYS = 365  # days after which it is not fresh at all
UNKNOWN = 0.5  # a factor that nobody can tell
FIT_BY = 3  # of the site's documents, the nearest, say whether a topic fits it

Kind = Literal["chosen", "queued", "published", "rejected", "own"]
Decision = Literal["create", "update", "skip"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page that a night gave, as its site may write about it.

    `sha256` names its snapshot; `text_sha256` its title and text, whose vector is `vector`.
    """

    url: str
    sha256: str
    text_sha256: str
    title: str
    words: int
    published_at: datetime | None
    vector: Sequence[float]

    @property
    def host(self) -> str:
        return (urlsplit(self.url).hostname or "").removeprefix("www.")


@dataclass(frozen=True, slots=True)
class Story:
    """Pages that tell the same, the one that tells most of it first.

    `assigned_slug` is its slug on the site, where another story has the one of its title.
    """

    pages: tuple[Page, ...]
    assigned_slug: str | None = None

    @property
    def title(self) -> str:
        return clean_title(self.pages[0].title)

    @property
    def slug(self) -> str:
        return self.assigned_slug or slug_of(self.title)

    @property
    def hosts(self) -> set[str]:
        """Who tells it: two pages of one host are one voice."""
        return {page.host for page in self.pages}


@dataclass(frozen=True, slots=True)
class Near:
    """A document of the site's memory, and how like a text it is; `likeness` is 1 where they are
    the same.

    `reason` is why it was rejected. `sources` are the snapshots that it was written from, by their
    URL; a URL that was read again since has several.
    """

    slug: str
    kind: Kind
    title: str
    url: str | None
    reason: str | None
    updated_at: datetime
    likeness: float
    sources: frozenset[tuple[str, str]] = frozenset()

    @property
    def name(self) -> str:
        """What a person knows it by."""
        return f"“{self.title}” ({self.url or self.slug})"


class Choice(Model):
    """What becomes of a story, and why. `target` is the slug that is written; of a skipped one it
    is None.

    `factors` lie between 0 and 1, and so does `score`, their mean by the weights. `near` is the
    document of the memory that is most like it, `likeness` how like. `snapshots` are what an
    article may cite.
    """

    slug: str
    title: str
    decision: Decision
    reason: str
    target: str | None
    near: str | None
    likeness: float | None
    score: float
    factors: dict[str, float]
    url: str
    snapshots: list[str]


def stories(pages: Iterable[Page], same: float) -> list[Story]:
    """Pages whose texts are alike from `same` on, or whose titles are, put together around the
    longest of them.

    Each is compared with the first page of a story alone, so that no chain of likenesses leads from
    one story to another. The order of the pages changes nothing.
    """
    clusters: list[list[Page]] = []
    for page in sorted(pages, key=lambda page: (-page.words, page.url)):
        title = identity(clean_title(page.title))
        alike = max(clusters, key=lambda story: _likeness(story[0], page), default=None)
        titled = next(
            (story for story in clusters if identity(clean_title(story[0].title)) == title), None
        )
        if titled is not None:
            titled.append(page)
        elif alike is not None and _likeness(alike[0], page) >= same:
            alike.append(page)
        else:
            clusters.append([page])
    return [Story(tuple(story)) for story in clusters]


def _likeness(one: Page, other: Page) -> float:
    return math.fsum(map(mul, one.vector, other.vector))


def factors(
    story: Story,
    near: Sequence[Near],
    demands: Sequence[Demand],
    now: datetime,
    *,
    same: float,
    related: float,
    rivalry: float = 0.0,
) -> dict[str, float]:
    """What speaks for a story, each between 0 and 1. `rivalry` is the share of its query that a
    post's title has.

    `substance`: how long its longest page is. `freshness`: of its newest page. `support`: how many
    hosts tell it. `demand`: how much people look for it. `fit`: how like it is to what the site
    has. `competition`: 1 where the site has nothing that is like it or aims at the same query. What
    nobody can tell is `UNKNOWN`.
    """
    published = [document for document in near if document.kind in ("published", "own")]
    return {
        "substance": min(story.pages[0].words / FULL_WORDS, 1.0),
        "freshness": max(_freshness(page.published_at, now) for page in story.pages),
        "support": 1 - 0.5 ** len(story.hosts),
        "demand": _demand(story, demands),
        "fit": _fit([document.likeness for document in published], related),
        "competition": 1
        - max(_share([document.likeness for document in published], related, same), _aim(rivalry)),
    }


def score(factors: dict[str, float], weights: Weights) -> float:
    """The mean of the factors by their weights."""
    weight: dict[str, float] = weights.model_dump()
    total = sum(weight[name] * value for name, value in factors.items())
    return total / sum(weight.values())


def decide(
    story: Story, near: Sequence[Near], factors: dict[str, float], research: Research, now: datetime
) -> Choice:
    """Write a new article, write an old one again, or neither. `near` has the likest first, none
    below `same`.

    A document under the story's own slug counts as near however it reads: it would be written over.
    Such a document tells the same story, for another story's slug is never given to this one.
    """
    worth = score(factors, research.weights)
    nearest = next(
        (document for document in near if document.slug == story.slug), near[0] if near else None
    )
    decision, reason = _judged(story, nearest, worth, research, now)
    targets = {"create": story.slug, "update": nearest.slug if nearest else None, "skip": None}
    return Choice(
        slug=story.slug,
        title=story.title,
        decision=decision,
        reason=reason,
        target=targets[decision],
        near=(nearest.url or nearest.slug) if nearest else None,
        likeness=round(nearest.likeness, 3) if nearest else None,
        score=round(worth, 3),
        factors={name: round(value, 3) for name, value in factors.items()},
        url=story.pages[0].url,
        snapshots=[page.sha256 for page in story.pages],
    )


def _judged(
    story: Story, nearest: Near | None, worth: float, research: Research, now: datetime
) -> tuple[Decision, str]:
    if nearest is not None and nearest.kind != "published":
        return "skip", _in_the_way(nearest)
    if worth < research.min_score:
        return "skip", f"its score is {worth:.2f}; at least {research.min_score:.2f} is wanted"
    if nearest is None:
        voices = (
            f"{len(story.hosts)} hosts tell it" if len(story.hosts) > 1 else "one host tells it"
        )
        return "create", f"nothing of the site is near it; {voices}"
    if reason := _why_again(story, nearest, research, now):
        return "update", reason
    return (
        "skip",
        f"it is near {nearest.name}, which is not {research.update_after_days} days old, "
        "or it tells no more",
    )


def _in_the_way(nearest: Near) -> str:
    reasons = {
        "chosen": "which is about to be written",
        "queued": "which is on its way",
        "rejected": f"which was rejected: {nearest.reason}",
        "own": "which is the owner's own",
    }
    return f"it is near {nearest.name}, {reasons[nearest.kind]}"


def _why_again(story: Story, nearest: Near, research: Research, now: datetime) -> str | None:
    """Why a published article is to be written again: a source of it changed, or it is old and
    there is news.
    """
    urls = {url for url, _ in nearest.sources}
    snapshots = {sha256 for _, sha256 in nearest.sources}
    unknown = [page for page in story.pages if page.sha256 not in snapshots]
    changed = next((page.url for page in unknown if page.url in urls), None)
    if changed is not None:
        return f"{changed}, a source of {nearest.name}, has changed"
    age = now - nearest.updated_at
    if unknown and age >= timedelta(days=research.update_after_days):
        return f"{nearest.name} is {age.days} days old, and {unknown[0].url} tells of it anew"
    return None


def _freshness(published_at: datetime | None, now: datetime) -> float:
    if published_at is None:
        return UNKNOWN
    days = (now - published_at).total_seconds() / 86_400
    if days < -1:  # a page from the future does not know its date; a time zone is less than a day
        return UNKNOWN
    return min(max((STALE_DAYS - days) / (STALE_DAYS - FRESH_DAYS), 0.0), 1.0)


def volume(demand: Demand) -> float:
    """How much a query counts: what the owner says, times how often it was seen."""
    return demand.weight * (1 + demand.impressions)


def asks_for(demand: Demand, words: frozenset[str]) -> bool:
    """Whether all that a query asks for stands among these words."""
    query = content_words(demand.query)
    return bool(query) and query <= words


def _demand(story: Story, demands: Sequence[Demand]) -> float:
    """The demand for the titles of its pages beside the site's greatest one, on a scale
    of powers.
    """
    if not demands:
        return UNKNOWN
    words = content_words(" ".join(page.title for page in story.pages))
    volumes = sum(volume(demand) for demand in demands if asks_for(demand, words))
    return min(math.log1p(volumes) / math.log1p(max(map(volume, demands))), 1.0)


def _fit(likenesses: Sequence[float], related: float) -> float:
    if not likenesses:
        return UNKNOWN
    nearest = sorted(likenesses, reverse=True)[:FIT_BY]
    return min(max(sum(nearest) / len(nearest) / related, 0.0), 1.0)


def _share(likenesses: Sequence[float], related: float, same: float) -> float:
    """How far the likest document is on the way from being related to being the same."""
    return min(max((max(likenesses, default=0.0) - related) / (same - related), 0.0), 1.0)


def _aim(rivalry: float) -> float:
    """Half of a query's words in a title mean nothing yet, all of them that both aim at
    the same.
    """
    return max(0.0, 2 * rivalry - 1)
