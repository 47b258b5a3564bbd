"""The article as a browser would take it: parsed, never matched by regular expressions."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_ADDRESSES = ("href", "src", "srcset", "poster", "action", "formaction", "data", "xlink:href")


def whole(page: str) -> HtmlElement:
    """The parsed page. Raises ValueError for one without any element."""
    from lxml import html

    if not page.strip():
        raise ValueError("the page is empty")
    return html.document_fromstring(page)


def article(page: str) -> HtmlElement:
    """The article within its page; all of it where the page is the article alone."""
    tree = whole(page)
    element = tree.find(".//article")
    return tree if element is None else element


def inside(page: str) -> str:
    """The markup of the article, byte for byte as it was rendered; all of it where the page is the
    article alone.
    """
    start, end = page.find("<article"), page.rfind("</article>")
    return page[page.index(">", start) + 1 : end] if 0 <= start < end else page


def urls(tree: HtmlElement) -> list[str]:
    """Every address that the elements follow or load, once, in reading order."""
    values = (element.get(name) for element in tree.iter() for name in _ADDRESSES)
    return list(dict.fromkeys(url for url in values if url))


def text_of(element: HtmlElement) -> str:
    """The words of an element, runs of white space as one blank."""
    return " ".join(element.text_content().split())


class Tags(HTMLParser):
    """The tags that a text would have if somebody forgot to escape it: (name, attributes) and the
    names that close.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.closed: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.closed.append(tag)
