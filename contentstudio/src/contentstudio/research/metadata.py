"""The title, the date and the author of a page, by what its feed, its head and its headings say.
Nothing is invented.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from contentstudio.model import Model

if TYPE_CHECKING:
    from lxml.html import HtmlElement

OLDEST = datetime(
    1990, 1, 1, tzinfo=UTC
)  # before it there were no web pages; a clock that was never set says 1970
AHEAD = timedelta(days=1)  # a date without a zone may be that of a place where it is tomorrow
_MAX_DATA = 1_000_000  # characters of linked data that are read; real pages have some thousand
_NEAR_BEFORE, _NEAR_AFTER = (
    160,
    300,
)  # characters around the heading; a date there is the page's own
_TITLES = (
    "og:title",
    "twitter:title",
    "parsely-title",
    "citation_title",
    "dc.title",
    "dcterms.title",
)
_SITES = (
    "og:site_name",
    "application-name",
    "apple-mobile-web-app-title",
    "twitter:site",
    "dc.publisher",
)
_DATES = (
    *(
        "article:published_time",
        "og:article:published_time",
        "article:published",
        "og:published_time",
    ),
    *(
        "datepublished",
        "date.published",
        "publish-date",
        "publish_date",
        "pubdate",
        "parsely-pub-date",
    ),
    *(
        "citation_publication_date",
        "citation_online_date",
        "dc.date.issued",
        "dcterms.issued",
        "vr:published-time",
    ),
)
_AUTHORS = (
    *("author", "article:author", "parsely-author", "sailthru.author", "citation_author"),
    *("dc.creator", "dcterms.creator", "byl", "twitter:creator"),
)
_MOST_AUTHORS, _MAX_NAME = 5, 80  # characters of a name
_BY = re.compile(
    r"^\W*(?:(?:written |posted |story |text )?by\b|von\b|par\b|por\b|author\b|autor(?:in)?\b"
    r"|auteur\b)\s*:?",
    re.I,
)
_NO_NAME = re.compile(  # an address, an account, or what a system puts where nobody is named
    r"https?:|www\.|[@/<>{}]|^(?:admin|administrator|editor|staff|unknown|anonymous|none|null|guest"
    r"|webmaster|user\d*|redaktion|n/?a)$",
    re.I,
)
_BETWEEN = re.compile(r"(\s+[-|·•›»«‹–—~:⁄/]+\s+|\s*[|｜]\s*|\s*[»›]\s*|_)")  # the parts of a title
_BREAK = re.compile(
    r"[|｜·•›»«‹–—:/_]|\s-\s|-$|^-|[!?.]\s"
)  # between two words that stand in different parts
_MAX_TITLE = 300  # characters; some feeds have the whole text of a short post there
_NAME_LETTERS = 4  # at the least, of a host's label that is taken for the name of its site
_CUT = ("…", "...", "[…]", "[...]")
_WORD = re.compile(r"\w+")
_ARTICLES = re.compile(r"article|posting|report|recipe|review$|story|page$", re.I)
_OTHERS = (
    "itemListElement",
    "comment",
    "comments",
    "review",
    "hasPart",
    "suggestedAnswer",
    "isPartOf",
    "breadcrumb",
)


class Hints(Model):
    """What a feed says of a page that it lists: plain texts, times with a zone, and the feed's own
    `charset`.

    `updated_at` is there only where the feed does not say when the page was published.
    """

    title: str = ""
    author: str = ""
    published_at: datetime | None = None
    updated_at: datetime | None = None
    charset: str | None = None


@dataclass(frozen=True)
class Page:
    """A parsed page with what its feed says of it. Reading changes the tree, which nobody else may
    need any more.
    """

    tree: HtmlElement
    url: str
    hints: Hints

    @cached_property
    def title(self) -> str:
        """The page's own title without the name of its site; "" where there is none.

        First the feed's, unless it is cut off; then the heading that the head repeats; then the
        head; then a heading.
        """
        candidate = self._without_site(_clean(self.hints.title))
        if (
            candidate
            and len(candidate) <= _MAX_TITLE
            and not candidate.endswith(_CUT)
            and "://" not in candidate
        ):
            return candidate
        stated = [*self._meta(_TITLES), *self._headlines, _text(self.tree.find(".//head/title"))]
        own = [title for title in map(self._without_site, stated) if not self._is_site(title)]
        headings = [heading for heading in self._headings("h1", "h2") if not self._is_site(heading)]
        repeated = [
            heading for heading in headings if any(_is_part(heading, title) for title in stated)
        ]
        first = [heading for heading in self._headings("h1") if heading in headings]
        candidates = [max(repeated, key=len, default=""), *own, *first, candidate, *stated]
        return next(filter(None, candidates), "")

    def published_at(self, now: datetime) -> datetime | None:
        """When the page was published, by the first statement that can be true at `now`; a day
        alone is its midnight.

        First the feed's, then the page's own statements, then what the feed says of a change, then
        a date that htmldate finds in the head or the URL, or that stands beside the heading.
        """
        for moment in self._moments(now):
            if moment is not None and OLDEST <= _aware(moment) <= now + AHEAD:
                return _aware(moment)
        return None

    @cached_property
    def author(self) -> str | None:
        """Who wrote the page, several by commas; None where nobody is named.

        First the feed's, then linked data, then the head, then what the page marks so.
        """
        marked = (
            element.get("content") or _text(element)
            for element in self.tree.xpath("//*[@itemprop='author'] | //*[@rel='author']")
        )
        candidates = (
            [self.hints.author],
            [name for node in self._articles[:1] for name in _people(node.get("author"))],
            self._meta(_AUTHORS),
            marked,
        )
        for names in candidates:
            people = [name for name in map(_person, names) if name and not self._is_site(name)]
            if people:
                return ", ".join(dict.fromkeys(people[:_MOST_AUTHORS]))
        return None

    def _moments(self, now: datetime) -> Iterator[datetime | None]:
        yield self.hints.published_at
        yield from (_moment(node.get("datePublished")) for node in self._articles)
        yield from map(_moment, self._meta(_DATES))
        for element in self.tree.xpath("//*[@itemprop='datePublished'] | //time[@pubdate]"):
            yield _moment(element.get("datetime") or element.get("content") or _text(element))
        yield self.hints.updated_at
        yield self._found(self.tree, now, extensive=False)
        beside = self._beside_the_heading()
        yield self._found(beside, now, extensive=True) if beside else None

    def _found(
        self, where: HtmlElement | str, now: datetime, *, extensive: bool
    ) -> datetime | None:
        """The date that htmldate finds. The extensive search takes a year alone for its first of
        January.
        """
        from htmldate import find_date

        latest = f"{now + AHEAD:%Y-%m-%d}"
        date = find_date(
            where, extensive_search=extensive, original_date=True, url=self.url, max_date=latest
        )
        return None if extensive and (date or "").endswith("-01-01") else _moment(date)

    def _beside_the_heading(self) -> str | None:
        """A small page of the text around the first heading. The whole page has dates
        of anything.
        """
        heading = next((h for tag in ("h1", "h2") for h in self.tree.iter(tag) if _text(h)), None)
        if heading is None:
            return None
        before, after = _around(self.tree, heading)
        limit = _NEAR_AFTER + len(_text(heading))
        return f"<html><body><p>{before[-_NEAR_BEFORE:]}</p><p>{after[:limit]}</p></body></html>"

    def _headings(self, *tags: str) -> list[str]:
        return [text for heading in self.tree.iter(*tags) if (text := _text(heading))]

    @cached_property
    def _articles(self) -> list[dict[str, Any]]:
        """What linked data says of articles, that of this page first."""
        nodes = [
            node
            for node in _linked_data(self.tree)
            if any(map(_ARTICLES.search, _strings(node.get("@type"))))
        ]
        return sorted(nodes, key=lambda node: self.url not in _addresses(node))

    @cached_property
    def _headlines(self) -> list[str]:
        return [
            _clean(unescape(name))
            for node in self._articles[:1]
            for name in _strings(node.get("headline"))
        ]

    def _meta(self, names: Sequence[str]) -> list[str]:
        """The contents of the head's statements of these names, in the order of the names."""
        return [content for name in names for content in self._statements.get(name, [])]

    @cached_property
    def _statements(self) -> dict[str, list[str]]:
        statements: dict[str, list[str]] = {}
        for meta in self.tree.iter("meta"):
            name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
            if content := _clean(meta.get("content") or ""):
                statements.setdefault(name.strip().lower(), []).append(content)
        return statements

    @cached_property
    def _sites(self) -> set[str]:
        publishers = [node.get("publisher") for node in self._articles]
        names = [str(one.get("name") or "") for one in publishers if isinstance(one, dict)]
        return {
            letters
            for name in (*self._meta(_SITES), *names)
            for letters in _letters(name)
            if letters
        }

    @cached_property
    def _host(self) -> str:
        host = (urlsplit(self.url).hostname or "").removeprefix("www.")
        return max(
            (_letters(label)[0] for label in host.split(".")[:-1] or [host]), key=len, default=""
        )

    def _is_site(self, text: str) -> bool:
        """Whether a text is nothing but the name of the site, as the page or its host says it."""
        return any(name in self._sites or _names_host(name, self._host) for name in _letters(text))

    def _without_site(self, title: str) -> str:
        parts = _BETWEEN.split(title)
        while len(parts) > 2 and self._is_site(parts[-1]):
            del parts[-2:]
        while len(parts) > 2 and self._is_site(parts[0]):
            del parts[:2]
        return "".join(parts).strip()


def _people(value: Any) -> Iterator[str]:
    """The names of those whom linked data names as author, persons or organisations."""
    for one in value if isinstance(value, list) else [value]:
        name = one.get("name") if isinstance(one, dict) else one
        yield from _strings(name)


def _person(text: str) -> str:
    """A name without what leads to it; nothing of what is an address or no name."""
    name = _BY.sub("", _clean(unescape(text))).strip(" ,;|·•–—-")
    is_name = any(map(str.isalpha, name)) and len(name) <= _MAX_NAME and not _NO_NAME.search(name)
    return name if is_name else ""


def _names_host(name: str, host: str) -> bool:
    """Whether the letters of a name are those of a host's label, but for a few at the end (`.de`, `
    Online`).
    """
    short, long = sorted((name, host), key=len)
    return (
        len(short) >= _NAME_LETTERS
        and long.startswith(short)
        and len(long) - len(short) <= len(short) // 2
    )


def _around(tree: HtmlElement, heading: HtmlElement) -> tuple[str, str]:
    """The text before the heading, and the text from it on."""
    before: list[str] = []
    after: list[str] = []
    texts = before
    for element in tree.iter():
        texts = after if element is heading else texts
        if isinstance(element.tag, str) and element.tag not in (
            "script",
            "style",
            "noscript",
            "title",
        ):
            texts.append(element.text or "")
        texts.append(element.tail or "")
        if len(after) > _NEAR_AFTER:  # texts, most of which are not empty
            break
    return _joined(before), _joined(after)


def _joined(texts: list[str]) -> str:
    return _clean(" ".join(texts).replace("<", " "))


def _is_part(heading: str, title: str) -> bool:
    """Whether a heading is a title, or a whole part of one."""
    words = [word.casefold() for word in _WORD.findall(heading)]
    title_words = list(_WORD.finditer(title))
    for first in range(len(title_words) - len(words) + 1):
        if (
            words
            and [word.group().casefold() for word in title_words[first : first + len(words)]]
            == words
        ):
            last = first + len(words) - 1
            left = first == 0 or _BREAK.search(
                title[title_words[first - 1].end() : title_words[first].start()]
            )
            right = last + 1 == len(title_words) or _BREAK.search(
                title[title_words[last].end() : title_words[last + 1].start()]
            )
            if left and right:
                return True
    return False


def _linked_data(tree: HtmlElement) -> list[dict[str, Any]]:
    """The nodes of all linked data of the page in their order, but for those of other pages."""
    nodes: list[dict[str, Any]] = []
    for script in tree.iterfind(".//script[@type='application/ld+json']"):
        try:
            nodes += _nodes(json.loads(_bare((script.text or "")[:_MAX_DATA]), strict=False))
        except (ValueError, RecursionError):
            continue
        script.text = None  # htmldate would take the date of any page in it
    return nodes


def _bare(data: str) -> str:
    """The data without the CDATA section in which XHTML wraps a script."""
    return data.strip(" \t\r\n/*").removeprefix("<![CDATA[").removesuffix("]]>").strip(" \t\r\n/*")


def _nodes(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, list):
        for one in data:
            yield from _nodes(one)
    elif isinstance(data, dict):
        yield data
        for key, value in data.items():
            if key not in _OTHERS:
                yield from _nodes(value)


def _strings(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _addresses(node: dict[str, Any]) -> list[str]:
    main = node.get("mainEntityOfPage")
    address = main.get("@id") if isinstance(main, dict) else main
    return _strings([node.get("url"), node.get("@id"), address])


def _moment(value: Any) -> datetime | None:
    """A date or time as ISO 8601 or HTTP write it; None for anything else."""
    text = value.strip() if isinstance(value, str) else ""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return _aware(read(text))
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _letters(text: str) -> tuple[str, str]:
    """The letters and digits alone, without their marks, and with German umlauts as two letters."""
    folded = text.casefold()
    spelled = folded.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    plain, long = (
        "".join(c for c in unicodedata.normalize("NFKD", one) if c.isalnum())
        for one in (folded, spelled)
    )
    return plain, long


def _text(element: HtmlElement | None) -> str:
    return _clean(" ".join(map(str, element.itertext()))) if element is not None else ""


def _clean(text: str) -> str:
    return " ".join(
        unicodedata.normalize("NFC", text.replace("\xad", "").replace("\u200b", "")).split()
    )
