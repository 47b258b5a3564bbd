"""What an owner asks of one article: publish, unpublish, roll back, refresh; or to overwrite what a
person made of it.

The last one decides a review. Each other one is a job of its own, so that kill switches hold it and
what it writes outside is recorded. The audit log says who asked, and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from contentstudio.config import Config, Static
from contentstudio.pipelines.work import ArticleRequest, SiteRequest
from contentstudio.store.articles import STATES, Articles, Matching, Place
from contentstudio.store.publications import Publications
from overnight import App
from overnight.engine.wakeups import hint
from overnight.errors import NotFound, UserError
from overnight.names import among, nearest
from overnight.operations import actors, reviews, runs
from overnight.operations import queries as lists
from overnight.operations.decisions import Edit
from overnight.store.database import Database, Row

Verb = Literal["publish", "unpublish", "rollback", "refresh"]
VERBS: tuple[Verb, ...] = get_args(Verb)
PIPELINES: dict[Verb, str] = {
    "publish": "publish",
    "unpublish": "unpublish",
    "rollback": "rollback",
    "refresh": "rewrite",
}
LISTED = 1_000  # articles of a site among which a misspelt slug is looked for
MARK_DIGITS = 16  # of the microseconds since 1970 until the year 2286
FAILED = "failed"  # lists take it for a state: the job of such an article is a dead letter
LISTED_STATES: tuple[str, ...] = (*STATES, FAILED)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Started:
    """The job that carries out a wish, and the wish as a clause; `new` is False where it was begun
    a moment ago.
    """

    job_id: str
    new: bool
    what: str

    def said(self) -> str:
        """One sentence for who asked."""
        return f"{self.what}: job {self.job_id} {'is queued' if self.new else 'was begun already'}"


async def ask(
    app: App,
    config: Config,
    database: Database,
    verb: Verb,
    site: str,
    slug: str,
    *,
    version: int | None = None,
    reason: str = "",
    by: str | None = None,
) -> Started:
    """Begin what a person asks for. Raises `UserError` for a site, slug or version that there is
    not, or where it would do nothing.
    """
    config.find(site)
    by, reason = by or actors.whoami(), reason.strip()
    if verb == "publish" and (job := await _publish_now(database, site, slug, reason, by)):
        return Started(job, True, f"publish “{slug}” of {site} now")
    article = await _find(database, site, slug)
    publications = Publications(database)
    versions = await publications.versions(site, slug)
    number = decide(verb, article, versions, version)
    requested_at = _requested_at(verb, await publications.now())
    request = ArticleRequest(site=site, slug=slug, requested_at=requested_at, version=number)
    job, new = await runs.start(app, database, PIPELINES[verb], request, by=by, reason=reason)
    to = f" to version {number} of {len(versions)}" if number is not None else ""
    return Started(job, new, f"{verb} “{slug}” of {site}{to}")


async def render(
    app: App,
    config: Config,
    database: Database,
    site: str,
    *,
    reason: str = "",
    by: str | None = None,
) -> Started:
    """Begin to make the pages of a static site again. Raises `UserError` for another one."""
    if not isinstance(config.find(site).publish, Static):
        raise UserError(
            f"the pages of “{site}” are made where it is published, so there is nothing "
            "to render here"
        )
    work = SiteRequest(site=site, requested_at=await Publications(database).now())
    job, new = await runs.start(
        app, database, "render", work, by=by or actors.whoami(), reason=reason.strip()
    )
    return Started(job, new, f"render the pages of {site}")


async def _publish_now(
    database: Database, site: str, slug: str, reason: str, by: str
) -> str | None:
    """Release what waits for its day, its window or a last edit: its job; None where nothing
    does.
    """
    article = await Articles(database).read(site, slug)
    job = article.job_id if article else None
    if job is None or not await Publications(database).publish_now(job, reason, by):
        return None
    await hint(database)
    return job


def decide(
    verb: Verb, article: Row, versions: Sequence[Row], version: int | None = None
) -> int | None:
    """The number of the version that a rollback goes to; None for other verbs. Pure.

    Raises `UserError` where the verb makes no sense as the article stands.
    """
    slug, state = article["slug"], article["state"]
    if verb == "unpublish" and state == "unpublished":
        raise UserError(f"“{slug}” is unpublished already")
    if verb == "refresh" and state == "unpublished":
        raise UserError(f"“{slug}” is unpublished: publish it first, then refresh it")
    if verb == "refresh" and not article["has_sources"]:
        raise UserError(f"the sources of “{slug}” are not known, so it cannot be written again")
    if verb != "rollback":
        return None
    return _target(slug, state, versions, version)


def _target(slug: str, state: str, versions: Sequence[Row], version: int | None) -> int:
    numbers = {int(row["number"]): row for row in versions}
    latest = next((row["number"] for row in versions if row["latest"]), None)
    if latest is None:
        raise UserError(f"“{slug}” has no version yet: it was never published")
    if version is not None:
        if version not in numbers:
            raise UserError(
                f"“{slug}” has no version {version}; its versions are 1 to {len(versions)}"
            )
        if version == latest and state != "unpublished":
            raise UserError(f"version {version} of “{slug}” is the one that stands there")
        return version
    if state == "unpublished":
        raise UserError(f"“{slug}” is unpublished: publish it first, or name a version with --to")
    before = [number for number, row in numbers.items() if number < latest and not row["withdrawn"]]
    if not before:
        later = " (a later one: --to N)" if len(versions) > 1 else ""
        raise UserError(
            f"version {latest} of “{slug}” stands there, and there is none before it{later}"
        )
    return max(before)


def _requested_at(verb: Verb, now: datetime) -> datetime:
    """What tells one request from the next. A refresh costs money, so that of one minute is
    one request.
    """
    return now.replace(second=0, microsecond=0) if verb == "refresh" else now


def permitted(
    state: str, standing: Row | None, versions: Sequence[Row], *, waits: bool = False
) -> list[Verb]:
    """What can be asked of an article in this state that stands so on its site, as
    `Publications.standing` tells it; None: it was never on its way there. `waits` is that of
    `Publications.wait`. Pure.
    """
    if standing is None:
        return ["publish"] if waits else []
    is_there = standing["state"] == "published" and state != "ready" and not waits
    verbs = [verb for verb in VERBS if not (verb == "publish" and is_there)]
    return [verb for verb in verbs if _makes_sense(verb, standing, versions)]


def _makes_sense(verb: Verb, standing: Row, versions: Sequence[Row]) -> bool:
    try:
        decide(verb, standing, versions)
    except UserError:
        return False
    return True


def is_left(row: Row) -> bool:
    """Whether a row of `queries.review` is an article that met a person's version."""
    return (
        row["step"] == "publish"
        and isinstance(row["output"], dict)
        and row["output"].get("over") is not None
    )


async def overwrite(
    app: App,
    database: Database,
    job_id: str,
    *,
    revision: str | None = None,
    reason: str,
    by: str | None = None,
) -> Row:
    """Publish ours in the place of the person's version that a review found, or took away; the
    run's row.

    It holds for that very version: where it was changed again since, the job goes to review again.
    `revision` is that of what the reviewer saw, if they say it. Raises `UserError` where nothing of
    the job waits for that.
    """
    if not reason.strip():
        raise UserError("say why it is written over: the reason is kept")
    rows = [row for row in await lists.review(database, job_id) if is_left(row)]
    if not rows:
        raise UserError(
            f"job {job_id} does not wait because of a person's version on its site: show "
            "tells where it stands"
        )
    (row,) = rows
    decision = Edit(
        revision or row["revision"],
        {**row["input"], "over": row["output"]["over"]},
        f"overwrite: {reason.strip()}",
    )
    return await reviews.decide(app, database, job_id, decision, by=by)


async def _find(database: Database, site: str, slug: str) -> Row:
    publications = Publications(database)
    if found := await publications.standing(site, slug):
        return found[0]
    if article := await Articles(database).read(site, slug):
        raise NotFound(
            f"“{slug}” of {site} is in the state {article.state}, and was not published before"
        )
    rows = await publications.standing(site, limit=LISTED)
    if not rows:
        raise NotFound(
            f"nothing was published on “{site}” from here yet, so there is no article “{slug}”"
        )
    slugs = [row["slug"] for row in rows]
    near = nearest(slug, slugs) or among(slug, slugs)
    raise NotFound(f"{site} has no article “{slug}”{near}")


async def listed(
    config: Config,
    database: Database,
    site: str | None,
    limit: int,
    *,
    state: str | None = None,
    text: str | None = None,
    before: Place | None = None,
) -> list[dict[str, Any]]:
    """The articles of a site, or of all, the latest to change first: those in a state, and with
    these beginnings of words in title or slug, where they are given.

    Raises `UserError` for a site or a state that there is not.
    """
    if site is not None:
        config.find(site)
    if state is not None and state not in LISTED_STATES:
        raise UserError(f"there is no state “{state}”; there are: {', '.join(LISTED_STATES)}")
    return await Articles(database).listed(Matching(site, state, text), limit, before=before)


def mark(row: Row) -> str:
    """The place of an article in a list, as an address has it."""
    return f"{(row['at'] - EPOCH) // timedelta(microseconds=1)}/{row['site']}/{row['slug']}"


def place(mark: str) -> Place | None:
    """The place that an address names; None where it names none."""
    moment, _, rest = mark.partition("/")
    site, _, slug = rest.partition("/")
    if not (moment.isdecimal() and len(moment) <= MARK_DIGITS and slug):
        return None
    return EPOCH + timedelta(microseconds=int(moment)), site, slug


async def versions(
    config: Config, database: Database, site: str, slug: str
) -> list[dict[str, Any]]:
    """The versions of an article, the first one first. Raises `UserError` for an article that there
    is not.
    """
    config.find(site)
    await _find(database, site, slug)
    return await Publications(database).versions(site, slug)
