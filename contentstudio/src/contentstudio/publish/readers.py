"""What readers get at the address of a post: asked as one of them, without any password."""

from __future__ import annotations

import asyncio
import html
import re
import secrets
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from contentstudio.publish.cms_client import NO_CACHE
from overnight.errors import Permanent, Transient

if TYPE_CHECKING:
    import httpx2

MAX_BYTES = 3_000_000  # of one page, as it comes and as it is unpacked
MAX_REDIRECTS = 5
SECONDS = 15.0  # for all of it
SAMPLES = 8  # sentences that are looked for
MIN_LETTERS = 12  # of a sentence that is looked for; a shorter one may stand anywhere


@dataclass(frozen=True)
class Page:
    """What came back: the status, where redirects led, and the text."""

    status: int
    url: str
    text: str


class Unreadable(Exception):
    """Nothing can be said of the address; why."""


async def look(
    url: str, sentences: Sequence[str], post: str, private_hosts: frozenset[str]
) -> str | None:
    """What is wrong with what readers get at an address, in a sentence; None where it holds these
    sentences.

    `post` is the post's id. A host that is none of `private_hosts` must have a public address.
    Where a cache keeps an older page, that is told.
    """
    try:
        async with asyncio.timeout(SECONDS):
            page = await _read(url, private_hosts)
            wrong = judged(page, sentences, post)
            if wrong is None:
                return None
            separator = "&" if urlsplit(url).query else "?"
            fresh = await _read(
                f"{url}{separator}contentstudio={secrets.token_hex(4)}", private_hosts
            )
            if judged(fresh, sentences, post) is None:
                return f"a cache in front of {url} still gives readers an older page"
            return f"readers who ask for {url} get {wrong}"
    except (
        Unreadable,
        Transient,
        Permanent,
        ValueError,
    ) as error:  # such as a host without an address
        return f"whether readers get the article at {url} could not be looked at: {error}"
    except TimeoutError:
        return (
            f"whether readers get the article at {url} could not be looked at: no answer "
            f"within {SECONDS:g} s"
        )


def judged(page: Page, sentences: Sequence[str], post: str) -> str | None:
    """What stands there instead of the article; None where its sentences do. Raises `Unreadable`
    where a page says nothing of the site, such as that of a firewall.
    """
    if page.status in (401, 403, 407, 429, 451) or page.status >= 500:
        raise Unreadable(f"it was answered {page.status}{_title(page.text)}")
    if re.search(r"/wp-login\.php", page.url):
        raise Unreadable("it asks readers to log in")
    if page.status != 200:
        return f"the answer {page.status}{_title(page.text)}"
    if holds(page.text, sentences):
        return None
    if post in posts_of(page.text):
        return "the post without our words: an older version from a cache, or only a part of it"
    return f"another page{_title(page.text)}, at {page.url}"


def holds(text: str, sentences: Sequence[str]) -> bool:
    """Whether a page holds the sentences that are looked for, but for one, whatever a theme made of
    their marks. An older version of the article lacks more.
    """
    there = _letters(html.unescape(re.sub(r"<[^<>]*>", "", _without_scripts(text))))
    texts = [letters for sentence in sentences if len(letters := _letters(sentence)) >= MIN_LETTERS]
    texts = (texts or [_letters(sentence) for sentence in sentences])[
        :: max(1, len(texts) // SAMPLES)
    ]
    return sum(one in there for one in texts) >= max(1, len(texts) - 1)


def posts_of(text: str) -> set[str]:
    """The ids of the post that a page says it shows."""
    links = [
        tag
        for tag in re.findall(r"<link[^<>]*>", text)
        if re.search(r"""rel=["']shortlink["']""", tag)
    ]
    numbers = [number for tag in links for number in re.findall(r"[?&]p=(\d+)", tag)]
    body = re.search(r"<body[^<>]*>", text)
    numbers += re.findall(r"\bpostid-(\d+)", body[0]) if body else []
    return {*numbers, *re.findall(r"/wp/v2/posts/(\d+)\b", text)}


def _without_scripts(text: str) -> str:
    """The text without scripts and styles. A stranger's page may hold any number of them, so it is
    read once.
    """
    parts, lowered, at = list[str](), text.lower(), 0
    for opens in re.finditer(r"<(script|style)\b", lowered):
        if opens.start() < at:
            continue
        parts.append(text[at : opens.start()])
        end = lowered.find(f"</{opens[1]}", opens.end())
        if end < 0:
            return "".join(parts)
        at = end
    return "".join([*parts, text[at:]])


def _letters(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKC", text).casefold() if one.isalnum())


def _title(text: str) -> str:
    """The title of a page, after a comma."""
    match = re.search(r"(?i)<title[^<>]*>([^<]*)", text)
    title = " ".join(html.unescape(match[1]).split())[:100] if match else ""
    return f", titled “{title}”" if title else ""


async def _read(url: str, private_hosts: frozenset[str]) -> Page:
    """The page at an address, and where redirects lead."""
    for _ in range(MAX_REDIRECTS + 1):
        if urlsplit(url).scheme not in ("http", "https"):
            raise Unreadable(f"it leads to {url}")
        answer, text = await _get(url, private=urlsplit(url).hostname in private_hosts)
        target = answer.headers.get("Location")
        if not (300 <= answer.status_code < 400 and target):
            return Page(answer.status_code, url, text)
        url = urljoin(url, target)
    raise Unreadable("its redirects come to no end")


async def _text(answer: httpx2.Response) -> str:
    """The text of a page. A small answer may unpack to a great one."""
    data = b""
    async for part in answer.aiter_bytes():
        data += part
        if len(data) > MAX_BYTES:
            raise Unreadable(f"it sends more than {MAX_BYTES:,} bytes")
    with suppress(LookupError):  # a charset that nobody knows
        return data.decode(answer.charset_encoding or "utf-8", "replace")
    return data.decode("utf-8", "replace")


async def _get(url: str, *, private: bool) -> tuple[httpx2.Response, str]:
    import httpcore2
    import httpx2

    from contentstudio.web.client import GuardedBackend, GuardedTransport
    from contentstudio.web.guard import BlockedAddress, TooLarge

    network: httpcore2.AsyncNetworkBackend = httpcore2.AnyIOBackend()
    transport = GuardedTransport(network if private else GuardedBackend(network, False), MAX_BYTES)
    headers = {"User-Agent": "contentstudio", "Accept": "text/html", **NO_CACHE}
    try:
        async with (
            httpx2.AsyncClient(transport=transport, trust_env=False, timeout=None) as client,
            client.stream("GET", url, headers=headers, follow_redirects=False) as answer,
        ):
            return answer, await _text(answer)
    except BlockedAddress as refusal:
        raise Unreadable(str(refusal)) from None
    except TooLarge:
        raise Unreadable(f"it sends more than {MAX_BYTES:,} bytes") from None
    except (
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
        httpcore2.TimeoutException,
        httpx2.HTTPError,
        httpx2.InvalidURL,
    ) as error:
        raise Unreadable(str(error) or type(error).__name__) from None
