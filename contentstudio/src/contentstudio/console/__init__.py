"""What the studio adds to the console: its night, its sites, its topics, and articles as their reviewer sees them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from contentstudio import memory, morning
from contentstudio.config import Config
from contentstudio.review import gather, manuscript
from overnight import report
from overnight.console.pages import Console, Desk, Page, Values
from overnight.database import Database
from overnight.errors import UserError

DAYS = 7  # of topics and articles that the pages show
SPAN = timedelta(days=DAYS)


def build(config: Config) -> Console:
    """The pages of these sites."""

    async def sites(desk: Desk, _: Values) -> dict[str, Any]:
        since = await report.ago(desk.database, SPAN)
        night = await morning.gather(desk.database, since)
        off = {row["scope"] for row in await report.switches(desk.database) if not row["enabled"]}
        done = [*night["published"], *night["updated"]]
        rows = [
            {
                "site": site,
                "published": sum(row["site"] == site.name for row in done),
                "waiting": sum(row["site"] == site.name for row in night["needs_review"]),
                "off": f"key:{site.name}" in off,
            }
            for site in config.site
        ]
        return {"rows": rows, "days": DAYS}

    async def topics(desk: Desk, values: Values) -> dict[str, Any]:
        names = [site.name for site in config.site]
        site = values.get("site") if values.get("site") in names else None
        return {"rows": await memory.choices(desk.database, site, DAYS), "sites": names, "days": DAYS}

    async def night(database: Database, since: datetime) -> dict[str, Any]:
        return await morning.gather(database, since)

    async def dossier(database: Database, job_id: str) -> dict[str, Any] | None:
        found = await gather(database, config, job_id)
        return None if found is None else {"dossier": found, "words": manuscript.write(found.draft)}

    async def edited(database: Database, job_id: str, words: str) -> dict[str, Any]:
        """The article with these words, as the input of the step that judges it."""
        found = await gather(database, config, job_id)
        if found is None or found.status != "needs_review":
            raise UserError(f"no article of job {job_id} waits for review, so its words cannot be edited")
        return manuscript.read(words.replace("\r\n", "\n"), found.draft).model_dump(mode="json")

    async def preview(database: Database, job_id: str) -> str | None:
        found = await gather(database, config, job_id)
        return found.page if found else None

    return Console(
        pages=(
            Page("/sites", "sites.html", sites, "Sites", "w"),
            Page("/topics", "topics.html", topics, "Topics", "t"),
        ),
        templates=(Path(__file__).parent / "templates",),
        night=night,
        dossier=dossier,
        preview=preview,
        edited=edited,
    )
