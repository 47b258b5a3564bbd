"""Who signs an article, and what its readers are told of how it was made: words of the site, which
code puts on the page.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from drafts import small_draft
from lxml import html

from contentstudio.config import Site
from contentstudio.gates import injection, links
from contentstudio.gates.input import Case, Link
from contentstudio.gates.links import links_of
from contentstudio.model import Draft
from contentstudio.publish import about, markdown, own_pages, render, theme_faults, wordpress_blocks
from contentstudio.publish.own_pages import OwnPage
from contentstudio.publish.port import content_sha256
from contentstudio.publish.seo_fields import STRUCTURED_DATA, wanted
from contentstudio.review import text

MOMENT = datetime(2026, 11, 23, 4, tzinfo=UTC)
HOSTILE = "Ana </script><script>alert(1)</script> *bold* <!-- [gallery] & co"
ANA = {
    "name": "Ana Petrović",
    "role": "Editor",
    "bio": "Grows beans.",
    "links": ["https://social.example/@ana"],
}
BEN = {"name": "Ben", "url": "https://ben.example/?page=me"}
DISCLOSURE = "Written with the help of a machine & checked by people."


def make_site(**changes: Any) -> Site:
    values = {
        "name": "garden",
        "url": "https://garden.example/blog",
        "title": "The Garden",
        "sources": ["https://a.example"],
    }
    return Site.model_validate(values | changes)


def signed_site(*authors: dict[str, Any], **changes: Any) -> Site:
    return make_site(profile={"authors": list(authors), **changes})


def page_of(site: Site, draft: Draft) -> html.HtmlElement:
    return html.document_fromstring(
        render.article(site, draft, published_at=MOMENT, updated_at=MOMENT)
    )


def structured(site: Site, author: str) -> dict[str, Any]:
    data = render.structured_data(
        site, small_draft(author=author), published_at=MOMENT, updated_at=MOMENT
    )
    found: dict[str, Any] = data[0]["author"]
    return found


@pytest.mark.parametrize(
    ("author", "links"),
    [("Ana Petrović", ["../about/"]), ("Ben", ["https://ben.example/?page=me"]), ("Gone", [])],
)
def test_the_byline_leads_to_the_author(author: str, links: list[str]) -> None:
    page = page_of(signed_site(ANA, BEN), small_draft(author=author))
    assert page.xpath("//p[@class='meta']")[0].text_content().startswith(f"{author} · ")
    assert page.xpath("//a[@rel='author']/@href") == links
    assert page.xpath("//meta[@name='author']/@content") == [author]


def test_an_article_that_nobody_signs_has_no_byline() -> None:
    page = page_of(signed_site(ANA), small_draft())
    assert not page.xpath("//a[@rel='author'] | //meta[@name='author']")
    assert page.xpath("//p[@class='meta']/time")[0].getprevious() is None
    assert structured(signed_site(ANA), "") == {
        "@type": "Organization",
        "name": "The Garden",
        "url": "https://garden.example/blog/",
    }


@pytest.mark.parametrize(
    ("author", "person"),
    [
        (
            "Ana Petrović",
            {
                "url": "https://garden.example/blog/about/",
                "jobTitle": "Editor",
                "description": "Grows beans.",
                "sameAs": ["https://social.example/@ana"],
            },
        ),
        ("Ben", {"url": "https://ben.example/?page=me"}),
        ("Gone", {}),
    ],
)
def test_machines_are_told_of_a_person(author: str, person: dict[str, Any]) -> None:
    expected = {"@type": "Person", "name": author, **person}
    assert structured(signed_site(ANA, BEN), author) == expected


def test_wordpress_gets_a_person_without_a_page_it_does_not_have() -> None:
    site = make_site(
        publish={"to": "wordpress", "user": "studio"}, profile={"authors": [{**ANA, **BEN}, ANA]}
    )
    for name, url in (("Ben", "https://ben.example/?page=me"), ("Ana Petrović", None)):
        fields = wanted({STRUCTURED_DATA: ""}, site, small_draft(author=name))
        person = json.loads(fields[STRUCTURED_DATA])[0]["author"]
        assert (person["name"], person.get("url")) == (name, url)
        assert person["sameAs"] == ["https://social.example/@ana"]


@pytest.mark.parametrize("author", ["Ana Petrović", "Ben"])
def test_the_address_of_a_byline_is_no_link_of_the_writer(author: str) -> None:
    site, draft = signed_site(ANA, BEN), small_draft(author=author)
    page = render.article(site, draft, published_at=MOMENT, updated_at=MOMENT)
    urls = {url: Link("alive") for url in links_of(page, site.url, draft.slug)}
    assert list(urls) == [site.byline_url(author)]
    assert links.check(Case(draft, {}, site, page, urls)).passed
    assert not list(injection._exits(Case(draft, {}, site, page, urls)))
    nobody = Case(small_draft(), {}, site, page, urls)
    assert links.check(nobody).passed is (author != "Ben"), "the same link, with nobody's name"


def test_a_disclosure_stands_below_the_sources() -> None:
    draft = small_draft(disclosure=DISCLOSURE)
    page = page_of(make_site(), draft)
    assert page.xpath("string(//article/*[last()])").strip() == DISCLOSURE
    assert page.xpath("string(//section[@class='disclosure'])").strip() == DISCLOSURE
    assert DISCLOSURE.replace("&", "&amp;") in render.body(draft, cms=True)
    (block,) = [
        block for block in wordpress_blocks._blocks(draft, {}) if "Written with" in block.html
    ]
    assert block.html == f"<p>{DISCLOSURE.replace('&', '&amp;')}</p>"
    assert markdown.body(draft).rstrip().endswith(DISCLOSURE.replace("&", "&amp;"))
    assert text.article(draft).endswith("checked by people.")


def test_without_a_disclosure_nothing_changes_in_the_body() -> None:
    plain, signed = small_draft(), small_draft(author="Ana")
    assert render.body(plain) == render.body(signed)
    assert "disclosure" not in render.body(plain)
    assert wordpress_blocks.content(plain, "a" * 64, {}) == wordpress_blocks.content(
        signed, "a" * 64, {}
    )
    assert markdown.body(plain) == markdown.body(signed)


def test_nothing_in_a_name_or_a_disclosure_becomes_markup() -> None:
    site = signed_site({"name": HOSTILE, "bio": HOSTILE, "role": HOSTILE}, disclosure=HOSTILE)
    draft = small_draft(author=HOSTILE, disclosure=HOSTILE)
    page = page_of(site, draft)
    assert page.xpath("string(//a[@rel='author'])") == HOSTILE
    assert {script.get("type") for script in page.iter("script")} == {"application/ld+json"}
    (about_page,) = about.among(site, [], [])
    shown = html.fragment_fromstring(about_page.html, create_parent=True)
    assert not list(shown.iter("script")) and HOSTILE in shown.text_content()
    assert "<script" not in wordpress_blocks.content(draft, "a" * 64, {})


def test_a_changed_author_makes_the_pages_of_a_site_behind() -> None:
    looks = {
        theme_faults.look(site)
        for site in (signed_site(), signed_site(ANA), signed_site({**ANA, "bio": "Grows peas."}))
    }
    assert len(looks) == 3


def pages() -> dict[str, render.Page]:
    return {
        slug: render.Page(
            title=slug,
            description="",
            sha256="",
            published_at=MOMENT + timedelta(hours=number),
            updated_at=MOMENT,
        )
        for number, slug in enumerate(("compost", "mulch"))
    }


FULL = make_site(
    description="What grows.",
    language="de",
    profile={
        "audience": "Not for readers",
        "voice": "Not for readers",
        "purpose": "Help people to grow food.",
        "expertise": ["Compost", "Seed"],
        "authors": [ANA, BEN],
        "disclosure": DISCLOSURE,
    },
)


def test_a_profile_makes_the_about_page_of_a_static_site() -> None:
    files = render.listings(FULL, pages())
    page = html.document_fromstring(str(files["about/index.html"]))
    assert page.xpath("//main//h1/text()") == ["Über uns"]
    assert page.xpath("//main//h2/text()") == ["Themen", "Autoren"]
    assert page.xpath("//main//h3/text()") == ["Ana Petrović", "Ben"]
    assert page.xpath("//main//a/@href") == ["https://social.example/@ana", BEN["url"]]
    words = page.xpath("string(//main)")
    for said in ("What grows.", "Help people to grow food.", "Editor", "Grows beans.", DISCLOSURE):
        assert said in words
    assert "Not for readers" not in words
    assert "https://garden.example/blog/about/" in str(files["sitemap.xml"])
    for foot in render.feet(FULL, pages()).values():
        assert 'href="../about/"' in foot


@pytest.mark.parametrize(
    ("site", "own", "articles"),
    [
        (make_site(description="What grows."), [], []),
        (make_site(profile={"voice": "Plain.", "avoid": ["hack"]}), [], []),
        (FULL, [own_pages.parsed("about.md", "# We\n\nOurs.")], []),
        (FULL, [own_pages.parsed("About.md", "# We\n\nOurs.")], []),
        (FULL, [], ["about"]),
    ],
    ids=["no profile", "nothing for readers", "an own page", "in capitals", "an article"],
)
def test_no_about_page_is_made_where_none_is_needed(
    site: Site, own: list[OwnPage], articles: list[str]
) -> None:
    assert about.among(site, own, articles) == own


def test_the_owners_pages_stay_beside_the_one_that_is_made() -> None:
    own = [own_pages.parsed("imprint.md", "# Imprint\n\nA street.")]
    assert [page.slug for page in about.among(FULL, own, [])] == ["about", "imprint"]


def test_author_and_disclosure_are_part_of_the_hash_of_a_draft() -> None:
    drafts = [small_draft(), small_draft(author="Ana"), small_draft(disclosure=DISCLOSURE)]
    assert len({content_sha256(draft) for draft in drafts}) == 3
    assert (
        small_draft(author="", disclosure="").model_dump().keys() == drafts[0].model_dump().keys()
    )
    assert "author" not in drafts[0].model_dump()
    for draft in drafts:
        assert Draft.model_validate_json(draft.model_dump_json()) == draft
