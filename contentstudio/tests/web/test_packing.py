"""Gzip and deflate: whole, cut off at each point, broken, declared and not, and bombs."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest

from contentstudio.web import packing
from contentstudio.web.guard import TooLarge
from contentstudio.web.packing import CutOff, Unsound
from overnight.errors import Transient

PAGE = b"<html><body><p>Hello, rain.</p></body></html>" * 20
MOST = 100_000


def raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


def gz(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


@pytest.mark.parametrize(
    ("header", "order", "unread"),
    [
        ("", [], []),
        ("gzip", ["gzip"], []),
        (" X-GZIP ", ["gzip"], []),
        ('"gzip"', ["gzip"], []),
        ("Deflate, GZip", ["deflate", "gzip"], []),
        ("utf-8", [], []),
        ("none, identity", [], []),
        ("UTF-8, gzip,", ["gzip"], []),
        ("binary", [], []),
        ("text/html", [], []),
        ("br", [], ["br"]),
        ("gzip, ZSTD", ["gzip"], ["zstd"]),
    ],
)
def test_what_a_header_of_codings_says(header: str, order: list[str], unread: list[str]) -> None:
    assert packing.codings(header) == (order, unread)


@pytest.mark.parametrize(
    ("body", "order"),
    [
        (PAGE, []),
        (gz(PAGE), ["gzip"]),
        (zlib.compress(PAGE), ["deflate"]),
        (raw_deflate(PAGE), ["deflate"]),
        (gz(zlib.compress(PAGE)), ["deflate", "gzip"]),
        (gz(gz(PAGE)), ["gzip", "gzip"]),
        (gz(PAGE), ["gzip", "gzip"]),  # the header twice, the packing once
        (PAGE, ["gzip"]),  # declared and not done
        (b"\xef\xbb\xbf\n" + PAGE, ["gzip"]),
        (PAGE, ["deflate"]),
        (gz(PAGE[:99]) + gz(PAGE[99:]), ["gzip"]),  # members: RFC 1952, 2.2
        (gz(PAGE) + b"\0" * 99, ["gzip"]),
        (gz(PAGE) + b"rubbish", ["gzip"]),
    ],
)
def test_declared_codings_are_undone(body: bytes, order: list[str]) -> None:
    assert packing.declared(body, order, MOST).removeprefix(b"\xef\xbb\xbf\n") == PAGE


def test_nothing_packed_is_nothing() -> None:
    assert (
        packing.declared(b"", ["gzip", "deflate"], MOST)
        == packing.declared(gz(b""), ["gzip"], MOST)
        == b""
    )


@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_gzip_that_nothing_declares_is_undone(layers: int) -> None:
    body = PAGE
    for _ in range(layers):
        body = gz(body)
    assert packing.unpacked(body, MOST) == PAGE


def test_gzip_without_end_is_not_followed() -> None:
    body = PAGE
    for _ in range(9):
        body = gz(body)
    with pytest.raises(Unsound):
        packing.unpacked(body, MOST)


@pytest.mark.parametrize(
    "pack", [gz, zlib.compress, raw_deflate, lambda body: gz(body[:99]) + gz(body[99:])]
)
def test_a_body_cut_off_anywhere_is_never_taken_as_whole(pack: Callable[[bytes], bytes]) -> None:
    body = pack(PAGE)
    order = ["deflate"] if pack in (zlib.compress, raw_deflate) else ["gzip"]
    border = len(gz(PAGE[:99]))  # where the first of two members ends, a file is whole
    for end in range(1, len(body)):
        if pack(PAGE)[:end] == gz(PAGE[:99]) or (
            body.startswith(gz(PAGE[:99])) and end == border + 1
        ):
            continue
        with pytest.raises((CutOff, Unsound)):
            packing.declared(body[:end], order, MOST)
        if order == ["gzip"] and end >= 2:
            with pytest.raises(CutOff) as cut:
                packing.unpacked(body[:end], MOST)
            assert isinstance(cut.value, Transient)


@pytest.mark.parametrize(
    "body",
    [b"not gzip", b"\x1f\x8b rubbish", gz(PAGE)[:-8] + b"\0" * 8, b"\x1f\x8b\x08\xff" + b"\0" * 99],
)
def test_what_is_not_packed_as_declared_says_so(body: bytes) -> None:
    with pytest.raises((Unsound, CutOff)):
        packing.declared(body, ["gzip"], MOST)


@pytest.mark.parametrize(
    "pack", [gz, lambda body: gz(body[:5]) + gz(body[5:]), lambda body: gz(gz(body))]
)
def test_the_limit_is_exact(pack: Callable[[bytes], bytes]) -> None:
    assert len(packing.unpacked(pack(b"a" * 1_000), 1_000)) == 1_000
    with pytest.raises(TooLarge, match="1,000 bytes"):
        packing.unpacked(pack(b"a" * 1_001), 1_000)


class Counts:
    """What zlib is given and gives: bytes for each call."""

    def __init__(self) -> None:
        self.given: list[int] = []
        self.got: list[int] = []


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    found, plain = Counts(), zlib.decompressobj

    class Counted:
        def __init__(self, wbits: int) -> None:
            self._inner = plain(wbits=wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            got = self._inner.decompress(data, most)
            found.given.append(len(data))
            found.got.append(len(got))
            return got

        eof = property(lambda self: self._inner.eof)
        unused_data = property(lambda self: self._inner.unused_data)

    monkeypatch.setattr(zlib, "decompressobj", Counted)
    return found


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_is_unpacked_no_further_than_the_limit(coding: str, counts: Counts) -> None:
    bomb = gz(b"a" * 64_000_000) if coding == "gzip" else zlib.compress(b"a" * 64_000_000)
    with pytest.raises(TooLarge):
        packing.declared(bomb, [coding], MOST)
    assert 0 < sum(counts.got) <= MOST + 1


def test_a_file_of_many_empty_members_is_not_copied_for_each(counts: Counts) -> None:
    assert packing.unpacked(gz(b"") * 5_000, MOST) == b""
    assert len(counts.given) == 5_000
    assert max(counts.given) <= 512
