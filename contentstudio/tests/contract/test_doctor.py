"""The doctor of a site: what is well, and what must be mended, each with its mend. WordPress has its own tests."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contentstudio.cli import cli

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

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(www: tuple[Path, str], tmp_path: Path) -> Ask:
    def run(*arguments: str, publish: str = "{ to = 'static' }") -> Result:
        file = tmp_path / "contentstudio.toml"
        file.write_text(
            "[fetch]\nallow_loopback = true\ntimeout_seconds = 5\n"
            f"[[site]]\nname = 'garden'\nurl = '{www[1]}'\nsources = ['https://a.example']\n"
            f"ping = {{ endpoint = '{www[1]}/indexnow', key = '{KEY}' }}\npublish = {publish}\n",
            "utf-8",
        )
        return CliRunner().invoke(cli, ["--config", str(file), "site", "check", "garden", *arguments])

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


async def test_a_secret_that_is_not_there_is_a_finding_and_the_rest_is_looked_at(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONTENTSTUDIO_SECRET_GARDEN", raising=False)
    code, wrong = await findings(ask, publish="{ to = 'wordpress', user = 'studio', private = true }")
    assert code == 1
    assert len(wrong) == 2  # this WordPress would have another sitemap
    assert any("CONTENTSTUDIO_SECRET_GARDEN" in what for what in wrong)


async def test_what_is_no_wordpress_is_told(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", "abcd efgh")
    _, wrong = await findings(ask, publish="{ to = 'wordpress', user = 'studio', private = true }")
    assert any(what.startswith("there is no WordPress at") and "as url" in mend for what, mend in wrong.items())


@pytest.mark.parametrize(
    ("publish", "place"),
    [
        ("{ to = 'static' }", "/sites/garden"),
        ("{ to = 'wordpress', user = 'studio', private = true }", "beside wp-config.php"),
        ("{ to = 'git', repository = '/nowhere', layout = 'astro' }", "into public of the repository"),
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
