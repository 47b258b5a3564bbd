"""From the signals of a night to ideas: what pages tell one story, what readers ask, what each is
worth, and what to do with it. Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import mul
from typing import Literal
from urllib.parse import urlsplit

from contentstudio.brief import Origin, Signal
from contentstudio.config import Research, Weights
from contentstudio.model import Demand, Model
from contentstudio.research import naming
from contentstudio.text.slugs import identity
from contentstudio.text.titles import clean_title
from contentstudio.text.words import WORD, content_words, words_in_order

HALF_WORDS = 200  # words of which a text counts as half substantial
HALF_FRESH_DAYS = 120  # days after which a page counts as half as fresh
STALE_DAYS = 365  # days after which it is not fresh at all
URGENT_DAYS = 60  # days before a due date from which on it is felt
UNKNOWN = 0.5  # a factor that nobody can tell
FIT_BY = 3  # of the site's documents, the nearest, say whether an idea fits it
SPEAKS_OF = 3  # times that a word stands in a text which speaks of it
SIGNALS = 20  # that an idea keeps, the weightiest first
QUERIES = 10  # ideas of a night that queries alone give
ALONE = "no page that was read tells of it yet; approve it, and it is researched"

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
    text: str = ""

    @property
    def host(self) -> str:
        return (urlsplit(self.url).hostname or "").removeprefix("www.")


@dataclass(frozen=True, slots=True)
class Story:
    """Signals that ask or tell the same: pages, the one that tells most of it first, and queries.

    One that only queries give has no page. `title` and `slug` are its own, and empty until it has
    them: a page's title names no idea.
    """

    pages: tuple[Page, ...]
    title: str = ""
    slug: str = ""
    origin: Origin = "story"
    queries: tuple[Demand, ...] = ()

    @property
    def hosts(self) -> set[str]:
        """Who tells it: two pages of one host are one voice."""
        return {page.host for page in self.pages}

    @property
    def source_titles(self) -> list[str]:
        return [page.title for page in self.pages]

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What speaks for it: the queries by their weight, and the pages."""
        queries = [Signal(kind="query", text=q.query, weight=volume(q)) for q in self.queries]
        pages = [
            Signal(kind="story", text=page.title or page.url, url=page.url) for page in self.pages
        ]
        return (*queries, *pages)[:SIGNALS]


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
    article may cite, `signals` why readers want it.
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
    origin: Origin = "story"
    signals: tuple[Signal, ...] = ()


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


def asked(stories: Sequence[Story], demands: Sequence[Demand], language: str) -> list[Story]:
    """The stories with the queries that they answer. One is named by the query that most readers
    ask, and those that answer the same one are one idea; what no page answers yet is one by itself.

    `demands` are the most wanted first.
    """
    sources = [page.title for story in stories for page in story.pages]
    named: dict[str, Story] = {}
    others = []
    for story in stories:
        queries = _queries(story, demands, language)
        question = next((query for query in queries if _is_question(query, language)), None)
        if question is None:
            others.append(replace(story, queries=queries))
            continue
        title = naming.of_query(question.query, language, sources)
        key = identity(title)
        named[key] = _merged(named.get(key), story, title, queries)
    answered = {query.query for story in (*named.values(), *others) for query in story.queries}
    alone = [
        query for query in demands if _is_question(query, language) and query.query not in answered
    ]
    unanswered: dict[str, Story] = {}
    for query in sorted(alone, key=lambda query: (-volume(query), query.query))[:QUERIES]:
        title = naming.of_query(query.query, language, sources)
        if identity(title) not in named:
            unanswered.setdefault(identity(title), Story((), title, "", "query", (query,)))
    return [*named.values(), *others, *unanswered.values()]


def _merged(known: Story | None, story: Story, title: str, queries: tuple[Demand, ...]) -> Story:
    pages = (*known.pages, *story.pages) if known else story.pages
    every = (*known.queries, *queries) if known else queries
    return Story(
        tuple(sorted(pages, key=lambda page: (-page.words, page.url))),
        title,
        "",
        "query",
        tuple({query.query: query for query in every}.values()),
    )


def _queries(story: Story, demands: Sequence[Demand], language: str) -> tuple[Demand, ...]:
    """What readers ask that its pages answer, what counts most first."""
    words = _words(story, language)
    titles = content_words(" ".join(story.source_titles), language)
    return tuple(
        sorted(
            (
                demand
                for demand in demands
                if asks_for(demand, words, language)
                and content_words(demand.query, language) & titles
            ),
            key=lambda demand: (-volume(demand), demand.query),
        )
    )


def _words(story: Story, language: str) -> frozenset[str]:
    """The words that its pages speak of: those of their titles, and those that come often."""
    often = Counter(word for page in story.pages for word in words_in_order(page.text, language))
    return content_words(" ".join([story.title, *story.source_titles]), language) | {
        word for word, times in often.items() if times >= SPEAKS_OF
    }


def _is_question(demand: Demand, language: str) -> bool:
    """Whether a query says what a reader wants to know, and not only a subject."""
    return len(content_words(demand.query, language)) >= 2 and len(WORD.findall(demand.query)) >= 3


def factors(
    story: Story,
    near: Sequence[Near],
    demands: Sequence[Demand],
    now: datetime,
    *,
    same: float,
    related: float,
    rivalry: float = 0.0,
    pillars: Sequence[str] = (),
    language: str = "en",
) -> dict[str, float]:
    """What speaks for a story, each between 0 and 1. `rivalry` is the share of its query that a
    post's title has, `pillars` are the subjects of the site.

    `substance`: how long its longest page is. `freshness`: of its newest page. `support`: how many
    hosts tell it, in how many pages. `demand`: how much people look for it. `fit`: how like it is
    to what the site has, and whether it speaks of a pillar. `competition`: 1 where the site has
    nothing that is like it or aims at the same query. What nobody can tell is `UNKNOWN`; of a story
    without pages there is no substance and no freshness.
    """
    published = [document for document in near if document.kind in ("published", "own")]
    likenesses = [document.likeness for document in published]
    words = _words(story, language)
    queries = story.queries or _queries(story, demands, language)
    return {
        **_of_pages(story.pages, now),
        "support": 1 - 0.5 ** len(story.hosts) * 0.9 ** (len(story.pages) - len(story.hosts)),
        "demand": demand_for(queries, demands),
        "fit": fit(likenesses, related, pillars, words, language),
        "competition": 1 - max(_share(likenesses, related, same), _aim(rivalry)),
    }


def of_wish(
    title: str,
    demands: Sequence[Demand],
    rivalry: float = 0.0,
    pillars: Sequence[str] = (),
    *,
    language: str = "en",
) -> dict[str, float]:
    """What speaks for an idea of a person, before anything was read for it."""
    words = content_words(title, language)
    asking = [each for each in demands if asks_for(each, words, language)]
    return {
        "demand": demand_for(asking, demands),
        "fit": fit([], 1.0, pillars, words, language),
        "competition": 1 - _aim(rivalry),
    }


def urgency(due: date, today: date) -> float:
    """1 on the day and after it, 0 until `URGENT_DAYS` before."""
    return min(max(1 - (due - today).days / URGENT_DAYS, 0.0), 1.0)


def score(factors: dict[str, float], weights: Weights) -> float:
    """The mean of the factors that there are, by their weights."""
    weight: dict[str, float] = weights.model_dump()
    total = sum(weight[name] for name in factors)
    return sum(weight[name] * value for name, value in factors.items()) / total if total else 0.0


def decide(
    story: Story, near: Sequence[Near], factors: dict[str, float], research: Research, now: datetime
) -> Choice:
    """Write a new article, write an old one again, or neither. `near` has the likest first, none
    below `same`.

    A document under the story's own slug counts as near however it reads: it would be written over.
    Such a document tells the same story, for another story's slug is never given to this one.
    """
    factors = {name: round(value, 3) for name, value in factors.items()}
    worth = round(score(factors, research.weights), 4)
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
        score=worth,
        factors=factors,
        url=story.pages[0].url if story.pages else "",
        snapshots=[page.sha256 for page in story.pages],
        origin=story.origin,
        signals=story.signals,
    )


def _judged(
    story: Story, nearest: Near | None, worth: float, research: Research, now: datetime
) -> tuple[Decision, str]:
    if nearest is not None and nearest.kind != "published":
        return "skip", _in_the_way(nearest)
    if not story.pages:
        return "skip", ALONE
    if story.origin == "story" and (age := _stale(story.pages, now)):
        return "skip", f"it is not fresh: its newest page is {age} days old"
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


def _of_pages(pages: Sequence[Page], now: datetime) -> dict[str, float]:
    if not pages:
        return {}
    return {
        "substance": pages[0].words / (pages[0].words + HALF_WORDS),
        "freshness": max(_freshness(page.published_at, now) for page in pages),
    }


def _freshness(published_at: datetime | None, now: datetime) -> float:
    if (days := _age(published_at, now)) is None:
        return UNKNOWN
    return 0.5 ** (days / HALF_FRESH_DAYS) if days < STALE_DAYS else 0.0


def _age(published_at: datetime | None, now: datetime) -> float | None:
    """In days; None where a page does not know its date, as one from the future. A time zone is
    less than a day.
    """
    days = (now - published_at).total_seconds() / 86_400 if published_at else -2.0
    return max(days, 0.0) if days >= -1 else None


def _stale(pages: Sequence[Page], now: datetime) -> int | None:
    """How old the newest page is, in days, where all are so old that nothing of them is news."""
    ages = [_age(page.published_at, now) for page in pages]
    newest = min((age for age in ages if age is not None), default=0.0)
    return int(newest) if None not in ages and newest >= STALE_DAYS else None


def volume(demand: Demand) -> float:
    """How much a query counts: what the owner says, times how often it was seen."""
    return demand.weight * (1 + demand.impressions)


def asks_for(demand: Demand, words: frozenset[str], language: str = "en") -> bool:
    """Whether all that a query asks for stands among these words."""
    query = content_words(demand.query, language)
    return bool(query) and query <= words


def demand_for(queries: Sequence[Demand], demands: Sequence[Demand]) -> float:
    """How much these are looked for beside the site's greatest demand, on a scale of powers."""
    if not demands:
        return UNKNOWN
    volumes = sum(map(volume, queries))
    return min(math.log1p(volumes) / math.log1p(max(map(volume, demands))), 1.0)


def fit(
    likenesses: Sequence[float],
    related: float,
    pillars: Sequence[str],
    words: frozenset[str],
    language: str = "en",
) -> float:
    """How well words fit a site: how like its nearest documents are, and how much of a pillar of it
    they name; the mean of what there is.
    """
    nearest = sorted(likenesses, reverse=True)[:FIT_BY]
    known = [min(max(sum(nearest) / len(nearest) / related, 0.0), 1.0)] if nearest else []
    subjects = [subject for pillar in pillars if (subject := content_words(pillar, language))]
    known += [max(len(each & words) / len(each) for each in subjects)] if subjects else []
    return sum(known) / len(known) if known else UNKNOWN


def _share(likenesses: Sequence[float], related: float, same: float) -> float:
    """How far the likest document is on the way from being related to being the same."""
    return min(max((max(likenesses, default=0.0) - related) / (same - related), 0.0), 1.0)


def _aim(rivalry: float) -> float:
    """Half of a query's words in a title mean nothing yet, all of them that both aim at
    the same.
    """
    return max(0.0, 2 * rivalry - 1)
