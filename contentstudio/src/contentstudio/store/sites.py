"""What is known of each site as a whole: how it was when it was looked at last, and its numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from contentstudio.publish.port import Finding
from contentstudio.store.sql import queries
from overnight.store.database import Database, Row


class Sites:
    """The sites of all configs that this ledger has seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, site: str, findings: Sequence[Finding], job_id: str) -> None:
        """Keep what was found at a site, in the place of what was found before."""
        clean = [
            {**finding.model_dump(), "what": _text(finding.what), "mend": _text(finding.mend)}
            for finding in findings
        ]
        params = {
            "site": site,
            "ok": all(finding.ok for finding in findings),
            "findings": json.dumps(clean),
            "job_id": job_id,
        }
        await self._database.fetch(queries["site_check_keep"], params)

    async def checks(self) -> dict[str, Row]:
        """How each site was when it was looked at last: `ok`, `findings`, `checked_at`
        and when `ok` changed, by site.
        """
        rows = await self._database.fetch(queries["site_checks_read"])
        return {row["site"]: row for row in rows}

    async def counts(self, since: datetime) -> dict[str, Row]:
        """Of each site that has articles, how many were `published` since a moment, are `waiting`
        for a person, and are on their way.
        """
        rows = await self._database.fetch(queries["site_counts"], {"since": since})
        return {row["site"]: row for row in rows}

    async def reads(self, jobs: Sequence[str]) -> dict[str, Row]:
        """What became of jobs that read sources, by their ids."""
        rows = await self._database.fetch(queries["site_reads"], {"jobs": list(jobs)})
        return {row["job_id"]: row for row in rows}

    async def results(self, site: str, days: int) -> Row:
        """What readers did with a site's articles in the last days."""
        params = {"site": site, "days": days}
        (row,) = await self._database.fetch(queries["site_results"], params)
        return row

    async def newest(self, site: str | None, limit: int) -> list[Row]:
        """The articles that came to a site, or to all, last: with the first `image` of each."""
        return await self._database.fetch(queries["site_newest"], {"site": site, "limit": limit})


def _text(said: str) -> str:
    """What a server said, as Postgres can hold it."""
    return said.replace("\0", "")
