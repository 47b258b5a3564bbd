"""Which lists of articles a site has: its index and one for each tag, each in parts. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from contentstudio.model import Model
from contentstudio.text.slugs import in_url, slug_of

PER_PAGE = 20  # articles
THIN = (
    2  # indexed articles that a tag has at least, or search engines are asked not to list its page
)
DESCRIPTION = 160  # characters; what lists of search engines show


class Page(Model):
    """What the lists say of a published article. The times are UTC; `sha256` is of the content as
    published.

    What is not `indexed` is left out of the sitemap. An empty `language` is the site's. `beside`
    are the files that lie beside the article's page.
    """

    title: str
    description: str
    sha256: str
    published_at: datetime
    updated_at: datetime
    indexed: bool = True
    tags: tuple[str, ...] = ()
    language: str = ""
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A page of a list: `folder` is where it stands below the site, "" at its top; `slugs` are its
    articles.
    """

    list_folder: str
    number: int
    count: int
    slugs: tuple[str, ...]

    @property
    def folder(self) -> str:
        return _folder(self.list_folder, self.number)

    @property
    def newer(self) -> str | None:
        """The folder of the part before it."""
        return _folder(self.list_folder, self.number - 1) if self.number > 1 else None

    @property
    def older(self) -> str | None:
        """The folder of the part behind it."""
        return _folder(self.list_folder, self.number + 1) if self.number < self.count else None


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag and its articles, the newest first. `name` is how most of them write it."""

    slug: str
    name: str
    slugs: tuple[str, ...]
    indexed: bool

    @property
    def folder(self) -> str:
        return tag_folder(self.slug)


def newest_first(pages: Mapping[str, Page]) -> list[str]:
    """The slugs in the order of lists."""
    return sorted(sorted(pages), key=lambda slug: pages[slug].published_at, reverse=True)


def parts(folder: str, slugs: Sequence[str]) -> list[Part]:
    """A list in parts; one part at least."""
    count = max(1, -(-len(slugs) // PER_PAGE))
    shares = (slugs[number * PER_PAGE : (number + 1) * PER_PAGE] for number in range(count))
    return [Part(folder, number, count, tuple(share)) for number, share in enumerate(shares, 1)]


def tags(pages: Mapping[str, Page]) -> list[Tag]:
    """The tags of all articles, by their slugs: spellings that come to one slug are one tag."""
    slugs: dict[str, list[str]] = defaultdict(list)
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for slug in newest_first(pages):
        for key, name in named(pages[slug].tags).items():
            slugs[key].append(slug)
            spellings[key][name] += 1
    return [
        Tag(
            slug=key,
            name=min(spellings[key], key=lambda name: (-spellings[key][name], name)),
            slugs=tuple(slugs[key]),
            indexed=sum(pages[slug].indexed for slug in slugs[key]) >= THIN,
        )
        for key in sorted(slugs)
    ]


def named(names: Iterable[str]) -> dict[str, str]:
    """The tags of one article by their slugs, each once and in its order."""
    by_name: dict[str, str] = {}
    for name in names:
        if name.strip():
            by_name.setdefault(tag_slug(name), name.strip())
    return by_name


@lru_cache(maxsize=10_000)
def tag_slug(name: str) -> str:
    """The part of an address that names a tag, in any script."""
    return slug_of(name)


def tag_folder(slug: str) -> str:
    return f"tags/{slug}"


def folder_in_url(folder: str) -> str:
    """A folder as it stands in an address, with a slash at its end; "" for the top."""
    return "".join(f"{in_url(part)}/" for part in folder.split("/") if part)


def shortened(text: str, most: int = DESCRIPTION) -> str:
    """At most so many characters, cut between words."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:-–—(") + "…"


def _folder(list_folder: str, number: int) -> str:
    if number == 1:
        return list_folder
    return f"{list_folder}/page/{number}".lstrip("/")
