"""The ideas of all sites: what readers ask, and what was found for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from contentstudio.brief import Idea
from contentstudio.model import Snapshot
from contentstudio.research.ideas import Choice
from contentstudio.store.sql import queries
from contentstudio.text import slugs
from overnight.store.database import Database, Row


@dataclass(frozen=True, slots=True)
class Worth:
    """What the score of an idea on a day depends on. In `urgent_days` a due day that comes near
    raises it from nothing to all.
    """

    today: date
    urgent_days: float
    weights: Mapping[str, float]

    def params(self) -> dict[str, object]:
        weights = json.dumps(dict(self.weights))
        return {"today": self.today, "urgent_days": self.urgent_days, "weights": weights}


class Ideas:
    """The ideas of all sites. Every write is an upsert by its natural key, so a repeated step
    changes nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, site: str, slug: str, until: date) -> Idea:
        """An idea with the texts that were found for it until that day. Raises `LookupError` for an
        idea that there is not.
        """
        row = await self.find(site, slug)
        if row is None:
            raise LookupError(f"the idea {site}/{slug} is not known")
        fields = {name: row[name] for name in ("title", "origin", "signals", "urls", "wish", "due")}
        hashes = tuple(snapshot.sha256 for snapshot in await self.texts(site, slug, until))
        return Idea(site=site, slug=slug, found_on=until, snapshots=hashes, **fields)

    async def texts(self, site: str, slug: str, until: date | None = None) -> list[Snapshot]:
        """The texts that were found for an idea until that day, the latest find first."""
        params = {"site": site, "slug": slug, "until": until}
        rows = await self._database.fetch(queries["idea_texts"], params)
        return [Snapshot(**row) for row in rows]

    async def find(self, site: str, slug: str) -> Row | None:
        """All that is known of an idea, with the state of its article; None where there is none."""
        return await self._database.one(queries["idea_read"], {"site": site, "slug": slug})

    async def keep(
        self,
        site: str,
        day: date,
        chosen_by: str,
        choices: Sequence[Choice],
        writers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what a job decided. `writers` are the jobs that write new articles, by their
        slugs.
        """
        jobs = writers or {}
        rows = [
            {**choice.model_dump(mode="json"), "job_id": jobs.get(choice.slug)}
            for choice in choices
        ]
        params = {
            "site": site,
            "chosen_by": chosen_by,
            "found_on": day,
            "choices": json.dumps(rows),
        }
        await self._database.fetch(queries["idea_keep"], params)

    async def targets(self, site: str, chosen_by: str) -> list[tuple[str, date]]:
        """The slugs that a job decided to have written, each with the day it was found."""
        rows = await self._database.fetch(
            queries["idea_targets"], {"site": site, "chosen_by": chosen_by}
        )
        return [(row["slug"], row["found_on"]) for row in rows]

    async def slug_for(self, site: str, title: str, taken: Mapping[str, str]) -> str:
        """The slug of an idea on its site. `taken` maps slugs that were given since to the titles
        of those that have them.
        """
        rows = await self._slugs(site, title)
        return slugs.free_slug(title, {row["slug"]: row["title"] for row in rows} | dict(taken))

    async def is_free(self, site: str, title: str, taken: Mapping[str, str]) -> bool:
        """Whether no document of the site, and nothing that was `taken` since, has the slug of
        a title.
        """
        slug = slugs.slug_of(title)
        rows = await self._slugs(site, title)
        return slug not in taken and not any(row["stands"] for row in rows if row["slug"] == slug)

    async def _slugs(self, site: str, title: str) -> list[Row]:
        params = {"site": site, "slugs": slugs.candidates(title), "title": title}
        return await self._database.fetch(queries["idea_slugs"], params)

    async def recent(self, site: str | None, days: int) -> list[Row]:
        """The ideas that wait or were decided on in the last days, and what was found for articles
        that there are; the latest first.
        """
        return await self._database.fetch(queries["ideas_list"], {"site": site, "days": days})

    async def page(
        self,
        site: str | None,
        show: str,
        order: str,
        after: tuple[float, str, str] | None,
        limit: int,
        worth: Worth,
    ) -> list[Row]:
        """A page of ideas: those to `show` (open, undecided, planned, published, unwanted), in an
        `order` (hand, score, due, new), after the `rank`, site and slug of the last one before it.
        """
        rank, after_site, after_slug = after or (None, None, None)
        place = {"after_rank": rank, "after_site": after_site, "after_slug": after_slug}
        chosen = {"site": site, "show": show, "order": order, "limit": limit, **place}
        params = {**chosen, **worth.params()}
        return await self._database.fetch(queries["ideas_page"], params)

    async def add(
        self,
        idea: Idea,
        *,
        factors: Mapping[str, float],
        score: float,
        reason: str,
        by: str,
        job_id: str | None,
    ) -> None:
        """Keep an idea that a person has written, be it new or one that was passed over or dropped;
        `job_id` is None where its article begins later.
        """
        params = {
            **idea.model_dump(include={"site", "slug", "title", "wish", "due", "found_on"}),
            "signals": json.dumps([signal.model_dump() for signal in idea.signals]),
            "urls": list(idea.urls),
            "text": idea.wish,
            "sha256": hashlib.sha256(f"{idea.title}\n\n{idea.wish}".encode()).hexdigest(),
            **{"factors": json.dumps(factors), "score": score, "reason": reason},
            **{"by": by, "job_id": job_id},
        }
        await self._database.fetch(queries["idea_add"], params)

    async def drop(self, site: str, slug: str, reason: str, by: str) -> None:
        """Keep that a person does not want an idea, nor a story that is near it."""
        params = {"site": site, "slug": slug, "reason": reason, "by": by}
        await self._database.fetch(queries["idea_drop"], params)

    async def move(
        self, site: str, slug: str, due: date | None, reason: str, by: str
    ) -> Row | None:
        """Give an idea another due day, or none; None where it is not to be written, or its
        article was published.
        """
        params = {"site": site, "slug": slug, "due": due, "reason": reason, "by": by}
        return await self._database.one(queries["idea_move"], params)

    async def order(
        self, site: str, slug: str, to: str, beside: str, worth: Worth, *, reason: str, by: str
    ) -> int | None:
        """Give an idea its place in the order of its site: `to` is first, up, down, before or
        after the one `beside`, or none; its place, None where there is no such idea or none
        beside it.
        """
        params = {"site": site, "slug": slug, "to": to, "beside": beside, "reason": reason}
        row = await self._database.one(
            queries["idea_order"], {**params, "by": by, **worth.params()}
        )
        return row["place"] if row else None

    async def waiting(self, site: str, until: date) -> list[str]:
        """The slugs of ideas of persons whose articles were not begun, and that are due until a day
        or have none, in the order by hand.
        """
        params = {"site": site, "until": until}
        return [row["slug"] for row in await self._database.fetch(queries["ideas_waiting"], params)]

    async def begin(self, site: str, slug: str, job_id: str) -> None:
        """Give the article of an idea, which was not begun, to a job."""
        params = {"site": site, "slug": slug, "job_id": job_id}
        await self._database.fetch(queries["idea_begin"], params)

    async def calendar(self, site: str | None) -> list[Row]:
        """The articles that are to come, those with a due date first."""
        return await self._database.fetch(queries["ideas_calendar"], {"site": site})
