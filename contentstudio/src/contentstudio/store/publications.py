"""What we published, in Postgres: how each article stood when we left it, and every
version of it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import psycopg
from pydantic_core import to_json

from contentstudio.config import Site
from contentstudio.model import Draft, Model
from contentstudio.publish import windows
from contentstudio.publish.port import Article, Existing
from contentstudio.store.sql import queries
from overnight.store.database import Connection, Database, Row, unavailable

ROOM = 0x7075626C  # "publ": the first half of the advisory locks, so that they meet no other's


class Publication(Model):
    """What we know of a slug: how it stood, and the hashes of drafts that were on their
    way since.
    """

    existing: Existing | None = None
    begun: tuple[str, ...] = ()


class Turn:
    """The right to write under one slug. It ends with the session that holds its lock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def check(self) -> None:
        """Raises `LedgerUnavailable` where the session was lost, for then another may have its turn
        by now.
        """
        with unavailable():
            await self._connection.execute("select 1")


class Turns:
    """Who may write under a slug: one article of a site at a time here, and one of a slug over all
    workers.

    The locks of a process are held by one session, which is opened when it is first needed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sites: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None

    async def aclose(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    @asynccontextmanager
    async def take(self, site: str, slug: str) -> AsyncIterator[Turn | None]:
        """The turn of a slug, or None while another worker has it. To be taken before leave is
        asked to publish: leave must not grow old.
        """
        key = {"room": ROOM, "site": site, "slug": slug}
        async with self._sites[site]:
            connection = await self._connected()
            with unavailable():
                row = await (await connection.execute(queries["publication_turn"], key)).fetchone()
            if not row or not row["mine"]:
                yield None
                return
            try:
                yield Turn(connection)
            finally:
                with suppress(psycopg.Error):  # a session that is lost holds no lock
                    await connection.execute(queries["publication_turn_end"], key)

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is None or self._connection.closed:
                self._connection = await self._database.connect()
            return self._connection


async def held(database: Database, site: Site, job_id: str) -> tuple[float, str] | None:
    """For how many seconds a job may not publish yet, and why; None where it may, and then the turn
    is its own.
    """
    (row,) = await database.fetch(queries["moment"])
    if closed := windows.opens_in(site.window, row["now"]):
        return closed, f"the window of “{site.name}” is closed"
    apart = 60 * site.window.minutes_apart
    params = {"site": site.name, "job_id": job_id, "apart": apart}
    rows = await database.fetch(queries["pace_take"], params) if apart else [{"wait": 0.0}]
    wait = rows[0]["wait"] if rows else 1.0
    return (
        (wait, f"“{site.name}” publishes {site.window.minutes_apart:g} minutes apart")
        if wait > 0
        else None
    )


async def failing_since(
    database: Database, run_id: int, failures: int
) -> tuple[datetime, datetime]:
    """When the first of the last failed attempts of a run ended, and now. `failures` are those that
    count.
    """
    row = await database.one(queries["failing_since"], {"run_id": run_id, "failures": failures})
    assert row is not None
    return row["since"], row["now"]


async def read(database: Database, site: str, slug: str) -> Publication:
    """What we know of a slug."""
    row = await database.one(queries["publication_read"], {"site": site, "slug": slug})
    return Publication(existing=row["existing"], begun=row["begun"]) if row else Publication()


async def begin(database: Database, site: str, article: Article, job_id: str) -> None:
    """Note that a draft is on its way."""
    params = {"site": site, "slug": article.draft.slug, "job_id": job_id, "sha256": article.sha256}
    await database.fetch(queries["publication_begin"], params)


async def keep(
    database: Database, site: str, draft: Draft, sha256: str, existing: Existing, job_id: str
) -> None:
    """Note how it stands now that it arrived, and keep the version."""
    params = {"site": site, "slug": draft.slug, "job_id": job_id, "sha256": sha256}
    params |= {"draft": draft.model_dump_json(), "existing": existing.model_dump_json()}
    await database.fetch(queries["publication_keep"], params)


async def keep_state(database: Database, site: str, slug: str, existing: Existing | None) -> None:
    """Note how it stands now that it was taken from readers."""
    kept = None if existing is None else to_json(existing).decode()
    await database.fetch(
        queries["publication_state"], {"site": site, "slug": slug, "existing": kept}
    )


async def version_before(
    database: Database, site: str, slug: str, number: int | None = None
) -> Draft | None:
    """The draft of a version by its number, else of the one before that which stands there; None
    where there is none.

    A version that a person went back from is passed over, unless it is named.
    """
    row = await database.one(
        queries["version_before"], {"site": site, "slug": slug, "number": number}
    )
    return Draft.model_validate(row["draft"]) if row else None


async def versions(database: Database, site: str, slug: str) -> list[Row]:
    """Every version of an article: number, moment, job, title, whether it is the latest, whether it
    was withdrawn.
    """
    return await database.fetch(queries["versions_read"], {"site": site, "slug": slug})


async def approved(database: Database, site: str, slug: str) -> Draft | None:
    """The draft that was approved last, be it published since or not; None where nothing was."""
    row = await database.one(queries["draft_approved"], {"site": site, "slug": slug})
    return Draft.model_validate(row["draft"]) if row else None


async def standing(database: Database, site: str) -> tuple[dict[str, Draft], dict[str, str | None]]:
    """The drafts of the articles that stand on a site, and the fingerprints with which they do, by
    slug.
    """
    rows = await database.fetch(queries["versions_standing"], {"site": site})
    drafts = {row["slug"]: Draft.model_validate(row["draft"]) for row in rows}
    return drafts, {row["slug"]: row["fingerprint"] for row in rows}


async def listed(database: Database, site: str | None, limit: int) -> list[Row]:
    """The articles of a site, or of all: where each is, its state, its version, and whether its
    sources are known.
    """
    return await database.fetch(queries["articles_list"], {"site": site, "limit": limit})


async def under_way(database: Database, site: str) -> list[str]:
    """The slugs of a site at which jobs are."""
    return [
        row["slug"]
        for row in await database.fetch(queries["publication_under_way"], {"site": site})
    ]
