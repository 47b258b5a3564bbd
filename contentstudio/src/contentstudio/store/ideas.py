"""The ideas of all sites: what readers ask, and what was found for it."""

from __future__ import annotations

from datetime import date

from contentstudio.brief import Idea
from contentstudio.store.topics import Topics
from overnight.store.database import Database


class Ideas:
    """The ideas of all sites."""

    def __init__(self, database: Database) -> None:
        self._topics = Topics(database)

    async def read(self, site: str, slug: str, until: date) -> Idea:
        """An idea with the texts that were found for it until that day. Raises `LookupError` for an
        idea that there is not.
        """
        title, snapshots = await self._topics.read(site, slug, until)
        hashes = tuple(dict.fromkeys(snapshot.sha256 for snapshot in snapshots))
        return Idea(site=site, slug=slug, found_on=until, title=title, snapshots=hashes)
