"""Markdown files in a Git repository: each article is a file, each publishing a commit that is
pushed.

Who changed a file last is in its history: our commits name the hash of the draft that they brought.
When the remote has moved, its files are taken, looked at, and written once more on top.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Self

from contentstudio import config as settings
from contentstudio.config import Site
from contentstudio.model import Draft, Existing, Published
from contentstudio.publish import clones, front_matter, git_failures, markdown
from contentstudio.publish.layouts import PAGES, Post, is_post, is_web
from contentstudio.publish.port import (
    SLUG_RULE,
    Article,
    Capabilities,
    Conflict,
    Effect,
    Finding,
    OwnPost,
    plan,
    readable,
    sha256_of,
    untouched,
)
from contentstudio.text.slugs import is_slug
from overnight.errors import ConfigError, Permanent, Transient

TRAILER = "Contentstudio-Draft"
# the fingerprint of the file as we wrote it: a person may amend or squash our commit
FILE_TRAILER = "Contentstudio-File"
TOLD = 1_000  # characters of what git says of a failure that are kept
PUSHES = 5  # tries to be the one who pushes, where others push too
FOLDERS = {"hugo": "content/posts", "jekyll": "_posts", "astro": "src/content/blog"}
PICTURES = {
    "hugo": "static/images",
    "jekyll": "images",
    "astro": "public/images",
}  # all are seen as /images


class Git:
    """A repository that a generator makes a site of. A fresh copy of it is worked on, and forgotten
    afterwards.
    """

    can = Capabilities(frozenset({"draft", "published"}), media=True, tags=True)

    def __init__(self, site: Site, repository: settings.Git) -> None:
        self.site = site
        self._settings = repository
        self._posts = repository.folder or FOLDERS[repository.layout]
        self._open = AsyncExitStack()
        self._copy: Path | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def find(self, slug: str, known: Existing | None = None) -> Existing | None:
        await self._refresh()
        return await self._there(slug)

    async def publish(
        self,
        article: Article,
        effect: Effect,
        known: Existing | None = None,
        ours: Collection[str] = (),
    ) -> tuple[Published, Existing]:
        there = await self.find(article.draft.slug)
        if plan(article, there, known, ours) == "leave":
            assert there is not None and known is not None
            there = there.model_copy(update={"sha256": known.sha256})
            return Published(url=there.url, action="unchanged", sha256=article.sha256), there

        async def call() -> Any:
            return await self._pushed(
                partial(self._write, article, known, ours), f"Publish {article.draft.slug}", article
            )

        content = [article.sha256, article.state, known and known.fingerprint, article.over]
        written = Existing.model_validate(
            await effect("publish", content=content, call=call, repeatable=True)
        )
        action: Any = "created" if known is None else "updated"
        return Published(url=written.url, action=action, sha256=article.sha256), written

    async def unpublish(
        self, slug: str, effect: Effect, known: Existing | None = None
    ) -> Existing | None:
        there = await self.find(slug)
        if there is None:
            return None

        async def remove() -> str:
            now = await self._there(slug)
            if now is not None and not untouched(now, known):
                raise Conflict(f"{now.url} was changed by a person", now)
            if now is not None and now.path is not None:
                await self._git("rm", "--quiet", "--", now.path)
            return ""

        async def call() -> None:
            await self._pushed(remove, f"Unpublish {slug}", None)

        await effect("unpublish", content=[slug, there.fingerprint], call=call, repeatable=True)
        return None

    async def sweep(
        self, effect: Effect, under_way: Callable[[], Awaitable[Collection[str]]]
    ) -> list[str]:
        return []  # a commit is pushed whole or not at all

    async def posts(self) -> AsyncIterator[OwnPost]:
        await self._refresh()
        for post in sorted(self._files(), key=lambda post: post.path, reverse=True):
            if post.is_shown:
                modified = await self._modified(f"{self._posts}/{post.path}")
                for own_post in readable([post], partial(self._told, modified=modified)):
                    yield own_post

    def _told(self, post: Post, modified: datetime) -> OwnPost:
        return OwnPost(
            url=self._url(post, modified),
            slug=post.slug,
            title=post.title,
            html="".join(f"<p>{html.escape(part)}</p>" for part in post.text.split("\n\n")),
            published_at=post.date or modified,
            modified=modified,
        )

    async def check(self) -> list[Finding]:
        try:
            await self._refresh()
            await self._git("push", "--dry-run", "--quiet", "origin", self._settings.branch)
        except (ConfigError, Permanent, Transient) as error:
            refusal = git_failures.refusal(str(error))
            mend = (
                "look at the repository and the branch, and let this user's git log in there "
                "without being asked"
            )
            mend = refusal.mend if refusal else mend
            finding = Finding(
                what=f"the repository: {error}",
                ok=False,
                mend=mend,
                transient=isinstance(error, Transient),
            )
            return [finding]
        branch = (
            f"the branch {self._settings.branch} can be read, and git may push to the repository"
        )
        unknown = (
            "whether a protection of the branch or a hook of the server refuses a commit "
            "shows with the first push"
        )
        return [Finding(what=f"{branch}; {unknown}", ok=True)]

    async def _refresh(self) -> Path:
        """The copy as the remote's branch is now."""
        branch = self._settings.branch
        if self._copy is None:
            copy = self._open.enter_context(clones.folder()) / "copy"
            arguments = [
                "--quiet",
                "--single-branch",
                "--branch",
                branch,
                "--",
                self._settings.repository,
                str(copy),
            ]
            await self._run(copy.parent, "clone", *arguments)
            self._copy = copy
        else:
            await self._git("fetch", "--quiet", "origin", branch)
            await self._git("reset", "--quiet", "--hard", "FETCH_HEAD")
        return self._copy

    async def _pushed(
        self, change: Callable[[], Awaitable[str]], message: str, article: Article | None
    ) -> Any:
        """Change, commit and push; and once more on top of what others pushed in the meantime."""
        for _ in range(PUSHES):
            await self._refresh()
            file = await change()
            if not await self._git("status", "--porcelain"):
                return await self._there(article.draft.slug) if article else None
            trailer = f"\n\n{TRAILER}: {article.sha256}\n{FILE_TRAILER}: {file}" if article else ""
            await self._git("commit", "--quiet", "--message", message + trailer)
            try:
                await self._git("push", "--quiet", "origin", f"HEAD:{self._settings.branch}")
            except Permanent as error:
                if "[rejected]" not in str(error) and "fetch first" not in str(error):
                    raise
                continue
            except Transient:
                if not await self._has_arrived():
                    raise
            return await self._there(article.draft.slug) if article else None
        raise Transient(
            f"others push to {self._settings.repository} all the time: {PUSHES} tries came too late"
        )

    async def _has_arrived(self) -> bool:
        """Whether the remote has our commit, though the push failed: only its answer was lost."""
        try:
            await self._git("fetch", "--quiet", "origin", self._settings.branch)
        except (Permanent, Transient):
            return False
        return await self._git("rev-list", "--count", "FETCH_HEAD..HEAD") == "0"

    async def _write(self, article: Article, known: Existing | None, ours: Collection[str]) -> str:
        """Put the file into the copy, if that undoes nothing of a person's; its fingerprint."""
        there = await self._there(article.draft.slug)
        if plan(article, there, known, ours) == "leave" or _arrived(article, there):
            return ""
        assert self._copy is not None
        stood = self._standing(there)
        draft, first = article.draft, (stood and stood.date) or article.at
        paths, addresses = list[str](), dict[str, str]()
        for image in draft.images:
            if image.src in article.pictures:
                data = article.pictures[image.src]
                name = f"{hashlib.sha256(data).hexdigest()[:16]}{Path(image.src).suffix}"
                paths.append(f"{PICTURES[self._settings.layout]}/{name}")
                _put(self._copy / paths[-1], data)
                addresses[image.src] = f"/images/{name}"
        draft = draft.with_addresses(addresses)
        path = self._copy / (there.path if there and there.path else self._path(draft.slug, first))
        text = (
            markdown.front_matter(
                self._values(draft, article, first) | (stood.placed if stood else {})
            )
            + "\n"
            + markdown.body(draft)
        )
        _put(path, text.encode())
        paths.append(str(path.relative_to(self._copy)))
        await self._git(
            "add", "--force", "--", *paths
        )  # also where the repository ignores such files
        return sha256_of(text)

    def _values(self, draft: Draft, article: Article, first: datetime) -> dict[str, Any]:
        """The front matter of the layout."""
        values: dict[str, Any] = {"title": draft.title, "description": draft.description}
        hidden = article.state == "draft"
        changed = article.at if article.at > first else None
        match self._settings.layout:
            case "hugo":
                values |= {"date": first, "lastmod": changed, "slug": draft.slug, "draft": hidden}
            case "jekyll":
                values |= {
                    "layout": "post",
                    "date": first,
                    "last_modified_at": changed,
                    "published": not hidden,
                }
            case "astro":
                values |= {"pubDate": first, "updatedDate": changed, "draft": hidden}
        return values | {"tags": draft.tags, "robots": None if article.indexed else "noindex"}

    def _path(self, slug: str, first: datetime) -> str:
        dated = f"{first.astimezone(UTC):%Y-%m-%d}-" if self._settings.layout == "jekyll" else ""
        return f"{self._posts}/{dated}{slug}.md"

    def _url(self, post: Post, modified: datetime) -> str:
        address = post.address(modified)
        return address if is_web(address) else self.site.url + address

    def _files(self) -> list[Post]:
        """The posts of the copy, whatever they are called; no link is followed out of it."""
        assert self._copy is not None
        folder = self._copy / self._posts
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        below = [PurePosixPath(path.relative_to(folder).as_posix()) for path in files]
        root, bundles = (
            self._copy.resolve(),
            {path.parent for path in below if path.name.startswith("index.")},
        )
        return [
            self._post(path, path_below)
            for path, path_below in zip(files, below, strict=True)
            if is_post(self._settings.layout, path_below, bundles)
            and path.resolve().is_relative_to(root)
        ]

    def _post(self, path: Path, below: PurePosixPath) -> Post:
        page = self._settings.page or PAGES[self._settings.layout]
        return Post(
            self._settings.layout,
            page,
            below,
            *front_matter.parted(path.read_text("utf-8", "replace")),
        )

    async def _there(self, slug: str) -> Existing | None:
        """What the copy has under a slug: of several files the one that is ours."""
        if not is_slug(slug):
            raise Permanent(f"{slug!r} cannot be a slug: {SLUG_RULE}.")
        assert self._copy is not None
        posts = [await self._existing(post) for post in self._files() if post.has(slug)]
        pattern = re.compile(
            rf"{re.escape(self._posts)}/(\d{{4}}-\d\d-\d\d-)?{re.escape(slug)}\.md"
        )
        posts.sort(
            key=lambda one: (
                one.sha256 is None,
                not pattern.fullmatch(str(one.path)),
                str(one.path),
            )
        )
        return posts[0] if posts else None

    async def _existing(self, post: Post) -> Existing:
        assert self._copy is not None
        path = f"{self._posts}/{post.path}"
        keys = (f"%(trailers:key={key},valueonly,separator=)" for key in (TRAILER, FILE_TRAILER))
        draft, _, file = (
            await self._git("log", "-1", f"--format={'/'.join(keys)}", "--", path)
        ).partition("/")
        fingerprint = sha256_of((self._copy / path).read_text("utf-8", "replace"))
        modified = await self._modified(path)
        return Existing(
            url=self._url(post, modified),
            sha256=(draft or None) if file in ("", fingerprint) else None,
            path=path,
            id=path,
            state="draft" if front_matter.is_hidden(post.values) else "published",
            fingerprint=fingerprint,
            modified=modified,
        )

    def _standing(self, there: Existing | None) -> Post | None:
        if there is None or there.path is None or self._copy is None:
            return None
        path = self._copy / there.path
        return self._post(
            path, PurePosixPath(path.relative_to(self._copy / self._posts).as_posix())
        )

    async def _modified(self, path: str) -> datetime:
        return datetime.fromisoformat(
            await self._git("log", "-1", "--format=%cI", "--", path)
        ).astimezone(UTC)

    async def _git(self, *arguments: str) -> str:
        assert self._copy is not None
        return await self._run(self._copy, *arguments)

    async def _run(self, folder: Path, *arguments: str) -> str:
        """One command of git; what it printed. Raises `Transient` where the network fails, else
        `Permanent`, and
        `ConfigError` without git.
        """
        name, address = self._settings.author.rstrip(">").split(" <")
        env = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:ssh:file", "LC_ALL": "C"}
        who = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", address))
        }
        try:
            process = await asyncio.create_subprocess_exec(
                *("git", "-C", str(folder), *arguments),
                env={**os.environ, **env, **who},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise ConfigError(
                "there is no git here, by which the site is published: install it"
            ) from None
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                out, errors = await process.communicate()
        except BaseException as error:
            with suppress(ProcessLookupError):  # its ssh too, or that would be waited for
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            if isinstance(error, TimeoutError):
                raise Transient(
                    f"git {arguments[0]} took longer than {self._settings.timeout_seconds:g} s"
                ) from None
            raise
        if process.returncode:
            message = errors.decode("utf-8", "replace").strip()
            refusal = git_failures.refusal(message)
            cause = f"{refusal.what}; {refusal.mend}: " if refusal else ""
            sentence = (
                f"git {arguments[0]} of {self._settings.repository} failed: "
                f"{cause}{message[-TOLD:]}"
            )
            raise (Transient if git_failures.passes(message) else Permanent)(sentence)
        return out.decode("utf-8", "replace").strip()


def _arrived(article: Article, there: Existing | None) -> bool:
    """Whether the last commit of the file is ours with this draft: then a push arrived of which we
    never heard.
    """
    return there is not None and (there.sha256, there.state) == (article.sha256, article.state)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
