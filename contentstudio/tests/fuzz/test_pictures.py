"""Whatever lies in a folder of pictures, there is a picture or a sentence, and nothing else."""

from __future__ import annotations

import io
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from contentstudio.pictures import raster
from contentstudio.pictures.folder import look
from contentstudio.pictures.raster import Unusable


@cache
def whole(kind: str) -> bytes:
    written = io.BytesIO()
    Image.radial_gradient("L").resize((200, 200)).convert("RGB").save(written, kind)
    return written.getvalue()


@given(
    st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]),
    st.lists(st.tuples(st.integers(0, 4_000), st.binary(max_size=6)), max_size=4),
    st.integers(0, 6_000),
)
def test_a_damaged_picture_is_a_picture_or_a_sentence(
    kind: str, changes: list[tuple[int, bytes]], end: int
) -> None:
    data = bytearray(whole(kind))
    for place, new in changes:
        data[place : place + len(new)] = new
    try:
        drawn = raster.tidy(bytes(data[:end]))
    except Unusable as fault:
        assert "\n" not in str(fault)
    else:
        assert max(drawn.width, drawn.height) <= raster.MAX_SIDE


@given(st.sampled_from([".toml", ".yaml"]), st.one_of(st.binary(), st.text().map(str.encode)))
def test_a_sidecar_of_any_words_is_read_or_told_of(suffix: str, told: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "heap.jpg").write_bytes(b"")
        (folder / f"heap{suffix}").write_bytes(told)
        entries, faults = look(folder)
    assert len(entries) + len(faults) == 1
    assert not any("\n" in fault for fault in faults)
