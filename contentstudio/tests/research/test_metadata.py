"""The title and the date of pages, by what feeds, heads and headings say of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from contentstudio.model import Snapshot
from contentstudio.research.extract import page
from contentstudio.research.metadata import Hints
from contentstudio.web.fetch import Fetched

URL = "https://www.gartenfreunde-sued.example/2026/kompost"
NOW = datetime(2026, 11, 29, 10, tzinfo=UTC)
TEXT = "".join(
    f"<p>Der Kompost braucht in Woche {n} Luft, Wasser und Geduld. Er wird warm, und "
    "dann ruht er wieder.</p>"
    for n in range(9)
)
CEST = timezone(timedelta(hours=2))


def read(
    head: str = "", body: str = "<h1>Kompost im Herbst</h1>", hints: Hints | None = None
) -> Snapshot:
    html = f"<html lang='de'><head>{head}</head><body><article>{body}{TEXT}</article></body></html>"
    return page(Fetched(URL, URL, 200, "text/html", "utf-8", html.encode()), hints, NOW)


def linked(**data: object) -> str:
    return (
        "<script "
        'type="application/ld+json">'
        + json.dumps({"@context": "https://schema.org", **data})
        + "</script>"
    )


def title_tag(title: str) -> str:
    return f"<title>{title}</title>"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (title_tag("Kompost im Herbst | Gartenfreunde Süd"), ""),
        (title_tag("Gartenfreunde Süd » Kompost im Herbst"), ""),
        (
            title_tag("Kompost im Herbst – Das Magazin")
            + '<meta property="og:site_name" content="Das Magazin">',
            "",
        ),
        (
            title_tag("Kompost im Herbst - Das große Haus und alles um es herum"),
            "<h1>Kompost im Herbst</h1>",
        ),
        (title_tag("Kompost im Herbst-新华网"), "<h1>Kompost im Herbst</h1>"),
        (title_tag("Serie: Kompost im Herbst"), "<h2>Kompost im Herbst</h2>"),
        (
            '<meta property="og:title" content="Kompost im Herbst | Gartenfreunde Süd">'
            + title_tag("Start"),
            "",
        ),
        (
            title_tag("Gartenfreunde Süd")
            + linked(**{"@type": "Article", "headline": "Kompost im Herbst"}),
            "",
        ),
        (
            title_tag("Gartenfreunde Süd"),
            "<div><h1>Gartenfreunde Süd</h1></div><h1>Kompost im Herbst</h1>",
        ),
        (
            title_tag("Gartenfreunde Süd | Kompost im Herbst"),
            "<h1>Gartenfreunde Süd</h1><h2>Kompost im Herbst</h2>",
        ),
        ("", "<h1>Kompost im Herbst</h1>"),
    ],
)
def test_a_title_is_the_pages_own_without_the_name_of_its_site(head: str, body: str) -> None:
    assert read(head, body).title == "Kompost im Herbst"


@pytest.mark.parametrize(
    "title",
    [
        "Kompost im Herbst - was tun?",
        "Kompost, Laub und Mulch – ein Vergleich",
        "Spart Süd-Korea Wasser?",
        "Der Nord-Süd-Vergleich | Teil 2",
    ],
)
def test_a_title_keeps_parts_that_name_no_site(title: str) -> None:
    assert read(title_tag(title), "").title == title
    assert read(title_tag(f"{title} | Gartenfreunde Süd"), "").title == title


@pytest.mark.parametrize("head", ["", title_tag("Startseite"), title_tag("Gartenfreunde Süd")])
def test_the_title_of_the_feed_comes_first(head: str) -> None:
    hints = Hints(title="Kompost &  Laub | Gartenfreunde Süd")
    assert read(head, "<h1>Neues</h1>", hints).title == "Kompost & Laub"


@pytest.mark.parametrize(
    "listed", ["", "Kompost im …", "Kompost im...", "https://a.example/kompost", "Wort " * 200]
)
def test_a_cut_or_missing_feed_title_gives_way_to_the_pages(listed: str) -> None:
    assert (
        read(title_tag("Kompost im Herbst"), hints=Hints(title=listed)).title == "Kompost im Herbst"
    )


def test_a_page_without_a_title_takes_even_a_cut_feed_title() -> None:
    assert read("", "", Hints(title="Kompost im …")).title == "Kompost im …"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ('<meta property="article:published_time" content="2026-10-03T23:30:00+02:00">', ""),
        (linked(**{"@type": "NewsArticle", "datePublished": "2026-10-03T23:30:00+0200"}), ""),
        (
            linked(
                **{"@graph": [{"@type": ["BlogPosting"], "datePublished": "2026-10-03T21:30:00Z"}]}
            ),
            "",
        ),
        ('<meta name="parsely-pub-date" content="Sat, 03 Oct 2026 23:30:00 +0200">', ""),
        ("", '<time itemprop="datePublished" datetime="2026-10-03T23:30:00+02:00">gestern</time>'),
    ],
)
def test_a_date_is_an_instant_with_its_zone(head: str, body: str) -> None:
    assert read(head, body).published_at == datetime(2026, 10, 3, 23, 30, tzinfo=CEST)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ('<meta name="date" content="2026-10-03">', ""),
        ("", '<h1>Kompost</h1><time datetime="2026-10-03">Anfang Oktober</time>'),
        ("", "<h1>Kompost</h1><p>Veröffentlicht am 3. Oktober 2026 von Anna Blum</p>"),
        ("", "<p>October 3, 2026</p><h1>Kompost</h1>"),
    ],
)
def test_a_day_alone_is_its_midnight(head: str, body: str) -> None:
    assert read(head, body).published_at == datetime(2026, 10, 3, tzinfo=UTC)


def test_the_date_in_the_url_counts_where_the_page_says_none() -> None:
    url = "https://a.example/2026/10/03/kompost"
    html = f"<html><body><article><h1>Kompost</h1>{TEXT}</article></body></html>"
    got = page(Fetched(url, url, 200, "text/html", "utf-8", html.encode()), now=NOW)
    assert got.published_at == datetime(2026, 10, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        "2027-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "0001-01-01",
        "2026-02-30",
        "heute",
        "{{ date }}",
        "",
    ],
)
def test_a_date_that_cannot_be_true_gives_way_to_the_next(wrong: str) -> None:
    head = linked(**{"@type": "Article", "datePublished": wrong})
    assert read(head).published_at is None
    right = '<meta property="article:published_time" content="2026-10-03T10:00:00Z">'
    assert read(head + right).published_at == datetime(2026, 10, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        f"<h1>Kompost</h1>{TEXT}<p>Im Jahr 2019 war es trocken, und am 3. Mai 2020 regnete es.</p>",
        f"<h1>Kompost</h1>{TEXT}<footer>© 2014–2020 Gartenfreunde. Zuletzt besucht am "
        "04.05.2021.</footer>",
        f"<h1>Gärten seit 1990</h1>{TEXT}",
    ],
)
def test_a_date_that_is_not_the_pages_own_is_not_taken_for_it(body: str) -> None:
    assert read("", body).published_at is None


def test_dates_of_other_pages_in_linked_data_do_not_count() -> None:
    others = [
        {"@type": "Article", "datePublished": "2020-01-05", "url": f"https://a.example/{n}"}
        for n in range(3)
    ]
    listed = linked(**{"@type": "ItemList", "itemListElement": others})
    own = {
        "@type": "Article",
        "datePublished": "2026-10-03T10:00:00Z",
        "mainEntityOfPage": {"@id": URL},
    }
    assert read(listed).published_at is None
    assert read(linked(**{"@graph": [*others, own]})).published_at == datetime(
        2026, 10, 3, 10, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "wrap",
    [
        "<![CDATA[{}]]>",
        "\n<![CDATA[\n{}\n]]>\n",
        "//<![CDATA[\n{}\n//]]>",
        "/*<![CDATA[*/{}/*]]>*/",
    ],
)
def test_linked_data_in_a_cdata_section_is_read(wrap: str) -> None:
    data = json.dumps(
        {"@type": "Article", "datePublished": "2026-10-03T10:00:00Z", "dateModified": "2026-10-09"}
    )
    head = f'<script type="application/ld+json">{wrap.replace("{}", data)}</script>'
    changed = '<meta property="article:modified_time" content="2026-10-09T10:00:00Z">'
    assert read(head + changed).published_at == datetime(2026, 10, 3, 10, tzinfo=UTC)


def test_broken_or_endlessly_nested_linked_data_is_ignored() -> None:
    deep = "[" * 100_000 + "]" * 100_000  # more than Python's own stack takes
    for data in ("{broken", deep, '"text"', "null", '{"@type": 3, "datePublished": [1]}'):
        head = (
            title_tag("Kompost im Herbst") + f'<script type="application/ld+json">{data}</script>'
        )
        assert (read(head).title, read(head).published_at) == ("Kompost im Herbst", None)


def test_dates_come_from_feed_then_page_then_the_feeds_change() -> None:
    said, own = datetime(2026, 11, 3, 8, tzinfo=UTC), datetime(2026, 10, 3, 10, tzinfo=UTC)
    head = '<meta property="article:published_time" content="2026-10-03T10:00:00Z">'
    assert read(head, hints=Hints(published_at=said)).published_at == said
    assert read("", hints=Hints(published_at=said)).published_at == said
    assert read(head, hints=Hints(updated_at=said)).published_at == own
    assert read("", hints=Hints(updated_at=said)).published_at == said
    assert read(head, hints=Hints(published_at=NOW + timedelta(days=30))).published_at == own


def test_plain_text_has_the_title_and_the_date_of_its_feed() -> None:
    said = datetime(2026, 11, 3, 8, tzinfo=UTC)
    body = "\n\n".join(
        f"Leaf mould of heap {n} takes two winters. It asks for nothing but a cage."
        for n in range(6)
    )
    fetched = Fetched(URL, URL, 200, "text/plain", "utf-8", body.encode())
    got = page(fetched, Hints(title="Mould", published_at=said), NOW)
    assert (got.title, got.published_at) == ("Mould", said)


ANNA = {"@type": "Person", "name": "Anna Berg"}


@pytest.mark.parametrize(
    ("head", "body", "author"),
    [
        (linked(**{"@type": "Article", "author": ANNA}), "", "Anna Berg"),
        (
            linked(**{"@type": "Article", "author": [ANNA, {"name": "Bo Lind"}]}),
            "",
            "Anna Berg, Bo Lind",
        ),
        (linked(**{"@type": "NewsArticle", "author": "By Anna Berg"}), "", "Anna Berg"),
        ('<meta name="author" content="Anna Berg">', "", "Anna Berg"),
        ('<meta property="article:author" content="https://x.example/anna">', "", None),
        (
            '<meta property="article:author" content="https://x.example/anna">'
            '<meta name="parsely-author" content="Anna Berg">',
            "",
            "Anna Berg",
        ),
        ("", '<p><a rel="author" href="/anna">Von Anna Berg</a></p>', "Anna Berg"),
        ("", '<p itemprop="author">Par\u00a0: Anna Berg</p>', "Anna Berg"),
        ('<meta name="author" content="admin">', "", None),
        ('<meta name="author" content="anna@garten.example">', "", None),
        ('<meta name="twitter:creator" content="@anna">', "", None),
        ('<meta name="author" content="Gartenfreunde Süd">', "", None),
        ("", "", None),
    ],
)
def test_the_author_is_who_the_page_names_and_nobody_else(
    head: str, body: str, author: str | None
) -> None:
    assert read(head, body or "<h1>Kompost</h1>").author == author


def test_the_feed_is_believed_first_about_the_author() -> None:
    head = '<meta name="author" content="Bo Lind">'
    assert read(head, hints=Hints(author="Anna Berg")).author == "Anna Berg"
    assert read(head, hints=Hints(author="admin")).author == "Bo Lind"
