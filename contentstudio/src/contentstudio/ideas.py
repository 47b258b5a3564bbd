"""What an owner does with the ideas of a site: list, add, approve and drop them, and see what is to
come.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pydantic import ValidationError

from contentstudio.config import Config, windows
from contentstudio.pipelines.ids import article_job
from contentstudio.pipelines.wishes import PUBLIC, WishedIdea, Wishes, day_of
from contentstudio.pipelines.work import IdeaRequest, Topic
from contentstudio.research import ideas as research
from contentstudio.store.demands import Demands
from contentstudio.store.documents import Documents
from contentstudio.store.ideas import Ideas, Worth
from contentstudio.store.publications import Publications
from contentstudio.store.quota import Quota
from overnight import App
from overnight.engine.wakeups import hint
from overnight.errors import NotFound, UserError, first_fault
from overnight.operations import actors, runs
from overnight.store.database import Database, Row

SHOWS = ("open", "undecided", "planned", "published", "unwanted")
ORDERS = ("hand", "score", "due", "new")
PLACES = ("first", "up", "down", "before", "after", "none")
PAGE = 50  # ideas of a page
MEANS = {  # what a factor of 1 says
    "substance": "its pages say a lot",
    "freshness": "its pages are new",
    "support": "several hosts tell it",
    "demand": "people look for it",
    "fit": "it fits what the site writes of",
    "competition": "no page of the site is on it yet",
    "urgency": "its due day is near",
}
# Until these a person may drop an idea; later on they reject or unpublish its article.
EARLY = (None, "idea", "researching", "briefed", "rejected")


async def listed(
    config: Config, database: Database, site: str | None, days: int
) -> list[dict[str, Any]]:
    """The ideas of a site, or of all, the latest first. Raises `ConfigError` for a site that there
    is not.
    """
    if site is not None:
        config.find(site)
    today = await _today(config, database)
    return [_shown(config, row, today) for row in await Ideas(database).recent(site, days)]


async def page(
    config: Config,
    database: Database,
    site: str | None,
    *,
    show: str = SHOWS[0],
    order: str = ORDERS[0],
    after: tuple[float, str, str] | None = None,
    limit: int = PAGE,
) -> list[dict[str, Any]]:
    """A page of ideas, each with its score in parts. The next page begins after the highest `rank`,
    site and slug of this one. Raises `ConfigError` for a site that there is not.
    """
    if site is not None:
        config.find(site)
    today = await _today(config, database)
    rows = await Ideas(database).page(site, show, order, after, limit, _worth(config, today))
    shown = [_shown(config, {**row, "due": row["due"] and str(row["due"])}, today) for row in rows]
    return [{**row, "parts": parts(config, row["factors"])} for row in shown]


def parts(config: Config, factors: Mapping[str, float]) -> list[dict[str, Any]]:
    """What each factor adds to a score, the most first: `points` add up to it, `value` is the
    factor itself, and `means` says what it is. Pure.
    """
    weights: dict[str, float] = config.research.weights.model_dump()
    total = sum(weights.get(name, 0.0) for name in factors) or 1.0
    rows = [
        {
            "name": name,
            "value": value,
            "points": weights.get(name, 0.0) * value / total,
            "means": MEANS.get(name, ""),
        }
        for name, value in factors.items()
    ]
    return sorted(rows, key=lambda row: (-row["points"], row["name"]))


async def shown(config: Config, database: Database, site: str, slug: str) -> dict[str, Any]:
    """All that is known of an idea. Raises `UserError` for one that there is not."""
    row = await _find(config, database, site, slug)
    texts = await Ideas(database).texts(site, slug)
    days = {name: row[name].isoformat() if row[name] else None for name in ("due", "found_on")}
    sources = [{"url": text.url, "title": text.title} for text in texts]
    whole = {**row, "site": site, "slug": slug, **days, "sources": sources}
    return _shown(config, whole, await _today(config, database))


async def add(
    app: App,
    config: Config,
    database: Database,
    site: str,
    question: str,
    *,
    urls: list[str] | None = None,
    due: date | None = None,
    wish: str = "",
    reason: str = "",
    by: str | None = None,
) -> str:
    """Keep what a person asks for, and begin its article: one sentence on what was done.

    Raises `UserError` for what is no question, URL or site, and for an article that there is.
    """
    by = by or actors.whoami()
    try:
        request = IdeaRequest(
            site=site, question=question, urls=tuple(urls or ()), due=due, wish=wish, by=by
        )
    except ValidationError as error:
        raise UserError(f"the idea cannot be kept: {first_fault(error)}") from None
    now = await Publications(database).now()
    day = day_of(config, now)
    if due is not None and due < day:
        raise UserError(f"{due} is past: name a day from {day} on")
    idea = await _wishes(config, database).keep(request, now, reason)
    return await _begun(app, database, idea, day, by)


async def approve(
    app: App,
    config: Config,
    database: Database,
    site: str,
    slug: str,
    *,
    reason: str = "",
    by: str | None = None,
) -> str:
    """Have an idea written that was passed over, dropped, or could not be written: one sentence.
    Raises `UserError` for one that there is not, or whose article readers had.
    """
    row, by = await _find(config, database, site, slug), by or actors.whoami()
    now = await Publications(database).now()
    request = IdeaRequest(site=site, question=row["title"], wish=row["wish"], by=by)
    wish = await _wishes(config, database).begin(
        request, slug, row, now, reason or f"{by} approved it"
    )
    return await _begun(app, database, wish, day_of(config, now), by)


async def drop(
    config: Config,
    database: Database,
    site: str,
    slug: str,
    *,
    reason: str,
    by: str | None = None,
) -> str:
    """Drop an idea, and keep stories that are near it away: one sentence. A job that was begun for
    it is cancelled. Raises `UserError` for one that there is not, or that is written already.
    """
    if not reason.strip():
        raise UserError("say why it is dropped: the reason is kept")
    row, by = await _find(config, database, site, slug), by or actors.whoami()
    if row["state"] not in EARLY:
        verb = "unpublish" if row["state"] in PUBLIC else "reject"
        raise UserError(f"“{slug}” of {site} is {row['state']}: {verb} its article instead")
    if row["active"]:
        await runs.cancel(database, row["job_id"], reason=reason, by=by)
    await Ideas(database).drop(site, slug, reason.strip(), by)
    return f"“{row['title']}” of {site} is dropped"


async def move(
    app: App,
    config: Config,
    database: Database,
    site: str,
    slug: str,
    due: date | None,
    *,
    reason: str = "",
    by: str | None = None,
) -> str:
    """Give an idea another due day, or none, and begin its article if it is time: one sentence.
    Raises `UserError` for a day that is past, and for an idea that is not to be written, or whose
    article readers have.
    """
    row, by = await _find(config, database, site, slug), by or actors.whoami()
    today = await _today(config, database)
    if due is not None and due < today:
        raise UserError(f"{due} is past: name a day from {today} on")
    if await Ideas(database).move(site, slug, due, reason.strip(), by) is None:
        status = _status(row)
        todo = ": approve it first" if status in ("skipped", "dropped", "rejected") else ""
        raise UserError(f"“{slug}” of {site} is {status} and has no day to move{todo}")
    await hint(database)
    moved = f"“{row['title']}” of {site} " + (f"is due on {_named(due)}" if due else "has no day")
    if row["job_id"] is not None:
        return moved
    begins = due - timedelta(days=config.research.lead_days) if due else today + timedelta(days=1)
    if begins > today:
        return f"{moved}; its article begins on {_named(begins)}"
    topic = Topic(site=site, slug=slug, date=today)
    await Ideas(database).begin(site, slug, article_job(topic))
    await runs.start(app, database, "article", topic, by=by, reason="an idea that is due")
    return f"{moved}; its article begins now"


async def put(
    config: Config,
    database: Database,
    site: str,
    slug: str,
    to: str,
    *,
    beside: str = "",
    reason: str = "",
    by: str | None = None,
) -> str:
    """Give an idea its place in the order of its site, one of `PLACES`; one sentence. Articles
    begin in that order. Raises `UserError` for an idea that there is not, or that has no place as
    it is not to be written any more.
    """
    if to not in PLACES or (to in ("before", "after")) != bool(beside):
        raise UserError("the place is first, up, down or none, or before or after another idea")
    if beside == slug:
        raise UserError("an idea has no place beside itself: name another one")
    row, by = await _find(config, database, site, slug), by or actors.whoami()
    other = await _find(config, database, site, beside) if beside else None
    worth = _worth(config, await _today(config, database))
    place = await Ideas(database).order(site, slug, to, beside, worth, reason=reason.strip(), by=by)
    if place is None:
        ended = f"“{beside}” is {_status(other)}" if other else f"“{slug}” is {_status(row)}"
        raise UserError(f"{ended}: only ideas that are to be written have a place in the order")
    where = f"has place {place} of {site}" if place else f"has its place in {site} by its score"
    return f"“{row['title']}” {where}"


def _worth(config: Config, today: date) -> Worth:
    weights = config.research.weights.model_dump()
    return Worth(today, research.URGENT_DAYS, weights)


def _named(day: date) -> str:
    return f"{day:%A}, {day}"


def due_day(text: str) -> date | None:
    """A day as people write it; None for no text. Raises `UserError`."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UserError(f"“{text}” is no day: write it as 2026-12-24") from None


async def calendar(config: Config, database: Database, site: str | None) -> list[dict[str, Any]]:
    """What is to come on each site: how many articles have a place today, when its window opens,
    and every idea and article on its way, those with a due date first.
    """
    names = [config.find(site).name] if site else [each.name for each in config.site]
    now = await Publications(database).now()
    rows = await Ideas(database).calendar(site)
    return [
        {
            "site": name,
            "today": await Quota(database).count(name),
            "per_day": config.find(name).gates.per_day,
            "opens_in": windows.opens_in(config.find(name).window, now),
            "articles": [_planned(config, row) for row in rows if row["site"] == name],
        }
        for name in names
    ]


def _planned(config: Config, row: Row) -> dict[str, Any]:
    begins = row["due"] - timedelta(days=config.research.lead_days) if row["due"] else None
    waits = row["state"] == "idea" and row["job_id"] is None and begins
    return {
        **{name: row[name] for name in ("slug", "title", "state", "job_id")},
        "due": row["due"].isoformat() if row["due"] else None,
        "begins": begins.isoformat() if waits and begins else None,
    }


async def _begun(app: App, database: Database, wish: WishedIdea, day: date, by: str) -> str:
    """Begin the article of what is kept, if it is time: one sentence."""
    what = f"“{wish.title}” of {wish.topic.site} ({wish.topic.slug})"
    if wish.job_id is not None:
        return f"{what}: job {wish.job_id} was begun already"
    if wish.begins > day:
        return f"{what} is kept; its article begins on {wish.begins}"
    job, new = await runs.start(app, database, "article", wish.topic, by=by, reason="an idea")
    return f"{what}: job {job} {'is queued' if new else 'was begun already'}"


async def _find(config: Config, database: Database, site: str, slug: str) -> Row:
    config.find(site)
    row = await Ideas(database).find(site, slug)
    if row is None:
        raise NotFound(f"{site} has no idea “{slug}”: idea list shows them")
    return row


def _shown(config: Config, row: Row, today: date) -> dict[str, Any]:
    """An idea with its status, and its score of today: a due date that comes nearer raises it."""
    factors, score = dict(row["factors"]), row["score"]
    if row["due"]:
        factors["urgency"] = round(research.urgency(date.fromisoformat(row["due"]), today), 3)
        score = round(research.score(factors, config.research.weights), 4)
    return {**row, "factors": factors, "score": score, "status": _status(row)}


def _status(row: Row) -> str:
    """Where an idea is: as its article says, once it has one."""
    if row["decision"] == "create":
        return str(row["state"] or "idea")
    return {"skip": "skipped", "drop": "dropped", "update": "update"}[row["decision"]]


def _wishes(config: Config, database: Database) -> Wishes:
    return Wishes(config, Ideas(database), Documents(database), Demands(database))


async def _today(config: Config, database: Database) -> date:
    return day_of(config, await Publications(database).now())
