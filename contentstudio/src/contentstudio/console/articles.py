"""Articles: the list, one article, its brief, and the buttons beside them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import BaseModel

from contentstudio import articles
from contentstudio.config import Config
from contentstudio.console.commands import Back, Overwrite, Wish
from contentstudio.console.common import ROWS, chosen, names
from contentstudio.review import briefs, costs, gather
from contentstudio.store.notes import Notes
from overnight.console.extension import Context, Page, Values, Verb
from overnight.errors import NotFound
from overnight.observability import charts
from overnight.operations import runs

MAX_HOURS = 24 * 31  # that a page looks back

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


def pages(config: Config) -> tuple[Page, ...]:
    return (
        Page(
            "/articles",
            "articles.html",
            partial(_articles, config),
            "Articles",
            "p",
            "desk",
            "article",
        ),
        Page("/articles/{job}", "of_job.html", partial(_article_of_job, config)),
        Page("/briefs/{job}", "of_job.html", partial(_brief_of_job, config)),
        Page("/night", "articles_of_night.html", _night_articles),
    )


def verbs(config: Config) -> dict[str, Verb]:
    return {
        **{
            f"{verb}-article": Verb(partial(_ask, config, verb), *says)
            for verb, says in SAYS.items()
        },
        "overwrite-article": Verb(
            _overwrite, OVER, Overwrite, "Publish ours in its place", articles.is_left
        ),
    }


async def _night_articles(context: Context, values: Values) -> dict[str, Any]:
    """The articles on which was worked in the last hours, with what each and each step costs."""
    hours = min(int(values.get("hours", "24")), MAX_HOURS) if _is_number(values) else 24
    since = await charts.ago(context.database, timedelta(hours=hours))
    rows = await costs.of_night(context.database, since, ROWS)
    return {"rows": rows, "costs": costs.by_step(rows), "hours": hours, "limit": ROWS}


def _is_number(values: Values) -> bool:
    hours = values.get("hours", "")
    return hours.isdecimal() and 0 < len(hours) <= 6 and int(hours) > 0


async def _article_of_job(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """The article of a job as its gates saw it last, wherever the job is."""
    job_id = await runs.find_job(context.database, values["job"])
    details = await gather(context.database, config, job_id)
    if details is None:
        raise NotFound(f"job {job_id} has no article yet: no gate has seen one")
    notes = await Notes(context.database).of_job(job_id)
    shown = {"dossier": details, "notes": notes, "has_preview": details.page is not None}
    return {"job_id": job_id, "title": "Article", **shown}


async def _brief_of_job(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """The brief of a job, wherever the job is."""
    job_id = await runs.find_job(context.database, values["job"])
    plan = await briefs.gather(context.database, config, job_id)
    if plan is None:
        raise NotFound(f"job {job_id} has no brief: no article of it was planned yet")
    return {"job_id": job_id, "title": "Brief", "plan": plan, "has_preview": False}


async def _articles(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """The published articles of a site, or of all."""
    site = chosen(config, values)
    rows = await articles.listed(config, context.database, site, ROWS)
    return {"rows": rows, "sites": names(config), "limit": ROWS}


async def _ask(config: Config, verb: articles.Verb, context: Context, wish: Wish, who: str) -> str:
    """Begin what a person asks of an article; where to follow it."""
    started = await articles.ask(
        *(context.app, config, context.database, verb, wish.site, wish.slug),
        version=wish.to if isinstance(wish, Back) else None,
        reason=wish.reason,
        by=who,
    )
    return started.said()


async def _overwrite(context: Context, command: Overwrite, who: str) -> str:
    """Publish ours in the place of the person's version that a review shows."""
    row = await articles.overwrite(
        context.app,
        context.database,
        command.job,
        revision=command.revision,
        reason=command.reason,
        by=who,
    )
    return f"job {row['job_id']} publishes ours in its place"
