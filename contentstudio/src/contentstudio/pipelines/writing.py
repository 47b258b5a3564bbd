"""The steps from a topic to a judged article."""

from __future__ import annotations

from contentstudio.brief import Research
from contentstudio.model import Draft, Snapshot
from contentstudio.pipelines import judging, pace, picturing
from contentstudio.pipelines.work import Ctx, Judged, RequestedTopic, ReviewInput, Topic
from contentstudio.seo import Optimized
from contentstudio.writing.offline import TooThin
from overnight import Cancel, Review, Snooze
from overnight.llm.fallback import AllResting


async def generate(ctx: Ctx, work: Research | RequestedTopic | Topic) -> Draft | Cancel | Snooze:
    """Write the article. Each answer of a model is stored before anything else happens, so no retry
    pays again. A job of a version without research comes with its topic.
    """
    deps = ctx.deps
    topic = work.idea if isinstance(work, Research) else work
    title, snapshots = await _sources(ctx, work)
    await deps.articles.begin(topic.site, topic.slug, ctx.job_id, title)
    try:
        draft = await deps.writer.write(
            ctx, deps.config.find(topic.site), topic.slug, title, snapshots
        )
    except TooThin as thin:
        await deps.articles.wait_for_sources(ctx.job_id)
        return Cancel(str(thin))
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))
    await deps.evidence.keep(ctx.job_id, draft, snapshots)
    return draft


async def _sources(ctx: Ctx, work: Research | RequestedTopic | Topic) -> tuple[str, list[Snapshot]]:
    """The title to write under, and the texts: of the pages that gave a note, or of all pages where
    none did.
    """
    if not isinstance(work, Research):
        return await ctx.deps.topics.read(work.site, work.slug, work.date)
    noted = {note.sha256 for note in work.notes}
    hashes = [page.sha256 for page in work.pages if page.sha256 in noted or not noted]
    texts = await ctx.deps.snapshots.read(hashes)
    return work.idea.title, [texts[sha256] for sha256 in hashes if sha256 in texts]


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
