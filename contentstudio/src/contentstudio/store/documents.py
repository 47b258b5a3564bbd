"""The one memory of every path: what a site has, is about to have, and shall not have, and how
similar a text is to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from contentstudio.gates.input import Neighbour, Where
from contentstudio.memory import links
from contentstudio.memory.embeddings import Embedder, Lexical, Scale
from contentstudio.model import Draft, InternalLink, Snapshot
from contentstudio.research.ideas import Near, Page
from contentstudio.store.sql import queries
from contentstudio.text.titles import clean_title
from contentstudio.text.words import content_words
from overnight import Context
from overnight.store.database import Database, Row

BATCH = 32  # texts that are made into vectors in one call
NEAREST = 20  # documents beside a text that a decision looks at
COMPETES = 0.5  # of the words of a query stand in the title of a post that aims at it
BESIDE = 1_000  # documents beside an article; to compare it with one takes about a millisecond
LINKS = 5  # internal links of an article at most

_WHERE: dict[str, Where] = {
    "published": "published",
    "queued": "queued",
    "rejected": "rejected",
    "own": "owner",
}


@dataclass(frozen=True, slots=True)
class CompetingPage:
    """A post of the site that aims at the same query. `similarity` is the share of the query's
    words in its title.
    """

    title: str
    url: str
    similarity: float


class Documents:
    """Documents and their vectors. A vector is made by a step that needs it: texts alone are kept
    before.
    """

    def __init__(self, database: Database, embedder: Embedder | None = None) -> None:
        self._database = database
        self._embedder = embedder or Lexical()

    @property
    def scale(self) -> Scale:
        """What the similarities of the provider in use mean."""
        return self._embedder.scale

    async def keep_candidate(
        self, site: str, snapshot: Snapshot, found_on: date, settings: str
    ) -> tuple[str, date]:
        """Note that a page may give an idea. (URL, day) of the page that has this text."""
        title = clean_title(snapshot.title)
        params = {
            **{"site": site, "snapshot": snapshot.sha256, "url": snapshot.url, "title": title},
            **{"sha256": _hash(title, snapshot.text), "found_on": found_on, "settings": settings},
        }
        row = await self._database.one(queries["candidate_keep"], params)
        assert row is not None
        return row["url"], row["found_on"]

    async def keep_draft(
        self,
        draft: Draft,
        kind: Literal["queued", "published"],
        job_id: str,
        url: str | None = None,
    ) -> None:
        """Keep an article of ours; `url` is where it was published."""
        text = draft.prose()
        params = {
            "site": draft.site,
            "slug": draft.slug,
            "kind": kind,
            "url": url,
            "job_id": job_id,
        }
        whole = {**params, "title": draft.title, "text": text, "sha256": _hash(draft.title, text)}
        await self._database.fetch(queries["document_keep"], whole)

    async def keep_own_post(self, site: str, url: str, title: str, text: str) -> None:
        """Keep a post of the owner's own, unless an article of ours stands there."""
        slug = unquote(urlsplit(url).path).strip("/")
        params = {
            "site": site,
            "slug": slug,
            "url": url,
            "title": title,
            "text": text,
            "sha256": _hash(title, text),
        }
        await self._database.fetch(queries["document_own"], params)

    async def forget_own_posts(self, site: str, urls: Sequence[str]) -> None:
        """Forget the owner's posts that are not among these, which are all that there are."""
        await self._database.fetch(queries["documents_gone"], {"site": site, "urls": list(urls)})

    async def known_since(self, site: str) -> dict[str, datetime]:
        """When the memory took in each post that readers have, by its URL."""
        return {row["url"]: row["updated_at"] for row in await self._standing(site)}

    async def published(self, site: str) -> list[Row]:
        """The articles of ours that readers have: slug, title, URL, and when each was last
        published.
        """
        return [row for row in await self._standing(site) if row["kind"] == "published"]

    async def news(self, site: str, article: Row) -> list[Row]:
        """What was read since an article was published: snapshot, URL, and whether that is a source
        that changed.
        """
        params = {"site": site, **{name: article[name] for name in ("slug", "url", "updated_at")}}
        return await self._database.fetch(queries["document_news"], params)

    async def settle(self, site: str) -> None:
        """Take in what became of articles in the ledger: what was cancelled is rejected, or
        forgotten.
        """
        await self._database.fetch(queries["documents_settle"], {"site": site})

    async def embed(self, ctx: Context[Any], site: str) -> None:
        """Make the vectors that a site's texts lack; all of them, where the provider
        has changed.
        """
        missing = {"site": site, "provider": self._embedder.name, "most": BATCH}
        while rows := await self._database.fetch(queries["embeddings_missing"], missing):
            await self._keep_vectors(ctx, rows)

    async def pages(self, site: str) -> list[Page]:
        """The candidates on which nobody has decided, with their vectors."""
        params = {"site": site, "provider": self._embedder.name}
        rows = await self._database.fetch(queries["candidates_open"], params)
        return [Page(words=len(row["text"].split()), **row) for row in rows]

    async def near(self, site: str, slug: str, text_sha256: str) -> list[Near]:
        """The documents most like a text whose vector is known, and first of all the one under the
        slug.
        """
        params = {"site": site, "slug": slug, "text_sha256": text_sha256}
        rows = await self._database.fetch(
            queries["documents_near"], {**params, "provider": self._embedder.name, "most": NEAREST}
        )
        return [Near(**row) for row in rows]

    async def sources(self, site: str, slug: str) -> frozenset[tuple[str, str]]:
        """(URL, hash) of every snapshot that was chosen for an article."""
        rows = await self._database.fetch(queries["document_sources"], {"site": site, "slug": slug})
        return frozenset((row["url"], row["sha256"]) for row in rows)

    async def competing(
        self, site: str, title: str, keyword: str = "", *, slug: str = "", language: str = "en"
    ) -> list[CompetingPage]:
        """The site's posts that aim at the same query, the closest first; not the one under
        `slug`, which is asked for.

        The query is the keyword, and the title where there is none.
        """
        query = content_words(keyword or title, language)
        posts = [row for row in await self._standing(site) if row["slug"] != slug]
        shares = (_share(query, content_words(row["title"], language)) for row in posts)
        pages = [
            CompetingPage(row["title"], row["url"], share)
            for row, share in zip(posts, shares, strict=True)
        ]
        return sorted(
            (page for page in pages if page.similarity >= COMPETES),
            key=lambda page: (-page.similarity, page.url),
        )

    async def beside(self, site: str, slug: str) -> list[Neighbour]:
        """The newest documents beside an article, of all sites: ours, rejected ones, and the
        owners' own.
        """
        rows = await self._database.fetch(
            queries["documents_beside"], {"site": site, "slug": slug, "most": BESIDE}
        )
        return [Neighbour(row["title"], row["text"], _WHERE[row["kind"]]) for row in rows]

    async def reject(self, job_id: str, reason: str) -> bool:
        """Keep that a person does not want a job's article, nor one that is near it. False where
        it is not in the memory, or readers have it.
        """
        params = {"job_id": job_id, "reason": reason}
        return await self._database.one(queries["document_reject"], params) is not None

    async def links_for(
        self, ctx: Context[Any], site: str, draft: Draft, most: int = LINKS
    ) -> list[InternalLink]:
        """Links to the posts that are most like the draft, each from words of its prose that speak
        of the post.
        """
        text = draft.prose()
        sha256 = _hash(draft.title, text)
        await self._keep_vectors(ctx, [{"sha256": sha256, "title": draft.title, "text": text}])
        near = [
            document
            for document in await self.near(site, draft.slug, sha256)
            if document.slug != draft.slug
        ]
        related = [
            d
            for d in near
            if d.url and d.kind in ("published", "own") and d.likeness >= self.scale.related
        ]
        return links.choose(draft, [(d.title, d.url) for d in related if d.url], most)

    async def links_to(self, draft: Draft, urls: Sequence[str]) -> list[InternalLink]:
        """Links to these pages of the draft's site, each from words of its prose that speak of the
        page; none to what readers do not have.
        """
        if not urls:
            return []
        titles = {row["url"]: row["title"] for row in await self._standing(draft.site)}
        pages = [(titles[url], url) for url in urls if url in titles]
        return links.choose(draft, pages, LINKS)

    async def _standing(self, site: str) -> list[Row]:
        """What readers of a site can go to."""
        return await self._database.fetch(queries["documents_standing"], {"site": site})

    async def _keep_vectors(self, ctx: Context[Any], rows: Sequence[Row]) -> None:
        vectors = await self._embedder.embed(
            ctx, [_text(row["title"], row["text"]) for row in rows]
        )
        for row, vector in zip(rows, vectors, strict=True):
            params = {"sha256": row["sha256"], "provider": self._embedder.name, "vector": vector}
            await self._database.fetch(queries["embedding_keep"], params)


def _text(title: str, text: str) -> str:
    return f"{title}\n\n{text}"


def _hash(title: str, text: str) -> str:
    return hashlib.sha256(_text(title, text).encode("utf-8", "surrogatepass")).hexdigest()


def _share(query: frozenset[str], words: frozenset[str]) -> float:
    return round(len(query & words) / len(query), 3) if query else 0.0
