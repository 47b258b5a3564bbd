"""Featured pictures on a real WordPress: uploaded once, with their words and whose they are."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import httpx2
from lxml import html
from PIL import Image as Drawing

from contentstudio.model import Draft, Image
from contentstudio.pictures import Picture, cards, raster
from contentstudio.store.pictures import Pictures

Make = Callable[..., Draft]
Desk = Any  # of conftest.py

CARD = Image(src=cards.SRC, alt="On compost", width=cards.WIDTH, height=cards.HEIGHT)
LICENCE = "https://creativecommons.org/licenses/by/4.0/"


def library(desk: Desk) -> list[dict[str, Any]]:
    """The media of the site, the oldest first."""
    with desk.wordpress.client("owner") as owner:
        found: list[dict[str, Any]] = owner.get(
            "/media", params={"context": "edit", "orderby": "id", "order": "asc"}
        ).json()
    return found


def featured(desk: Desk) -> int:
    with desk.wordpress.client("owner") as owner:
        (post,) = owner.get("/posts", params={"slug": "compost"}).json()
    return int(post["featured_media"])


def photo() -> bytes:
    """A JPEG of a drawing, as a camera makes them."""
    written = io.BytesIO()
    Drawing.radial_gradient("L").resize((1800, 1200)).convert("RGB").save(written, "JPEG")
    return written.getvalue()


async def stored(desk: Desk, draft: Draft, photo: bytes, credit: str) -> Image:
    drawn = raster.tidy(photo)
    picture = Picture(
        data=drawn.data,
        media_type=raster.MEDIA_TYPE,
        width=drawn.width,
        height=drawn.height,
        alt="A hill at dusk",
        origin="folder:hill.jpg",
        credit=credit,
        licence="CC BY 4.0",
        licence_url=LICENCE,
    )
    return await Pictures(desk.database).keep(draft, "one", picture)


async def test_a_card_is_uploaded_once_and_featured(desk: Desk, draft: Make) -> None:
    for job, text in (("one", "A start."), ("two", "Another start.")):
        ending = await desk.publish(job, draft(text, title="On compost", images=[CARD]))
        assert ending["status"] == "succeeded", ending["error"]
    (media,) = library(desk)
    assert (media["mime_type"], media["alt_text"]) == ("image/webp", "On compost")
    assert (media["media_details"]["width"], media["media_details"]["height"]) == (1200, 630)
    assert featured(desk) == media["id"]
    page = html.fromstring(httpx2.get(ending["output"]["url"]).text)
    assert page.xpath("//img/@alt").count("On compost") == 1
    card = cards.featured("On compost", "garden", None)
    assert httpx2.get(media["source_url"]).content == card


async def test_the_card_of_another_title_takes_its_place(desk: Desk, draft: Make) -> None:
    await desk.publish("one", draft(title="On compost", images=[CARD]))
    (first,) = library(desk)
    renamed = CARD.model_copy(update={"alt": "Of heaps"})
    ending = await desk.publish("two", draft(title="Of heaps", images=[renamed]))
    assert ending["output"]["action"] == "updated", ending["error"]
    _, second = library(desk)
    assert second["id"] != first["id"]
    assert featured(desk) == second["id"]


async def test_a_picture_comes_with_whose_it_is(desk: Desk, draft: Make) -> None:
    desk.configure("author")
    image = await stored(desk, draft(), photo(), "Ann & Smith")
    for job, text in (("one", "A start."), ("two", "Another start.")):
        ending = await desk.publish(job, draft(text, images=[image]))
        assert ending["status"] == "succeeded", ending["error"]
    (media,) = library(desk)
    assert featured(desk) == media["id"]
    assert media["alt_text"] == "A hill at dusk"
    assert f'<a href="{LICENCE}"' in media["caption"]["raw"]
    data = httpx2.get(media["source_url"].replace("-scaled", "")).content
    assert f"picture-{hashlib.sha256(data).hexdigest()}.webp" == image.src
    page = html.fromstring(httpx2.get(ending["output"]["url"]).text)
    (line,) = page.xpath("//p[contains(., 'Ann & Smith')]")
    assert line.text_content() == "Picture: Ann & Smith · CC BY 4.0"
    assert line.xpath(".//a/@href") == [LICENCE]


async def test_an_article_without_a_picture_stays_as_it_is(desk: Desk, draft: Make) -> None:
    await desk.publish("one", draft())
    done = len([told for told in desk.proxy.told if not told.startswith("GET")])
    ending = await desk.publish("two", draft())
    assert ending["output"]["action"] == "unchanged"
    assert library(desk) == []
    assert len([told for told in desk.proxy.told if not told.startswith("GET")]) == done
