"""The pictures of others, read with care: whatever the file is, a picture for a page comes out of
it, or one sentence.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from overnight.errors import OvernightError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_BYTES = 20_000_000  # of a file that is read; a photograph of 40 megapixels has about 15 MB
MAX_PIXELS = 50_000_000  # which unpack to 150 MB
MAX_SIDE = 1_600  # pixels of the longer side: two for each of a column of 800
MIN_SIDE = 200  # pixels; networks show no smaller ones as the picture of a page
QUALITY = 82  # of WebP, where photographs show no loss at their size on a page
SHARED_WIDTH, SHARED_HEIGHT = 1200, 630  # pixels; what Facebook, LinkedIn and X show whole
THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT = 320, 168  # pixels; the shape of a card
MEDIA_TYPE = "image/webp"


class Unusable(OvernightError):
    """The picture cannot be used. The message is the rest of a sentence that begins with its
    name.
    """


@dataclass(frozen=True, slots=True)
class Raster:
    """A WebP file; `width` and `height` are in pixels."""

    data: bytes
    width: int
    height: int


def tidy(data: bytes) -> Raster:
    """The picture as WebP, upright, at most `MAX_SIDE` wide and high, in sRGB and without metadata.

    Of an animation it is the first frame. Raises `Unusable`. Blocks for up to a second.
    """
    check_size(len(data))
    with _opened(io.BytesIO(data)) as opened:
        return _encoded(_shrunk(opened))


def glance(file: Path) -> None:
    """Look at the beginning of a file, in a millisecond. Raises `Unusable` where it is known by
    that; what is damaged further on, `tidy` finds.
    """
    try:
        check_size(file.stat().st_size)
        with file.open("rb") as stream, _opened(stream):
            pass
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from None


@contextmanager
def _opened(stream: IO[bytes]) -> Iterator[Image]:
    """A picture of others, of which no pixel is read yet. Raises `Unusable` for what goes wrong
    with it.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(stream, formats=FORMATS) as opened:
            _check_dimensions(*opened.size)
            yield opened
    except Unusable:
        raise
    except UnidentifiedImageError:
        raise Unusable(f"is {_kind(stream)}: save it as JPEG, PNG or WebP") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unusable(_TOO_MANY) from None
    except (*_BROKEN, struct.error, zlib.error):
        raise Unusable("is damaged: save it anew") from None


def stored(data: bytes) -> Raster:
    """A picture that `tidy` made, as it is. Raises `Unusable` for any other one."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as opened:
            return Raster(data, *opened.size)
    except (*_BROKEN, Image.DecompressionBombError):
        raise Unusable("is damaged") from None


# What Pillow raises for damaged files, beside its own errors.
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    MemoryError,
)
_TOO_MANY = f"has more than {MAX_PIXELS // 1_000_000} million pixels: save it smaller"


def shared_size(width: int, height: int) -> tuple[int, int]:
    """The size of what networks get of a picture: their shape, and no larger than it is."""
    scale = min(1.0, width / SHARED_WIDTH, height / SHARED_HEIGHT)
    return round(SHARED_WIDTH * scale), round(SHARED_HEIGHT * scale)


def shared(data: bytes) -> bytes:
    """A picture that `tidy` made, for networks (JPEG): not each of them reads WebP. Its middle is
    kept, on white.
    """
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=("WEBP",)) as opened:
        whole = opened.convert("RGBA")
        paper = Image.new("RGBA", whole.size, "white")
        flat = Image.alpha_composite(paper, whole).convert("RGB")
        buffer = io.BytesIO()
        ImageOps.fit(flat, shared_size(*whole.size)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def thumbnail(data: bytes) -> bytes:
    """A picture of ours in the size of a thumbnail (WebP); its middle is kept, on white. Raises
    `Unusable`.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as opened:
            whole = opened.convert("RGBA")
    except (*_BROKEN, Image.DecompressionBombError):
        raise Unusable("is damaged") from None
    flat = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
    buffer = io.BytesIO()
    ImageOps.fit(flat, (THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT)).save(buffer, "WEBP", quality=70)
    return buffer.getvalue()


def check_size(size: int) -> None:
    """Raises `Unusable` for a file of too many bytes, which need not be read for that."""
    if size > MAX_BYTES:
        megabytes = f"{size / 1_000_000:.0f} MB, more than {MAX_BYTES // 1_000_000}"
        raise Unusable(f"has {megabytes}: save it smaller")


def _check_dimensions(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Unusable(_TOO_MANY)
    if min(width, height) < MIN_SIDE:
        raise Unusable(f"has {width} × {height} pixels, fewer than {MIN_SIDE}: use a larger one")


def _shrunk(opened: Image) -> Image:
    from PIL import ImageOps
    from PIL.Image import Resampling

    opened.draft("RGB", (2 * MAX_SIDE, 2 * MAX_SIDE))  # a JPEG is decoded at that size at once
    picture = ImageOps.exif_transpose(opened)
    profile = picture.info.get("icc_profile")
    has_alpha = "A" in picture.getbands() or "transparency" in picture.info
    picture = picture.convert("RGBA" if has_alpha else "RGB")
    if profile:
        picture = _in_srgb(picture, profile)
    picture.thumbnail((MAX_SIDE, MAX_SIDE), Resampling.LANCZOS)
    return picture


def _in_srgb(picture: Image, profile: bytes) -> Image:
    """The picture in the colours of the web. One whose profile cannot be read keeps its numbers."""
    from PIL import ImageCms

    with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        there = ImageCms.createProfile("sRGB")
        changed = ImageCms.profileToProfile(picture, own, there, outputMode=picture.mode)
        return changed or picture
    return picture


def _encoded(picture: Image) -> Raster:
    picture.info.clear()  # profile and metadata would be written
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=QUALITY, method=4)
    return Raster(buffer.getvalue(), *picture.size)


def _kind(stream: IO[bytes]) -> str:
    """What a file is that is no picture of ours, in words."""
    stream.seek(0)
    head = stream.read(512).lstrip().lower()
    if b"<svg" in head:
        return "an SVG, which networks do not show"
    if b"ftypheic" in head or b"ftypmif1" in head or b"ftypavif" in head:
        return "a HEIC or AVIF picture, which not every browser shows"
    return "no picture that can be read"
