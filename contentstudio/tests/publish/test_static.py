"""The folder is right after every call, and after every call that died half-way the next one puts
it right.
"""

from __future__ import annotations

import errno
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from drafts import small_draft
from lxml import etree, html
from PIL import Image

from contentstudio.config import Site
from contentstudio.model import Draft
from contentstudio.publish import (
    Existing,
    Publisher,
    StaticSite,
    content_sha256,
    own_pages,
    render,
    static,
    static_files,
    static_manifest,
)
from contentstudio.publish.port import Article, Conflict
from overnight.errors import ConfigError, Permanent, Transient

pytestmark = pytest.mark.contract

SITE = Site.model_validate(
    {
        "name": "garden",
        "url": "https://garden.example",
        "sources": ["https://a.example"],
        "ping": {"key": "0123456789abcdef"},
    }
)
NIGHT = datetime(2025, 3, 1, 4, 5, 6, 789, tzinfo=UTC)


def make_draft(slug: str = "compost", text: str = "A heap is a start.", **changes: Any) -> Draft:
    return small_draft(slug, text, **{"description": "What to know."} | changes)


PUBLISH_ALL = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from contentstudio.config import Site
from contentstudio.model import Draft
from contentstudio.publish import StaticSite
site = StaticSite(Site.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
for line in sys.stdin:
    site.publish(Draft.model_validate_json(line), published_at=datetime(2025, 3, 1, tzinfo=UTC))
"""


async def at_once(name: str, *, call: Callable[[], Awaitable[Any]], **_: Any) -> Any:
    return await call()


def tree(directory: Path) -> dict[str, bytes]:
    files = {
        str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()
    }
    files.pop(static_files.LOCK, None)
    return files


def stamps(directory: Path) -> dict[str, int]:
    return {
        str(p): p.stat().st_mtime_ns for p in directory.rglob("*") if p.name != static_files.LOCK
    }


def locs(directory: Path, file: str, tag: str) -> list[str]:
    return etree.parse(directory / file).xpath(f"//*[local-name()='{tag}']/text()")


@pytest.fixture
def site(tmp_path: Path) -> StaticSite:
    return StaticSite(SITE, tmp_path / "public" / "garden")


class Killed(BaseException):
    """Stands for a process that dies: nothing catches it, nothing tidies up."""


@contextmanager
def dying_at(call: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Die right before the given one (from 1) of the calls that change the folder; tells which
    calls there were.
    """
    seen: list[str] = []

    def counted(name: str, real: Any) -> Any:
        def step(*args: Any, **kwargs: Any) -> Any:
            seen.append(name)
            if len(seen) == call:
                raise Killed
            return real(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted("fsync", os.fsync))
        patch.setattr(Path, "replace", counted("replace", Path.replace))
        patch.setattr(Path, "mkdir", counted("mkdir", Path.mkdir))
        yield seen


def test_it_is_a_publisher(site: StaticSite) -> None:
    publisher: Publisher = site
    assert publisher.find("compost") is None


def test_create_then_unchanged_then_updated(site: StaticSite) -> None:
    draft = make_draft()
    created = site.publish(draft, published_at=NIGHT)
    assert created.action == "created"
    assert created.url == "https://garden.example/compost/"
    assert created.path == str(site.directory / "compost" / "index.html")
    assert created.sha256 == content_sha256(draft)
    assert site.find("compost") == Existing(
        url=created.url, sha256=created.sha256, action="created", path=created.path
    )
    assert site.publish(draft, published_at=NIGHT + timedelta(days=1)).action == "unchanged"
    edited = make_draft(text="Edited.")
    assert site.publish(edited, published_at=NIGHT + timedelta(days=2)).action == "updated"
    assert site.find("compost") == Existing(
        url=created.url, sha256=content_sha256(edited), action="updated", path=created.path
    )


def test_twice_equals_once_to_the_byte(site: StaticSite) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    files, times = tree(site.directory), stamps(site.directory)
    site.publish(make_draft(), published_at=NIGHT + timedelta(days=1))
    assert tree(site.directory) == files
    assert stamps(site.directory) == times
    assert set(files) == {
        ".contentstudio.json",
        "0123456789abcdef.txt",
        "404.html",
        "card.png",
        "compost/card.png",
        "compost/index.html",
        "favicon.svg",
        "feed.xml",
        "index.html",
        "robots.txt",
        "sitemap.xml",
    }


def test_an_update_keeps_the_first_date(site: StaticSite) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    site.publish(make_draft(text="Edited."), published_at=NIGHT + timedelta(days=2))
    page = json.loads((site.directory / static_manifest.MANIFEST).read_text())["pages"]["compost"]
    assert page["published_at"] == "2025-03-01T04:05:06Z"
    assert page["updated_at"] == "2025-03-03T04:05:06Z"
    assert locs(site.directory, "sitemap.xml", "lastmod") == ["2025-03-03T04:05:06Z"] * 2


@pytest.mark.parametrize("before", ["nothing", "other", "older"])
def test_a_crash_at_any_moment_is_healed_by_publishing_again(
    before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begun(name: str) -> StaticSite:
        site = StaticSite(SITE, tmp_path / name)
        if before != "nothing":
            site.publish(
                make_draft("mulch" if before == "other" else "compost", "Early."),
                published_at=NIGHT,
            )
        return site

    expected_site = begun("expected")
    with dying_at(0, monkeypatch) as calls:
        expected_site.publish(make_draft(), published_at=NIGHT + timedelta(days=1))
    expected = tree(expected_site.directory)
    assert calls.count("replace") >= 4

    for call in range(1, len(calls) + 1):
        site = begun(f"crash-{call}")
        with dying_at(call, monkeypatch), pytest.raises(Killed):
            site.publish(make_draft(), published_at=NIGHT + timedelta(days=1))
        standing = site.find("compost")
        finished = tree(site.directory) == expected
        assert finished or standing is None or standing.sha256 != content_sha256(make_draft()), call
        site.publish(make_draft(), published_at=NIGHT + timedelta(days=1))
        assert tree(site.directory) == expected, call


def test_readers_see_the_old_file_until_the_new_one_is_whole(
    site: StaticSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    files = tree(site.directory)
    with dying_at(2, monkeypatch) as calls, pytest.raises(Killed):
        site.publish(make_draft(text="Edited."), published_at=NIGHT)
    assert calls == ["mkdir", "fsync"]
    assert {
        name: data for name, data in tree(site.directory).items() if not name.endswith(".tmp")
    } == files


@pytest.mark.parametrize(
    "file", ["compost/index.html", "sitemap.xml", "feed.xml", "index.html", "robots.txt"]
)
def test_publishing_again_repairs_what_is_missing(site: StaticSite, file: str) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    files = tree(site.directory)
    (site.directory / file).unlink()
    found = site.find("compost")
    assert found is not None
    assert found.sha256 is None
    assert site.publish(make_draft(), published_at=NIGHT).action == "unchanged"
    assert tree(site.directory) == files


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PUBLISH_ALL, SITE.model_dump_json(), str(tmp_path)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(2)]
    for process, prefix in zip(processes, "ab", strict=True):
        assert process.stdin is not None
        with process.stdin as lines:
            lines.writelines(
                f"{make_draft(f'{prefix}-{n}').model_dump_json()}\n" for n in range(20)
            )
    assert [process.wait(60) for process in processes] == [0, 0]
    slugs = {f"{prefix}-{number}" for prefix in "ab" for number in range(20)}
    urls = {f"https://garden.example/{slug}/" for slug in slugs}
    assert set(json.loads((tmp_path / static_manifest.MANIFEST).read_text())["pages"]) == slugs
    assert set(locs(tmp_path, "sitemap.xml", "loc")) == urls | {"https://garden.example/"}
    assert set(locs(tmp_path, "feed.xml", "id")) == urls | {"https://garden.example/"}
    assert {p.parent.name for p in tmp_path.glob("*/index.html")} == slugs


@pytest.mark.parametrize(
    "slug", ["", "..", "a/b", "../a", "/etc", "A", "a.b", "a\n", "ä", "-a", "a" * 201, "a\x00"]
)
def test_a_slug_is_not_a_path(site: StaticSite, slug: str) -> None:
    with pytest.raises(Permanent, match="slug"):
        site.publish(make_draft(slug), published_at=NIGHT)
    with pytest.raises(Permanent, match="slug"):
        site.find(slug)
    assert not site.directory.exists()


def test_a_draft_of_another_site_is_refused(site: StaticSite) -> None:
    with pytest.raises(Permanent, match="'other'"):
        site.publish(make_draft(site="other"), published_at=NIGHT)


def test_times_have_zones(site: StaticSite) -> None:
    with pytest.raises(ValueError, match="time zone"):
        site.publish(make_draft(), published_at=datetime(2025, 3, 1))  # noqa: DTZ001


@pytest.mark.parametrize("manifest", ["", "{", "[]", '{"site": "garden", "pages": {"a": {}}}'])
def test_a_damaged_manifest_is_never_overwritten(site: StaticSite, manifest: str) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    (site.directory / static_manifest.MANIFEST).write_text(manifest)
    files = tree(site.directory)
    with pytest.raises(Permanent, match=r"damaged.*backup"):
        site.publish(make_draft("mulch"), published_at=NIGHT)
    with pytest.raises(Permanent, match="damaged"):
        site.find("compost")
    assert tree(site.directory) == files


def test_a_lost_manifest_does_not_shrink_the_site(site: StaticSite) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    (site.directory / static_manifest.MANIFEST).unlink()
    files = tree(site.directory)
    with pytest.raises(ConfigError, match="manifest"):
        site.publish(make_draft("mulch"), published_at=NIGHT)
    assert tree(site.directory) == files


def test_a_find_during_the_first_publish_gives_what_stands_there(
    site: StaticSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = static_manifest._other_site

    def meanwhile(directory: Path) -> str | None:
        """Between the look for the manifest and the look for another site."""
        monkeypatch.setattr(static_manifest, "_other_site", look)
        site.publish(make_draft(), published_at=NIGHT)
        return look(directory)

    monkeypatch.setattr(static_manifest, "_other_site", meanwhile)
    found = site.find("compost")
    assert found is not None
    assert found.action == "created"


def test_a_folder_belongs_to_one_site(site: StaticSite) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    other = StaticSite(SITE.model_copy(update={"name": "other"}), site.directory)
    with pytest.raises(ConfigError, match="belongs to the site 'garden'"):
        other.publish(make_draft(site="other"), published_at=NIGHT)


def test_the_owners_own_page_is_not_overwritten(site: StaticSite) -> None:
    page = site.directory / "compost" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>By hand.</p>")
    with pytest.raises(Permanent, match="Another page"):
        site.publish(make_draft(), published_at=NIGHT)
    assert page.read_text() == "<p>By hand.</p>"


LISTS = ["sitemap.xml", "feed.xml", "index.html", "robots.txt", "0123456789abcdef.txt"]
OWN = b"A person wrote this.\n"


def put(site: StaticSite, name: str, data: bytes = OWN) -> Path:
    path = site.directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *(
            (name, True)
            for name in (
                "robots.txt",
                "index.html",
                "0123456789abcdef.txt",
                "404.html",
                "favicon.svg",
            )
        ),
        *((name, True) for name in ("card.png", "compost/card.png", "tags/soil/index.html")),
        *(
            (name, False)
            for name in ("favicon.ico", "about/index.html", "compost/photo.jpg", ".htaccess")
        ),
    ],
)
def test_an_earlier_file_stays_and_the_site_works_beside_it(
    site: StaticSite, name: str, told: bool
) -> None:
    path = put(site, name)
    for text in ("A heap is a start.", "Edited."):
        published = site.publish(make_draft(text=text, tags=["Soil"]), published_at=NIGHT)
        assert path.read_bytes() == OWN
        assert [str(path) in one for one in published.differs] == [True] * told
    found = site.find("compost")
    assert found is not None
    assert found.sha256 == published.sha256
    assert "https://garden.example/compost/" in locs(site.directory, "sitemap.xml", "loc")
    site.unpublish("compost")
    assert path.read_bytes() == OWN


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "change", [b"", b"# ours, and a person's", OWN], ids=["cut", "more", "another"]
)
def test_a_list_that_a_person_changed_stays_until_it_is_deleted(
    site: StaticSite, name: str, change: bytes
) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    path = site.directory / name
    path.write_bytes(
        changed := path.read_bytes()[:10] if not change else path.read_bytes() + change
    )
    later = site.publish(make_draft("mulch"), published_at=NIGHT)
    assert path.read_bytes() == changed
    assert site.left() == [name]
    assert later.differs == (
        f"{path} is a person's own or was changed by one, so it is left as it is: "
        "delete it, and ours is written at the next publish",
    )
    path.unlink()
    assert site.publish(make_draft("sheds"), published_at=NIGHT).differs == ()
    assert site.left() == []
    expected = StaticSite(SITE, site.directory.with_name("expected"))
    for slug in ("compost", "mulch", "sheds"):
        expected.publish(make_draft(slug), published_at=NIGHT)
    assert path.read_bytes() == (expected.directory / name).read_bytes()


def test_a_folder_in_place_of_a_list_is_a_persons(site: StaticSite) -> None:
    photo = put(site, "robots.txt/photo.jpg")
    assert len(site.publish(make_draft(), published_at=NIGHT).differs) == 1
    assert photo.read_bytes() == OWN


def before_hashes(site: StaticSite) -> None:
    """The folder as it was when the manifest knew no hashes, and no page had a card."""
    (site.directory / "card.png").unlink()
    path = site.directory / static_manifest.MANIFEST
    path.write_text(
        json.dumps(
            {name: value for name, value in json.loads(path.read_text()).items() if name != "files"}
        )
    )


def test_files_of_a_manifest_without_hashes_are_ours_others_not(site: StaticSite) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    before_hashes(site)
    moved = StaticSite(SITE.model_copy(update={"url": "https://moved.example"}), site.directory)
    put(site, "feed.xml")
    assert [
        static_manifest.MANIFEST in one
        for one in moved.publish(make_draft("mulch"), published_at=NIGHT).differs
    ] == [False]
    assert (site.directory / "feed.xml").read_bytes() == OWN
    for name in ("index.html", "sitemap.xml", "robots.txt"):
        text = (site.directory / name).read_text()
        assert "moved.example" in text and "garden.example" not in text
    assert moved.left() == ["feed.xml"]


def test_an_owners_file_that_a_new_file_of_ours_would_hit_stays(
    site: StaticSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    listings = render.listings
    own = put(site, "404.html")
    monkeypatch.setattr(
        render,
        "listings",
        lambda *a: listings(*a) | {"404.html": "ours", "page/2/index.html": "two"},
    )
    assert len(site.publish(make_draft("mulch"), published_at=NIGHT).differs) == 1
    assert (own.read_bytes(), (site.directory / "page/2/index.html").read_text()) == (OWN, "two")
    assert site.left() == ["404.html"]


def test_a_file_no_longer_written_is_removed_unless_changed(site: StaticSite) -> None:
    for number, changed in enumerate((False, True)):
        key = f"another-key-{number}"
        other = StaticSite(
            SITE.model_copy(update={"ping": SITE.ping.model_copy(update={"key": key})}),
            site.directory,
        )
        other.publish(make_draft(), published_at=NIGHT)
        path = site.directory / f"{key}.txt"
        assert path.read_text() == key
        if changed:
            path.write_bytes(OWN)
        assert site.publish(make_draft(), published_at=NIGHT).action == "unchanged"
        assert path.exists() == changed
    assert (site.directory / "another-key-1.txt").read_bytes() == OWN


@pytest.mark.parametrize("name", ["robots.txt", "index.html", "compost", "assets"])
def test_nothing_is_written_or_removed_through_a_link(
    site: StaticSite, name: str, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (outside if name in ("compost", "assets") else tmp_path).mkdir(exist_ok=True)
    if name not in ("compost", "assets"):
        outside.write_bytes(OWN)
    site.directory.mkdir(parents=True)
    (site.directory / name).symlink_to(outside)
    if name == "compost":
        with pytest.raises(Permanent, match="link"):
            site.publish(make_draft(), published_at=NIGHT)
        assert list(outside.iterdir()) == []
    site.publish(make_draft("mulch"), published_at=NIGHT)
    assert (site.directory / name).is_symlink()
    assert outside.is_dir() or outside.read_bytes() == OWN


def test_a_page_is_not_removed_through_a_link_in_its_place(
    site: StaticSite, tmp_path: Path
) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    (site.directory / "compost").rename(tmp_path / "outside")
    (site.directory / "compost").symlink_to(tmp_path / "outside")
    with pytest.raises(Permanent, match="link"):
        site.unpublish("compost")
    assert (tmp_path / "outside" / "index.html").exists()


@pytest.mark.parametrize("name", [".robots.txt.contentstudio.tmp", static_files.LOCK])
def test_a_link_in_place_of_our_working_files_is_not_followed(
    site: StaticSite, name: str, tmp_path: Path
) -> None:
    site.directory.mkdir(parents=True)
    (site.directory / name).symlink_to(tmp_path / "outside")
    with pytest.raises(ConfigError, match=r"publishing\.dir"):
        site.publish(make_draft(), published_at=NIGHT)
    assert not (tmp_path / "outside").exists()


def test_a_folder_that_is_a_link_itself_is_published_to(site: StaticSite, tmp_path: Path) -> None:
    site.directory.parent.mkdir()
    (tmp_path / "www").mkdir()
    site.directory.symlink_to(tmp_path / "www")
    assert site.publish(make_draft(), published_at=NIGHT).differs == ()
    assert (tmp_path / "www" / "compost" / "index.html").exists()


@pytest.mark.parametrize("other", ["mulch", None])
def test_a_repeat_heals_a_crash_during_unpublish(
    other: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begun(name: str) -> StaticSite:
        site = StaticSite(SITE, tmp_path / name)
        for slug in filter(None, ("compost", other)):
            site.publish(make_draft(slug), published_at=NIGHT)
        return site

    expected = begun("expected")
    with dying_at(0, monkeypatch) as calls:
        expected.unpublish("compost")
    assert not (expected.directory / "compost").exists()
    for call in range(1, len(calls) + 1):
        site = begun(f"crash-{call}")
        with dying_at(call, monkeypatch), pytest.raises(Killed):
            site.unpublish("compost")
        site.unpublish("compost")
        site.publish(make_draft("sheds"), published_at=NIGHT)
        assert "https://garden.example/compost/" not in locs(
            site.directory, "sitemap.xml", "loc"
        ), call
        assert not (site.directory / "compost").exists()
        assert site.left() == []


async def test_a_crash_in_an_update_is_no_change_by_a_person(
    site: StaticSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of it was written, the next attempt is no conflict, and one of another draft is none
    either.
    """
    publisher = static.StaticPublisher(site)
    site.publish(make_draft(), published_at=NIGHT)
    with dying_at(0, monkeypatch) as calls:
        site.publish(make_draft(text="To count."), published_at=NIGHT)
    for call in range(1, len(calls) + 1):
        _, known = await publisher.publish(
            Article(make_draft(text=f"Before {call}."), NIGHT), at_once
        )
        edited = make_draft(text=f"Edited {call}.")
        with dying_at(call, monkeypatch) as seen, suppress(Killed):
            site.publish(edited, published_at=NIGHT)
        draft = edited if call % 2 else make_draft(text=f"Another {call}.")
        published, _ = await publisher.publish(Article(draft, NIGHT), at_once, known)
        assert (published.sha256, len(seen)) == (content_sha256(draft), call)
        found = await publisher.find("compost")
        assert found is not None
        assert found.sha256 == content_sha256(draft)


async def test_an_owners_page_is_overwritten_only_if_a_person_permits(site: StaticSite) -> None:
    publisher = static.StaticPublisher(site)
    page = put(site, "compost/index.html")
    with pytest.raises(Conflict, match="was not written by us") as conflict:
        await publisher.publish(Article(make_draft(), NIGHT), at_once)
    with pytest.raises(Conflict):
        await publisher.unpublish("compost", at_once)
    assert page.read_bytes() == OWN
    there = conflict.value.there
    assert there is not None
    page.write_bytes(OWN + OWN)
    with pytest.raises(Conflict):
        await publisher.publish(Article(make_draft(), NIGHT, over=there.fingerprint), at_once)
    page.write_bytes(OWN)
    await publisher.publish(Article(make_draft(), NIGHT, over=there.fingerprint), at_once)
    assert "A heap is a start." in page.read_text()


async def test_a_persons_edit_shows_though_our_own_records_were_lost(site: StaticSite) -> None:
    publisher = static.StaticPublisher(site)
    await publisher.publish(Article(make_draft(), NIGHT), at_once)
    put(site, "compost/index.html")
    with pytest.raises(Conflict):
        await publisher.publish(Article(make_draft(), NIGHT), at_once)
    with pytest.raises(Conflict):
        await publisher.unpublish("compost", at_once)
    assert (site.directory / "compost/index.html").read_bytes() == OWN


async def test_an_edit_between_our_read_and_our_write_is_not_lost(site: StaticSite) -> None:
    publisher = static.StaticPublisher(site)
    _, known = await publisher.publish(Article(make_draft(), NIGHT), at_once)

    async def after_an_edit(name: str, *, call: Callable[[], Awaitable[Any]], **_: Any) -> Any:
        put(site, "compost/index.html")
        return await call()

    with pytest.raises(Conflict) as conflict:
        await publisher.publish(Article(make_draft(text="Edited."), NIGHT), after_an_edit, known)
    assert conflict.value.there == site.standing("compost")
    with pytest.raises(Conflict):
        await publisher.unpublish("compost", after_an_edit, known)
    assert (site.directory / "compost/index.html").read_bytes() == OWN


@pytest.mark.parametrize("again", ["publish", "render", "another"])
async def test_an_edit_while_pages_are_rendered_is_not_written_over(
    site: StaticSite, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    for slug in ("compost", "mulch"):
        site.publish(make_draft(slug), published_at=NIGHT)
    fingerprint = static_files.sha256_at(site.directory / "compost/index.html")
    whole = render.article

    def slow(*arguments: Any, **options: Any) -> str:
        put(site, "compost/index.html")
        return whole(*arguments, **options)

    monkeypatch.setattr(render, "article", slow)
    match again:
        case "publish":
            with pytest.raises(Conflict):
                site.publish(make_draft(text="Edited."), published_at=NIGHT, expected=fingerprint)
        case "render":
            drafts = {slug: make_draft(slug) for slug in ("compost", "mulch")}
            assert restyled(site).render_again(drafts, {"compost": fingerprint}) == (
                ["mulch"],
                ["compost"],
            )
        case "another":
            site.publish(make_draft("sowing"), published_at=NIGHT)
    assert (site.directory / "compost/index.html").read_bytes() == OWN


async def test_a_page_that_the_owner_copied_from_one_of_ours_is_theirs(site: StaticSite) -> None:
    publisher = static.StaticPublisher(site)
    site.publish(make_draft(), published_at=NIGHT)
    (site.directory / "about").mkdir()
    theirs = (site.directory / "compost/index.html").read_bytes().replace(b"A heap", b"My heap")
    (site.directory / "about/index.html").write_bytes(theirs)
    with pytest.raises(Conflict):
        await publisher.publish(Article(make_draft("about"), NIGHT), at_once)
    assert (site.directory / "about/index.html").read_bytes() == theirs


def test_an_owners_file_equal_to_ours_is_not_removed_with_ours(site: StaticSite) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    other = StaticSite(
        SITE.model_copy(update={"ping": SITE.ping.model_copy(update={"key": "key-of-owner"})}),
        site.directory,
    )
    put(site, "key-of-owner.txt", b"key-of-owner")
    other.publish(make_draft("mulch"), published_at=NIGHT)
    site.publish(make_draft("sowing"), published_at=NIGHT)
    assert (site.directory / "key-of-owner.txt").read_bytes() == b"key-of-owner"
    assert (site.directory / "0123456789abcdef.txt").exists()


async def test_an_unpublish_that_died_after_removing_the_page_goes_on(site: StaticSite) -> None:
    publisher = static.StaticPublisher(site)
    _, known = await publisher.publish(Article(make_draft(), NIGHT), at_once)
    (site.directory / "compost/index.html").unlink()
    assert await publisher.unpublish("compost", at_once, known) is None
    assert "compost" not in (site.directory / "sitemap.xml").read_text("utf-8")


async def test_the_check_names_each_owners_file_in_place_of_ours(site: StaticSite) -> None:
    publisher = static.StaticPublisher(site)
    site.publish(make_draft(), published_at=NIGHT)
    put(site, "index.html")
    put(site, "sitemap.xml")
    told = [finding for finding in await publisher.check() if "left as it is" in finding.what]
    assert {Path(finding.what.split(" ")[0]).name: finding.ok for finding in told} == {
        "index.html": True,
        "sitemap.xml": False,
    }
    assert all("delete it" in finding.mend for finding in told)


def restyled(site: StaticSite) -> StaticSite:
    """The site after its owner gave it another title."""
    return StaticSite(SITE.model_copy(update={"title": "The other garden"}), site.directory)


def test_render_uses_the_new_config_and_keeps_texts_and_dates(site: StaticSite) -> None:
    drafts = {slug: make_draft(slug) for slug in ("compost", "mulch", "sheds")}
    for draft in drafts.values():
        site.publish(draft, published_at=NIGHT)
    put(site, "mulch/index.html")
    pages, sheds = site.pages(), (site.directory / "sheds/index.html").read_bytes()
    changed = restyled(site)
    assert (site.is_behind(), changed.is_behind()) == (False, True)
    drafts["sheds"] = make_draft("sheds", "Another version.")
    assert changed.render_again(drafts, {"mulch": "0" * 64}) == (["compost"], ["mulch", "sheds"])
    assert "The other garden" in (site.directory / "compost/index.html").read_text()
    assert "The other garden" in (site.directory / "index.html").read_text()
    assert (site.directory / "mulch/index.html").read_bytes() == OWN
    above, _, below = (site.directory / "sheds/index.html").read_bytes().partition(b"<!--foot-->")
    assert (
        above == sheds.partition(b"<!--foot-->")[0]
    )  # what depends on the site is written anew on every page of ours
    assert b"The other garden" in below
    assert (changed.pages(), changed.is_behind()) == (pages, False)
    files = tree(site.directory)
    changed.render_again(drafts, {})
    assert tree(site.directory) == files


async def test_a_page_that_was_made_again_is_no_change_by_a_person(site: StaticSite) -> None:
    _, known = await static.StaticPublisher(site).publish(Article(make_draft(), NIGHT), at_once)
    changed = restyled(site)
    changed.render_again({"compost": make_draft()}, {})
    publisher = static.StaticPublisher(changed)
    published, _ = await publisher.publish(Article(make_draft(), NIGHT), at_once, known)
    assert published.action == "unchanged"
    published, _ = await publisher.publish(
        Article(make_draft(text="Edited."), NIGHT), at_once, known
    )
    assert published.action == "updated"
    assert await publisher.unpublish("compost", at_once, known) is None


@pytest.mark.parametrize("edited", [True, False])
def test_a_page_without_a_hash_is_rendered_only_if_unchanged(
    site: StaticSite, edited: bool
) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    known = site.standing("compost")
    assert known is not None
    before_hashes(site)
    if edited:
        put(site, "compost/index.html")
    rendered, left = restyled(site).render_again(
        {"compost": make_draft()}, {"compost": known.fingerprint}
    )
    assert (rendered, left) == (([], ["compost"]) if edited else (["compost"], []))
    assert ((site.directory / "compost/index.html").read_bytes() == OWN) == edited


async def test_the_check_reports_outdated_pages_until_none_is_left(site: StaticSite) -> None:
    async def told(folder: StaticSite) -> list[str]:
        return [
            finding.mend
            for finding in await static.StaticPublisher(folder).check()
            if "before" in finding.what
        ]

    site.publish(make_draft(), published_at=NIGHT)
    assert await told(site) == []
    changed = restyled(site)
    assert await told(changed) == ["contentstudio site render garden makes them again"]
    changed.publish(make_draft("mulch"), published_at=NIGHT)
    assert len(await told(changed)) == 1
    changed.unpublish("compost")
    changed.publish(make_draft("mulch"), published_at=NIGHT)
    assert await told(changed) == []


def test_a_repeat_heals_a_crash_during_render(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = {slug: make_draft(slug) for slug in ("compost", "mulch")}

    def begun(name: str) -> StaticSite:
        site = StaticSite(SITE, tmp_path / name)
        for draft in drafts.values():
            site.publish(draft, published_at=NIGHT)
        return restyled(site)

    expected = begun("expected")
    with dying_at(0, monkeypatch) as calls:
        expected.render_again(drafts, {})
    for call in range(1, len(calls) + 1):
        site = begun(f"crash-{call}")
        with dying_at(call, monkeypatch), pytest.raises(Killed):
            site.render_again(drafts, {})
        assert site.render_again(drafts, {}) == (list(drafts), [])
        assert tree(site.directory) == tree(expected.directory), call


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_no_byte_of_the_owners_is_lost(
    seed: int, site: StaticSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publishing, taking away, dying half-way, and an owner who writes and deletes
    files between.
    """
    chance = random.Random(seed)
    names = [*LISTS, "favicon.ico", "about/index.html", "compost/photo.jpg"]
    own: dict[str, bytes] = {}
    for step in range(25):
        slug = chance.choice(["compost", "mulch"])
        match chance.randrange(4):
            case 0:
                name = chance.choice(
                    names[2 * (step == 0) :]
                )  # a whole site's lists would be refused
                put(site, name, data := f"A person's {step}".encode())
                own[name] = data
            case 1 if own:
                name = chance.choice(sorted(own))
                (site.directory / name).unlink()
                del own[name]
            case 2:
                site.unpublish(slug)
            case _:
                with (
                    dying_at(chance.choice([0, 0, chance.randrange(1, 40)]), monkeypatch),
                    suppress(Killed),
                ):
                    site.publish(make_draft(slug, f"Version {step}."), published_at=NIGHT)
        if not (site.directory / static_manifest.MANIFEST).exists():
            for name in {"sitemap.xml", "feed.xml"} & own.keys():
                (site.directory / name).unlink()
                del own[name]
        assert {name: (site.directory / name).read_bytes() for name in own} == own, step
    site.publish(make_draft("sheds"), published_at=NIGHT)
    assert set(site.left()) == own.keys() & set(LISTS)
    assert {name: (site.directory / name).read_bytes() for name in own} == own


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (errno.ENOSPC, Transient, "at the moment"),
        (errno.EACCES, ConfigError, "publishing.dir"),
        (errno.EROFS, ConfigError, "publishing.dir"),
        (errno.EIO, OSError, "Input/output"),
    ],
)
def test_a_refusing_disk_is_explained(
    site: StaticSite,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[Exception],
    message: str,
) -> None:
    def refuse(path: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(error, match=message):
            site.publish(make_draft(), published_at=NIGHT)
    assert tree(site.directory) == {}
    assert site.publish(make_draft(), published_at=NIGHT).action == "created"


def test_a_file_in_place_of_the_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "public").write_text("")
    for directory in (tmp_path / "public", tmp_path / "public" / "deeper"):
        with pytest.raises(ConfigError, match=r"publishing\.dir"):
            StaticSite(SITE, directory).publish(make_draft(), published_at=NIGHT)


def test_a_lock_that_is_never_given_back_is_waited_for_in_vain(
    site: StaticSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_files, "LOCK_TIMEOUT_SECONDS", 0.1)
    with static_files.locked(site.directory), pytest.raises(Transient, match="held"):
        site.publish(make_draft(), published_at=NIGHT)


OWN_PAGES = [
    own_pages.parsed(f"{name}.md", f"# {name.capitalize()}\n\nWho we are.")
    for name in ("about", "imprint")
]


def related_to(site: StaticSite, slug: str) -> list[str]:
    tree = html.fromstring((site.directory / slug / "index.html").read_text())
    return [str(href) for href in tree.xpath("//aside[@class='related']//a/@href")]


def test_older_pages_link_to_a_newer_article_until_it_is_gone(
    site: StaticSite,
) -> None:
    for slug in ("compost", "worms"):
        site.publish(make_draft(slug, tags=["Soil"]), published_at=NIGHT)
    site.publish(make_draft("stars"), published_at=NIGHT)
    assert related_to(site, "compost") == ["../worms/"]
    assert related_to(site, "stars") == []
    site.unpublish("worms")
    assert related_to(site, "compost") == []


def test_a_page_whose_foot_was_written_anew_is_still_ours(site: StaticSite) -> None:
    site.publish(make_draft(tags=["Soil"]), published_at=NIGHT)
    before = site.standing("compost")
    site.publish(make_draft("worms", tags=["Soil"]), published_at=NIGHT)
    after = site.standing("compost")
    assert before is not None and after is not None
    assert before.fingerprint != after.fingerprint
    assert site.wrote("compost", after.fingerprint)
    assert (
        site.publish(make_draft(text="Edited.", tags=["Soil"]), published_at=NIGHT).action
        == "updated"
    )
    assert related_to(site, "compost") == ["../worms/"]


def test_a_page_that_a_person_edited_keeps_its_foot(site: StaticSite) -> None:
    site.publish(make_draft(tags=["Soil"]), published_at=NIGHT)
    page = site.directory / "compost" / "index.html"
    for edited in (b"<!--foot-->\nmine", b"A heap is mine."):
        page.write_bytes(page.read_bytes().replace(b"A heap is a start.", edited))
        person = page.read_bytes()
        site.publish(make_draft("worms", tags=["Soil"]), published_at=NIGHT)
        assert page.read_bytes() == person
        site.unpublish("worms")


def test_unneeded_list_pages_are_removed_but_no_owners_page(site: StaticSite) -> None:
    site.publish(make_draft("worms", tags=["Soil"]), published_at=NIGHT)
    site.publish(make_draft(tags=["Soil", "公式"]), published_at=NIGHT)
    own = put(site, "tags/mine/index.html")
    assert (site.directory / "tags/公式/index.html").is_file()
    site.publish(make_draft(tags=["Soil"]), published_at=NIGHT)
    assert sorted(path.name for path in (site.directory / "tags").iterdir()) == ["mine", "soil"]
    (site.directory / "tags/soil/index.html").write_bytes(OWN)
    site.unpublish("compost")
    site.unpublish("worms")
    assert (site.directory / "tags/soil/index.html").read_bytes() == own.read_bytes() == OWN


def test_a_shorter_index_has_fewer_parts(site: StaticSite) -> None:
    for number in range(21):
        site.publish(make_draft(f"a-{number}"), published_at=NIGHT + timedelta(hours=number))
    assert (site.directory / "page/2/index.html").is_file()
    site.unpublish("a-3")
    assert not (site.directory / "page").exists()


def test_a_card_comes_and_goes_with_its_article(site: StaticSite) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    card = site.directory / "compost" / "card.png"
    assert card.read_bytes().startswith(b"\x89PNG")
    card.unlink()
    found = site.find("compost")
    assert found is not None and found.sha256 is None
    site.publish(make_draft(), published_at=NIGHT)
    assert card.is_file()
    site.unpublish("compost")
    assert not card.parent.exists()


def test_older_pages_link_to_own_pages_until_their_file_is_gone(
    site: StaticSite,
) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    named = StaticSite(SITE, site.directory, OWN_PAGES)
    named.publish(make_draft("worms"), published_at=NIGHT)
    for page in (
        "compost/index.html",
        "worms/index.html",
        "index.html",
        "404.html",
        "about/index.html",
    ):
        assert (
            html.fromstring((site.directory / page).read_text()).xpath("//footer//a/text()")[-1]
            == "Imprint"
        )
    StaticSite(SITE, site.directory, OWN_PAGES[:1]).publish(make_draft("worms"), published_at=NIGHT)
    assert not (site.directory / "imprint").exists()
    assert "Imprint" not in (site.directory / "compost/index.html").read_text()


def test_an_own_page_at_the_address_of_an_article_is_refused(site: StaticSite) -> None:
    site.publish(make_draft("about"), published_at=NIGHT)
    files = tree(site.directory)
    named = StaticSite(SITE, site.directory, OWN_PAGES)
    for slug in ("compost", "about", "imprint"):
        with pytest.raises(ConfigError, match=r"one address, /(about|imprint)/: rename"):
            named.publish(make_draft(slug), published_at=NIGHT)
    assert tree(site.directory) == files


def test_publishing_again_heals_a_crash_while_lists_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = make_draft("heap", tags=["Soil", "Heaps"])

    def begun(name: str) -> StaticSite:
        site = StaticSite(SITE, tmp_path / name, OWN_PAGES)
        for slug in ("compost", "worms"):
            site.publish(make_draft(slug, tags=["Soil"]), published_at=NIGHT)
        return site

    expected = begun("expected")
    with dying_at(0, monkeypatch) as calls:
        expected.publish(new, published_at=NIGHT)
    files = {
        name: data
        for name, data in tree(expected.directory).items()
        if name != static_manifest.MANIFEST
    }
    assert related_to(expected, "worms") == ["../compost/", "../heap/"]
    for call in range(1, len(calls) + 1, 3):
        site = begun(f"crash-{call}")
        with dying_at(call, monkeypatch), pytest.raises(Killed):
            site.publish(new, published_at=NIGHT)
        found = site.find("heap")
        assert (
            found is None or found.sha256 is None or tree(site.directory).items() >= files.items()
        ), call
        site.publish(new, published_at=NIGHT)
        assert {
            name: data
            for name, data in tree(site.directory).items()
            if name != static_manifest.MANIFEST
        } == files, call


async def test_a_site_without_an_imprint_gets_a_note_on_the_laws(site: StaticSite) -> None:
    for own, told in ((OWN_PAGES, []), ([], [True])):
        findings = await static.StaticPublisher(StaticSite(SITE, site.directory, own)).check()
        assert [finding.ok for finding in findings if "imprint" in finding.mend] == told


def png(width: int, height: int) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height)).save(written, "PNG")
    return written.getvalue()


def test_pictures_are_beside_the_page_and_render_keeps_sizes(site: StaticSite) -> None:
    images = [
        {"src": "pictures/a heap.png", "alt": "A heap"},
        {"src": "../secret.png", "alt": "Elsewhere"},
    ]
    draft = make_draft(images=images)
    site.publish(
        draft,
        published_at=NIGHT,
        pictures={"pictures/a heap.png": png(30, 20), "../secret.png": png(1, 1)},
    )
    assert set(tree(site.directory / "compost")) == {"index.html", "pictures/a heap.png"}
    page = html.fromstring((site.directory / "compost/index.html").read_text())
    assert [(img.get("width"), img.get("height")) for img in page.xpath("//img")] == [
        ("30", "20"),
        (None, None),
    ]
    meta = {e.get("property"): e.get("content") for e in page.xpath("//meta[@property]")}
    assert meta["og:image"] == "https://garden.example/compost/pictures/a heap.png"
    assert (meta["og:image:width"], meta["og:image:height"]) == ("30", "20")
    files = tree(site.directory)
    site.render_again({"compost": draft}, {})
    assert tree(site.directory) == files
    site.publish(make_draft(), published_at=NIGHT)
    assert set(tree(site.directory / "compost")) == {"index.html", "card.png"}


def test_a_page_of_an_older_version_gets_card_and_tags_by_render(site: StaticSite) -> None:
    draft = make_draft(tags=["Soil"])
    site.publish(draft, published_at=NIGHT)
    files = tree(site.directory)
    manifest = json.loads((site.directory / static_manifest.MANIFEST).read_text())
    for name in ("tags", "language", "beside"):
        del manifest["pages"]["compost"][name]
    (site.directory / static_manifest.MANIFEST).write_text(json.dumps(manifest))
    (site.directory / "compost/card.png").unlink()
    assert site.render_again({"compost": draft}, {}) == (["compost"], [])
    assert tree(site.directory) == files
