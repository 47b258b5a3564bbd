"""Sitemaps: XML, lists of URLs and feeds, plain or packed, with index files, and no more of them
than a site needs.

No DTD is ever read: a document that declares one is refused before an entity could expand.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.parsers import expat

from contentstudio.research import feeds
from contentstudio.web import decoding, packing
from contentstudio.web.fetch import ANY_TYPE, CutOff, Fetched, TooLarge
from overnight.errors import Permanent

TYPES = ANY_TYPE  # the content shows whether it is a sitemap
MAX_FILES = 30  # read in one night; the newest first
MAX_DEPTH = 3  # of index files within index files; the protocol knows one
MAX_URLS = 50_000  # of one site; the protocol's limit for one file
MAX_URL = 2_048  # characters; the protocol's limit
MAX_UNPACKED = 50_000_000  # bytes; the protocol's limit
_CONTROLS = "".join(map(chr, range(0x20)))  # C0, of which no URL has one
_OLDEST = datetime.min.replace(tzinfo=UTC)


class BrokenSitemap(Permanent):
    """It is no sitemap, or a broken one."""


@dataclass(frozen=True)
class Entry:
    """A URL with the moment of its last change, where the sitemap tells it; of a bare date, the end
    of that day.
    """

    url: str
    changed_at: datetime | None = None


@dataclass(frozen=True)
class Sitemap:
    """What one file lists: pages, or other sitemaps where it is an index."""

    is_index: bool
    entries: tuple[Entry, ...]


@dataclass
class Listed:
    """What a site lists: its pages, each once, and what was wrong with files that gave nothing."""

    entries: dict[str, Entry] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


async def collect(
    get: Callable[[str], Awaitable[Fetched]],
    url: str,
    *,
    match: str = "",
    hosts: Collection[str] = (),
) -> Listed:
    """The pages of a sitemap and of all that it lists, as far as the limits reach.

    Only URLs on the sitemap's own host and on `hosts` count, and of the pages those whose path
    contains `match`. A file that an index lists and that cannot be read is a fault beside what the
    others list. Raises BrokenSitemap where nothing is left.
    """
    listed = Listed()
    fetched = await get(url)
    own = {urlsplit(url).hostname, urlsplit(fetched.final_url).hostname, *hosts}
    waiting = [(1, Entry(url))]
    read: set[str] = set()
    while waiting and len(read) < MAX_FILES and len(listed.entries) < MAX_URLS:
        depth, file = waiting.pop(0)
        if file.url in read:
            continue
        read.add(file.url)
        try:
            answer = await get(file.url) if depth > 1 else fetched
            sitemap = await asyncio.to_thread(parse, answer.body, answer.final_url, answer.charset)
        except Permanent as fault:
            if depth == 1:
                raise
            listed.faults.append(str(fault))
            continue
        entries = [entry for entry in sitemap.entries if urlsplit(entry.url).hostname in own]
        if not sitemap.is_index:
            pages = [entry for entry in entries if match in urlsplit(entry.url).path]
            listed.entries |= {
                entry.url: entry for entry in pages[: MAX_URLS - len(listed.entries)]
            }
        elif depth < MAX_DEPTH:
            waiting += [(depth + 1, entry) for entry in newest_first(entries)]
    if listed.faults and not listed.entries:
        raise BrokenSitemap(listed.faults[0])
    return listed


def choose(entries: Collection[Entry], read_at: Mapping[str, datetime], most: int) -> list[Entry]:
    """What to read tonight, at most so many: what was never asked for or has changed since, the
    newest first.

    Where that leaves room, pages whose changes the sitemap does not tell, the one that waited
    longest first.
    """
    new = [
        e
        for e in entries
        if e.url not in read_at or (e.changed_at is not None and e.changed_at > read_at[e.url])
    ]
    untold = [e for e in entries if e.url in read_at and e.changed_at is None]
    return [*newest_first(new), *sorted(untold, key=lambda e: read_at[e.url])][:most]


def newest_first(entries: Collection[Entry]) -> list[Entry]:
    """Undated ones last, in their order."""
    return sorted(entries, key=lambda entry: entry.changed_at or _OLDEST, reverse=True)


def parse(body: bytes, url: str, charset: str | None = None) -> Sitemap:
    """What a sitemap lists, packed by gzip or plain. Raises BrokenSitemap, CutOff (transient) or
    TooLarge.

    Takes up to three seconds for the largest: call it in a thread, not on the loop.
    """
    plain = _unpacked(body, url)
    text = decoding.xml(decoding.decode(plain, charset))
    if decoding.root_element(text) in feeds.ROOTS:  # which the protocol allows
        entries = feeds.parse(plain, url, charset)[:MAX_URLS]
        return Sitemap(False, tuple(Entry(entry.url, entry.published_at) for entry in entries))
    return _listed_in_lines(text) or _read(text, url)


def _unpacked(body: bytes, url: str) -> bytes:
    try:
        return packing.unpacked(body, MAX_UNPACKED)
    except (CutOff, TooLarge) as error:
        raise type(error)(f"{url} is not read: {error}.") from None
    except packing.Unsound as error:
        raise BrokenSitemap(f"{url} is not sound gzip: {error}.") from None


def _listed_in_lines(text: str) -> Sitemap | None:
    """A sitemap of the protocol's simplest form, a URL in each line, if it is one."""
    if text.startswith("<"):
        return None
    urls = [_url(line) for line in text.splitlines() if line.strip()]
    if not urls or not _is_web(urls[0]):
        return None
    return Sitemap(False, tuple(Entry(url) for url in urls if _is_web(url))[:MAX_URLS])


def _read(text: str, url: str) -> Sitemap:
    try:
        reader = _Reader(url, text)
    except expat.ExpatError:
        try:
            reader = _Reader(url, decoding.mended_xml(text))
        except expat.ExpatError as error:
            raise BrokenSitemap(f"{url} is not a well-formed sitemap: {error}.") from None
    return Sitemap(reader.root == "sitemapindex", tuple(reader.entries))


class _Reader:
    """Collects `loc` and `lastmod` of each entry; every other element, such as an image's `loc`, is
    passed over.

    Namespaces and capitals are not looked at: real files have them in several spellings, or not at
    all.
    """

    ENTRIES = {"urlset": "url", "sitemapindex": "sitemap"}  # noqa: RUF012  constant
    DEPTH = 3  # root, entry, field

    def __init__(self, url: str, text: str) -> None:
        self.root: str | None = None
        self.entries: list[Entry] = []
        self._url = url
        self._path: list[str] = []
        self._fields: dict[str, str] = {}
        parser = expat.ParserCreate("utf-8")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._open
        parser.EndElementHandler = self._close
        parser.CharacterDataHandler = self._text
        parser.buffer_text = True
        parser.Parse(text.encode("utf-8", "replace"), True)

    def _refuse(self, *_declaration: object) -> None:
        raise BrokenSitemap(
            f"{self._url} declares a document type, which no sitemap needs: it is not read."
        )

    def _open(self, name: str, _attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2].lower()
        if self.root is None:
            self.root = name
            if name not in self.ENTRIES:
                raise BrokenSitemap(
                    f"{self._url} is no sitemap: its first element is “{name[:40]}”."
                )
        self._path.append(name)
        if len(self._path) > 100:
            raise BrokenSitemap(f"{self._url} nests more than 100 elements.")

    def _close(self, _name: str) -> None:
        self._path.pop()
        if len(self._path) == 1:
            fields, self._fields = self._fields, {}
            url = _url(fields.get("loc", ""))
            if _is_web(url) and len(self.entries) < MAX_URLS:
                self.entries.append(Entry(url, _moment(fields.get("lastmod", "").strip())))

    def _text(self, text: str) -> None:
        if len(self._path) == self.DEPTH and self._path[1] == self.ENTRIES[self._path[0]]:
            name = self._path[2]
            if name in ("loc", "lastmod"):
                self._fields[name] = (self._fields.get(name, "") + text)[: MAX_URL + 1]


def _url(text: str) -> str:
    """The URL in the text of an element or a line, read as browsers do: line breaks are no part of
    it, and neither are control characters around it.
    """
    parts = (part.strip(f"{_CONTROLS} \ufeff") for part in re.split(r"[\t\r\n]", text))
    return "".join(parts).replace(" ", "%20")


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_plain = len(url) <= MAX_URL and not any(control in url for control in _CONTROLS)
        return is_plain and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        if len(text) == len("2026-11-23"):
            moment += timedelta(days=1)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None
