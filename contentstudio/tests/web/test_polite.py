"""robots.txt is obeyed, and a host is asked one thing at a time, by however many workers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpcore2
import pytest

from contentstudio.config import Fetch
from contentstudio.store.pages import Pages
from contentstudio.web import polite
from contentstudio.web.fetch import BlockedAddress, TooLarge, Unavailable
from contentstudio.web.polite import Disallowed, HostBusy, PoliteFetcher
from overnight.errors import Permanent, Transient
from overnight.store.database import Database
from overnight.testing import Clock

PAGE = b"<html><body><p>Hello.</p></body></html>"
Make = Callable[..., PoliteFetcher]


class Recorder(httpcore2.AsyncNetworkBackend):
    """Opens real sockets, and remembers for which addresses."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, *rest: Any, **more: Any
    ) -> httpcore2.AsyncNetworkStream:
        self.connected.append(host)
        return await self._inner.connect_tcp(host, port, *rest, **more)


@pytest.fixture
def network() -> Recorder:
    return Recorder()


@pytest.fixture
async def make(database: Database, network: Recorder) -> AsyncIterator[Make]:
    """Makes fetchers, each as another worker would have it."""
    async with AsyncExitStack() as stack:

        def make(**limits: Any) -> PoliteFetcher:
            settings = Fetch(
                **{"allow_loopback": True, "timeout_seconds": 5, "pause_seconds": 0, **limits}
            )
            fetcher = PoliteFetcher(settings, Pages(database), network)
            stack.push_async_callback(fetcher.aclose)
            return fetcher

        yield make


@pytest.fixture
def shop(small_web: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The small web under a name that is not this machine's, as a host elsewhere."""

    async def getaddrinfo(self: Any, host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", ("127.0.0.1" if host.endswith(".example") else host, port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return f"http://shop.example:{small_web.port}"


def robots(*lines: str) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "text/plain"}, "\n".join(lines).encode()


# robots.txt


async def test_what_robots_txt_asks_not_to_read_is_not_asked_for(
    small_web: Any, make: Make
) -> None:
    small_web.answers |= {
        "/robots.txt": robots("User-agent: contentstudio", "Disallow: /a"),
        "/a": PAGE,
        "/b": PAGE,
    }
    fetcher = make()
    assert (await fetcher.get(small_web.url + "/b")).status == 200
    with pytest.raises(
        Disallowed,
        match=r"/a\?x is not read: the robots.txt of 127.0.0.1 asks contentstudio not to",
    ):
        await fetcher.get(small_web.url + "/a?x")
    assert issubclass(Disallowed, Permanent)
    assert small_web.asked == ["/robots.txt", "/b"]


async def test_the_target_of_a_redirect_is_asked_for_by_the_same_rules(
    small_web: Any, make: Make
) -> None:
    small_web.answers |= {
        "/robots.txt": robots("User-agent: *", "Disallow: /private"),
        "/open": (302, {"Location": "/private/page"}, b""),
        "/private/page": PAGE,
    }
    with pytest.raises(Disallowed):
        await make().get(small_web.url + "/open")
    assert small_web.asked == ["/robots.txt", "/open"]


async def test_robots_txt_is_read_once_a_day_by_all_workers(
    small_web: Any, make: Make, clock: Clock
) -> None:
    small_web.answers |= {"/robots.txt": robots("User-agent: *", "Allow: /"), "/a": PAGE}
    one, other = make(), make()
    await asyncio.gather(*(one.get(small_web.url + "/a") for _ in range(5)))
    await other.get(small_web.url + "/a")
    await clock.move(23 * 3_600)
    await other.get(small_web.url + "/a")
    assert small_web.asked.count("/robots.txt") == 1
    await clock.move(3_601)
    await one.get(small_web.url + "/a")
    assert small_web.asked.count("/robots.txt") == 2


@pytest.mark.parametrize(
    "answer", [(404, {}, b""), (403, {}, b""), (302, {"Location": "/robots.txt"}, b"")]
)
async def test_without_a_robots_txt_everything_is_allowed(
    small_web: Any, make: Make, answer: Any
) -> None:
    small_web.answers |= {"/robots.txt": answer, "/a": PAGE}
    assert (await make().get(small_web.url + "/a")).status == 200


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_server_in_trouble_is_waited_for(small_web: Any, make: Make, status: int) -> None:
    small_web.answers |= {"/robots.txt": (status, {"Retry-After": "7"}, b""), "/a": PAGE}
    fetcher = make()
    with pytest.raises(Unavailable, match=r"robots\.txt") as caught:
        await fetcher.get(small_web.url + "/a")
    assert isinstance(caught.value, Transient)
    assert caught.value.retry_after == 7
    small_web.answers["/robots.txt"] = robots()
    await fetcher.get(small_web.url + "/a")
    assert small_web.asked == ["/robots.txt", "/robots.txt", "/a"]


async def test_robots_txt_goes_through_the_same_guard(
    small_web: Any, make: Make, network: Recorder
) -> None:
    small_web.answers |= {
        "/robots.txt": (302, {"Location": "http://169.254.169.254/"}, b""),
        "/a": PAGE,
    }
    with pytest.raises(BlockedAddress):
        await make().get(small_web.url + "/a")
    small_web.answers["/robots.txt"] = (200, {"Content-Type": "text/plain"}, b"#" * 20_000)
    with pytest.raises(TooLarge):
        await make(max_bytes=10_000).get(small_web.url + "/a")
    assert set(network.connected) == {"127.0.0.1"}
    assert "/a" not in small_web.asked


async def test_a_robots_txt_that_is_a_page_has_no_rules(small_web: Any, make: Make) -> None:
    small_web.answers |= {
        "/robots.txt": (200, {"Content-Type": "image/png"}, b"\0<html>Disallow: /"),
        "/a": PAGE,
    }
    assert (await make().get(small_web.url + "/a")).status == 200


# One at a time


async def test_a_host_is_asked_one_thing_at_a_time_by_all_workers(
    shop: str, small_web: Any, make: Make
) -> None:
    under_way = threading.Semaphore(1)
    overlaps: list[bool] = []

    def page(_: dict[str, str]) -> Any:
        overlaps.append(not under_way.acquire(timeout=0))
        threading.Event().wait(
            0.02
        )  # long enough for another request to come in between, if one could
        under_way.release()
        return 200, {"Content-Type": "text/html"}, PAGE

    small_web.answers |= {f"/{n}": page for n in range(6)}
    workers = [make(), make(), make()]
    await asyncio.gather(*(workers[n % 3].get(f"{shop}/{n}") for n in range(6)))
    assert overlaps == [False] * 6
    assert small_web.most == 1


async def test_a_host_rests_for_the_pause_or_its_longer_crawl_delay(
    shop: str, small_web: Any, make: Make, database: Database, clock: Clock
) -> None:
    small_web.answers |= {"/robots.txt": robots("User-agent: *", "Crawl-delay: 40"), "/a": PAGE}
    left = (
        "select extract(epoch from free_at - ledger_now())::float8 as seconds from hosts "
        "where host = 'shop.example'"
    )
    for pause, most in ((0, 40), (50, 50)):
        await clock.move(100)
        await make(pause_seconds=pause).get(f"{shop}/a")
        row = await database.one(left)
        assert row is not None
        assert most - 30 < row["seconds"] <= most


async def test_who_waits_too_long_is_put_off(
    shop: str,
    small_web: Any,
    make: Make,
    database: Database,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_web.answers["/a"] = PAGE
    await Pages(database).lease_host("shop.example", "another worker", 5)
    monkeypatch.setattr(polite, "PATIENCE", 0.05)
    with pytest.raises(HostBusy) as caught:
        await make().get(f"{shop}/a")
    assert caught.value.retry_after == 0.05
    assert small_web.asked == []
    await clock.move(6)  # the other worker died with the turn in its hands
    monkeypatch.setattr(polite, "PATIENCE", 30)
    await make().get(f"{shop}/a")
    assert small_web.asked == ["/robots.txt", "/a"]


async def test_a_turn_that_ran_out_is_not_given_back_in_anothers_name(
    database: Database, clock: Clock
) -> None:
    records = Pages(database)
    assert await records.lease_host("a.example", "slow", 5) is None
    assert 0 < (await records.lease_host("a.example", "next", 5) or 0) <= 5
    await clock.move(6)
    assert await records.lease_host("a.example", "next", 5) is None
    await records.release_host("a.example", "slow", 0)
    assert await records.lease_host("a.example", "third", 5) is not None
    await records.release_host("a.example", "next", 0)
    assert await records.lease_host("a.example", "third", 5) is None


async def test_a_failed_request_gives_its_turn_back(
    shop: str, small_web: Any, make: Make, database: Database
) -> None:
    fetcher = make()
    for _ in range(3):
        with pytest.raises(Permanent, match="404"):
            await fetcher.get(f"{shop}/none")
    assert (
        await database.fetch("select from hosts where free_at > ledger_now() + interval '1 second'")
        == []
    )


async def test_in_trials_loopback_takes_no_turns(
    small_web: Any, make: Make, database: Database
) -> None:
    small_web.answers["/a"] = PAGE
    await make(pause_seconds=60).get(small_web.url + "/a")
    assert await database.fetch("select from hosts") == []
