"""Ideas that people ask for: by command, console, API or webhook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from contentstudio.brief import Idea, Signal
from contentstudio.config import Config, Site
from contentstudio.pipelines.ids import article_id, article_job
from contentstudio.pipelines.work import (
    Ctx,
    IdeaRequest,
    IdeaResult,
    RequestedTopic,
    SiteNight,
    Topic,
)
from contentstudio.research import ideas as research
from contentstudio.store.demands import Demands
from contentstudio.store.documents import Documents
from contentstudio.store.ideas import Ideas
from contentstudio.text.slugs import slug_of
from overnight import Cancel
from overnight.errors import UserError
from overnight.store.database import Row

PUBLIC = ("published", "unpublished", "refreshing")  # states of an article that readers had


@dataclass(frozen=True, slots=True)
class WishedIdea:
    """An idea that is kept: on which day its article begins, and by which job; `job_id` is that of
    the job which was begun before, where there is one.
    """

    topic: Topic
    title: str
    begins: date
    job_id: str | None = None


def day_of(config: Config, moment: datetime) -> date:
    """The day of a moment, in the schedule's zone."""
    return moment.astimezone(ZoneInfo(config.research.timezone)).date()


class Wishes:
    """Keeps what people ask for."""

    def __init__(
        self, config: Config, ideas: Ideas, documents: Documents, demands: Demands
    ) -> None:
        self._config = config
        self._ideas = ideas
        self._documents = documents
        self._demands = demands

    async def keep(self, request: IdeaRequest, now: datetime, reason: str = "") -> WishedIdea:
        """Keep an idea of a person. Raises `UserError` for a site that there is not,
        and where the site has such an article already.
        """
        site, title = self._config.find(request.site), " ".join(request.question.split())
        slug = await self._ideas.slug_for(site.name, title, {})
        known = await self._ideas.find(site.name, slug)
        is_free = slug != slug_of(title) or await self._ideas.is_free(site.name, title, {})
        if known is None and not is_free:
            raise UserError(f"{site.name} has a post “{slug}” already: ask another question")
        return await self.begin(request, slug, known, now, reason)

    async def begin(
        self, request: IdeaRequest, slug: str, known: Row | None, now: datetime, reason: str = ""
    ) -> WishedIdea:
        """Have the idea under a slug written. Raises `UserError` where readers have its article."""
        site, title = self._config.find(request.site), " ".join(request.question.split())
        day = day_of(self._config, now)
        if known is not None and known["state"] in PUBLIC:
            raise UserError(
                f"“{slug}” of {site.name} is {known['state']}: to have it written again, refresh it"
            )
        if known is not None and known["active"]:
            topic = Topic(site=site.name, slug=slug, date=known["found_on"])
            return WishedIdea(topic, known["title"], day, known["job_id"])
        due = request.due or (known["due"] if known else None)
        begins = max(day, due - timedelta(days=self._lead)) if due else day
        topic = Topic(site=site.name, slug=slug, date=day)
        if known is not None and known["job_id"] == article_job(topic):  # it ended today
            topic = RequestedTopic(site=site.name, slug=slug, date=day, requested_at=now)
        factors = await self._factors(site, title)
        await self._ideas.add(
            Idea(
                site=site.name,
                slug=slug,
                found_on=day,
                title=known["title"] if known else title,
                origin="wish",
                signals=(Signal(kind="wish", text=title),),
                urls=request.urls,
                wish=request.wish.strip(),
                due=due,
            ),
            factors=factors,
            score=round(research.score(factors, self._config.research.weights), 4),
            reason=reason.strip() or f"{request.by} asked for it",
            by=request.by,
            job_id=article_job(topic) if begins == day else None,
        )
        return WishedIdea(topic, known["title"] if known else title, begins)

    async def _factors(self, site: Site, title: str) -> dict[str, float]:
        demands = await self._demands.read(site.name)
        competing = await self._documents.competing(site.name, title, language=site.language)
        rivalry = competing[0].similarity if competing else 0.0
        factors = research.of_wish(title, demands, rivalry, site.subjects, language=site.language)
        return {name: round(value, 3) for name, value in factors.items()}

    @property
    def _lead(self) -> int:
        return self._config.research.lead_days


async def take(ctx: Ctx, request: IdeaRequest) -> IdeaResult | Cancel:
    """Keep an idea that came by a message, and begin its article if it is time."""
    config = ctx.deps.config
    now = await ctx.deps.publications.now()
    try:
        wishes = Wishes(config, ctx.deps.ideas, ctx.deps.documents, ctx.deps.demands)
        wish = await wishes.keep(request, now)
    except UserError as refusal:
        return Cancel(str(refusal))
    if wish.job_id is None and wish.begins == day_of(config, now):
        ctx.emit("topic.validated", wish.topic)
    return IdeaResult(slug=wish.topic.slug, begins=wish.begins)


async def begin_due(ctx: Ctx, work: SiteNight) -> None:
    """Begin the articles of ideas whose due date comes near, and of those that were cut off."""
    ideas = ctx.deps.ideas
    until = work.date + timedelta(days=ctx.deps.config.research.lead_days)
    for slug in await ideas.waiting(work.site, until):
        await ideas.begin(work.site, slug, article_id(work.site, slug, work.date))
        ctx.emit("topic.validated", Topic(site=work.site, slug=slug, date=work.date))
