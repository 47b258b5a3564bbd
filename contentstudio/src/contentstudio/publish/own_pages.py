"""The owner's own pages of a static site, such as an imprint: Markdown files in the folder that
`pages` names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nh3

from contentstudio.publish import front_matter
from contentstudio.publish.lists import shortened
from contentstudio.text.slugs import slug_of
from overnight.errors import ConfigError

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_TAGS = {
    *("h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "blockquote", "pre", "hr", "br"),
    *("a", "img", "code", "del", "em", "s", "strong", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A page of the owner's: `slug` is its folder on the site, `html` what stands below
    its title.
    """

    slug: str
    title: str
    description: str
    html: str
    file: str


def read(folder: Path) -> list[OwnPage]:
    """The pages of a folder, in the order of the files' names.

    Raises `ConfigError` where a file cannot be read, or two of them would have one address.
    """
    pages: dict[str, OwnPage] = {}
    for path in sorted(folder.glob("*.md")):
        if path.name.startswith("."):  # an editor's own file
            continue
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(
                f"the page {path} is a link out of its folder: put the file itself there"
            )
        try:
            page = parsed(path.name, path.read_text("utf-8-sig"))
        except UnicodeDecodeError:
            raise ConfigError(f"the page {path} is not UTF-8: save it as UTF-8") from None
        except OSError as error:
            raise ConfigError(f"the page {path} cannot be read: {error.strerror}") from None
        if other := pages.get(page.slug):
            raise ConfigError(
                f"{other.file} and {page.file} in {folder} have one address, "
                f"/{page.slug}/: rename one"
            )
        pages[page.slug] = page
    return list(pages.values())


def parsed(file: str, text: str) -> OwnPage:
    """A file as a page. Its address is made of its name, its title of `title` or of a first line `#
    Title`.

    HTML in it is shown as it is written, and never becomes a part of the page.
    """
    values, body = front_matter.parted(text)
    name = file.removesuffix(".md")
    title = front_matter.text_of(values, "title")
    head, _, rest = body.partition("\n")
    if head.startswith("# "):
        title, body = title or head[2:].strip().rstrip("#").strip(), rest
    body_html = _sanitised(_markdown().render(body))
    return OwnPage(
        slug=slug_of(name),
        title=title or name.replace("-", " ").replace("_", " ").strip().capitalize(),
        description=front_matter.text_of(values, "description") or _first_words(body_html),
        html=body_html,
        file=file,
    )


def refuse_collisions(own: Iterable[OwnPage], articles: Mapping[str, Any]) -> None:
    """Raises `ConfigError` where a page of the owner's would stand at the address of an article."""
    for page in own:
        if page.slug in articles:
            raise ConfigError(
                f"the page {page.file} and an article have one address, /{page.slug}/: "
                "rename the file in the site's pages folder"
            )


@cache
def _markdown() -> MarkdownIt:
    """CommonMark and tables; a heading of the first level becomes one of the second, for a page has
    one title.
    """
    from markdown_it import MarkdownIt

    def demoted(state: Any) -> None:
        for token in state.tokens:
            if token.tag == "h1":
                token.tag = "h2"

    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.core.ruler.push("demoted", demoted)
    return markdown


def _sanitised(fragment: str) -> str:
    schemes = {"http", "https", "mailto", "tel"}
    return nh3.clean(
        fragment, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=schemes, link_rel=None
    )


def _first_words(fragment: str) -> str:
    """The page's beginning, cut between words."""
    words = _Words()
    words.feed(fragment)
    return shortened("".join(words.found))


class _Words(HTMLParser):
    """What readers see of a fragment."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.found.append("" if tag in ("a", "code", "del", "em", "s", "strong") else " ")
