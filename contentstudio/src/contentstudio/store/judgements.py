"""What a judge found of each text of an article."""

from __future__ import annotations

import json
from collections.abc import Mapping

from contentstudio.model import Draft
from contentstudio.store.sql import queries
from contentstudio.verify.judgement import Finding
from overnight.store.database import Database


class Judgements:
    """The findings of all jobs, by their keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, job_id: str, draft: Draft, findings: Mapping[str, Finding]) -> None:
        """Keep findings that count."""
        if not findings:
            return
        rows = [{"key": key, **_row(finding)} for key, finding in findings.items()]
        params = {"job_id": job_id, "site": draft.site, "slug": draft.slug}
        await self._database.fetch(
            queries["judgements_keep"], {**params, "findings": json.dumps(rows)}
        )

    async def read(self, job_id: str) -> dict[str, Finding]:
        """The findings of a job, those of drafts that were rewritten since among them."""
        rows = await self._database.fetch(queries["judgements_read"], {"job_id": job_id})
        return {row.pop("key"): Finding.model_validate(row) for row in map(dict, rows)}


def _row(finding: Finding) -> dict[str, object]:
    row = finding.model_dump(mode="json")
    return {**row, **{name: row.get(name, []) for name in ("passages", "conflicts")}}
