"""One suite for every publisher: what the port promises, whatever stands behind it.

WordPress runs it too, on a real site: see `wordpress/test_conformance.py`, which brings another
`place`.
"""

from __future__ import annotations

import base64
import html
import re
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contentstudio import config as settings
from contentstudio import publish
from contentstudio.config import Config
from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    ListBlock,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.publish.port import GONE, Article, Conflict, Publisher
from overnight.errors import Transient

pytestmark = pytest.mark.contract

WRITES_AT_MOST = 5  # in one publishing without pictures
NIGHT = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Place:
    """A CMS for one test. `shown` is the raw text of the posts that have a slug or look like it;
    `edit` is what a person does there: it puts words before ours. `take_away` removes the post.
    `captions` are the words below its pictures that are not in that text.
    """

    config: Config
    shown: Callable[[str], list[str]]
    edit: Callable[[str], None]
    take_away: Callable[[str], None]
    captions: Callable[[str], str] = lambda _: ""

    def opened(self) -> AbstractAsyncContextManager[Publisher]:
        return publish.opened(self.config, self.config.site[0])


def loaded(folder: Path, publish_as: str) -> Config:
    file = folder / "contentstudio.toml"
    site = "[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = ['https://a.example']\n"
    file.write_text(f"{site}publish = {publish_as}\n", "utf-8")
    return settings.load(file)


def static_place(folder: Path) -> Place:
    config = loaded(folder, "{ to = 'static' }")
    base = config.folder(config.site[0])

    def page(slug: str) -> Path:
        return base / slug / "index.html"

    def edit(slug: str) -> None:
        page(slug).write_text(
            page(slug).read_text("utf-8").replace("<article>", "<article>A person was here."),
            "utf-8",
        )

    def take_away(slug: str) -> None:
        with_out = base / ".contentstudio.json"
        page(slug).unlink()
        with_out.write_text('{"site": "garden", "pages": {}}', "utf-8")

    def shown(slug: str) -> list[str]:
        return [path.read_text("utf-8") for path in base.glob(f"{slug}*/index.html")]

    return Place(config, shown, edit, take_away)


def git_place(folder: Path, layout: str) -> Place:
    remote, person = folder / "remote.git", folder / "person"

    def git(*arguments: str) -> None:
        who = (
            "-c",
            "user.name=A person",
            "-c",
            "user.email=person@garden.example",
            "-c",
            "init.defaultBranch=main",
        )
        subprocess.run(
            ["git", *who, "-C", str(person), *arguments], check=True, capture_output=True
        )

    person.mkdir()
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(remote)], check=True
    )
    git("init", "--quiet")
    (person / "README").write_text("A site.", "utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Begin")
    git("remote", "add", "origin", str(remote))
    git("push", "--quiet", "origin", "main")

    def files(slug: str) -> list[Path]:
        git("pull", "--quiet", "origin", "main")
        return [path for path in person.glob(f"**/*{slug}*.md") if ".git" not in path.parts]

    def edit(slug: str) -> None:
        (path,) = files(slug)
        path.write_text(path.read_text("utf-8") + "\nA person was here.\n", "utf-8")
        pushed("Edit")

    def take_away(slug: str) -> None:
        (path,) = files(slug)
        path.unlink()
        pushed("Remove")

    def pushed(message: str) -> None:
        git("add", "--all")
        git("commit", "--quiet", "--message", message)
        git("push", "--quiet", "origin", "main")

    config = loaded(folder, f"{{ to = 'git', repository = '{remote}', layout = '{layout}' }}")
    return Place(
        config, lambda slug: [path.read_text("utf-8") for path in files(slug)], edit, take_away
    )


def ghost_place(folder: Path, server: Any) -> Place:
    def posts(slug: str) -> list[dict[str, Any]]:
        return [post for post in server.store.posts.values() if post["slug"].startswith(slug)]

    def edit(slug: str) -> None:
        (post,) = posts(slug)
        words = post["html"].replace("<h2>", "<h2>A person was here. ", 1)
        server.store.change(post["id"], {"html": words, "updated_at": post["updated_at"]})

    def take_away(slug: str) -> None:
        (post,) = posts(slug)
        server.store.posts.pop(post["id"])

    config = loaded(folder, f"{{ to = 'ghost', url = '{server.url}', private = true }}")

    def captions(slug: str) -> str:
        return " ".join(post.get("feature_image_caption") or "" for post in posts(slug))

    return Place(
        config, lambda slug: [post["html"] for post in posts(slug)], edit, take_away, captions
    )


@pytest.fixture(params=["static", "git hugo", "git jekyll", "git astro", "ghost"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    kind, _, layout = request.param.partition(" ")
    if kind == "static":
        return static_place(tmp_path)
    if kind == "git":
        return git_place(tmp_path, layout)
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", request.getfixturevalue("ghost_module").KEY)
    return ghost_place(tmp_path, request.getfixturevalue("ghost_server"))


async def at_once(
    name: str,
    *,
    call: Callable[[], Awaitable[Any]],
    probe: Callable[[], Awaitable[Any]] | None = None,
    **_: Any,
) -> Any:
    """An effect without a ledger."""
    return await call()


def article(text: str = "A heap is a start & more.", **changes: Any) -> Article:
    draft = Draft(
        site="garden",
        slug="compost",
        title="On compost: a < b & “c”",
        description="What to know of heaps.",
        sections=[
            Section(
                heading="Heaps",
                paragraphs=[[Sentence(text=text), Sentence(text="It rots.", source="s1")]],
            ),
            Section(
                heading="Turning",
                paragraphs=[[Sentence(text="Turn it.", source="s1", quoted=True)]],
            ),
        ],
        references=[
            Reference(id="s1", url="https://a.example/?b=1&c=2", title="A & B", sha256="0" * 64)
        ],
        writer="offline",
        tags=["soil", "heaps"],
    )
    told = {name: changes.pop(name) for name in ("images", "slug") if name in changes}
    return Article(draft.model_copy(update=told), NIGHT, **changes)


async def test_what_is_not_there_is_not_found(place: Place) -> None:
    async with place.opened() as publisher:
        assert await publisher.find("compost") is None


async def test_what_was_published_is_found_as_it_was_left(place: Place) -> None:
    async with place.opened() as publisher:
        published, there = await publisher.publish(article(), at_once)
        assert published.action == "created"
        assert there.sha256 == published.sha256 == article().sha256
        assert there.state == "published"
        assert await publisher.find("compost") == there
    (text,) = place.shown("compost")
    assert "A heap is a start" in text


async def test_the_same_again_is_left_as_it_is(place: Place) -> None:
    async with place.opened() as publisher:
        _, known = await publisher.publish(article(), at_once)
        before = place.shown("compost")

        async def never(name: str, **_: Any) -> Any:
            raise AssertionError(f"{name} was written")

        published, there = await publisher.publish(article(), never, known)
    assert (published.action, there) == ("unchanged", known)
    assert place.shown("compost") == before


def with_blocks(word: str) -> Article:
    """An article with a block of every kind, and the word in each of them."""

    def say(text: str, source: str | None = None) -> list[Sentence]:
        return [Sentence(text=f"{text} {word}.", source=source)]

    blocks: list[Block] = [
        ListBlock(
            items=[say("Plain item"), [*say("Second item"), *say("Its second sentence", "s1")]]
        ),
        ListBlock(ordered=True, items=[say("Numbered item", "s1"), say("Last item")]),
        QuoteBlock(sentences=[*say("Quoted here", "s1"), *say("Quoted too", "s1")]),
        TableBlock(
            head=["Column", f"Named {word}"],
            rows=[
                [say("First cell"), say("Second cell", "s1")],
                [[], [*say("Third cell"), *say("More of it")]],
            ],
        ),
        StepsBlock(
            steps=[
                Instruction(name=f"First step {word}", sentences=say("What to do first", "s1")),
                Instruction(name=f"Second step {word}", sentences=say("What to do then")),
            ]
        ),
        CalloutBlock(tone="warning", title=f"Mind this {word}", sentences=say("Callout here")),
        CalloutBlock(sentences=say("Callout without a title", "s1")),
        ImageBlock(src="heap.png", caption=say("Caption of it", "s1")),
        say("Paragraph below"),
    ]
    images = [
        Image(src="leaf.png", alt="A leaf"),
        Image(src="heap.png", alt="A heap", credit="Ann Lee", licence="CC BY 4.0"),
    ]
    pictures = {"leaf.png": PIXEL + b"\0", "heap.png": PIXEL}
    before = article(images=images, pictures=pictures)
    sections = [*before.draft.sections, Section(heading="Kinds", paragraphs=blocks)]
    return replace(before, draft=before.draft.model_copy(update={"sections": sections}))


def in_order(texts: list[str], page: str) -> bool:
    """Whether the page says all of it, one after another."""
    return re.search(".*".join(map(re.escape, texts)), " ".join(page.split())) is not None


async def test_every_kind_of_block_is_published_found_and_updated(place: Place) -> None:
    async with place.opened() as publisher:
        _, known = await publisher.publish(with_blocks("alpha"), at_once)
        assert known.sha256 == with_blocks("alpha").sha256
        assert await publisher.find("compost") == known

        async def never(name: str, **_: Any) -> Any:
            raise AssertionError(f"{name} was written")

        published, there = await publisher.publish(with_blocks("alpha"), never, known)
        assert (published.action, there) == ("unchanged", known)
        published, updated = await publisher.publish(with_blocks("omega"), at_once, known)
        assert (published.action, updated.sha256) == ("updated", with_blocks("omega").sha256)
        (post,) = [post async for post in publisher.posts() if post.slug == "compost"]
    (text,) = place.shown("compost")
    words = [
        sentence.text
        for sentence in with_blocks("omega").draft.sentences()
        if "omega" in sentence.text
    ]
    names = {
        "First cell omega.": "Named omega",
        "What to do first omega.": "First step omega",
        "What to do then omega.": "Second step omega",
        "Callout here omega.": "Mind this omega",
    }
    for sentence, name in names.items():
        words.insert(words.index(sentence), name)
    words.insert(words.index("Paragraph below omega."), "Ann Lee · CC BY 4.0")
    for page in (text, post.html):
        assert in_order(words, page)
        assert "alpha" not in page


async def test_a_signed_article_is_published_and_found_unchanged(place: Place) -> None:
    told = {"author": "Ana Petrović", "disclosure": "Written by machines & checked by people."}
    signed = replace(article(), draft=article().draft.model_copy(update=told))
    async with place.opened() as publisher:
        _, plain = await publisher.publish(article(), at_once)
        _, known = await publisher.publish(signed, at_once, plain)
        assert await publisher.find("compost") == known

        async def never(name: str, **_: Any) -> Any:
            raise AssertionError(f"{name} was written")

        published, there = await publisher.publish(signed, never, known)
    assert (published.action, there) == ("unchanged", known)
    (text,) = place.shown("compost")
    assert text.count("Written by machines &amp; checked by people.") == 1
    assert text.startswith("---\n") == ('\nauthor: "Ana Petrović"\n' in text), "in front matter"


async def test_another_version_takes_its_place(place: Place) -> None:
    async with place.opened() as publisher:
        _, known = await publisher.publish(article(), at_once)
        later = replace(article("Another start."), at=NIGHT + timedelta(days=1))
        published, there = await publisher.publish(later, at_once, known)
    assert published.action == "updated"
    assert (there.id, there.url) == (known.id, known.url)
    (text,) = place.shown("compost")
    assert "Another start." in text
    assert "A heap is a start" not in text


async def test_a_persons_change_stays_until_a_person_says_otherwise(place: Place) -> None:
    async with place.opened() as publisher:
        _, known = await publisher.publish(article(), at_once)
        place.edit("compost")
        with pytest.raises(Conflict) as conflict:
            await publisher.publish(article("Another start."), at_once, known)
        assert "A person was here." in place.shown("compost")[0]
        there = conflict.value.there
        assert there is not None
        await publisher.publish(article("Another start.", over=there.fingerprint), at_once, known)
    (text,) = place.shown("compost")
    assert "Another start." in text


async def test_a_removed_page_stays_away_until_a_person_says_otherwise(place: Place) -> None:
    async with place.opened() as publisher:
        _, known = await publisher.publish(article(), at_once)
        place.take_away("compost")
        with pytest.raises(Conflict) as conflict:
            await publisher.publish(article("Another start."), at_once, known)
        assert conflict.value.there is None
        await publisher.publish(article("Another start.", over=GONE), at_once, known)
    assert any("Another start." in text for text in place.shown("compost"))


@pytest.mark.parametrize("new", [True, False], ids=["new", "there before"])
async def test_whoever_dies_after_any_write_goes_on_to_the_same_end(
    place: Place, new: bool
) -> None:
    """The call was carried out, and its answer never came: at every write in turn."""
    for dies_at in range(1, WRITES_AT_MOST + 1):
        slug = f"heap-{dies_at}" if new else "compost"
        changed = article(f"Version {dies_at}.", slug=slug)
        seen = 0

        async def dying(
            name: str, *, call: Callable[[], Awaitable[Any]], last: int = dies_at, **_: Any
        ) -> Any:
            nonlocal seen
            seen += 1
            done = await call()
            if seen == last:
                raise Transient("no answer")
            return done

        async with place.opened() as publisher:
            known = await publisher.find(slug)
            with suppress(Transient):
                await publisher.publish(changed, dying, known)
            assert seen <= WRITES_AT_MOST
            _, there = await publisher.publish(changed, at_once, known, [changed.sha256])
            assert there.sha256 == changed.sha256
        (text,) = place.shown(slug)
        assert f"Version {dies_at}." in text


async def test_unpublished_it_is_gone_from_readers_and_can_come_back(place: Place) -> None:
    async with place.opened() as publisher:
        _, known = await publisher.publish(article(), at_once)
        there = await publisher.unpublish("compost", at_once, known)
        assert there is None or there.state == "draft"
        assert [post async for post in publisher.posts() if post.slug == "compost"] == []
        _, back = await publisher.publish(article(), at_once, there)
        assert back.state == "published"
    assert len(place.shown("compost")) == 1


async def test_what_a_person_changed_is_not_unpublished(place: Place) -> None:
    async with place.opened() as publisher:
        _, known = await publisher.publish(article(), at_once)
        place.edit("compost")
        with pytest.raises(Conflict):
            await publisher.unpublish("compost", at_once, known)
    assert len(place.shown("compost")) == 1


async def test_its_posts_are_told(place: Place) -> None:
    async with place.opened() as publisher:
        await publisher.publish(article(), at_once)
        (post,) = [post async for post in publisher.posts() if post.slug == "compost"]
    assert post.title == article().draft.title
    assert "A heap is a start" in post.html


async def test_slugs_in_other_scripts_are_published_found_and_listed(place: Place) -> None:
    async with place.opened() as publisher:
        there = {}
        for slug in ("公式", "攻势", "ทำปุ๋ย"):
            _, there[slug] = await publisher.publish(article(f"Of {slug}.", slug=slug), at_once)
            assert await publisher.find(slug) == there[slug]
            published, _ = await publisher.publish(
                article(f"Of {slug}.", slug=slug), at_once, there[slug]
            )
            assert published.action == "unchanged"
        told = {post.url: post.html async for post in publisher.posts()}
        for slug, existing in there.items():
            assert existing.url.isascii()
            assert f"Of {slug}." in told[existing.url]
            await publisher.unpublish(slug, at_once, existing)
        left = {post.url async for post in publisher.posts()}  # a CMS may have posts of its own
        assert not left & {existing.url for existing in there.values()}


async def test_a_picture_goes_along_where_there_is_room_for_one(place: Place) -> None:
    async with place.opened() as publisher:
        if not publisher.can.media:
            return
        images = [
            Image(src="heap.png", alt="A heap of leaves"),
            Image(src="worm.png", alt="A worm in it"),
        ]
        pictures = {"heap.png": PIXEL, "worm.png": PIXEL + b"\0"}
        await publisher.publish(article(images=images, pictures=pictures), at_once)
    (text,) = place.shown("compost")
    body = text.rpartition("\n---\n")[2]  # generators have it in the front matter, too
    assert (
        body.count("A heap of leaves") <= 1
    )  # it is the featured picture of a CMS, which themes show above the text
    assert text.count("A worm in it") == 1
    for name in pictures:
        assert f'"{name}"' not in text and f"(<{name}>)" not in text


LICENCE = "https://creativecommons.org/licenses/by/4.0/"
SHOT = Image(
    src="heap.webp",
    alt="A heap",
    caption="In May",
    credit="Ann & Smith",
    licence="CC BY 4.0",
    licence_url=LICENCE,
)


async def test_readers_see_whose_a_picture_is(place: Place) -> None:
    async with place.opened() as publisher:
        pictures = {"heap.webp": PIXEL}
        await publisher.publish(article(images=[SHOT], pictures=pictures), at_once)
    (text,) = place.shown("compost")
    below = html.unescape(text + place.captions("compost"))
    assert "In May" in below
    assert "Ann & Smith" in below
    assert LICENCE in below


async def test_a_card_is_for_networks_and_not_for_the_text(place: Place) -> None:
    card = Image(src="card.webp", alt="Its card", width=1200, height=630)
    async with place.opened() as publisher:
        changes = {"images": [card], "pictures": {"card.webp": PIXEL}}
        _, known = await publisher.publish(article(**changes), at_once)
        done, _ = await publisher.publish(article(**changes), at_once, known)
    assert done.action == "unchanged"
    (text,) = place.shown("compost")
    assert "Its card" not in html_of(text)


def html_of(text: str) -> str:
    """What readers see: the text without the front matter or the head of a page."""
    return text.rpartition("\n---\n")[2].rpartition("</head>")[2]


async def test_a_draft_is_one_where_there_are_drafts(place: Place) -> None:
    async with place.opened() as publisher:
        if "draft" not in publisher.can.states:
            return
        _, there = await publisher.publish(article(state="draft"), at_once)
        assert there.state == "draft"
        assert [post async for post in publisher.posts() if post.slug == "compost"] == []
        _, there = await publisher.publish(article(), at_once, there)
        assert there.state == "published"


async def test_all_is_well_when_it_is_checked(place: Place) -> None:
    async with place.opened() as publisher:
        assert all(finding.ok for finding in await publisher.check())
