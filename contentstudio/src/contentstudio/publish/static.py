"""A site of plain files, for any web server.

The manifest says what is published and which files are ours; everything else follows from it and
can be written again. The order of the writes is hashes of what comes, page, manifest, lists:
whatever the moment of a crash, publishing the same draft again brings the same files. A file that
is not ours, or that a person changed since, is left as it is.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from contentstudio.config import Site
from contentstudio.model import Draft, Existing, Model, Published
from contentstudio.publish import cards, foot, render, theme_faults
from contentstudio.publish.own_pages import OwnPage, refuse_collisions
from contentstudio.publish.port import (
    SLUG_RULE,
    Article,
    Capabilities,
    Conflict,
    Effect,
    Finding,
    OwnPost,
    content_sha256,
    plan,
    untouched,
)
from contentstudio.text.slugs import is_slug
from overnight.errors import ConfigError, Permanent, Transient

PICTURES = frozenset({".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"})
MANIFEST = ".contentstudio.json"
LOCK = ".contentstudio.lock"
LOCK_TIMEOUT_SECONDS = 30.0

THEIRS = "is a person's own or was changed by one, so it is left as it is"
BEHIND = "some pages were made before the theme, the config or contentstudio changed"
RENDER = "contentstudio site render {site} makes them again"
GIVE_BACK = "delete it, and ours is written at the next publish"

_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}
_NO_FILE = ""  # the hash of what is no file of ours, whatever it is
_WRITTEN_BEFORE = {
    "robots.txt": r"User-agent: \*\nAllow: /\n\nSitemap: \S+/sitemap\.xml\n\Z",
    "sitemap.xml": r"<\?xml[^>]*>\n<urlset "
    r"[^>]*>\n<url><loc>[^<]*/</loc><lastmod>[^<]*</lastmod></url>\n<",
    "feed.xml": r"<\?xml[^>]*>\n<feed [^>]*>\n<id>[^<]*/</id>\n<title>",
}
_WRONG_FOLDER = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ELOOP,
}


class Manifest(Model):
    """What is published in a folder: slugs to pages, the one site that the folder belongs to, and
    the files of ours.

    `files` maps the path of a file below the folder to the SHA-256 of its bytes; of two hashes the
    first is what is to stand there, and the other one what stood there before. It is None in a
    manifest that knew no hashes yet. `look` is that of the oldest page: see `theme_faults.look`.
    """

    site: str
    pages: dict[str, render.Page]
    files: dict[str, tuple[str, ...]] | None = None
    look: str | None = None


class StaticSite:
    """Publishes a site into a folder that its owner may have files in too. Safe for several threads
    and processes.
    """

    def __init__(self, site: Site, directory: Path, own: Sequence[OwnPage] = ()) -> None:
        self.site = site
        self.directory = directory
        self.own = own
        self._rendered: tuple[dict[str, render.Page], dict[str, bytes]] | None = None

    def find(self, slug: str) -> Existing | None:
        """What the manifest says of the slug; the hash is None while its page or a list is missing
        or behind.
        """
        _check_slug(slug)
        with _explained(self.directory):
            manifest = self._read_manifest()
            page = manifest.pages.get(slug)
            if page is None:
                return None
            whole = all(
                (self.directory / name).is_file() for name in _files_of(slug, page)
            ) and all(
                _holds(self.directory / name, data) or not self._is_ours(manifest, name, data)
                for name, data in self._lists(manifest.pages).items()
            )
        return Existing(
            url=render.page_url(self.site, slug),
            sha256=page.sha256 if whole else None,
            action="created" if page.updated_at == page.published_at else "updated",
            path=str(self._page_path(slug)),
        )

    def standing(self, slug: str) -> Existing | None:
        """What stands at the page of a slug, whoever wrote it, with the hash of its bytes as its
        fingerprint.
        """
        _check_slug(slug)
        path = self._page_path(slug)
        with _explained(self.directory):
            fingerprint = _sha256_at(path)
            if fingerprint is None:
                return None
            moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        url = render.page_url(self.site, slug)
        return Existing(
            url=url, sha256=None, path=str(path), fingerprint=fingerprint, modified=moment
        )

    def wrote(self, slug: str, fingerprint: str | None) -> bool | None:
        """Whether a page with these bytes is as we left it; None where the manifest lists it
        without its hash.
        """
        with _explained(self.directory):
            manifest = self._read_manifest()
            known = (manifest.files or {}).get(_page_name(slug))
            if known is not None:
                return fingerprint in known
            if slug in manifest.pages:
                return None
            return manifest.files is None and _is_generated(self._page_path(slug))

    def left(self) -> list[str]:
        """The files that we would write and that are a person's."""
        with _explained(self.directory):
            manifest = self._read_manifest()
            lists = self._lists(manifest.pages)
            return [name for name, data in lists.items() if not self._is_ours(manifest, name, data)]

    def publish(
        self,
        draft: Draft,
        *,
        published_at: datetime,
        indexed: bool = True,
        expected: str | None = None,
        pictures: Mapping[str, bytes] = MappingProxyType({}),
    ) -> Published:
        """Write the page and the lists; files that are right already are left alone, and so are
        those of a person.

        `expected` is the fingerprint of the page that the caller looked at, `pictures` the bytes of
        the draft's own pictures by their `src`, which come to lie beside the page. Raises Permanent
        (an impossible slug, a draft of another site, a corrupt manifest, a page in the way that we
        did not write), Conflict (a page that is neither `expected` nor ours), ConfigError (the
        folder cannot be used), Transient (disk full, folder locked for too long).
        """
        _check_slug(draft.slug)
        if published_at.tzinfo is None:
            raise ValueError("published_at needs a time zone")
        if draft.site != self.site.name:
            raise Permanent(
                f"The draft is for the site {draft.site!r} and cannot be published on "
                f"{self.site.name!r}."
            )
        with _explained(self.directory), self._locked():
            manifest = self._read_manifest()
            known = manifest.pages.get(draft.slug)
            standing = self._refuse_foreign_page(manifest, draft.slug, expected)
            beside = self._beside(draft, pictures)
            page = _next_page(known, draft, published_at, indexed, beside)
            pages = {**manifest.pages, draft.slug: page}
            refuse_collisions(self.own, pages)
            feet = render.feet(self.site, pages, self.own)
            new = {_page_name(draft.slug): self._html(draft, page, feet[draft.slug], pictures)}
            below = _below(draft.slug, beside)
            theirs = self._write(
                manifest, pages, new, feet, below, standing={_page_name(draft.slug): standing}
            )
            if _page_name(draft.slug) in theirs:
                raise Conflict(
                    f"{render.page_url(self.site, draft.slug)} was changed by a person",
                    self.standing(draft.slug),
                )
        return Published(
            url=render.page_url(self.site, draft.slug),
            action="created"
            if known is None
            else "unchanged"
            if known.sha256 == page.sha256
            else "updated",
            path=str(self._page_path(draft.slug)),
            sha256=page.sha256,
            differs=tuple(f"{self.directory / name} {THEIRS}: {GIVE_BACK}" for name in theirs),
        )

    def unpublish(self, slug: str, *, expected: str | None = None) -> None:
        """Remove the page, then its line of the manifest, then write the lists. One that is not
        there is no error.

        Raises what `publish` does.
        """
        _check_slug(slug)
        with _explained(self.directory), self._locked():
            manifest = self._read_manifest()
            if slug in manifest.pages:
                self._refuse_foreign_page(manifest, slug, expected)
                pages = {name: page for name, page in manifest.pages.items() if name != slug}
                self._write(
                    manifest,
                    pages,
                    {},
                    render.feet(self.site, pages, self.own),
                    gone=_page_name(slug),
                )

    def render_again(
        self, drafts: Mapping[str, Draft], expected: Mapping[str, str | None]
    ) -> tuple[list[str], list[str]]:
        """Make the pages again, of the drafts that they were made of, in the templates and with the
        config of now.

        `expected` are the fingerprints of the pages as we know them. Which slugs were rendered, and
        which were left as they are: a person's, or without the draft. Raises what `publish` does.
        """
        with _explained(self.directory), self._locked():
            manifest = self._read_manifest()
            pages, beside, made = dict(manifest.pages), dict[str, bytes](), dict[str, Draft]()
            standing = {
                _page_name(slug): _sha256_at(self._page_path(slug)) for slug in manifest.pages
            }
            for slug, page in manifest.pages.items():
                draft = drafts.get(slug)
                same = draft is not None and content_sha256(draft) == page.sha256
                if (
                    draft is not None
                    and same
                    and self._may_render(manifest, slug, expected.get(slug))
                ):
                    files = self._beside(draft, self._pictures_of(draft))
                    made[slug], pages[slug] = draft, page.model_copy(update=_told(draft, files))
                    beside |= _below(slug, files)
            refuse_collisions(self.own, pages)
            feet = render.feet(self.site, pages, self.own)
            new = {
                _page_name(slug): self._html(
                    draft, pages[slug], feet[slug], self._pictures_of(draft)
                )
                for slug, draft in made.items()
            }
            look = manifest.model_copy(
                update={"look": theme_faults.look(self.site)}
            )  # of those that are left, too
            theirs = self._write(look, pages, new, feet, beside, standing=standing)
            rendered = [slug for slug in made if _page_name(slug) not in theirs]
        return rendered, [slug for slug in pages if slug not in rendered]

    def _may_render(self, manifest: Manifest, slug: str, expected: str | None) -> bool:
        """Whether the page of a slug is missing, or as we left it."""
        if _goes_by_link(self.directory, name := _page_name(slug)):
            return False
        return _sha256_at(self.directory / name) in (
            None,
            expected,
            *(manifest.files or {}).get(name, ()),
        )

    def is_behind(self) -> bool:
        """Whether pages were made before the templates or the config changed."""
        with _explained(self.directory):
            manifest = self._read_manifest()
        return bool(manifest.pages) and manifest.look != theme_faults.look(self.site)

    def pages(self) -> dict[str, render.Page]:
        """What is published, by slug."""
        with _explained(self.directory):
            return self._read_manifest().pages

    def html(self, slug: str) -> str | None:
        """The page of a slug in whatever encoding a person saved it; None where no file can be
        read.
        """
        with suppress(OSError):
            return self._page_path(slug).read_text("utf-8", "replace")
        return None

    def _page_path(self, slug: str) -> Path:
        return self.directory / _page_name(slug)

    def _lists(self, pages: dict[str, render.Page]) -> dict[str, bytes]:
        """What depends on all pages. Publishing asks several times, and renders once."""
        if self._rendered is None or self._rendered[0] != pages:
            files = render.listings(self.site, pages, self.own)
            self._rendered = pages, {name: _bytes(content) for name, content in files.items()}
        return self._rendered[1]

    def _with_feet(
        self, manifest: Manifest, feet: dict[str, str], new: Collection[str]
    ) -> dict[str, bytes]:
        """The pages whose foot alone changes, of those that are as we left them; none of `new`."""
        found = {}
        for slug, html in feet.items():
            name = _page_name(slug)
            standing = _read(self.directory / name) if name not in new else None
            if standing is not None and _sha256(standing) in (manifest.files or {}).get(name, ()):
                found[name] = foot.replaced(standing, html), standing
        return {name: changed for name, (changed, standing) in found.items() if changed != standing}

    def _html(
        self, draft: Draft, page: render.Page, foot: str, pictures: Mapping[str, bytes]
    ) -> bytes:
        moments = {"published_at": page.published_at, "updated_at": page.updated_at}
        placed = {
            src: cards.size_of(data) for src, data in pictures.items() if _place_of(src) is not None
        }
        sizes = {src: size for src, size in placed.items() if size is not None}
        html = render.article(
            self.site, draft, **moments, indexed=page.indexed, foot=foot, sizes=sizes
        )
        return html.encode()

    def _beside(self, draft: Draft, pictures: Mapping[str, bytes]) -> dict[str, bytes]:
        """The files beside an article's page, by their paths from it: its card, or its own
        pictures.
        """
        card = render.card(self.site, draft)
        placed = {
            path: data for src, data in pictures.items() if (path := _place_of(src)) is not None
        }
        return placed if card is None else {render.CARD: card, **placed}

    def _pictures_of(self, draft: Draft) -> dict[str, bytes]:
        """The pictures that lie beside an article's page already, by their `src`."""
        folder = self.directory / draft.slug
        found = {
            image.src: _read(folder / path)
            for image in draft.images
            if (path := _place_of(image.src))
        }
        return {src: data for src, data in found.items() if data is not None}

    def _write(
        self,
        manifest: Manifest,
        pages: dict[str, render.Page],
        new: dict[str, bytes],
        feet: dict[str, str],
        beside: Mapping[str, bytes] = MappingProxyType({}),
        *,
        standing: Mapping[str, str | None] = MappingProxyType({}),
        gone: str | None = None,
    ) -> list[str]:
        """Bring the folder to these pages, of which `new` are written by their paths, and `gone` is
        removed. `feet` are those of all pages, `beside` the files beside the new ones, `standing`
        the fingerprints that the new ones were found with: rendering takes its time, and a person
        may write meanwhile. Tells the names of files that stay as they are because they are a
        person's.
        """
        look = theme_faults.look(self.site)
        lists = {**beside, **self._with_feet(manifest, feet, new), **self._lists(pages)}
        theirs = [file for file, data in lists.items() if not self._is_ours(manifest, file, data)]
        ours = {file: data for file, data in lists.items() if file not in theirs}
        coming = {
            file: self._hashes(manifest, file, data)
            for file, data in (new | ours).items()
            if file in new or not self._stands_unasked(manifest, file, data)
        }
        files = (manifest.files or {}) | coming
        self._put_manifest(manifest.model_copy(update={"files": files}))
        if gone is not None:
            self._remove(gone)
        for file, data in new.items():
            if _sha256_at(self.directory / file) not in (None, _sha256(data), standing[file]):
                theirs.append(file)  # a person changed it since we looked
                continue
            _put(self.directory / file, data)
            files[file] = (_sha256(data),)
        kept = {*lists, *(file for slug, page in pages.items() for file in _files_of(slug, page))}
        over = files.keys() - kept
        for file in over:
            if self._stands(file) in files[file]:
                self._remove(file)
        files = {file: hashes for file, hashes in files.items() if file not in over}
        old = manifest.look if any(_page_name(slug) not in new for slug in pages) else look
        self._put_manifest(Manifest(site=self.site.name, pages=pages, files=files, look=old))
        for file, data in ours.items():
            if self._is_ours(manifest, file, data):  # a person may have changed it by now
                _put(self.directory / file, data)
            else:
                theirs.append(file)
        return theirs

    def _stands_unasked(self, manifest: Manifest, file: str, data: bytes) -> bool:
        """Whether a person put there what we would write: it is theirs, and is not removed with
        ours.
        """
        return (
            manifest.files is not None
            and file not in manifest.files
            and self._stands(file) == _sha256(data)
        )

    def _put_manifest(self, manifest: Manifest) -> None:
        _put(self.directory / MANIFEST, _manifest_bytes(manifest))

    def _remove(self, name: str) -> None:
        """Remove a file, and the folders below ours that are empty then."""
        path = self.directory / name
        path.unlink(missing_ok=True)
        with suppress(OSError):  # a folder that holds something else stays
            for folder in path.relative_to(self.directory).parents[:-1]:
                (self.directory / folder).rmdir()

    def _stands(self, name: str) -> str | None:
        """The hash of a file; none for what goes by a link out of the folder."""
        return None if _goes_by_link(self.directory, name) else _sha256_at(self.directory / name)

    def _is_ours(self, manifest: Manifest, name: str, data: bytes) -> bool:
        """Whether a file may be written: none stands there, it is as we left it, or it holds the
        data already.
        """
        if _goes_by_link(self.directory, name):
            return False
        path = self.directory / name
        standing = _sha256_at(path)
        if standing is None or standing == _sha256(data):
            return True
        if manifest.files is None:
            return _written_before(name, path)
        return standing in manifest.files.get(name, ())

    def _hashes(self, manifest: Manifest, name: str, data: bytes) -> tuple[str, ...]:
        """What the manifest is to say of a file that is about to be written over what is ours."""
        new, standing = _sha256(data), _sha256_at(self.directory / name)
        known = (manifest.files or {}).get(name, ())
        if known[:1] == (new,) and (standing is None or standing in known):
            return known
        return (new,) if standing in (None, new) else (new, standing)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder. The lock is the kernel's: it goes with its owner, however that dies."""
        self.directory.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        with os.fdopen(
            os.open(self.directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644), "r+"
        ) as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Transient(
                            f"Another publisher has held {self.directory} for too long."
                        ) from None
                    time.sleep(0.02)
            yield

    def _read_manifest(self) -> Manifest:
        path = self.directory / MANIFEST
        try:
            manifest = self._manifest_there()
        except ValidationError as error:
            raise Permanent(
                f"The manifest {path} is damaged, so nobody knows what is published "
                "there. Nothing was written. "
                "Restore it from a backup, or move the folder away to begin a new site."
            ) from error
        if manifest is None:
            return Manifest(site=self.site.name, pages={}, files={})
        if manifest.site != self.site.name:
            raise ConfigError(
                f"The folder {self.directory} belongs to the site {manifest.site!r}. "
                f"Give {self.site.name!r} a folder of its own in publishing.dir."
            )
        return manifest

    def _manifest_there(self) -> Manifest | None:
        """The manifest, or None in a folder that was not published to. Without the lock somebody
        may begin just now.

        Where a whole site stands without a manifest, its articles would be in no list of ours:
        hands off. Single files of the owner's are left as they are.
        """
        path = self.directory / MANIFEST
        if (data := _read(path)) is not None:
            return Manifest.model_validate_json(data)
        site = self._other_site()
        if site is None:
            return None
        if (data := _read(path)) is not None:  # it is written before them
            return Manifest.model_validate_json(data)
        raise ConfigError(
            f"The folder {self.directory} holds {site} but no manifest {MANIFEST}, so it "
            "is another site or "
            "the manifest was lost. Restore the manifest, or give publishing.dir an empty folder."
        )

    def _other_site(self) -> str | None:
        """A file that belongs to a whole site: a list of its articles, or a page of ours."""
        lists = [name for name in ("sitemap.xml", "feed.xml") if (self.directory / name).exists()]
        there = (
            path
            for pattern in ("index.html", "*/index.html")
            for path in self.directory.glob(pattern)
        )
        pages = (path for path in there if _is_generated(path))
        return (
            lists[0]
            if lists
            else next((str(path.relative_to(self.directory)) for path in pages), None)
        )

    def _refuse_foreign_page(
        self, manifest: Manifest, slug: str, expected: str | None
    ) -> str | None:
        """A page that the manifest does not know is ours if it says so, and the manifest is of the
        time before hashes. Returns its fingerprint, None where there is none.
        """
        path = self._page_path(slug)
        if _goes_by_link(self.directory, _page_name(slug)):
            raise Permanent(
                f"{path} goes by a link, which is not written through. Put a folder in "
                "place of the link."
            )
        there = self.standing(slug)
        if there is None or there.fingerprint in (
            expected,
            *(manifest.files or {}).get(_page_name(slug), ()),
        ):
            return there.fingerprint if there else None
        if slug in manifest.pages:
            if expected is not None:
                raise Conflict(f"{there.url} was changed by a person", there)
        elif manifest.files is not None or not _is_generated(path):
            raise Permanent(
                f"Another page already stands at {path}. Move it away, or give the "
                "article another slug."
            )
        return there.fingerprint


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
        told = {"fingerprint": standing.fingerprint, "modified": standing.modified}
        return listed.model_copy(update=told | ({"sha256": None} if wrote is False else {}))

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
            return _published(article, there, "unchanged"), there

        async def probe() -> Published | None:
            there = await self.find(slug)
            written = there is not None and there.sha256 == article.sha256
            return _published(article, there, there.action) if there and written else None

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
        published = Published.model_validate(
            await effect("publish", content=content, call=call, probe=probe)
        )
        written = await self.find(slug)
        if written is None:
            raise Conflict(f"{published.url} was taken away by a person", None)
        return published, written

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
        told = [self._told(name) for name in await asyncio.to_thread(self._folder.left)]
        if await asyncio.to_thread(self._folder.is_behind):
            told.append(
                Finding(what=BEHIND, ok=True, mend=RENDER.format(site=self._folder.site.name))
            )
        return [folder, *told, *self._imprint()]

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

    def _told(self, name: str) -> Finding:
        """A file that stays as it is. Without our sitemap nobody finds the articles; the rest is
        the owner's choice.
        """
        what = f"{self._folder.directory / name} {THEIRS}"
        return Finding(what=what, ok=name != "sitemap.xml", mend=GIVE_BACK)


def _published(
    article: Article, there: Existing, action: Literal["created", "updated", "unchanged"]
) -> Published:
    return Published(url=there.url, action=action, path=there.path, sha256=article.sha256)


def _check_slug(slug: str) -> None:
    if not is_slug(slug):
        raise Permanent(f"{slug!r} cannot be a slug: {SLUG_RULE}.")


def _next_page(
    known: render.Page | None,
    draft: Draft,
    published_at: datetime,
    indexed: bool,
    beside: Collection[str],
) -> render.Page:
    """What the manifest is to say of the draft: equal to `known` when the content is."""
    sha256 = content_sha256(draft)
    told = _told(draft, beside)
    if known and known.sha256 == sha256:
        return known.model_copy(update=told)  # an older manifest says none of it
    now = published_at.astimezone(UTC).replace(microsecond=0)
    first = known.published_at if known else now
    return render.Page(
        title=draft.title,
        description=draft.description,
        sha256=sha256,
        published_at=first,
        updated_at=max(first, now),
        indexed=indexed,
        **told,
    )


def _told(draft: Draft, beside: Iterable[str]) -> dict[str, Any]:
    """What a manifest of an earlier version does not say."""
    return {"tags": tuple(draft.tags), "language": draft.language, "beside": tuple(beside)}


def _place_of(src: str) -> str | None:
    """Where a picture lies beside the page that shows it; None for an address, and for a path that
    leads elsewhere.
    """
    path = PurePosixPath(unquote(src))
    if (
        urlsplit(src).scheme
        or path.is_absolute()
        or any(part.startswith(".") for part in path.parts)
    ):
        return None
    return None if path.suffix.lower() not in PICTURES else str(path)


def _below(slug: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of an article's folder by their paths in the site's."""
    return {f"{slug}/{name}": data for name, data in files.items()}


def _files_of(slug: str, page: render.Page) -> list[str]:
    """The files of an article: its page, and what lies beside it."""
    return [_page_name(slug), *(f"{slug}/{name}" for name in page.beside)]


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _manifest_bytes(manifest: Manifest) -> bytes:
    text = json.dumps(
        manifest.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False
    )
    return f"{text}\n".encode()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _holds(path: Path, data: bytes) -> bool:
    return _sha256_at(path) == _sha256(data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sha256_at(path: Path) -> str | None:
    """The hash of a file, None where there is none, and nothing's hash for what is no file that we
    may read.
    """
    try:
        return _sha256(path.read_bytes())
    except FileNotFoundError:
        return _NO_FILE if path.is_symlink() else None
    except (IsADirectoryError, NotADirectoryError, PermissionError):
        return _NO_FILE


def _page_name(slug: str) -> str:
    return f"{slug}/index.html"


def _goes_by_link(directory: Path, name: str) -> bool:
    """Whether a link is on the way from the folder to the file, or in its place: we make none."""
    path = Path(name)
    return any((directory / part).is_symlink() for part in (path, *path.parents[:-1]))


def _is_generated(path: Path) -> bool:
    with suppress(OSError):
        return render.GENERATOR.encode() in path.read_bytes()
    return False


def _written_before(name: str, path: Path) -> bool:
    """Whether a list is ours by what it says: for the first write in a folder whose manifest has no
    hashes.
    """
    if name.endswith(".html"):
        return _is_generated(path)
    pattern = _WRITTEN_BEFORE.get(name)
    return bool(pattern and re.match(pattern, path.read_text("utf-8", "replace")))


def _put(path: Path, data: bytes) -> None:
    """Make the file hold the data, atomically and durably."""
    if _holds(path, data):
        return
    for folder in [folder for folder in reversed(path.parents) if not folder.exists()]:
        folder.mkdir()
        _sync_directory(folder.parent)
    # One name per target, safe under the lock: what a crash leaves behind is taken up by the next
    # write.
    temporary = path.with_name(f".{path.name}.contentstudio.tmp")
    try:
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666), "wb"
        ) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _explained(directory: Path) -> Iterator[None]:
    """Tell by the error number what will pass, what a person can mend, and what is neither."""
    try:
        yield
    except OSError as error:
        if error.errno in _PASSING:
            raise Transient(
                f"The site in {directory} cannot be written at the moment: {error}."
            ) from error
        if error.errno in _WRONG_FOLDER:
            raise ConfigError(
                f"The site cannot be written to {directory}: {error}. "
                "Let publishing.dir name a folder that this user may write to."
            ) from error
        raise
