"""Fetch one URL within limits, and say in one error class what went wrong.

Permanent: RefusedUrl, BlockedAddress, TooLarge (from the guard), TooManyRedirects,
WrongContentType, BadStatus, UntrustedCertificate. Transient: UnresolvedName (from the guard),
CutOff (from packing), Unavailable, TimedOut, Unreachable, GarbledAnswer.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contentstudio.config import Fetch
from contentstudio.web import decoding, guard, packing
from contentstudio.web.guard import BlockedAddress, RefusedUrl, TooLarge, UnresolvedName
from contentstudio.web.packing import CutOff
from overnight.errors import Permanent, Transient
from overnight.http_headers import retry_after

if TYPE_CHECKING:
    import httpcore2
    import httpx2

__all__ = [
    "BadStatus",
    "BlockedAddress",
    "CutOff",
    "Fetched",
    "Fetcher",
    "GarbledAnswer",
    "Gone",
    "Known",
    "RefusedUrl",
    "TimedOut",
    "TooLarge",
    "TooManyRedirects",
    "Unavailable",
    "Unreachable",
    "UnresolvedName",
    "UntrustedCertificate",
    "WrongContentType",
]

MAX_RETRY_AFTER = 3_600.0  # seconds; a server that asks for a week is asked again within the hour
_REDIRECTS = (301, 302, 303, 307, 308)
_GONE = (404, 410)
_TRY_LATER = (408, 425, 429)
_TYPES = ("text/html", "text/plain", "text/xml", "application/xml")
_HEAD_BYTES = 16_384
_MAX_VALIDATOR = 1_000  # characters of an ETag or a date that are kept and sent again
ANY_TYPE = ("*/*",)
UNSTATED = (  # types that say nothing, beside none at all: what is read shows what it is
    *(
        "",
        "*/*",
        "application/octet-stream",
        "application/binary",
        "application/unknown",
        "application/x-unknown",
    ),
    *(
        "application/force-download",
        "application/x-download",
        "binary/octet-stream",
        "unknown/unknown",
    ),
)
_CHARSET = re.compile(r"""\bcharset\s*=\s*["']?\s*([^\s;,"']+)""", re.I)


_Permission = Callable[["httpx2.URL"], AbstractAsyncContextManager[None]]


class TooManyRedirects(Permanent):
    """The redirects do not end."""


class WrongContentType(Permanent):
    """The answer is neither a page nor a feed."""


class BadStatus(Permanent):
    """The server refuses the page or does not have it."""


class Gone(BadStatus):
    """The server has no such page, now or any more."""


class UntrustedCertificate(Permanent):
    """The server's certificate is not valid for its name."""


class Unavailable(Transient):
    """The server asks to come back later."""


class TimedOut(Transient):
    """The answer took too long."""


class Unreachable(Transient):
    """No connection, or it broke."""


class GarbledAnswer(Transient):
    """The answer breaks the rules of HTTP."""


@dataclass(frozen=True)
class Known:
    """What a server said of a page, to be asked whether it changed. `url` is where the redirects
    led.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """The condition of a request."""
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value is not None}


@dataclass(frozen=True)
class Fetched:
    """An answer with status 200: `url` was asked, `final_url` is where the redirects led.

    `content_type` is lower-case and without parameters, `charset` is the header's, `body` is whole
    and unpacked. `etag` and `last_modified` are the server's own words.
    """

    url: str
    final_url: str
    status: int
    content_type: str
    charset: str | None
    body: bytes
    etag: str | None = None
    last_modified: str | None = None

    @property
    def known(self) -> Known:
        """What to ask with, the next time."""
        return Known(self.final_url, self.etag, self.last_modified)

    @property
    def head(self) -> str:
        """The beginning of the text, enough to know by its first element what it is."""
        return decoding.decode(self.body[:_HEAD_BYTES], self.charset)

    @property
    def text(self) -> str:
        """The body decoded by what is known of its charset; computed on each use."""
        return decoding.decode(self.body, self.charset)


@dataclass(frozen=True)
class Wanted:
    """Which content types are read beside those of pages and feeds, and how many bytes a body may
    unpack to.
    """

    types: Collection[str]
    max_unpacked: int


class Fetcher:
    """Fetches by GET within `limits`. One client is opened on first use and shared; close it with
    `aclose`.

    `network` opens the sockets, below the guard; tests give one that counts.
    """

    def __init__(self, limits: Fetch, network: httpcore2.AsyncNetworkBackend | None = None) -> None:
        self._limits = limits
        self._network = network
        self._client: httpx2.AsyncClient | None = None

    async def get(
        self, url: str, *, types: Collection[str] = (), max_unpacked: int | None = None
    ) -> Fetched:
        """The page at `url`, redirects followed; `types` are read beside those of pages and feeds.

        `timeout_seconds` holds for all requests together; waiting for permission is not
        counted. `max_unpacked` is the limit of the unpacked body where that is not `max_bytes`.
        """
        fetched = await self._follow(
            url, Wanted(types, max_unpacked or self._limits.max_bytes), None, self._permission
        )
        assert fetched is not None, "only a condition can be answered by nothing"
        return fetched

    async def get_if_changed(
        self, url: str, known: Known | None, *, types: Collection[str] = ()
    ) -> Fetched | None:
        """The same, or None where the server says that the page is as it is known."""
        return await self._follow(
            url, Wanted(types, self._limits.max_bytes), known, self._permission
        )

    async def aclose(self) -> None:
        """Close the connections. A later `get` opens them again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self) -> httpx2.AsyncClient:
        if self._client is None:
            import httpcore2

            from contentstudio.web import client

            self._client = client.open_client(
                self._limits, self._network or httpcore2.AnyIOBackend()
            )
        return self._client

    @asynccontextmanager
    async def _permission(self, _url: httpx2.URL) -> AsyncIterator[None]:
        """Held while a URL is asked; here nothing stands against it."""
        yield

    async def _follow(
        self, url: str, wanted: Wanted, known: Known | None, permission: _Permission
    ) -> Fetched | None:
        here = guard.checked_url(url)
        clock = asyncio.get_running_loop().time
        left = self._limits.timeout_seconds
        urls: set[str] = set()
        while True:
            urls.add(str(here))
            async with permission(here):
                began = clock()
                try:
                    async with asyncio.timeout(left):
                        answer = await self._ask(url, here, wanted, known)
                except TimeoutError:
                    raise TimedOut(
                        f"{url} took longer than {self._limits.timeout_seconds:g} seconds."
                    ) from None
                left -= clock() - began
            if answer is None or isinstance(answer, Fetched):
                return answer
            here = guard.checked_url(str(answer))
            if str(here) in urls:
                raise TooManyRedirects(f"{url} redirects in a circle, back to {here}.")
            if len(urls) > self._limits.max_redirects:
                raise TooManyRedirects(
                    f"{url} redirects more than {self._limits.max_redirects} times."
                )

    async def _ask(
        self, url: str, here: httpx2.URL, wanted: Wanted, known: Known | None
    ) -> Fetched | httpx2.URL | None:
        """One request: the page, where it redirects to, or None where it is as `known`
        from here.
        """
        import httpcore2
        import httpx2

        condition = known.headers() if known and known.url == str(here) else {}
        try:
            async with self._opened().stream("GET", here, headers=condition) as response:
                if response.status_code == 304 and condition:
                    return None
                if response.status_code in _REDIRECTS and response.next_request is not None:
                    return response.next_request.url
                _check_status(response)
                content_type, charset = _checked_type(response, wanted.types)
                body = await self._read(response, wanted.max_unpacked)
        except (BlockedAddress, UnresolvedName) as error:
            raise type(error)(f"{url} is not read: {error}.") from error
        except httpcore2.TimeoutException as error:
            raise TimedOut(f"{here} did not answer in time.") from error
        except httpcore2.NetworkError as error:
            raise _network_error(here, error) from error
        except (httpcore2.ProtocolError, httpx2.HTTPError) as error:
            raise GarbledAnswer(f"{here} answers in broken HTTP: {error}.") from error
        return Fetched(
            *(url, str(here), response.status_code, content_type, charset, body),
            etag=_validator(response, "etag"),
            last_modified=_validator(response, "last-modified"),
        )

    async def _read(self, response: httpx2.Response, max_unpacked: int) -> bytes:
        """The whole body, unpacked. The transport counts what arrives; nothing is unpacked past the
        limit.
        """
        most = self._limits.max_bytes
        stated = response.headers.get("content-length", "")
        if stated.isdecimal() and int(stated) > most:
            raise TooLarge(f"{response.url} is {int(stated):,} bytes; the limit is {most:,}.")
        body = b"".join([part async for part in response.aiter_raw()])
        order, _ = packing.codings(response.headers.get("content-encoding", ""))
        try:
            return await asyncio.to_thread(_unpacked, body, order, max_unpacked)
        except (CutOff, TooLarge) as error:
            raise type(error)(f"{response.url} is not read: {error}.") from None
        except packing.Unsound as error:
            raise GarbledAnswer(f"{response.url} is not packed as it says: {error}.") from None


def waiting(headers: Mapping[str, str]) -> float | None:
    """For how many seconds an answer asks to wait, an hour at most."""
    return retry_after(headers, datetime.now(UTC), at_most=MAX_RETRY_AFTER)


def _check_status(response: httpx2.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    sentence = f"{response.url} answers {status} {response.reason_phrase}".rstrip() + "."
    if status in _TRY_LATER or status >= 500:
        raise Unavailable(sentence, retry_after=waiting(response.headers))
    raise Gone(sentence) if status in _GONE else BadStatus(sentence)


def _validator(response: httpx2.Response, name: str) -> str | None:
    """A header that will be sent back as it came, if that is possible."""
    value: str = response.headers.get(name, "")
    return (
        value
        if value.isascii() and value.isprintable() and 0 < len(value) <= _MAX_VALIDATOR
        else None
    )


def require_page(fetched: Fetched) -> None:
    """WrongContentType unless the server says that it is a page, or it looks like one where the
    type says nothing.
    """
    looks_so = fetched.content_type in UNSTATED and decoding.root_element(fetched.head) == "html"
    if not (looks_so or _is_page(fetched.content_type)):
        raise _not_read(fetched.final_url, fetched.content_type)


def _checked_type(response: httpx2.Response, types: Collection[str]) -> tuple[str, str | None]:
    """The content type without parameters, and its charset, where it is read and packed in a way
    that is undone.
    """
    kind, charset = media_type(response.headers.get("content-type", ""))
    if kind not in types and not _is_page(kind) and types is not ANY_TYPE:
        raise _not_read(str(response.url), kind)
    if unread := packing.codings(response.headers.get("content-encoding", ""))[1]:
        raise WrongContentType(f"{response.url} is packed as {unread[0]}, which was not asked for.")
    return kind, charset


def media_type(header: str) -> tuple[str, str | None]:
    """The type without parameters and the charset of a Content-Type header, which may hold several
    of each: of the types the first that is read, else the first; of the charsets the first that
    names an encoding.
    """
    kinds = [
        part.partition(";")[0].strip().strip("\"'").strip().lower() for part in header.split(",")
    ]
    labels = [label for label in _CHARSET.findall(header) if decoding.known_charset(label)]
    return next(filter(_is_page, kinds), next(filter(None, kinds), "")), next(iter(labels), None)


def _is_page(kind: str) -> bool:
    return kind in _TYPES or (kind.startswith("application/") and kind.endswith("+xml"))


def _not_read(url: str, kind: str) -> WrongContentType:
    return WrongContentType(f"{url} is {kind or 'of no stated type'}, neither a page nor a feed.")


def _unpacked(body: bytes, order: list[str], most: int) -> bytes:
    """The body without the codings of its header, and without a gzip of which no header tells."""
    body = packing.declared(body, order, most)
    try:
        return packing.unpacked(body, most)
    except packing.Unsound:
        return body  # a file that is broken and not an answer: its reader says so


def _network_error(url: httpx2.URL, error: httpcore2.NetworkError) -> Permanent | Transient:
    for cause in error.args:  # the pool raises `from None`, so the cause is only found here
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = getattr(cause, "verify_message", None) or cause
            return UntrustedCertificate(f"{url} has a certificate that cannot be trusted: {why}.")
    return Unreachable(f"{url} cannot be reached: {error or type(error).__name__}.")
