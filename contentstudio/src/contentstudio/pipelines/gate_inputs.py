"""Gathers what the gates need to know: the links of a page, whether they live, and the site's place
in the day.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Collection, Sequence
from datetime import date
from html import unescape
from urllib.parse import urldefrag, urljoin, urlsplit

from contentstudio.gates import markup
from contentstudio.gates.input import Link, Neighbour, Where
from contentstudio.model import Verdict
from contentstudio.store.sql import queries
from contentstudio.text.slugs import in_url
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
from overnight.errors import OvernightError
from overnight.store.database import Database

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
_NEIGHBOURS = 1_000  # a comparison takes about a millisecond
_WHERE: dict[str, Where] = {
    "published": "published",
    "queued": "queued",
    "rejected": "rejected",
    "own": "owner",
}
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def links_of(page: str, site_url: str, slug: str) -> list[str]:
    """The addresses that the article's links lead to, each once and without its fragment; none
    within the page.
    """
    base = f"{site_url}/{in_url(slug)}/"
    hrefs = [href for href in (a.get("href") for a in markup.article(page).iter("a")) if href]
    whole = [
        href if urlsplit(href).scheme else urljoin(base, href)
        for href in hrefs
        if not href.startswith("#")
    ]
    return list(dict.fromkeys(urldefrag(url).url for url in whole))


async def ask(
    fetcher: Fetcher, urls: Sequence[str], read_lately: Collection[str] = ()
) -> dict[str, Link]:
    """What a safe GET says of each URL, all at once. What the research read a moment ago is not
    asked again.
    """
    answers = await asyncio.gather(
        *(_state(fetcher, url) for url in urls if url not in read_lately)
    )
    return dict.fromkeys(read_lately, Link("alive")) | dict(answers)


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
    found = _TITLE.search(fetched.text)
    return " ".join(unescape(found[1]).split()) if found else ""


def _unheard_of(error: BaseException | None) -> bool:
    """Whether the resolver knows for sure that there is no such name, other than that it could not
    be asked.
    """
    while error is not None:
        if isinstance(error, socket.gaierror):
            return error.errno in _NO_SUCH_NAME
        error = error.__cause__
    return False


async def read_lately(database: Database, hashes: Collection[str]) -> list[str]:
    """The URLs of those snapshots that were read within the last hour."""
    rows = await database.fetch(queries["snapshots_lately"], {"sha256": list(hashes)})
    return [row["url"] for row in rows]


async def neighbours(database: Database, site: str, slug: str) -> list[Neighbour]:
    """The newest documents of the memory beside an article, of all sites: ours, turned down ones,
    and owners' own.
    """
    rows = await database.fetch(
        queries["documents_beside"], {"site": site, "slug": slug, "most": _NEIGHBOURS}
    )
    return [Neighbour(row["title"], row["text"], _WHERE[row["kind"]]) for row in rows]


async def descriptions(database: Database, site: str, slug: str) -> list[str]:
    """How the site's other articles are described that were published."""
    rows = await database.fetch(queries["descriptions_beside"], {"site": site, "slug": slug})
    return [row["description"] for row in rows]


async def take_place(database: Database, site: str, job_id: str) -> tuple[date, int]:
    """The day (UTC) and how many other articles of the site hold a place in it before this one."""
    row = await database.one(queries["cadence_take"], {"site": site, "job_id": job_id})
    assert row is not None
    return row["day"], row["place"] - 1


async def give_place_back(database: Database, site: str, job_id: str) -> None:
    """An article that waits for a person keeps nobody else waiting."""
    await database.fetch(queries["cadence_leave"], {"site": site, "job_id": job_id})


async def edited(database: Database, job_id: str, step: str | None = None) -> bool:
    """Whether a person gave the article its words, at this step or at any: nobody else changes them
    then.
    """
    return await database.one(queries["edited"], {"job_id": job_id, "step": step}) is not None


async def keep_verdicts(
    database: Database, job_id: str, attempt: int, rewrite: int, verdicts: Sequence[Verdict]
) -> None:
    """Keep what was said of a draft; `rewrite` is 0 for the first one. Kept twice is kept once."""
    columns = {
        "gates": [verdict.gate for verdict in verdicts],
        "passed": [verdict.passed for verdict in verdicts],
        "reasons": [verdict.reason.replace("\0", "") for verdict in verdicts],
    }
    params = {"job_id": job_id, "attempt": attempt, "rewrite": rewrite, **columns}
    await database.fetch(queries["verdicts_keep"], params)
