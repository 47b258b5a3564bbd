"""The hits of a search: taken from an answer that nobody vouches for, and those of several searches
put together. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain, zip_longest
from urllib.parse import urlsplit

from contentstudio.search.port import Hit
from contentstudio.web import guard
from contentstudio.web.guard import RefusedUrl

MAX_URL = 2_000  # characters
MAX_TITLE = 300  # characters; a longer one is cut
MAX_TEXT = 2_000  # characters of what a search shows of a page
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def hit(url: object, title: object, text: object, published_at: object = None) -> Hit | None:
    """A hit of the fields of an answer; None for one whose URL is never read. A field of another
    type than text says nothing.
    """
    if not isinstance(url, str) or len(url) > MAX_URL:
        return None
    try:
        address = str(guard.checked_url(_plain(url, MAX_URL)))
    except RefusedUrl:
        return None
    return Hit(
        url=address,
        title=_plain(title, MAX_TITLE),
        text=_plain(text, MAX_TEXT),
        published_at=moment(published_at),
    )


def distinct(hits: Iterable[Hit | None], limit: int) -> list[Hit]:
    """The first so many hits, one for each page."""
    pages: dict[str, Hit] = {}
    for each in hits:
        if each is None:
            continue
        key = page_key(each.url)
        if key not in pages and len(pages) == limit:
            break
        pages[key] = joined(pages.get(key, each), each)
    return list(pages.values())


def interleaved(lists: Sequence[Sequence[Hit]], limit: int) -> list[Hit]:
    """The hits of several searches by their rank, those of the first search first among equals; one
    for each page.
    """
    every = list(chain.from_iterable(zip_longest(*lists)))
    return distinct(every, len(every))[:limit]


def joined(one: Hit, other: Hit) -> Hit:
    """A hit with what only another one of the same page says."""
    missing = {name: value for name, value in other if value and not getattr(one, name)}
    return one.model_copy(update=missing)


def page_key(url: str) -> str:
    """What two addresses of one page have in common, whatever the scheme, `www.`, and a last
    slash.
    """
    parts = urlsplit(url)
    host = parts.netloc.lower().removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}?{parts.query}"


def moment(value: object) -> datetime | None:
    """A date as search engines write them, in ISO 8601 or as in mail; UTC where it names no
    zone.
    """
    if not isinstance(value, str) or not value.strip():
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            parsed = read(value.strip())
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _plain(value: object, limit: int) -> str:
    """A text on one line, without what no database holds and what moves a terminal's cursor."""
    if not isinstance(value, str):
        return ""
    text = value.encode("utf-8", "ignore").decode()
    return " ".join(_CONTROL.sub(" ", text).split())[:limit].rstrip()
