"""The folder is right after every call, and after every call that died half-way the next one puts it right."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from contentstudio.config import Site
from contentstudio.model import Draft, Section, Sentence
from contentstudio.publish import Existing, Publisher, StaticSite, content_sha256, render, static
from overnight.errors import ConfigError, Permanent, Transient

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
    values: dict[str, Any] = {
        "site": "garden",
        "slug": slug,
        "title": f"On {slug}",
        "description": "What to know.",
        "sections": [Section(heading="Heaps", paragraphs=[[Sentence(text=text)]])],
        "references": [],
        "writer": "offline",
    }
    return Draft.model_validate(values | changes)


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


def tree(directory: Path) -> dict[str, bytes]:
    files = {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}
    files.pop(static.LOCK, None)
    return files


def stamps(directory: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in directory.rglob("*") if p.name != static.LOCK}


def locs(directory: Path, file: str, tag: str) -> list[str]:
    return etree.parse(directory / file).xpath(f"//*[local-name()='{tag}']/text()")


@pytest.fixture
def site(tmp_path: Path) -> StaticSite:
    return StaticSite(SITE, tmp_path / "public" / "garden")


class Killed(BaseException):
    """Stands for a process that dies: nothing catches it, nothing tidies up."""


@contextmanager
def dying_at(call: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Die right before the given one (from 1) of the calls that change the folder; tells which calls there were."""
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
    assert site.find("compost") == Existing(url=created.url, sha256=created.sha256, action="created", path=created.path)
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
    page = json.loads((site.directory / static.MANIFEST).read_text())["pages"]["compost"]
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
            site.publish(make_draft("mulch" if before == "other" else "compost", "Early."), published_at=NIGHT)
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


def test_readers_see_the_old_file_until_the_new_one_is_whole(site: StaticSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    files = tree(site.directory)
    with dying_at(2, monkeypatch) as calls, pytest.raises(Killed):
        site.publish(make_draft(text="Edited."), published_at=NIGHT)
    assert calls == ["mkdir", "fsync"]
    assert {name: data for name, data in tree(site.directory).items() if not name.endswith(".tmp")} == files


@pytest.mark.parametrize("file", ["compost/index.html", "sitemap.xml", "feed.xml", "index.html", "robots.txt"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_publishing_again_repairs(site: StaticSite, file: str, damage: str) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    files = tree(site.directory)
    path = site.directory / file
    if damage == "missing":
        path.unlink()
        found = site.find("compost")
        assert found is not None
        assert found.sha256 is None
    else:
        path.write_bytes(path.read_bytes()[:20])
    assert site.publish(make_draft(), published_at=NIGHT).action == "unchanged"
    assert tree(site.directory) == files


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PUBLISH_ALL, SITE.model_dump_json(), str(tmp_path)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(2)]
    for process, prefix in zip(processes, "ab", strict=True):
        assert process.stdin is not None
        with process.stdin as lines:
            lines.writelines(f"{make_draft(f'{prefix}-{n}').model_dump_json()}\n" for n in range(20))
    assert [process.wait(60) for process in processes] == [0, 0]
    slugs = {f"{prefix}-{number}" for prefix in "ab" for number in range(20)}
    urls = {f"https://garden.example/{slug}/" for slug in slugs}
    assert set(json.loads((tmp_path / static.MANIFEST).read_text())["pages"]) == slugs
    assert set(locs(tmp_path, "sitemap.xml", "loc")) == urls | {"https://garden.example/"}
    assert set(locs(tmp_path, "feed.xml", "id")) == urls | {"https://garden.example/"}
    assert {p.parent.name for p in tmp_path.glob("*/index.html")} == slugs


@pytest.mark.parametrize("slug", ["", "..", "a/b", "../a", "/etc", "A", "a.b", "a\n", "ä", "-a", "a" * 201, "a\x00"])
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
    (site.directory / static.MANIFEST).write_text(manifest)
    files = tree(site.directory)
    with pytest.raises(Permanent, match=r"damaged.*backup"):
        site.publish(make_draft("mulch"), published_at=NIGHT)
    with pytest.raises(Permanent, match="damaged"):
        site.find("compost")
    assert tree(site.directory) == files


def test_a_lost_manifest_does_not_shrink_the_site(site: StaticSite) -> None:
    site.publish(make_draft(), published_at=NIGHT)
    (site.directory / static.MANIFEST).unlink()
    files = tree(site.directory)
    with pytest.raises(ConfigError, match="manifest"):
        site.publish(make_draft("mulch"), published_at=NIGHT)
    assert tree(site.directory) == files


def test_whoever_looks_while_another_one_begins_the_site_is_told_what_stands_there(
    site: StaticSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings = render.listings

    def meanwhile(*args: Any) -> dict[str, str]:
        """Between the look for the manifest and the look for the lists."""
        monkeypatch.setattr(render, "listings", listings)
        site.publish(make_draft(), published_at=NIGHT)
        return listings(*args)

    monkeypatch.setattr(render, "listings", meanwhile)
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
    site: StaticSite, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception], message: str
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
    monkeypatch.setattr(static, "LOCK_TIMEOUT_SECONDS", 0.1)
    with site._locked(), pytest.raises(Transient, match="held"):
        site.publish(make_draft(), published_at=NIGHT)
