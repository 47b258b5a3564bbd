"""What is published in a folder, and which files there are ours."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contentstudio.config import Site
from contentstudio.model import Draft, Model
from contentstudio.publish import render
from contentstudio.publish.port import content_sha256
from contentstudio.publish.static_files import goes_by_link, put, read, sha256, sha256_at
from overnight.errors import ConfigError, Permanent

MANIFEST = ".contentstudio.json"
_WRITTEN_BEFORE = {
    "robots.txt": r"User-agent: \*\nAllow: /\n\nSitemap: \S+/sitemap\.xml\n\Z",
    "sitemap.xml": r"<\?xml[^>]*>\n<urlset "
    r"[^>]*>\n<url><loc>[^<]*/</loc><lastmod>[^<]*</lastmod></url>\n<",
    "feed.xml": r"<\?xml[^>]*>\n<feed [^>]*>\n<id>[^<]*/</id>\n<title>",
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


def read_manifest(site: Site, directory: Path) -> Manifest:
    """The manifest of a folder, empty where none is. Raises `Permanent` or `ConfigError`."""
    path = directory / MANIFEST
    try:
        manifest = _manifest_there(directory)
    except ValidationError as error:
        raise Permanent(
            f"The manifest {path} is damaged, so nobody knows what is published "
            "there. Nothing was written. "
            "Restore it from a backup, or move the folder away to begin a new site."
        ) from error
    if manifest is None:
        return Manifest(site=site.name, pages={}, files={})
    if manifest.site != site.name:
        raise ConfigError(
            f"The folder {directory} belongs to the site {manifest.site!r}. "
            f"Give {site.name!r} a folder of its own in publishing.dir."
        )
    return manifest


def _manifest_there(directory: Path) -> Manifest | None:
    """The manifest, or None in a folder that was not published to. Without the lock somebody
    may begin just now.

    Where a whole site stands without a manifest, its articles would be in no list of ours:
    hands off. Single files of the owner's are left as they are.
    """
    path = directory / MANIFEST
    if (data := read(path)) is not None:
        return Manifest.model_validate_json(data)
    site = _other_site(directory)
    if site is None:
        return None
    if (data := read(path)) is not None:  # it is written before them
        return Manifest.model_validate_json(data)
    raise ConfigError(
        f"The folder {directory} holds {site} but no manifest {MANIFEST}, so it "
        "is another site or "
        "the manifest was lost. Restore the manifest, or give publishing.dir an empty folder."
    )


def _other_site(directory: Path) -> str | None:
    """A file that belongs to a whole site: a list of its articles, or a page of ours."""
    lists = [name for name in ("sitemap.xml", "feed.xml") if (directory / name).exists()]
    there = (path for pattern in ("index.html", "*/index.html") for path in directory.glob(pattern))
    pages = (path for path in there if is_generated(path))
    return lists[0] if lists else next((str(path.relative_to(directory)) for path in pages), None)


def put_manifest(directory: Path, manifest: Manifest) -> None:
    """Write the manifest."""
    put(directory / MANIFEST, _manifest_bytes(manifest))


def _manifest_bytes(manifest: Manifest) -> bytes:
    text = json.dumps(
        manifest.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False
    )
    return f"{text}\n".encode()


def is_ours(directory: Path, manifest: Manifest, name: str, data: bytes) -> bool:
    """Whether a file may be written: none stands there, it is as we left it, or it holds the
    data already.
    """
    if goes_by_link(directory, name):
        return False
    path = directory / name
    standing = sha256_at(path)
    if standing is None or standing == sha256(data):
        return True
    if manifest.files is None:
        return written_before(name, path)
    return standing in manifest.files.get(name, ())


def standing_hash(directory: Path, name: str) -> str | None:
    """The hash of a file; none for what goes by a link out of the folder."""
    return None if goes_by_link(directory, name) else sha256_at(directory / name)


def is_theirs_alike(directory: Path, manifest: Manifest, file: str, data: bytes) -> bool:
    """Whether a person put there what we would write: it is theirs, and is not removed with
    ours.
    """
    return (
        manifest.files is not None
        and file not in manifest.files
        and standing_hash(directory, file) == sha256(data)
    )


def hashes(directory: Path, manifest: Manifest, name: str, data: bytes) -> tuple[str, ...]:
    """What the manifest is to say of a file that is about to be written over what is ours."""
    new, standing = sha256(data), sha256_at(directory / name)
    recorded = (manifest.files or {}).get(name, ())
    if recorded[:1] == (new,) and (standing is None or standing in recorded):
        return recorded
    return (new,) if standing in (None, new) else (new, standing)


def next_page(
    known: render.Page | None,
    draft: Draft,
    published_at: datetime,
    indexed: bool,
    beside: Collection[str],
) -> render.Page:
    """What the manifest is to say of the draft: equal to `known` when the content is."""
    sha256 = content_sha256(draft)
    details = page_details(draft, beside)
    if known and known.sha256 == sha256:
        return known.model_copy(update=details)  # an older manifest says none of it
    now = published_at.astimezone(UTC).replace(microsecond=0)
    first = known.published_at if known else now
    return render.Page(
        title=draft.title,
        description=draft.description,
        sha256=sha256,
        published_at=first,
        updated_at=max(first, now),
        indexed=indexed,
        **details,
    )


def page_details(draft: Draft, beside: Iterable[str]) -> dict[str, Any]:
    """What a manifest of an earlier version does not say."""
    return {"tags": tuple(draft.tags), "language": draft.language, "beside": tuple(beside)}


def page_name(slug: str) -> str:
    return f"{slug}/index.html"


def files_of(slug: str, page: render.Page) -> list[str]:
    """The files of an article: its page, and what lies beside it."""
    return [page_name(slug), *(f"{slug}/{name}" for name in page.beside)]


def is_generated(path: Path) -> bool:
    with suppress(OSError):
        return render.GENERATOR.encode() in path.read_bytes()
    return False


def written_before(name: str, path: Path) -> bool:
    """Whether a list is ours by what it says: for the first write in a folder whose manifest has no
    hashes.
    """
    if name.endswith(".html"):
        return is_generated(path)
    pattern = _WRITTEN_BEFORE.get(name)
    return bool(pattern and re.match(pattern, path.read_text("utf-8", "replace")))
