"""What a page says, and what it refuses to say however it is asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree, html

from contentstudio.config import Site
from contentstudio.model import Draft, Reference, Section, Sentence
from contentstudio.publish import render
from overnight.errors import InvalidPayload

PUBLISHED = datetime(2025, 3, 1, 4, 5, tzinfo=UTC)
UPDATED = datetime(2025, 3, 9, 10, 0, tzinfo=UTC)
HOSTILE = '<script>alert("1")</script> & \'</title></script><!-- <img src=x onerror=alert(1)>'


def make_site(**changes: Any) -> Site:
    values = {
        "name": "garden",
        "url": "https://garden.example",
        "title": "The Garden",
        "sources": ["https://a.example"],
    }
    return Site.model_validate(values | changes)


def quoted(text: str, source: str = "s1") -> Sentence:
    return Sentence(text=text, source=source, quoted=True)


def make_draft(*paragraphs: list[Sentence], **changes: Any) -> Draft:
    values: dict[str, Any] = {
        "site": "garden",
        "slug": "good-compost",
        "title": "Good compost",
        "description": "How to make it.",
        "sections": [Section(heading="Heaps", paragraphs=list(paragraphs) or [[Sentence(text="A heap is a start.")]])],
        "references": [
            Reference(id="s1", url="https://one.example/a?b=1&c=2", title="One", sha256="0" * 64),
            Reference(id="s2", url="https://two.example/", title="Two", sha256="1" * 64),
        ],
        "writer": "some-model",
    }
    return Draft.model_validate(values | changes)


def rendered(draft: Draft, site: Site | None = None) -> str:
    return render.article(site or make_site(), draft, published_at=PUBLISHED, updated_at=UPDATED)


def parsed(draft: Draft, site: Site | None = None) -> html.HtmlElement:
    page = rendered(draft, site)
    assert page.startswith("<!doctype html>\n")
    return html.document_fromstring(page)


def first(tree: html.HtmlElement, xpath: str) -> str:
    [value] = tree.xpath(xpath)
    return str(value)


def structured(tree: html.HtmlElement) -> dict[str, Any]:
    return json.loads(first(tree, "//script[@type='application/ld+json']/text()"))


def test_the_head_names_the_article() -> None:
    tree = parsed(make_draft())
    assert first(tree, "/html/@lang") == "en"
    assert first(tree, "//title/text()") == "Good compost · The Garden"
    assert first(tree, "//meta[@name='description']/@content") == "How to make it."
    assert first(tree, "//link[@rel='canonical']/@href") == "https://garden.example/good-compost/"
    assert first(tree, "//meta[@property='og:title']/@content") == "Good compost"
    assert first(tree, "//meta[@property='og:url']/@content") == "https://garden.example/good-compost/"
    assert first(tree, "//meta[@property='article:modified_time']/@content") == "2025-03-09T10:00:00Z"


def test_structured_data_is_a_whole_article() -> None:
    data = structured(parsed(make_draft()))
    assert (data["@type"], data["headline"], data["description"]) == ("Article", "Good compost", "How to make it.")
    assert (data["datePublished"], data["dateModified"]) == ("2025-03-01T04:05:00Z", "2025-03-09T10:00:00Z")
    assert data["mainEntityOfPage"] == {"@type": "WebPage", "@id": "https://garden.example/good-compost/"}
    assert data["author"]["name"] == data["publisher"]["name"] == "The Garden"
    assert [c["url"] for c in data["citation"]] == ["https://one.example/a?b=1&c=2", "https://two.example/"]


def test_headings_make_one_outline() -> None:
    tree = parsed(make_draft())
    assert [h.text for h in tree.xpath("//h1 | //h2 | //h3")] == ["Good compost", "Heaps", "Sources"]


def test_every_quoted_sentence_is_a_q_of_its_own() -> None:
    texts = ["Is 1 < 2 & 3 > 2?", 'He said "heap".', "It’s  spaced – oddly.", "The last one."]
    draft = make_draft([quoted(t) for t in texts[:3]], [quoted(texts[3], "s2")])
    quotes = parsed(draft).xpath("//q")
    assert [q.text_content() for q in quotes] == texts
    assert [q.get("cite") for q in quotes] == ["https://one.example/a?b=1&c=2"] * 3 + ["https://two.example/"]
    assert "“<q " in rendered(draft)
    assert "</q>”" in rendered(draft)


def test_neighbours_of_one_source_share_a_mark() -> None:
    draft = make_draft(
        [quoted("A."), quoted("B."), quoted("C.", "s2"), Sentence(text="D."), Sentence(text="E.", source="s1")]
    )
    [paragraph] = parsed(draft).xpath("//section/p")
    assert paragraph.text_content() == "“A.” “B.”1 “C.”2 D. E.1"
    assert [a.get("href") for a in paragraph.xpath("sup/a")] == ["#s1", "#s2", "#s1"]


def test_references_are_links_that_give_nothing_away() -> None:
    tree = parsed(make_draft())
    assert tree.xpath("//ol/li/@id") == ["s1", "s2"]
    assert tree.xpath("//ol/li/a/@href") == ["https://one.example/a?b=1&c=2", "https://two.example/"]
    assert set(tree.xpath("//ol/li/a/@rel")) == {"noopener nofollow"}


@pytest.mark.parametrize("field", ["title", "description", "language"])
def test_hostile_fields_stay_text(field: str) -> None:
    tree = parsed(make_draft(**{field: HOSTILE}))
    assert len(tree.xpath("//script")) == 1
    assert not tree.xpath("//img")
    key = {"title": "headline", "description": "description", "language": "inLanguage"}[field]
    assert structured(tree)[key] == HOSTILE


def test_hostile_body_stays_text() -> None:
    reference = Reference(id="s1", url="https://one.example/", title=HOSTILE, sha256="0" * 64)
    section = Section(heading=HOSTILE, paragraphs=[[quoted(HOSTILE), Sentence(text=HOSTILE)]])
    tree = parsed(make_draft(sections=[section], references=[reference]))
    assert len(tree.xpath("//script")) == 1
    assert not tree.xpath("//img")
    assert first(tree, "//article/section[1]/h2/text()") == HOSTILE
    assert first(tree, "//q/text()") == HOSTILE
    assert first(tree, "//ol/li/a/text()") == HOSTILE


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://a.example/", 'https:" onclick="x', "http://["],
)
def test_only_web_addresses_become_links(url: str) -> None:
    reference = Reference(id="s1", url=url, title="A title", sha256="0" * 64)
    tree = parsed(make_draft([quoted("A sentence.")], references=[reference]))
    assert first(tree, "//ol/li/text()") == "A title"
    assert not tree.xpath("//ol//a")
    assert not tree.xpath("//q/@cite")
    assert structured(tree)["citation"] == []


def test_quotes_in_an_address_cannot_leave_the_attribute() -> None:
    reference = Reference(id="s1", url='https://a.example/"onclick="x', title="A", sha256="0" * 64)
    tree = parsed(make_draft([quoted("A sentence.")], references=[reference]))
    assert first(tree, "//ol/li/a/@href") == first(tree, "//q/@cite") == 'https://a.example/"onclick="x'
    assert not tree.xpath("//@onclick")


def test_addresses_in_the_text_are_not_links() -> None:
    tree = parsed(make_draft([Sentence(text="See https://spam.example/ now.")]))
    assert not tree.xpath("//article/section/p//a")


def test_the_offline_writer_is_named() -> None:
    assert "without a language model" in rendered(make_draft(writer="offline"))
    assert "without a language model" not in rendered(make_draft())


def test_a_sentence_must_not_cite_what_is_not_listed() -> None:
    with pytest.raises(InvalidPayload, match="'s9'"):
        rendered(make_draft([quoted("A.", "s9")]))


def test_without_references_there_is_no_list_of_sources() -> None:
    assert not parsed(make_draft(references=[])).xpath("//ol")


def test_lists_are_newest_first_and_well_formed() -> None:
    site = make_site(description=HOSTILE, ping={"key": "0123456789abcdef"})
    old = render.Page(title="Old", description="", sha256="", published_at=PUBLISHED, updated_at=UPDATED)
    new = render.Page(
        title=f"{HOSTILE}\x0b\x00", description="]]>", sha256="", published_at=UPDATED, updated_at=UPDATED
    )
    files = render.listings(site, {"old": old, "new": new})
    assert files["0123456789abcdef.txt"] == "0123456789abcdef"
    assert "Sitemap: https://garden.example/sitemap.xml\n" in files["robots.txt"]
    sitemap = etree.fromstring(files["sitemap.xml"].encode())
    assert sitemap.xpath("//*[local-name()='loc']/text()") == [
        f"https://garden.example/{path}" for path in ("", "new/", "old/")
    ]
    feed = etree.fromstring(files["feed.xml"].encode())
    titles = feed.xpath("//*[local-name()='entry']/*[local-name()='title']/text()")
    assert titles == [HOSTILE, "Old"]
    index = html.document_fromstring(files["index.html"])
    assert index.xpath("//li//a/text()") == [HOSTILE, "Old"]
    assert not index.xpath("//script")
