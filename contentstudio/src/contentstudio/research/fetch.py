"""Fetch one URL within limits, and say in one error class what went wrong.

Permanent: RefusedUrl, BlockedAddress, TooLarge (from the guard), TooManyRedirects, WrongContentType, BadStatus,
UntrustedCertificate. Transient: UnresolvedName (from the guard), Unavailable, TimedOut, Unreachable, GarbledAnswer.
"""

from __future__ import annotations

import asyncio
import ssl
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
_TRY_LATER = (408, 425, 429)
_TYPES = ("text/html", "text/plain", "text/xml", "application/xml")
_CODINGS = ("", "identity", "gzip", "deflate")


class TooManyRedirects(Permanent):
    """The redirects do not end."""


class WrongContentType(Permanent):
    """The answer is neither a page nor a feed."""


class BadStatus(Permanent):
    """The server refuses the page or does not have it."""


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
class Fetched:
    """An answer with status 200: `url` was asked, `final_url` is where the redirects led.

    `content_type` is lower-case and without parameters, `charset` is the header's, `body` is decompressed.
    """

    url: str
    final_url: str
    status: int
    content_type: str
    charset: str | None
    body: bytes

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

    async def get(self, url: str) -> Fetched:
        """The page at `url`, redirects followed. `timeout_seconds` holds for all of it together."""
        try:
            async with asyncio.timeout(self._limits.timeout_seconds):
                return await self._follow(url)
        except TimeoutError:
            raise TimedOut(f"{url} took longer than {self._limits.timeout_seconds:g} seconds.") from None

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

    async def _follow(self, url: str) -> Fetched:
        here = guard.checked_url(url)
        seen: set[str] = set()
        while True:
            seen.add(str(here))
            answer = await self._ask(url, here)
            if isinstance(answer, Fetched):
                return answer
            here = guard.checked_url(str(answer))
            if str(here) in seen:
                raise TooManyRedirects(f"{url} redirects in a circle, back to {here}.")
            if len(seen) > self._limits.max_redirects:
                raise TooManyRedirects(f"{url} redirects more than {self._limits.max_redirects} times.")

    async def _ask(self, asked: str, here: httpx2.URL) -> Fetched | httpx2.URL:
        """One request: the page, or where it redirects to."""
        import httpcore2
        import httpx2

        try:
            async with self._opened().stream("GET", here) as response:
                if response.status_code in _REDIRECTS and response.next_request is not None:
                    return response.next_request.url
                _check_status(response)
                content_type = _checked_type(response)
                body = await self._read(response)
        except (BlockedAddress, UnresolvedName) as error:
            raise type(error)(f"{asked} is not read: {error}.") from error
        except httpcore2.TimeoutException as error:
            raise TimedOut(f"{here} did not answer in time.") from error
        except httpcore2.NetworkError as error:
            raise _network_error(here, error) from error
        except (httpcore2.ProtocolError, httpx2.HTTPError) as error:
            raise GarbledAnswer(f"{here} answers in broken HTTP: {error}.") from error
        return Fetched(asked, str(here), response.status_code, content_type, response.charset_encoding, body)

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
    raise BadStatus(sentence)


def _checked_type(response: httpx2.Response) -> str:
    """The content type without parameters, when it is one that is read and its coding one that was asked for."""
    kind: str = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES and not (kind.startswith("application/") and kind.endswith("+xml")):
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
