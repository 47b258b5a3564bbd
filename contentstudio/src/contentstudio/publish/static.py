"""A site of plain files as a publisher."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Self

from contentstudio.model import Draft, Existing, Published
from contentstudio.publish import render, theme_faults
from contentstudio.publish.port import (
    Article,
    Capabilities,
    Conflict,
    Effect,
    Finding,
    OwnPost,
    plan,
    published,
    untouched,
)
from contentstudio.publish.static_site import GIVE_BACK, THEIRS, StaticSite
from overnight.errors import ConfigError, Permanent

BEHIND = "some pages were made before the theme, the config or contentstudio changed"
RENDER = "contentstudio site render {site} makes them again"


class StaticPublisher:
    """A static site as a publisher: its calls block, so they run in a thread."""

    can = Capabilities(frozenset({"published"}))

    def __init__(self, folder: StaticSite) -> None:
        self._folder = folder

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def find(self, slug: str, known: Existing | None = None) -> Existing | None:
        return await asyncio.to_thread(self._find, slug)

    def _find(self, slug: str) -> Existing | None:
        listed, standing = self._folder.find(slug), self._folder.standing(slug)
        if standing is None:
            return listed
        wrote = self._folder.wrote(slug, standing.fingerprint)
        if listed is None:
            return None if wrote else standing
        changes = {"fingerprint": standing.fingerprint, "modified": standing.modified}
        return listed.model_copy(update=changes | ({"sha256": None} if wrote is False else {}))

    def _as_left(
        self, there: Existing | None, known: Existing | None, slug: str
    ) -> Existing | None:
        """What stood there when we left it. The manifest is a record of ours too, of each time that
        we wrote.
        """
        if there is None:
            return known
        wrote = self._folder.wrote(slug, there.fingerprint)
        return known or there if wrote is None else there if wrote else known

    async def publish(
        self,
        article: Article,
        effect: Effect,
        known: Existing | None = None,
        ours: Collection[str] = (),
    ) -> tuple[Published, Existing]:
        slug = article.draft.slug
        there = await self.find(slug)
        todo = plan(
            article, there, await asyncio.to_thread(self._as_left, there, known, slug), ours
        )
        if todo == "leave" and known is not None and there is not None:
            return published(article, there, "unchanged"), there

        async def probe() -> Published | None:
            there = await self.find(slug)
            written = there is not None and there.sha256 == article.sha256
            return published(article, there, there.action) if there and written else None

        async def call() -> Published:
            done = await asyncio.to_thread(
                self._folder.publish,
                article.draft,
                published_at=article.at,
                indexed=article.indexed,
                expected=there.fingerprint if there else None,
                pictures=article.pictures,
            )
            interrupted = (
                done.action == "unchanged" and known is None
            )  # an earlier attempt of ours wrote it
            return (await probe() if interrupted else None) or done

        content = [article.sha256, known and known.fingerprint, article.over]
        done = Published.model_validate(
            await effect("publish", content=content, call=call, probe=probe)
        )
        written = await self.find(slug)
        if written is None:
            raise Conflict(f"{done.url} was taken away by a person", None)
        return done, written

    async def unpublish(
        self, slug: str, effect: Effect, known: Existing | None = None
    ) -> Existing | None:
        there = await self.find(slug)
        left = await asyncio.to_thread(self._as_left, there, known, slug)
        is_there = (
            there is not None and there.fingerprint is not None
        )  # else its page is gone, and its line is not
        if there is not None and is_there and not untouched(there, left):
            raise Conflict(f"{there.url} was changed by a person", there)

        async def call() -> None:
            await asyncio.to_thread(
                self._folder.unpublish, slug, expected=there.fingerprint if there else None
            )

        if there is not None:
            await effect(
                "unpublish", content=[slug, str(there.modified)], call=call, repeatable=True
            )
        return None

    async def render_again(
        self, drafts: Mapping[str, Draft], expected: Mapping[str, str | None], effect: Effect
    ) -> tuple[list[str], list[str]]:
        """Make the pages again: see `StaticSite.render_again`."""

        async def call() -> tuple[list[str], list[str]]:
            return await asyncio.to_thread(self._folder.render_again, drafts, expected)

        content = [theme_faults.look(self._folder.site), *sorted(drafts)]
        rendered, left = await effect("render", content=content, call=call, repeatable=True)
        return rendered, left

    async def sweep(
        self, effect: Effect, under_way: Callable[[], Awaitable[Collection[str]]]
    ) -> list[str]:
        return []  # a file stands whole or not at all

    async def posts(self) -> AsyncIterator[OwnPost]:
        pages = await asyncio.to_thread(self._folder.pages)
        for slug, page in sorted(
            pages.items(), key=lambda item: item[1].published_at, reverse=True
        ):
            html = await asyncio.to_thread(self._folder.html, slug)
            if html is not None:
                yield OwnPost(
                    url=render.page_url(self._folder.site, slug),
                    slug=slug,
                    title=page.title,
                    html=html,
                    published_at=page.published_at,
                    modified=page.updated_at,
                )

    async def check(self) -> list[Finding]:
        try:
            await asyncio.to_thread(self._folder.pages)
            self._folder.directory.mkdir(parents=True, exist_ok=True)
            writable = os.access(self._folder.directory, os.W_OK | os.X_OK)
        except (OSError, ConfigError, Permanent) as error:
            return [
                Finding(
                    what=f"the folder {self._folder.directory}: {error}",
                    ok=False,
                    mend="name another one",
                )
            ]
        mend = "" if writable else "let publishing.dir name a folder that this user may write to"
        folder = Finding(
            what=f"the folder {self._folder.directory} can be written", ok=writable, mend=mend
        )
        wrong = await asyncio.to_thread(theme_faults.faults, self._folder.site)
        if wrong:
            mend = "correct it in the theme: nothing is published until then"
            return [folder, *(Finding(what=what, ok=False, mend=mend) for what in wrong)]
        notes = [self._foreign_file(name) for name in await asyncio.to_thread(self._folder.left)]
        if await asyncio.to_thread(self._folder.is_behind):
            notes.append(
                Finding(what=BEHIND, ok=True, mend=RENDER.format(site=self._folder.site.name))
            )
        return [folder, *notes, *self._imprint()]

    def _imprint(self) -> list[Finding]:
        """A hint for those whose law asks for it; whether it does, we cannot know."""
        if self._folder.own:
            return []
        mend = (
            "where the law asks for an imprint, put imprint.md into a folder, and name that "
            "as pages of the site"
        )
        return [
            Finding(
                what="the site has no pages of its own, such as about or an imprint",
                ok=True,
                mend=mend,
            )
        ]

    def _foreign_file(self, name: str) -> Finding:
        """A file that stays as it is. Without our sitemap nobody finds the articles; the rest is
        the owner's choice.
        """
        what = f"{self._folder.directory / name} {THEIRS}"
        return Finding(what=what, ok=name != "sitemap.xml", mend=GIVE_BACK)
