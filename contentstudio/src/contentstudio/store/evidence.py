"""The evidence ledger: what was found for each claim of an article, kept for good."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import fields

from contentstudio.gates.evidence import Evidence, find
from contentstudio.model import Draft, Snapshot
from contentstudio.store.sql import queries
from overnight.store.database import Database, Row

# The columns of an export, in their order.
COLUMNS = (
    *("job_id", "site", "slug", "claim", "verdict", "similarity", "quoted", "text", "source"),
    *("url", "passage", "span_start", "span_end", "snapshot", "text_sha256", "checked_at"),
)


class EvidenceLedger:
    """The evidence of all articles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, job_id: str, draft: Draft, snapshots: Sequence[Snapshot]) -> None:
        """Find and keep the evidence of a draft's claims. A claim that was looked at before stays
        as it was found.
        """
        evidence = await asyncio.to_thread(find, draft, snapshots)
        columns = {
            field.name: [getattr(each, field.name) for each in evidence]
            for field in fields(Evidence)
        }
        params = {"job_id": job_id, "site": draft.site, "slug": draft.slug, **columns}
        await self._database.fetch(queries["evidence_keep"], params)

    async def of_job(self, job_id: str) -> list[Row]:
        """The evidence of a job's claims, those of drafts that were rewritten since among them,
        the oldest first.
        """
        return await self._read(job_id=job_id)

    async def of_site(self, site: str) -> list[Row]:
        """The evidence of all articles of a site."""
        return await self._read(site=site)

    async def claims(self, job_id: str) -> list[Row]:
        """What was found for the claims of a job, with the dates of their sources."""
        return await self._database.fetch(queries["dossier_claims"], {"job_id": job_id})

    async def _read(self, *, job_id: str | None = None, site: str | None = None) -> list[Row]:
        params = {"job_id": job_id, "site": site}
        return await self._database.fetch(queries["evidence_read"], params)
