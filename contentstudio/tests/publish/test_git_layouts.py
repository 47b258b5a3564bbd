"""A Git site that its owner writes too, in whatever layout: their files keep their addresses, and
are told by them.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contentstudio import config as settings
from contentstudio import publish
from contentstudio.config import Config
from contentstudio.model import Draft, Reference, Section, Sentence
from contentstudio.publish.port import Article, Conflict

pytestmark = pytest.mark.contract

CASES = Path(__file__).parents[1] / "cases" / "11-git"
DRAFT = Draft(
    site="garden",
    slug="rain-barrels",
    title="Rain barrels",
    description="What to know of them.",
    sections=[Section(heading="Barrels", paragraphs=[[Sentence(text="It rains.", source="s1")]])],
    references=[Reference(id="s1", url="https://a.example/", title="A", sha256="0" * 64)],
    writer="offline",
)
TITLED = '---\ntitle: "My own rain barrels"\n'
OWN = {
    "hugo bundle": ("hugo", CASES / "hugo-bundle", None, "/posts/rain-barrels/"),
    "hugo slug": ("hugo", CASES / "hugo-slug", None, "/posts/rain-barrels/"),
    "jekyll": ("jekyll", CASES / "jekyll", None, "/2026/01/02/rain-barrels.html"),
    "hugo translated": (
        "hugo",
        "content/posts/rain-barrels.en.md",
        "---\n---\nx",
        "/posts/rain-barrels/",
    ),
    "hugo capitals": (
        "hugo",
        "content/posts/Rain-Barrels.md",
        "Text alone",
        "/posts/rain-barrels/",
    ),
    "hugo toml": (
        "hugo",
        "content/posts/a.md",
        '+++\nslug = "rain-barrels"\n+++\nx',
        "/posts/rain-barrels/",
    ),
    "hugo json": (
        "hugo",
        "content/posts/a.md",
        '{"slug": "rain-barrels"}\nx',
        "/posts/rain-barrels/",
    ),
    "hugo url": (
        "hugo",
        "content/posts/a.md",
        "---\nurl: /posts/rain-barrels/\n---\nx",
        "/posts/rain-barrels/",
    ),
    "hugo alias": (
        "hugo",
        "content/posts/a.md",
        "---\naliases: [/posts/rain-barrels/]\n---\nx",
        "/posts/a/",
    ),
    "hugo markdown": (
        "hugo",
        "content/posts/rain-barrels.markdown",
        "---\n---\nx",
        "/posts/rain-barrels/",
    ),
    "hugo bundle markdown": (
        "hugo",
        "content/posts/rain-barrels/index.markdown",
        "x",
        "/posts/rain-barrels/",
    ),
    "hugo bundle toml": (
        *("hugo", "content/posts/barrels/index.md"),
        *('+++\ntitle = "Barrels"\nslug = "rain-barrels"\n+++\nx', "/posts/rain-barrels/"),
    ),
    "hugo toml url": (
        "hugo",
        "content/posts/a.md",
        '+++\nurl = "/rain-barrels/"\n+++\nx',
        "/rain-barrels/",
    ),
    "hugo json url": (
        "hugo",
        "content/posts/a.md",
        '{\n"url": "/rain-barrels/"\n}\nx',
        "/rain-barrels/",
    ),
    "jekyll markdown": (
        *(
            "jekyll",
            "_posts/2026-01-02-rain-barrels.markdown",
            "---\n---\nx",
            "/2026/01/02/rain-barrels.html",
        ),
    ),
    "astro markdown": (
        "astro",
        "src/content/blog/rain-barrels.markdown",
        "---\n---\nx",
        "/blog/rain-barrels/",
    ),
    "astro folder mdx": (
        "astro",
        "src/content/blog/rain-barrels/index.mdx",
        "---\n---\nx",
        "/blog/rain-barrels/",
    ),
    "astro slug mdx": (
        "astro",
        "src/content/blog/a.mdx",
        "---\nslug: rain-barrels\n---\nx",
        "/blog/rain-barrels/",
    ),
    "hugo org": ("hugo", "content/posts/rain-barrels.org", "x", "/posts/rain-barrels/"),
    "hugo a slip": (
        "hugo",
        "content/posts/a.md",
        "---\ntitle: a: b\nslug: rain-barrels\n---\nx",
        "/posts/rain-barrels/",
    ),
    "jekyll permalink": (
        "jekyll",
        "_posts/2026-01-02-a.md",
        f"{TITLED}permalink: /rain-barrels/\n---\nx",
        "/rain-barrels/",
    ),
    "jekyll folder": (
        "jekyll",
        "_posts/old/2026-01-02-rain-barrels.html",
        "---\n---\nx",
        "/2026/01/02/rain-barrels.html",
    ),
    "jekyll dated": (
        *("jekyll", "_posts/2026-01-02-rain-barrels.md"),
        *("---\ndate: 2026-01-03 10:00:00 +0100\n---\nx", "/2026/01/03/rain-barrels.html"),
    ),
    "astro mdx": (
        "astro",
        "src/content/blog/rain-barrels.mdx",
        "---\n---\nx",
        "/blog/rain-barrels/",
    ),
    "astro folder": (
        "astro",
        "src/content/blog/rain-barrels/index.md",
        "---\n---\nx",
        "/blog/rain-barrels/",
    ),
    "astro slug": (
        "astro",
        "src/content/blog/a.md",
        "---\nslug: rain-barrels\n---\nx",
        "/blog/rain-barrels/",
    ),
}


def git(folder: Path, *arguments: str) -> str:
    who = (
        "-c",
        "user.name=A person",
        "-c",
        "user.email=person@garden.example",
        "-c",
        "init.defaultBranch=main",
    )
    return subprocess.run(
        ["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    ).stdout


def repository(folder: Path, layout: str, files: Path | dict[str, str]) -> Config:
    """A site whose repository has these files."""
    person, remote = folder / "person", folder / "remote.git"
    person.mkdir()
    if isinstance(files, Path):
        shutil.copytree(files, person, dirs_exist_ok=True)
    else:
        for name, text in files.items():
            (person / name).parent.mkdir(parents=True, exist_ok=True)
            (person / name).write_text(text, "utf-8")
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    git(person, "init", "--quiet")
    git(person, "add", "--all")
    git(person, "commit", "--quiet", "--message", "Begin")
    git(person, "push", "--quiet", str(remote), "main")
    file = folder / "contentstudio.toml"
    site = "[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = ['https://a.example']\n"
    file.write_text(
        f"{site}publish = {{ to = 'git', repository = '{remote}', layout = '{layout}' }}\n", "utf-8"
    )
    return settings.load(file)


async def at_once(name: str, *, call: Callable[[], Awaitable[Any]], **_: Any) -> Any:
    return await call()


@pytest.mark.parametrize("name", sorted(OWN))
async def test_the_owners_file_keeps_its_address_and_is_told_by_it(
    tmp_path: Path, name: str
) -> None:
    layout, where, text, address = OWN[name]
    config = repository(tmp_path, layout, where if isinstance(where, Path) else {where: str(text)})
    before = git(tmp_path / "remote.git", "rev-parse", "main")
    article = Article(DRAFT, datetime(2026, 11, 23, tzinfo=UTC))
    async with publish.opened(config, config.site[0]) as publisher:
        with pytest.raises(Conflict, match="was not written by us") as conflict:
            await publisher.publish(article, at_once)
        (post,) = [post async for post in publisher.posts()]
        assert post.url == f"https://garden.example{address}"
        assert conflict.value.there is not None
        assert conflict.value.there.url == post.url
        assert git(tmp_path / "remote.git", "rev-parse", "main") == before
        over = Article(DRAFT, article.at, over=conflict.value.there.fingerprint)
        await publisher.publish(over, at_once)
    shown = git(tmp_path / "remote.git", "ls-tree", "-r", "--name-only", "main").splitlines()
    assert shown == [str(where)] if not isinstance(where, Path) else len(shown) == 1


async def test_hidden_files_are_not_listed_and_other_urls_no_conflict(tmp_path: Path) -> None:
    files = {
        "content/posts/a.md": "---\ndraft: true\n---\nx",
        "content/posts/b.md": "+++\ndraft = true\n+++\nx",
        "content/posts/_index.md": "---\ntitle: Posts\n---\n",
        "content/posts/bundle/index.md": "---\ntitle: Bundle\n---\nx",
        "content/posts/bundle/rain-barrels.md": "A part of the bundle.",
        "content/posts/rain-barrels.jpg": "no post",
        "content/posts/2025/plums.md": "---\n---\nx",
        "content/posts/away.md": "---\nurl: https://elsewhere.example/away\n---\nx",
        "content/posts/odd.md": "---\nurl: 'https://['\ntitle: \"\\ud800\"\n---\nx",
    }
    config = repository(tmp_path, "hugo", files)
    async with publish.opened(config, config.site[0]) as publisher:
        published, _ = await publisher.publish(
            Article(DRAFT, datetime(2026, 11, 23, tzinfo=UTC)), at_once
        )
        told = {post.url async for post in publisher.posts()}
    assert published.action == "created"
    base = "https://garden.example/posts"
    assert {
        published.url,
        f"{base}/bundle/",
        f"{base}/2025/plums/",
        "https://elsewhere.example/away",
    } <= told
    assert not told & {f"{base}/a/", f"{base}/b/", f"{base}/_index/"}


async def test_no_link_is_followed_out_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("---\nslug: rain-barrels\n---\nA secret", "utf-8")
    config = repository(tmp_path, "hugo", {"content/posts/a.md": "x"})
    copy = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(tmp_path / "remote.git"), str(copy))
    (copy / "content/posts/link.md").symlink_to(tmp_path / "secret.md")
    (copy / "content/posts/folder").symlink_to(tmp_path)
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "Links")
    git(copy, "push", "--quiet")
    async with publish.opened(config, config.site[0]) as publisher:
        assert [post.slug async for post in publisher.posts()] == ["a"]
        assert await publisher.find("rain-barrels") is None
