"""Pictures of others: what is read, what comes out of it, and a sentence for what is refused."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageCms

from contentstudio.pictures import raster
from contentstudio.pictures.raster import Unusable, tidy


def picture(
    kind: str = "JPEG", size: tuple[int, int] = (400, 300), mode: str = "RGB", **options: Any
) -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, "#336699" if mode != "P" else 0).save(written, kind, **options)
    return written.getvalue()


def opened(data: bytes) -> Image.Image:
    there = Image.open(io.BytesIO(data))
    there.load()
    return there


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says that it is so large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *(("JPEG", mode) for mode in ("RGB", "L", "CMYK")),
        *(("PNG", mode) for mode in ("RGB", "RGBA", "P", "LA", "1", "I;16")),
        *(("WEBP", mode) for mode in ("RGB", "RGBA")),
        ("GIF", "P"),
    ],
)
def test_whatever_a_page_can_show_becomes_webp(kind: str, mode: str) -> None:
    written = io.BytesIO()
    Image.new(mode, (400, 300)).save(written, kind)
    drawn = tidy(written.getvalue())
    there = opened(drawn.data)
    assert (there.format, there.size) == ("WEBP", (400, 300))
    assert (drawn.width, drawn.height) == (400, 300)


@pytest.mark.parametrize(
    ("size", "becomes"),
    [((4000, 3000), (1600, 1200)), ((1000, 3200), (500, 1600)), ((1600, 900), (1600, 900))],
)
def test_a_large_picture_is_made_smaller(size: tuple[int, int], becomes: tuple[int, int]) -> None:
    drawn = tidy(picture(size=size))
    assert (drawn.width, drawn.height) == becomes == opened(drawn.data).size


def test_camera_metadata_is_removed_and_a_picture_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "A person’s name"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = picture(size=(400, 300), exif=exif, icc_profile=profile, comment=b"secret place")
    drawn = tidy(data)
    assert (drawn.width, drawn.height) == (300, 400)
    there = opened(drawn.data)
    assert not there.getexif()
    assert {"icc_profile", "exif", "xmp", "comment"} & set(there.info) == set()
    assert b"secret" not in drawn.data


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert tidy(picture()) == tidy(picture())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"%PDF-1.7", "no picture that can be read"),
        (b"", "no picture that can be read"),
        (b"GIF89a", "damaged|no picture"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 40, "damaged|no picture"),
        (picture()[:2_000], "damaged"),
        (picture("PNG", (900, 900))[:-60], "damaged"),
        (picture("BMP"), "no picture that can be read"),
        (bomb(20_000, 20_000), "50 million pixels"),
        (bomb(60_000, 60_000), "50 million pixels"),
        (bomb(10_000, 6_000), "50 million pixels"),
        (picture("PNG", (400, 90)), "400 × 90 pixels, fewer than 200"),
        (bytes(raster.MAX_BYTES + 1), "20 MB, more than 20"),
        (bytes(50_000_000), "has 50 MB, more than 20: save it smaller"),
    ],
)
def test_what_cannot_be_used_gets_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(Unusable, match=says) as fault:
        tidy(data)
    assert "\n" not in str(fault.value)


def test_a_file_that_is_cut_anywhere_is_no_crash() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        whole = picture(kind, (220, 210))
        for end in range(0, len(whole), max(1, len(whole) // 25)):
            try:
                drawn = tidy(whole[:end])
            except Unusable:
                continue
            assert (drawn.width, drawn.height) == (220, 210)


@pytest.mark.parametrize(
    ("size", "becomes"),
    [
        ((1600, 1200), (1200, 630)),
        ((500, 1600), (500, 262)),
        ((1600, 315), (600, 315)),
        ((400, 300), (400, 210)),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_networks_get_a_jpeg_in_their_shape(
    size: tuple[int, int], becomes: tuple[int, int], mode: str
) -> None:
    written = io.BytesIO()
    Image.new(mode, size).save(written, "PNG")
    there = opened(raster.shared(tidy(written.getvalue()).data))
    assert (there.format, there.size) == ("JPEG", becomes)
    assert raster.shared_size(*size) == becomes
    if mode == "RGBA":
        assert there.getpixel((10, 10)) == (255, 255, 255)  # on white, where nothing is drawn
