"""What the CMSs share in which a slug is no key: WordPress and Ghost.

A second post with a slug gets a suffix there, and a create that fails may have made a post. So an
article begins as an empty draft with its slug, once, and is then written by updates, which can be
repeated. Whoever finds such an empty draft knows that it is ours.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self

from contentstudio.config import Site
from contentstudio.model import Existing
from contentstudio.publish.cms_client import CmsClient
from contentstudio.publish.port import Conflict, Effect, as_known, untouched
from overnight.errors import Permanent

# seconds before each look for what a slow server may still be making
PAUSES = (0.0, 2.0, 6.0, 12.0)
ORPHAN_SECONDS = 3_600  # an empty draft is left alone for so long: it may be another installation's
PICTURE_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
}

Post = dict[str, Any]  # as the CMS answers it, with `id`


class SlugDraftCms(ABC):
    """A site of such a CMS. An adapter says how it looks, creates, removes and withdraws."""

    def __init__(self, site: Site, client: CmsClient) -> None:
        self.site = site
        self._client = client

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.__aexit__(*error)

    @abstractmethod
    async def _look(self, slug: str, known: Existing | None = None) -> Post | None:
        """The post with the id that we recorded, else what has the slug."""

    @abstractmethod
    async def _create(self, slug: str) -> Post:
        """Make an empty draft. It may come with another slug."""

    @abstractmethod
    async def _remove(self, number: Any) -> None:
        """Delete a draft of ours, if it is still as we made it."""

    @abstractmethod
    async def _withdraw(self, slug: str, there: Existing, known: Existing) -> Existing | None:
        """Make a post a draft that is still as `known`. Raises `Conflict`."""

    @abstractmethod
    async def _drafts(self) -> list[Post]:
        """The drafts of the site among which ours are."""

    @abstractmethod
    def _slug_refused(self, slug: str, other: str) -> Permanent:
        """The CMS made `other` of a slug, and nothing that we see has that."""

    @staticmethod
    @abstractmethod
    def _existing(post: Post) -> Existing:
        """What stands there, as the port says it."""

    @staticmethod
    @abstractmethod
    def _is_begun(post: Post) -> bool:
        """Whether it is an empty draft of ours; one into which a person wrote is none any more."""

    @staticmethod
    @abstractmethod
    def _changed_at(post: Post) -> datetime | None: ...

    @staticmethod
    def _cms_slug(slug: str) -> str:
        """A slug of ours as the CMS has it."""
        return slug

    @staticmethod
    def _slug(post: Post) -> str:
        """The slug of a post as `_cms_slug` writes it."""
        return str(post["slug"])

    def _recorded(self, post: Post, *, created: bool) -> Any:
        """What the effect ledger records of a draft that was `created` now, or found; JSON."""
        return str(post["id"])

    async def find(self, slug: str, known: Existing | None = None) -> Existing | None:
        post = await self._look(slug, known)
        return None if post is None else self._existing(post)

    async def unpublish(
        self, slug: str, effect: Effect, known: Existing | None = None
    ) -> Existing | None:
        there = await self.find(slug, known)
        if there is None or known is None:
            return there
        if there.state == "draft":  # what a person wrote there since is no version of ours
            return known.model_copy(update={"state": "draft", "url": there.url})
        if not untouched(there, known):
            raise Conflict(f"{there.url} was changed by a person", there)
        call = partial(self._withdraw, slug, there, known)
        content = ["draft", there.fingerprint, str(there.modified)]
        draft = await effect("unpublish", content=content, call=call, repeatable=True)
        return None if draft is None else as_known(Existing.model_validate(draft), known)

    async def sweep(
        self, effect: Effect, under_way: Callable[[], Awaitable[Collection[str]]]
    ) -> list[str]:
        drafts = await self._drafts()
        busy = {self._cms_slug(slug) for slug in await under_way()}
        orphans = [post for post in drafts if self._is_orphan(post, busy)]
        for post in orphans:
            call = partial(self._remove, post["id"])
            await effect("remove", content=post["id"], call=call, repeatable=True)
        return [self._slug(post) for post in orphans]

    def _is_orphan(self, post: Post, busy: Collection[str]) -> bool:
        """Whether it is a draft that we began and nobody works on, with or without a number."""
        old = datetime.now(UTC) - timedelta(seconds=ORPHAN_SECONDS)
        slug = self._slug(post)
        if slug in busy or re.sub(r"-\d+$", "", slug) in busy:
            return False
        return self._is_begun(post) and (self._changed_at(post) or old) < old

    async def _begin(
        self, slug: str, content: Any, effect: Effect, there: Post | None = None
    ) -> Any:
        """An empty draft with the slug, once; what is `_recorded` of it. A `-2` that we are given
        instead is removed.

        Where it is there already, because its answer was lost or another job began it, it is that
        one; so is `there`.
        """

        async def call() -> Any:
            if there is not None:
                return self._recorded(there, created=False)
            return await self._created(slug)

        async def probe() -> Any | None:
            post = there or await self._look(slug)
            ours = post is not None and (post is there or self._is_begun(post))
            return self._recorded(post, created=False) if post is not None and ours else None

        return await effect("begin", content=content, call=call, probe=probe, pauses=PAUSES)

    async def _created(self, slug: str) -> Any:
        post = await self._create(slug)
        if self._slug(post) == slug:
            return self._recorded(post, created=True)
        await self._remove(post["id"])
        other = await self.find(slug)
        if other is not None:
            raise Conflict(f"{other.url} was not written by us", other)
        raise self._slug_refused(slug, self._slug(post))


def picture_kind(src: str) -> str:
    """The ending of a picture's name, one of `PICTURE_TYPES`. Raises `Permanent`."""
    kind = src.rsplit(".", 1)[-1].lower()
    if kind not in PICTURE_TYPES:
        raise Permanent(f"the picture {src} is none of {', '.join(PICTURE_TYPES)}")
    return kind
