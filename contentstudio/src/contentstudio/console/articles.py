"""Articles: the list, one article with its life, its editor, and the buttons beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel

from contentstudio import articles
from contentstudio.config import Config
from contentstudio.console.commands import Back, Overwrite, Revise, Wish
from contentstudio.console.common import ROWS, chosen, names
from contentstudio.model import Draft
from contentstudio.review import (
    Dossier,
    briefs,
    costs,
    editing,
    gather,
    life,
    manuscript,
    reading,
)
from contentstudio.review.differences import Difference, differences
from contentstudio.store.articles import Articles, Matching
from contentstudio.store.notes import Notes
from contentstudio.store.publications import Publications
from overnight.console.extension import (
    Context,
    Found,
    Fragment,
    Page,
    SeeOther,
    Values,
    Verb,
)
from overnight.errors import NotFound, Permanent, UserError
from overnight.observability import charts
from overnight.operations import queries, runs
from overnight.operations.commands import parse
from overnight.store.database import Database, Row

PAGE_ROWS = 50  # of the list of articles
FOUND = 8  # articles that a search shows
MAX_BADGE = 100  # failed articles that are counted
MAX_HOURS = 24 * 31  # that a page looks back

SAYS: dict[articles.Verb, tuple[str, type[BaseModel]]] = {
    "publish": (
        "What waits for its day, its window or a last edit is published now; of another article "
        "what was approved last is published again.",
        Wish,
    ),
    "unpublish": ("An article is taken from readers; its versions are kept.", Wish),
    "rollback": ("An article goes back to the version before, or to a named one.", Back),
    "refresh": ("The sources of an article are read once more, and it is written again.", Wish),
}
OVER = (
    "An article that waits because of a person's version on its site is published in the "
    "place of that version."
)
REVISE = (
    "An article gets other words: of one that waits, these are checked again; of a published one a "
    "new version is checked and published."
)


def pages(config: Config) -> tuple[Page, ...]:
    of_article = "/articles/{site}/{slug}"
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
        Page(of_article, "article.html", partial(_article, config)),
        Page(f"{of_article}/edit", "editor.html", partial(_editor, config)),
        Page("/articles/{job}", "article.html", _article_of_job),
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
        "edit-article": Verb(partial(_revise, config), REVISE, Revise, role="edit"),
    }


def fragments(config: Config) -> dict[str, Fragment]:
    return {
        "check-words": Fragment("editor_checks.html", partial(_check_words, config), "edit"),
        "save-words": Fragment("editor.html", partial(_save_words, config), "edit"),
    }


async def search(database: Database, text: str) -> list[Found]:
    """The articles whose titles or slugs have words that begin so."""
    rows = await Articles(database).listed(Matching(text=text), FOUND)
    return [
        Found(path_of(row["site"], row["slug"]), row["title"], "article", _line(row))
        for row in rows
    ]


def _line(row: Row) -> str:
    return f"{row['site']}, {articles.FAILED if row['failed'] else row['state']}"


async def badges(database: Database) -> Mapping[str, int]:
    """How many articles failed and wait for somebody to try again."""
    return {"/articles": await Articles(database).failed_count(MAX_BADGE)}


def path_of(site: str, slug: str) -> str:
    """The page of an article."""
    return f"/articles/{quote(site, safe='')}/{quote(slug, safe='')}"


async def _articles(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """The articles of a site, or of all, a page at a time."""
    filters = {
        "site": chosen(config, values),
        "state": state if (state := values.get("state")) in articles.LISTED_STATES else None,
        "text": values.get("text", "").strip()[:200] or None,
    }
    rows = await articles.listed(
        *(config, context.database, filters["site"], PAGE_ROWS),
        state=filters["state"],
        text=filters["text"],
        before=articles.place(values.get("before", "")),
    )
    query = {name: value for name, value in filters.items() if value}
    older = {**query, "before": articles.mark(rows[-1])} if len(rows) == PAGE_ROWS else {}
    return {
        "rows": rows,
        "sites": names(config),
        "states": articles.LISTED_STATES,
        "is_filtered": bool(query),
        "older": urlencode(older),
        "path_of": path_of,
    }


async def _article_of_job(context: Context, values: Values) -> dict[str, Any]:
    """The article of a job has a page of its own."""
    job_id = await runs.find_job(context.database, values["job"])
    article = await Articles(context.database).of_job(job_id)
    if article is None:
        raise NotFound(f"job {job_id} has no article yet")
    raise SeeOther(path_of(*article))


async def _brief_of_job(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """The brief of a job, wherever the job is."""
    job_id = await runs.find_job(context.database, values["job"])
    plan = await briefs.gather(context.database, config, job_id)
    if plan is None:
        raise NotFound(f"job {job_id} has no brief: no article of it was planned yet")
    return {"job_id": job_id, "title": "Brief", "plan": plan}


async def _article(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """One article: where it is, its life, its text with what is doubtful, its versions and costs,
    and what can be done with it.
    """
    database, site, slug = context.database, values["site"], values["slug"]
    config.find(site)
    row = await _row(database, site, slug)
    publications = Publications(database)
    versions = await publications.versions(site, slug)
    standing = await publications.standing(site, slug)
    jobs = dict.fromkeys([row["job_id"], *(v["job_id"] for v in versions if v["latest"])])
    dossier = await _dossier(config, database, [job for job in jobs if job])
    draft, shown_job = await _draft(database, row, dossier)
    waiting = await queries.review(database, row["job_id"], 1) if row["job_id"] else []
    wait = await publications.wait(row["job_id"]) if row["job_id"] else None
    plan = await _brief(config, database, [job for job in jobs if job])
    moments = life.life(await Articles(database).life(site, slug))
    marks = dossier.marks if dossier and dossier.status == "needs_review" else ()
    parts = reading.parts(draft, marks) if draft else []
    return {
        "row": row,
        "versions": versions,
        "verbs": articles.permitted(
            *(row["state"], standing[0] if standing else None, versions), waits=bool(wait)
        ),
        "wait": wait,
        "waiting": waiting[0] if waiting else None,
        "is_left": bool(waiting) and articles.is_left(waiting[0]),
        "can_edit": _can_edit(row["state"], versions, dossier),
        "moments": moments,
        "failed": next((m for m in reversed(moments) if m.status == "dead"), None),
        "draft": draft,
        "shown_job": shown_job,
        "parts_of_text": parts,
        "elsewhere": reading.elsewhere(parts, marks),
        "dossier": dossier,
        "notes": await Notes(database).of_job(dossier.job_id) if dossier else [],
        "plan": plan,
        "costs": plan.costs if plan else (),
        "compared": await _compared(database, row, versions, draft, values),
        "saved": values.get("saved", ""),
        "path": path_of(site, slug),
    }


async def _row(database: Database, site: str, slug: str) -> Row:
    rows = await Articles(database).listed(Matching(site=site), 1, slug=slug)
    if not rows:
        raise NotFound(f"{site} has no article “{slug}”")
    return rows[0]


async def _dossier(config: Config, database: Database, jobs: Sequence[str]) -> Dossier | None:
    """What is known of the text of the first of some jobs that has one."""
    for job in jobs:
        if dossier := await gather(database, config, job):
            return dossier
    return None


async def _brief(
    config: Config, database: Database, jobs: Sequence[str]
) -> briefs.BriefDetails | None:
    for job in jobs:
        if plan := await briefs.gather(database, config, job):
            return plan
    return None


async def _draft(
    database: Database, row: Row, dossier: Dossier | None
) -> tuple[Draft | None, str | None]:
    """The text to show, and the job whose preview shows it: what was judged, else what was
    published last.
    """
    if dossier is not None:
        return dossier.draft, dossier.job_id
    version = await Publications(database).version(row["site"], row["slug"])
    if version is None:
        return None, None
    return Draft.model_validate(version["draft"]), version["job_id"]


def _can_edit(state: str, versions: Sequence[Row], dossier: Dossier | None) -> bool:
    """Whether there are words which nobody else is at work on."""
    waits = dossier is not None and (
        dossier.status == "needs_review" or (dossier.step, dossier.status) == ("confirm", "queued")
    )
    return waits or (state in ("published", "unpublished") and bool(versions))


async def _compared(
    database: Database, row: Row, versions: Sequence[Row], draft: Draft | None, values: Values
) -> dict[str, Any] | None:
    """Two versions and what they say otherwise: the two of the address, else what waits beside what
    stands, else the last two.
    """
    numbers = [version["number"] for version in versions]
    named = [int(n) for n in (values.get("from", ""), values.get("to", "")) if n.isdecimal()]
    if len(named) == 2 and set(named) <= set(numbers):
        pair: tuple[int, int | None] = (named[0], named[1])
    elif row["version"] and row["state"] not in ("published", "unpublished") and draft:
        pair = (row["version"], None)
    elif row["version"] and row["version"] > 1:
        pair = (row["version"] - 1, row["version"])
    else:
        return None
    before, after = [await _version(database, row, number, draft) for number in pair]
    if before is None or after is None:
        return None
    return {"before": pair[0], "after": pair[1], "differences": differences(before, after)}


async def _version(
    database: Database, row: Row, number: int | None, draft: Draft | None
) -> Draft | None:
    if number is None:
        return draft
    version = await Publications(database).version(row["site"], row["slug"], number)
    return Draft.model_validate(version["draft"]) if version else None


async def _editor(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """The words of an article. What the checks say of them is asked for by the page when it is
    there, or by a button: to check a long article takes longer than to show it.
    """
    site, slug = values["site"], values["slug"]
    words = await editing.read(context.database, config, site, slug)
    return _edited(site, slug, words, words.text)


def _edited(site: str, slug: str, words: editing.Words | None, text: str) -> dict[str, Any]:
    """The editor with a text. `words` are those that stand there; None where nobody may edit
    them now.
    """
    path = path_of(site, slug)
    return {
        **{"site": site, "slug": slug, "text": text, "words": words, "path": path},
        **{"here": f"{path}/edit", "reason": "", "problem": "", "theirs": []},
        "title": words.draft.title if words else slug,
        "revision": words.revision if words else "",
        **_looked(None),
    }


def _looked(look: editing.Look | None, error: str = "") -> dict[str, Any]:
    """What the checks say of words; or why these cannot be read."""
    parts = reading.parts(look.draft, look.marks) if look else []
    return {
        "look": look,
        "parts_of_text": parts,
        "elsewhere": reading.elsewhere(parts, look.marks) if look else [],
        "error": error,
    }


async def _check_words(
    config: Config, context: Context, form: Mapping[str, str], _: str
) -> dict[str, Any]:
    """What the checks say of words while somebody writes them. Nothing is changed."""
    database, site, slug = context.database, form.get("site", ""), form.get("slug", "")
    try:
        words = await editing.read(database, config, site, slug)
        return _looked(await editing.look(database, config, words, form.get("words", "")))
    except (UserError, Permanent) as error:
        return _looked(None, str(error))


async def _save_words(
    config: Config, context: Context, form: Mapping[str, str], who: str
) -> dict[str, Any]:
    """Save words, and go to their article. Where that cannot be the editor comes back with them,
    beside what stands there by now.
    """
    database, site, slug = context.database, form.get("site", ""), form.get("slug", "")
    text, revision = form.get("words", ""), form.get("revision", "")
    shown = {**_edited(site, slug, None, text), "revision": revision}
    try:
        words = await editing.read(database, config, site, slug)
        shown = _edited(site, slug, words, text)
        if not (revision and words.revision.startswith(revision)):
            shown["theirs"] = _apart(words, text)
        shown |= _looked(await editing.look(database, config, words, text))
        if form.get("only") == "check":
            return {**shown, "revision": revision, "reason": form.get("reason", "")}
        command = parse(Revise, {name: form.get(name, "") for name in Revise.model_fields})
        done = await _revise(config, context, command, who)
    except (UserError, Permanent) as error:
        return {**shown, "reason": form.get("reason", ""), "problem": str(error)}
    saved = urlencode({"saved": command.revision, "done": done})
    raise SeeOther(f"{shown['path']}?{saved}")


def _apart(words: editing.Words, text: str) -> list[Difference]:
    """What stands there by now beside what somebody wrote, where that can be read."""
    try:
        return differences(words.draft, manuscript.read(text, words.draft))
    except UserError:
        return []


async def _night_articles(context: Context, values: Values) -> dict[str, Any]:
    """The articles on which was worked in the last hours, with what each and each step costs."""
    hours = min(int(values.get("hours", "24")), MAX_HOURS) if _is_number(values) else 24
    since = await charts.ago(context.database, timedelta(hours=hours))
    rows = await costs.of_night(context.database, since, ROWS)
    return {"rows": rows, "costs": costs.by_step(rows), "hours": hours, "limit": ROWS}


def _is_number(values: Values) -> bool:
    hours = values.get("hours", "")
    return hours.isdecimal() and 0 < len(hours) <= 6 and int(hours) > 0


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


async def _revise(config: Config, context: Context, command: Revise, who: str) -> str:
    """Give an article other words."""
    return await editing.save(
        *(context.app, context.database, config, command.site, command.slug, command.words),
        revision=command.revision,
        reason=command.reason,
        by=who,
    )
