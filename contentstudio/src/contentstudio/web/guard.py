"""The SSRF guard: which URLs and which addresses may be read at all.

Every URL comes from a feed, a page or a person, so it may point at this machine or its neighbours.
An address passes only when it is public, also after the IPv4 address hidden in it is taken out.
`resolve` gives the checked addresses; the transport connects to exactly those, so a second DNS
answer cannot differ from the one that was checked.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from overnight.errors import Permanent, Transient

if TYPE_CHECKING:
    import httpx2

Address = IPv4Address | IPv6Address

_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
# IANA's registries of special-purpose addresses and what is reserved beside them, as of 2026; None
# where they say “globally reachable”. Not Python's `is_global`, which differs between its versions.
# The longest prefix decides. https://www.iana.org/assignments/iana-ipv4-special-registry and
# iana-ipv6-special-registry
_SPECIAL: dict[str, str | None] = {
    "0.0.0.0/0": None,
    "0.0.0.0/8": "a private address (this network)",
    "0.0.0.0/32": "the unspecified address",
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "a carrier's internal address",
    "100.100.100.200/32": "the metadata service of a cloud",
    "127.0.0.0/8": "a loopback address",
    "168.63.129.16/32": "the metadata service of a cloud",
    "169.254.0.0/16": "a link-local address",
    "169.254.169.254/32": "the metadata service of a cloud",
    "172.16.0.0/12": "a private address",
    "192.0.0.0/24": "a private address (for protocols of the IETF)",
    "192.0.0.9/32": None,  # Port Control Protocol, anycast
    "192.0.0.10/32": None,  # TURN, anycast
    "192.0.0.192/32": "the metadata service of a cloud",
    "192.0.2.0/24": "a private address (for documentation)",
    "192.88.99.0/24": "a 6to4 relay",
    "192.168.0.0/16": "a private address",
    "198.18.0.0/15": "a private address (for benchmarks)",
    "198.51.100.0/24": "a private address (for documentation)",
    "203.0.113.0/24": "a private address (for documentation)",
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": "a private address (reserved)",
    "255.255.255.255/32": "a private address (broadcast)",
    # site-local fec0::/10 and segment routing 5f00::/16 among it
    "::/0": "outside the public range",
    "::/128": "the unspecified address",
    "::1/128": "a loopback address",
    "64:ff9b::/96": None,  # NAT64: what is inside decides
    "64:ff9b:1::/48": "a private address (NAT64 of one network)",
    "::ffff:0:0/96": None,  # IPv4 in another form: what is inside decides
    "100::/64": "a private address (discarded)",
    "100:0:0:1::/64": "a private address (dummy)",
    "2000::/3": None,  # all that has been given out
    "2001::/23": "a private address (for protocols of the IETF)",
    "2001::/32": "a Teredo tunnel",
    "2001:1::1/128": None,  # Port Control Protocol, anycast
    "2001:1::2/128": None,  # TURN, anycast
    "2001:1::3/128": None,  # DNS-SD registration, anycast
    "2001:3::/32": None,  # AMT
    "2001:4:112::/48": None,  # AS112
    "2001:20::/28": None,  # ORCHIDv2
    "2001:30::/28": None,  # drone remote identification
    "2001:db8::/32": "a private address (for documentation)",
    "2002::/16": "a 6to4 tunnel",  # given up by RFC 7526
    "3fff::/20": "an address for documentation",
    "fc00::/7": "a private address",
    "fd00:ec2::254/128": "the metadata service of a cloud",
    "fd20:ce::254/128": "the metadata service of a cloud",
    "fe80::/10": "a link-local address",
    "ff00::/8": "a multicast address",
}
_NETWORKS = sorted(
    ((ip_network(network), reason) for network, reason in _SPECIAL.items()),
    key=lambda pair: -pair[0].prefixlen,
)
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_IN_LOW_BITS = (
    *_NAT64,
    IPv6Network("::/96"),
    IPv6Network("::ffff:0:0/96"),
    IPv6Network("::ffff:0:0:0/96"),
)
_ISATAP = (0x00005EFE, 0x02005EFE)


class BlockedAddress(Permanent):
    """The host is at an address that is never read."""


class RefusedUrl(Permanent):
    """The URL is of a kind that is never read."""


class TooLarge(Permanent):
    """The answer is larger than the limit."""


class UnresolvedName(Transient):
    """The host's name cannot be resolved."""


def forbidden(address: Address, allow_loopback: bool) -> str | None:
    """Why `address` may not be connected to, or None. Loopback means 127.0.0.0/8 and ::1, never an
    embedded form.
    """
    if any(address in network for network in _LOOPBACK):
        return None if allow_loopback else "a loopback address"
    hidden = _embedded(address)
    for inner in hidden:
        if reason := _not_public(inner):
            return f"{reason} inside an IPv6 address"
    if hidden and _carries_ipv4_only(address):
        return None
    return _not_public(address)


def checked_url(text: str) -> httpx2.URL:
    """`text` as a URL without its fragment, when it is plain http(s) on a usual port; RefusedUrl
    otherwise.
    """
    import httpx2

    try:
        url = httpx2.URL(text.strip())
    except httpx2.InvalidURL as error:
        raise RefusedUrl(f"{text[:200]!r} is not a URL: {error}.") from None
    plain = url.copy_with(username=None, password=None, fragment=None)
    if url.scheme not in ("http", "https"):
        raise RefusedUrl(f"{plain} is neither http nor https.")
    if not url.host:
        raise RefusedUrl(f"{plain} names no host.")
    if url.userinfo:
        raise RefusedUrl(f"{plain} was given with a user name or password, which are never sent.")
    if url.port not in (None, 80, 443) and not 1024 <= url.port <= 65535:
        raise RefusedUrl(
            f"{plain} is on port {url.port}, which belongs to another service than the web."
        )
    return plain


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name, as in a trial; what another name resolves to is
    not asked.
    """
    try:
        return any(ip_address(host) in network for network in _LOOPBACK)
    except ValueError:
        return host == "localhost"


async def resolve(host: str, port: int, *, allow_loopback: bool) -> list[Address]:
    """The addresses of `host`, at least one, each of them allowed. One forbidden address condemns
    the name.

    Raises BlockedAddress, or UnresolvedName where there is no answer. Odd spellings of an address
    (`0x7f.1`, `127.1`) go through the resolver as well, and are judged by what they mean. The
    messages are clauses: the fetcher knows the URL and makes sentences of them.
    """
    loop = asyncio.get_running_loop()
    try:
        answers = await loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except (OSError, UnicodeError) as error:
        raise UnresolvedName(f"{host} cannot be resolved ({error})") from error
    addresses = list(dict.fromkeys(ip_address(answer[4][0]) for answer in answers))
    if not addresses:
        raise UnresolvedName(f"{host} has no address")
    for address in addresses:
        if reason := forbidden(address, allow_loopback):
            where = "" if host == str(address) else f" at {address},"
            raise BlockedAddress(f"{host} is{where} {reason}")
    return addresses


def _embedded(address: Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address carries."""
    if isinstance(address, IPv4Address):
        return []
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if (
        any(address in network for network in _IN_LOW_BITS)
        or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP
    ):
        return [low]
    return []


def _carries_ipv4_only(address: Address) -> bool:
    """Whether the address is but a wrapping of an IPv4 address, so that what is inside decides."""
    return address in _NAT64[0] or (
        isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    )


def _not_public(address: Address) -> str | None:
    return next(reason for network, reason in _NETWORKS if address in network)
