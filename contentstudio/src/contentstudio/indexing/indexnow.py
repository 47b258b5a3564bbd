"""IndexNow: one POST that says which URL is new or changed. Accepted is all that an answer can mean, never indexed."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from contentstudio.config import Site
from contentstudio.model import Model
from overnight.errors import Permanent, Transient

TIMEOUT_SECONDS = 15.0
WAIT_AFTER_429 = 600.0  # seconds: IndexNow's documentation asks for patience when it says "too often"

REFUSALS = {
    400: "the format was not understood",
    403: "the key was not found at its address",
    422: "the URL does not belong to the host, or the key does not fit",
}


class Pinged(Model):
    """What became of the ping: `accepted` is the endpoint's word, `none` means that no endpoint is configured."""

    url: str
    state: Literal["accepted", "unchanged", "none"]


async def ping(site: Site, url: str) -> Pinged:
    """Tell the site's endpoint of a URL. Raises `Transient` where a later try may work, else `Permanent`."""
    import httpx2

    endpoint = site.ping.endpoint
    if endpoint is None:
        return Pinged(url=url, state="none")
    key = site.ping.key or ""
    body = {
        "host": urlsplit(site.url).hostname,
        "key": key,
        "keyLocation": f"{site.url}/{key}.txt",
        "urlList": [url],
    }
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            response = await client.post(endpoint, json=body)
    except httpx2.TransportError as error:
        raise Transient(f"{endpoint} did not answer: {error or type(error).__name__}") from error
    if response.status_code == 429:
        raise Transient(f"{endpoint} says: too often", retry_after=WAIT_AFTER_429)
    if response.status_code >= 500:
        raise Transient(f"{endpoint} answered {response.status_code}")
    if response.status_code not in (200, 202):
        why = REFUSALS.get(response.status_code, "it was refused")
        raise Permanent(f"{endpoint} answered {response.status_code}: {why}")
    return Pinged(url=url, state="accepted")
