"""What we published, in Postgres: how each article stood when we left it, and every
version of it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date, datetime

import psycopg
from pydantic_core import to_json

from contentstudio.model import Draft, Existing, Model
from contentstudio.store.sql import queries
from overnight.store.database import Connection, Database, Row, unavailable

ROOM = 0x7075626C  # "publ": the first half of the advisory locks, so that they meet no other's


class Publication(Model):
    """What we know of a slug: how it stood, and the hashes of drafts that were on their
    way since.
    """

    existing: Existing | None = None
    begun: tuple[str, ...] = ()


class Terms(Model):
    """When a text may go out. `due` is the day that its article is due, `at_once` that a person
    wants it published now.
    """

    now: datetime
    due: date | None
    at_once: bool


class PublishLock:
    """The right to write under one slug. It ends with the session that holds its lock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def check(self) -> None:
        """Raises `LedgerUnavailable` where the session was lost, for then another may have the lock
        by now.
        """
        with unavailable():
            await self._connection.execute("select 1")


class PublishLocks:
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
    async def take(self, site: str, slug: str) -> AsyncIterator[PublishLock | None]:
        """The lock of a slug, or None while another worker has it. Take it before the permission to
        publish, which must not grow old.
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
                yield PublishLock(connection)
            finally:
                with suppress(psycopg.Error):  # a session that is lost holds no lock
                    await connection.execute(queries["publication_turn_end"], key)

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is None or self._connection.closed:
                self._connection = await self._database.connect()
            return self._connection


class Publications:
    """The publications and versions of all articles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> datetime:
        """The ledger's clock."""
        (row,) = await self._database.fetch(queries["moment"])
        now: datetime = row["now"]
        return now

    async def terms(self, site: str, slug: str, job_id: str) -> Terms:
        """When the text that a job wrote of an article may go out."""
        params = {"site": site, "slug": slug, "job_id": job_id}
        row = await self._database.one(queries["publish_terms"], params)
        return Terms.model_validate(row)

    async def publish_now(self, job_id: str, reason: str, by: str) -> bool:
        """Have the text of a job published at once that waits for that; False for one that does
        not.
        """
        params = {"job_id": job_id, "reason": reason, "by": by}
        return bool(await self._database.fetch(queries["publish_now"], params))

    async def wait(self, job_id: str) -> Row | None:
        """How the text of a job waits to be published: `step`, `due_at` and `reason`; None where it
        does not.
        """
        return await self._database.one(queries["publish_wait"], {"job_id": job_id})

    async def pace(self, site: str, job_id: str, min_interval: float) -> float:
        """Seconds until a job may publish, where two of a site are so many seconds apart; at 0 the
        place is its own.
        """
        params = {"site": site, "job_id": job_id, "apart": min_interval}
        row = await self._database.one(queries["pace_take"], params)
        return row["wait"] if row else 1.0

    async def failing_since(self, run_id: int, failures: int) -> tuple[datetime, datetime]:
        """When the first of the last failed attempts of a run ended, and now. `failures` are those
        that count.
        """
        row = await self._database.one(
            queries["failing_since"], {"run_id": run_id, "failures": failures}
        )
        assert row is not None
        return row["since"], row["now"]

    async def read(self, site: str, slug: str) -> Publication:
        """What we know of a slug."""
        row = await self._database.one(queries["publication_read"], {"site": site, "slug": slug})
        return Publication(existing=row["existing"], begun=row["begun"]) if row else Publication()

    async def begin(self, site: str, slug: str, sha256: str, job_id: str) -> None:
        """Note that a draft is on its way."""
        params = {"site": site, "slug": slug, "job_id": job_id, "sha256": sha256}
        await self._database.fetch(queries["publication_begin"], params)

    async def keep(
        self, site: str, draft: Draft, sha256: str, existing: Existing, job_id: str
    ) -> None:
        """Note how it stands now that it arrived, and keep the version."""
        params = {"site": site, "slug": draft.slug, "job_id": job_id, "sha256": sha256}
        params |= {"draft": draft.model_dump_json(), "existing": existing.model_dump_json()}
        await self._database.fetch(queries["publication_keep"], params)

    async def keep_state(self, site: str, slug: str, existing: Existing | None) -> None:
        """Note how it stands now that it was taken from readers."""
        stored = None if existing is None else to_json(existing).decode()
        await self._database.fetch(
            queries["publication_state"], {"site": site, "slug": slug, "existing": stored}
        )

    async def version_before(self, site: str, slug: str, number: int | None = None) -> Draft | None:
        """The draft of a version by its number, else of the one before the present one; None where
        there is none.

        A version that a person went back from is passed over, unless it is named.
        """
        row = await self._database.one(
            queries["version_before"], {"site": site, "slug": slug, "number": number}
        )
        return Draft.model_validate(row["draft"]) if row else None

    async def versions(self, site: str, slug: str) -> list[Row]:
        """Every version of an article: number, moment, job, title, whether it is the latest, and
        whether it was withdrawn.
        """
        return await self._database.fetch(queries["versions_read"], {"site": site, "slug": slug})

    async def approved(self, site: str, slug: str) -> Draft | None:
        """The draft that was approved last, be it published or not; None where nothing was."""
        row = await self._database.one(queries["draft_approved"], {"site": site, "slug": slug})
        return Draft.model_validate(row["draft"]) if row else None

    async def current(self, site: str) -> tuple[dict[str, Draft], dict[str, str | None]]:
        """The drafts of the articles on a site, and their fingerprints there, by slug."""
        rows = await self._database.fetch(queries["versions_standing"], {"site": site})
        drafts = {row["slug"]: Draft.model_validate(row["draft"]) for row in rows}
        return drafts, {row["slug"]: row["fingerprint"] for row in rows}

    async def version(self, site: str, slug: str, number: int | None = None) -> Row | None:
        """A version of an article with its whole draft, by its number, else the one that was
        published last; None where there is none.
        """
        params = {"site": site, "slug": slug, "number": number}
        return await self._database.one(queries["version_read"], params)

    async def of_job(self, job_id: str) -> tuple[Draft, datetime] | None:
        """What a job published last, and when; None where it published nothing."""
        row = await self._database.one(queries["version_of_job"], {"job_id": job_id})
        return (Draft.model_validate(row["draft"]), row["at"]) if row else None

    async def standing(self, site: str, slug: str | None = None, limit: int = 1) -> list[Row]:
        """The articles of a site, or one of them, as we left them: where each is, its state, and
        whether its sources are known.
        """
        params = {"site": site, "slug": slug, "limit": limit}
        return await self._database.fetch(queries["articles_standing"], params)

    async def descriptions(self, site: str, slug: str) -> list[str]:
        """How the site's other articles are described that were published."""
        rows = await self._database.fetch(
            queries["descriptions_beside"], {"site": site, "slug": slug}
        )
        return [row["description"] for row in rows]

    async def under_way(self, site: str) -> list[str]:
        """The slugs of a site at which jobs are."""
        return [
            row["slug"]
            for row in await self._database.fetch(queries["publication_under_way"], {"site": site})
        ]
