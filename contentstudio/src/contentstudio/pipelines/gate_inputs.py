"""Gathers the input of the gates, which are pure: the page, whether its links live, what stands
beside it, and its place in the day.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from html import unescape

from contentstudio.config import Site
from contentstudio.gates.input import Case, Link, Rival, Unknown
from contentstudio.gates.links import links_of
from contentstudio.model import Draft, Snapshot
from contentstudio.pipelines.work import Ctx
from contentstudio.publish import render
from contentstudio.store.quota import Place
from contentstudio.verify.judgement import Judgement
from contentstudio.web.fetch import (
    BlockedAddress,
    Fetched,
    Fetcher,
    Gone,
    RefusedUrl,
    TooLarge,
    TooManyRedirects,
    UnresolvedName,
    UntrustedCertificate,
    WrongContentType,
)
from contentstudio.writing.offline import WRITER as OFFLINE
from overnight.errors import (
    InvalidPayload,
    LedgerUnavailable,
    OvernightError,
    Permanent,
    Transient,
)
from overnight.llm.fallback import AllResting

_ALIVE = (
    WrongContentType,
    TooLarge,
)  # it answered; a reader's browser shows films and large files too
_DEAD = (Gone, BlockedAddress, RefusedUrl, TooManyRedirects, UntrustedCertificate)
_TITLE = re.compile(r"<title\b[^>]*>([^<]{0,300})", re.I)
_GONE = re.compile(  # as servers word it that answer 200 all the same
    r"^\W*(?:error\W*)?404\b|\b404\b.*\bnot found\b|^\W*(?:page )?not found\b"
    r"|\bpage (?:(?:was|is|could|can) ?not|cannot|can't|not) (?:be )?found\b|\bpage "
    r"(?:doesn't|does not) exist\b"
    r"|\bseite (?:wurde )?nicht gefunden\b|\bpage (?:introuvable|non trouvée)|\bpágina "
    r"no encontrada"
    r"|\bpagina non trovata",
    re.I,
)
TRIES = 3  # of a judge that is away, or answers what cannot be used
NO_JUDGE = '[verify] has judge = "off"'
NO_MODEL = "no model is set up that could judge it"
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


async def gather(ctx: Ctx, site: Site, draft: Draft, place: Place) -> Case:
    """Everything that the gates need to know of a draft."""
    deps = ctx.deps
    page = await asyncio.to_thread(_page_of, site, draft)
    competing = await deps.documents.competing(
        site.name, draft.title, slug=draft.slug, language=draft.language
    )
    texts = await pool(ctx, draft)
    return Case(
        draft=draft,
        pool=texts,
        site=site,
        page=page,
        links=await _links(ctx, site, draft, page),
        neighbours=await deps.documents.beside(draft.site, draft.slug),
        others_today=place.others,
        canary=deps.writer.canary(ctx.job_id),
        today=place.day,
        rivals=[Rival(each.title, each.url) for each in competing],
        descriptions=await deps.publications.descriptions(draft.site, draft.slug),
        judgement=await _judgement(ctx, draft, texts),
    )


async def _judgement(
    ctx: Ctx, draft: Draft, texts: Mapping[str, Snapshot]
) -> Judgement | Unknown | None:
    """What the judge says of a draft; None of one that only quotes. A judge that is away is asked
    again by the retries of the step, and what it found is kept before anything else happens.

    Raises what holds a call of a model (a budget, a switch, a breaker), and `Transient` while the
    judge may be tried again.
    """
    deps = ctx.deps
    if draft.writer == OFFLINE:
        return None
    if deps.judge is None:
        return Unknown(NO_JUDGE if deps.config.verify.judge == "off" else NO_MODEL)
    try:
        known = await deps.judgements.read(ctx.job_id)
        judgement = await deps.judge.judge(ctx, draft, texts, known)
    except (AllResting, LedgerUnavailable):
        raise
    except Permanent as error:
        return Unknown(f"the judge gave no verdict ({error})")
    except Transient as error:
        if ctx.run.failures + 1 < TRIES:
            raise
        return Unknown(f"the judge gave no verdict, asked {TRIES} times ({error})")
    await deps.judgements.keep(ctx.job_id, draft, judgement.by_key(draft, texts))
    return judgement


async def pool(ctx: Ctx, draft: Draft) -> dict[str, Snapshot]:
    """The texts that a draft may cite, by the ids that it knows them by."""
    texts = await ctx.deps.snapshots.read(reference.sha256 for reference in draft.references)
    return {r.id: texts[r.sha256] for r in draft.references if r.sha256 in texts}


def _page_of(site: Site, draft: Draft) -> str | Unknown:
    """The article as its site will show it."""
    now = datetime.now(UTC)
    try:
        return render.article(site, draft, published_at=now, updated_at=now)
    except InvalidPayload as error:
        return Unknown(f"it cannot be rendered: {error}")


async def _links(
    ctx: Ctx, site: Site, draft: Draft, page: str | Unknown
) -> dict[str, Link] | Unknown:
    """What each link answers; pages of the site itself, which the memory knows, may not stand on
    its host yet.
    """
    if isinstance(page, Unknown):
        return Unknown("there is no page")
    hashes = [reference.sha256 for reference in draft.references]
    alive = await ctx.deps.snapshots.recent_urls(hashes) + [link.url for link in draft.links]
    if byline := site.byline_url(draft.author):  # the about page comes with the first article
        alive.append(byline)
    return await link_states(ctx.deps.fetcher, links_of(page, site.url, draft.slug), alive)


async def link_states(
    fetcher: Fetcher, urls: Sequence[str], alive: Collection[str] = ()
) -> dict[str, Link]:
    """What a safe GET says of each URL, all at once. Those that are known to be alive are not
    requested.
    """
    answers = await asyncio.gather(*(_state(fetcher, url) for url in urls if url not in alive))
    return dict.fromkeys(alive, Link("alive")) | dict(answers)


async def _state(fetcher: Fetcher, url: str) -> tuple[str, Link]:
    try:
        fetched = await fetcher.get(url)
    except _ALIVE:
        return url, Link("alive")
    except OvernightError as error:
        dead = isinstance(error, _DEAD) or (
            isinstance(error, UnresolvedName) and _unheard_of(error)
        )
        return url, Link("dead" if dead else "unknown", str(error))
    title = await asyncio.to_thread(_title, fetched)
    gone = _GONE.search(title)
    return url, Link(
        "dead", f"{url} answers {fetched.status}, but says “{title[:60]}”."
    ) if gone else Link("alive")


def _title(fetched: Fetched) -> str:
    """What a page calls itself; nothing where it does not say."""
    match = _TITLE.search(fetched.text)
    return " ".join(unescape(match[1]).split()) if match else ""


def _unheard_of(error: BaseException | None) -> bool:
    """Whether the resolver knows for sure that there is no such name, other than that it could not
    be asked.
    """
    while error is not None:
        if isinstance(error, socket.gaierror):
            return error.errno in _NO_SUCH_NAME
        error = error.__cause__
    return False
