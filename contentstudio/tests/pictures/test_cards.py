"""Cards and icons: their size, that no word leaves them, and that what cannot be drawn
is left out.
"""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from lxml import etree
from PIL import Image, ImageChops

from contentstudio.pictures import cards

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
TITLES = {
    "short": "Compost",
    "usual": "How to make compost from kitchen waste in six weeks, and why it works",
    "one long word": LONG,
    "a word longer than the card": LONG * 9,
    "many words": "a heap is a heap " * 60,
    "many long words": f"{LONG} " * 12,
    "one character": "Ж",
}


def opened(card: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(card))
    picture.load()
    return picture


def marked(picture: Image.Image) -> tuple[int, int, int, int]:
    """The box of what is drawn beside the bar at the left edge."""
    inside = picture.convert("RGB").crop((24 + 1, 0, cards.WIDTH, cards.HEIGHT))
    box = ImageChops.difference(inside, Image.new("RGB", inside.size, cards.PAPER)).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
@pytest.mark.parametrize("name", ["The Garden", LONG * 4])
def test_no_word_leaves_a_card(title: str, name: str) -> None:
    picture = opened(cards.card(title, name))
    assert (picture.format, picture.size) == ("PNG", (1200, 630))
    left, top, right, bottom = marked(picture)
    edge = cards.MARGIN - 24 - 1
    assert left >= edge - 4
    assert right <= cards.WIDTH - 24 - 1 - edge + 4
    assert top >= cards.MARGIN // 2
    assert bottom <= cards.HEIGHT - cards.MARGIN // 2


def test_the_words_of_a_title_are_on_its_card() -> None:
    assert (
        cards.card("Compost", "Garden")
        != cards.card("Mulch", "Garden")
        != cards.card("Mulch", "Sky")
    )


@pytest.mark.parametrize(
    "title",
    [
        "目次",
        "한국어 제목",
        "שלום עולם",
        "مرحبا",
        "हिन्दी",
        "🌱 Compost",
        "Compost 堆肥",
        "\u202eabc",
    ],
)
def test_what_the_font_cannot_draw_is_left_out_whole(title: str) -> None:
    assert not cards.drawable(title)
    assert cards.card(title, "The Garden") == cards.card("", "The Garden")
    assert cards.card("Compost", title) == cards.card("Compost", "")


@pytest.mark.parametrize(
    "title",
    [
        "Über Böden – „gut“",
        "Ça va: 12 € ½ × 3",
        "Příliš žluťoučký",
        "Содержание їєґ",
        "Περιεχόμενα",
        "Phở Việt",
    ],
)
def test_latin_greek_and_cyrillic_are_drawn(title: str) -> None:
    assert cards.drawable(title)
    assert cards.card(title, "The Garden") != cards.card("", "The Garden")


def test_the_same_words_give_the_same_bytes_in_another_process() -> None:
    program = (
        "import sys; from contentstudio.pictures import cards; "
        "sys.stdout.buffer.write(cards.card('Böden', 'A'))"
    )
    assert subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True
    ).stdout == cards.card("Böden", "A")


@pytest.mark.parametrize(
    "color", ["#ffffff", "#000000", "#ffcc00", "#ff0000", "#7f7f7f", "#23674a"]
)
def test_a_sites_colour_can_be_read_on_both_papers(color: str) -> None:
    light, dark = cards.accent(color)
    assert cards._contrast(cards._channels(light), cards._channels(cards.PAPER)) >= 4.5
    assert cards._contrast(cards._channels(dark), cards._channels(cards.DARK_PAPER)) >= 4.5


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert cards.accent("#23674a").light == "#23674a"
    assert cards.accent(None) == ("#23674a", "#86c9a6")
    assert cards._contrast([0, 0, 0], [255, 255, 255]) == pytest.approx(21)


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("the garden", "T"),
        ("“Über”", "Ü"),
        ("公式", "公"),
        ("3 heaps", "3"),
        ("ßa", "S"),
        ("–", None),
    ],
)
def test_an_icon_is_the_first_letter_on_the_sites_colour(name: str, letter: str | None) -> None:
    svg = etree.fromstring(cards.icon(name, "#aa2266").encode())
    assert svg.xpath("//*[local-name()='text']")[0].text == letter
    assert svg.xpath("//@fill")[0] == "#aa2266"


@pytest.mark.parametrize(
    ("kind", "size"), [("PNG", (30, 20)), ("JPEG", (40, 10)), ("GIF", (5, 6)), ("WEBP", (7, 8))]
)
def test_a_pictures_size_is_read(kind: str, size: tuple[int, int]) -> None:
    written = io.BytesIO()
    Image.new("RGB", size).save(written, kind)
    assert cards.size_of(written.getvalue()) == size


def test_a_rotated_picture_has_the_size_that_is_shown() -> None:
    written, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 10)).save(written, "JPEG", exif=exif)
    assert cards.size_of(written.getvalue()) == (10, 40)


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0" + b"\0" * 40]
)
def test_a_picture_that_cannot_be_read_has_no_size(data: bytes) -> None:
    assert cards.size_of(data) is None
