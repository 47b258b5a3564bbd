"""The guarded way to the network. It imports httpx2, so it is itself imported when the first page
is fetched.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore2
import httpx2

from contentstudio.config import Fetch
from contentstudio.web import guard

CONNECT_SECONDS = 5.0  # for one address; a name's other addresses come after it
_ACCEPT = (
    "text/html,application/xhtml+xml,application/atom+xml,application/rss+xml,"
    "application/xml;q=0.9,text/plain;q=0.5"
)
_SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


def open_client(limits: Fetch, backend: httpcore2.AsyncNetworkBackend) -> httpx2.AsyncClient:
    """A client that follows no redirect, keeps no cookie and knows no proxy; the caller sets the
    time it may take.
    """
    return httpx2.AsyncClient(
        transport=GuardedTransport(
            GuardedBackend(backend, limits.allow_loopback), limits.max_bytes
        ),
        headers={
            "User-Agent": limits.user_agent,
            "Accept": _ACCEPT,
            "Accept-Encoding": "gzip, deflate",
        },
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
        timeout=None,  # one deadline over the whole fetch holds, and not one for each read
    )


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves, checks, and connects to the address that was checked. TLS still sees the host's
    name.
    """

    def __init__(self, inner: httpcore2.AsyncNetworkBackend, allow_loopback: bool) -> None:
        self._inner = inner
        self._allow_loopback = allow_loopback

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failures: list[Exception] = []
        for address in await guard.resolve(host, port, allow_loopback=self._allow_loopback):
            try:
                return await self._inner.connect_tcp(
                    str(address), port, CONNECT_SECONDS, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failures.append(error)
        raise failures[0]


class GuardedTransport(httpx2.AsyncBaseTransport):
    """A pool over the guarded backend. Raises httpcore2's errors, and TooLarge past `max_bytes` on
    the wire.
    """

    def __init__(self, backend: httpcore2.AsyncNetworkBackend, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            network_backend=backend,
            max_connections=20,
            keepalive_expiry=5,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(answer.stream, AsyncIterable)
        body = _CountedBody(answer.stream, self._max_bytes, str(request.url))
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=body, extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _CountedBody(httpx2.AsyncByteStream):
    """Counts before anything is decompressed: a body that decompresses to nothing must not run on
    for ever.
    """

    def __init__(self, stream: AsyncIterable[bytes], max_bytes: int, url: str) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._url = url

    async def __aiter__(self) -> AsyncIterator[bytes]:
        arrived = 0
        async for part in self._stream:
            arrived += len(part)
            if arrived > self._max_bytes:
                raise guard.TooLarge(f"{self._url} sends more than {self._max_bytes:,} bytes.")
            yield part

    async def aclose(self) -> None:
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()
