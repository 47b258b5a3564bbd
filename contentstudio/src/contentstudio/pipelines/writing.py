"""The steps from a topic to a judged article."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

from contentstudio import gates, seo
from contentstudio.config import Site
from contentstudio.gates.input import Case, Link, Rival, Unknown
from contentstudio.model import Draft, Snapshot, Verdict
from contentstudio.pipelines import gate_inputs
from contentstudio.pipelines.work import Asked, Ctx, Judged, Topic
from contentstudio.publish import anchors, render
from contentstudio.review import evidence
from contentstudio.seo import Optimized
from contentstudio.store import publications
from contentstudio.writing.offline import WRITER as OFFLINE
from contentstudio.writing.offline import TooThin
from overnight import Cancel, Review, Snooze
from overnight.errors import BudgetReserved, BudgetSpent, InvalidPayload, Permanent
from overnight.llm.fallback import AllResting

WITHOUT_MODEL = (
    "No language model wrote this article; it quotes its sources. Approve it, or set a "
    "key so that a model writes, or "
    'let such articles go out with offline_articles = "noindex" or "publish" in [writing].'
)


async def generate(ctx: Ctx, topic: Asked | Topic) -> Draft | Cancel | Snooze:
    """Write the article. Each answer of a model is stored before anything else happens, so no retry
    pays again.
    """
    title, snapshots = await ctx.deps.memory.topic(topic.site, topic.slug, topic.date)
    try:
        draft = await ctx.deps.writer.write(
            ctx, ctx.deps.config.find(topic.site), topic.slug, title, snapshots
        )
    except TooThin as thin:
        return Cancel(str(thin))
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))
    await evidence.keep(ctx.ledger.database, ctx.job_id, draft, snapshots)
    return draft


async def optimize(ctx: Ctx, draft: Draft) -> Optimized:
    """Bring the article into shape for those who search, but never what a person wrote."""
    if await gate_inputs.edited(ctx.ledger.database, ctx.job_id):
        return Optimized(draft=draft)
    return await _optimized(ctx, ctx.deps.config.find(draft.site), draft)


async def _optimized(ctx: Ctx, site: Site, draft: Draft) -> Optimized:
    """The article in shape, with links to what the site has beside it."""
    found = await ctx.deps.documents.links_for(ctx, site.name, draft)
    with_room = anchors.placed(draft.model_copy(update={"links": [*draft.links, *found]}))
    taken = await gate_inputs.descriptions(ctx.ledger.database, site.name, draft.slug)
    return seo.optimize(draft, site, with_room, taken)


async def gate(ctx: Ctx, given: Optimized | Draft) -> Judged | Review | Snooze:
    """Ask every gate. What other words may mend is rewritten, as often as the config allows, but
    never what a person wrote; what fails then is for a person.
    """
    work = (
        given if isinstance(given, Optimized) else Optimized(draft=given)
    )  # what a person edits is a draft alone
    draft = work.draft
    if draft.site != ctx.run.key:
        raise InvalidPayload(
            f"this article is for the site “{draft.site}”, the job for “{ctx.run.key}”"
        )
    database, site = ctx.ledger.database, ctx.deps.config.find(draft.site)
    place = await gate_inputs.take_place(database, site.name, ctx.job_id)
    verdicts = await _judged(ctx, site, draft, place, 0)
    notes: list[str] = []
    rewrites = (
        0 if await gate_inputs.edited(database, ctx.job_id) else ctx.deps.config.writing.rewrites
    )
    for rewrite in range(1, rewrites + 1):
        reasons = gates.to_mend(verdicts)
        try:
            again = await _rewritten(ctx, site, draft, reasons, notes) if reasons else None
        except AllResting as resting:
            return Snooze(resting.retry_after or 0, str(resting))
        if again is None:
            break
        work = await _optimized(ctx, site, again)
        draft, verdicts = work.draft, await _judged(ctx, site, work.draft, place, rewrite)
    await ctx.deps.documents.keep_draft(draft, "queued", ctx.job_id)
    judged = Judged(draft=draft, verdicts=verdicts, changes=work.changes)
    failed = [f"{verdict.gate}: {verdict.reason}" for verdict in verdicts if not verdict.passed]
    if not failed and await _waits_without_model(ctx, draft):
        failed = [f"writer: {WITHOUT_MODEL}"]
    if not failed:
        return judged
    await gate_inputs.give_place_back(database, site.name, ctx.job_id)
    return Review([*failed, *notes], judged)


async def _waits_without_model(ctx: Ctx, draft: Draft) -> bool:
    """Whether a person has to see the article because no model wrote it. One that a person edited
    was seen.
    """
    if draft.writer != OFFLINE or ctx.deps.config.writing.offline_articles != "review":
        return False
    return not await gate_inputs.edited(ctx.ledger.database, ctx.job_id)


async def confirm(ctx: Ctx, given: Judged | Draft) -> Judged | Review | Snooze:
    """After the wait for a last edit: what a person changed meanwhile goes through the gates again.
    Then it waits for the window of its site here, where it still can be edited.
    """
    judged = await _confirmed(ctx, given)
    if isinstance(judged, Review):
        return judged
    held = await publications.held(
        ctx.ledger.database, ctx.deps.config.find(judged.draft.site), ctx.job_id
    )
    return Snooze(*held) if held else judged


async def _confirmed(ctx: Ctx, given: Judged | Draft) -> Judged | Review:
    judged = given if isinstance(given, Judged) else Judged(draft=given, verdicts=[])
    draft, database = judged.draft, ctx.ledger.database
    if not await gate_inputs.edited(database, ctx.job_id, ctx.run.step):
        return judged
    if draft.site != ctx.run.key:
        raise InvalidPayload(
            f"this article is for the site “{draft.site}”, the job for “{ctx.run.key}”"
        )
    site = ctx.deps.config.find(draft.site)
    verdicts = await _judged(
        ctx, site, draft, await gate_inputs.take_place(database, site.name, ctx.job_id), 0
    )
    await ctx.deps.documents.keep_draft(draft, "queued", ctx.job_id)
    again = judged.model_copy(update={"verdicts": verdicts})
    failed = [f"{verdict.gate}: {verdict.reason}" for verdict in verdicts if not verdict.passed]
    if not failed:
        return again
    await gate_inputs.give_place_back(database, site.name, ctx.job_id)
    return Review(failed, again)


async def _judged(
    ctx: Ctx, site: Site, draft: Draft, place: tuple[date, int], rewrite: int
) -> list[Verdict]:
    """What every gate says, kept. The facts are gathered here, so that the gates need nobody."""
    database = ctx.ledger.database
    pool = await _pool(ctx, draft)
    await evidence.keep(database, ctx.job_id, draft, list(pool.values()))
    page = await asyncio.to_thread(_page_of, site, draft)
    links = (
        Unknown("there is no page")
        if isinstance(page, Unknown)
        else await _links(ctx, site, draft, page)
    )
    rivals = await ctx.deps.documents.rivals(site.name, draft.title, slug=draft.slug)
    case = Case(
        *(draft, pool, site, page, links),
        neighbours=await gate_inputs.neighbours(database, draft.site, draft.slug),
        others_today=place[1],
        canary=ctx.deps.writer.canary(ctx.job_id),
        today=place[0],
        rivals=[Rival(r.title, r.url) for r in rivals],
        descriptions=await gate_inputs.descriptions(database, draft.site, draft.slug),
    )
    verdicts = await asyncio.to_thread(gates.judge, case)
    await gate_inputs.keep_verdicts(database, ctx.job_id, ctx.attempt, rewrite, verdicts)
    return verdicts


async def _pool(ctx: Ctx, draft: Draft) -> dict[str, Snapshot]:
    """The texts that a draft may cite, by the ids that it knows them by."""
    texts = await ctx.deps.memory.snapshots(reference.sha256 for reference in draft.references)
    return {r.id: texts[r.sha256] for r in draft.references if r.sha256 in texts}


def _page_of(site: Site, draft: Draft) -> str | Unknown:
    """The article as its site will show it."""
    now = datetime.now(UTC)
    try:
        return render.article(site, draft, published_at=now, updated_at=now)
    except InvalidPayload as error:
        return Unknown(f"it cannot be rendered: {error}")


async def _links(ctx: Ctx, site: Site, draft: Draft, page: str) -> dict[str, Link]:
    """What each link answers; pages of the site itself, which the memory knows, may not stand on
    its host yet.
    """
    lately = await gate_inputs.read_lately(
        ctx.ledger.database, [reference.sha256 for reference in draft.references]
    )
    lately += [link.url for link in draft.links]
    return await gate_inputs.ask(
        ctx.deps.fetcher, gate_inputs.links_of(page, site.url, draft.slug), lately
    )


async def _rewritten(
    ctx: Ctx, site: Site, draft: Draft, reasons: list[str], notes: list[str]
) -> Draft | None:
    """The draft once more, written with the reasons in view; None, with a note, where that is not
    to be had.
    """
    try:
        snapshots = list((await _pool(ctx, draft)).values())
        return await ctx.deps.writer.rewrite(ctx, site, draft, snapshots, reasons)
    except BudgetReserved:
        raise  # the calls under way end soon
    except (BudgetSpent, Permanent) as error:
        notes.append(f"rewrite: It was not made: {error}")
        return None
