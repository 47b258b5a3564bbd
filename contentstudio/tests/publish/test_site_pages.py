"""The pages of a site beside its articles: parts of the index, tags, the owner's own, 404, and the
feet of articles.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urljoin

import pytest
from drafts import small_draft
from lxml import etree, html

from contentstudio.config import Site
from contentstudio.model import Draft, Section, Sentence
from contentstudio.pictures import cards
from contentstudio.publish import foot, lists, render
from contentstudio.publish.own_pages import OwnPage, parsed
from contentstudio.publish.related import related
from overnight.errors import ConfigError

FIRST = datetime(2025, 3, 1, 4, 5, tzinfo=UTC)
OWN = [parsed("about.md", "# About us\n\nWe grow."), parsed("imprint.md", "# Imprint\n\nA street.")]
HOSTILE = '<script>alert("1")</script> & \'</title><!-- <!--/foot--> -->'
SITES = ["https://garden.example", "https://example.com/blog"]


def make_site(**changes: Any) -> Site:
    values = {
        "name": "garden",
        "url": SITES[0],
        "title": "The Garden",
        "sources": ["https://a.example"],
    }
    return Site.model_validate(values | changes)


def page(number: int, title: str = "", **changes: Any) -> render.Page:
    moment = FIRST + timedelta(hours=number)
    told = {
        "title": title or f"Article {number}",
        "description": f"Words of {number}.",
        "sha256": "",
    }
    return render.Page.model_validate(
        {**told, "published_at": moment, "updated_at": moment, **changes}
    )


def many(count: int, **changes: Any) -> dict[str, render.Page]:
    return {f"article-{number}": page(number, **changes) for number in range(count)}


def built(pages: dict[str, render.Page], **changes: Any) -> dict[str, str]:
    """The pages among the files, by their paths."""
    own: list[OwnPage] = changes.pop("own", [])
    files = render.listings(make_site(**changes), pages, own)
    return {
        name: text
        for name, text in files.items()
        if name.endswith(".html") and isinstance(text, str)
    }


def tree(text: str) -> html.HtmlElement:
    return html.document_fromstring(text)


def first(text: str, xpath: str) -> str:
    [value] = tree(text).xpath(xpath)
    return str(value)


def locs(pages: dict[str, render.Page], own: list[OwnPage] | None = None) -> list[str]:
    sitemap = render.listings(make_site(), pages, own or [])["sitemap.xml"]
    assert isinstance(sitemap, str)
    return etree.fromstring(sitemap.encode()).xpath("//*[local-name()='loc']/text()")


def targets(text: str, address: str, site_url: str) -> list[str]:
    """The files of a site that the links of a page lead to."""
    hrefs = tree(text).xpath("//a/@href | //link[@rel='icon']/@href")
    urls = [urljoin(address, href) for href in hrefs if not href.startswith("#")]
    below = [unquote(url.removeprefix(f"{site_url}/")) for url in urls]
    return [f"{path}index.html" if path == "" or path.endswith("/") else path for path in below]


@pytest.mark.parametrize(
    ("articles", "parts"), [(0, 1), (1, 1), (20, 1), (21, 2), (40, 2), (41, 3)]
)
def test_the_index_has_twenty_articles_a_page_and_each_one_once(articles: int, parts: int) -> None:
    files = built(many(articles))
    names = ["index.html", *(f"page/{number}/index.html" for number in range(2, parts + 1))]
    assert sorted(files) == sorted([*names, "404.html"])
    shown = [tree(files[name]).xpath("//h2/a/text()") for name in names]
    assert [title for titles in shown for title in titles] == [
        f"Article {n}" for n in reversed(range(articles))
    ]
    assert all(len(titles) <= 20 for titles in shown)


@pytest.mark.parametrize("url", SITES)
def test_parts_of_the_index_name_each_other_and_themselves(url: str) -> None:
    files = built(many(45), url=url)
    names = ["index.html", "page/2/index.html", "page/3/index.html"]
    addresses = [f"{url}/", f"{url}/page/2/", f"{url}/page/3/"]
    for number, (name, address) in enumerate(zip(names, addresses, strict=True)):
        assert first(files[name], "//link[@rel='canonical']/@href") == address
        assert (
            tree(files[name]).xpath("//link[@rel='prev']/@href")
            == addresses[max(0, number - 1) : number]
        )
        assert (
            tree(files[name]).xpath("//link[@rel='next']/@href")
            == addresses[number + 1 : number + 2]
        )
        assert first(files[name], "//meta[@name='robots']/@content").startswith("index, follow")
    assert first(files[names[1]], "//nav[@class='pager']/a[@rel='prev']/@href") == "../../"
    assert first(files[names[1]], "//nav[@class='pager']/a[@rel='next']/@href") == "../../page/3/"
    assert first(files[names[1]], "//title/text()") == "The Garden, Page 2 of 3"


@pytest.mark.parametrize("url", SITES)
def test_every_link_of_every_page_leads_to_a_page(url: str) -> None:
    pages = {**many(23, tags=["Soil", "公式", "c++"]), "公式": page(99, tags=["Soil"])}
    files = render.listings(make_site(url=url), pages, OWN)
    feet = render.feet(make_site(url=url), pages, OWN)
    whole = {name: text for name, text in files.items() if isinstance(text, str)}
    whole |= {f"{slug}/index.html": f"<body>{text}" for slug, text in feet.items()}
    for name in [name for name in whole if name.endswith(".html")]:
        leads = targets(whole[name], f"{url}/{name.removesuffix('index.html')}", url)
        assert len(leads) > 2
        assert set(leads) <= set(files) | set(whole), name


def test_the_links_of_404_hold_at_any_depth() -> None:
    for url, root in zip(SITES, ["/", "/blog/"], strict=True):
        missing = built(many(1), own=OWN, url=url)["404.html"]
        hrefs = tree(missing).xpath(
            "//body//a[not(starts-with(@href, '#'))]/@href | //link[@rel='icon']/@href"
        )
        assert all(href.startswith(root) for href in hrefs)
        assert {root, f"{root}about/", f"{root}feed.xml"} <= set(hrefs)
        assert first(missing, "//meta[@name='robots']/@content") == "noindex, follow"
        assert not tree(missing).xpath("//link[@rel='canonical']")


def test_a_tag_has_a_page_with_its_articles() -> None:
    files = built({**many(3, tags=["Soil"]), "other": page(9)})
    soil = files["tags/soil/index.html"]
    assert tree(soil).xpath("//h2/a/text()") == ["Article 2", "Article 1", "Article 0"]
    assert tree(soil).xpath("//h2/a/@href")[0] == "../../article-2/"
    assert first(soil, "//h1/text()") == "Soil"
    assert first(soil, "//link[@rel='canonical']/@href") == "https://garden.example/tags/soil/"
    assert first(soil, "//title/text()") == "Articles on Soil · The Garden"


def test_a_tag_of_many_articles_has_parts() -> None:
    files = built(many(45, tags=["Soil"]))
    names = ["tags/soil/index.html", "tags/soil/page/2/index.html", "tags/soil/page/3/index.html"]
    assert sorted(name for name in files if name.startswith("tags/")) == sorted(names)
    assert (
        first(files[names[1]], "//link[@rel='prev']/@href") == "https://garden.example/tags/soil/"
    )
    assert (
        first(files[names[2]], "//nav[@class='pager']/a/@href") == "../../../../tags/soil/page/2/"
    )
    assert first(files[names[2]], "//link[@rel='icon']/@href") == "../../../../favicon.svg"


def test_tags_are_told_apart_by_their_slugs_in_any_script() -> None:
    pages = {
        "a": page(1, tags=["Soil", "soil "]),
        "b": page(2, tags=["soil"]),
        "c": page(3, tags=["soil", "公式", "C++"]),
        "d": page(4, tags=["  "]),
    }
    found = {tag.slug: (tag.name, tag.slugs) for tag in lists.tags(pages)}
    assert found == {
        "soil": ("soil", ("c", "b", "a")),
        "公式": ("公式", ("c",)),
        "c-plus-plus": ("C++", ("c",)),
    }
    assert "tags/公式/index.html" in built(pages)
    assert "https://garden.example/tags/%E5%85%AC%E5%BC%8F/" in built(pages)["tags/公式/index.html"]


def test_a_tag_of_one_indexed_article_is_asked_not_to_be_listed() -> None:
    pages = {
        "a": page(1, tags=["thin", "thick", "hidden"]),
        "b": page(2, tags=["thick"]),
        "c": page(3, tags=["hidden"], indexed=False),
    }
    files = built(pages)
    robots = {
        tag: first(files[f"tags/{tag}/index.html"], "//meta[@name='robots']/@content")[:7]
        for tag in pages["a"].tags
    }
    assert robots == {"thin": "noindex", "thick": "index, ", "hidden": "noindex"}
    assert [url for url in locs(pages) if "/tags/" in url] == ["https://garden.example/tags/thick/"]


def test_an_old_manifest_without_tags_can_be_read() -> None:
    told = page(1).model_dump(mode="json", exclude={"tags", "language"})
    assert render.Page.model_validate_json(json.dumps(told)) == page(1)


def test_own_pages_have_their_address_and_a_link_on_every_page() -> None:
    pages = many(21, tags=["Soil"])
    files = built(pages, own=OWN)
    for name, text in files.items():
        names = tree(text).xpath("//footer//a/text()")
        assert names[-2:] == ["About us", "Imprint"], name
    about = files["about/index.html"]
    assert first(about, "//h1/text()") == "About us"
    assert first(about, "//meta[@name='description']/@content") == "We grow."
    assert first(about, "//link[@rel='canonical']/@href") == "https://garden.example/about/"
    assert {"https://garden.example/about/", "https://garden.example/imprint/"} <= set(
        locs(pages, OWN)
    )
    assert [
        tree(text).xpath("//footer//a/text()")[-1]
        for text in render.feet(make_site(), pages, OWN).values()
    ] == ["Imprint"] * 21


def test_an_own_page_at_the_address_of_an_article_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"about\.md"):
        render.listings(make_site(), {"about": page(1)}, OWN)


def test_no_two_pages_have_one_description() -> None:
    files = built(
        many(45, tags=["Soil", "Worms"]),
        own=[*OWN, parsed("empty.md", "# Empty")],
        description="What grows.",
    )
    descriptions = Counter(
        first(text, "//meta[@name='description']/@content") for text in files.values()
    )
    assert len(files) == 3 + 6 + 3 + 1
    assert {
        text: count for text, count in descriptions.items() if count > 1 or not 5 < len(text) <= 160
    } == {}
    assert first(files["index.html"], "//meta[@name='description']/@content") == "What grows."


def test_a_site_without_description_is_described_by_its_articles() -> None:
    described = "//meta[@name='description']/@content"
    assert first(built(many(2))["index.html"], described) == "The Garden: Article 1 · Article 0"
    assert first(built({})["index.html"], described) == "The Garden"


def test_every_page_has_a_picture_for_networks_and_an_icon() -> None:
    files = built(many(21, tags=["Soil"]), own=OWN)
    for text in files.values():
        meta = {
            e.get("property") or e.get("name"): e.get("content") for e in tree(text).xpath("//meta")
        }
        assert meta["og:image"] == meta["twitter:image"] == "https://garden.example/card.png"
        assert (meta["og:image:width"], meta["og:image:height"]) == ("1200", "630")
        assert meta["og:image:alt"] == "The Garden"
        assert meta["twitter:card"] == "summary_large_image"
        assert meta["og:description"] == meta["twitter:description"] == meta["description"]
        assert first(text, "//link[@rel='icon']/@href").endswith("favicon.svg")


def test_the_pictures_are_files_of_the_site() -> None:
    files = render.listings(make_site(color="#aa2266"), {})
    assert cards.size_of(files["card.png"]) == (1200, 630)  # type: ignore[arg-type]
    assert "#aa2266" in files["favicon.svg"]  # type: ignore[operator]
    assert "--accent: #aa2266;" in files["index.html"]  # type: ignore[operator]


def test_hostile_names_stay_text_on_every_page() -> None:
    own = [OwnPage("about", HOSTILE, HOSTILE, "<p>A.</p>", "about.md")]
    pages = {
        slug: page(n, HOSTILE, description=HOSTILE, tags=[HOSTILE]) for n, slug in enumerate("abc")
    }
    site = {"title": HOSTILE, "description": HOSTILE}
    for text in built(pages, own=own, **site).values():
        assert not tree(text).xpath("//script[not(@type='application/ld+json')]")
        assert not tree(text).xpath("//*[local-name()='img']")
    for text in render.feet(make_site(**site), pages, own).values():
        assert "<script" not in text
        assert "<!--" not in text


def test_breadcrumbs_lead_from_the_top_to_the_page() -> None:
    files = built(many(2, tags=["Soil"]), own=OWN)
    trails = {
        "tags/soil/index.html": [("The Garden", ""), ("Soil", "tags/soil/")],
        "about/index.html": [("The Garden", ""), ("About us", "about/")],
    }
    for name, expected in trails.items():
        data = json.loads(first(files[name], "//script/text()"))
        assert data["@type"] == "BreadcrumbList"
        assert [e["position"] for e in data["itemListElement"]] == [1, 2]
        found = [
            (e["name"], e["item"].removeprefix("https://garden.example/"))
            for e in data["itemListElement"]
        ]
        assert found == expected
        assert first(files[name], "//header[@class='masthead']//a/text()") == "The Garden"


def draft(slug: str = "compost", **changes: Any) -> Draft:
    return small_draft(slug, **{"description": "What to know.", "writer": "m"} | changes)


def article(one: Draft, **changes: Any) -> str:
    return render.article(make_site(), one, published_at=FIRST, updated_at=FIRST, **changes)


def test_an_article_leads_to_its_tags_each_once() -> None:
    text = article(draft(tags=["Soil", "soil", "公式"]))
    assert tree(text).xpath("//nav[@class='topics']//a/@href") == [
        "../tags/soil/",
        "../tags/%E5%85%AC%E5%BC%8F/",
    ]
    assert tree(text).xpath("//header[@class='masthead']//a/@href") == ["../", "../tags/soil/"]
    crumbs = json.loads(tree(text).xpath("//script/text()")[-1])["itemListElement"]
    assert [crumb["name"] for crumb in crumbs] == ["The Garden", "Soil", "On compost"]
    assert not tree(article(draft())).xpath("//nav[@class='topics']")


def test_an_article_without_a_picture_has_a_card() -> None:
    text = article(draft())
    assert (
        first(text, "//meta[@property='og:image']/@content")
        == "https://garden.example/compost/card.png"
    )
    assert first(text, "//meta[@property='og:image:alt']/@content") == "On compost"
    assert json.loads(tree(text).xpath("//script/text()")[0])["image"] == [
        "https://garden.example/compost/card.png"
    ]
    written = render.card(make_site(), draft())
    assert written is not None
    assert cards.size_of(written) == (1200, 630)


def test_the_foot_of_a_page_is_replaced_and_nothing_else_of_it() -> None:
    pages = {
        "compost": page(1, "On compost"),
        "heap": page(2, "On compost heaps", description="Words of compost."),
    }
    before = article(
        draft(sections=[Section(heading=HOSTILE, paragraphs=[[Sentence(text=HOSTILE)]])])
    ).encode()
    after = foot.replaced(before, render.feet(make_site(), pages, OWN)["compost"])
    assert before != after
    assert tree(after.decode()).xpath("//aside[@class='related']//a/@href") == ["../heap/"]
    assert before.partition(b"<!--foot-->")[0] == after.partition(b"<!--foot-->")[0]
    assert before.rpartition(b"<!--/foot-->")[2] == after.rpartition(b"<!--/foot-->")[2]
    assert foot.replaced(after, render.feet(make_site(), pages, OWN)["compost"]) == after
    assert foot.replaced(b"<p>A page without one.</p>", "x") == b"<p>A page without one.</p>"


def test_related_articles_share_tags_or_words() -> None:
    pages = {
        "compost": page(1, "How compost warms a heap", tags=["Soil"]),
        "worms": page(2, "Worms in compost and their heap"),
        "mulch": page(3, "Mulch", tags=["soil"]),
        "stars": page(4, "Stars of winter"),
        "moon": page(5, "Phases of the moon"),
    }
    found = related(pages)
    assert found["compost"] == ["mulch", "worms"]
    assert found["worms"] == ["compost"]
    assert found["stars"] == []


def test_up_to_three_related_articles_nearest_first_never_itself() -> None:
    pages = {
        f"a{n}": page(n, "Straw and bark", tags=["Soil", *(["Worms"] if n < 2 else [])])
        for n in range(6)
    }
    found = related(pages)
    assert found["a0"] == ["a1", "a5", "a4"]
    assert all(len(near) == 3 and slug not in near for slug, near in found.items())
    assert related(dict(reversed(pages.items()))) == found


def test_what_every_article_says_relates_none() -> None:
    pages = {
        f"a{n}": page(n, f"Title{n}", description="The same words here always stand.")
        for n in range(8)
    }
    assert set(map(tuple, related(pages).values())) == {()}


def test_a_picture_that_is_no_picture_is_told_to_no_network() -> None:
    text = article(draft(images=[{"src": "javascript:alert(1)", "alt": "A heap"}]))
    assert (
        first(text, "//meta[@property='og:image']/@content")
        == "https://garden.example/compost/card.png"
    )
    assert "javascript" not in text
