"""Home: what came out with its picture, what waits by its title, what it cost, what comes next."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import httpx2
import pytest
from drafts import small_draft
from PIL import Image as Pillow

from contentstudio import app as studio
from contentstudio import calendar, console, ideas
from contentstudio.config import Config
from contentstudio.model import Existing, Image
from contentstudio.pictures import Picture, raster
from contentstudio.store.articles import Articles
from contentstudio.store.pictures import Pictures
from contentstudio.store.publications import Publications
from overnight import App, http
from overnight.console import site
from overnight.console.access import Access
from overnight.operations import switches
from overnight.store.database import Database

DATA = "data:image/webp;base64,"


@pytest.fixture
def config(write_config: Callable[..., Config]) -> Config:
    return write_config(["https://a.example/"])


@pytest.fixture
def app(config: Config) -> App:
    return studio.build(config)


@pytest.fixture
async def client(app: App, config: Config, database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    built = site.build(app, database, Access({}), own=console.build(config))
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            yield client


def picture(color: str) -> Picture:
    buffer = io.BytesIO()
    Pillow.new("RGB", (400, 300), color).save(buffer, "WEBP")
    return Picture(
        data=buffer.getvalue(),
        media_type=raster.MEDIA_TYPE,
        width=400,
        height=300,
        alt="A heap",
        origin="folder:heaps",
    )


async def publish(database: Database, slug: str, images: list[Image] | None = None) -> None:
    draft = small_draft(slug, f"All of {slug}.", images=images or [])
    url, sha256 = f"https://garden.example/{slug}/", hashlib.sha256(slug.encode()).hexdigest()
    there = Existing(url=url, sha256=sha256)
    await Publications(database).keep("garden", draft, sha256, there, "job")
    articles = Articles(database)
    await articles.move(draft, "job", "ready")
    await articles.publish(draft, "job", url)


async def test_before_the_first_night_home_says_what_will_be_there(
    client: httpx2.AsyncClient,
) -> None:
    page = (await client.get("/")).text
    assert "Nothing was published yet" in page
    assert "Nothing waits for you" in page
    assert "No worker is running" in page
    assert page.count("<h1") == 1


async def test_published_articles_have_their_picture_or_their_card(
    client: httpx2.AsyncClient, database: Database
) -> None:
    image = await Pictures(database).keep(small_draft("heap"), "job", picture("green"))
    await publish(database, "heap", [image])
    await publish(database, "mulch")
    lost = image.model_copy(update={"src": image.src.replace("a", "b").replace("0", "1")})
    await publish(database, "straw", [lost])
    page = (await client.get("/")).text
    assert page.count(f'<img src="{DATA}') == 3
    assert all(f"On {slug}" in page for slug in ("heap", "mulch", "straw"))


async def test_what_is_due_next_is_there_with_its_menu(
    client: httpx2.AsyncClient, app: App, config: Config, database: Database
) -> None:
    day = await calendar.today_of(config, database)
    await ideas.add(
        app, config, database, "garden", "Why do bees dance", due=day + timedelta(days=4)
    )
    page = (await client.get("/")).text
    assert "Why do bees dance" in page
    assert 'action="/do/move-idea"' in page


async def test_a_paused_site_is_an_incident_with_its_button(
    client: httpx2.AsyncClient, database: Database
) -> None:
    await switches.pause(database, "key:garden", reason="its owner is away")
    page = (await client.get("/")).text
    assert "site:garden is paused" in page and "its owner is away" in page
    assert 'action="/do/resume"' in page


def test_a_thumbnail_is_small_and_what_is_damaged_has_none() -> None:
    large = io.BytesIO()
    Pillow.effect_noise((1200, 900), 80).convert("RGBA").save(large, "WEBP", lossless=True)
    small = raster.thumbnail(large.getvalue())
    with Pillow.open(io.BytesIO(small)) as opened:
        assert (opened.format, opened.size) == (
            "WEBP",
            (raster.THUMBNAIL_WIDTH, raster.THUMBNAIL_HEIGHT),
        )
    for data in (b"", b"no picture", large.getvalue()[:200]):
        with pytest.raises(raster.Unusable):
            raster.thumbnail(data)
