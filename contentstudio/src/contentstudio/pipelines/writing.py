"""The steps from a topic to a judged article."""

from __future__ import annotations

from contentstudio.model import Draft
from contentstudio.pipelines import judging, pace
from contentstudio.pipelines.work import Ctx, Judged, RequestedTopic, ReviewInput, Topic
from contentstudio.seo import Optimized
from contentstudio.writing.offline import TooThin
from overnight import Cancel, Review, Snooze
from overnight.llm.fallback import AllResting


async def generate(ctx: Ctx, topic: RequestedTopic | Topic) -> Draft | Cancel | Snooze:
    """Write the article. Each answer of a model is stored before anything else happens, so no retry
    pays again.
    """
    deps = ctx.deps
    idea = await deps.ideas.read(topic.site, topic.slug, topic.date)
    snapshots = await deps.ideas.texts(topic.site, topic.slug, topic.date)
    if not snapshots:
        return Cancel(f"no source was found for “{idea.title}” yet")
    await deps.articles.begin(topic.site, topic.slug, ctx.job_id, idea.title)
    try:
        draft = await deps.writer.write(
            ctx, deps.config.find(topic.site), topic.slug, idea.title, snapshots
        )
    except TooThin as thin:
        await deps.articles.wait_for_sources(ctx.job_id)
        return Cancel(str(thin))
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))
    await deps.evidence.keep(ctx.job_id, draft, snapshots)
    return draft


async def optimize(ctx: Ctx, draft: Draft) -> Optimized:
    """Bring the article into shape for those who search, but never what a person wrote."""
    if await ctx.deps.articles.edited(ctx.job_id):
        return Optimized(draft=draft)
    return await judging.optimize(ctx, ctx.deps.config.find(draft.site), draft)


async def gate(ctx: Ctx, work: ReviewInput) -> Judged | Review | Snooze:
    """Ask every gate, and rewrite what other words may mend, as often as the config allows."""
    try:
        return await judging.judge(ctx, work)
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))


async def confirm(ctx: Ctx, work: ReviewInput) -> Judged | Review | Snooze:
    """After the wait for a last edit: what a person changed meanwhile goes through the gates again.
    Then it waits for the window of its site here, where it still can be edited.
    """
    judged = await _confirmed(ctx, work)
    if isinstance(judged, Review):
        return judged
    site = ctx.deps.config.find(judged.draft.site)
    wait = await pace.held(ctx.deps.publications, site, ctx.job_id)
    return Snooze(*wait) if wait else judged


async def _confirmed(ctx: Ctx, work: ReviewInput) -> Judged | Review:
    if await ctx.deps.articles.edited(ctx.job_id, ctx.run.step):
        return await judging.judge(ctx, work)
    await ctx.deps.articles.move(work.draft, ctx.job_id, "ready")
    return work.judged()
