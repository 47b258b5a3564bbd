"""The plugin of deploy/wordpress at a real WordPress: what it prints for search engines, and what
it does not take.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from lxml import html

from contentstudio import config as settings
from contentstudio import doctor
from contentstudio.model import Draft, Image, Question, Sentence
from contentstudio.publish.port import Article
from contentstudio.publish.seo_fields import NOINDEX, OF_THE_POST, STRUCTURED_DATA
from contentstudio.publish.wordpress import WordPress

Make = Callable[..., Draft]
Desk = Any  # of conftest.py

PLUGIN = Path(__file__).parents[3] / "deploy" / "wordpress" / "contentstudio.php"
HOSTILE = "</script><script>document.title='run'</script><!-- <script> & ]]>"
QUESTIONS = [
    Question(
        question="Why turn it?",
        answer=[Sentence(text="It needs air.", source="s1"), Sentence(text="So turn.")],
    ),
    Question(
        question="How long?",
        answer=[Sentence(text="A year & 1 < x days.", source="s1", quoted=True)],
    ),
]


@pytest.fixture
def mu_plugins(servers: Any) -> Path:
    folder: Path = servers[2] / "wp-content" / "mu-plugins"
    return folder


@pytest.fixture
def plugin(mu_plugins: Path, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(install(mu_plugins).unlink)


def install(mu_plugins: Path) -> Path:
    return Path(shutil.copy(PLUGIN, mu_plugins))


def printed(page: str) -> list[dict[str, Any]]:
    """What the page tells machines: each script of JSON-LD, read as a browser does."""
    return [
        json.loads(text)
        for text in html.fromstring(page).xpath("//script[@type='application/ld+json']/text()")
    ]


def post_of(desk: Desk) -> dict[str, str]:
    (post,) = desk.wordpress.posts("compost%")
    return post


def change(desk: Desk, user: str = "owner", **fields: Any) -> httpx2.Response:
    with desk.wordpress.client(user) as client:
        return client.post(f"/posts/{post_of(desk)['id']}", json=fields)


def noindexed(page: str) -> bool:
    return any(
        "noindex" in content
        for content in html.fromstring(page).xpath("//meta[@name='robots']/@content")
    )


async def test_an_authors_post_has_structured_data_of_what_it_says_now(
    desk: Desk, draft: Make, plugin: None, servers: Any
) -> None:
    desk.configure("author")
    (desk.file.parent / "heap.jpg").write_bytes(servers[0].photo(1))
    ending = await desk.publish(
        "one", draft(faq=QUESTIONS, images=[Image(src="heap.jpg", alt="A heap")])
    )
    assert ending["status"] == "succeeded", ending["error"]
    article, questions = printed(httpx2.get(ending["output"]["url"]).text)
    assert (article["@type"], article["headline"]) == ("Article", "On compost: a < b & “c”")
    assert article["description"] == "What to know of heaps."
    assert article["mainEntityOfPage"]["@id"] == ending["output"]["url"]
    assert [source["url"] for source in article["citation"]] == ["https://a.example/?b=1&c=2"]
    assert (article["inLanguage"], article["keywords"]) == ("en", ["Soil & Earth", "heaps"])
    assert article["author"]["url"] == f"{desk.wordpress.url}/"
    (picture,) = article["image"]
    assert httpx2.get(picture).headers["Content-Type"] == "image/jpeg"
    assert [one["name"] for one in questions["mainEntity"]] == ["Why turn it?", "How long?"]
    assert questions["mainEntity"][0]["acceptedAnswer"]["text"] == "It needs air. So turn."
    stored = json.loads(
        desk.wordpress.sql(
            f"select meta_value from wp_postmeta where meta_key = '{STRUCTURED_DATA}'"
        )
    )
    assert not stored[0].keys() & set(OF_THE_POST)

    content = post_of(desk)["content"]
    change(
        desk, title="Mine", excerpt="My words.", content=content.replace("So turn.", "Never turn.")
    )
    article, questions = printed(httpx2.get(ending["output"]["url"]).text)
    assert (article["headline"], article["description"]) == ("Mine", "My words.")
    assert article["datePublished"] <= article["dateModified"]
    assert [one["name"] for one in questions["mainEntity"]] == ["How long?"], (
        "an answer that a person changed"
    )


async def test_nothing_in_a_title_or_an_answer_ends_the_script(
    desk: Desk, draft: Make, plugin: None
) -> None:
    hostile = [Question(question=f"Why {HOSTILE}?", answer=[Sentence(text=HOSTILE)])]
    ending = await desk.publish("one", draft(title=f"Turn {HOSTILE}", faq=hostile, tags=[]))
    assert ending["status"] == "succeeded", ending["error"]
    page = httpx2.get(ending["output"]["url"]).text
    data = [script for script in page.split("<script") if "ld+json" in script.partition(">")[0]]
    assert [script.count("</script>") for script in data] == [1] * len(data)
    article, questions = printed(page)
    assert article["headline"] == f"Turn {HOSTILE}"
    assert questions["mainEntity"][0]["name"] == f"Why {HOSTILE}?"
    title = HOSTILE.replace("'", "''")
    desk.wordpress.sql(
        f"update wp_posts set post_title = '{title}' where ID = {post_of(desk)['id']}"
    )
    article, _ = printed(httpx2.get(ending["output"]["url"]).text)
    assert "<" not in article["headline"]


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '"https://schema.org"',
        '[{"@context": "https://schema.org", "@type": "Product"}]',
        '[{"@context": "https://elsewhere.example", "@type": "Article"}]',
        '[{"@context": "https://schema.org", "@type": ["Article"]}]',
        '[{"@context": "https://schema.org", "@type": "Article"}, 5]',
        json.dumps({"@context": "https://schema.org", "@type": "Article", "about": "a" * 200_000}),
    ],
    ids=[
        "no JSON",
        "nothing",
        "text",
        "another type",
        "another context",
        "several types",
        "a number",
        "too long",
    ],
)
async def test_a_field_takes_nothing_but_what_is_printed(
    wordpress: Any, plugin: None, text: str
) -> None:
    with wordpress.client("owner") as owner:
        post = owner.post(
            "/posts", json={"title": "A", "meta": {STRUCTURED_DATA: text, NOINDEX: "yes"}}
        ).json()
    assert post["meta"] == {STRUCTURED_DATA: "", NOINDEX: ""}


async def test_who_may_not_edit_a_post_may_not_write_its_fields(
    desk: Desk, draft: Make, plugin: None
) -> None:
    await desk.publish("one", draft())
    for user in ("author", "contributor"):
        assert change(desk, user, meta={NOINDEX: "1"}).status_code == 403
    assert change(desk, "owner", meta={NOINDEX: "1"}).status_code == 200


@pytest.mark.parametrize(
    "constant", ["WPSEO_VERSION", "RANK_MATH_VERSION", "SEOPRESS_PRO_VERSION", "AIOSEO_VERSION"]
)
async def test_beside_an_seo_plugin_only_the_questions_are_printed(
    desk: Desk,
    draft: Make,
    plugin: None,
    mu_plugins: Path,
    request: pytest.FixtureRequest,
    constant: str,
) -> None:
    other = mu_plugins / "seo.php"
    other.write_text(f"<?php define('{constant}', '1');", "utf-8")
    request.addfinalizer(lambda: other.unlink(missing_ok=True))
    url = (await desk.publish("one", draft(faq=QUESTIONS)))["output"]["url"]
    assert [one["@type"] for one in printed(httpx2.get(url).text)] == ["FAQPage"]
    other.write_text(
        f"{other.read_text('utf-8')} add_filter('contentstudio_print_article', '__return_true');",
        "utf-8",
    )
    assert [one["@type"] for one in printed(httpx2.get(url).text)] == ["Article", "FAQPage"]


async def test_an_article_that_is_not_to_be_listed_says_so_until_it_is(
    desk: Desk, draft: Make, plugin: None
) -> None:
    config = settings.load(desk.file)
    assert isinstance(config.site[0].publish, settings.WordPress)
    sitemap = f"{desk.wordpress.url}/wp-sitemap-posts-post-1.xml"
    known = None
    async with WordPress(config.site[0], config.site[0].publish) as publisher:
        for text, indexed in (("One.", True), ("Two.", False), ("Three.", True)):
            article = Article(draft(text), datetime.now(UTC), indexed=indexed)
            published, known = await publisher.publish(article, at_once, known)
            assert noindexed(httpx2.get(published.url).text) is not indexed
            assert (published.url in httpx2.get(sitemap).text) is indexed


async def test_protected_posts_and_lists_have_no_structured_data(
    desk: Desk, draft: Make, plugin: None
) -> None:
    url = (await desk.publish("one", draft()))["output"]["url"]
    assert printed(httpx2.get(desk.wordpress.url).text) == []
    change(desk, status="publish", password="a secret")
    assert printed(httpx2.get(url).text) == []


async def test_without_the_plugin_nothing_is_sent_adding_it_is_no_edit(
    desk: Desk, draft: Make, mu_plugins: Path, request: pytest.FixtureRequest
) -> None:
    ending = await desk.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert (
        desk.wordpress.sql("select count(*) from wp_postmeta where meta_key like 'contentstudio%'")
        == "0"
    )
    assert printed(httpx2.get(ending["output"]["url"]).text) == []
    request.addfinalizer(install(mu_plugins).unlink)
    assert (await desk.publish("two", draft()))["output"]["action"] == "unchanged"
    ending = await desk.publish("three", draft("Another start."))
    assert ending["output"]["action"] == "updated", ending["error"]
    assert [one["@type"] for one in printed(httpx2.get(ending["output"]["url"]).text)] == [
        "Article"
    ]
    assert (await desk.publish("four", draft("Another start.")))["output"]["action"] == "unchanged"


async def test_the_api_index_tells_writers_the_largest_upload(wordpress: Any, plugin: None) -> None:
    index = f"{wordpress.url}/wp-json/"
    assert "contentstudio" not in httpx2.get(index).json()
    told = httpx2.get(index, auth=("author", wordpress.passwords["author"])).json()["contentstudio"]
    assert told == {"version": "1", "max_upload_bytes": 2 * 1024 * 1024}


async def test_site_check_says_who_prints_structured_data(
    desk: Desk, mu_plugins: Path, request: pytest.FixtureRequest
) -> None:
    async def told() -> tuple[str, str]:
        (one,) = [
            one
            for one in await doctor.check(config, config.find("garden"))
            if "structured data" in one.what
        ]
        assert one.ok
        return one.what, one.mend

    desk.file.write_text(f"[fetch]\nallow_loopback = true\n{desk.file.read_text('utf-8')}", "utf-8")
    config = settings.load(desk.file)
    what, mend = await told()
    assert "no structured data (JSON-LD)" in what
    assert "copy deploy/wordpress/contentstudio.php into wp-content/mu-plugins" in mend
    other = mu_plugins / "seo.php"
    route = (
        "register_rest_route('yoast/v1', '/x', ['callback' => 'x', 'permission_callback' => "
        "'__return_true']);"
    )
    other.write_text(f"<?php add_action('rest_api_init', function () {{ {route} }});", "utf-8")
    request.addfinalizer(other.unlink)
    what, mend = await told()
    assert "printed by the SEO plugin, without questions" in what
    assert "contentstudio.php" in mend
    request.addfinalizer(install(mu_plugins).unlink)
    assert await told() == ("structured data of articles is printed by contentstudio.php", "")


async def at_once(name: str, *, call: Callable[[], Any], **_: Any) -> Any:
    """An effect without a ledger."""
    return await call()
