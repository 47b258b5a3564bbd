"""What the studio adds to the console: its night, its sites, its ideas, and articles as their
reviewer sees them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contentstudio import articles, ideas
from contentstudio.config import Config
from contentstudio.review import brief_text, briefs, changing, costs, gather, manuscript
from contentstudio.store.articles import Articles
from contentstudio.store.briefs import Briefs
from contentstudio.store.nights import Nights
from contentstudio.store.notes import Notes
from overnight.console.pages import Console, Desk, Page, Values, Verb
from overnight.errors import NotFound, UserError
from overnight.observability import charts
from overnight.operations import queries, runs
from overnight.operations.commands import NeededReason, OnReview
from overnight.store.database import Database

DAYS = 7  # of ideas and articles that the pages show
SPAN = timedelta(days=DAYS)
ROWS = 200  # articles on a page
MAX_HOURS = 24 * 31  # that a page looks back
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


class Change(OnReview):
    """What it takes to change one text of an article; no words take it out."""

    place: Name
    text: Text = Field("", description="the new words; none: it is cut")


class Back(Wish):
    to: int | None = Field(
        None, ge=1, lt=MOST_VERSIONS, description="the version's number; none: the one before"
    )


class AddIdea(BaseModel):
    """What it takes to have an article written on what readers ask."""

    model_config = ConfigDict(extra="forbid", strict=True)
    site: Name
    question: Name
    urls: Text = Field("", description="pages to read for it, with blanks between them")
    due: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="YYYY-MM-DD")
    brief: Text = Field("", description="what the article should be like")
    reason: Text = Field("", description="why; saved in the audit log")


class Drop(Wish):
    reason: NeededReason


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
    return Console(
        pages=(
            Page("/sites", "sites.html", partial(_sites, config), "Sites", "w"),
            Page("/night", "articles_of_night.html", _night_articles, "Last night", "n"),
            Page("/briefs/{job}", "of_job.html", partial(_brief_of_job, config)),
            Page("/articles", "articles.html", partial(_articles, config), "Articles", "p"),
            Page("/articles/{job}", "of_job.html", partial(_article_of_job, config)),
            Page("/ideas", "ideas.html", partial(_ideas, config), "Ideas", "i"),
        ),
        templates=(Path(__file__).parent / "templates",),
        night=_night,
        dossier=partial(_dossier, config),
        preview=partial(_preview, config),
        job=partial(_job, config),
        edited=partial(_edited, config),
        verbs={
            **{
                f"{verb}-article": Verb(partial(_ask, config, verb), *says)
                for verb, says in SAYS.items()
            },
            "add-idea": Verb(
                partial(_add_idea, config), "An article is written on what readers ask.", AddIdea
            ),
            "approve-idea": Verb(
                partial(_approve_idea, config),
                "An idea that was passed over, dropped or not written is written.",
                Wish,
            ),
            "drop-idea": Verb(
                partial(_drop_idea, config),
                "An idea is dropped, and stories that are near it with it.",
                Drop,
            ),
            "change-place": Verb(
                partial(_change, config),
                "A text of an article that waits for review is changed or cut; the rest stays.",
                Change,
            ),
            "overwrite-article": Verb(
                _overwrite, OVER, Overwrite, "Publish ours in its place", articles.is_left
            ),
        },
    )


def _names(config: Config) -> list[str]:
    return [site.name for site in config.site]


def _chosen(config: Config, values: Values) -> str | None:
    """The site that a page is asked for; None for all."""
    site = values.get("site")
    return site if site in _names(config) else None


async def _sites(config: Config, desk: Desk, _: Values) -> dict[str, Any]:
    """The sites, with what the last days brought them."""
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


async def _night_articles(desk: Desk, values: Values) -> dict[str, Any]:
    """The articles on which was worked in the last hours, with what each and each step costs."""
    hours = min(int(values.get("hours", "24")), MAX_HOURS) if _is_number(values) else 24
    since = await charts.ago(desk.database, timedelta(hours=hours))
    rows = await costs.of_night(desk.database, since, ROWS)
    return {"rows": rows, "costs": costs.by_step(rows), "hours": hours, "limit": ROWS}


def _is_number(values: Values) -> bool:
    hours = values.get("hours", "")
    return hours.isdecimal() and 0 < len(hours) <= 6 and int(hours) > 0


async def _brief_of_job(config: Config, desk: Desk, values: Values) -> dict[str, Any]:
    """The brief of a job, wherever the job is."""
    job_id = await runs.find_job(desk.database, values["job"])
    plan = await briefs.gather(desk.database, config, job_id)
    if plan is None:
        raise NotFound(f"job {job_id} has no brief: no article of it was planned yet")
    return {"job_id": job_id, "title": "Brief", "plan": plan, "has_preview": False}


async def _article_of_job(config: Config, desk: Desk, values: Values) -> dict[str, Any]:
    """The article of a job as its gates saw it last, wherever the job is."""
    job_id = await runs.find_job(desk.database, values["job"])
    details = await gather(desk.database, config, job_id)
    if details is None:
        raise NotFound(f"job {job_id} has no article yet: no gate has seen one")
    notes = await Notes(desk.database).of_job(job_id)
    shown = {"dossier": details, "notes": notes, "has_preview": details.page is not None}
    return {"job_id": job_id, "title": "Article", **shown}


async def _articles(config: Config, desk: Desk, values: Values) -> dict[str, Any]:
    """The published articles of a site, or of all."""
    site = _chosen(config, values)
    rows = await articles.listed(config, desk.database, site, ROWS)
    return {"rows": rows, "sites": _names(config), "limit": ROWS}


async def _ideas(config: Config, desk: Desk, values: Values) -> dict[str, Any]:
    """The ideas of a site, or of all."""
    site = _chosen(config, values)
    return {
        "rows": await ideas.listed(config, desk.database, site, DAYS),
        "sites": _names(config),
        "days": DAYS,
    }


async def _night(database: Database, since: datetime) -> dict[str, Any]:
    """The nightly report since a moment."""
    return await Nights(database).since(since)


async def _dossier(config: Config, database: Database, job_id: str) -> dict[str, Any] | None:
    """What waits for a person about a job: its brief, else its article; None without one."""
    plan = await briefs.gather(database, config, job_id)
    if plan is not None and plan.waits:
        return {"plan": plan, "words": brief_text.write(plan.brief), "has_preview": False}
    details = await gather(database, config, job_id)
    if details is None:
        return None
    # What is past its gates has no words to judge again.
    words = {"words": manuscript.write(details.draft)} if details.status == "needs_review" else {}
    return {"dossier": details, "notes": await Notes(database).of_job(job_id), **words}


async def _edited(config: Config, database: Database, job_id: str, words: str) -> dict[str, Any]:
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


async def _preview(config: Config, database: Database, job_id: str) -> str | None:
    """The page of a job's article as its site will show it."""
    details = await gather(database, config, job_id)
    return details.page if details else None


async def _job(config: Config, database: Database, job_id: str) -> dict[str, Any] | None:
    """What each step of an article was estimated to cost, and is booked, and whether gates have
    seen it; None without a brief.
    """
    plan = await Briefs(database).read(job_id)
    if plan is None:
        return None
    has_text = await Articles(database).judged(job_id) is not None
    steps = await briefs.costs(database, config, job_id, plan)
    return {"job_id": job_id, "costs": steps, "has_text": has_text}


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
        revision=command.revision,
        reason=command.reason,
        by=who,
    )
    return f"job {row['job_id']} publishes ours in its place"


async def _change(config: Config, desk: Desk, command: Change, who: str) -> str:
    """Change or cut one text, and have the gates look at the article again."""
    job = await runs.find_job(desk.database, command.job)
    await changing.change(
        *(desk.app, desk.database, config, job, command.place, command.text),
        revision=command.revision,
        reason=command.reason,
        by=who,
    )
    done = "has other words" if command.text.strip() else "is cut"
    return f"{command.place} of job {job} {done}; the gates look at the article again"


async def _add_idea(config: Config, desk: Desk, command: AddIdea, who: str) -> str:
    """Keep what a person asks for, and begin its article."""
    try:
        due = date.fromisoformat(command.due) if command.due else None
    except ValueError:
        raise UserError(f"“{command.due}” is no day: write it as 2026-12-24") from None
    return await ideas.add(
        *(desk.app, config, desk.database, command.site, command.question),
        urls=command.urls.split(),
        due=due,
        wish=command.brief,
        reason=command.reason,
        by=who,
    )


async def _approve_idea(config: Config, desk: Desk, wish: Wish, who: str) -> str:
    """Have an idea written."""
    return await ideas.approve(
        *(desk.app, config, desk.database, wish.site, wish.slug), reason=wish.reason, by=who
    )


async def _drop_idea(config: Config, desk: Desk, wish: Drop, who: str) -> str:
    """Drop an idea."""
    return await ideas.drop(
        *(config, desk.database, wish.site, wish.slug), reason=wish.reason, by=who
    )
