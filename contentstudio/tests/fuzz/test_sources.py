"""What sources may send: whatever it is, it gives a result or an error of ours."""

from __future__ import annotations

import gzip
import unicodedata
import zlib
from functools import cache

import pytest
import webencodings
from hypothesis import assume, given
from hypothesis import strategies as st
from webencodings.labels import LABELS

from contentstudio.research import feeds, sitemaps
from contentstudio.web import decoding, fetch, packing, robots
from contentstudio.web.guard import TooLarge

URL = "https://a.example/source"
FEED = (
    '<?xml version="1.0" encoding="utf-8"?><rss '
    'version="2.0"><channel><title>Café</title><item><title>Rain &amp; '
    "雨水</title><link>https://a.example/1</link><description><![CDATA[<p>One & "
    "two</p>]]></description><pubDate>Mon, "
    "02 Nov 2026 08:00:00 GMT</pubDate></item></channel></rss>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="/x/"><entry><title '
    'type="html">A &lt;b&gt;</title>'
    '<link href="one"/><updated>2026-11-02T08:00:00Z</updated><summary>S</summary></entry></feed>'
)
SITEMAP = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://a.example/?a=1'
    "&amp;b=é</loc><lastmod>2026-11-02</lastmod></url><url><loc><![CDATA[https://a.example/2]]></loc></url></urlset>"
)
INDEX = "<sitemapindex><sitemap><loc>https://a.example/1.xml</loc><lastmod>2026-11</lastmod></sitemap></sitemapindex>"
LINES = "https://a.example/1\nhttps://a.example/2\n"
PAGE = (
    "<html><head><meta charset='gbk'><title>城市</title></head><body><p>城市花园里的雨水 "
    "Café</p></body></html>"
)

NAMES = sorted(set(LABELS.values()) - {"replacement"})
PIECES = [
    *(
        "<",
        ">",
        "</",
        "/>",
        "&",
        ";",
        "&nbsp;",
        "&#0;",
        "&#x110000;",
        "&#xd800;",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
    ),
    *(
        "<!DOCTYPE rss [<!ENTITY a 'b'>]>",
        "<!DOCTYPE x>",
        "<?xml version='1.0' encoding='utf-16'?>",
        "<?",
        "?>",
        "\0",
    ),
    *(
        "<item>",
        "<url>",
        "<loc>",
        "</loc>",
        "<html>",
        "<rss>",
        "<a:b xmlns:a='c'>",
        "xmlns=''",
        "\ufeff",
        "\x0b",
        "\x85",
    ),
    *(
        "\ufffd",
        "\U0001f327",
        "é",
        "雨",
        "http://",
        "9999-99-99",
        "\n",
        " " * 99,
        "<a>" * 50,
        "<meta charset=hz>",
    ),
]
labels = st.one_of(
    st.none(),
    st.sampled_from(sorted(LABELS)),
    st.sampled_from(["none", "utf8mb4", "utf-32", "cp037"]),
)


@st.composite
def documents(draw: st.DrawFn, *valid: str) -> bytes:
    """A valid document that something happened to: pieces put in or out, an encoding, bad bytes, a
    cut, gzip.
    """
    text = draw(st.sampled_from(valid))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + draw(st.sampled_from(["", *PIECES])) + text[end:]
    encoding = webencodings.lookup(draw(st.sampled_from(["utf-8", *NAMES])))
    assert encoding is not None
    body = bytes(
        encoding.codec_info.encode(
            text, "xmlcharrefreplace" if encoding.name != "x-user-defined" else "ignore"
        )[0]
    )
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(body)))
        body = body[:place] + draw(st.binary(max_size=4)) + body[place + draw(st.integers(0, 4)) :]
    body = (
        draw(
            st.sampled_from(
                [b"", b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\n", b"\x1f\x8b"]
            )
        )
        + body
    )
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        body = gzip.compress(body, mtime=0)
    return body[: draw(st.one_of(st.just(len(body)), st.integers(0, len(body))))]


@given(st.one_of(st.binary(max_size=300), documents(SITEMAP, INDEX, LINES, FEED)), labels)
def test_a_sitemap_is_listed_or_refused_for_a_reason(body: bytes, charset: str | None) -> None:
    try:
        found = sitemaps.parse(body, URL, charset)
    except (sitemaps.BrokenSitemap, feeds.BrokenFeed, fetch.CutOff, TooLarge) as error:
        assert URL in str(error)
        assert str(error).endswith(".")
    else:
        assert all(
            entry.url.startswith("http") or entry.url.lower().startswith("http")
            for entry in found.entries
        )
        assert all(entry.changed_at is None or entry.changed_at.tzinfo for entry in found.entries)


@given(st.one_of(st.binary(max_size=300), documents(FEED, ATOM, PAGE)), labels)
def test_a_feed_gives_entries_or_is_refused_for_a_reason(body: bytes, charset: str | None) -> None:
    fetched = fetch.Fetched(URL, URL, 200, "text/xml", charset, body)
    assert isinstance(feeds.looks_like_feed(fetched), bool)
    try:
        entries = feeds.parse(body, URL, charset)
    except feeds.BrokenFeed as error:
        assert URL in str(error)
        assert str(error).endswith(".")
    else:
        assert all(entry.url.startswith(("http://", "https://")) for entry in entries)
        assert not decoding.garbled("".join(entry.title + entry.summary for entry in entries))


@given(st.one_of(st.binary(max_size=300), documents(PAGE, FEED, LINES)), labels)
def test_any_bytes_are_decoded(body: bytes, charset: str | None) -> None:
    text = decoding.decode(body, charset)
    text.encode()  # no half of a surrogate pair, which no database takes
    assert isinstance(decoding.garbled(text), bool)
    assert decoding.xml(text) == decoding.xml(decoding.xml(text))
    assert isinstance(robots.parse(text, "contentstudio"), robots.Robots)


@given(st.text(max_size=200))
def test_xml_is_mended_once_and_for_all(text: str) -> None:
    mended = decoding.mended_xml(text)
    assert decoding.mended_xml(mended) == mended


@given(st.sampled_from(NAMES), st.data(), st.booleans())
def test_text_in_any_encoding_comes_back_by_its_label(
    name: str, data: st.DataObject, in_header: bool
) -> None:
    encoding = webencodings.lookup(name)
    assert encoding is not None
    label = data.draw(st.sampled_from([label for label, of in LABELS.items() if of == name]))
    words = data.draw(words_of(name))
    text = f"<html><head><meta charset='{label}'></head><body>{' rain '.join(words)}</body></html>"
    body = encoding.codec_info.encode(text)[0]
    assume(name == "utf-8" or not valid_utf8(body))  # which it is then, whatever is declared
    if name.startswith("utf-16"):
        in_header = True  # a declaration inside could not be read before it is known
    assert decoding.decode(body, label.upper() if in_header else None) == text


def valid_utf8(body: bytes) -> bool:
    try:
        return not body.decode().isascii()
    except UnicodeDecodeError:
        return False


@cache
def words_of(name: str) -> st.SearchStrategy[list[str]]:
    most = (
        3 if name == "windows-1252" else 6
    )  # servers say it of every file, so long runs of its accents are another's
    return st.lists(st.text(st.sampled_from(characters(name)), max_size=most), max_size=9)


@cache
def characters(name: str) -> str:
    """The characters that an encoding has, but controls and what ends a page's text. Of a few the
    standard reads the other one of a pair, such as ¥ and \\ in EUC-JP.
    """
    encoding = webencodings.lookup(name)
    assert encoding is not None
    found = []
    for char in map(
        chr,
        [
            *range(0x20, 0xD800),
            *range(0xE000, 0xFFF0),
            *range(0x1F300, 0x1F400),
            *range(0x20000, 0x20100),
        ],
    ):
        try:
            same = encoding.codec_info.decode(encoding.codec_info.encode(char)[0])[0] == char
        except UnicodeError:
            continue
        if (
            same
            and char not in "<>&\ufffd\ufeff"
            and unicodedata.category(char) not in ("Cc", "Cn")
        ):
            found.append(char)
    return "".join(found)


@given(st.binary(max_size=2_000), st.lists(st.sampled_from(["gzip", "deflate"]), max_size=3))
def test_what_was_packed_is_unpacked(body: bytes, order: list[str]) -> None:
    wire = body
    for coding in order:
        wire = gzip.compress(wire, mtime=0) if coding == "gzip" else zlib.compress(wire)
    assert packing.declared(wire, order, 100_000) == body


@given(st.binary(max_size=2_000), st.integers(0, 3))
def test_gzip_that_nothing_declares_is_unpacked(body: bytes, layers: int) -> None:
    assume(not body.startswith(b"\x1f\x8b"))
    wire = body
    for _ in range(layers):
        wire = gzip.compress(wire, mtime=0)
    assert packing.unpacked(wire, 100_000) == body


@given(st.binary(min_size=1, max_size=600), st.data())
def test_a_packed_body_that_is_cut_off_is_never_the_whole(body: bytes, data: st.DataObject) -> None:
    wire = gzip.compress(body, mtime=0)
    end = data.draw(st.integers(2, len(wire) - 1))
    for unpack in (
        lambda cut: packing.unpacked(cut, 10_000),
        lambda cut: packing.declared(cut, ["gzip"], 10_000),
    ):
        with pytest.raises(packing.CutOff):
            unpack(wire[:end])


@given(
    st.one_of(st.binary(max_size=300), documents(PAGE, LINES)),
    st.text(max_size=40)
    | st.sampled_from(["gzip", "x-gzip, gzip", "utf-8", "deflate", "gzip, deflate", '"GZIP"']),
    st.integers(0, 400),
)
def test_unpacking_ends_at_the_limit_or_with_a_reason(body: bytes, header: str, most: int) -> None:
    order, unread = packing.codings(header)
    assert set(order) <= {"gzip", "deflate"}
    assert len(order) + len(unread) <= header.count(",") + 1
    for unpack in (
        lambda: packing.declared(body, order, most),
        lambda: packing.unpacked(body, most),
    ):
        try:
            got = unpack()
        except (packing.CutOff, packing.Unsound, TooLarge):
            continue
        assert got == body or len(got) <= most


@given(
    st.text(max_size=80)
    | st.from_regex(
        r"(text/html|application/rss\+xml)[;, ]+charset ?= ?[\"']?[\w-]{1,12}[\"']?", fullmatch=True
    )
)
def test_any_content_type_is_read(header: str) -> None:
    kind, charset = fetch.media_type(header)
    assert kind == kind.lower().strip()
    assert charset is None or decoding.known_charset(charset)
