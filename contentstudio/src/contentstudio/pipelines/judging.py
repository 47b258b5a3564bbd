"""The one judgement of an article: every gate is asked, what other words may mend is rewritten, and
what fails then is for a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from contentstudio import gates, seo
from contentstudio.config import Site
from contentstudio.model import Draft, Verdict
from contentstudio.pipelines import briefing, gate_inputs, picturing
from contentstudio.pipelines.work import Ctx, Judged, ReviewInput
from contentstudio.publish import anchors
from contentstudio.seo import Optimized
from contentstudio.store.quota import Place
from contentstudio.writing.offline import WRITER as OFFLINE
from overnight import Review
from overnight.errors import BudgetReserved, BudgetSpent, InvalidPayload, Permanent

WITHOUT_MODEL = (
    "No language model wrote this article; it quotes its sources. Approve it, or set a "
    "key so that a model writes, or "
    'let such articles go out with offline_articles = "noindex" or "publish" in [writing].'
)

EACH_WAITS = (
    "Each article of this site waits for a person. Approve it, or let what passes its gates go out "
    'with autonomy = "full" of the site.'
)


class _NotRewritten(Exception):
    """The writer gave no other draft. The text says why, where there is something to say."""


async def judge(ctx: Ctx, work: ReviewInput) -> Judged | Review:
    """Ask every gate about a draft, and take its place in the day. What a person edited is never
    rewritten, and needs no model.
    """
    draft, changes = picturing.retitled(work.draft), work.changes
    if draft.site != ctx.run.key:
        raise InvalidPayload(
            f"this article is for the site “{draft.site}”, the job for “{ctx.run.key}”"
        )
    deps, site = ctx.deps, ctx.deps.config.find(draft.site)
    await deps.articles.move(draft, ctx.job_id, "verifying")
    edited = await deps.articles.edited(ctx.job_id)
    place = await deps.quota.take(site.name, ctx.job_id)
    verdicts = await _verdicts(ctx, site, draft, place, 0)
    notes: list[str] = []
    for rewrite in range(1, 1 + (0 if edited else deps.config.writing.rewrites)):
        reasons = gates.to_mend(verdicts)
        if not reasons:
            break
        try:
            optimized = await optimize(ctx, site, await _rewritten(ctx, site, draft, reasons))
        except _NotRewritten as why:
            notes = [str(why)] if str(why) else []
            break
        draft = picturing.retitled(optimized.draft)
        changes = (*optimized.changes, *(c for c in changes if c.what == picturing.CHANGE))
        verdicts = await _verdicts(ctx, site, draft, place, rewrite)
    await deps.documents.keep_draft(draft, "queued", ctx.job_id)
    judged = Judged(draft=draft, verdicts=verdicts, changes=changes, over=work.over)
    failed = [f"{verdict.gate}: {verdict.reason}" for verdict in verdicts if not verdict.passed]
    if not failed and not edited:
        failed = _needs_a_person(ctx, site, draft)
    if not failed:
        await deps.articles.move(draft, ctx.job_id, "ready")
        return judged
    await deps.quota.give_back(site.name, ctx.job_id)
    await deps.articles.move(draft, ctx.job_id, "review")
    return Review([*failed, *notes], judged)


async def optimize(ctx: Ctx, site: Site, draft: Draft) -> Optimized:
    """The article in shape for those who search, with links to similar posts of the site."""
    known = {link.url for link in draft.links}
    proposed = await ctx.deps.documents.links_for(ctx, site.name, draft)
    links = [*draft.links, *(link for link in proposed if link.url not in known)]
    with_links = anchors.placed(draft.model_copy(update={"links": links}))
    descriptions = await ctx.deps.publications.descriptions(site.name, draft.slug)
    return seo.optimize(draft, site, with_links, descriptions)


def _needs_a_person(ctx: Ctx, site: Site, draft: Draft) -> list[str]:
    """Why a person has to see an article that passed its gates: no model wrote it, or its site
    wants to see each one.
    """
    offline = ctx.deps.config.writing.offline_articles == "review"
    return [
        *([f"writer: {WITHOUT_MODEL}"] if draft.writer == OFFLINE and offline else []),
        *([f"autonomy: {EACH_WAITS}"] if site.autonomy == "review" else []),
    ]


async def _verdicts(
    ctx: Ctx, site: Site, draft: Draft, place: Place, rewrite: int
) -> list[Verdict]:
    """What every gate says, kept, and the evidence that it was asked with."""
    case = await gate_inputs.gather(ctx, site, draft, place)
    await ctx.deps.evidence.keep(ctx.job_id, draft, list(case.pool.values()))
    verdicts = await asyncio.to_thread(gates.judge, case)
    await ctx.deps.verdicts.keep(ctx.job_id, ctx.attempt, rewrite, verdicts)
    return verdicts


async def _rewritten(ctx: Ctx, site: Site, draft: Draft, reasons: Sequence[str]) -> Draft:
    """The draft once more, written with the reasons in view. Raises `_NotRewritten`."""
    try:
        research = await briefing.research_of_draft(ctx, draft)
        again = await ctx.deps.writer.rewrite(ctx, site, draft, research, reasons)
    except BudgetReserved:
        raise  # the calls under way end soon
    except (BudgetSpent, Permanent) as error:
        raise _NotRewritten(f"rewrite: It was not made: {error}") from error
    if again is None:
        raise _NotRewritten
    return again
