"""Fetch one URL within limits, and say in one error class what went wrong.

Permanent: RefusedUrl, BlockedAddress, TooLarge (from the guard), TooManyRedirects, WrongContentType, BadStatus,
UntrustedCertificate. Transient: UnresolvedName (from the guard), Unavailable, TimedOut, Unreachable, GarbledAnswer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from contentstudio.config import Fetch
from contentstudio.research import guard, markup
from contentstudio.research.guard import BlockedAddress, RefusedUrl, TooLarge, UnresolvedName
from overnight.errors import Permanent, Transient

if TYPE_CHECKING:
    import httpcore2
    import httpx2

__all__ = [
    "BadStatus",
    "BlockedAddress",
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
_MAX_VALIDATOR = 1_000  # characters of an ETag or a date that are kept and sent again
ANY_TYPE = ("*/*",)
_CODINGS = ("", "identity", "gzip", "deflate")


_Leave = Callable[["httpx2.URL"], AbstractAsyncContextManager[None]]


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
    """What a server said of a page, to be asked whether it changed. `url` is where the redirects led."""

    url: str
    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """The condition of a request."""
        told = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True)
class Fetched:
    """An answer with status 200: `url` was asked, `final_url` is where the redirects led.

    `content_type` is lower-case and without parameters, `charset` is the header's, `body` is decompressed. `etag` and
    `last_modified` are the server's own words.
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
    def text(self) -> str:
        """The body decoded by what is known of its charset; computed on each use."""
        return markup.decode(self.body, self.charset)


class Fetcher:
    """Fetches by GET within `limits`. One client is opened on first use and shared; close it with `aclose`.

    `network` opens the sockets, below the guard; tests give one that counts.
    """

    def __init__(self, limits: Fetch, network: httpcore2.AsyncNetworkBackend | None = None) -> None:
        self._limits = limits
        self._network = network
        self._client: httpx2.AsyncClient | None = None

    async def get(self, url: str, *, types: Collection[str] = ()) -> Fetched:
        """The page at `url`, redirects followed; `types` are read beside those of pages and feeds.

        `timeout_seconds` holds for all requests together; waiting for leave to make them is not counted.
        """
        fetched = await self._follow(url, types, None, self._leave)
        assert fetched is not None, "only a condition can be answered by nothing"
        return fetched

    async def get_if_changed(self, url: str, known: Known | None) -> Fetched | None:
        """The same, or None where the server says that the page is as it is known."""
        return await self._follow(url, (), known, self._leave)

    async def aclose(self) -> None:
        """Close the connections. A later `get` opens them again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self) -> httpx2.AsyncClient:
        if self._client is None:
            import httpcore2

            from contentstudio.research import transport

            self._client = transport.open_client(self._limits, self._network or httpcore2.AnyIOBackend())
        return self._client

    @asynccontextmanager
    async def _leave(self, _url: httpx2.URL) -> AsyncIterator[None]:
        """Held while a URL is asked; here nothing stands against it."""
        yield

    async def _follow(self, url: str, types: Collection[str], known: Known | None, leave: _Leave) -> Fetched | None:
        here = guard.checked_url(url)
        clock = asyncio.get_running_loop().time
        left = self._limits.timeout_seconds
        seen: set[str] = set()
        while True:
            seen.add(str(here))
            async with leave(here):
                began = clock()
                try:
                    async with asyncio.timeout(left):
                        answer = await self._ask(url, here, types, known)
                except TimeoutError:
                    raise TimedOut(f"{url} took longer than {self._limits.timeout_seconds:g} seconds.") from None
                left -= clock() - began
            if answer is None or isinstance(answer, Fetched):
                return answer
            here = guard.checked_url(str(answer))
            if str(here) in seen:
                raise TooManyRedirects(f"{url} redirects in a circle, back to {here}.")
            if len(seen) > self._limits.max_redirects:
                raise TooManyRedirects(f"{url} redirects more than {self._limits.max_redirects} times.")

    async def _ask(
        self, asked: str, here: httpx2.URL, types: Collection[str], known: Known | None
    ) -> Fetched | httpx2.URL | None:
        """One request: the page, where it redirects to, or None where it is as `known` from here."""
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
                content_type = _checked_type(response, types)
                body = await self._read(response)
        except (BlockedAddress, UnresolvedName) as error:
            raise type(error)(f"{asked} is not read: {error}.") from error
        except httpcore2.TimeoutException as error:
            raise TimedOut(f"{here} did not answer in time.") from error
        except httpcore2.NetworkError as error:
            raise _network_error(here, error) from error
        except (httpcore2.ProtocolError, httpx2.HTTPError) as error:
            raise GarbledAnswer(f"{here} answers in broken HTTP: {error}.") from error
        return Fetched(
            *(asked, str(here), response.status_code, content_type, response.charset_encoding, body),
            etag=_validator(response, "etag"),
            last_modified=_validator(response, "last-modified"),
        )

    async def _read(self, response: httpx2.Response) -> bytes:
        """The decompressed body. Reading stops at the limit, so a bomb is never unpacked whole."""
        most = self._limits.max_bytes
        stated = response.headers.get("content-length", "")
        if stated.isdecimal() and int(stated) > most:
            raise TooLarge(f"{response.url} is {int(stated):,} bytes; the limit is {most:,}.")
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > most:
                raise TooLarge(f"{response.url} unpacks to more than {most:,} bytes.")
        return bytes(body)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (seconds or an HTTP date), from 0 to MAX_RETRY_AFTER; None if unclear."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return min(max((moment - now).total_seconds(), 0.0), MAX_RETRY_AFTER)
    except (ValueError, OverflowError):
        return None


def _check_status(response: httpx2.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    sentence = f"{response.url} answers {status} {response.reason_phrase}".rstrip() + "."
    if status in _TRY_LATER or status >= 500:
        wait = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        raise Unavailable(sentence, retry_after=wait)
    raise Gone(sentence) if status in _GONE else BadStatus(sentence)


def _validator(response: httpx2.Response, name: str) -> str | None:
    """A header that will be sent back as it came, if that is possible."""
    value: str = response.headers.get(name, "")
    return value if value.isascii() and value.isprintable() and 0 < len(value) <= _MAX_VALIDATOR else None


def _checked_type(response: httpx2.Response, types: Collection[str]) -> str:
    """The content type without parameters, when it is one that is read and its coding one that was asked for."""
    kind: str = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    xml = kind.startswith("application/") and kind.endswith("+xml")
    if kind not in (*_TYPES, *types) and not xml and types is not ANY_TYPE:
        raise WrongContentType(f"{response.url} is {kind or 'of no stated type'}, neither a page nor a feed.")
    coding = response.headers.get("content-encoding", "").lower()
    if any(part.strip() not in _CODINGS for part in coding.split(",")):
        raise WrongContentType(f"{response.url} is packed as {coding}, which was not asked for.")
    return kind


def _network_error(url: httpx2.URL, error: httpcore2.NetworkError) -> Permanent | Transient:
    for cause in error.args:  # the pool raises `from None`, so the cause is only found here
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = getattr(cause, "verify_message", None) or cause
            return UntrustedCertificate(f"{url} has a certificate that cannot be trusted: {why}.")
    return Unreachable(f"{url} cannot be reached: {error or type(error).__name__}.")
