"""What a page says, and what it refuses to say however it is asked."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from lxml import etree, html

from contentstudio.config import Site
from contentstudio.model import Draft, Image, InternalLink, Question, Reference, Section, Sentence
from contentstudio.publish import anchors, labels, render
from overnight.errors import InvalidPayload

PUBLISHED = datetime(2025, 3, 1, 4, 5, tzinfo=UTC)
UPDATED = datetime(2025, 3, 9, 10, 0, tzinfo=UTC)
SCRIPTS = 2  # structured data: the article and its breadcrumbs
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
        "sections": [
            Section(
                heading="Heaps",
                paragraphs=list(paragraphs) or [[Sentence(text="A heap is a start.")]],
            )
        ],
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
    return json.loads(first(tree, "//script[@type='application/ld+json'][1]/text()"))


def full_draft(count: int = 5) -> Draft:
    """Everything that an article may have."""
    sections = [
        Section(
            heading=f"Part {n}",
            paragraphs=[[quoted("A heap."), Sentence(text=f"A heap is {n} in a heap.")]],
        )
        for n in range(1, count + 1)
    ]
    return make_draft(
        sections=sections,
        faq=[Question(question="Why a heap?", answer=[Sentence(text="It is warm.", source="s2")])],
        links=[InternalLink(anchor="heap", url="https://garden.example/heaps/")],
        images=[
            Image(src=f"/pictures/{n}.jpg?a=1&b=2", alt=f'A "heap" & {n}') for n in range(count + 1)
        ],
        tags=["soil", "worms"],
    )


def test_the_head_names_the_article() -> None:
    tree = parsed(make_draft())
    assert first(tree, "/html/@lang") == "en"
    assert first(tree, "//title/text()") == "Good compost · The Garden"
    assert first(tree, "//meta[@name='description']/@content") == "How to make it."
    assert first(tree, "//link[@rel='canonical']/@href") == "https://garden.example/good-compost/"
    assert first(tree, "//meta[@property='og:title']/@content") == "Good compost"
    assert (
        first(tree, "//meta[@property='og:url']/@content") == "https://garden.example/good-compost/"
    )
    assert (
        first(tree, "//meta[@property='article:modified_time']/@content") == "2025-03-09T10:00:00Z"
    )


def test_a_picture_with_credit_or_licence_is_an_image_object() -> None:
    facts: dict[str, Any] = {
        "credit": "Ann Lee",
        "licence": "CC BY 4.0",
        "licence_url": "https://licences.example/by",
        "caption": "In May",
        "width": 800,
        "height": 600,
    }
    images = [
        Image(src="/plain.png", alt="Plain", caption="In June", width=8, height=6),
        Image(src="/whole.png", alt="Whole", **facts),
        Image(src="/credit.png", alt="Credit", credit="Ann Lee"),
    ]
    plain, whole, credit = structured(parsed(make_draft(images=images)))["image"]
    assert plain == "https://garden.example/plain.png"
    assert whole == {
        "@type": "ImageObject",
        "contentUrl": "https://garden.example/whole.png",
        "url": "https://garden.example/whole.png",
        "caption": "In May",
        "creditText": "Ann Lee",
        "license": "https://licences.example/by",
        "width": 800,
        "height": 600,
    }
    assert credit == {
        "@type": "ImageObject",
        "contentUrl": "https://garden.example/credit.png",
        "url": "https://garden.example/credit.png",
        "creditText": "Ann Lee",
    }


def test_the_size_of_a_picture_is_measured_or_what_it_declares() -> None:
    image = Image(src="heap.png", alt="A heap", width=800, height=600)
    draft = make_draft(images=[image])
    for sizes, size in (({}, ["800", "600"]), ({"heap.png": (4, 3)}, ["4", "3"])):
        (shown,) = html.fragment_fromstring(
            render.body(draft, sizes=sizes), create_parent=True
        ).xpath("//img")
        assert [shown.get("width"), shown.get("height")] == size
    half = make_draft(images=[image.model_copy(update={"height": None})])
    assert "width" not in render.body(half)


def test_structured_data_is_a_whole_article() -> None:
    data = structured(parsed(make_draft()))
    assert (data["@type"], data["headline"], data["description"]) == (
        "Article",
        "Good compost",
        "How to make it.",
    )
    assert (data["datePublished"], data["dateModified"]) == (
        "2025-03-01T04:05:00Z",
        "2025-03-09T10:00:00Z",
    )
    assert data["mainEntityOfPage"] == {
        "@type": "WebPage",
        "@id": "https://garden.example/good-compost/",
    }
    assert data["author"]["name"] == data["publisher"]["name"] == "The Garden"
    assert [c["url"] for c in data["citation"]] == [
        "https://one.example/a?b=1&c=2",
        "https://two.example/",
    ]


def test_headings_make_one_outline() -> None:
    tree = parsed(make_draft())
    assert [h.text for h in tree.xpath("//h1 | //h2 | //h3")] == [
        "Good compost",
        "Heaps",
        "Sources",
    ]


def test_every_quoted_sentence_is_a_q_of_its_own() -> None:
    texts = ["Is 1 < 2 & 3 > 2?", 'He said "heap".', "It’s  spaced – oddly.", "The last one."]
    draft = make_draft([quoted(t) for t in texts[:3]], [quoted(texts[3], "s2")])
    quotes = parsed(draft).xpath("//q")
    assert [q.text_content() for q in quotes] == texts
    assert [q.get("cite") for q in quotes] == ["https://one.example/a?b=1&c=2"] * 3 + [
        "https://two.example/"
    ]
    assert "“<q " in rendered(draft)
    assert "</q>”" in rendered(draft)


def test_neighbours_of_one_source_share_a_mark() -> None:
    draft = make_draft(
        [
            quoted("A."),
            quoted("B."),
            quoted("C.", "s2"),
            Sentence(text="D."),
            Sentence(text="E.", source="s1"),
        ]
    )
    [paragraph] = parsed(draft).xpath("//section/p")
    assert paragraph.text_content() == "“A.” “B.”1 “C.”2 D. E.1"
    assert [a.get("href") for a in paragraph.xpath("sup/a")] == ["#s1", "#s2", "#s1"]


def test_references_are_links_that_give_nothing_away() -> None:
    tree = parsed(make_draft())
    assert tree.xpath("//ol/li/@id") == ["s1", "s2"]
    assert tree.xpath("//ol/li/a/@href") == [
        "https://one.example/a?b=1&c=2",
        "https://two.example/",
    ]
    assert set(tree.xpath("//ol/li/a/@rel")) == {"noopener nofollow"}


def test_a_source_shows_who_wrote_it_and_of_which_day_it_is() -> None:
    one, two = make_draft().references
    dated = {"published_at": datetime(2026, 11, 20, tzinfo=UTC), "author": "Anna <b>Berg</b>"}
    draft = make_draft(references=[one.model_copy(update=dated), two])
    tree = parsed(draft)
    assert tree.xpath("//ol/li/span/text()") == [
        "Anna <b>Berg</b>, one.example, 20 November 2026",
        "two.example",
    ]
    first_source, second = structured(tree)["citation"]
    assert first_source["datePublished"].startswith("2026-11-20")
    assert first_source["author"] == {"@type": "Person", "name": "Anna <b>Berg</b>"}
    assert set(second) == {"@type", "name", "url"}
    german = parsed(draft.model_copy(update={"language": "de"}))
    assert "20. November 2026" in german.xpath("//ol/li/span/text()")[0]


@pytest.mark.parametrize("field", ["title", "description", "language"])
def test_hostile_fields_stay_text(field: str) -> None:
    tree = parsed(make_draft(**{field: HOSTILE}))
    assert len(tree.xpath("//script")) == SCRIPTS
    assert not tree.xpath("//img")
    key = {"title": "headline", "description": "description", "language": "inLanguage"}[field]
    assert structured(tree)[key] == HOSTILE


def test_hostile_body_stays_text() -> None:
    reference = Reference(id="s1", url="https://one.example/", title=HOSTILE, sha256="0" * 64)
    section = Section(heading=HOSTILE, paragraphs=[[quoted(HOSTILE), Sentence(text=HOSTILE)]])
    tree = parsed(make_draft(sections=[section], references=[reference]))
    assert len(tree.xpath("//script")) == SCRIPTS
    assert not tree.xpath("//img")
    assert first(tree, "//article/section[1]/h2/text()") == HOSTILE
    assert first(tree, "//q/text()") == HOSTILE
    assert first(tree, "//ol/li/a/text()") == HOSTILE


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "ftp://a.example/",
        'https:" onclick="x',
        "http://[",
    ],
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
    assert (
        first(tree, "//ol/li/a/@href")
        == first(tree, "//q/@cite")
        == 'https://a.example/"onclick="x'
    )
    assert not tree.xpath("//@onclick")


def test_addresses_in_the_text_are_not_links() -> None:
    tree = parsed(make_draft([Sentence(text="See https://spam.example/ now.")]))
    assert not tree.xpath("//article/section/p//a")


def test_the_offline_writer_is_named() -> None:
    assert "without a language model" in rendered(make_draft(writer="offline"))
    assert "without a language model" not in rendered(make_draft())


@pytest.mark.parametrize(
    ("language", "day", "sources"),
    [
        ("en", "1 March 2025", "Sources"),
        ("en-US", "1 March 2025", "Sources"),
        ("de", "1. März 2025", "Quellen"),
        ("pt-BR", "1 de março de 2025", "Fontes"),
        ("ja", "2025年3月1日", "出典"),
        ("nb", "1. mars 2025", "Kilder"),
        ("xx", "2025-03-01", "Sources"),
    ],
)
def test_the_page_around_an_article_is_in_its_language(
    language: str, day: str, sources: str
) -> None:
    tree = parsed(make_draft(language=language, writer="offline"), make_site(language="en"))
    assert tree.xpath("//p[@class='meta']/time/text()")[0] == day
    assert tree.xpath("//section[@class='sources']/h2/text()") == [sources]
    english = sources == "Sources"
    for place in (
        "//a[@class='skip']/text()",
        "//p[@class='note']/text()",
        "//footer//a[2]/text()",
    ):
        assert tree.xpath(place)[0].strip()
    assert tree.xpath("//a[@class='skip']/text()") == ["Skip to the content"] or not english
    assert (tree.xpath("//p[@class='note']/@lang") == ["en"]) == (language == "xx")


def test_every_language_has_every_label() -> None:
    known = labels._labels()
    assert {code: set(told) ^ set(known["en"]) for code, told in known.items()} == {
        code: set() for code in known
    }
    assert all(text.strip() for told in known.values() for text in told.values())


def test_what_is_written_from_right_to_left_is_shown_so() -> None:
    assert parsed(make_draft(language="he")).get("dir") == "rtl"
    assert parsed(make_draft(language="de")).get("dir") == "ltr"


def test_what_is_not_to_be_indexed_says_so_and_is_in_no_sitemap() -> None:
    moments = {"published_at": PUBLISHED, "updated_at": UPDATED}
    robots = "//meta[@name='robots']/@content"
    hidden = html.document_fromstring(
        render.article(make_site(), make_draft(), **moments, indexed=False)
    )
    assert hidden.xpath(robots) == ["noindex, follow"]
    assert parsed(make_draft()).xpath(robots)[0].startswith("index, follow")
    page = render.Page(title="A", description="", sha256="", **moments, indexed=False)
    files = render.listings(
        make_site(), {"hidden": page, "seen": page.model_copy(update={"indexed": True})}
    )
    assert "/seen/" in files["sitemap.xml"]
    assert "/hidden/" not in files["sitemap.xml"]
    assert "hidden/" in files["index.html"]


def test_a_sentence_must_not_cite_what_is_not_listed() -> None:
    with pytest.raises(InvalidPayload, match="'s9'"):
        rendered(make_draft([quoted("A.", "s9")]))


def test_without_references_there_is_no_list_of_sources() -> None:
    assert not parsed(make_draft(references=[])).xpath("//ol")


def test_lists_are_newest_first_and_well_formed() -> None:
    site = make_site(description=HOSTILE, ping={"key": "0123456789abcdef"})
    old = render.Page(
        title="Old", description="", sha256="", published_at=PUBLISHED, updated_at=UPDATED
    )
    new = render.Page(
        title=f"{HOSTILE}\x0b\x00",
        description="]]>",
        sha256="",
        published_at=UPDATED,
        updated_at=UPDATED,
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


VOID = {"meta", "link", "img", "br", "hr"}


class Nesting(HTMLParser):
    """Reads a page strictly: every element is closed where HTML wants it, no id is given twice."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.faults: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.faults += [f"{name} twice on <{tag}>" for name in names if names.count(name) > 1]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if "p" in self.open and tag in ("p", "section", "figure", "nav", "ol", "h2", "h3"):
            self.faults.append(f"<{tag}> in a <p>")
        if "a" in self.open and tag == "a":
            self.faults.append("<a> in an <a>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes another element")


@pytest.mark.parametrize(
    "draft", [make_draft(), full_draft(), full_draft(4), make_draft(title=HOSTILE)], ids=range(4)
)
def test_the_page_is_valid(draft: Draft) -> None:
    nesting = Nesting(rendered(draft))
    assert (nesting.faults, nesting.open) == ([], [])
    assert len(nesting.ids) == len(set(nesting.ids))
    tree = parsed(draft)
    targets = set(tree.xpath("//@id"))
    assert {href[1:] for href in tree.xpath("//a/@href") if href.startswith("#")} <= targets
    levels = [int(h.tag[1]) for h in tree.xpath("//h1 | //h2 | //h3 | //h4")]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))


def test_the_page_loads_nothing_from_elsewhere() -> None:
    tree = parsed(full_draft())
    loaded = tree.xpath("//*/@src") + tree.xpath("//link[@rel='stylesheet']/@href")
    assert loaded
    assert all(url.startswith("/") for url in loaded)
    assert not re.search(r"@import|url\(", first(tree, "//style/text()"))
    assert not tree.xpath("//script[not(@type='application/ld+json')]")


def test_lists_and_networks_are_told_what_the_page_is() -> None:
    tree = parsed(full_draft())
    assert first(tree, "//meta[@property='og:type']/@content") == "article"
    assert first(tree, "//meta[@property='og:site_name']/@content") == "The Garden"
    assert (
        first(tree, "//meta[@property='og:image']/@content")
        == "https://garden.example/pictures/0.jpg?a=1&b=2"
    )
    assert first(tree, "//meta[@property='og:image:alt']/@content") == 'A "heap" & 0'
    assert first(tree, "//meta[@name='twitter:card']/@content") == "summary_large_image"
    assert first(tree, "//meta[@name='twitter:title']/@content") == "Good compost"
    assert first(tree, "//meta[@name='twitter:description']/@content") == "How to make it."
    assert tree.xpath("//meta[@property='article:tag']/@content") == ["soil", "worms"]
    assert first(tree, "//meta[@name='robots']/@content").startswith("index, follow")


@pytest.mark.parametrize(
    ("language", "told"), [("de", ["de"]), ("pt-BR", ["pt-BR"]), ("", []), ('"> x', [])]
)
def test_a_language_is_told_where_it_is_known(language: str, told: list[str]) -> None:
    tree = parsed(make_draft(language=language))
    assert tree.xpath("//link[@hreflang]/@hreflang") == told
    assert tree.xpath("//link[@hreflang]/@href") == ["https://garden.example/good-compost/"] * len(
        told
    )


def test_the_sites_name_never_cuts_the_articles_title() -> None:
    assert first(parsed(make_draft(title="x" * 47)), "//title/text()") == f"{'x' * 47} · The Garden"
    assert first(parsed(make_draft(title="x" * 48)), "//title/text()") == "x" * 48


def test_questions_are_answered_on_the_page_and_told_to_machines() -> None:
    draft = full_draft()
    tree = parsed(draft)
    assert tree.xpath("//h3/text()") == ["Why a heap?"]
    [answer] = tree.xpath("//h3/following-sibling::p")
    assert answer.text_content() == "It is warm.2"
    article, faq, _ = (json.loads(script) for script in tree.xpath("//script/text()"))
    assert (article["@type"], faq["@type"]) == ("Article", "FAQPage")
    assert faq["mainEntity"] == [
        {
            "@type": "Question",
            "name": "Why a heap?",
            "acceptedAnswer": {"@type": "Answer", "text": "It is warm."},
        }
    ]
    assert article["image"][0] == "https://garden.example/pictures/0.jpg?a=1&b=2"
    assert article["keywords"] == ["soil", "worms"]


def test_a_long_article_has_contents_that_lead_to_its_sections() -> None:
    tree = parsed(full_draft(5))
    entries = tree.xpath("//nav[@class='contents']//li/a")
    assert [a.text for a in entries] == [f"Part {n}" for n in range(1, 6)]
    for entry in entries:
        [heading] = tree.xpath(f"//section[@id='{entry.get('href')[1:]}']/h2")
        assert heading.text == entry.text
    assert not parsed(full_draft(4)).xpath("//nav[@class='contents']")


@pytest.mark.parametrize(
    ("headings", "ids"),
    [
        (["Heaps & worms", "Über Böden"], ["heaps-worms", "uber-boden"]),
        (["S1", "Sources", "!!!"], ["s1-1", "sources-2", "section-3"]),
        (["A", "A", "a"], ["a", "a-2", "a-3"]),
    ],
)
def test_every_section_has_an_address_of_its_own(headings: list[str], ids: list[str]) -> None:
    sections = [
        Section(heading=heading, paragraphs=[[Sentence(text="A.")]]) for heading in headings
    ]
    page = rendered(make_draft(sections=sections))
    assert html.document_fromstring(page).xpath("//section[not(@class)]/@id") == ids
    assert Nesting(page).ids.count(ids[0]) == 1


def test_a_heading_that_the_writer_gave_is_not_given_again() -> None:
    sections = [
        Section(heading=heading, paragraphs=[[quoted("A.")]])
        for heading in ("Sources", "Questions and answers")
    ]
    tree = parsed(full_draft().model_copy(update={"sections": sections}))
    assert tree.xpath("//h2/text()") == ["Sources", "Questions and answers"]


def test_pictures_precede_their_sections_and_have_alt_texts() -> None:
    tree = parsed(full_draft(2))
    assert tree.xpath("//article//img/@alt") == ['A "heap" & 0', 'A "heap" & 1', 'A "heap" & 2']
    kinds = [e.tag for e in tree.xpath("//article/section[not(@class)] | //article/figure")]
    assert kinds == ["figure", "section", "figure", "section", "figure"]
    assert tree.xpath("//img/@loading") == ["lazy", "lazy"]


def test_a_picture_that_is_no_picture_is_not_loaded() -> None:
    tree = parsed(make_draft(images=[Image(src="javascript:alert(1)", alt="A heap")]))
    assert not tree.xpath("//img/@src")


def test_the_body_is_the_article_without_its_page() -> None:
    draft = full_draft()
    body = render.body(draft)
    assert body in rendered(draft)
    assert not re.search(r"<(html|head|body|main|article|h1|script|style|meta)\b", body)
    assert Nesting(body).faults == []


LINK = InternalLink(anchor="heap", url="https://garden.example/heaps/")


def linked(*sentences: Sentence, links: list[InternalLink] | None = None) -> list[tuple[str, str]]:
    """(words before it in its sentence, URL) of each link in the prose."""
    draft = make_draft(list(sentences), links=[LINK] if links is None else links)
    found = []
    for parts in anchors.pieces(draft):
        before = ""
        for piece in parts:
            if piece.url:
                found.append((before, piece.url))
            before += piece.text
    assert ["".join(p.text for p in parts) for parts in anchors.pieces(draft)] == [
        s.text for s in sentences
    ]
    return found


def test_a_link_is_placed_only_at_the_first_use_of_its_words() -> None:
    texts = ["Every heap rests.", "A heap is a heap."]
    assert linked(*(Sentence(text=text) for text in texts)) == [("Every ", LINK.url)]


@pytest.mark.parametrize(
    "text",
    [
        "Heaps rest.",
        "A cheap one.",
        "She said “a heap rests”.",
        'A "heap" rests.',
        "«Un heap» rests.",
        "A “heap",
    ],
)
def test_a_link_is_not_put_into_words_that_are_not_its_own(text: str) -> None:
    assert linked(Sentence(text=text)) == []


def test_a_quote_is_left_as_its_source_has_it() -> None:
    assert linked(quoted("A heap rests."), Sentence(text="It is a heap.")) == [
        ("It is a ", LINK.url)
    ]


def test_no_link_stands_within_another() -> None:
    inner = InternalLink(anchor="old heap", url="https://garden.example/old/")
    text = Sentence(text="An old heap rests.")
    assert linked(text, links=[LINK, inner]) == [("An old ", LINK.url)]
    assert anchors.placed(make_draft([text], links=[LINK, inner])) == [LINK]


def test_words_of_a_script_without_blanks_are_linked_too() -> None:
    link = InternalLink(anchor="堆肥", url="https://garden.example/taihi/")
    assert linked(Sentence(text="良い堆肥を作る。"), links=[link]) == [("良い", link.url)]


def test_a_heading_has_no_link() -> None:
    draft = make_draft(
        sections=[Section(heading="A heap", paragraphs=[[Sentence(text="It rests.")]])],
        links=[LINK],
    )
    assert not parsed(draft).xpath("//h2/a")
    assert LINK.url not in rendered(draft)


@pytest.mark.parametrize(
    ("url", "followed"), [("/heaps/", True), ("//evil.example/", False), ("javascript:x()", False)]
)
def test_a_link_leads_to_pages_alone(url: str, followed: bool) -> None:
    draft = make_draft(links=[InternalLink(anchor="heap", url=url)])
    assert bool(parsed(draft).xpath("//section[1]//a")) is followed


def test_reading_time_counts_characters_where_no_spaces_are() -> None:
    assert render.reading_minutes("") == 1
    assert render.reading_minutes("word " * 660) == 3
    assert render.reading_minutes("堆" * 1500) == 3


def test_a_page_speaks_the_language_of_its_article() -> None:
    assert parsed(make_draft(language="de")).xpath("//h2/text()") == ["Heaps", "Quellen"]
    assert parsed(make_draft(language="xx")).xpath("//h2/text()") == ["Heaps", "Sources"]
