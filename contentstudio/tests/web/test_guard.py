"""Which addresses and URLs may be read."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.web.guard import (
    BlockedAddress,
    RefusedUrl,
    UnresolvedName,
    checked_url,
    forbidden,
    resolve,
)

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.215.14",
    "172.15.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "2606:4700::6810:84e5",
]
PUBLIC += [
    "192.0.0.9",
    "192.0.0.10",
    "192.0.1.0",
    "191.255.255.255",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
]
PUBLIC += [
    "198.17.255.255",
    "198.20.0.0",
    "192.88.98.255",
    "192.88.100.0",
    "223.255.255.255",
    "1.0.0.0",
    "128.0.0.0",
]
PUBLIC += [
    "2001:200::",
    "2001:1::1",
    "2001:1::2",
    "2001:1::3",
    "2001:3::1",
    "2001:4:112::1",
    "2001:20::1",
    "2001:30::1",
]
PUBLIC += ["2620:4f:8000::1", "2001:db7:ffff::1", "2001:db9::1", "2003::", "3fff:1000::", "3ffe::1"]
PUBLIC_INSIDE = ["::ffff:8.8.8.8", "64:ff9b::808:808", "::ffff:192.0.0.9", "64:ff9b::c000:a"]
CASES = Path(__file__).parents[1] / "cases"
LOOPBACK = ["127.0.0.1", "127.255.255.254", "::1"]
FORBIDDEN = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "private",
    "::": "0.0.0.0",
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "192.0.0.1": "private",
    "192.0.0.192": "metadata",
    "192.0.2.1": "private",
    "198.18.0.1": "private",
    "198.51.100.1": "private",
    "203.0.113.1": "private",
    "192.88.99.1": "6to4",
    "100.64.0.1": "carrier",
    "100.127.255.255": "carrier",
    "100.100.100.200": "metadata",
    "168.63.129.16": "metadata",
    "169.254.0.1": "link-local",
    "169.254.169.254": "metadata",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "private",
    "255.255.255.255": "private",
    "fe80::1": "link-local",
    "fe80::1%2": "link-local",
    "fec0::1": "public",
    "fc00::1": "private",
    "fd00:ec2::254": "metadata",
    "ff02::1": "multicast",
    "100::1": "private",
    "2001:db8::1": "private",
    "3fff::1": "documentation",
    "5f00::1": "public",
    "::ffff:169.254.169.254": "metadata",
    "::ffff:10.0.0.1": "private",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:0:10.0.0.1": "private",
    "::127.0.0.1": "loopback",
    "64:ff9b::a00:1": "private",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b:1::a00:1": "private",
    "2002:808:808::1": "6to4",
    "2002:0a00:0001::": "private",
    "2002:7f00:0001::1": "loopback",
    "2002:a9fe:a9fe::1": "metadata",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe": "private",  # Teredo around 10.0.0.1
    "2001:0:808:808::f7f7:f7f7": "Teredo",
    "2607:f8b0::5efe:10.0.0.1": "private",  # ISATAP
    "2607:f8b0::200:5efe:c000:aa": "private",  # ISATAP around 192.0.0.170
    # What Pythons judge differently (`is_global` and `is_private` changed in 3.11.10, 3.12.4 and
    # 3.13).
    "192.0.0.8": "private",
    "192.0.0.11": "private",
    "192.0.0.170": "private",
    "192.0.0.255": "private",
    "::ffff:192.0.0.11": "private",
    "64:ff9b::c000:b": "private",
    "198.19.255.255": "private",
    "::ffff:198.18.0.1": "private",
    "192.88.99.255": "6to4",
    "::ffff:100.64.0.1": "carrier",
    "64:ff9b::6440:1": "carrier",
    "64:ff9b:1::808:808": "NAT64",
    "64:ff9b:1:ffff:ffff:ffff:808:808": "NAT64",
    "2002:c000:000b::1": "private",
    "2002:6440:1::1": "carrier",
    "2001:0:a9fe:a9fe::f7f7:f7f7": "metadata",  # a Teredo server
    "2001::1": "unspecified",  # Teredo around 0.0.0.0
    "2001:1::": "private",
    "2001:1::4": "private",
    "2001:2::1": "private",
    "2001:10::1": "private",
    "2001:1ff:ffff::1": "private",
    "2001:db8:ffff::1": "private",
    "3fff:fff::1": "documentation",
    "100:0:0:1::1": "private",
    "100:0:0:2::1": "public",
    "fdff::1": "private",
    "febf::1": "link-local",
    "feff::1": "public",
    "4000::1": "public",
    "1fff::1": "public",
    "::ffff:0:8.8.8.8": "public",
    "::8.8.8.8": "public",
    "247.1.1.1": "private",
    "192.168.255.255": "private",
    "169.254.255.255": "link-local",
}


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_INSIDE)
def test_public_addresses_pass(address: str) -> None:
    assert forbidden(ip_address(address), allow_loopback=False) is None


@pytest.mark.parametrize(("address", "reason"), FORBIDDEN.items())
@pytest.mark.parametrize("allow_loopback", [False, True])
def test_forbidden_addresses_are_named(address: str, reason: str, allow_loopback: bool) -> None:
    said = forbidden(ip_address(address), allow_loopback)
    assert said is not None
    assert reason in said or address == "::"


@pytest.mark.parametrize("address", (CASES / "26-addresses.txt").read_text().split())
def test_addresses_that_a_python_let_through(address: str) -> None:
    assert "private" in (forbidden(ip_address(address), allow_loopback=True) or "")


def test_no_answer_depends_on_the_python_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "is_private",
        "is_global",
        "is_reserved",
        "is_link_local",
        "is_multicast",
        "is_unspecified",
    ):
        for version in (IPv4Address, IPv6Address):
            monkeypatch.setattr(version, name, property(lambda _: pytest.fail("Python was asked")))
    answers = [
        forbidden(ip_address(address), allow_loopback=False)
        for address in [*PUBLIC, *PUBLIC_INSIDE, *FORBIDDEN]
    ]
    assert answers.count(None) == len(PUBLIC) + len(PUBLIC_INSIDE)


@given(st.integers(0, 2**32 - 1))
def test_an_address_in_another_form_is_judged_as_what_it_is(number: int) -> None:
    plain = forbidden(IPv4Address(number), allow_loopback=False)
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        inside = forbidden(IPv6Address(int(IPv6Address(prefix)) + number), allow_loopback=True)
        assert inside == (f"{plain} inside an IPv6 address" if plain else None)
    for prefix, shift in (
        ("2002::", 80),
        ("64:ff9b:1::", 0),
        ("2001::", 64),
        ("::", 0),
        ("fe80::5efe:0:0", 0),
    ):
        assert forbidden(
            IPv6Address(int(IPv6Address(prefix)) + (number << shift)), allow_loopback=False
        )


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_passes_only_when_it_is_allowed(address: str) -> None:
    assert forbidden(ip_address(address), allow_loopback=True) is None
    assert forbidden(ip_address(address), allow_loopback=False) == "a loopback address"


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "::1", "127.1", "2130706433", "0x7f.1", "017700000001"]
)
async def test_this_machine_is_blocked_by_every_name(host: str) -> None:
    with pytest.raises((BlockedAddress, UnresolvedName)):
        await resolve(host, 80, allow_loopback=False)


async def test_localhost_is_read_in_trials() -> None:
    assert all(a.is_loopback for a in await resolve("localhost", 80, allow_loopback=True))


def answer_with(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_a_name_that_resolves_to_a_private_address_is_blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_with(monkeypatch, "10.1.2.3")
    with pytest.raises(
        BlockedAddress, match=r"innocent\.example is at 10\.1\.2\.3, a private address"
    ):
        await resolve("innocent.example", 443, allow_loopback=True)


async def test_one_forbidden_address_condemns_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, "93.184.215.14", "169.254.169.254")
    with pytest.raises(BlockedAddress, match="metadata"):
        await resolve("mixed.example", 443, allow_loopback=False)


async def test_addresses_come_in_the_resolvers_order_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_with(monkeypatch, "2606:4700::1", "1.1.1.1", "1.1.1.1")
    assert [str(a) for a in await resolve("x.example", 80, allow_loopback=False)] == [
        "2606:4700::1",
        "1.1.1.1",
    ]


async def test_no_answer_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch)
    with pytest.raises(UnresolvedName):
        await resolve("x.example", 80, allow_loopback=False)


async def test_a_failing_resolver_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(UnresolvedName, match="Temporary failure"):
        await resolve("x.example", 80, allow_loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//a.example/x",
        "/x",
        "",
        "http://",
        "http://[::1",
        "http://user@a.example/",
        "http://user:secret@a.example/",
        "http://a.example:22/",
        "http://a.example:0/",
        "http://a.example:99999/",
        "gopher://a.example:80/",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(RefusedUrl) as refused:
        checked_url(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://a.example/x?y=1#z", "https://a.example/x?y=1"),
        ("http://a.example:8080/x", "http://a.example:8080/x"),
        ("HTTPS://A.EXAMPLE:443/", "https://a.example/"),
        ("http://[2606:4700::1]/", "http://[2606:4700::1]/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ],
)
def test_urls_that_are_read(url: str, plain: str) -> None:
    assert str(checked_url(url)) == plain
