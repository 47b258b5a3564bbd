"""Entries of RSS and Atom feeds. Feedparser reads them, after an XML parser has looked at the
document first.

No DTD ever reaches feedparser: a declared entity is refused (it may expand without end), and what
stands before the root element is cut off.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import struct_time
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit
from xml.parsers import expat

from contentstudio.research.metadata import Hints
from contentstudio.web import decoding
from contentstudio.web.fetch import Fetched
from overnight.errors import Permanent

ROOTS = ("rss", "feed", "rdf")
_FEED_TYPE = re.compile(r"\b(?:rss|atom|rdf)\b")
_XML_TYPES = ("text/xml", "application/xml")
_MAX_DEPTH = 200  # elements within each other; real feeds have about ten
_ADDRESS = re.compile(r"(?:mailto:)?[^\s()<>]+@[^\s()<>]+")
_MENDED_BYTES = 1_000_000  # feedparser takes some seconds for a megabyte of hostile faults
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'


class BrokenFeed(Permanent):
    """The feed is not well-formed."""


@dataclass(frozen=True)
class Entry:
    """One entry: an absolute http(s) URL, plain texts, and a time in UTC where the feed has one.
    `author` is the entry's own.

    `is_update` says that the time is that of the last change, for the feed says no other.
    """

    url: str
    title: str
    published_at: datetime | None
    summary: str
    is_update: bool = field(default=False, compare=False)
    author: str = field(default="", compare=False)

    def hints(self, charset: str | None) -> Hints:
        """What helps to read its page; `charset` is the feed's."""
        when = "updated_at" if self.is_update else "published_at"
        return Hints.model_validate(
            {
                "title": self.title,
                "author": self.author,
                when: self.published_at,
                "charset": charset,
            }
        )


def looks_like_feed(fetched: Fetched) -> bool:
    """Whether to read it as a feed. HTML never is one; a broken body under a feed's type is, so
    that it is reported.
    """
    root = decoding.root_element(fetched.head)
    if root in ROOTS:
        return True
    if root == "html":
        return False
    return bool(_FEED_TYPE.search(fetched.content_type)) or (
        root is None and fetched.content_type in _XML_TYPES
    )


def charset_of(fetched: Fetched) -> str | None:
    """The charset that the server or the feed itself states; None where it is UTF-8 or not said."""
    label = fetched.charset or decoding.declared(fetched.body)
    return label if label and label.lower().replace("_", "-") not in ("utf-8", "utf8") else None


def parse(body: bytes, base_url: str, charset: str | None = None) -> list[Entry]:
    """The entries, newest first and each URL once; [] for a sound feed without any. Raises
    BrokenFeed.

    Small faults (an unknown entity, a bare ampersand) are borne as long as the feed is whole and
    gives entries. Takes some 20 ms for a usual feed and up to 15 s for 5 MB of entries: call it in
    a thread, not on the loop.
    """
    import feedparser

    document, fault = _inspected(decoding.decode(body, charset), base_url)
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": base_url}
    result = feedparser.parse(document, response_headers=headers)
    if fault and not result.entries:
        raise BrokenFeed(f"{base_url} is not a well-formed feed: {fault}.")
    if not result.version and not result.entries:
        raise BrokenFeed(f"{base_url} is XML, but neither RSS nor Atom.")
    entries: dict[str, Entry] = {}
    for item in result.entries:
        entry = _entry(item, base_url)
        if entry is not None:
            entries.setdefault(entry.url, entry)
    if decoding.garbled("".join(entry.title + entry.summary for entry in entries.values())):
        raise BrokenFeed(
            f"{base_url} cannot be decoded: its text is in no encoding that it names or that fits."
        )
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(entries.values(), key=lambda entry: entry.published_at or oldest, reverse=True)


def _inspected(text: str, base_url: str) -> tuple[bytes, str | None]:
    """The document from its root element on, and what XML's rules have against it.

    Raises BrokenFeed where there is no root element, it is cut off, an entity is declared, or it
    nests absurdly.
    """
    document = decoding.xml(text)
    look = _Look(document, base_url)
    if look.fault:
        look = _Look(decoding.mended_xml(document), base_url)
    if look.root is None:
        raise BrokenFeed(f"{base_url} is not a feed: {look.fault or 'it has no element'}.")
    if look.fault and b"</" + look.root not in look.data:
        raise BrokenFeed(f"{base_url} is cut off: {look.fault}.")
    if look.fault and len(look.data) > _MENDED_BYTES:
        raise BrokenFeed(
            f"{base_url} is not a well-formed feed, and too long to be repaired: {look.fault}."
        )
    return _DECLARATION + look.data[look.start :], look.fault


class _Look:
    """One pass of expat over the document: `root` and where it starts, and the `fault` that ended
    the pass, if any.
    """

    def __init__(self, document: str, base_url: str) -> None:
        self.data = document.encode("utf-8", "replace")
        self.root: bytes | None = None
        self.start = 0
        self.fault: str | None = None
        self._url = base_url
        self._depth = 0
        self._parser = expat.ParserCreate("utf-8")
        self._parser.EntityDeclHandler = self._refuse_entity
        self._parser.StartElementHandler = self._open
        self._parser.EndElementHandler = self._close
        try:
            self._parser.Parse(self.data, True)
        except expat.ExpatError as error:
            self.fault = str(error)

    def _refuse_entity(self, *_declaration: object) -> None:
        raise BrokenFeed(f"{self._url} declares XML entities, which can expand without end.")

    def _open(self, name: str, _attributes: dict[str, str]) -> None:
        if self.root is None:
            self.root = name.encode()
            self.start = self._parser.CurrentByteIndex
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise BrokenFeed(f"{self._url} nests more than {_MAX_DEPTH} elements.")

    def _close(self, _name: str) -> None:
        self._depth -= 1


def _entry(item: Any, base_url: str) -> Entry | None:
    url = _web_url(str(item.get("link") or "").strip(), base_url)
    published = _moment(item, "published_parsed")
    moment = published or _moment(item, "updated_parsed", "created_parsed")
    is_update = moment is not None and published is None
    return (
        Entry(
            *(url, _plain(item, "title"), moment, _plain(item, "summary"), is_update),
            author=_authors(item),
        )
        if url
        else None
    )


def _web_url(link: str, base_url: str) -> str | None:
    try:
        url = urldefrag(urljoin(base_url, link)).url  # a place on a page is no other page
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if link and parts.scheme in ("http", "https") and parts.hostname else None


def _moment(item: Any, *keys: str) -> datetime | None:
    # dict.get, because feedparser's own look-up warns when it falls back from one date to another.
    for key in keys:
        value: struct_time | None = dict.get(item, key)
        if value is not None:
            try:
                return datetime.fromtimestamp(calendar.timegm(value), UTC)
            except (ValueError, OverflowError, OSError):
                continue
    return None


def _authors(item: Any) -> str:
    """The names of an entry's authors, without their addresses."""
    details = [one for one in dict.get(item, "authors") or [] if isinstance(one, dict)]
    several = [str(one.get("name") or "") for one in details]
    # feedparser cuts the name of a single one wrongly where its address has a long domain
    names = several if len(several) > 1 else [str(dict.get(item, "author") or "")]
    plain = (" ".join(_ADDRESS.sub(" ", name).split()).strip("()<> ") for name in names)
    return ", ".join(dict.fromkeys(filter(None, plain)))


def _plain(item: Any, field: str) -> str:
    """The field without markup, its blanks collapsed."""
    value = str(item.get(field) or "")
    kind = (item.get(f"{field}_detail") or {}).get("type")
    if kind != "text/plain" and ("<" in value or "&" in value):
        from lxml import etree, html

        try:
            value = html.fromstring(f"<div>{value}</div>").text_content()
        except (etree.ParserError, ValueError):
            value = ""
    return " ".join(value.split())
