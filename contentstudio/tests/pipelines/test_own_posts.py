"""What a site has already, whoever wrote it: where it is published, and in the sitemap that its
owner names.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from contentstudio import app as studio
from contentstudio.config import Config
from contentstudio.pipelines.deps import Deps
from contentstudio.publish.port import OwnPost
from overnight.operations import runs
from overnight.store.database import Database, Row
from overnight.testing import Clock, run_until_idle

PROSE = [
    "Compost needs air, water and patience, and a heap that is turned once a month is "
    "ready in half a year.",
    "Kitchen scraps rot within weeks, while twigs and leaves of oak take two winters in "
    "a shady corner.",
    "A heap of less than a cubic metre stays cold in winter, so the seeds of weeds in it "
    "stay alive.",
    "Worms move in by themselves from the soil below, and leave when the heap gets warm "
    "in its middle.",
]


def page(title: str, words: str = "") -> bytes:
    paragraphs = "".join(f"<p>{sentence} {words}</p>" for sentence in PROSE)
    head = f"<head><title>{title}</title></head>"
    return f"<html lang='en'>{head}<body><article>{paragraphs}</article></body></html>".encode()


def sitemap(*urls: str) -> tuple[int, dict[str, str], bytes]:
    body = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    return 200, {"Content-Type": "application/xml"}, f"<urlset>{body}</urlset>".encode()


@pytest.fixture
def night(
    small_web: Any, database: Database, clock: Clock, write_config: Callable[..., Config]
) -> Callable[..., Any]:
    """Runs a night of a site that has posts in its own sitemap and reads `/news`; what the memory
    holds then.
    """

    async def run(day: int, posts: str | None = "/sitemap.xml") -> dict[str, Row]:
        config = write_config([small_web.url + "/news"])
        site = config.site[0].model_copy(update={"posts": posts and small_web.url + posts})
        app = studio.build(config.model_copy(update={"site": [site]}))
        await runs.start(app, database, "night", {"date": f"2026-11-{day}", "sites": ["garden"]})
        await run_until_idle(app, database, clock=clock)
        return {row["slug"]: row for row in await database.fetch("select * from documents")}

    return run


async def test_the_owners_posts_are_remembered_and_not_written_again(
    small_web: Any, database: Database, night: Any
) -> None:
    small_web.answers |= {
        "/sitemap.xml": sitemap(small_web.url + "/blog/compost"),
        "/blog/compost": page("How to make compost"),
    }
    first = await night(23)
    assert first["blog/compost"]["kind"] == "own"
    assert first["blog/compost"]["title"] == "How to make compost"
    assert "Worms move in" in first["blog/compost"]["text"]
    small_web.answers["/news"] = page("Compost for beginners")
    await night(24)
    (choice,) = await database.fetch("select * from choices")
    assert (choice["decision"], choice["near"]) == ("skip", small_web.url + "/blog/compost")
    assert "which is the owner's own" in choice["reason"]
    assert (await database.one("select count(*) as n from candidates")) == {"n": 1}


async def test_a_post_is_forgotten_only_if_a_sound_sitemap_omits_it(
    small_web: Any, night: Any
) -> None:
    urls = [small_web.url + path for path in ("/blog/compost", "/blog/mulch")]
    small_web.answers |= {
        "/sitemap.xml": sitemap(*urls),
        "/blog/compost": page("C"),
        "/blog/mulch": page("M", "Mulch."),
    }
    assert set(await night(23)) == {"blog/compost", "blog/mulch"}
    small_web.answers["/sitemap.xml"] = (404, {}, b"")
    assert set(await night(24)) == {"blog/compost", "blog/mulch"}
    small_web.answers["/sitemap.xml"] = sitemap(urls[1])
    assert set(await night(25)) == {"blog/mulch"}


async def test_existing_posts_are_read_again_only_when_changed(
    night: Any, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    now = await clock.now()
    html = "".join(f"<p>{sentence}</p>" for sentence in PROSE)
    told = {"url": "https://garden.example/2019/compost/", "slug": "compost", "published_at": now}
    posts = [OwnPost(title="Compost", html=html, modified=datetime(2019, 5, 1, tzinfo=UTC), **told)]

    class Publisher:
        async def posts(self) -> AsyncIterator[OwnPost]:
            for post in posts:
                yield post

    @asynccontextmanager
    async def publisher(self: Deps, site: str) -> AsyncIterator[Publisher]:
        yield Publisher()

    monkeypatch.setattr(Deps, "publisher", publisher)
    (first,) = (await night(23, None)).values()
    assert (first["slug"], first["kind"], first["title"]) == ("2019/compost", "own", "Compost")
    assert "Worms move in" in first["text"]
    posts[0] = OwnPost(
        title="Not told as modified", html=html, modified=datetime(2019, 5, 1, tzinfo=UTC), **told
    )
    (same,) = (await night(24, None)).values()
    assert same["title"] == "Compost"
    await clock.move(86_400)
    posts[0] = OwnPost(
        title="Compost, again", html="<p>Short.</p>", modified=await clock.now(), **told
    )
    (changed,) = (await night(25, None)).values()
    assert (changed["title"], changed["text"]) == ("Compost, again", "")
