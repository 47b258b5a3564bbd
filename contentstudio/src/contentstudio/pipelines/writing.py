"""The steps from a brief to a judged article."""

from __future__ import annotations

from contentstudio.brief import Brief
from contentstudio.model import Draft
from contentstudio.pipelines import briefing, gate_inputs, judging, pace, picturing
from contentstudio.pipelines.work import Ctx, Judged, RequestedTopic, ReviewInput, Topic
from contentstudio.seo import Optimized
from contentstudio.writing.briefs import TooThin
from overnight import Cancel, Review, Snooze
from overnight.llm.fallback import AllResting


async def generate(ctx: Ctx, work: Brief | RequestedTopic | Topic) -> Draft | Cancel | Snooze:
    """Write the article of a brief; a job that began before there were briefs plans it first. Each
    answer of a model is stored before anything else happens, so no retry pays again.
    """
    try:
        return await _written(ctx, work)
    except TooThin as thin:
        await ctx.deps.articles.wait_for_sources(ctx.job_id)
        return Cancel(str(thin))
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))


async def _written(ctx: Ctx, work: Brief | RequestedTopic | Topic) -> Draft:
    deps = ctx.deps
    brief = work if isinstance(work, Brief) else await briefing.of_topic(ctx, work)
    idea = brief.research.idea
    await deps.articles.begin(idea.site, idea.slug, ctx.job_id, brief.titles[0])
    written = await deps.writer.write(ctx, deps.config.find(idea.site), brief)
    links = await deps.documents.links_to(written, brief.links)
    draft = written.model_copy(update={"links": links})
    snapshots = await gate_inputs.pool(ctx, draft)
    await deps.evidence.keep(ctx.job_id, draft, list(snapshots.values()))
    return draft


async def optimize(ctx: Ctx, draft: Draft) -> Optimized:
    """Bring the article into shape for those who search, but never what a person wrote; and give it
    its picture.
    """
    if await ctx.deps.articles.edited(ctx.job_id):
        return Optimized(draft=draft)
    site = ctx.deps.config.find(draft.site)
    return await picturing.with_picture(ctx, site, await judging.optimize(ctx, site, draft))


async def gate(ctx: Ctx, work: ReviewInput) -> Judged | Review | Snooze:
    """Ask every gate, and rewrite what other words may mend, as often as the config allows."""
    try:
        return await judging.judge(ctx, work)
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))


async def confirm(ctx: Ctx, work: ReviewInput) -> Judged | Review | Snooze:
    """After the wait for a last edit: what a person changed meanwhile goes through the gates again,
    and so does what passed them before there was a judge. Then it waits here, where it still can be
    edited, for its due day and the window of its site.
    """
    try:
        judged = await _confirmed(ctx, work)
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))
    if isinstance(judged, Review):
        return judged
    deps, draft = ctx.deps, judged.draft
    wait = await pace.held(deps.config, deps.publications, draft.site, draft.slug, ctx.job_id)
    return Snooze(*wait) if wait else judged


async def _confirmed(ctx: Ctx, work: ReviewInput) -> Judged | Review:
    articles = ctx.deps.articles
    if await articles.edited(ctx.job_id, ctx.run.step) or (
        judging.lacks_a_judge(work) and not await articles.approved(ctx.job_id)
    ):
        return await judging.judge(ctx, work)
    await ctx.deps.articles.move(work.draft, ctx.job_id, "ready")
    return work.judged()
