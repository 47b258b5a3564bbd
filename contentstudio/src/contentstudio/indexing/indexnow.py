"""IndexNow: one POST that tells of new and changed URLs. Accepted is all that an answer can mean,
never indexed.

The key is looked for at its address before the first ping. No URL is told of twice within ten
minutes by any worker: the ledger knows when each was. A ping tells of all pages of its site that
wait to be told of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from contentstudio.config import Site
from contentstudio.model import Model
from contentstudio.store.index_status import Batch, IndexStatus
from contentstudio.web.fetch import ANY_TYPE, Fetcher, waiting
from overnight.errors import Permanent, Transient

if TYPE_CHECKING:
    import httpx2

TIMEOUT_SECONDS = 15.0
MOST_URLS = 10_000  # in one ping: the protocol's own limit

REFUSALS = {
    400: "the format was not understood: check that the endpoint is one of IndexNow's",
    403: "the key was not found at its address, or is another one: `contentstudio site check` "
    "tells",
    422: "the URLs do not belong to the host, or the key does not fit: check the site's url "
    "and its ping",
}


class Pinged(Model):
    """What became of the ping: `none` means that no endpoint is configured.

    `submitted` is an answer of 202, after which the endpoint looks at the key; `accepted` is one of
    200. `urls` is how many pages the ping told of; 0 where one for another page told of this one
    too.
    """

    url: str
    state: Literal["submitted", "accepted", "unchanged", "none"]
    urls: int = 0


class WrongKey(Permanent):
    """The key of IndexNow does not stand at its address."""


class Taken(Transient):
    """Another worker tells of this page."""


async def check_key(index: IndexStatus, fetcher: Fetcher, site: Site) -> None:
    """See that the key stands at its address, once for each key. Raises `WrongKey`, or what the
    fetcher raises.
    """
    key = site.ping.key or ""
    if not await index.has_key(site.name, key, key_url(site)):
        await find_key(fetcher, site)
        await index.keep_key(site.name, key, key_url(site))


async def find_key(fetcher: Fetcher, site: Site) -> None:
    """Read the key's file and compare. Raises `WrongKey`, or what the fetcher raises where it
    cannot be asked now.
    """
    try:
        content = (await fetcher.get(key_url(site), types=ANY_TYPE)).text.strip()
    except Permanent as error:
        raise WrongKey(
            f"the key of IndexNow cannot be read: {error} Put a file with the key alone there."
        ) from None
    if content != site.ping.key:
        raise WrongKey(
            f"{key_url(site)} does not hold the key of IndexNow: put a file with the key "
            "alone there"
        )


def key_url(site: Site) -> str:
    """Where the key's file is."""
    return site.ping.key_url or f"{site.url}/{site.ping.key}.txt"


async def ping(index: IndexStatus, site: Site, url: str) -> Pinged:
    """Tell the site's endpoint of a page, and of all others that wait. The key was looked at
    before.

    Raises `Transient` where a later try may work, else `Permanent`.
    """
    origin = "{0.scheme}://{0.netloc}/".format(urlsplit(url))
    batch = await index.take(site.name, url, origin, site.ping.apart_seconds, MOST_URLS)
    if batch is None or url not in batch.urls:
        if batch is not None:
            await index.give_back(site.name, batch)
        raise Taken(retry_after=1.0)
    answer = await _post(index, site, batch)
    if answer.status_code in (200, 202):
        accepted = answer.status_code == 200
        await index.arrived(site.name, batch, accepted=accepted)
        return Pinged(url=url, state="accepted" if accepted else "submitted", urls=len(batch.urls))
    if answer.status_code != 429:  # that one keeps the pages: they are told of too often
        await index.give_back(site.name, batch)
    if answer.status_code == 403:
        await index.forget_key(site.name)
    raise _failure(site, answer)


async def _post(index: IndexStatus, site: Site, batch: Batch) -> httpx2.Response:
    """The answer. Without one nobody knows whether the ping arrived, so its pages wait; one never
    sent is undone.
    """
    import httpx2

    endpoint = site.ping.endpoint
    assert endpoint is not None
    host = urlsplit(batch.urls[0]).hostname
    body = {
        "host": host,
        "key": site.ping.key,
        "keyLocation": key_url(site),
        "urlList": list(batch.urls),
    }
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            return await client.post(endpoint, json=body)
    except httpx2.TransportError as error:
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            await index.give_back(site.name, batch)
        raise Transient(f"{endpoint} did not answer: {error or type(error).__name__}") from error


def _failure(site: Site, answer: httpx2.Response) -> Transient | Permanent:
    endpoint, status = site.ping.endpoint, answer.status_code
    wait = waiting(answer.headers)
    if status == 429:
        return Transient(
            f"{endpoint} says: too often", retry_after=max(wait or 0.0, site.ping.apart_seconds)
        )
    if status >= 500:
        return Transient(f"{endpoint} answered {status}", retry_after=wait)
    return Permanent(f"{endpoint} answered {status}: {REFUSALS.get(status, 'it was refused')}")
