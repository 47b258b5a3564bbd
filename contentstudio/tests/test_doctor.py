"""The doctor of a site: what is well, and what must be mended, each with its mend. WordPress has
its own tests.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contentstudio.cli.main import cli
from contentstudio.config import Site
from contentstudio.publish import StaticSite, theme_faults

pytestmark = pytest.mark.contract

KEY = "key-0123456789"
SITEMAP = "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'></urlset>"
Ask = Callable[..., Result]


@pytest.fixture
def www(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The folder of a site, and where it is served. All is well there."""
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "sitemap.xml").write_text(SITEMAP, "utf-8")
    (folder / f"{KEY}.txt").write_text(f"{KEY}\n", "utf-8")
    robots = folder / "robots.txt"

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        robots.write_text(
            f"User-agent: *\nAllow: /\n\nSitemap: http://127.0.0.1:{server.server_port}/sitemap.xml\n"
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(www: tuple[Path, str], tmp_path: Path) -> Ask:
    def run(*arguments: str, publish: str = "{ to = 'static' }", below: str = "") -> Result:
        file = tmp_path / "contentstudio.toml"
        file.write_text(
            "[fetch]\nallow_loopback = true\ntimeout_seconds = 5\n"
            f"[[site]]\nname = 'garden'\nurl = '{www[1]}{below}'\nsources = ['https://a.example']\n"
            f"ping = {{ endpoint = '{www[1]}/indexnow', key = '{KEY}' }}\npublish = {publish}\n",
            "utf-8",
        )
        return CliRunner().invoke(
            cli, ["--config", str(file), "site", "check", "garden", *arguments]
        )

    return run


async def findings(ask: Ask, **options: str) -> tuple[int, dict[str, str]]:
    """The exit code, and what must be mended with its mend."""
    told = await asyncio.to_thread(ask, "--json", **options)
    data = json.loads(told.stdout)
    assert data["ok"] == (told.exit_code == 0)
    return told.exit_code, {one["what"]: one["mend"] for one in data["findings"] if not one["ok"]}


async def test_a_site_that_is_well_has_nothing_to_mend(ask: Ask) -> None:
    assert await findings(ask) == (0, {})
    told = await asyncio.to_thread(ask)
    assert (told.exit_code, "the sitemap is at" in told.stdout) == (0, True)


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        ("sitemap.xml", None, "sitemap"),
        ("sitemap.xml", "<html><body><p>Not found", "sitemap"),
        ("sitemap.xml", "<html><body>Soft 404</body></html>", "sitemap"),
        (f"{KEY}.txt", None, "key"),
        (f"{KEY}.txt", "another-key", "key"),
    ],
    ids=["no sitemap", "no XML", "no sitemap but a page", "no key", "another key"],
)
async def test_what_is_missing_or_wrong_is_told_with_its_mend(
    ask: Ask, www: tuple[Path, str], file: str, text: str | None, what: str
) -> None:
    (www[0] / file).unlink()
    if text is not None:
        (www[0] / file).write_text(text, "utf-8")
    code, wrong = await findings(ask)
    assert code == 1
    ((told, mend),) = wrong.items()
    assert what in told
    assert mend


async def test_a_missing_secret_is_a_finding_and_the_checks_go_on(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONTENTSTUDIO_SECRET_GARDEN", raising=False)
    code, wrong = await findings(
        ask, publish="{ to = 'wordpress', user = 'studio', private = true }"
    )
    assert code == 1
    assert len(wrong) == 2  # this WordPress would have another sitemap
    assert any("CONTENTSTUDIO_SECRET_GARDEN" in what for what in wrong)


async def test_what_is_no_wordpress_is_told(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", "abcd efgh")
    _, wrong = await findings(ask, publish="{ to = 'wordpress', user = 'studio', private = true }")
    assert any(
        what.startswith("there is no WordPress at") and "as url" in mend
        for what, mend in wrong.items()
    )


@pytest.mark.parametrize(
    ("publish", "place"),
    [
        ("{ to = 'static' }", "/sites/garden"),
        ("{ to = 'wordpress', user = 'studio', private = true }", "beside wp-config.php"),
        (
            "{ to = 'git', repository = '/nowhere', layout = 'astro' }",
            "into public of the repository",
        ),
        ("{ to = 'ghost', private = true }", "in front of Ghost"),
    ],
    ids=["static", "WordPress", "Git", "Ghost"],
)
async def test_a_missing_key_is_told_with_the_place_for_it(
    ask: Ask, www: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, publish: str, place: str
) -> None:
    monkeypatch.delenv("CONTENTSTUDIO_SECRET_GARDEN", raising=False)
    (www[0] / f"{KEY}.txt").unlink()
    _, wrong = await findings(ask, publish=publish)
    (mend,) = [mend for what, mend in wrong.items() if "key of IndexNow" in what]
    assert place in mend
    assert mend.endswith("key_url in ping")


LISTED = (
    "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>{}</loc></url></urlset>"
)


@pytest.mark.parametrize(
    ("rules", "what"),
    [
        ("User-agent: *\nDisallow: /\n", ["Googlebot 3 of 3", "Bingbot 3 of 3"]),
        ("User-agent: *\nDisallow: /comp*\nAllow: /\n", ["Googlebot 1 of 3", "Bingbot 1 of 3"]),
        ("User-agent: bingbot\nDisallow: /sitemap.xml$\n", ["Bingbot 1 of 3"]),
        ("User-agent: *\nDisallow: /private/\nAllow: /\n", []),
        ("", []),
    ],
    ids=["all", "articles", "one engine", "others' pages", "nothing"],
)
async def test_a_robots_txt_that_forbids_our_pages_is_shown_by_line(
    ask: Ask, www: tuple[Path, str], rules: str, what: list[str]
) -> None:
    (www[0] / "sitemap.xml").write_text(LISTED.format(f"{www[1]}/compost/"), "utf-8")
    (www[0] / "robots.txt").write_text(f"{rules}\nSitemap: {www[1]}/sitemap.xml", "utf-8")
    code, wrong = await findings(ask)
    assert (code, len(wrong)) == (int(bool(what)), len(what))
    for told, expected in zip(wrong, what, strict=True):
        assert expected in told
    for line in re.findall("Disallow: .*", rules) if what else ():
        assert all(f"take “{line}” out there" in mend for mend in wrong.values())


@pytest.mark.parametrize(
    "rules", ["User-agent: *\nAllow: /\n", "Sitemap: https://other.example/sitemap.xml\n", None]
)
async def test_a_robots_txt_without_the_sitemap_gets_the_line_to_add(
    ask: Ask, www: tuple[Path, str], rules: str | None
) -> None:
    (www[0] / "robots.txt").unlink()
    if rules is not None:
        (www[0] / "robots.txt").write_text(rules, "utf-8")
    _, wrong = await findings(ask)
    ((told, mend),) = wrong.items()
    assert told == f"{www[1]}/robots.txt does not name the sitemap"
    assert f"add the line “Sitemap: {www[1]}/sitemap.xml” to it" in mend
    assert "/sites/garden/robots.txt there" in mend


async def test_of_a_site_in_a_folder_the_robots_txt_of_its_host_counts(
    ask: Ask, www: tuple[Path, str]
) -> None:
    (www[0] / "blog").mkdir()
    (www[0] / "blog" / "sitemap.xml").write_text(LISTED.format(f"{www[1]}/blog/compost/"), "utf-8")
    (www[0] / "blog" / f"{KEY}.txt").write_text(KEY, "utf-8")
    (www[0] / "blog" / "robots.txt").write_text(f"Sitemap: {www[1]}/blog/sitemap.xml", "utf-8")
    (www[0] / "robots.txt").write_text(
        "User-agent: *\nDisallow: /*\nUser-agent: Bingbot\nDisallow: /blog/c", "utf-8"
    )
    _, wrong = await findings(ask, below="/blog")
    assert [told.split(" ", 1)[1].split(" addresses")[0] for told in wrong] == [
        "forbids Googlebot 3 of 3",
        "forbids Bingbot 1 of 3",
        "does not name the sitemap",
    ]
    mend = list(wrong.values())
    assert mend[:2] == [
        "take “Disallow: /*” out there, or add “Allow: /blog/” beside it",
        "take “Disallow: /blog/c” out there",
    ]
    assert mend[2].startswith(
        f"add the line “Sitemap: {www[1]}/blog/sitemap.xml” to it: in the folder of the site"
    )


async def test_any_cms_has_its_robots_txt_checked_but_not_its_sitemap(
    ask: Ask, www: tuple[Path, str]
) -> None:
    (www[0] / "robots.txt").write_text("User-agent: *\nDisallow: /\n", "utf-8")
    _, wrong = await findings(ask, publish="{ to = 'git', repository = '/nowhere' }")
    told = [what for what in wrong if "robots.txt" in what]
    assert len(told) == 2
    assert all("forbids" in what for what in told)


def test_a_site_in_a_folder_has_no_robots_txt_or_has_it_removed(tmp_path: Path) -> None:
    config = {"name": "garden", "url": "https://garden.example", "sources": ["https://a.example"]}
    folder = tmp_path / "www"
    draft = theme_faults.sample(Site.model_validate(config))
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    StaticSite(Site.model_validate(config), folder).publish(draft, published_at=moment)
    assert (folder / "robots.txt").exists()
    below = Site.model_validate(config | {"url": "https://garden.example/blog/"})
    StaticSite(below, folder).publish(draft, published_at=moment)
    assert not (folder / "robots.txt").exists()
