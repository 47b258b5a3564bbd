"""The one judgement of an article: every gate is asked, the judge among them; what other words may
mend is mended, a failing sentence alone; and what fails then is for a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import count

from contentstudio import gates, places, seo
from contentstudio.brief import Research
from contentstudio.config import Site
from contentstudio.gates import ToMend
from contentstudio.model import Draft, Verdict
from contentstudio.pipelines import briefing, gate_inputs, picturing
from contentstudio.pipelines.work import Ctx, Judged, ReviewInput
from contentstudio.publish import anchors
from contentstudio.seo import Change, Optimized
from contentstudio.store.quota import Place
from contentstudio.writing.offline import WRITER as OFFLINE
from overnight import Review
from overnight.errors import BudgetReserved, BudgetSpent, InvalidPayload, Permanent

WITHOUT_MODEL = (
    "No language model wrote this article; it quotes its sources. Approve it, or set a "
    "key so that a model writes, or "
    'let such articles go out with offline_articles = "noindex" or "publish" in [writing].'
)

MENDS = 2  # times that the sentences at fault are rewritten alone

EACH_WAITS = (
    "Each article of this site waits for a person. Approve it, or let what passes its gates go out "
    'with autonomy = "full" of the site.'
)


class _NotRewritten(Exception):
    """The writer gave no other draft. The text says why, where there is something to say."""


async def judge(ctx: Ctx, work: ReviewInput) -> Judged | Review:
    """Ask every gate about a draft, and take its place in the day. What a person edited is never
    rewritten.
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
    left = _Left(0, 0) if edited else _Left.of(deps.config.writing.rewrites)
    for rewrite in count(1):
        faults = at_places(draft, gates.to_mend(verdicts))
        if faults is None or not left.take(faults):
            break
        work_before = Optimized(draft=draft, changes=changes)
        try:
            mended = await (_rewritten if faults.whole else _mended)(ctx, site, work_before, faults)
        except _NotRewritten as why:
            notes = [str(why)] if str(why) else []
            break
        draft, changes = picturing.retitled(mended.draft), mended.changes
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


def lacks_a_judge(work: ReviewInput) -> bool:
    """Whether a model wrote an article that passed its gates before one of them was the judge."""
    judged = any(verdict.gate == "judged" for verdict in work.verdicts)
    return work.draft.writer != OFFLINE and not judged


def at_places(draft: Draft, faults: ToMend | None) -> ToMend | None:
    """The faults; as those of the whole where one is at a place that the writer cannot reword."""
    if faults is None:
        return None
    known = {text.place for text in places.texts(draft) if text.kind in places.WRITTEN}
    whole = faults.whole or any(fault.place not in known for fault in faults.faults)
    return replace(faults, whole=whole)


@dataclass
class _Left:
    """How often an article may still go back to a model: as a whole, and for single places."""

    rewrites: int
    mends: int

    @classmethod
    def of(cls, rewrites: int) -> _Left:
        return cls(rewrites, MENDS if rewrites else 0)

    def take(self, faults: ToMend) -> bool:
        """Whether it may go back for these faults; it is counted."""
        if faults.whole:
            self.rewrites -= 1
            return self.rewrites >= 0
        self.mends -= 1
        return self.mends >= 0


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


async def _rewritten(ctx: Ctx, site: Site, work: Optimized, faults: ToMend) -> Optimized:
    """The draft once more, written with all reasons in view. Raises `_NotRewritten`."""

    async def write(research: Research) -> Draft | None:
        return await ctx.deps.writer.rewrite(ctx, site, work.draft, research, faults.reasons)

    optimized = await optimize(ctx, site, await _again(ctx, work.draft, write))
    picture = (change for change in work.changes if change.what == picturing.CHANGE)
    return Optimized(draft=optimized.draft, changes=(*optimized.changes, *picture))


async def _mended(ctx: Ctx, site: Site, work: Optimized, faults: ToMend) -> Optimized:
    """The draft with other words at the places that have a fault, and the same everywhere else; its
    links are those that still have a place. Raises `_NotRewritten`.
    """

    async def write(research: Research) -> Draft | None:
        return await ctx.deps.writer.mend(ctx, site, work.draft, research, faults.faults)

    mended = await _again(ctx, work.draft, write)
    if mended == work.draft:
        raise _NotRewritten("rewrite: The model left every fault as it was.")
    draft = mended.model_copy(update={"links": anchors.placed(mended)})
    return Optimized(draft=draft, changes=(*work.changes, *_changed(work.draft, mended)))


def _changed(before: Draft, after: Draft) -> list[Change]:
    """What stood in the draft and does not any more, with what came in its place where nothing was
    cut.
    """
    old, new = places.texts(before), places.texts(after)
    texts = {text.text for text in new}
    by_place = {text.place: text.text for text in new} if len(old) == len(new) else {}
    return [
        Change(what=text.place, before=text.text, after=by_place.get(text.place, ""))
        for text in old
        if text.text not in texts
    ]


async def _again(
    ctx: Ctx, draft: Draft, write: Callable[[Research], Awaitable[Draft | None]]
) -> Draft:
    """What the writer makes of the notes of a draft. Raises `_NotRewritten`."""
    try:
        again = await write(await briefing.research_of_draft(ctx, draft))
    except BudgetReserved:
        raise  # the calls under way end soon
    except (BudgetSpent, Permanent) as error:
        raise _NotRewritten(f"rewrite: It was not made: {error}") from error
    if again is None:
        raise _NotRewritten
    return again
