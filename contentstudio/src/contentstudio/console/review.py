"""What waits for review as its reviewer sees it: a brief, or an article with its sources."""

from __future__ import annotations

from functools import partial
from typing import Any

from contentstudio.config import Config
from contentstudio.console.commands import Change
from contentstudio.review import brief_text, briefs, changing, gather, manuscript
from contentstudio.store.articles import Articles
from contentstudio.store.briefs import Briefs
from contentstudio.store.notes import Notes
from overnight.console.extension import Context, Verb
from overnight.errors import UserError
from overnight.operations import runs
from overnight.store.database import Database


def verbs(config: Config) -> dict[str, Verb]:
    return {
        "change-place": Verb(
            partial(_change, config),
            "A text of an article that waits for review is changed or cut; the rest stays.",
            Change,
            role="edit",
        ),
    }


async def dossier(config: Config, database: Database, job_id: str) -> dict[str, Any] | None:
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
    """The page of a job's article as its site will show it."""
    details = await gather(database, config, job_id)
    return details.page if details else None


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
