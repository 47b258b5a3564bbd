"""What is Ghost's own: its theme shows the feature image above an article, and puts marks around a
`<q>`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from contentstudio import config as settings
from contentstudio import publish
from contentstudio.model import (
    Draft,
    Existing,
    Image,
    ImageBlock,
    ListBlock,
    Reference,
    Section,
    Sentence,
)
from contentstudio.publish.ghost import Ghost
from contentstudio.publish.port import Article

pytestmark = pytest.mark.contract

SITE = (
    "[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = ['https://a.example']\n"
)
IMAGES = [Image(src=f"{number}.png", alt=f"Heap {number}") for number in range(3)]
QUOTE = Sentence(text="Turn it.", source="s1", quoted=True)
ARTICLE = Article(
    Draft(
        site="garden",
        slug="compost",
        title="On compost",
        description="What to know of heaps.",
        sections=[
            Section(heading="Heaps", paragraphs=[[QUOTE], ListBlock(items=[[QUOTE]])]),
            Section(heading="Turning", paragraphs=[[Sentence(text="It rots.")]]),
        ],
        references=[Reference(id="s1", url="https://a.example/", title="A", sha256="0" * 64)],
        writer="offline",
        images=IMAGES,
    ),
    datetime(2026, 11, 23, tzinfo=UTC),
)


async def at_once(name: str, *, call: Callable[[], Awaitable[Any]], **_: Any) -> Any:
    """An effect without a ledger."""
    return await call()


@pytest.fixture
def publish_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ghost_module: Any, ghost_server: Any
) -> Any:
    """Publish an article, and the post that Ghost has then."""
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", ghost_module.KEY)
    file = tmp_path / "contentstudio.toml"
    file.write_text(
        f"{SITE}publish = {{ to = 'ghost', url = '{ghost_server.url}', private = true }}\n", "utf-8"
    )
    config = settings.load(file)

    async def work(article: Article) -> tuple[dict[str, Any], Existing]:
        async with publish.opened(config, config.site[0]) as publisher:
            _, there = await publisher.publish(article, at_once)
            assert await publisher.find("compost") == there
        (post,) = ghost_server.store.posts.values()
        return post, there

    return work


async def test_the_feature_image_is_not_in_the_body_and_the_others_are(publish_it: Any) -> None:
    pictures = {image.src: bytes([number]) for number, image in enumerate(IMAGES)}
    post, there = await publish_it(replace(ARTICLE, pictures=pictures))
    assert post["feature_image_alt"] == "Heap 0"
    assert post["feature_image"] not in post["html"]
    assert [alt for alt in ("Heap 0", "Heap 1", "Heap 2") if alt in post["html"]] == [
        "Heap 1",
        "Heap 2",
    ]
    assert there.sha256 == ARTICLE.sha256


@pytest.mark.parametrize(("images", "feature"), [(IMAGES, "Heap 1"), (IMAGES[:1], "Heap 0")])
async def test_a_placed_picture_is_the_feature_image_only_if_alone(
    publish_it: Any, images: list[Image], feature: str
) -> None:
    block = ImageBlock(src="0.png", caption=[Sentence(text="A heap in May")])
    section = Section(heading="Heaps", paragraphs=[[QUOTE], block])
    draft = ARTICLE.draft.model_copy(update={"sections": [section], "images": images})
    pictures = {image.src: bytes([number]) for number, image in enumerate(images)}
    post, _ = await publish_it(replace(ARTICLE, draft=draft, pictures=pictures))
    assert post["feature_image_alt"] == feature
    assert (post["feature_image"] in post["html"]) == (feature == "Heap 0")
    (figure,) = html.fromstring(post["html"]).xpath("//figure[figcaption]")
    assert figure.xpath("string(figcaption)") == "A heap in May"
    assert figure.xpath("string(img/@src)").startswith("http")


async def test_the_first_picture_that_there_is_is_the_feature_image(publish_it: Any) -> None:
    post, _ = await publish_it(replace(ARTICLE, pictures={"1.png": b"1"}))
    assert post["feature_image_alt"] == "Heap 1"
    assert [alt for alt in ("Heap 0", "Heap 1", "Heap 2") if alt in post["html"]] == [
        "Heap 0",
        "Heap 2",
    ]


async def test_a_picture_is_uploaded_once_until_another_replaces_it(
    ghost_server: Any, publish_it: Any
) -> None:
    uploads: list[str] = []
    real = Ghost._ask

    async def counted(self: Ghost, method: Any, path: str, **options: Any) -> Any:
        uploads.extend([path] * path.startswith("/images"))
        return await real(self, method, path, **options)

    def version(text: str, image: Image, data: bytes, **changes: Any) -> Article:
        draft = ARTICLE.draft.model_copy(update={"description": text, "images": [image]})
        return replace(ARTICLE, draft=draft, pictures={image.src: data}, **changes)

    heap = Image(src="heap.png", alt="A heap", credit="Ann & Smith", licence="CC0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ghost, "_ask", counted)
        post, there = await publish_it(version("One.", heap, b"1"))
        first = dict(post)
        second, there = await publish_it(version("Two.", heap, b"1", over=there.fingerprint))
        assert len(uploads) == 1
        assert first["feature_image"] == second["feature_image"]
        assert second["feature_image_caption"] == "Ann &amp; Smith · CC0"
        worm = Image(src="worm.png", alt="A worm")
        third, _ = await publish_it(version("Three.", worm, b"2", over=there.fingerprint))
    assert len(uploads) == 2
    assert third["feature_image"] != first["feature_image"]
    assert (third["feature_image_alt"], third["feature_image_caption"]) == ("A worm", "")


async def test_quotation_marks_are_written_once(publish_it: Any) -> None:
    post, _ = await publish_it(ARTICLE)
    assert "<q" not in post["html"]
    assert post["html"].count("“Turn it.”") == 2
