"""The fetcher against a server that misbehaves in every way, on loopback."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpcore2
import pytest

from contentstudio.config import Fetch
from contentstudio.research import feeds
from contentstudio.web import fetch, guard
from contentstudio.web.fetch import ANY_TYPE, UNSTATED, Fetched, Fetcher, require_page
from overnight.errors import Permanent, Transient

pytestmark = pytest.mark.contract

CASES = Path(__file__).parents[1] / "cases"
PAGE = b"<html><body><p>Hello.</p></body></html>"
BOMB = gzip.compress(b"<a>" * (64 * 2**20 // 3))
EMPTY_MEMBERS = gzip.compress(b"")
Writer = asyncio.StreamWriter


class Hostile:
    """A server of raw bytes: `routes` maps a path to what is written. It counts what it was asked
    and what it sent.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.sent = 0
        self.url = ""
        self.routes: dict[str, bytes | Callable[[Writer], Awaitable[None]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Hostile:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            path = head[0].split(" ")[1]
            self.asked[path] += 1
            self.headers.append(
                {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:])}
            )
            route = self.routes[path]
            if isinstance(route, bytes):
                await self.write(writer, route)
            else:
                await route(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def write(self, writer: Writer, data: bytes) -> None:
        writer.write(data)
        await writer.drain()
        self.sent += len(data)


class CountingNetwork(httpcore2.AsyncNetworkBackend):
    """Opens real sockets, and remembers for which addresses."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, *rest: Any, **more: Any
    ) -> httpcore2.AsyncNetworkStream:
        self.connected.append(host)
        return await self._inner.connect_tcp(host, port, *rest, **more)


def answer(
    status: str = "200 OK", body: bytes = PAGE, kind: str | None = "text/html", **headers: str
) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"Content-Type: {kind}"] if kind is not None else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def redirect(to: str, status: str = "302 Found") -> bytes:
    return answer(status, b"", Location=to)


@pytest.fixture
async def server() -> AsyncIterator[Hostile]:
    async with Hostile() as hostile:
        yield hostile


@pytest.fixture
def network() -> CountingNetwork:
    return CountingNetwork()


@pytest.fixture
async def fetcher(network: CountingNetwork) -> AsyncIterator[Fetcher]:
    limits = Fetch(
        allow_loopback=True,
        timeout_seconds=5,
        max_bytes=100_000,
        max_redirects=3,
        user_agent="tester/1",
    )
    one = Fetcher(limits, network)
    yield one
    await one.aclose()


async def failure(fetcher: Fetcher, url: str, kind: type[Exception]) -> Any:
    """The error of `kind`; its message is one sentence that names the URL."""
    with pytest.raises(kind) as caught:
        await fetcher.get(url)
    message = str(caught.value)
    assert url in message
    assert message.endswith(".")
    assert "\n" not in message
    return caught.value


async def test_a_page(server: Hostile, fetcher: Fetcher) -> None:
    server.routes["/p?q=1"] = answer(kind='Text/HTML; Charset="ISO-8859-1"', body=b"caf\xe9")
    got = await fetcher.get(f"{server.url}/p?q=1#part")
    assert got == Fetched(
        f"{server.url}/p?q=1#part", f"{server.url}/p?q=1", 200, "text/html", got.charset, b"caf\xe9"
    )
    assert (got.charset or "").lower() == "iso-8859-1"
    assert got.text == "café"
    assert server.headers[0]["user-agent"] == "tester/1"
    assert server.headers[0]["accept-encoding"] == "gzip, deflate"


async def test_a_packed_page(server: Hostile, fetcher: Fetcher) -> None:
    server.routes["/"] = answer(body=gzip.compress(PAGE), Content_Encoding="gzip")
    assert (await fetcher.get(f"{server.url}/")).body == PAGE


async def test_it_can_be_closed_and_used_again(server: Hostile, fetcher: Fetcher) -> None:
    server.routes["/"] = answer()
    for _ in range(2):
        await fetcher.get(f"{server.url}/")
        await fetcher.aclose()
    assert server.asked["/"] == 2


# Redirects


async def test_redirects_are_followed_to_the_end(server: Hostile, fetcher: Fetcher) -> None:
    server.routes |= {
        "/a": redirect("b", "301 Moved"),
        "/b": redirect(f"{server.url}/c", "307 Temporary"),
        "/c": answer(),
    }
    got = await fetcher.get(f"{server.url}/a")
    assert (got.url, got.final_url) == (f"{server.url}/a", f"{server.url}/c")


async def test_the_limit_of_redirects_is_exact(server: Hostile, fetcher: Fetcher) -> None:
    server.routes |= {f"/{n}": redirect(f"/{n + 1}") for n in range(5)} | {"/5": answer()}
    assert (await fetcher.get(f"{server.url}/2")).final_url.endswith("/5")
    error = await failure(fetcher, f"{server.url}/1", fetch.TooManyRedirects)
    assert "more than 3" in str(error)
    assert server.asked["/5"] == 1


@pytest.mark.parametrize("path", ["/loop", "/ping"])
async def test_circles_are_detected(server: Hostile, fetcher: Fetcher, path: str) -> None:
    server.routes |= {
        "/loop": redirect("/loop#again"),
        "/ping": redirect("/pong"),
        "/pong": redirect("/ping"),
    }
    error = await failure(fetcher, server.url + path, fetch.TooManyRedirects)
    assert "circle" in str(error)
    assert max(server.asked.values()) == 1


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "//0.0.0.0/",
    ],
)
async def test_no_redirect_leads_inside(
    server: Hostile, fetcher: Fetcher, network: CountingNetwork, target: str
) -> None:
    server.routes["/out"] = redirect(target)
    error = await failure(fetcher, f"{server.url}/out", fetch.BlockedAddress)
    assert isinstance(error, Permanent)
    assert network.connected == ["127.0.0.1"]


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://u:secret@127.0.0.1/", "http://127.0.0.1:22/"]
)
async def test_no_redirect_leads_to_another_service(
    server: Hostile, fetcher: Fetcher, target: str
) -> None:
    server.routes["/out"] = redirect(target)
    with pytest.raises(Permanent) as caught:
        await fetcher.get(f"{server.url}/out")
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, fetch.RefusedUrl)


async def test_a_broken_or_missing_location(server: Hostile, fetcher: Fetcher) -> None:
    server.routes |= {"/bad": redirect("http://[::1"), "/none": answer("302 Found")}
    for path in server.routes:
        await failure(fetcher, server.url + path, fetch.BadStatus)


# Addresses


async def test_loopback_is_blocked_by_default(server: Hostile, network: CountingNetwork) -> None:
    fetcher = Fetcher(Fetch(), network)
    for host in ("127.0.0.1", "localhost"):
        await failure(fetcher, server.url.replace("127.0.0.1", host) + "/", fetch.BlockedAddress)
    await fetcher.aclose()
    assert network.connected == []
    assert not server.asked


async def test_the_checked_address_is_the_one_connected_to(
    server: Hostile, fetcher: Fetcher, network: CountingNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        # A rebinding name: loopback (allowed here) at first, a private address ever after.
        lookups.append(host)
        return [(2, 1, 6, "", ("127.0.0.1" if len(lookups) == 1 else "10.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    server.routes["/"] = answer()
    url = server.url.replace("127.0.0.1", "rebind.example") + "/"
    assert (await fetcher.get(url)).body == PAGE
    assert (lookups, network.connected) == (["rebind.example"], ["127.0.0.1"])
    assert server.headers[0]["host"].startswith("rebind.example")
    await failure(fetcher, url, fetch.BlockedAddress)
    assert network.connected == ["127.0.0.1"]


async def test_the_next_address_is_tried(
    server: Hostile, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    server.routes["/"] = answer()
    assert (await fetcher.get(server.url.replace("127.0.0.1", "two.example") + "/")).status == 200


async def test_no_proxy_of_the_environment_is_used(
    server: Hostile, fetcher: Fetcher, network: CountingNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.9:9/")
    server.routes["/"] = answer()
    await fetcher.get(f"{server.url}/")
    assert network.connected == ["127.0.0.1"]


class TlsNetwork(httpcore2.AsyncNetworkBackend, httpcore2.AsyncNetworkStream):
    """A network whose handshakes fail; it keeps what it was asked for."""

    def __init__(self, error: Exception) -> None:
        self.host = self.server_hostname = ""
        self._error = error

    async def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        self.host = host
        return self

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Any = None
    ) -> Any:
        assert ssl_context.check_hostname
        assert ssl_context.verify_mode is ssl.CERT_REQUIRED
        self.server_hostname = server_hostname or ""
        raise httpcore2.ConnectError(self._error) from self._error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), fetch.UntrustedCertificate),
        (ssl.SSLError(1, "handshake failure"), fetch.Unreachable),
    ],
)
async def test_tls_is_verified_against_the_name(
    error: Exception, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.215.14", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    network = TlsNetwork(error)
    fetcher = Fetcher(Fetch(), network)
    await failure(fetcher, "https://secure.example/", kind)
    await fetcher.aclose()
    assert (network.host, network.server_hostname) == ("93.184.215.14", "secure.example")


# Size


async def test_a_bomb_is_not_unpacked(
    server: Hostile, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: list[int] = []
    plain = zlib.decompressobj

    class Counted:
        def __init__(self, wbits: int) -> None:
            self._inner = plain(wbits=wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            rooms.append(most)
            return self._inner.decompress(data, most)

        eof = property(lambda self: self._inner.eof)

    monkeypatch.setattr(zlib, "decompressobj", Counted)
    assert len(BOMB) < 100_000
    server.routes["/"] = answer(body=BOMB, Content_Encoding="gzip")
    error = await failure(fetcher, f"{server.url}/", fetch.TooLarge)
    assert isinstance(error, Permanent)
    assert 0 < max(rooms) <= 100_001  # bytes that zlib may give at once


async def test_a_bomb_in_a_bomb(server: Hostile, fetcher: Fetcher) -> None:
    server.routes["/"] = answer(body=gzip.compress(BOMB), Content_Encoding="gzip, gzip")
    await failure(fetcher, f"{server.url}/", fetch.TooLarge)


async def test_a_stated_length_is_believed_at_once(server: Hostile, fetcher: Fetcher) -> None:
    server.routes["/"] = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100001\r\n\r\n"
    )
    await failure(fetcher, f"{server.url}/", fetch.TooLarge)


@pytest.mark.parametrize("head", [b"", b"Content-Encoding: gzip\r\n"])
async def test_an_endless_body_is_cut(server: Hostile, fetcher: Fetcher, head: bytes) -> None:
    # Packed, it is a finished member with rubbish behind it, which unpacks to nothing: only the
    # wire can tell.
    async def endless(writer: Writer) -> None:
        await server.write(
            writer,
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + head + b"\r\n" + EMPTY_MEMBERS,
        )
        while True:
            await server.write(writer, b"0" * 65_536)

    server.routes["/"] = endless
    await failure(fetcher, f"{server.url}/", fetch.TooLarge)
    assert server.sent < 20_000_000  # what the buffers of two sockets take


# Time


@pytest.fixture
async def hasty() -> AsyncIterator[Fetcher]:
    one = Fetcher(Fetch(allow_loopback=True, timeout_seconds=0.4))
    yield one
    await one.aclose()


async def test_a_trickle_hits_the_time_for_all(server: Hostile, hasty: Fetcher) -> None:
    async def trickle(writer: Writer) -> None:
        await server.write(writer, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            await server.write(writer, b".")
            await asyncio.sleep(0.05)

    server.routes["/"] = trickle
    await slow(hasty, f"{server.url}/")


async def test_silence_hits_the_time_for_all(server: Hostile, hasty: Fetcher) -> None:
    server.routes["/"] = lambda _: asyncio.sleep(60)
    await slow(hasty, f"{server.url}/")


async def test_slow_redirects_hit_the_time_for_all(server: Hostile, hasty: Fetcher) -> None:
    def late(to: str) -> Callable[[Writer], Awaitable[None]]:
        async def route(writer: Writer) -> None:
            await asyncio.sleep(0.15)
            await server.write(writer, redirect(to))

        return route

    server.routes |= {f"/{n}": late(f"/{n + 1}") for n in range(6)}
    await slow(hasty, f"{server.url}/0")


async def slow(fetcher: Fetcher, url: str) -> None:
    began = time.monotonic()
    error = await failure(fetcher, url, fetch.TimedOut)
    assert isinstance(error, Transient)
    assert time.monotonic() - began < 2


# Statuses and types


@pytest.mark.parametrize(
    "status",
    [
        "400 Bad",
        "401 No",
        "403 Forbidden",
        "404 Not Found",
        "410 Gone",
        "204 No Content",
        "300 Choices",
    ],
)
async def test_refusals_are_permanent(server: Hostile, fetcher: Fetcher, status: str) -> None:
    server.routes["/"] = answer(status, b"")
    error = await failure(fetcher, f"{server.url}/", fetch.BadStatus)
    assert status in str(error)


@pytest.mark.parametrize(
    "status", ["408 Timeout", "425 Early", "429 Slow down", "500 Oops", "502 Bad", "503 Busy"]
)
async def test_trouble_is_transient(server: Hostile, fetcher: Fetcher, status: str) -> None:
    server.routes["/"] = answer(status, Retry_After="7")
    error = await failure(fetcher, f"{server.url}/", fetch.Unavailable)
    assert isinstance(error, Transient)
    assert error.retry_after == 7


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        ("999999999999999999999", 3_600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3_600),
        ("soon", None),
    ],
)
def test_a_server_is_asked_again_within_the_hour(value: str | None, seconds: float | None) -> None:
    assert fetch.waiting({"Retry-After": value} if value else {}) == seconds


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "application/xhtml+xml",
        "text/xml",
        "application/rss+xml;x=y",
        "application/atom+xml",
        "text/plain",
    ],
)
async def test_types_that_are_read(server: Hostile, fetcher: Fetcher, kind: str) -> None:
    server.routes["/"] = answer(kind=kind)
    assert (await fetcher.get(f"{server.url}/")).content_type == kind.partition(";")[0]


@pytest.mark.parametrize(
    "kind", ["image/png", "application/json", "image/svg+xml", "application/octet-stream", None, ""]
)
async def test_types_that_are_not(server: Hostile, fetcher: Fetcher, kind: str | None) -> None:
    server.routes["/"] = answer(kind=kind)
    error = await failure(fetcher, f"{server.url}/", fetch.WrongContentType)
    assert isinstance(error, Permanent)


async def test_an_unknown_packing_is_refused(server: Hostile, fetcher: Fetcher) -> None:
    server.routes["/"] = answer(Content_Encoding="br")
    await failure(fetcher, f"{server.url}/", fetch.WrongContentType)


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br"])
async def test_codings_that_were_not_asked_for_are_refused(
    server: Hostile, fetcher: Fetcher, coding: str
) -> None:
    server.routes["/"] = answer(Content_Encoding=coding)
    await failure(fetcher, f"{server.url}/", fetch.WrongContentType)


# What headers say and what is there


@pytest.mark.parametrize("name", ["07-feed.http", "08-content-encoding.http"])
async def test_cases_of_real_feeds(server: Hostile, fetcher: Fetcher, name: str) -> None:
    server.routes["/"] = (CASES / name).read_bytes()
    got = await fetcher.get_if_changed(f"{server.url}/", None, types=ANY_TYPE)
    assert got is not None
    assert feeds.looks_like_feed(got)
    assert [e.url for e in feeds.parse(got.body, got.final_url, got.charset)] == [
        "https://blog.example/1"
    ]


async def test_the_case_of_a_body_cut_off_in_transit(server: Hostile, fetcher: Fetcher) -> None:
    server.routes["/"] = (CASES / "09-gzip-cut.http").read_bytes()
    error = await failure(fetcher, f"{server.url}/", fetch.CutOff)
    assert isinstance(error, Transient)


@pytest.mark.parametrize(
    "coding",
    [
        "utf-8",
        "none",
        "None",
        "identity",
        "",
        "8bit",
        "text/html",
        "iso-8859-1",
        "UTF-8, identity",
        "gzip",
    ],
)
async def test_what_is_no_coding_leaves_the_body_as_it_is(
    server: Hostile, fetcher: Fetcher, coding: str
) -> None:
    server.routes["/"] = answer(Content_Encoding=coding)
    assert (await fetcher.get(f"{server.url}/")).body == PAGE


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (packed(PAGE), "x-gzip"),
        (packed(PAGE), "GZIP"),
        (packed(PAGE), '"gzip"'),
        (packed(PAGE), "gzip, gzip"),
        (packed(PAGE), "gzip, utf-8"),
        (packed(PAGE), "none"),  # packed without a word of it
        (packed(packed(PAGE)), "gzip"),
        (packed(packed(PAGE)), "gzip, x-gzip"),
        (packed(zlib.compress(PAGE)), "deflate, gzip"),
        (zlib.compress(PAGE), "deflate"),
        (zlib.compress(PAGE)[2:-4], "deflate"),  # without the container, as some servers send it
        (packed(PAGE[:9]) + packed(PAGE[9:]), "gzip"),
    ],
)
async def test_each_way_of_packing_is_undone(
    server: Hostile, fetcher: Fetcher, body: bytes, coding: str
) -> None:
    server.routes["/"] = answer(body=body, Content_Encoding=coding)
    assert (await fetcher.get(f"{server.url}/")).body == PAGE


async def test_a_header_given_twice_is_one_list(server: Hostile, fetcher: Fetcher) -> None:
    head = b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Type: text/html\r\n"
    body = packed(PAGE)
    server.routes["/"] = (
        b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    assert (await fetcher.get(f"{server.url}/")).body == PAGE


@pytest.mark.parametrize("pack", [packed, zlib.compress, lambda body: packed(packed(body))])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("framing", ["length", "close", "chunked"])
async def test_a_packed_body_that_is_cut_off_is_tried_again(
    server: Hostile, fetcher: Fetcher, pack: Callable[[bytes], bytes], share: float, framing: str
) -> None:
    body = pack(b"<html>" + bytes(str([n * n for n in range(900)]), "ascii"))
    body = body[: int(len(body) * share)]
    coding = "deflate" if pack is zlib.compress else "gzip"
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: x\r\nContent-Encoding: {coding}\r\n"
    )
    framed = {
        "length": f"Content-Length: {len(body)}\r\n",
        "close": "",
        "chunked": "Transfer-Encoding: chunked\r\n",
    }
    if framing == "chunked":
        body = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    server.routes["/"] = (head + framed[framing] + "\r\n").encode() + body
    await failure(fetcher, f"{server.url}/", fetch.CutOff)


@pytest.mark.parametrize("head", [b"", b"Content-Encoding: gzip\r\n"])
@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 100\r\n\r\n<html>",
        b"Transfer-Encoding: chunked\r\n\r\n6\r\n<html>\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n60\r\n<html>",
    ],
)
async def test_a_body_shorter_than_it_says_is_tried_again(
    server: Hostile, fetcher: Fetcher, head: bytes, body: bytes
) -> None:
    server.routes["/"] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + head + body
    error = await failure(fetcher, f"{server.url}/", fetch.GarbledAnswer)
    assert isinstance(error, Transient)


@pytest.mark.parametrize(
    ("header", "kind", "charset"),
    [
        ("", "", None),
        ("text/html", "text/html", None),
        ('Text/HTML ; Charset="UTF-8" ', "text/html", "UTF-8"),
        ("text/html;charset='utf-8'", "text/html", "utf-8"),
        ("text/html; charset = utf-8", "text/html", "utf-8"),
        ("text/html; charset=utf8mb4", "text/html", None),
        ("text/html; charset=none; charset=gbk", "text/html", "gbk"),
        ('text/html; charset="utf-8" ; charset=utf8mb4', "text/html", "utf-8"),
        ("text/html; charset=utf-8;", "text/html", "utf-8"),
        ("text/html; charset=utf-8; charset=iso-8859-1", "text/html", "utf-8"),
        ("text/html, text/html; charset=utf-8", "text/html", "utf-8"),
        ("application/octet-stream, application/rss+xml", "application/rss+xml", None),
        (", text/xml", "text/xml", None),
        ("image/png, image/gif", "image/png", None),
        ('"text/html"', "text/html", None),
        ("text/html charset=utf-8", "text/html charset=utf-8", "utf-8"),
        ("utf-8", "utf-8", None),
    ],
)
def test_what_a_content_type_says(header: str, kind: str, charset: str | None) -> None:
    assert fetch.media_type(header) == (kind, charset)


@pytest.mark.parametrize(
    "kind",
    [
        *(
            "binary/octet-stream",
            "application/octet-stream",
            "text/rss+xml",
            "text/atom",
            "application/json",
            None,
            "",
        ),
        *(
            "application/xml, application/rss+xml",
            "text/html; charset=none",
            "rss",
            "unknown",
            "image/png",
        ),
    ],
)
async def test_any_type_is_read_when_it_is_asked_for(
    server: Hostile, fetcher: Fetcher, kind: str | None
) -> None:
    feed = (CASES / "07-feed.http").read_bytes().partition(b"\r\n\r\n")[2]
    server.routes["/"] = answer(body=feed, kind=kind)
    got = await fetcher.get(f"{server.url}/", types=ANY_TYPE)
    assert feeds.looks_like_feed(got)


@pytest.mark.parametrize("kind", ["application/octet-stream", None, "", "unknown/unknown", "*/*"])
async def test_a_page_of_no_stated_type_is_known_by_its_content(
    server: Hostile, fetcher: Fetcher, kind: str | None
) -> None:
    server.routes |= {"/": answer(kind=kind), "/rubbish": answer(kind=kind, body=b"\x89PNG")}
    require_page(await fetcher.get(f"{server.url}/", types=UNSTATED))
    rubbish = await fetcher.get(f"{server.url}/rubbish", types=UNSTATED)
    with pytest.raises(fetch.WrongContentType, match="neither a page nor a feed"):
        require_page(rubbish)


@pytest.mark.parametrize("kind", ["image/png", "application/json", "video/mp4"])
async def test_a_page_of_a_stated_type_that_is_not_read_is_refused(
    server: Hostile, fetcher: Fetcher, kind: str
) -> None:
    server.routes["/"] = answer(kind=kind)
    with pytest.raises(fetch.WrongContentType):
        await fetcher.get(f"{server.url}/", types=UNSTATED)
    with pytest.raises(fetch.WrongContentType):
        require_page(await fetcher.get(f"{server.url}/", types=ANY_TYPE))


async def test_a_sitemap_may_unpack_to_more_than_a_page(server: Hostile, fetcher: Fetcher) -> None:
    server.routes["/"] = answer(body=packed(b"a" * 200_000), kind="application/gzip")
    assert (
        len((await fetcher.get(f"{server.url}/", types=ANY_TYPE, max_unpacked=200_000)).body)
        == 200_000
    )
    with pytest.raises(fetch.TooLarge, match="200,000"):
        server.routes["/"] = answer(body=packed(b"a" * 200_001), kind="application/gzip")
        await fetcher.get(f"{server.url}/", types=ANY_TYPE, max_unpacked=200_000)


# Broken connections


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n",
        answer(body=b"not gzip", Content_Encoding="gzip"),
    ],
)
async def test_broken_http_is_transient(server: Hostile, fetcher: Fetcher, raw: bytes) -> None:
    server.routes["/"] = raw
    error = await failure(fetcher, f"{server.url}/", Transient)
    assert isinstance(error, fetch.GarbledAnswer | fetch.Unreachable)


async def test_a_closed_port_is_transient(server: Hostile, fetcher: Fetcher) -> None:
    spare = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = spare.sockets[0].getsockname()[1]
    spare.close()
    await spare.wait_closed()
    error = await failure(fetcher, f"http://127.0.0.1:{port}/", fetch.Unreachable)
    assert isinstance(error, Transient)


async def test_a_name_without_an_answer_is_transient(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(*_: Any, **__: Any) -> Any:
        raise guard.UnresolvedName("gone.example has no address")

    monkeypatch.setattr(guard, "resolve", resolve)
    error = await failure(fetcher, "http://gone.example/", fetch.UnresolvedName)
    assert isinstance(error, Transient)


async def test_cookies_are_not_kept(server: Hostile, fetcher: Fetcher) -> None:
    server.routes["/"] = answer(Set_Cookie="who=me")
    for _ in range(2):
        await fetcher.get(f"{server.url}/")
    assert "cookie" not in server.headers[1]


def test_importing_loads_nothing_heavy() -> None:
    heavy = {
        "httpx2",
        "httpcore2",
        "feedparser",
        "trafilatura",
        "lxml",
        "webencodings",
        "charset_normalizer",
    }
    code = (
        "import sys; from contentstudio.research import extract, feeds; "
        "from contentstudio.web import fetch, guard; "
        f"sys.exit(' '.join({heavy} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")
