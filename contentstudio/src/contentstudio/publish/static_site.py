"""A site of plain files in a folder, for any web server.

The manifest says what is published and which files are ours; everything else follows from it and
can be written again. The order of the writes is hashes of what comes, page, manifest, lists:
whatever the moment of a crash, publishing the same draft again brings the same files. A file that
is not ours, or that a person changed since, is left as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from contentstudio.config import Site
from contentstudio.model import Draft, Existing, Published
from contentstudio.pictures import cards, raster
from contentstudio.publish import foot, render, theme_faults
from contentstudio.publish.own_pages import OwnPage, refuse_collisions
from contentstudio.publish.port import SLUG_RULE, Conflict, content_sha256
from contentstudio.publish.static_files import (
    explained,
    goes_by_link,
    holds,
    locked,
    put,
    read,
    remove,
    sha256,
    sha256_at,
)
from contentstudio.publish.static_manifest import (
    Manifest,
    files_of,
    hashes,
    is_generated,
    is_ours,
    is_theirs_alike,
    next_page,
    page_details,
    page_name,
    put_manifest,
    read_manifest,
    standing_hash,
)
from contentstudio.text.slugs import is_slug
from overnight.errors import Permanent

PICTURES = frozenset({".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"})

THEIRS = "is a person's own or was changed by one, so it is left as it is"
GIVE_BACK = "delete it, and ours is written at the next publish"


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
        with explained(self.directory):
            manifest = read_manifest(self.site, self.directory)
            page = manifest.pages.get(slug)
            if page is None:
                return None
            whole = all((self.directory / name).is_file() for name in files_of(slug, page)) and all(
                holds(self.directory / name, data)
                or not is_ours(self.directory, manifest, name, data)
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
        with explained(self.directory):
            fingerprint = sha256_at(path)
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
        with explained(self.directory):
            manifest = read_manifest(self.site, self.directory)
            recorded = (manifest.files or {}).get(page_name(slug))
            if recorded is not None:
                return fingerprint in recorded
            if slug in manifest.pages:
                return None
            return manifest.files is None and is_generated(self._page_path(slug))

    def left(self) -> list[str]:
        """The files that we would write and that are a person's."""
        with explained(self.directory):
            manifest = read_manifest(self.site, self.directory)
            lists = self._lists(manifest.pages)
            return [
                name
                for name, data in lists.items()
                if not is_ours(self.directory, manifest, name, data)
            ]

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
        with explained(self.directory), locked(self.directory):
            manifest = read_manifest(self.site, self.directory)
            known = manifest.pages.get(draft.slug)
            standing = self._refuse_foreign_page(manifest, draft.slug, expected)
            beside = self._beside(draft, pictures)
            page = next_page(known, draft, published_at, indexed, beside)
            pages = {**manifest.pages, draft.slug: page}
            refuse_collisions(self.own, pages)
            feet = render.feet(self.site, pages, self.own)
            new = {page_name(draft.slug): self._html(draft, page, feet[draft.slug], pictures)}
            below = _below(draft.slug, beside)
            theirs = self._write(
                manifest, pages, new, feet, below, standing={page_name(draft.slug): standing}
            )
            if page_name(draft.slug) in theirs:
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
        with explained(self.directory), locked(self.directory):
            manifest = read_manifest(self.site, self.directory)
            if slug in manifest.pages:
                self._refuse_foreign_page(manifest, slug, expected)
                pages = {name: page for name, page in manifest.pages.items() if name != slug}
                self._write(
                    manifest,
                    pages,
                    {},
                    render.feet(self.site, pages, self.own),
                    gone=page_name(slug),
                )

    def render_again(
        self, drafts: Mapping[str, Draft], expected: Mapping[str, str | None]
    ) -> tuple[list[str], list[str]]:
        """Make the pages again, of the drafts that they were made of, in the templates and with the
        config of now.

        `expected` are the fingerprints of the pages as we know them. Which slugs were rendered, and
        which were left as they are: a person's, or without the draft. Raises what `publish` does.
        """
        with explained(self.directory), locked(self.directory):
            manifest = read_manifest(self.site, self.directory)
            pages, beside, made = dict(manifest.pages), dict[str, bytes](), dict[str, Draft]()
            standing = {
                page_name(slug): sha256_at(self._page_path(slug)) for slug in manifest.pages
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
                    made[slug], pages[slug] = (
                        draft,
                        page.model_copy(update=page_details(draft, files)),
                    )
                    beside |= _below(slug, files)
            refuse_collisions(self.own, pages)
            feet = render.feet(self.site, pages, self.own)
            new = {
                page_name(slug): self._html(
                    draft, pages[slug], feet[slug], self._pictures_of(draft)
                )
                for slug, draft in made.items()
            }
            look = manifest.model_copy(
                update={"look": theme_faults.look(self.site)}
            )  # of those that are left, too
            theirs = self._write(look, pages, new, feet, beside, standing=standing)
            rendered = [slug for slug in made if page_name(slug) not in theirs]
        return rendered, [slug for slug in pages if slug not in rendered]

    def _may_render(self, manifest: Manifest, slug: str, expected: str | None) -> bool:
        """Whether the page of a slug is missing, or as we left it."""
        if goes_by_link(self.directory, name := page_name(slug)):
            return False
        return sha256_at(self.directory / name) in (
            None,
            expected,
            *(manifest.files or {}).get(name, ()),
        )

    def is_behind(self) -> bool:
        """Whether pages were made before the templates or the config changed."""
        with explained(self.directory):
            manifest = read_manifest(self.site, self.directory)
        return bool(manifest.pages) and manifest.look != theme_faults.look(self.site)

    def pages(self) -> dict[str, render.Page]:
        """What is published, by slug."""
        with explained(self.directory):
            return read_manifest(self.site, self.directory).pages

    def html(self, slug: str) -> str | None:
        """The page of a slug in whatever encoding a person saved it; None where no file can be
        read.
        """
        with suppress(OSError):
            return self._page_path(slug).read_text("utf-8", "replace")
        return None

    def _page_path(self, slug: str) -> Path:
        return self.directory / page_name(slug)

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
        files = {}
        for slug, html in feet.items():
            name = page_name(slug)
            standing = read(self.directory / name) if name not in new else None
            if standing is not None and sha256(standing) in (manifest.files or {}).get(name, ()):
                files[name] = foot.replaced(standing, html), standing
        return {name: changed for name, (changed, standing) in files.items() if changed != standing}

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
        """The files beside an article's page, by their paths from it: its card, or its own pictures
        and a copy for networks.
        """
        card = render.card(self.site, draft)
        placed = {
            path: data for src, data in pictures.items() if (path := _place_of(src)) is not None
        }
        if (image := render.shared(draft)) and image.src in pictures:
            placed[render.SHARED] = raster.shared(pictures[image.src])
        return placed if card is None else {render.CARD: card, **placed}

    def _pictures_of(self, draft: Draft) -> dict[str, bytes]:
        """The pictures that lie beside an article's page already, by their `src`."""
        folder = self.directory / draft.slug
        names = {
            image.src: read(folder / path)
            for image in draft.images
            if (path := _place_of(image.src))
        }
        return {src: data for src, data in names.items() if data is not None}

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
        theirs = [
            file
            for file, data in lists.items()
            if not is_ours(self.directory, manifest, file, data)
        ]
        ours = {file: data for file, data in lists.items() if file not in theirs}
        coming = {
            file: hashes(self.directory, manifest, file, data)
            for file, data in (new | ours).items()
            if file in new or not is_theirs_alike(self.directory, manifest, file, data)
        }
        files = (manifest.files or {}) | coming
        put_manifest(self.directory, manifest.model_copy(update={"files": files}))
        if gone is not None:
            remove(self.directory, gone)
        for file, data in new.items():
            if sha256_at(self.directory / file) not in (None, sha256(data), standing[file]):
                theirs.append(file)  # a person changed it since we looked
                continue
            put(self.directory / file, data)
            files[file] = (sha256(data),)
        in_use = {*lists, *(file for slug, page in pages.items() for file in files_of(slug, page))}
        over = files.keys() - in_use
        for file in over:
            if standing_hash(self.directory, file) in files[file]:
                remove(self.directory, file)
        files = {file: hashes for file, hashes in files.items() if file not in over}
        old = manifest.look if any(page_name(slug) not in new for slug in pages) else look
        put_manifest(
            self.directory, Manifest(site=self.site.name, pages=pages, files=files, look=old)
        )
        for file, data in ours.items():
            if is_ours(self.directory, manifest, file, data):  # a person may have changed it by now
                put(self.directory / file, data)
            else:
                theirs.append(file)
        return theirs

    def _refuse_foreign_page(
        self, manifest: Manifest, slug: str, expected: str | None
    ) -> str | None:
        """A page that the manifest does not know is ours if it says so, and the manifest is of the
        time before hashes. Returns its fingerprint, None where there is none.
        """
        path = self._page_path(slug)
        if goes_by_link(self.directory, page_name(slug)):
            raise Permanent(
                f"{path} goes by a link, which is not written through. Put a folder in "
                "place of the link."
            )
        there = self.standing(slug)
        if there is None or there.fingerprint in (
            expected,
            *(manifest.files or {}).get(page_name(slug), ()),
        ):
            return there.fingerprint if there else None
        if slug in manifest.pages:
            if expected is not None:
                raise Conflict(f"{there.url} was changed by a person", there)
        elif manifest.files is not None or not is_generated(path):
            raise Permanent(
                f"Another page already stands at {path}. Move it away, or give the "
                "article another slug."
            )
        return there.fingerprint


def _check_slug(slug: str) -> None:
    if not is_slug(slug):
        raise Permanent(f"{slug!r} cannot be a slug: {SLUG_RULE}.")


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


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
