"""The steps from a topic to a judged article."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

from contentstudio import evidence, gates
from contentstudio.config import Site
from contentstudio.gates import facts
from contentstudio.gates.case import Case, Link, Unknown
from contentstudio.model import Draft, Snapshot, Verdict
from contentstudio.pipelines.work import Ctx, Judged, Topic
from contentstudio.publish import render
from contentstudio.writing.offline import TooThin
from overnight import Cancel, Review, Snooze
from overnight.errors import BudgetSpent, InvalidPayload, Permanent
from overnight.llm.fallback import AllResting


async def generate(ctx: Ctx, topic: Topic) -> Draft | Cancel | Snooze:
    """Write the article. Each answer of a model is stored before anything else happens, so no retry pays again."""
    title, snapshots = await ctx.deps.memory.topic(topic.site, topic.slug)
    try:
        draft = await ctx.deps.writer.write(ctx, ctx.deps.config.find(topic.site), topic.slug, title, snapshots)
    except TooThin as thin:
        return Cancel(str(thin))
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))
    await evidence.keep(ctx.ledger.database, ctx.job_id, draft, snapshots)
    return draft


async def gate(ctx: Ctx, draft: Draft) -> Judged | Review:
    """Ask every gate. What other words may mend is rewritten, as often as the config allows; what fails then is for a
    person.
    """
    database, site = ctx.ledger.database, ctx.deps.config.find(draft.site)
    place = await facts.take_place(database, site.name, ctx.job_id)
    verdicts = await _judged(ctx, site, draft, place, 0)
    notes: list[str] = []
    for rewrite in range(1, ctx.deps.config.writing.rewrites + 1):
        reasons = gates.to_mend(verdicts)
        again = await _rewritten(ctx, site, draft, reasons, notes) if reasons else None
        if again is None:
            break
        draft, verdicts = again, await _judged(ctx, site, again, place, rewrite)
    judged = Judged(draft=draft, verdicts=verdicts)
    failed = [f"{verdict.gate}: {verdict.reason}" for verdict in verdicts if not verdict.passed]
    if not failed:
        return judged
    await facts.give_place_back(database, site.name, ctx.job_id)
    return Review([*failed, *notes], judged)


async def _judged(ctx: Ctx, site: Site, draft: Draft, place: tuple[date, int], rewrite: int) -> list[Verdict]:
    """What every gate says, kept. The facts are gathered here, so that the gates need nobody."""
    database = ctx.ledger.database
    pool = await _pool(ctx, draft)
    page = await asyncio.to_thread(_page_of, site, draft)
    links = Unknown("there is no page") if isinstance(page, Unknown) else await _links(ctx, site, draft, page)
    case = Case(
        *(draft, pool, site, page, links),
        neighbours=await facts.neighbours(database, ctx.job_id),
        others_today=place[1],
        canary=ctx.deps.writer.canary(ctx.job_id),
        today=place[0],
    )
    verdicts = await asyncio.to_thread(gates.judge, case)
    await facts.keep_verdicts(database, ctx.job_id, ctx.attempt, rewrite, verdicts)
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
    lately = await facts.read_lately(ctx.ledger.database, [reference.sha256 for reference in draft.references])
    return await facts.ask(ctx.deps.fetcher, facts.links_of(page, site.url, draft.slug), lately)


async def _rewritten(ctx: Ctx, site: Site, draft: Draft, reasons: list[str], notes: list[str]) -> Draft | None:
    """The draft once more, written with the reasons in view; None, with a note, where that is not to be had."""
    try:
        snapshots = list((await _pool(ctx, draft)).values())
        again = await ctx.deps.writer.rewrite(ctx, site, draft, snapshots, reasons)
    except (BudgetSpent, Permanent) as error:
        notes.append(f"rewrite: It was not made: {error}")
        return None
    if again is not None:
        await evidence.keep(ctx.ledger.database, ctx.job_id, again, snapshots)
    return again
