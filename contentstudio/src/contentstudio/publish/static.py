"""A site of plain files, for any web server.

The manifest says what is published; everything else follows from it and can be written again. The order of the writes
is page, manifest, lists: whatever the moment of a crash, publishing the same draft again brings the same files.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationError

from contentstudio.config import Site
from contentstudio.model import Draft, Model, Published
from contentstudio.publish import render
from contentstudio.publish.own_pages import OwnPage, refuse_collisions
from contentstudio.publish.port import (
    SLUG_RULE,
    Article,
    Capabilities,
    Conflict,
    Effect,
    Existing,
    Finding,
    OwnPost,
    content_sha256,
    plan,
    untouched,
)
from contentstudio.research.slugs import is_slug
from overnight.errors import ConfigError, Permanent, Transient

MANIFEST = ".contentstudio.json"
LOCK = ".contentstudio.lock"
LOCK_TIMEOUT_SECONDS = 30.0

_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}
_WRONG_FOLDER = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP}


class Manifest(Model):
    """What is published in a folder: slugs to pages, and the one site that the folder belongs to."""

    site: str
    pages: dict[str, render.Page]


class StaticSite:
    """Publishes a site into a folder that nothing else writes to. Safe for several threads and processes at once."""

    def __init__(self, site: Site, directory: Path, own: Sequence[OwnPage] = ()) -> None:
        self.site = site
        self.directory = directory
        self.own = own

    def find(self, slug: str) -> Existing | None:
        """What the manifest says of the slug; the hash is None while its page or a list is missing or behind."""
        _check_slug(slug)
        with _explained(self.directory):
            manifest = self._read_manifest()
            page = manifest.pages.get(slug)
            if page is None:
                return None
            whole = self._page_path(slug).is_file() and all(
                _holds(path, data) for path, data in self._lists(manifest).items()
            )
        return Existing(
            url=render.page_url(self.site, slug),
            sha256=page.sha256 if whole else None,
            action="created" if page.updated_at == page.published_at else "updated",
            path=str(self._page_path(slug)),
        )

    def publish(self, draft: Draft, *, published_at: datetime, indexed: bool = True) -> Published:
        """Write the page, then the manifest, then the lists; files that are right already are left alone.

        Raises Permanent (an impossible slug, a draft of another site, a corrupt manifest, a page in the way that we
        did not write), ConfigError (the folder cannot be used), Transient (disk full, folder locked for too long).
        """
        _check_slug(draft.slug)
        if published_at.tzinfo is None:
            raise ValueError("published_at needs a time zone")
        if draft.site != self.site.name:
            raise Permanent(f"The draft is for the site {draft.site!r} and cannot be published on {self.site.name!r}.")
        with _explained(self.directory), self._locked():
            manifest = self._read_manifest()
            known = manifest.pages.get(draft.slug)
            if known is None:
                self._refuse_foreign_page(draft.slug)
            page = _next_page(known, draft, published_at, indexed)
            manifest = Manifest(site=manifest.site, pages={**manifest.pages, draft.slug: page})
            refuse_collisions(self.own, manifest.pages)
            path = self._page_path(draft.slug)
            if (card := render.card(self.site, draft)) is not None:
                _put(path.with_name(render.CARD), card)
            moments = {"published_at": page.published_at, "updated_at": page.updated_at}
            foot = render.feet(self.site, manifest.pages, self.own)[draft.slug]
            html = render.article(self.site, draft, **moments, indexed=page.indexed, foot=foot)
            _put(path, html.encode())
            _put(self.directory / MANIFEST, _manifest_bytes(manifest))
            for list_path, data in self._lists(manifest).items():
                _put(list_path, data)
        return Published(
            url=render.page_url(self.site, draft.slug),
            action="created" if known is None else "unchanged" if known.sha256 == page.sha256 else "updated",
            path=str(path),
            sha256=page.sha256,
        )

    def unpublish(self, slug: str) -> None:
        """Remove the page, then its line of the manifest, then write the lists. One that is not there is no error."""
        _check_slug(slug)
        with _explained(self.directory), self._locked():
            manifest = self._read_manifest()
            if slug not in manifest.pages:
                return
            path = self._page_path(slug)
            path.unlink(missing_ok=True)
            path.with_name(render.CARD).unlink(missing_ok=True)
            with suppress(OSError):  # a folder that holds something else stays
                path.parent.rmdir()
            pages = {name: page for name, page in manifest.pages.items() if name != slug}
            manifest = Manifest(site=manifest.site, pages=pages)
            _put(self.directory / MANIFEST, _manifest_bytes(manifest))
            for list_path, data in self._lists(manifest).items():
                _put(list_path, data)

    def pages(self) -> dict[str, render.Page]:
        """What is published, by slug."""
        with _explained(self.directory):
            return self._read_manifest().pages

    def html(self, slug: str) -> str | None:
        """The page of a slug in whatever encoding a person saved it; None where no file can be read."""
        with suppress(OSError):
            return self._page_path(slug).read_text("utf-8", "replace")
        return None

    def _page_path(self, slug: str) -> Path:
        return self.directory / slug / "index.html"

    def _lists(self, manifest: Manifest) -> dict[Path, bytes]:
        files = render.listings(self.site, manifest.pages, self.own)
        return {self.directory / name: _bytes(content) for name, content in files.items()}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder. The lock is the kernel's: it goes with its owner, however that dies."""
        self.directory.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        with (self.directory / LOCK).open("a") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Transient(f"Another publisher has held {self.directory} for too long.") from None
                    time.sleep(0.02)
            yield

    def _read_manifest(self) -> Manifest:
        path = self.directory / MANIFEST
        try:
            manifest = self._manifest_there()
        except ValidationError as error:
            raise Permanent(
                f"The manifest {path} is damaged, so nobody knows what is published there. Nothing was written. "
                "Restore it from a backup, or move the folder away to begin a new site."
            ) from error
        if manifest is None:
            return Manifest(site=self.site.name, pages={})
        if manifest.site != self.site.name:
            raise ConfigError(
                f"The folder {self.directory} belongs to the site {manifest.site!r}. "
                f"Give {self.site.name!r} a folder of its own in publishing.dir."
            )
        return manifest

    def _manifest_there(self) -> Manifest | None:
        """The manifest, or None in a folder that was not published to. Without the lock somebody may begin just now.

        Where lists stand without a manifest they are not ours, or their articles would vanish from them: hands off.
        """
        path = self.directory / MANIFEST
        if (data := _read(path)) is not None:
            return Manifest.model_validate_json(data)
        lists = [name for name in render.listings(self.site, {}) if (self.directory / name).exists()]
        if not lists:
            return None
        if (data := _read(path)) is not None:  # it is written before them
            return Manifest.model_validate_json(data)
        raise ConfigError(
            f"The folder {self.directory} holds {lists[0]} but no manifest {MANIFEST}, so it is another site or "
            "the manifest was lost. Restore the manifest, or give publishing.dir an empty folder."
        )

    def _refuse_foreign_page(self, slug: str) -> None:
        """A page that the manifest does not know is ours if it says so: then a crash came before the manifest."""
        path = self._page_path(slug)
        if path.exists() and render.GENERATOR.encode() not in path.read_bytes():
            raise Permanent(f"Another page already stands at {path}. Move it away, or give the article another slug.")


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
        there = self._folder.find(slug)
        page = Path(there.path) if there and there.path else None
        if there is None or page is None:
            return None
        if not page.is_file():
            return there
        moment = datetime.fromtimestamp(page.stat().st_mtime, UTC)
        fingerprint = hashlib.sha256(page.read_bytes()).hexdigest()
        return there.model_copy(update={"fingerprint": fingerprint, "modified": moment})

    async def publish(
        self, article: Article, effect: Effect, known: Existing | None = None, ours: Collection[str] = ()
    ) -> tuple[Published, Existing]:
        there = await self.find(article.draft.slug)
        # The manifest is a record of ours too, older than `known`: what it lists, we wrote.
        todo = plan(article, there, known or there, ours)
        if todo == "leave" and known is not None and there is not None:
            return _published(article, there, "unchanged"), there

        async def probe() -> Published | None:
            there = await self.find(article.draft.slug)
            written = there is not None and there.sha256 == article.sha256
            return _published(article, there, there.action) if there and written else None

        async def call() -> Published:
            done = await asyncio.to_thread(
                self._folder.publish, article.draft, published_at=article.at, indexed=article.indexed
            )
            interrupted = done.action == "unchanged" and known is None  # an earlier attempt of ours wrote it
            return (await probe() if interrupted else None) or done

        content = [article.sha256, known and known.fingerprint, article.over]
        published = Published.model_validate(await effect("publish", content=content, call=call, probe=probe))
        written = await self.find(article.draft.slug)
        if written is None:
            raise Conflict(f"{published.url} was taken away by a person", None)
        return published, written

    async def unpublish(self, slug: str, effect: Effect, known: Existing | None = None) -> Existing | None:
        there = await self.find(slug)
        if there is not None and known is not None and not untouched(there, known):
            raise Conflict(f"{there.url} was changed by a person", there)

        async def call() -> None:
            await asyncio.to_thread(self._folder.unpublish, slug)

        if there is not None:
            await effect("unpublish", content=[slug, str(there.modified)], call=call, repeatable=True)
        return None

    async def sweep(self, effect: Effect, under_way: Callable[[], Awaitable[Collection[str]]]) -> list[str]:
        return []  # a file stands whole or not at all

    async def posts(self) -> AsyncIterator[OwnPost]:
        pages = await asyncio.to_thread(self._folder.pages)
        for slug, page in sorted(pages.items(), key=lambda item: item[1].published_at, reverse=True):
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
            return [Finding(what=f"the folder {self._folder.directory}: {error}", ok=False, mend="name another one")]
        mend = "" if writable else "let publishing.dir name a folder that this user may write to"
        return [Finding(what=f"the folder {self._folder.directory} can be written", ok=writable, mend=mend)]


def _published(article: Article, there: Existing, action: Literal["created", "updated", "unchanged"]) -> Published:
    return Published(url=there.url, action=action, path=there.path, sha256=article.sha256)


def _check_slug(slug: str) -> None:
    if not is_slug(slug):
        raise Permanent(f"{slug!r} cannot be a slug: {SLUG_RULE}.")


def _next_page(known: render.Page | None, draft: Draft, published_at: datetime, indexed: bool) -> render.Page:
    """What the manifest is to say of the draft: equal to `known` when the content is."""
    sha256 = content_sha256(draft)
    told: dict[str, Any] = {"tags": tuple(draft.tags), "language": draft.language}
    if known and known.sha256 == sha256:
        return known.model_copy(update=told)  # an older manifest says neither
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


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _manifest_bytes(manifest: Manifest) -> bytes:
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _holds(path: Path, data: bytes) -> bool:
    return _read(path) == data


def _put(path: Path, data: bytes) -> None:
    """Make the file hold the data, atomically and durably."""
    if _holds(path, data):
        return
    for folder in reversed([folder for folder in path.parents if not folder.exists()]):
        folder.mkdir(exist_ok=True)
        _sync_directory(folder.parent)
    # One name per target, safe under the lock: what a crash leaves behind is taken up by the next write.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
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
            raise Transient(f"The site in {directory} cannot be written at the moment: {error}.") from error
        if error.errno in _WRONG_FOLDER:
            raise ConfigError(
                f"The site cannot be written to {directory}: {error}. "
                "Let publishing.dir name a folder that this user may write to."
            ) from error
        raise
