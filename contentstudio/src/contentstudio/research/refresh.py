"""Which published articles are worth writing again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contentstudio.config import Refresh
from contentstudio.model import Clicks, Snapshot
from contentstudio.research.ideas import Choice
from contentstudio.text.words import content_words


@dataclass(frozen=True, slots=True)
class Article:
    """A published article, the clicks that its queries brought a month ago and now, and what was
    read of it since.

    `changed` are sources that have another text now, by URL; `snapshots` all that is new, those
    texts first.
    """

    slug: str
    title: str
    url: str
    before: int
    now: int
    changed: tuple[str, ...]
    snapshots: tuple[str, ...]

    @property
    def fall(self) -> float:
        """The share of its clicks that is gone."""
        return max(0.0, 1 - self.now / self.before) if self.before else 0.0


def clicks(title: str, changes: Sequence[Clicks], language: str = "en") -> tuple[int, int]:
    """The clicks of the queries whose words all stand in a title, a month ago and now."""
    words = content_words(title, language)
    queries = [(one, content_words(one.query, language)) for one in changes]
    matching = [one for one, query in queries if query and query <= words]
    return sum(one.before for one in matching), sum(one.now for one in matching)


def choose(articles: Sequence[Article], refresh: Refresh) -> list[Choice]:
    """What becomes of the articles whose sources changed or whose clicks fell; nothing is said of
    the others.

    At most so many are written again: first those with changed sources, then those that fell the
    most. An article of which nothing new was read is left as it is: the same sources would give the
    same words.
    """
    wanting = [article for article in articles if article.changed or _fell(article, refresh)]
    choices: list[Choice] = []
    for article in sorted(wanting, key=lambda one: (not one.changed, -one.fall, one.slug)):
        why = " and ".join(_reasons(article, refresh))
        count = sum(choice.decision == "update" for choice in choices)
        if not article.snapshots:
            choices.append(_choice(article, f"{why}, but nothing new was read of it", None))
        elif count >= refresh.at_most:
            choices.append(
                _choice(article, f"{why}, but {refresh.at_most} others come first", None)
            )
        else:
            choices.append(_choice(article, why, article.slug))
    return choices


def _fell(article: Article, refresh: Refresh) -> bool:
    return article.before >= refresh.min_clicks and article.fall >= refresh.fallen


def _reasons(article: Article, refresh: Refresh) -> list[str]:
    changed = [f"{article.changed[0]}, a source of it, has changed"] if article.changed else []
    fell = (
        [f"its clicks fell from {article.before} to {article.now} in a month"]
        if _fell(article, refresh)
        else []
    )
    return changed + fell


def _choice(article: Article, reason: str, target: str | None) -> Choice:
    return Choice(
        slug=article.slug,
        title=article.title,
        decision="update" if target else "skip",
        reason=reason,
        target=target,
        near=article.url,
        likeness=1.0,
        score=1.0 if article.changed else round(article.fall, 3),
        factors={"changed": float(bool(article.changed)), "fall": round(article.fall, 3)},
        url=article.url,
        snapshots=list(article.snapshots) if target else [],
    )


def requested(slug: str, title: str, known: Sequence[Snapshot], snapshots: Sequence[str]) -> Choice:
    """The decision of a person to have an article written again, of the latest texts of its
    sources.
    """
    return Choice(
        slug=slug,
        title=title,
        decision="update",
        reason="a person asked for it",
        target=slug,
        near=slug,
        likeness=1.0,
        score=1.0,
        factors={},
        url=known[0].url,
        snapshots=list(dict.fromkeys(snapshots)),
    )
