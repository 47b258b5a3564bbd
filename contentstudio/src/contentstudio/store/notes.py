"""The notes of all articles: what research found, kept as long as the evidence of their claims."""

from __future__ import annotations

import json

from contentstudio.brief import Note, Research, SourcePage
from contentstudio.store.sql import queries
from overnight.store.database import Database, Row


class Notes:
    """The notes of all jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, job_id: str, research: Research) -> None:
        """Keep what a job found, instead of what an attempt of it had found before."""
        pages = {page.sha256: page for page in research.pages}
        rows = [_row(note, pages[note.sha256]) for note in research.notes]
        params = {
            "job_id": job_id,
            "site": research.idea.site,
            "slug": research.idea.slug,
            "id": [note.id for note in research.notes],
            "notes": json.dumps(rows),
        }
        await self._database.fetch(queries["notes_keep"], params)

    async def of_job(self, job_id: str) -> list[Row]:
        """The notes of a job, in their order."""
        return await self._database.fetch(queries["notes_read"], {"job_id": job_id})


def _row(note: Note, page: SourcePage) -> dict[str, object]:
    values = note.model_dump(mode="json", include={"id", "text", "span", "hosts", "contradicts"})
    source = page.model_dump(mode="json", include={"url", "title", "author", "published_at"})
    place = {"span_start": note.start, "span_end": note.end, "snapshot": note.sha256}
    return {**values, **place, **source}
