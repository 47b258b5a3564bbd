"""The topics that were found, and what was decided about each cluster of pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from contentstudio.model import Snapshot
from contentstudio.research.topics import Choice
from contentstudio.store.sql import queries
from contentstudio.text import slugs
from overnight.store.database import Database, Row


class Topics:
    """Topics and choices. Every write is an upsert by its natural key, so a repeated step changes
    nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep_choices(
        self,
        site: str,
        day: date,
        chosen_by: str,
        choices: Sequence[Choice],
        writers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what a job decided. `writers` are the jobs that write new topics, by their slugs."""
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
        await self._database.fetch(queries["choice_keep"], params)

    async def targets(self, site: str, chosen_by: str) -> list[tuple[str, date]]:
        """The slugs that a job decided to have written, each with the day of its topic."""
        rows = await self._database.fetch(
            queries["choice_targets"], {"site": site, "chosen_by": chosen_by}
        )
        return [(row["slug"], row["found_on"]) for row in rows]

    async def slug_for(self, site: str, title: str, taken: Mapping[str, str]) -> str:
        """The slug of a cluster on its site. `taken` maps slugs that were given since to the
        titles of their clusters.
        """
        params = {"site": site, "slugs": slugs.candidates(title), "title": title}
        rows = await self._database.fetch(queries["slugs_taken"], params)
        return slugs.free_slug(title, {row["slug"]: row["title"] for row in rows} | dict(taken))

    async def read(
        self, site: str, slug: str, until: date | None = None
    ) -> tuple[str, list[Snapshot]]:
        """A topic's title and the snapshots that an article on it may cite: those that were found
        until that day. Raises `LookupError` for a topic that there is not.
        """
        rows = await self._database.fetch(
            queries["topic_read"], {"site": site, "slug": slug, "until": until}
        )
        if not rows:
            raise LookupError(f"the topic {site}/{slug} is not known")
        titles = [row.pop("title") for row in rows]
        return titles[0], [Snapshot(title=row.pop("page_title"), **row) for row in rows]

    async def choices(self, site: str | None, days: int) -> list[Row]:
        """What was decided in the last days, with its factors and the reason; of one site, or of
        all.
        """
        return await self._database.fetch(queries["choices_read"], {"site": site, "days": days})
