"""The home of an article: one row with its state, which this module alone writes.

Each verb names a state and reaches it from any other one, so a step that runs again, or a job of a
worker that knew no such table, goes on from where the article is. The legal transitions are data of
the schema, and its trigger refuses the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from contentstudio.model import Draft, Model
from contentstudio.store.sql import queries
from contentstudio.text.words import word_count
from overnight.errors import IllegalTransition
from overnight.store.database import Database, Row

State = Literal[
    "idea",
    "researching",
    "briefed",
    "writing",
    "refreshing",
    "verifying",
    "review",
    "ready",
    "published",
    "unpublished",
    "rejected",
]
STATES: tuple[State, ...] = get_args(State)

# What lies before a state, for an article that an older worker brought further than its row says.
_WAY: dict[State, tuple[State, ...]] = {
    "researching": ("idea",),
    "briefed": ("idea", "researching"),
    "verifying": ("writing",),
    "review": ("writing", "verifying"),
    "ready": ("writing", "verifying"),
    "published": ("writing", "verifying", "ready"),
    "unpublished": ("writing", "verifying", "ready", "published"),
}


class Article(Model):
    """An article of a site. `url` is where readers have it; `job_id` works on it, or did last, and
    `cost_usd` is what that job's model calls cost. `changed_at` is when it came into its state.
    """

    site: str
    slug: str
    job_id: str | None
    title: str
    language: str | None
    url: str | None
    state: State
    created_at: datetime
    changed_at: datetime
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Matching:
    """Which articles a list has: all that match each value that is not None. `text` has beginnings
    of words of the title or the slug.
    """

    site: str | None = None
    state: str | None = None
    text: str | None = None


EVERY = Matching()
Place = tuple[datetime, str, str]  # in a list of articles: when one changed, its site and its slug


class Articles:
    """The articles of all sites. A job that does not own an article changes nothing of it, unless
    it begins to write it or publishes it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, site: str, slug: str) -> Article | None:
        """An article, or None for one that there is not."""
        row = await self._database.one(queries["article_read"], {"site": site, "slug": slug})
        return Article.model_validate(row) if row else None

    async def add_ideas(self, site: str, chosen_by: str) -> None:
        """Add the topics that a job chose to have written for the first time."""
        await self._database.fetch(queries["article_ideas"], {"site": site, "chosen_by": chosen_by})

    async def plan(self, site: str, slug: str, job_id: str, title: str) -> None:
        """A job planned an article: `briefed`; `refreshing` where it was published before."""
        await self._move(_params(site, slug, job_id, title, takes_over=True), "briefed")

    async def begin(self, site: str, slug: str, job_id: str, title: str) -> None:
        """A job begins to write: `writing`, or `refreshing` where it was published before."""
        await self._move(_params(site, slug, job_id, title, takes_over=True), "writing")

    async def research(self, site: str, slug: str, job_id: str, title: str) -> None:
        """A job begins with the research: `researching`, or `refreshing` where it was published
        before.
        """
        await self._move(_params(site, slug, job_id, title, takes_over=True), "researching")

    async def move(
        self, draft: Draft, job_id: str, state: Literal["verifying", "review", "ready"]
    ) -> None:
        """The job that writes an article brings it into the next state."""
        await self._move(_params_of(draft, job_id), state)

    async def publish(self, draft: Draft, job_id: str, url: str) -> None:
        """A job put a version on the site, whoever wrote another one meanwhile."""
        await self._move({**_params_of(draft, job_id), "url": url, "takes_over": True}, "published")

    async def unpublish(self, site: str, slug: str, job_id: str) -> None:
        """A job took an article from readers."""
        article = await self.read(site, slug)
        title = article.title if article else slug
        await self._move(_params(site, slug, job_id, title, takes_over=True), "unpublished")

    async def decide(self, job_id: str, state: Literal["verifying", "ready", "published"]) -> None:
        """A person decided about an article that waited for them, and did not reject it."""
        await self._database.fetch(queries["article_decided"], {"job_id": job_id, "state": state})

    async def reject(self, job_id: str) -> None:
        """A person does not want what a job wrote. What readers have already stays published."""
        await self._database.fetch(queries["article_end"], {"job_id": job_id, "state": "rejected"})

    async def wait_for_sources(self, job_id: str) -> None:
        """A job could not write its article of the sources that there are."""
        await self._database.fetch(queries["article_end"], {"job_id": job_id, "state": "idea"})

    async def edited(self, job_id: str, step: str | None = None) -> bool:
        """Whether a person gave the article its words, at this step or at any: nobody else changes
        them then.
        """
        params = {"job_id": job_id, "step": step}
        return await self._database.one(queries["edited"], params) is not None

    async def approved(self, job_id: str) -> bool:
        """Whether a person approved what a job wrote, as it stands."""
        return await self._database.one(queries["approved"], {"job_id": job_id}) is not None

    async def judged(self, job_id: str) -> Row | None:
        """The judged draft of a job with the digest that binds a decision to it: what waits for a
        person, else what was judged last; None for a job that has none.
        """
        return await self._database.one(queries["dossier_read"], {"job_id": job_id})

    async def listed(
        self,
        matching: Matching = EVERY,
        limit: int = 50,
        *,
        slug: str | None = None,
        before: Place | None = None,
    ) -> list[Row]:
        """The articles that match, the latest to change first: state, what stands on the site,
        words, sources, cost in dollars, and clicks, impressions, visits and position of 28 days.

        `before` is the place of the last one of the page before.
        """
        before_at, before_site, before_slug = before or (None, None, None)
        params = {
            **{"site": matching.site, "state": matching.state, "text": matching.text},
            **{"before_at": before_at, "before_site": before_site, "before_slug": before_slug},
            **{"slug": slug, "limit": limit},
        }
        # Planned anew for these very filters, as one plan for all of them would use no index.
        return await self._database.fetch(queries["articles_list"], params, prepare=False)

    async def life(self, site: str, slug: str, limit: int = 500) -> list[Row]:
        """What happened with an article, and what is to come, the oldest first."""
        params = {"site": site, "slug": slug, "limit": limit}
        return await self._database.fetch(queries["article_life"], params)

    async def of_job(self, job_id: str) -> tuple[str, str] | None:
        """Site and slug of the article that a job works on, or did; None where there is none."""
        row = await self._database.one(queries["article_of_job"], {"job_id": job_id})
        return (row["site"], row["slug"]) if row else None

    async def titles(self, job_ids: Sequence[str]) -> dict[str, str]:
        """What people call jobs, by their ids: the titles of their articles."""
        rows = await self._database.fetch(queries["titles_read"], {"jobs": list(job_ids)})
        return {row["job_id"]: row["title"] for row in rows}

    async def waiting(
        self, limit: int = 50, before: tuple[datetime, int] | None = None
    ) -> list[Row]:
        """What waits for a person, the oldest first, with title, site, reasons and how many of its
        texts are doubtful. `before` are `since` and `id` of the last one of the page before.
        """
        before_at, before_id = before or (None, None)
        params = {"before_at": before_at, "before_id": before_id, "limit": limit}
        return await self._database.fetch(queries["reviews_list"], params, prepare=False)

    async def failed_count(self, most: int) -> int:
        """How many articles have a job that failed; more than `most` are not counted."""
        (row,) = await self._database.fetch(queries["failed_count"], {"most": most})
        return int(row["count"])

    async def settle(self, site: str) -> None:
        """Take in what became of articles in the ledger: jobs that were cancelled."""
        await self._database.fetch(queries["article_settle"], {"site": site})

    async def _move(self, params: dict[str, object], state: State) -> None:
        try:
            await self._database.fetch(queries["article_move"], {**params, "state": state})
        except IllegalTransition:
            if state not in _WAY:
                raise
            for each in (*_WAY[state], state):
                await self._database.fetch(queries["article_move"], {**params, "state": each})


def _params(
    site: str,
    slug: str,
    job_id: str,
    title: str,
    language: str | None = None,
    *,
    takes_over: bool = False,
) -> dict[str, object]:
    who = {"site": site, "slug": slug, "job_id": job_id, "title": title, "language": language}
    return {**who, "url": None, "words": None, "sources": None, "takes_over": takes_over}


def _params_of(draft: Draft, job_id: str) -> dict[str, object]:
    params = _params(draft.site, draft.slug, job_id, draft.title, draft.language)
    return {**params, "words": word_count(draft.prose()), "sources": len(draft.references)}
