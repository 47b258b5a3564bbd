"""The owner's own pictures, in a folder beside the config.

Each has a file of its name beside it that tells of it: `heap.jpg` and `heap.toml` (or `heap.yaml`),
with `alt`, and where they apply `caption`, `credit`, `licence`, `licence_url` and `words`. An
article gets one that shares words with it, rather one that no other article got of late.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, ValidationError

from contentstudio.config import Site
from contentstudio.config.fields import HttpUrl, Section
from contentstudio.model import Draft
from contentstudio.pictures import raster
from contentstudio.pictures.port import NoPicture, Picture, Use
from contentstudio.pictures.raster import Unusable
from contentstudio.text.words import content_words
from overnight import Context
from overnight.errors import first_fault
from overnight.names import nearest

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})
OTHERS = frozenset({".svg", ".heic", ".heif", ".avif", ".tif", ".tiff", ".bmp"})  # pictures, too
TOLD_BY = (".toml", ".yaml", ".yml")
MAX_SIDECAR = 64_000  # bytes
RECENT = 10  # pictures that other articles got last, each of which another one comes before


class Sidecar(Section):
    """What the owner says of a picture. `words` are those of articles that it is for; without them
    those of `alt` and `caption` count.
    """

    alt: str = Field(min_length=1, max_length=500, pattern=r"\w")
    caption: str = Field(default="", max_length=500)
    credit: str = Field(default="", max_length=200)
    licence: str = Field(
        default="", max_length=200, validation_alias=AliasChoices("licence", "license")
    )
    licence_url: HttpUrl | None = Field(
        default=None, validation_alias=AliasChoices("licence_url", "license_url")
    )
    words: list[str] = Field(default=[], validation_alias=AliasChoices("words", "tags"))

    def matter(self, language: str = "en") -> frozenset[str]:
        """The words by which it is chosen."""
        return content_words(" ".join(self.words or [self.alt, self.caption]), language)


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture of the folder and what is told of it."""

    path: Path
    sidecar: Sidecar

    @property
    def origin(self) -> str:
        return f"folder:{self.path.name}"


class Folder:
    """The adapter."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def find(
        self, ctx: Context[Any], site: Site, draft: Draft, used: Sequence[Use]
    ) -> Picture:
        return await asyncio.to_thread(self._find, draft, used)

    def _find(self, draft: Draft, used: Sequence[Use]) -> Picture:
        entries, faults = look(self._directory)
        for entry in ranked(entries, draft, used):
            try:
                return _picture(entry)
            except Unusable as fault:
                faults.append(f"{entry.path.name} {fault}")
        raise NoPicture(_told(self._directory, entries, faults))


def look(directory: Path) -> tuple[list[Entry], list[str]]:
    """The pictures of a folder in the order of their names, and a sentence for each file that
    cannot serve. No picture is read.
    """
    try:
        files = sorted(path for path in directory.iterdir() if path.is_file())
    except OSError as error:
        return [], [f"the folder {directory} cannot be read: {error.strerror}"]
    entries, faults = list[Entry](), list[str]()
    for path in files:
        if path.suffix.lower() in SUFFIXES | OTHERS:
            try:
                entries.append(_entry(path))
            except Unusable as fault:
                faults.append(f"{path.name} {fault}")
    stems = {path.stem for path in files if path.suffix.lower() in SUFFIXES | OTHERS}
    alone = [p for p in files if p.suffix.lower() in TOLD_BY and p.stem not in stems]
    return entries, [*faults, *(f"{path.name} tells of no picture beside it" for path in alone)]


def faults_of(entry: Entry) -> Iterator[str]:
    """Why a picture cannot serve, as far as its beginning shows."""
    try:
        raster.glance(entry.path)
    except Unusable as fault:
        yield f"{entry.path.name} {fault}"


def ranked(entries: Sequence[Entry], draft: Draft, used: Sequence[Use]) -> list[Entry]:
    """The pictures that an article may have, the best first: the one that it has, then those that
    no other article got of late, and of these those that share the most words with it. Pure.
    """
    words = content_words(
        " ".join(
            [
                *(draft.title, draft.description, *draft.tags),
                *(section.heading for section in draft.sections),
            ]
        ),
        draft.language,
    )
    own = next((use.origin for use in used if use.slug == draft.slug), None)
    lately = [use.origin for use in used if use.slug != draft.slug][:RECENT]
    shared = {entry.origin: len(entry.sidecar.matter(draft.language) & words) for entry in entries}

    def rank(entry: Entry) -> tuple[bool, int, int, str]:
        origin = entry.origin
        ago = lately.index(origin) if origin in lately else RECENT
        return origin != own, -ago, -shared[origin], origin

    return sorted((entry for entry in entries if shared[entry.origin]), key=rank)


def _told(directory: Path, entries: Sequence[Entry], faults: Sequence[str]) -> str:
    """Why the folder gave no picture."""
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        return f"{faults[0]}{more}"
    if not entries:
        return f"the folder {directory} has no picture"
    return f"no picture in {directory} shares a word with the article"


def _entry(path: Path) -> Entry:
    if path.suffix.lower() in OTHERS:
        raise Unusable(f"is a {path.suffix[1:].upper()} file: save it as JPEG, PNG or WebP")
    sidecars = [path.with_suffix(suffix) for suffix in TOLD_BY]
    beside = [file for file in sidecars if file.is_file()]
    if not beside:
        raise Unusable(f"has no {sidecars[0].name} beside it: write one with alt = “…”")
    if len(beside) > 1:
        raise Unusable(f"has {beside[0].name} and {beside[1].name} beside it: keep one")
    return Entry(path, _sidecar(beside[0]))


def _sidecar(file: Path) -> Sidecar:
    """Raises `Unusable` for one that cannot be read."""
    try:
        if file.stat().st_size > MAX_SIDECAR:
            raise Unusable(f"has a {file.name} of more than {MAX_SIDECAR // 1_000} kB")
        text = file.read_text("utf-8-sig")
        values = tomllib.loads(text) if file.suffix == ".toml" else _yaml(text)
    except (OSError, ValueError, RecursionError) as error:
        words = error.strerror if isinstance(error, OSError) else None
        reason = words or " ".join(str(error).split())
        raise Unusable(f"has a {file.name} that cannot be read: {reason[:200]}") from None
    try:
        return Sidecar.model_validate(values)
    except ValidationError as error:
        raise Unusable(f"has a {file.name} in which {_fault(error)}") from None


def _yaml(text: str) -> Any:
    """Raises `ValueError`. Aliases are refused: they make much of a short text."""
    import yaml

    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise ValueError("it has an alias")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"it is no valid YAML ({error})") from None


def _fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    key = str(fault["loc"][0]) if fault["loc"] else ""
    if fault["type"] == "missing":
        return f"“{key}” is missing"
    if fault["type"] == "extra_forbidden":
        return f"“{key}” is unknown{nearest(key, list(Sidecar.model_fields))}"
    if fault["type"] == "string_pattern_mismatch":
        return f"“{key}” has no word"
    return first_fault(error)


def _picture(entry: Entry) -> Picture:
    """Raises `Unusable`."""
    try:
        raster.check_size(entry.path.stat().st_size)
        drawn = raster.tidy(entry.path.read_bytes())
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from None
    sidecar = entry.sidecar
    return Picture(
        data=drawn.data,
        media_type=raster.MEDIA_TYPE,
        width=drawn.width,
        height=drawn.height,
        alt=sidecar.alt,
        origin=entry.origin,
        caption=sidecar.caption,
        credit=sidecar.credit,
        licence=sidecar.licence,
        licence_url=sidecar.licence_url,
    )
