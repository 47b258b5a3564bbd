"""The owner's own pictures: which one an article gets, and a sentence for each that cannot be
used.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, cast

import pytest
from drafts import small_draft
from PIL import Image as Drawing

from contentstudio.config import Site
from contentstudio.model import Draft, Image
from contentstudio.pictures import NoPicture, Picture, Use
from contentstudio.pictures.folder import Folder, faults_of, look, ranked

SITE = Site.model_validate(
    {"name": "garden", "url": "https://g.example", "sources": ["https://a.example"]}
)


def jpeg(size: tuple[int, int] = (400, 300), color: str = "#336699") -> bytes:
    written = io.BytesIO()
    Drawing.new("RGB", size, color).save(written, "JPEG")
    return written.getvalue()


def put(folder: Path, name: str, told: str | None = 'alt = "A heap"', data: bytes = b"") -> None:
    (folder / name).write_bytes(data or jpeg())
    if told is not None:
        (folder / name).with_suffix(".toml").write_text(told, "utf-8")


def draft(title: str = "How to build a compost heap", slug: str = "heap") -> Draft:
    return small_draft(slug, title=title)


def used(*pairs: tuple[str, str]) -> list[Use]:
    return [Use(slug, f"folder:{name}", Image(src="x.webp", alt="x")) for slug, name in pairs]


async def found(folder: Path, article: Draft, *pairs: tuple[str, str]) -> Picture:
    return await Folder(folder).find(cast(Any, None), SITE, article, used(*pairs))


def best(folder: Path, article: Draft, *pairs: tuple[str, str]) -> list[str]:
    entries, faults = look(folder)
    assert faults == []
    return [entry.path.name for entry in ranked(entries, article, used(*pairs))]


async def test_a_picture_comes_with_its_words_and_whose_it_is(tmp_path: Path) -> None:
    told = (
        'alt = "A compost heap in spring"\ncaption = "In May"\ncredit = "Ann Smith"\n'
        'licence = "CC BY 4.0"\nlicence_url = "https://creativecommons.org/licenses/by/4.0/"\n'
        'words = ["compost"]'
    )
    put(tmp_path, "heap.jpg", told, jpeg((3200, 1600)))
    picture = await found(tmp_path, draft())
    image = picture.image()
    assert image == Image(
        src=f"picture-{picture.sha256}.webp",
        alt="A compost heap in spring",
        caption="In May",
        credit="Ann Smith",
        licence="CC BY 4.0",
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        width=1600,
        height=800,
    )
    assert (picture.media_type, picture.origin) == ("image/webp", "folder:heap.jpg")


def test_it_is_chosen_by_the_words_that_it_shares(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", 'alt = "A worm"')
    put(tmp_path, "b.jpg", 'alt = "Compost"')
    put(tmp_path, "c.jpg", 'alt = "Leaves"\nwords = ["compost", "heaps"]')
    assert best(tmp_path, draft()) == ["c.jpg", "b.jpg"]
    assert best(tmp_path, draft("Of the moon")) == ["c.jpg"]  # for it speaks of heaps


def test_words_of_its_own_count_instead_of_the_alternative_text(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", 'alt = "Compost"\ntags = ["moon"]')
    assert best(tmp_path, draft()) == []
    assert best(tmp_path, draft("Of the moon")) == ["a.jpg"]


def test_one_that_was_not_used_of_late_comes_first(tmp_path: Path) -> None:
    for name, words in (("a", "compost heap"), ("b", "compost"), ("c", "compost")):
        put(tmp_path, f"{name}.jpg", f'alt = "{words}"')
    assert best(tmp_path, draft()) == ["a.jpg", "b.jpg", "c.jpg"]
    assert best(tmp_path, draft(), ("x", "a.jpg")) == ["b.jpg", "c.jpg", "a.jpg"]
    three = [("x", "b.jpg"), ("y", "a.jpg"), ("z", "c.jpg")]
    assert best(tmp_path, draft(), *three) == ["c.jpg", "a.jpg", "b.jpg"]


def test_long_ago_is_not_of_late(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", 'alt = "compost heap"')
    put(tmp_path, "b.jpg", 'alt = "compost"')
    others = [(f"s{number}", "other.jpg") for number in range(10)]
    assert best(tmp_path, draft(), *others, ("x", "a.jpg")) == ["a.jpg", "b.jpg"]


def test_an_article_keeps_the_picture_that_it_has(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", 'alt = "compost heap"')
    put(tmp_path, "b.jpg", 'alt = "compost"')
    assert best(tmp_path, draft(), ("x", "a.jpg"), ("heap", "b.jpg"))[0] == "b.jpg"


async def test_yaml_tells_as_toml_does(tmp_path: Path) -> None:
    put(tmp_path, "heap.jpg", None)
    (tmp_path / "heap.yaml").write_text("alt: A heap\nlicense: CC0\ntags: [compost]\n")
    picture = await found(tmp_path, draft())
    assert (picture.alt, picture.licence) == ("A heap", "CC0")


BROKEN = {
    "no sidecar": (None, b"", "heap.jpg has no heap.toml beside it: write one with alt"),
    "no alt": ('credit = "x"', b"", "heap.jpg has a heap.toml in which “alt” is missing"),
    "an empty alt": ('alt = " "', b"", "in which “alt” has no word"),
    "a slip": ('alt = "A heap"\nlicnce = "x"', b"", "“licnce” is unknown.*licence"),
    "no TOML": ("alt = ", b"", "has a heap.toml that cannot be read"),
    "no UTF-8": ("\udcff", b"", "has a heap.toml that cannot be read"),
    "a wrong kind": ("alt = 3", b"", "alt"),
    "no address": ('alt = "A heap"\nlicence_url = "x"', b"", "licence_url.*whole URL"),
    "a large sidecar": (f'alt = "{"x" * 70_000}"', b"", "more than 64 kB"),
}


@pytest.mark.parametrize(("told", "data", "says"), BROKEN.values(), ids=BROKEN)
async def test_a_sidecar_that_cannot_serve_gets_a_sentence(
    tmp_path: Path, told: str | None, data: bytes, says: str
) -> None:
    put(tmp_path, "heap.jpg", None)
    if told is not None:
        (tmp_path / "heap.toml").write_bytes(told.encode("utf-8", "surrogateescape"))
    entries, (fault,) = look(tmp_path)
    assert entries == []
    with pytest.raises(NoPicture, match=says):
        await found(tmp_path, draft())
    assert "\n" not in fault


UNUSABLE = {
    "50 MB": (bytes(50_000_000), "heap.jpg has 50 MB, more than 20: save it smaller"),
    "a text": (b"words", "heap.jpg is no picture that can be read"),
    "an SVG under another name": (b"<svg xmlns='x'/>", "heap.jpg is an SVG"),
    "a cut file": (jpeg((2000, 2000))[:3_000], "heap.jpg is damaged"),
}


@pytest.mark.parametrize(("data", "says"), UNUSABLE.values(), ids=UNUSABLE)
async def test_a_picture_that_cannot_serve_gets_a_sentence(
    tmp_path: Path, data: bytes, says: str
) -> None:
    put(tmp_path, "heap.jpg", 'alt = "compost heap"', data)
    (entry,), _ = look(tmp_path)
    with pytest.raises(NoPicture, match=says) as raised:
        await found(tmp_path, draft())
    seen_at_once = [] if "damaged" in says else [str(raised.value)]
    assert list(faults_of(entry)) == seen_at_once


async def test_beside_one_that_cannot_serve_the_next_one_does(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", 'alt = "compost heap"', b"words")
    put(tmp_path, "b.jpg", 'alt = "compost"')
    assert (await found(tmp_path, draft())).origin == "folder:b.jpg"


@pytest.mark.parametrize("suffix", [".svg", ".HEIC", ".avif", ".tiff"])
def test_another_format_is_told_of(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"heap{suffix}").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    assert look(tmp_path) == (
        [],
        [f"heap{suffix} is a {suffix[1:].upper()} file: save it as JPEG, PNG or WebP"],
    )


def test_a_sidecar_alone_and_two_of_one_picture_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "lost.toml").write_text('alt = "x"')
    put(tmp_path, "heap.jpg")
    (tmp_path / "heap.yml").write_text("alt: x")
    assert look(tmp_path)[1] == [
        "heap.jpg has heap.toml and heap.yml beside it: keep one",
        "lost.toml tells of no picture beside it",
    ]


async def test_an_alias_in_yaml_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "heap.jpg", None)
    (tmp_path / "heap.yaml").write_text("a: &a [x, x]\nalt: heap\nwords: [*a, *a]\n")
    with pytest.raises(NoPicture, match="alias"):
        await found(tmp_path, draft())


@pytest.mark.parametrize("words", ["", "alt = 'the moon'"])
async def test_a_folder_without_a_fitting_picture_says_so(tmp_path: Path, words: str) -> None:
    if words:
        put(tmp_path, "moon.jpg", words)
    says = "shares a word" if words else "has no picture"
    with pytest.raises(NoPicture, match=says):
        await found(tmp_path, draft())


async def test_a_folder_that_is_gone_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(NoPicture, match="nowhere cannot be read: No such file"):
        await found(tmp_path / "nowhere", draft())
