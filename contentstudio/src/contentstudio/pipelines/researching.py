"""The step from an idea to what research found for it: questions, pages that may answer them, and
notes whose passages stand in those pages.

All of it is bounded by [research]. Nothing is written yet: an idea of which too little was found
ends here, before a call for its text is paid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from contentstudio.brief import Idea, Note, Research, SourcePage
from contentstudio.config import Research as Limits
from contentstudio.config import Site
from contentstudio.llm import at_once
from contentstudio.model import Snapshot
from contentstudio.pipelines.work import Ctx, RequestedTopic, Topic
from contentstudio.research import extract, notes, passages
from contentstudio.research.metadata import Hints
from contentstudio.research.notes import Fact, host_of
from contentstudio.search import selection
from contentstudio.search.port import Hit
from contentstudio.web.fetch import UNSTATED, require_page
from contentstudio.web.polite import HostBusy
from overnight import Cancel, Snooze
from overnight.errors import Permanent, Transient
from overnight.formatting import count
from overnight.llm.fallback import AllResting

# of [research]: they say nothing of how a page of a night is judged
SETTINGS = {
    *("questions", "pages", "pages_per_host", "notes_per_page"),
    *("min_notes", "min_hosts", "avoid_hosts", "prefer_hosts"),
}
AT_ONCE = 8  # pages that are read; of one host one at a time
ENOUGH_HOSTS = 3  # with as many voices a host that is busy is not waited for


async def research(ctx: Ctx, topic: RequestedTopic | Topic) -> Research | Cancel | Snooze:
    """Look for what answers an idea, and note what it states. Pages that were read, answers of
    models and of searches are stored, so another attempt goes on with them.
    """
    deps = ctx.deps
    idea = await deps.ideas.read(topic.site, topic.slug, topic.date)
    await deps.articles.research(topic.site, topic.slug, ctx.job_id, idea.title)
    try:
        result = await _research(ctx, deps.config.find(topic.site), idea)
    except HostBusy as busy:
        return Snooze(busy.retry_after or 0, str(busy))
    except AllResting as resting:
        return Snooze(resting.retry_after or 0, str(resting))
    await deps.notes.keep(ctx.job_id, result)
    if lack := _lack(result, deps.config.research):
        await deps.articles.wait_for_sources(ctx.job_id)
        return Cancel(lack)
    return result


async def _research(ctx: Ctx, site: Site, idea: Idea) -> Research:
    deps, limits = ctx.deps, ctx.deps.config.research
    own = await _own_pages(ctx, idea, limits)
    idea = idea.model_copy(update={"snapshots": tuple(page.sha256 for page in own)})
    questions = await deps.researcher.questions(ctx, site, idea, own)
    hits = await _hits(ctx, site, questions, own)
    pages = _distinct([*own, *await _pages_of(ctx, site, hits, own)])
    calls = [partial(deps.researcher.facts, ctx, site, idea, questions, page) for page in pages]
    facts = await at_once.gather(calls, at_once=deps.config.writing.sections_at_once)
    assembled = await asyncio.to_thread(_assembled, facts, pages)
    sources = await asyncio.to_thread(lambda: tuple(map(_source, pages)))
    return Research(idea=idea, questions=questions, notes=assembled, pages=sources)


async def _own_pages(ctx: Ctx, idea: Idea, limits: Limits) -> list[Snapshot]:
    """What the night found for an idea, and the pages that the owner names."""
    texts = await ctx.deps.snapshots.read(idea.snapshots)
    of_night = [texts[sha256] for sha256 in idea.snapshots if sha256 in texts]
    known = {selection.plain(page.url) for page in of_night}
    urls = [url for url in map(selection.plain, idea.urls) if url not in known]
    named = await _read(ctx, [Hit(url=url) for url in dict.fromkeys(urls)])
    return [*named.values(), *of_night][: limits.pages]


async def _hits(
    ctx: Ctx, site: Site, questions: Sequence[str], own: Sequence[Snapshot]
) -> list[Hit]:
    """What a search gives for the questions, as far as it is to be read."""
    deps, config = ctx.deps, ctx.deps.config
    if len(own) >= config.research.pages:
        return []
    find = partial(
        deps.search.find, ctx, site.name, language=site.language, limit=config.search.results
    )
    results = [await find(question) for question in questions]
    return selection.choose(results, [page.url for page in own], site.url, config.research)


async def _pages_of(
    ctx: Ctx, site: Site, hits: Sequence[Hit], own: Sequence[Snapshot]
) -> list[Snapshot]:
    """The texts of hits, those that were read before without being asked for again; none in another
    language than the site's.
    """
    known = await ctx.deps.snapshots.read(hit.sha256 for hit in hits if hit.sha256)
    unread = [hit for hit in hits if hit.sha256 not in known]
    read = await _read(ctx, unread, {host_of(page) for page in (*own, *known.values())})
    pages = [known.get(hit.sha256 or "") or read.get(hit.url) for hit in hits]
    return [page for page in pages if page and page.language in (None, site.language.lower()[:2])]


async def _read(
    ctx: Ctx, hits: Sequence[Hit], voices: set[str] | None = None
) -> dict[str, Snapshot]:
    """The texts of pages by the URLs that were asked. What cannot be read is noted and left out.

    `voices` are hosts of pages beside these. Raises `HostBusy` where a host is busy and the others
    are too few voices, or where there is no substitute for any page.
    """
    answers = await ctx.deps.pages.readings(ctx.job_id, [hit.url for hit in hits])
    new = [hit for hit in hits if hit.url not in answers]
    read = await at_once.gather([partial(_read_page, ctx, hit) for hit in new], at_once=AT_ONCE)
    results = {**answers, **{hit.url: answer for hit, answer in zip(new, read, strict=True)}}
    texts = {url: text for url, text in results.items() if isinstance(text, Snapshot)}
    busy = [fault for fault in results.values() if isinstance(fault, HostBusy)]
    hosts = (voices or set()) | set(map(host_of, texts.values()))
    if busy and (voices is None or len(hosts) < ENOUGH_HOSTS):
        raise busy[0]
    return {hit.url: texts[hit.url] for hit in hits if hit.url in texts}


async def _read_page(ctx: Ctx, hit: Hit) -> Snapshot | str | HostBusy:
    """The text of a page, which is kept, or why there is none."""
    answer: Snapshot | str
    try:
        fetched = await ctx.deps.fetcher.get(hit.url, types=UNSTATED)
        require_page(fetched)
        # what a search says of a date counts less than what the page says
        answer = await asyncio.to_thread(extract.page, fetched, Hints(updated_at=hit.published_at))
        await ctx.deps.snapshots.keep(answer)
    except HostBusy as busy:
        return busy
    except (Permanent, Transient) as fault:
        ctx.log.warning("source not read", url=hit.url, error=str(fault))
        answer = str(fault)
    await ctx.deps.pages.keep_reading(ctx.job_id, hit.url, answer)
    return answer


def _distinct(pages: Sequence[Snapshot]) -> list[Snapshot]:
    """Each text once, whatever pages have it."""
    distinct: dict[str, Snapshot] = {}
    for page in pages:
        distinct.setdefault(page.sha256, page)
    return list(distinct.values())


def _assembled(facts: Sequence[Sequence[Fact]], pages: Sequence[Snapshot]) -> tuple[Note, ...]:
    return notes.assemble([fact for page in facts for fact in page], pages)


def _source(page: Snapshot) -> SourcePage:
    return SourcePage(
        sha256=page.sha256,
        url=page.url,
        title=page.title,
        published_at=page.published_at,
        author=page.author,
        headings=passages.headings(page),
    )


def _lack(result: Research, limits: Limits) -> str | None:
    """Why too little was found to write of; None where it suffices."""
    hosts = {host for note in result.notes for host in note.hosts}
    if len(result.notes) < limits.min_notes:
        return (
            f"too little was found: {count(len(result.notes), 'note')} on "
            f"{count(len(result.pages), 'page')}; min_notes in [research] wants "
            f"{limits.min_notes}"
        )
    if len(hosts) < limits.min_hosts:
        return (
            f"too little was found: its notes rest on {count(len(hosts), 'host')}; min_hosts in "
            f"[research] wants {limits.min_hosts}"
        )
    return None
