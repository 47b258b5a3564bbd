"""The step from what research found to the plan of an article, which a person may see first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from contentstudio.brief import Brief, Idea, Research
from contentstudio.config import Config, Site
from contentstudio.model import Draft
from contentstudio.pipelines.work import Ctx, RequestedTopic, Topic
from contentstudio.writing import estimate, quotes
from contentstudio.writing.briefs import TooThin
from overnight import Cancel, Review, Snooze
from overnight.errors import InvalidPayload
from overnight.llm.fallback import AllResting

LINKS = 3  # to pages of the site, that a brief proposes
FOR_APPROVAL = (
    'brief: This site has autonomy = "brief", so a person approves each brief before the article '
    "is written. Approve it, edit it, or reject it."
)


async def brief(ctx: Ctx, work: Research | Brief) -> Brief | Review | Cancel | Snooze:
    """Plan the article. What a person made of a plan is taken as it is: they have seen it."""
    try:
        return await _planned(ctx, work)
    except TooThin as thin:
        await ctx.deps.articles.wait_for_sources(ctx.job_id)
        return Cancel(str(thin))
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))


async def _planned(ctx: Ctx, work: Research | Brief) -> Brief | Review:
    idea = work.research.idea if isinstance(work, Brief) else work.idea
    if idea.site != ctx.run.key:
        raise InvalidPayload(
            f"this brief is for the site “{idea.site}”, the job for “{ctx.run.key}”"
        )
    site = ctx.deps.config.find(idea.site)
    edited = isinstance(work, Brief)
    unpriced = work if isinstance(work, Brief) else await _plan(ctx, site, work)
    plan = await asyncio.to_thread(_priced, ctx.deps.config, unpriced)
    await ctx.deps.articles.plan(idea.site, idea.slug, ctx.job_id, plan.titles[0])
    if site.autonomy == "brief" and not edited:
        return Review([FOR_APPROVAL], plan)
    return plan


def _priced(config: Config, plan: Brief) -> Brief:
    """The plan with what its article will cost, by the models and prices of this moment."""
    return plan.model_copy(update={"estimates": estimate.of(config, plan)})


async def _plan(ctx: Ctx, site: Site, research: Research) -> Brief:
    """The writer's plan, with the pages of the site on the same subject as links."""
    plan = await ctx.deps.writer.brief(ctx, site, research)
    slug = research.idea.slug
    pages = await ctx.deps.documents.competing(
        site.name, plan.titles[0], slug=slug, language=site.language
    )
    return plan.model_copy(update={"links": tuple(page.url for page in pages[:LINKS])})


async def of_topic(ctx: Ctx, topic: RequestedTopic | Topic) -> Brief:
    """The brief of a job that began before there were such, of the texts that its topic has. Raises
    what planning raises.
    """
    site = ctx.deps.config.find(topic.site)
    return await _plan(ctx, site, await research_of_topic(ctx, topic))


async def research_of_topic(ctx: Ctx, topic: RequestedTopic | Topic) -> Research:
    """What the texts of a topic say, by code and without a search."""
    idea = await ctx.deps.ideas.read(topic.site, topic.slug, topic.date)
    return await _quoted(ctx, idea)


async def research_of_draft(ctx: Ctx, draft: Draft) -> Research:
    """The notes that an article was written by; of one without a brief, what its sources say."""
    if (plan := await ctx.deps.briefs.read(ctx.job_id)) is not None:
        return plan.research
    hashes = tuple(reference.sha256 for reference in draft.references)
    idea = Idea(
        site=draft.site,
        slug=draft.slug,
        found_on=datetime.now(UTC).date(),
        title=draft.title,
        snapshots=hashes,
    )
    return await _quoted(ctx, idea)


async def _quoted(ctx: Ctx, idea: Idea) -> Research:
    texts = await ctx.deps.snapshots.read(idea.snapshots)
    snapshots = [texts[sha256] for sha256 in idea.snapshots if sha256 in texts]
    language = ctx.deps.config.find(idea.site).language
    return await asyncio.to_thread(quotes.research, idea, snapshots, language)
