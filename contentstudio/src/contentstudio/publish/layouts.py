"""Where the generators of static sites show a file: its slug and address, by its name and its front
matter. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from contentstudio.publish import front_matter

PAGES = {
    "hugo": "/posts/{slug}/",
    "jekyll": "/{date:%Y/%m/%d}/{slug}.html",
    "astro": "/blog/{slug}/",
}
PLACING = ("slug", "url", "permalink", "aliases", "redirect_from")
EXTENSIONS = front_matter.EXTENSIONS | {".adoc", ".asciidoc", ".mdoc", ".org", ".rst", ".textile"}
_DATED = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})-(?=.)")
_LANGUAGE = re.compile(
    r"(?<=.)\.[a-z]{2,3}(?:-[a-z]{2,4})?$", re.I
)  # of a translation, as Hugo names it


@dataclass(frozen=True, slots=True)
class Post:
    """A file of the posts' folder. `path` is below that folder; `page` is the pattern of a post's
    address.
    """

    layout: str
    page: str
    path: PurePosixPath
    values: Mapping[str, Any]
    text: str

    @property
    def date(self) -> datetime | None:
        """The day of the post: what its front matter says, else its name."""
        match = _DATED.match(self._name)
        return front_matter.moment(self.values) or (
            front_matter.moment({"date": match[1]}) if match else None
        )

    @property
    def slug(self) -> str:
        """The last part of its address."""
        path = re.sub(r"^https?://[^/]*|[?#].*", "", self._told or "")
        parts = [part for part in unquote(path).split("/") if part]
        return re.sub(r"\.html?$", "", parts[-1]) if parts else self._own_slug

    def has(self, slug: str) -> bool:
        """Whether the post stands where an article with this slug would, or may stand there by the
        site's config.
        """
        names = {self._own_slug, self.slug, _DATED.sub("", self._name, count=1)}
        moved = [
            address
            for name in ("aliases", "redirect_from")
            for address in _listed(self.values.get(name))
        ]
        here = {unquote(address).strip("/") for address in moved}
        path = unquote(
            self.page.format(slug=slug, date=self.date or datetime(1970, 1, 1, tzinfo=UTC))
        ).strip("/")
        return _as_path(slug) in {_as_path(name) for name in names} or path in here

    def address(self, modified: datetime) -> str:
        """The path and the rest of its URL below the site's; a whole URL where the front matter
        says one.
        """
        if self._told:
            return (
                quote(self._told, safe="/:?=&%#+,;@!$'()*~")
                if is_web(self._told)
                else _encoded(self._told)
            )
        folders = [] if self.layout == "jekyll" else [_as_path(part) for part in self._folders]
        slug = "/".join([*folders, self._own_slug])
        return self.page.format(slug=quote(slug), date=(self.date or modified).astimezone(UTC))

    @property
    def placed(self) -> dict[str, Any]:
        """What its front matter says of its address, which stays where the text is replaced."""
        return {
            name: self.values[name]
            for name in PLACING
            if isinstance(self.values.get(name), str | list)
        }

    @property
    def is_shown(self) -> bool:
        """Whether readers can see it: neither a draft nor a file that the generator passes over."""
        dated = self.layout != "jekyll" or bool(_DATED.match(self.path.name))
        return dated and not front_matter.is_hidden(self.values)

    @property
    def title(self) -> str:
        return front_matter.text_of(self.values, "title") or self.slug

    @property
    def _told(self) -> str | None:
        """The address that the front matter says, unless it has placeholders."""
        for name in ("url", "permalink"):
            text = front_matter.text_of(self.values, name)
            if text and not re.search(r"(?:^|/):\w", text) and (is_web(text) or "://" not in text):
                return text
        return None

    @property
    def _name(self) -> str:
        """The name of the file, or of the folder of which it is the index."""
        stem = self.path.name.removesuffix(self.path.suffix)
        stem = _LANGUAGE.sub("", stem) if self.layout == "hugo" else stem
        return self.path.parent.name if stem == "index" and self.path.parent.name else stem

    @property
    def _folders(self) -> tuple[str, ...]:
        is_index = (
            self._name != self.path.name.removesuffix(self.path.suffix)
            and self._name == self.path.parent.name
        )
        return self.path.parent.parts[:-1] if is_index else self.path.parent.parts

    @property
    def _own_slug(self) -> str:
        slug = front_matter.text_of(self.values, "slug")
        if slug and slug.strip("/"):
            return slug.strip("/").rpartition("/")[2]
        return _as_path(
            _DATED.sub("", self._name, count=1) if self.layout == "jekyll" else self._name
        )


def is_post(layout: str, path: PurePosixPath, bundles: Collection[PurePosixPath]) -> bool:
    """Whether a file of the posts' folder is a post: no list of a section, and nothing that belongs
    to a bundle.

    `bundles` are the folders that have an index.
    """
    if path.suffix.lower() not in EXTENSIONS or any(
        part.startswith(("_", ".")) for part in path.parts
    ):
        return False
    if layout != "hugo" or re.match(r"index\.", path.name):
        return True
    return not any(folder in bundles and folder.name for folder in path.parents)


def is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _as_path(name: str) -> str:
    return re.sub(r"\s+", "-", name.strip()).casefold()


def _encoded(address: str) -> str:
    return "/" + quote(unquote(address).lstrip("/"), safe="/")


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
