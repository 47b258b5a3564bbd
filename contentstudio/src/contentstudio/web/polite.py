"""Politeness: what robots.txt asks of us is kept, and a host is asked one thing at a time, whoever
asks.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from contentstudio.config import Fetch
from contentstudio.web import guard, robots
from contentstudio.web.fetch import ANY_TYPE, BadStatus, Fetcher, TooManyRedirects, Wanted
from contentstudio.web.robots import Robots
from overnight.errors import Permanent, Transient

if TYPE_CHECKING:
    import httpcore2
    import httpx2

# seconds to wait for the lease of a host; then the work is put off, so that no worker only waits
PATIENCE = 30.0
_LOOK = 1.0  # seconds between two looks at a host that another worker asks


class Disallowed(Permanent):
    """The site's robots.txt asks not to read the page."""


class HostBusy(Transient):
    """Too many wait for the host already: to be put off by `retry_after`, which is no failure."""


class Hosts(Protocol):
    """What all workers share of a host: its robots.txt for a day, and the lease to ask it."""

    async def robots(self, origin: str) -> str | None:
        """The robots.txt of an origin; None where it is to be read."""
        ...

    async def keep_robots(self, origin: str, rules: str) -> None: ...

    async def lease_host(self, host: str, holder: str, seconds: float) -> float | None:
        """Take the lease of a host for at most so many seconds: None. Else seconds to wait."""
        ...

    async def release_host(self, host: str, holder: str, pause: float) -> None:
        """Release the lease; the next one begins `pause` seconds later."""
        ...


class PoliteFetcher(Fetcher):
    """A fetcher that asks for permission before each request, that of a redirect too. It raises
    Disallowed and HostBusy.

    In trials, loopback is asked without pauses.
    """

    def __init__(
        self, limits: Fetch, hosts: Hosts, network: httpcore2.AsyncNetworkBackend | None = None
    ) -> None:
        super().__init__(limits, network)
        self._hosts = hosts
        self._product = robots.product_token(limits.user_agent)
        self._learning: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._queues: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def _permission(self, url: httpx2.URL) -> AsyncIterator[None]:
        rules = await self._rules(url)
        if not rules.allows(url.raw_path.decode("ascii")):
            raise Disallowed(
                f"{url} is not read: the robots.txt of {url.host} asks {self._product} not to."
            )
        async with self._lease(url, rules.delay):
            yield

    async def _rules(self, url: httpx2.URL) -> Robots:
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        async with self._learning[origin]:
            text = await self._hosts.robots(origin)
            if text is None:
                text = await self._ask_robots(f"{origin}/robots.txt")
                await self._hosts.keep_robots(origin, text)
        return robots.parse(text, self._product)

    async def _ask_robots(self, url: str) -> str:
        """The file's text. One that the server says it has not allows everything; a server in
        trouble is waited for.
        """
        try:
            fetched = await self._follow(
                url, Wanted(ANY_TYPE, self._limits.max_bytes), None, self._lease
            )  # what holds no rule allows everything
        except (BadStatus, TooManyRedirects):
            return ""
        assert fetched is not None
        return fetched.text[: robots.MAX_LENGTH].replace("\0", "")

    @asynccontextmanager
    async def _lease(self, url: httpx2.URL, delay: float = 0.0) -> AsyncIterator[None]:
        """The lease of a host; the next one begins `pause_seconds` after it, or `delay` where the
        host wants more.
        """
        host, holder = url.host, secrets.token_hex(8)
        if self._limits.allow_loopback and guard.is_loopback(host):
            yield
            return
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(PATIENCE):
                    await stack.enter_async_context(self._queues[host])
                    await self._take(host, holder)
            except TimeoutError:
                raise HostBusy(
                    f"{host} is asked one thing at a time; {url} waits.", retry_after=PATIENCE
                ) from None
            try:
                yield
            finally:
                await self._hosts.release_host(host, holder, max(self._limits.pause_seconds, delay))

    async def _take(self, host: str, holder: str) -> None:
        longest = self._limits.timeout_seconds + self._limits.pause_seconds
        while (wait := await self._hosts.lease_host(host, holder, longest)) is not None:  # noqa: ASYNC110  another machine's
            await asyncio.sleep(min(wait, _LOOK))
