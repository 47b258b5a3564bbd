"""Articles as blocks at a real WordPress: what readers see, what its editor makes of them, and that
they stay ours.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import eyes
import httpx2
import pytest
from lxml import html
from lxml.html import HtmlElement

from contentstudio import config as settings
from contentstudio.model import (
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    ListBlock,
    Question,
    QuoteBlock,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.publish import fingerprint, slug_drafts
from contentstudio.publish import wordpress as adapter
from contentstudio.publish.port import Article, Conflict
from contentstudio.publish.wordpress import WordPress

Make = Callable[..., Draft]
Desk = Any  # of conftest.py
Ask = Callable[[str], Awaitable[dict[str, Any]]]

KNOWN = {
    f"core/{name}"
    for name in ("heading", "paragraph", "list", "list-item", "quote", "table", "image", "group")
}
HOSTILE = [
    "[gallery ids=1] and [caption width=9]a[/caption] and [embed]https://a.example/[/embed]",
    "[[gallery]] &amp; &#91;gallery&#93; <b>c</b> <script>x()</script> <!--more--><!--nextpage-->",
    "https://a.example/watch?v=1&t=2",
]
WORDS = "a < b & <b>c</b> <script>alert(1)</script> &lt;i&gt; &#91; “d”"

SHOWN = WORDS.replace("&#", "&\u2060#")


def png(width: int, height: int, shade: int = 9) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress((b"\0" + bytes([shade]) * width) * height)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def sections() -> list[Section]:
    """Every kind of block, with words that WordPress would run."""

    def said(text: str, source: str | None = None, quoted: bool = False) -> Sentence:
        return Sentence(text=text, source=source, quoted=quoted)

    return [
        Section(
            heading="[gallery] & <i>heaps</i>",
            paragraphs=[
                *[[said(text)] for text in HOSTILE],
                [said("It rots.", "s1"), said("Turn it.", "s1", quoted=True)],
                ListBlock(items=[[said(text)] for text in HOSTILE]),
                QuoteBlock(sentences=[said("[gallery] was said.", "s1")]),
                QuoteBlock(sentences=[said(HOSTILE[2])]),
                TableBlock(
                    head=["A & b", "[gallery]"],
                    rows=[[[said(HOSTILE[0])], []], [[said(HOSTILE[2])], []]],
                ),
                StepsBlock(
                    steps=[
                        Instruction(name="[gallery] & <b>", sentences=[said(t)]) for t in HOSTILE
                    ]
                ),
                CalloutBlock(tone="warning", title="[gallery]", sentences=[said(HOSTILE[0])]),
                *(CalloutBlock(sentences=[said(text)]) for text in HOSTILE[1:]),
                ImageBlock(src="placed.png", caption=[said(text) for text in HOSTILE]),
            ],
        ),
        Section(heading="Second", paragraphs=[[said("\u00a0A “b”\u00a0")]]),
    ]


def whole(draft: Make, **changes: Any) -> Draft:
    images = [
        Image(src="first.png", alt="First <b> & [gallery]"),
        Image(src="large.png", alt='"[gallery]" & <b>'),
        Image(src="small.png", alt=""),
        Image(
            src="placed.png",
            alt="Placed",
            credit="Ann & [gallery]",
            licence="CC <b>BY</b>",
            licence_url="https://l.example/?a=1&b=2",
        ),
    ]
    faq = [Question(question="Who [gallery]?", answer=[Sentence(text="We.")])]
    return draft(**{"sections": sections(), "images": images, "faq": faq} | changes)


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, bytes]:
    """The pictures of `whole`, beside the config."""
    made = {
        "first.png": png(40, 30, 1),
        "large.png": png(1600, 1200, 2),
        "small.png": png(300, 200, 3),
        "placed.png": png(60, 40, 4),
    }
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    return made


@pytest.fixture
async def gutenberg(servers: Any) -> AsyncIterator[Ask]:
    """What the editor's own scripts make of a content: each block with its validity, and what a
    save would write.
    """
    includes = servers[0].wordpress / "wp-includes"
    async with eyes.chromium() as browser:
        page = await browser.new_page()
        for script in scripts(
            (includes / "assets" / "script-loader-packages.min.php").read_text("utf-8")
        ):
            await page.add_script_tag(path=includes / "js" / "dist" / script)
            if script.endswith("lodash.js"):
                await page.evaluate("window.lodash = _.noConflict(), 0")
        await page.evaluate("wp.blockLibrary.registerCoreBlocks()")

        async def ask(content: str) -> dict[str, Any]:
            found: dict[str, Any] = await page.evaluate(
                """content => {
                    const blocks = wp.blocks.parse(content);
                    const all = block => [block, ...block.innerBlocks.flatMap(all)];
                    const names = blocks.flatMap(all).map(block => [block.name, block.isValid]);
                    return {names, saved: wp.blocks.serialize(blocks)};
                }""",
                content,
            )
            return found

        yield ask


def scripts(packages: str) -> list[str]:
    """The files of the editor's blocks, each after those that it needs, by WordPress's own list."""
    needs = {
        f"wp-{name}": re.findall("'([^']+)'", needed)
        for name, needed in re.findall(
            r"'([a-z0-9-]+)\.min\.js' => array\('dependencies' => array\((.*?)\)", packages
        )
    }
    vendor = {"wp-polyfill": ["regenerator-runtime", "wp-polyfill"]}
    found: list[str] = []

    def add(name: str) -> None:
        for needed in needs.get(name, []):
            add(needed)
        files = (
            [f"{name[3:]}.js"]
            if name in needs
            else [f"vendor/{one}.js" for one in vendor.get(name, [name])]
        )
        found.extend(file for file in files if file not in found)

    add("wp-block-library")
    add("wp-format-library")
    return found


@pytest.fixture
def mu_plugin(servers: Any) -> Iterator[Callable[[str], None]]:
    """Writes a plugin of the site's owner, in PHP."""
    plugin: Path = servers[2] / "wp-content" / "mu-plugins" / "of-a-test.php"
    yield lambda code: plugin.write_text(f"<?php {code}", "utf-8")
    plugin.unlink(missing_ok=True)


@asynccontextmanager
async def opened(desk: Desk) -> AsyncIterator[WordPress]:
    config = settings.load(desk.file)
    assert isinstance(config.site[0].publish, settings.WordPress)
    async with WordPress(config.site[0], config.site[0].publish) as publisher:
        yield publisher


async def at_once(name: str, *, call: Callable[[], Any], **_: Any) -> Any:
    """An effect without a ledger."""
    return await call()


def raw(desk: Desk) -> str:
    (post,) = desk.wordpress.posts("compost%")
    return str(post["content"])


def text_of(url: str) -> HtmlElement:
    """The text of an article as readers get it."""
    page = httpx2.get(url)
    assert page.status_code == 200
    (text,) = html.fromstring(page.text).xpath(
        "//*[contains(concat(' ', @class, ' '), ' entry-content ')]"
    )
    return text


def words(element: HtmlElement) -> str:
    return " ".join(element.text_content().split())


@pytest.mark.parametrize("user", ["editor", "author"])
async def test_readers_see_the_words_and_nothing_in_them_is_run(
    desk: Desk, draft: Make, pictures: dict[str, bytes], user: str
) -> None:
    desk.configure(user)
    ending = await desk.publish("one", whole(draft))
    assert ending["status"] == "succeeded", ending["error"]
    text = text_of(ending["output"]["url"])
    shown = words(text)
    # paragraph, item, cells, quote; and step, callout and caption
    for said, times in zip(HOSTILE, (3 + 3, 2 + 3, 4 + 3), strict=True):
        assert shown.count(said.replace("--", "–")) == times, said  # WordPress's own typography
    assert words(text.xpath(".//h2")[0]) == "[gallery] & <i>heaps</i>"
    assert (
        text.xpath(
            ".//iframe | .//script | .//*[contains(@class, 'gallery')] | "
            ".//*[contains(@class, 'embed')]"
        )
        == []
    )
    assert "It rots.1 “Turn it.”1" in shown
    assert text.xpath(".//q") == []
    assert [words(one) for one in text.xpath(".//blockquote//cite")] == ["A & B"]
    links = text.xpath(".//sup/a/@href")
    assert set(links) == {"#s1"}
    assert [one.get("href") for one in text.xpath(".//*[@id='s1']")] == [
        "https://a.example/?b=1&c=2"
    ]
    assert text.xpath(".//*[@id='s1']/@rel") == ["noopener nofollow"]


@pytest.mark.parametrize("user", ["editor", "author"])
async def test_pictures_fit_and_the_first_is_only_above_the_text(
    desk: Desk, draft: Make, pictures: dict[str, bytes], user: str
) -> None:
    desk.configure(user)
    ending = await desk.publish("one", whole(draft))
    assert ending["status"] == "succeeded", ending["error"]
    placed, large, small = text_of(ending["output"]["url"]).xpath(".//img")
    assert placed.get("alt") == "Placed"
    (caption,) = placed.xpath("./ancestor::figure/figcaption")
    assert words(caption).endswith("Ann & [gallery] · CC <b>BY</b>")
    assert caption.xpath("./a/@href") == ["https://l.example/?a=1&b=2"]
    assert (large.get("width"), large.get("height")) == ("1024", "768")
    assert "-1024x768.png" in large.get("src") and "1600w" not in large.get("src")
    assert "300w" in large.get("srcset")
    assert large.get("alt") == '"[\u2060gallery]" & ‹b>'
    assert (small.get("width"), small.get("height"), small.get("alt")) == ("300", "200", "")
    page = html.fromstring(httpx2.get(ending["output"]["url"]).text)
    assert page.xpath("//img/@alt").count("First <b> & [gallery]") == 1


@pytest.mark.parametrize("user", ["editor", "author"])
async def test_the_editor_accepts_an_article_and_a_save_keeps_it_ours(
    desk: Desk, draft: Make, pictures: dict[str, bytes], gutenberg: Ask, user: str
) -> None:
    desk.configure(user)
    ending = await desk.publish("one", whole(draft))
    assert ending["status"] == "succeeded", ending["error"]
    found = await gutenberg(raw(desk))
    assert {name for name, _ in found["names"]} == KNOWN
    assert all(valid for _, valid in found["names"])
    if (
        user == "editor"
    ):  # who may use any HTML; for others WordPress writes empty elements otherwise
        assert found["saved"] == raw(desk)
    async with opened(desk) as publisher:
        before = await publisher.find("compost")
        (post,) = desk.wordpress.posts("compost%")
        with desk.wordpress.client("owner") as owner:
            owner.post(f"/posts/{post['id']}", json={"content": found["saved"]}).raise_for_status()
        after = await publisher.find("compost")
    assert before is not None and after is not None
    assert (after.sha256, after.fingerprint) == (before.sha256, before.fingerprint)
    ending = await desk.publish("two", whole(draft, title="Another title"))
    assert ending["output"]["action"] == "updated", ending["error"]


async def test_the_empty_draft_is_opened_without_complaint(gutenberg: Ask) -> None:
    found = await gutenberg(adapter.BEGUN)
    assert found["names"] == [["core/html", True]]


@pytest.mark.parametrize("user", ["editor", "author"])
async def test_php_reads_known_blocks_and_no_text_between_them(
    desk: Desk, draft: Make, pictures: dict[str, bytes], mu_plugin: Callable[[str], None], user: str
) -> None:
    mu_plugin(
        """add_action('rest_api_init', function () {
            register_rest_field('post', 'parsed', ['get_callback' => function ($post) {
                $all = function ($blocks) use (&$all) {
                    $found = [];
                    foreach ($blocks as $block) {
                        $found[] = [$block['blockName'], trim($block['innerHTML'])];
                        $found = array_merge($found, $all($block['innerBlocks']));
                    }
                    return $found;
                };
                return $all(parse_blocks(get_post($post['id'])->post_content));
            }]);
        });"""
    )
    desk.configure(user)
    await desk.publish("one", whole(draft))
    with desk.wordpress.client("owner") as owner:
        (post,) = owner.get("/posts", params={"slug": "compost"}).json()
    assert {name for name, _ in post["parsed"] if name} == KNOWN
    assert [text for name, text in post["parsed"] if not name and text] == []


@pytest.mark.parametrize("user", ["editor", "author"])
async def test_title_and_excerpt_are_shown_as_text_without_markup(
    desk: Desk, draft: Make, user: str
) -> None:
    desk.configure(user)
    ending = await desk.publish("one", draft(title=WORDS, description=WORDS))
    assert ending["status"] == "succeeded", ending["error"]
    (post,) = desk.wordpress.posts("compost%")
    assert not re.search("[<>]", post["title"])
    with desk.wordpress.client("owner") as owner:
        there = owner.get(f"/posts/{post['id']}", params={"context": "edit"}).json()
    assert not re.search("[<>]", there["excerpt"]["raw"])
    page = html.fromstring(httpx2.get(ending["output"]["url"]).text)
    assert page.xpath("string(//title)").startswith(SHOWN)
    assert [words(one) for one in page.xpath("//h1")] == [SHOWN]
    excerpt = html.fragment_fromstring(there["excerpt"]["rendered"])
    assert words(excerpt) == SHOWN
    feed = httpx2.get(f"{desk.wordpress.url}/feed/").text
    (item,) = [one for one in re.findall("<item>.*?</item>", feed, re.DOTALL) if "/compost/" in one]
    titles = re.findall("<title>(.*?)</title>", item)
    assert [html.fromstring(f"<p>{title}</p>").text_content() for title in titles] == [SHOWN]
    (description,) = re.findall(
        r"<description><!\[CDATA\[(.*?)\]\]></description>", item, re.DOTALL
    )
    assert words(html.fragment_fromstring(description, create_parent=True)) == SHOWN
    home = html.fromstring(httpx2.get(desk.wordpress.url).text)
    assert SHOWN in words(home) and home.xpath("//script[contains(., 'alert(1)')]") == []


async def test_a_post_of_an_older_version_is_known_and_becomes_blocks(
    desk: Desk, draft: Make
) -> None:
    article = Article(draft(), datetime.now(UTC))
    body = "<section>\n<h2>Heaps</h2>\n<p>“<q>Turn it.</q>”</p>\n</section>"
    placed = fingerprint.mark(article.sha256, body)
    old = f'<!-- wp:html {{"contentstudio":"{placed}"}} -->\n{body}\n<!-- /wp:html -->'
    with desk.wordpress.client("editor") as editor:
        post = {"slug": "compost", "title": "On compost", "content": old, "status": "publish"}
        editor.post("/posts", json=post).raise_for_status()
    async with opened(desk) as publisher:
        known = await publisher.find("compost")
        assert known is not None and known.sha256 == article.sha256
        published, _ = await publisher.publish(article, at_once, known)
        assert published.action == "unchanged"
        published, there = await publisher.publish(
            Article(draft("Anew."), article.at), at_once, known
        )
        assert published.action == "updated"
        assert raw(desk).startswith("<!-- wp:heading")
        with desk.wordpress.client("owner") as owner:
            owner.post(
                f"/posts/{there.id}", json={"content": raw(desk).replace("Anew", "Mine")}
            ).raise_for_status()
        with pytest.raises(Conflict):
            await publisher.publish(article, at_once, there)


# The first upload waits until the test lets it go on, long after we gave it up.
LATE = """add_filter('wp_insert_attachment_data', function ($data) {
    global $wpdb;
    $mine = "option_name = 'test_late' and option_value";
    if ($wpdb->query("update $wpdb->options set option_value = '1' where $mine = '0'")) {
        for ($i = 0; $i < 400 && !$wpdb->get_var("select 1 from $wpdb->options
            where $mine = '2'"); $i++) {
            usleep(50000);
        }
    }
    return $data;
});"""


def attachments(desk: Desk) -> list[str]:
    return str(
        desk.wordpress.sql("select ID from wp_posts where post_type = 'attachment' order by ID")
    ).split()


async def late(
    desk: Desk, draft: Make, mu_plugin: Callable[[str], None], monkeypatch: Any, when: str
) -> dict[str, Any]:
    """An upload that was given up, whose picture comes before a later request."""
    monkeypatch.setattr(slug_drafts, "PAUSES", (0.0, 0.1))
    mu_plugin(LATE)
    desk.wordpress.sql(
        "insert into wp_options (option_name, option_value) values ('test_late', '0')"
    )
    desk.configure(timeout_seconds=2)
    (desk.file.parent / "first.png").write_bytes(png(40, 30, 1))

    def watch(number: int, then: str) -> None:
        if (
            then == "before"
            and re.match(when, desk.proxy.told[number - 1])
            and len(attachments(desk)) == 1
        ):
            desk.wordpress.sql(
                "update wp_options set option_value = '2' where option_name = 'test_late'"
            )
            deadline = datetime.now(UTC).timestamp() + 20
            while not complete(desk) and datetime.now(UTC).timestamp() < deadline:
                pass

    desk.proxy.watch = watch
    ending: dict[str, Any] = await desk.publish(
        "one", draft(images=[Image(src="first.png", alt="First")])
    )
    assert ending["status"] == "succeeded", ending["error"]
    return ending


def complete(desk: Desk) -> bool:
    """Whether both pictures are there with all that WordPress notes of them."""
    noted = "select count(*) from wp_postmeta where meta_key = '_wp_attachment_metadata'"
    return len(attachments(desk)) == 2 and str(desk.wordpress.sql(noted)) == "2"


async def test_a_picture_that_a_slow_server_makes_late_is_removed(
    desk: Desk, draft: Make, mu_plugin: Callable[[str], None], monkeypatch: Any
) -> None:
    await late(desk, draft, mu_plugin, monkeypatch, r"POST /wp-json/wp/v2/posts/\d+")
    (left,) = attachments(desk)
    with desk.wordpress.client("owner") as owner:
        (post,) = owner.get("/posts", params={"slug": "compost"}).json()
        (picture,) = owner.get("/media").json()
    assert str(post["featured_media"]) == left
    assert picture["alt_text"] == "First"
    assert httpx2.get(picture["source_url"]).status_code == 200


@pytest.mark.parametrize("how", ["featured", "text", "words"])
async def test_a_late_picture_that_a_person_uses_stays(
    desk: Desk, draft: Make, mu_plugin: Callable[[str], None], monkeypatch: Any, how: str
) -> None:
    await late(desk, draft, mu_plugin, monkeypatch, r"GET /never")
    desk.wordpress.sql("update wp_options set option_value = '2' where option_name = 'test_late'")
    while not complete(desk):
        pass
    with desk.wordpress.client("owner") as owner:
        (twin,) = [item for item in owner.get("/media").json() if not item["post"]]
        mine = {
            "featured": {"featured_media": twin["id"]},
            "text": {"content": f'<img src="{twin["source_url"]}">'},
            "words": {},
        }[how]
        owner.post("/posts", json={"title": "Mine", "status": "draft", **mine}).raise_for_status()
        if how == "words":
            owner.post(f"/media/{twin['id']}", json={"alt_text": "Mine"}).raise_for_status()
    images = [Image(src="first.png", alt="First")]
    ending = await desk.publish("two", draft("Another start.", images=images))
    assert ending["output"]["action"] == "updated", ending["error"]
    assert len(attachments(desk)) == 2


async def test_a_late_unused_picture_is_removed_by_the_next_version(
    desk: Desk, draft: Make, mu_plugin: Callable[[str], None], monkeypatch: Any
) -> None:
    await late(desk, draft, mu_plugin, monkeypatch, r"GET /never")
    desk.wordpress.sql("update wp_options set option_value = '2' where option_name = 'test_late'")
    while not complete(desk):
        pass
    ending = await desk.publish(
        "two", draft("Another start.", images=[Image(src="first.png", alt="First")])
    )
    assert ending["output"]["action"] == "updated", ending["error"]
    (left,) = attachments(desk)
    with desk.wordpress.client("owner") as owner:
        (post,) = owner.get("/posts", params={"slug": "compost"}).json()
    assert str(post["featured_media"]) == left
