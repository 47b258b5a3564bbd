"""What the studio adds to the console: its night, its sites, its topics, and articles as their
reviewer sees them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contentstudio import articles
from contentstudio.config import Config
from contentstudio.review import brief_text, briefs, gather, manuscript
from contentstudio.store.briefs import Briefs
from contentstudio.store.nights import Nights
from contentstudio.store.notes import Notes
from contentstudio.store.topics import Topics
from overnight.console.pages import Console, Desk, Page, Values, Verb
from overnight.errors import UserError
from overnight.observability import charts
from overnight.operations import queries
from overnight.operations.commands import NeededReason, OnReview
from overnight.store.database import Database

DAYS = 7  # of topics and articles that the pages show
SPAN = timedelta(days=DAYS)
ROWS = 200  # articles on a page
MOST_VERSIONS = 1_000_000

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]


class Wish(BaseModel):
    """What every verb on an article takes."""

    model_config = ConfigDict(extra="forbid", strict=True)
    site: Name
    slug: Name
    reason: Text = Field("", description="why; saved in the audit log")


class Overwrite(OnReview):
    """What it takes to publish ours in the place of a person's version."""

    reason: NeededReason


class Back(Wish):
    to: int | None = Field(
        None, ge=1, lt=MOST_VERSIONS, description="the version's number; none: the one before"
    )


SAYS: dict[articles.Verb, tuple[str, type[BaseModel]]] = {
    "publish": ("What was approved last of an article is published again.", Wish),
    "unpublish": ("An article is taken from readers; its versions are kept.", Wish),
    "rollback": ("An article goes back to the version before, or to a named one.", Back),
    "refresh": ("The sources of an article are read once more, and it is written again.", Wish),
}
OVER = (
    "An article that waits because of a person's version on its site is published in the "
    "place of that version."
)


def build(config: Config) -> Console:
    """The pages of these sites."""

    async def sites(desk: Desk, _: Values) -> dict[str, Any]:
        since = await charts.ago(desk.database, SPAN)
        night = await Nights(desk.database).since(since)
        off = {row["scope"] for row in await queries.switches(desk.database) if not row["enabled"]}
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

    async def published(desk: Desk, values: Values) -> dict[str, Any]:
        names = [site.name for site in config.site]
        site = values.get("site") if values.get("site") in names else None
        rows = await articles.listed(config, desk.database, site, ROWS)
        return {"rows": rows, "sites": names, "limit": ROWS}

    async def topics(desk: Desk, values: Values) -> dict[str, Any]:
        names = [site.name for site in config.site]
        site = values.get("site") if values.get("site") in names else None
        return {
            "rows": await Topics(desk.database).choices(site, DAYS),
            "sites": names,
            "days": DAYS,
        }

    async def night(database: Database, since: datetime) -> dict[str, Any]:
        return await Nights(database).since(since)

    async def dossier(database: Database, job_id: str) -> dict[str, Any] | None:
        plan = await briefs.gather(database, config, job_id)
        if plan is not None and plan.waits:
            return {"plan": plan, "words": brief_text.write(plan.brief), "has_preview": False}
        details = await gather(database, config, job_id)
        if details is None:
            return None
        # What is past its gates has no words to judge again.
        words = (
            {"words": manuscript.write(details.draft)} if details.status == "needs_review" else {}
        )
        return {"dossier": details, "notes": await Notes(database).of_job(job_id), **words}

    async def edited(database: Database, job_id: str, words: str) -> dict[str, Any]:
        """The brief or the article with these words, as the input of the step that takes it."""
        plan = await briefs.gather(database, config, job_id)
        if plan is not None and plan.waits:
            text = words.replace("\r\n", "\n")
            return brief_text.read(text, plan.brief).model_dump(mode="json")
        details = await gather(database, config, job_id)
        if details is None or details.status != "needs_review":
            raise UserError(
                f"no article of job {job_id} waits for review, so its words cannot be edited"
            )
        return manuscript.read(words.replace("\r\n", "\n"), details.draft).model_dump(mode="json")

    async def preview(database: Database, job_id: str) -> str | None:
        details = await gather(database, config, job_id)
        return details.page if details else None

    async def job(database: Database, job_id: str) -> dict[str, Any] | None:
        plan = await Briefs(database).read(job_id)
        costs = await briefs.costs(database, config, job_id, plan) if plan else ()
        return {"costs": costs} if costs else None

    return Console(
        pages=(
            Page("/sites", "sites.html", sites, "Sites", "w"),
            Page("/articles", "articles.html", published, "Articles", "p"),
            Page("/topics", "topics.html", topics, "Topics", "t"),
        ),
        templates=(Path(__file__).parent / "templates",),
        night=night,
        dossier=dossier,
        preview=preview,
        job=job,
        edited=edited,
        verbs={
            **{
                f"{verb}-article": Verb(partial(_ask, config, verb), *says)
                for verb, says in SAYS.items()
            },
            "overwrite-article": Verb(
                _overwrite, OVER, Overwrite, "Publish ours in its place", articles.is_left
            ),
        },
    )


async def _ask(config: Config, verb: articles.Verb, desk: Desk, wish: Wish, who: str) -> str:
    """Begin what a person asks of an article; where to follow it."""
    started = await articles.ask(
        *(desk.app, config, desk.database, verb, wish.site, wish.slug),
        version=wish.to if isinstance(wish, Back) else None,
        reason=wish.reason,
        by=who,
    )
    return started.said()


async def _overwrite(desk: Desk, command: Overwrite, who: str) -> str:
    """Publish ours in the place of the person's version that a review shows."""
    row = await articles.overwrite(
        desk.app,
        desk.database,
        command.job,
        seen=command.seen,
        reason=command.reason,
        by=who,
    )
    return f"job {row['job_id']} publishes ours in its place"
