"""The pictures that nobody drew: cards of articles and sites, and an icon. Pure: same input, same
bytes.

A card has the words of its page in Noto Sans (SIL Open Font License), which draws Latin, Greek and
Cyrillic. Words in other scripts, or written from right to left, are left out: a reader had rather
see none than empty boxes.
"""

from __future__ import annotations

import io
import unicodedata
from functools import cache, lru_cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

SRC = "card.webp"  # of a draft's card, whose bytes are drawn when it is published
WIDTH, HEIGHT = 1200, 630  # pixels; what Facebook, LinkedIn and X show whole
MARGIN = 90
SIZES = (
    84,
    76,
    68,
    60,
    52,
)  # of a title, in pixels; the first with which it fits, else the last, and it is cut
NAME_SIZE, NAME_LINES, TITLE_LINES = 40, 1, 4
LINE = 1.18  # of the size
PAPER, INK, DARK_PAPER = "#fdfcf9", "#24231f", "#15181a"  # as in style.css
ACCENT, DARK_ACCENT = "#23674a", "#86c9a6"
CONTRAST = 4.5  # of text and its paper at least (WCAG 2.2, 1.4.3)

_SCRIPTS = frozenset({"LATIN", "GREEK", "CYRILLIC"})
_BOLD, _REGULAR = 700, 400


class Accent(NamedTuple):
    """The colour of links on light paper and on dark paper, as #rrggbb."""

    light: str
    dark: str


def accent(color: str | None) -> Accent:
    """A site's colour, moved towards black or white until it can be read on the paper; or the
    colour of the house.
    """
    if color is None:
        return Accent(ACCENT, DARK_ACCENT)
    return Accent(_readable(color, PAPER, 0), _readable(color, DARK_PAPER, 255))


def icon(name: str, color: str | None) -> str:
    """The icon of a site (SVG): the first letter or digit of its name on its colour."""
    from markupsafe import escape

    letter = next((c.upper() for c in name if c.isalnum()), "")[:1]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<rect width="64" height="64" rx="14" fill="{accent(color).light}"/>'
        '<text x="32" y="33" text-anchor="middle" dominant-baseline="central" '
        'font-size="40" font-weight="700" '
        f'font-family="system-ui, sans-serif" fill="#fff">{escape(letter)}</text></svg>\n'
    )


@lru_cache(maxsize=64)
def card(title: str, name: str, color: str | None = None) -> bytes:
    """A card of 1200 x 630 pixels (PNG): the title, the site's name below it, in the site's
    colours.

    What does not fit is cut with an ellipsis, within a word where need be. Takes about 60 ms.
    """
    return _saved(_drawn(title, name, color), "PNG", compress_level=9)


@lru_cache(maxsize=64)
def featured(title: str, name: str, color: str | None = None) -> bytes:
    """The same card (WebP), as the featured picture of an article in a CMS."""
    return _saved(_drawn(title, name, color), "WEBP", lossless=True, method=4)


def _saved(picture: Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _drawn(title: str, name: str, color: str | None) -> Image:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw, shade = ImageDraw.Draw(picture), accent(color).light
    draw.rectangle((0, 0, 24, HEIGHT), fill=shade)
    _write_title(draw, _plain(title))
    draw.rectangle((MARGIN, HEIGHT - MARGIN - 76, MARGIN + 72, HEIGHT - MARGIN - 68), fill=shade)
    if drawable(name := _plain(name)):
        font = _font(NAME_SIZE, _REGULAR)
        [line] = _lines(name, font, WIDTH - 2 * MARGIN, NAME_LINES)
        draw.text((MARGIN, HEIGHT - MARGIN), line, font=font, fill=shade, anchor="ls")
    return picture


def drawable(text: str) -> bool:
    """Whether the font draws every character of a text as its readers know it; False for one
    without any.
    """
    return bool(text) and all(map(_is_drawable, _plain(text)))


def size_of(picture: bytes) -> tuple[int, int] | None:
    """Width and height in pixels as browsers show the picture; None where it cannot be read."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(picture)) as opened:
            width, height = opened.size
            turned = opened.getexif().get(0x0112, 1) >= 5  # its orientation: lying on its side
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return (height, width) if turned else (width, height)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _write_title(draw: ImageDraw, title: str) -> None:
    if not drawable(title):
        return
    room = HEIGHT - 2 * MARGIN - 100
    for size in SIZES:
        font, most = _font(size, _BOLD), min(TITLE_LINES, int(room / (size * LINE)))
        lines = _lines(title, font, WIDTH - 2 * MARGIN, most)
        if not lines[-1].endswith("…"):
            break
    for number, line in enumerate(lines):
        draw.text((MARGIN, MARGIN + number * size * LINE), line, font=font, fill=INK, anchor="la")


def _lines(text: str, font: FreeTypeFont, width: int, most: int) -> list[str]:
    """The text in at most so many lines of a width in pixels: between words where that
    is possible.
    """
    lines = [""]
    for word in text.split(" "):
        head = f"{lines[-1]} {word}".strip()
        if font.getlength(head) <= width:
            lines[-1] = head
            continue
        parts = _parts(word, font, width)
        lines = [*(lines if lines[-1] else []), *parts]
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], _cut(lines[most - 1], font, width)]


def _parts(word: str, font: FreeTypeFont, width: int) -> list[str]:
    """A word, in several parts where it is wider than a line."""
    parts = [""]
    for char in word:
        if font.getlength(parts[-1] + char) > width:
            parts.append("")
        parts[-1] += char
    return parts


def _cut(line: str, font: FreeTypeFont, width: int) -> str:
    """The line with an ellipsis behind what of it leaves room for one."""
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip(" ,;:.-–—(") + "…"


@cache
def _is_drawable(char: str) -> bool:
    kind = unicodedata.category(char)
    if kind[0] in "CM" or (
        kind[0] == "L" and unicodedata.name(char, "").split(" ")[0] not in _SCRIPTS
    ):
        return False
    return char == " " or bytes(_font(NAME_SIZE, _REGULAR).getmask(char)) != _nothing()


@cache
def _nothing() -> bytes:
    """The box that stands for a character which the font does not have."""
    return bytes(_font(NAME_SIZE, _REGULAR).getmask("\U0010fffd"))


@lru_cache(maxsize=16)
def _font(size: int, weight: int) -> FreeTypeFont:
    """Without Raqm, which not every machine has: so the same words stand at the same places
    everywhere.
    """
    from PIL import ImageFont

    with as_file(files("fontpkg_noto_sans") / "files" / "NotoSans[wdth,wght].ttf") as path:
        font = ImageFont.truetype(
            io.BytesIO(path.read_bytes()), size, layout_engine=ImageFont.Layout.BASIC
        )
    font.set_variation_by_axes([weight, 100])
    return font


def _readable(color: str, paper: str, end: int) -> str:
    """The colour, moved in steps towards black (0) or white (255) until it can be read on the
    paper.
    """
    channels = _channels(color)
    for step in range(21):
        moved = [round(channel + (end - channel) * step / 20) for channel in channels]
        if _contrast(moved, _channels(paper)) >= CONTRAST:
            break
    return "#" + "".join(f"{channel:02x}" for channel in moved)


def _channels(color: str) -> list[int]:
    return [int(color[place : place + 2], 16) for place in (1, 3, 5)]


def _contrast(one: list[int], other: list[int]) -> float:
    """The ratio of two colours' luminance, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(channels: list[int]) -> float:
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (x / 255 for x in channels)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
