"""Review: what waits for a person, and each of it as its reviewer sees it: a brief, or an article
with its doubtful sentences beside their sources.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from contentstudio.config import Config
from contentstudio.console.commands import Change
from contentstudio.review import Dossier, brief_text, briefs, changing, gather, manuscript, reading
from contentstudio.review.dossier import page_of
from contentstudio.store.articles import Articles
from contentstudio.store.briefs import Briefs
from contentstudio.store.notes import Notes
from contentstudio.store.publications import Publications
from overnight.console.extension import Context, Page, Values, Verb
from overnight.errors import NotFound, UserError
from overnight.operations import queries, runs
from overnight.store.database import Database, Row

PAGE_ROWS = 50  # of the list
MOMENT_DIGITS, NUMBER_DIGITS = 16, 18  # of a place in the list: microseconds since 1970, and a run
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def pages(config: Config) -> tuple[Page, ...]:
    return (
        Page("/review", "reviews.html", _reviews, "Review", "v", "desk", "review"),
        Page("/review/{job}", "review_article.html", partial(_item, config), under="/review"),
    )


def verbs(config: Config) -> dict[str, Verb]:
    return {
        "change-place": Verb(
            partial(_change, config),
            "A text of an article that waits for review is changed or cut; the rest stays.",
            Change,
            role="edit",
        ),
    }


async def _reviews(context: Context, values: Values) -> dict[str, Any]:
    """What waits for a person, the oldest first, a page at a time."""
    rows = await Articles(context.database).waiting(PAGE_ROWS, _place(values.get("before", "")))
    later = urlencode({"before": _mark(rows[-1])}) if len(rows) == PAGE_ROWS else ""
    return {"rows": rows, "later": later}


def _mark(row: Row) -> str:
    """The place of a row in the list, as an address has it."""
    return f"{(row['since'] - EPOCH) // timedelta(microseconds=1)}-{row['id']}"


def _place(mark: str) -> tuple[datetime, int] | None:
    moment, _, number = mark.partition("-")
    is_mark = moment.isdecimal() and number.isdecimal()
    if not is_mark or len(moment) > MOMENT_DIGITS or len(number) > NUMBER_DIGITS:
        return None
    return EPOCH + timedelta(microseconds=int(moment)), int(number)


async def _item(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """What waits for a person about a job: its brief, else its article, else what its step gave."""
    database = context.database
    job_id = await runs.find_job(database, values["job"])
    rows = await queries.review(database, job_id, 1)
    if not rows:
        raise NotFound(f"nothing of job {job_id} waits for review any more")
    own = [(name, verb.label) for name, verb in context.own.verbs.items() if verb.fits(rows[0])]
    shown = {"row": rows[0], "verbs": own}
    plan = await briefs.gather(database, config, job_id)
    if plan is not None and plan.waits:
        return {**shown, "kind": "brief", "title": plan.brief.titles[0], **_of_brief(plan)}
    details = await gather(database, config, job_id)
    if details is None or details.status != "needs_review":
        title = (await Articles(database).titles([job_id])).get(job_id, rows[0]["pipeline"])
        return {**shown, "kind": "other", "title": title, "dossier": details}
    notes = await Notes(database).of_job(job_id)
    return {**shown, "kind": "article", "title": details.draft.title, **_of_article(details, notes)}


def _of_brief(plan: briefs.BriefDetails) -> dict[str, Any]:
    return {"plan": plan, "words": brief_text.write(plan.brief)}


def _of_article(details: Dossier, notes: list[Row]) -> dict[str, Any]:
    """An article with what is doubtful about it beside its texts."""
    parts = reading.parts(details.draft, details.marks)
    elsewhere = reading.elsewhere(parts, details.marks)
    return {"dossier": details, "parts_of_text": parts, "elsewhere": elsewhere, "notes": notes}


async def edited(config: Config, database: Database, job_id: str, words: str) -> dict[str, Any]:
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


async def preview(config: Config, database: Database, job_id: str) -> str | None:
    """The page of a job's article as its site will show it, or does where it was published."""
    details = await gather(database, config, job_id)
    if details is not None:
        return details.page
    published = await Publications(database).of_job(job_id)
    return await page_of(database, config, *published) if published else None


async def job(config: Config, database: Database, job_id: str) -> dict[str, Any] | None:
    """What each step of an article was estimated to cost, and is booked, and whether gates have
    seen it; None without a brief.
    """
    plan = await Briefs(database).read(job_id)
    if plan is None:
        return None
    has_text = await Articles(database).judged(job_id) is not None
    steps = await briefs.costs(database, config, job_id, plan)
    return {"job_id": job_id, "costs": steps, "has_text": has_text}


async def _change(config: Config, context: Context, command: Change, who: str) -> str:
    """Change or cut one text, and have the gates look at the article again."""
    job = await runs.find_job(context.database, command.job)
    await changing.change(
        *(context.app, context.database, config, job, command.place, command.text),
        revision=command.revision,
        reason=command.reason,
        by=who,
    )
    done = "has other words" if command.text.strip() else "is cut"
    return f"{command.place} of job {job} {done}; the gates look at the article again"
