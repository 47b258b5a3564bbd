"""Feeds: sound, faulty, hostile, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.research.feeds import BrokenFeed, Entry, charset_of, looks_like_feed, parse
from contentstudio.research.metadata import Hints
from contentstudio.web.fetch import Fetched

BASE = "https://blog.example/feed.xml"


def rss(items: str, head: str = "") -> bytes:
    return f'{head}<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()


def item(link: str, title: str = "A", more: str = "") -> str:
    return f"<item><title>{title}</title><link>{link}</link>{more}</item>"


def served(body: bytes, content_type: str, charset: str | None = None) -> Fetched:
    return Fetched(BASE, BASE, 200, content_type, charset, body)


def test_rss() -> None:
    body = rss(
        item(
            "https://a.example/1",
            "One &amp; only",
            "<pubDate>Mon, 02 Nov 2026 08:00:00 +0100</pubDate>",
        )
        + item(
            "https://a.example/2",
            "<![CDATA[Two <b>bold</b>]]>",
            "<description>&lt;p&gt;Some  "
            "&lt;i&gt;text&lt;/i&gt;.&lt;script&gt;x()&lt;/script&gt;</description>"
            "<pubDate>Tue, 03 Nov 2026 08:00:00 GMT</pubDate>",
        )
    )
    assert parse(body, BASE) == [
        Entry(
            "https://a.example/2", "Two bold", datetime(2026, 11, 3, 8, tzinfo=UTC), "Some text."
        ),
        Entry("https://a.example/1", "One & only", datetime(2026, 11, 2, 7, tzinfo=UTC), ""),
    ]


def test_atom() -> None:
    body = b"""<?xml version="1.0"?>
    <feed xmlns="http://www.w3.org/2005/Atom" xml:base="/posts/"><title>T</title>
    <entry><title type="html">A &amp;lt;b&amp;gt; tag</title><link rel="alternate" href="one"/>
      <updated>2026-11-02T08:00:00Z</updated><summary>S</summary></entry>
    <entry><title>B</title><link href="/two"/><published>2026-11-01T08:00:00-05:00</published>
      <updated>2026-11-09T08:00:00Z</updated></entry></feed>"""
    assert parse(body, BASE) == [
        Entry(
            "https://blog.example/posts/one", "A <b> tag", datetime(2026, 11, 2, 8, tzinfo=UTC), "S"
        ),
        Entry("https://blog.example/two", "B", datetime(2026, 11, 1, 13, tzinfo=UTC), ""),
    ]


def test_rdf() -> None:
    body = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
      xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>T</title></channel>
      <item><title>One</title><link>https://a.example/1</link><dc:date>2026-11-02</dc:date></item></rdf:RDF>"""
    assert parse(body, BASE) == [
        Entry("https://a.example/1", "One", datetime(2026, 11, 2, tzinfo=UTC), "")
    ]


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("<dc:creator>Anna Berg</dc:creator>", "Anna Berg"),
        ("<author>anna@a.example (Anna Berg)</author>", "Anna Berg"),
        ("<author>anna@a.example</author>", ""),
        ("", ""),
    ],
)
def test_an_entry_hands_on_its_author_without_an_address(author: str, name: str) -> None:
    (entry,) = parse(
        rss(item("/a", "One", author)).replace(
            b"<rss ", b'<rss xmlns:dc="http://purl.org/dc/elements/1.1/" ', 1
        ),
        BASE,
    )
    assert entry.hints(None).author == name


def test_an_entry_hands_on_its_title_and_the_kind_of_its_date() -> None:
    moment = datetime(2026, 11, 2, 8, tzinfo=UTC)
    published = rss(item("/a", "One", "<pubDate>Mon, 02 Nov 2026 08:00:00 GMT</pubDate>"))
    changed = b"""<feed xmlns="http://www.w3.org/2005/Atom"><entry>
      <title>One</title><link href="/a"/>
      <updated>2026-11-02T08:00:00Z</updated></entry></feed>"""
    said = [
        entry.hints("windows-1251")
        for body in (published, changed, rss(item("/a")))
        for entry in parse(body, BASE)
    ]
    assert said == [
        Hints(title="One", published_at=moment, charset="windows-1251"),
        Hints(title="One", updated_at=moment, charset="windows-1251"),
        Hints(title="A", charset="windows-1251"),
    ]


@pytest.mark.parametrize(
    ("head", "charset", "right"),
    [
        ("", None, None),
        ("", "utf-8", None),
        ("<?xml version='1.0' encoding='UTF-8'?>", None, None),
        ("<?xml version='1.0' encoding='windows-1251'?>", None, "windows-1251"),
        ("<?xml version='1.0' encoding='windows-1251'?>", "koi8-r", "koi8-r"),
    ],
)
def test_the_charset_of_a_feed_is_known_where_it_is_not_utf8(
    head: str, charset: str | None, right: str | None
) -> None:
    assert charset_of(served(rss(item("/a"), head), "application/rss+xml", charset)) == right


def test_undated_entries_come_last_in_their_order() -> None:
    dated = item("https://a.example/3", more="<pubDate>Mon, 02 Nov 2026 08:00:00 GMT</pubDate>")
    bad = item("https://a.example/1", more="<pubDate>the day before yesterday</pubDate>")
    urls = [e.url[-1] for e in parse(rss(bad + item("https://a.example/2") + dated), BASE)]
    assert urls == ["3", "1", "2"]


def test_a_url_comes_once() -> None:
    entries = parse(
        rss(item("https://a.example/1", "First") + item("https://a.example/1", "Second")), BASE
    )
    assert [e.title for e in entries] == ["First"]


@pytest.mark.parametrize(
    "link",
    ["", "javascript:alert(1)", "mailto:a@b.example", "ftp://a.example/", "http://[::1", "http://"],
)
def test_only_web_links_are_entries(link: str) -> None:
    assert parse(rss(item(link) + item("/ok")), BASE) == [
        Entry("https://blog.example/ok", "A", None, "")
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?><rss version="2.0"><channel><title>Empty</title></channel></rss>',
        b'<feed xmlns="http://www.w3.org/2005/Atom"/>',
        b"\xef\xbb\xbf \n<rss version='2.0'/>",
    ],
)
def test_a_sound_feed_without_entries_is_empty(body: bytes) -> None:
    assert parse(body, BASE) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"Service unavailable",
        b"\x89PNG\r\n\x1a\n\0\0",
        b'<?xml version="1.0"?><rss version="2.0"><channel><title>Bro',
        rss(item("https://a.example/1"))[:-20],  # whole entries, but cut off
        rss("<a></b>"),
        b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url/></urlset>',
        b"<html><body><h1>Not a feed</h1></body></html>",
        b"<!DOCTYPE html><html><body><p>Not<br>a feed",
        b"<br />Warning: mysql_connect()<?xml version='1.0'?><rss version='2.0'></rss>",
        rss("<a>" * 300 + "</a>" * 300),
    ],
)
def test_what_is_broken_says_so(body: bytes) -> None:
    with pytest.raises(BrokenFeed) as broken:
        parse(body, BASE)
    assert BASE in str(broken.value)


def test_small_faults_are_borne() -> None:
    body = rss(item("https://a.example/1?x=1&y=2", "Caf&eacute; & bar"))
    assert [(e.url, e.title) for e in parse(body, BASE)] == [
        ("https://a.example/1?x=1&y=2", "Café & bar")
    ]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
@pytest.mark.parametrize("declared", [True, False])
def test_charsets(codec: str, declared: bool) -> None:
    head = f'<?xml version="1.0" encoding="{codec}"?>' if declared else ""
    body = rss(item("https://a.example/1", "Café"), head).decode().encode(codec)
    assert parse(body, BASE)[0].title == "Café"


def test_a_wrong_declaration_is_borne() -> None:
    body = (
        rss(item("https://a.example/1", "Caf\xe9"), '<?xml version="1.0" encoding="utf-8"?>')
        .decode()
        .encode("cp1252")
    )
    assert parse(body, BASE)[0].title == "Café"


LAUGHS = (
    '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>'
)


@pytest.mark.parametrize(
    "doctype",
    [
        LAUGHS,
        "<!-- <x> -->"
        + LAUGHS,  # a tag in a comment hides the rest of the head from simpler readers
        '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss [<!ENTITY % a SYSTEM "http://127.0.0.1/x.dtd"> %a;]>',
        '<!DOCTYPE rss [<!ENTITY a "x">]>',
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_entities_are_refused(doctype: str, codec: str) -> None:
    body = (
        f'<?xml version="1.0" encoding="{codec}"?>'
        + doctype
        + rss(item("https://a.example/1", "&c;")).decode()
    ).encode(codec)
    with pytest.raises(BrokenFeed, match="entities"):
        parse(body, BASE)


def test_an_entity_hidden_by_a_codec_is_not_read() -> None:
    hidden = '<!DOCTYPE rss [<!ENTITY a "ha">]>'.encode("utf-7")
    with pytest.raises(BrokenFeed):
        parse(
            b'<?xml version="1.0" encoding="utf-7"?>'
            + hidden
            + rss(item("https://a.example/1", "&a;")),
            BASE,
        )


def test_a_plain_doctype_is_no_fault() -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://127.0.0.1:1/rss-0.91.dtd">'
    assert len(parse(rss(item("https://a.example/1"), doctype), BASE)) == 1


def test_a_long_feed_with_faults_is_not_mended() -> None:
    with pytest.raises(BrokenFeed, match="too long"):
        parse(rss("<a></b>" + item("https://a.example/1") + " " * 1_000_001), BASE)


@pytest.mark.parametrize(
    ("body", "content_type", "is_feed"),
    [
        (rss(""), "application/rss+xml", True),
        (rss(""), "text/html", True),
        (
            b"\xef\xbb\xbf\n<?xml version='1.0'?><!-- c --><feed xmlns='http://www.w3.org/2005/Atom'/>",
            "text/plain",
            True,
        ),
        (b"<?xml version='1.0'?><rdf:RDF xmlns:rdf='x'/>", "text/xml", True),
        (rss("").decode().encode("utf-16"), "text/xml", True),
        (b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "b>">]><rss/>', "text/xml", True),
        (b"<html><body>Not a feed</body></html>", "application/rss+xml", False),
        (b"<!DOCTYPE html>\n<HTML>", "application/rss+xml", False),
        (b"<?xml version='1.0'?><!DOCTYPE html><html xmlns='x'>", "application/xhtml+xml", False),
        (b"<?xml version='1.0'?><urlset/>", "application/xml", False),
        (b"<p>Hello</p>", "text/html", False),
        (b"Hello", "text/plain", False),
        (b"", "text/html", False),
        (b"", "application/atom+xml", True),
        (b"oops", "application/rss+xml", True),
        (b"<?xml vers", "application/xml", True),
    ],
)
def test_what_looks_like_a_feed(body: bytes, content_type: str, is_feed: bool) -> None:
    assert looks_like_feed(served(body, content_type)) is is_feed


@pytest.mark.parametrize(
    "before",
    [
        "\ufeff\n",
        "\ufeff\ufeff",
        "\n  ",
        "<!-- by a plugin -->\n",
        "\ufeff<!-- a -->\ufeff",
        "\0",
        "\xef\xbb\xbf",
    ],
)
@pytest.mark.parametrize(
    "declaration",
    ["", "<?xml version='1.0' encoding='utf-16'?>", "<?xml version='1.0'?>\n<?xml version='1.0'?>"],
)
@pytest.mark.parametrize("charset", [None, "utf-16", "iso-8859-1", "none"])
def test_no_declaration_and_nothing_before_it_breaks_a_feed(
    before: str, declaration: str, charset: str | None
) -> None:
    body = (before + declaration).encode() + rss(item("https://a.example/1", "Café 雨水"))
    assert [e.title for e in parse(body, BASE, charset)] == ["Café 雨水"]
    assert looks_like_feed(served(body, "application/octet-stream", charset))


def test_the_charset_of_the_header_precedes_the_declaration() -> None:
    body = rss(
        item("https://a.example/1", "庭の雨水タンク"), "<?xml version='1.0' encoding='euc-kr'?>"
    ).decode()
    assert parse(body.encode("cp932"), BASE, "x-sjis")[0].title == "庭の雨水タンク"


@pytest.mark.parametrize(
    ("codec", "label"),
    [("cp932", "x-sjis"), ("gbk", "x-gbk"), ("cp874", "windows-874"), ("cp949", "ks_c_5601-1987")],
)
def test_feeds_in_encodings_of_the_web_with_one_bad_byte(codec: str, label: str) -> None:
    title = {
        "cp932": "庭の雨水タンクは役立ちます",
        "gbk": "城市花园里的雨水收集",
        "cp874": "ถังน้ำฝนช่วยรดน้ำ",
        "cp949": "정원의 빗물 통은",
    }[codec]
    body = rss(
        item("https://a.example/1", title, "<description>x@</description>"),
        f"<?xml version='1.0' encoding='{label}'?>",
    )
    (entry,) = parse(body.decode().encode(codec).replace(b"x@", b"x\xff"), BASE)
    assert entry.title == title


@pytest.mark.parametrize("body", [bytes(range(128, 256)) * 9, "\ufffd\ufffd\ufffd\ufffd".encode()])
def test_a_feed_whose_words_cannot_be_decoded_says_so(body: bytes) -> None:
    broken = rss(item("https://a.example/1", "@")).replace(b"@", body)
    with pytest.raises(BrokenFeed, match="cannot be decoded"):
        parse(broken, BASE)


@pytest.mark.parametrize(
    ("title", "right"),
    [
        ("Caf&eacute;&nbsp;&ndash; bar & grill", "Café – bar & grill"),
        ("Rain\x0b \x00barrels\x1f", "Rain barrels"),
        ("A &#0;&#x1f;&#xd800; B", "A B"),
        ("<![CDATA[Rain & sun\x08 &amp; more]]>", "Rain & sun & more"),
        ("&unheardof; rain", "&unheardof; rain"),
    ],
)
def test_small_faults_of_a_long_feed_are_mended(title: str, right: str) -> None:
    long = f"<description>{'rain ' * 250_000}</description>"
    (entry,) = parse(rss(item("https://a.example/1", title, long)), BASE)
    assert entry.title == right


_ONE = "<title>A</title><link>https://a.example/1</link>"


@pytest.mark.parametrize(
    "body",
    [
        f'<rss version="0.91"><channel><title>T</title><item>{_ONE}</item></channel></rss>',
        "<rss><channel><item><title>A</title><link>\n https://a.example/1 "
        "\n</link></item></channel></rss>",
        f'<rss version="2.0" xmlns="http://backend.userland.com/rss2"><channel><item>{_ONE}</item></channel></rss>',
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel/><item>{_ONE}</item></rdf:RDF>',
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><title>A</title>'
        '<link rel="alternate" href="https://a.example/1"/></entry></feed>',
        '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:title>A</a:title>'
        '<a:link href="https://a.example/1"/></a:entry></a:feed>',
    ],
)
@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", "", "text/rss+xml"])
def test_the_old_kinds_of_feeds(body: str, kind: str) -> None:
    assert parse(body.encode(), BASE) == [Entry("https://a.example/1", "A", None, "")]
    assert looks_like_feed(served(body.encode(), kind))


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"<rss>", b"<?xml version='1.0'?><feed>", b"<rss><channel><item>"]),
)
def test_any_bytes_give_entries_or_a_clear_error(noise: bytes, start: bytes) -> None:
    for body in (start + noise, start + noise + b"</item></channel></rss>"):
        try:
            assert isinstance(parse(body, BASE), list)
        except BrokenFeed as error:
            assert BASE in str(error)


def test_places_on_a_page_are_one_entry() -> None:
    (entry,) = parse(
        rss("".join(item(f"https://a.example/x{place}") for place in ("", "#1", "#2"))), BASE
    )
    assert entry.url == "https://a.example/x"
