"""The demo's web says what it promises, or the demo's night would test nothing."""

from __future__ import annotations

import json
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime

import feedparser
import pytest
from lxml import html

from contentstudio.demo.web import APP, FEEDS, FLAKY, GONE, HARD, INDEXNOW, DemoWeb

TODAY = date(2025, 3, 10)


@pytest.fixture
def web() -> Iterator[DemoWeb]:
    with DemoWeb(TODAY) as running:
        yield running


def get(web: DemoWeb, path: str) -> tuple[int, str, str]:
    return _open(urllib.request.Request(web.url + path))


def post(web: DemoWeb, path: str, body: bytes) -> int:
    return _open(urllib.request.Request(web.url + path, data=body, method="POST"))[0]


def _open(request: urllib.request.Request) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def entries(web: DemoWeb, feed: str) -> list[feedparser.FeedParserDict]:
    return feedparser.parse(get(web, feed)[2]).entries


def paragraphs(page: str) -> list[str]:
    return [p.text_content() for p in html.document_fromstring(page).xpath("//article/p")]


def sentences(page: str) -> list[str]:
    return [s for p in paragraphs(page) for s in re.split(r"(?<=[.!?])\s+", p)]


def flesch(page: str) -> float:
    """Flesch reading ease, with syllables counted as groups of vowels less a silent e."""
    words = [w for s in sentences(page) for w in s.split()]
    syllables = sum(
        max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<!l)e$", "", w.lower().strip(".,")))))
        for w in words
    )
    return 206.835 - 1.015 * len(words) / len(sentences(page)) - 84.6 * syllables / len(words)


def good_paths(web: DemoWeb) -> list[str]:
    links = [e.link.removeprefix(web.url) for feed in FEEDS for e in entries(web, feed)]
    return [path for path in links if path not in (APP, HARD)]


def test_feeds_parse_and_name_every_article(web: DemoWeb) -> None:
    shed, skies = (feedparser.parse(get(web, feed)[2]) for feed in FEEDS)
    assert (shed.bozo, shed.version, len(shed.entries)) == (False, "rss20", 4)
    assert (skies.bozo, skies.version, len(skies.entries)) == (False, "atom10", 6)
    links = {e.link for e in shed.entries + skies.entries}
    assert {web.url + FLAKY, web.url + APP, web.url + HARD} <= links
    assert web.url + GONE not in links


def test_dates_go_back_from_today(web: DemoWeb) -> None:
    for feed in FEEDS:
        published = [datetime(*e.published_parsed[:6], tzinfo=UTC) for e in entries(web, feed)]
        assert all(0 < (datetime(2025, 3, 10, tzinfo=UTC) - p).days + 1 <= 14 for p in published)
        assert published == sorted(published, reverse=True)


def test_good_articles_are_plain_and_of_the_right_length(web: DemoWeb) -> None:
    get(web, FLAKY)
    paths = good_paths(web)
    assert len(paths) == 8
    for path in paths:
        status, content_type, page = get(web, path)
        assert (status, content_type) == (200, "text/html; charset=utf-8")
        assert flesch(page) >= 60, path
        assert 350 <= sum(len(p.split()) for p in paragraphs(page)) <= 600, path
        assert all(8 <= len(s.split()) <= 25 for s in sentences(page)), path
        assert all(
            html.document_fromstring(page).xpath(f"//{part}") for part in ("nav", "h1", "footer")
        )


def test_links_within_the_pages_lead_somewhere(web: DemoWeb) -> None:
    get(web, FLAKY)
    for path in ("/potting-shed/", "/clear-skies/", *good_paths(web)):
        for target in html.document_fromstring(get(web, path)[2]).xpath("//a/@href"):
            assert get(web, target)[0] == 200, (path, target)


def test_the_hard_article_is_hard(web: DemoWeb) -> None:
    page = get(web, HARD)[2]
    assert flesch(page) < 30
    assert sum(len(p.split()) for p in paragraphs(page)) >= 300


def test_the_app_has_code_and_no_text(web: DemoWeb) -> None:
    status, content_type, page = get(web, APP)
    assert (status, content_type) == (200, "text/html; charset=utf-8")
    assert len(page.encode()) >= 800_000
    assert not [
        t
        for t in html.document_fromstring(page).xpath("//body//text()[not(parent::script)]")
        if t.strip()
    ]


def test_the_flaky_article_fails_once_per_start() -> None:
    web = DemoWeb(TODAY)
    for _ in range(2):
        with web:
            assert [get(web, FLAKY)[0] for _ in range(3)] == [502, 200, 200]
            assert web.requests[FLAKY] == 3


def test_the_gone_page_is_gone(web: DemoWeb) -> None:
    assert [get(web, GONE)[0] for _ in range(2)] == [404, 404]
    assert web.requests[GONE] == 2


def test_pings_are_recorded(web: DemoWeb) -> None:
    ping = {"host": "example.org", "urlList": ["https://example.org/a/"]}
    assert post(web, INDEXNOW, json.dumps(ping).encode()) == 200
    assert post(web, INDEXNOW, b"{not json") == 422
    assert post(web, INDEXNOW, b"[1]") == 422
    assert post(web, "/elsewhere", b"{}") == 404
    assert web.pings == [ping]
    assert web.requests[INDEXNOW] == 3


def test_a_client_that_hangs_up_is_met_with_silence(
    web: DemoWeb, capfd: pytest.CaptureFixture[str]
) -> None:
    port = int(web.url.rsplit(":", 1)[1])
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
            client.sendall(f"GET {APP} HTTP/1.0\r\n\r\n".encode())
    assert get(web, HARD)[0] == 200
    web.stop()
    assert capfd.readouterr() == ("", "")


def test_it_stops_and_has_no_address_then() -> None:
    web = DemoWeb(TODAY)
    web.start()
    url = web.url
    web.stop()
    web.stop()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=2)
    with pytest.raises(RuntimeError):
        _ = web.url
