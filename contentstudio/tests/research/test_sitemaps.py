"""Sitemaps: plain, packed, listing others, and hostile."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contentstudio.research import sitemaps
from contentstudio.research.sitemaps import BrokenSitemap, Entry, choose, collect, parse
from contentstudio.web.fetch import CutOff, Fetched, Gone, TooLarge, Unavailable

CASES = Path(__file__).parents[1] / "cases"
ROOT = "https://a.example/sitemap.xml"
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(*urls: str, more: str = "") -> bytes:
    return (
        f"<urlset {NAMESPACE}>{''.join(f'<url><loc>{u}</loc>{more}</url>' for u in urls)}</urlset>"
    ).encode()


def index(*entries: tuple[str, str]) -> bytes:
    listed = "".join(
        f"<sitemap><loc>{u}</loc><lastmod>{at}</lastmod></sitemap>" for u, at in entries
    )
    return f"<?xml version='1.0'?><sitemapindex {NAMESPACE}>{listed}</sitemapindex>".encode()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Site:
    """Sitemaps by URL; remembers what was asked."""

    def __init__(self, files: dict[str, bytes | Exception]) -> None:
        self.files = files
        self.asked: list[str] = []

    async def get(self, url: str) -> Fetched:
        self.asked.append(url)
        found = self.files[url]
        if isinstance(found, Exception):
            raise found
        return Fetched(url, url, 200, "application/xml", None, found)


def test_entries_with_their_moments_and_nothing_else() -> None:
    body = f"""
    <?xml version="1.0" encoding="UTF-8"?>
    <s:urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://images.example">
      <s:url><s:loc> https://a.example/?a=1&amp;b=2 </s:loc>
        <s:lastmod>2026-11-02T08:00:00+02:00</s:lastmod>
        <image:image><image:loc>https://a.example/picture.png</image:loc></image:image></s:url>
      <s:url><s:loc>https://a.example/day</s:loc><s:lastmod>2026-11-02</s:lastmod></s:url>
      <s:url><s:loc>https://a.example/month</s:loc><s:lastmod>2026-11</s:lastmod></s:url>
      <s:url><s:loc>ftp://a.example/</s:loc></s:url><s:url><s:loc>https://[a</s:loc></s:url><s:url></s:url>
      <s:url><s:loc>https://a.example/{"x" * 2_048}</s:loc></s:url>
    </s:urlset>""".encode()
    found = parse(body, ROOT)
    assert not found.is_index
    assert [(e.url, e.changed_at) for e in found.entries] == [
        ("https://a.example/?a=1&b=2", moment("2026-11-02T06:00:00")),
        ("https://a.example/day", moment("2026-11-03")),
        ("https://a.example/month", None),
    ]


def test_a_packed_sitemap_is_unpacked() -> None:
    assert parse(gzip.compress(urlset("https://a.example/1"), mtime=0), ROOT).entries == (
        Entry("https://a.example/1"),
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<!DOCTYPE urlset [<!ENTITY a 'b'>]><urlset/>", "declares a document type"),
        (b"<!DOCTYPE urlset SYSTEM 'file:///etc/passwd'><urlset/>", "declares a document type"),
        (b"<html><body/></html>", "its first element is “html”"),
        (b"", "not a well-formed sitemap"),
        (urlset("https://a.example/1")[:-9], "not a well-formed sitemap"),
        (b"<?xml version='1.0'?><urlset><url></urlset>", "not a well-formed sitemap"),
        (b"Service unavailable", "not a well-formed sitemap"),
        (b"<urlset>" + b"<a>" * 200, "nests more than 100"),
        (b"\x1f\x8b rubbish", "not sound gzip"),
    ],
)
def test_what_is_none_says_why(body: bytes, says: str) -> None:
    with pytest.raises(BrokenSitemap, match=says):
        parse(body, ROOT)


@pytest.mark.parametrize("end", [2, 9, 18, 40, -9, -1])
def test_a_packed_sitemap_that_is_cut_off_is_tried_again(end: int) -> None:
    with pytest.raises(CutOff, match=r"https://a\.example/sitemap\.xml is not read: it is cut off"):
        parse(gzip.compress(urlset("https://a.example/1"), mtime=0)[:end], ROOT)


@pytest.mark.parametrize(
    "pack",
    [lambda body: gzip.compress(gzip.compress(body)), lambda body: gzip.compress(body) + b"\0"],
)
def test_a_sitemap_packed_twice_or_padded_is_unpacked(pack: Callable[[bytes], bytes]) -> None:
    assert parse(pack(urlset("https://a.example/1")), ROOT).entries == (
        Entry("https://a.example/1"),
    )


@pytest.mark.parametrize("name", ["01-sitemap-utf16-declared.xml", "02-sitemap-bom-newline.xml"])
def test_cases_of_real_sitemaps(name: str) -> None:
    assert parse((CASES / name).read_bytes(), ROOT).entries == (
        Entry("https://shop.example/a", moment("2026-11-21")),
        Entry("https://shop.example/b"),
    )


@pytest.mark.parametrize(
    "declaration",
    [
        "",
        *(
            f"<?xml version='1.0' encoding='{e}'?>"
            for e in ("utf-16", "UTF-8", "gbk", "klingon", "ascii")
        ),
    ],
)
@pytest.mark.parametrize(
    "before",
    [
        "",
        "\ufeff",
        "\ufeff\n",
        "\ufeff\ufeff",
        "\n\n  ",
        "<!-- by a plugin -->\n",
        "\ufeff<!-- a -->",
        "\0",
    ],
)
@pytest.mark.parametrize("charset", [None, "utf-8", "utf-16", "iso-8859-1", "none"])
def test_no_declaration_and_nothing_before_it_breaks_a_sitemap(
    declaration: str, before: str, charset: str | None
) -> None:
    body = (
        before + declaration + urlset("https://a.example/café", "https://a.example/雨水").decode()
    )
    assert [e.url for e in parse(body.encode(), ROOT, charset).entries] == [
        "https://a.example/café",
        "https://a.example/雨水",
    ]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_sitemaps_in_wide_encodings(codec: str) -> None:
    body = "<?xml version='1.0' encoding='utf-8'?>" + urlset("https://a.example/é").decode()
    assert parse(body.encode(codec), ROOT).entries == (Entry("https://a.example/é"),)


@pytest.mark.parametrize(
    ("loc", "url"),
    [
        ("\n   https://a.example/1\n\t", "https://a.example/1"),
        ("<![CDATA[https://a.example/?a=1&b=2]]>", "https://a.example/?a=1&b=2"),
        ("<![CDATA[ https://a.example/1 ]]>", "https://a.example/1"),
        ("https://a.example/?a=1&amp;b=2", "https://a.example/?a=1&b=2"),
        ("https://a.example/?a=1&b=2", "https://a.example/?a=1&b=2"),  # a bare ampersand
        ("https://a.example/&eacute;&#233;&#xE9;", "https://a.example/ééé"),
        ("https://a.example/a\n      b", "https://a.example/ab"),
        ("https://a.example/a b", "https://a.example/a%20b"),
        ("https://a.example/\x0b\x001", "https://a.example/1"),
        ("https://a.example/<!-- no -->1", "https://a.example/1"),
        ("HTTPS://a.example/1", "HTTPS://a.example/1"),
    ],
)
def test_the_ways_that_real_sitemaps_write_a_url(loc: str, url: str) -> None:
    assert parse(urlset(loc), ROOT).entries == (Entry(url),)


@pytest.mark.parametrize(
    "namespace",
    [
        "",
        "xmlns='https://www.sitemaps.org/schemas/sitemap/0.9/'",
        "xmlns='http://www.google.com/schemas/sitemap/0.84'",
    ],
)
def test_namespaces_and_capitals_are_not_looked_at(namespace: str) -> None:
    body = urlset("https://a.example/1").decode().replace(NAMESPACE, namespace)
    assert parse(body.encode(), ROOT).entries == (Entry("https://a.example/1"),)
    assert parse(body.replace("urlset", "URLSET").replace("url>", "URL>").encode(), ROOT).entries


@pytest.mark.parametrize("mark", ["", "\ufeff", "\ufeff\n"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_sitemap_of_lines(mark: str, line_end: str) -> None:
    body = mark + line_end.join(
        ["https://a.example/1", "", " https://a.example/é ", "not a URL", "https://b.example/"]
    )
    found = parse(body.encode(), ROOT)
    assert not found.is_index
    assert [e.url for e in found.entries] == [
        "https://a.example/1",
        "https://a.example/é",
        "https://b.example/",
    ]


def test_control_characters_are_no_part_of_a_url() -> None:
    lines = [
        "\x01http://a.example/1\x00",
        "http://a.example/\x022",
        "http://\x00",
        "\x1fhttps://b.example/",
    ]
    found = parse("\n".join(lines).encode(), ROOT)
    assert [entry.url for entry in found.entries] == ["http://a.example/1", "https://b.example/"]


def test_a_feed_is_a_sitemap_too() -> None:
    body = b"""<rss version="2.0"><channel><title>T</title><item><title>A</title><link>https://a.example/1</link>
    <pubDate>Mon, 02 Nov 2026 08:00:00 GMT</pubDate></item></channel></rss>"""
    assert parse(body, ROOT).entries == (
        Entry("https://a.example/1", moment("2026-11-02T08:00:00")),
    )


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(TooLarge, match="1,000,000"):
        parse(gzip.compress(b"<urlset>" + b" " * 40_000_000, mtime=0), ROOT)


async def test_an_index_is_followed_newest_first_and_each_file_once() -> None:
    site = Site(
        {
            ROOT: index(
                ("https://a.example/old.xml", "2026-01-01"),
                ("https://a.example/new.xml", "2026-11-01"),
            ),
            "https://a.example/new.xml": index(
                (ROOT, ""), ("https://a.example/deep.xml.gz", "2026-11-01")
            ),
            "https://a.example/old.xml": urlset("https://a.example/1", "https://a.example/2"),
            "https://a.example/deep.xml.gz": gzip.compress(
                urlset("https://a.example/2", "https://a.example/3"), mtime=0
            ),
        }
    )
    found = await collect(site.get, ROOT)
    assert sorted(found.entries) == [f"https://a.example/{n}" for n in (1, 2, 3)]
    assert site.asked[:2] == [ROOT, "https://a.example/new.xml"]
    assert len(site.asked) == len(set(site.asked)) == 4


async def test_only_the_sitemaps_host_counts_unless_others_are_allowed() -> None:
    listed = [
        "https://a.example/1",
        "https://b.example/2",
        "http://10.0.0.1/",
        "https://a.example.evil.example/",
    ]
    site = Site({ROOT: index(("https://b.example/s.xml", ""), ("https://a.example/s.xml", ""))})
    site.files |= {
        "https://a.example/s.xml": urlset(*listed),
        "https://b.example/s.xml": urlset(*listed),
    }
    assert list((await collect(site.get, ROOT)).entries) == ["https://a.example/1"]
    assert "https://b.example/s.xml" not in site.asked
    assert list((await collect(site.get, ROOT, hosts=["b.example"])).entries) == listed[:2]


async def test_only_paths_with_the_match_count() -> None:
    site = Site(
        {
            ROOT: urlset(
                "https://a.example/blog/1", "https://a.example/shop/", "https://a.example/?x=/blog/"
            )
        }
    )
    assert list((await collect(site.get, ROOT, match="/blog/")).entries) == [
        "https://a.example/blog/1"
    ]


async def test_files_and_depth_and_pages_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    name: Callable[[int], str] = lambda n: f"https://a.example/{n}.xml"  # noqa: E731
    site = Site({name(n): index((name(n + 1), "")) for n in range(9)})
    assert (await collect(site.get, name(0))).entries == {}
    assert site.asked == [name(0), name(1), name(2)]
    wide = Site({ROOT: index(*[(name(n), "") for n in range(99)])})
    wide.files |= {name(n): urlset(f"https://a.example/{n}") for n in range(99)}
    assert (
        len((await collect(wide.get, ROOT)).entries)
        == len(wide.asked) - 1
        == sitemaps.MAX_FILES - 1
    )
    monkeypatch.setattr(sitemaps, "MAX_URLS", 7)
    long = Site({ROOT: urlset(*[f"https://a.example/{n}" for n in range(20)])})
    assert len((await collect(long.get, ROOT)).entries) == 7


async def test_a_broken_file_of_an_index_is_a_fault_beside_the_entries() -> None:
    bad, good = "https://a.example/bad.xml", "https://a.example/good.xml"
    site = Site(
        {
            ROOT: index((bad, ""), (good, "")),
            bad: Gone(f"{bad} answers 404."),
            good: urlset("https://a.example/1"),
        }
    )
    found = await collect(site.get, ROOT)
    assert (list(found.entries), found.faults) == (["https://a.example/1"], [f"{bad} answers 404."])
    site.files[good] = b"<html/>"
    with pytest.raises(BrokenSitemap, match="404"):
        await collect(site.get, ROOT)
    site.files[good] = Unavailable("later")
    with pytest.raises(Unavailable):
        await collect(site.get, ROOT)


def test_new_or_changed_pages_come_first_then_the_longest_unseen() -> None:
    asked = {name: moment("2026-11-20") for name in ("same", "changed", "untold")} | {
        "older": moment("2026-11-01")
    }
    entries = [
        Entry("untold"),
        Entry("older"),
        Entry("same", moment("2026-11-19")),
        Entry("undated"),
        Entry("changed", moment("2026-11-21")),
        Entry("new", moment("2026-01-01")),
    ]
    assert [e.url for e in choose(entries, asked, 10)] == [
        "changed",
        "new",
        "undated",
        "older",
        "untold",
    ]
    assert [e.url for e in choose(entries, asked, 2)] == ["changed", "new"]
