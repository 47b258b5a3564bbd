"""Many sites in one studio: whatever breaks in one of them, every other one publishes, and nothing
mixes.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from model_answers import article, asked, brief, notes_of, own_notes, paragraph, quotes

from contentstudio import app as studio
from contentstudio import config as settings
from contentstudio.config import Config
from contentstudio.demo.web import INDEXNOW, KEYS, DemoWeb
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels, prompt_of

pytestmark = [  # of `make test-large`
    pytest.mark.large,
    pytest.mark.usefixtures("offline_research"),
]

PAGES = {
    "ants": "/potting-shed/mulch.html",
    "broken": "/potting-shed/compost.html",
    "cats": "/clear-skies/dark-adaptation.html",
    "dogs": "/clear-skies/meteor-showers.html",
}
OTHERS = [name for name in PAGES if name != "broken"]

Write = Callable[..., Config]


def written(request: dict[str, Any]) -> str:
    """An article of one section in the sentences of its source, whatever the source is."""
    if asked(request) == "brief":
        title = prompt_of(request).split('id="idea">\n', 1)[1].split("\n</source", 1)[0]
        told = f"What there is to know of this, in the words of one who knows it well: {title}."
        section = {"heading": f"On {title}", "tells": "all", "notes": list(notes_of(request))}
        return brief(
            [], 1, titles=[title], description=told[:165], sections=[{**section, "blocks": []}]
        )
    if asked(request) != "section":
        return article(request)
    lines = quotes(own_notes(request))
    return json.dumps({"blocks": [paragraph(part) for part in (lines[:7], lines[7:14]) if part]})


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    with FakeModels(body=written) as server:
        yield server


@pytest.fixture
def write_sites(tmp_path: Path, web: DemoWeb) -> Write:
    """Writes a config with a file for each site; `broken` gets the lines of its own."""

    def write(
        broken: str = "",
        source: str | None = None,
        writing: str = "writer = 'offline'\noffline_articles = 'publish'",
    ) -> Config:
        (tmp_path / "own").mkdir(exist_ok=True)
        (tmp_path / "contentstudio.toml").write_text(
            f"sites = 'own/*.toml'\n[fetch]\nallow_loopback = true\n[writing]\n{writing}\n",
            "utf-8",
        )
        for name, path in PAGES.items():
            url = source if source and name == "broken" else web.url + path
            key = f"key = 'key-of-{name}', key_url = '{web.url}{KEYS}key-of-{name}.txt'"
            ping = f"ping = {{ endpoint = '{web.url}{INDEXNOW}', {key} }}\n"
            own = (
                broken
                if name == "broken" and broken.startswith("ping")
                else ping + (broken * (name == "broken"))
            )
            text = f"name = '{name}'\nurl = 'https://{name}.example'\nsources = ['{url}']\n{own}"
            (tmp_path / "own" / f"{name}.toml").write_text(text, "utf-8")
        return settings.load(tmp_path / "contentstudio.toml")

    return write


async def night(config: Config, database: Database, clock: Clock, horizon: float = 3_600) -> None:
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": list(PAGES)})
    await run_until_idle(app, database, clock=clock, horizon=horizon)


def published(config: Config) -> dict[str, list[str]]:
    """Site → the slugs of its articles."""
    return {
        site.name: sorted(page.parent.name for page in config.folder(site).glob("*/index.html"))
        for site in config.site
    }


async def how(database: Database) -> dict[str, Any]:
    """Where the work of the broken site stands, beside the reading of its own posts."""
    row = await database.one(
        "select step, status, error, outcome from runs where key = 'broken' and pipeline "
        "<> 'memory'"
        " order by id desc limit 1"
    )
    assert row is not None
    return row


def others_are_published(config: Config) -> bool:
    found = published(config)
    return [len(found[name]) for name in OTHERS] == [1, 1, 1] and not found["broken"]


async def test_without_faults_each_site_has_only_its_own_article(
    database: Database, clock: Clock, web: DemoWeb, write_sites: Write
) -> None:
    # What a site read is in the archive, and may be cited by others: here each reads its own page.
    own_page = "writer = 'offline'\noffline_articles = 'publish'\n[research]\npages = 1"
    config = write_sites(writing=own_page)
    await night(config, database, clock)
    found = published(config)
    assert [len(slugs) for slugs in found.values()] == [1] * len(PAGES)
    for name, path in PAGES.items():
        (slug,) = found[name]
        page = (config.folder(config.find(name)) / slug / "index.html").read_text("utf-8")
        assert web.url + path in page
        assert [other for other in PAGES if other != name and f"{other}.example" in page] == []
        assert [
            url for other, url in PAGES.items() if other != name and web.url + url in page
        ] == []
    assert sorted((ping["host"], ping["key"]) for ping in web.pings) == [
        (f"{name}.example", f"key-of-{name}") for name in PAGES
    ]


async def test_a_cms_that_is_down_opens_only_the_breaker_of_its_site(
    database: Database, clock: Clock, write_sites: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "CONTENTSTUDIO_SECRET_BROKEN", "6748592f4b9b7700010f6564:" + "0123456789abcdef" * 4
    )
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    at_once = (
        "writer = 'offline'\n"
        "offline_articles = 'publish'\n[research]\nsettle_seconds = "
        "0\n[publishing]\ndebounce_seconds = 0"
    )
    config = write_sites(
        f"publish = {{ to = 'ghost', url = '{url}', private = true }}\n", writing=at_once
    )
    await night(config, database, clock, horizon=300)  # the breaker stays open for longer
    assert others_are_published(config)
    (breaker,) = await database.fetch(
        "select name, open_until > ledger_now() as open from breakers where failures > 0"
    )
    assert breaker == {"name": "cms broken", "open": True}
    waiting = await database.fetch(
        "select pipeline, step, key from runs where status = 'queued' order by id"
    )
    assert {"pipeline": "article", "step": "publish", "key": "broken"} in waiting
    assert {row["key"] for row in waiting} == {"broken"}


async def test_a_feed_that_is_down_stops_no_other_site(
    database: Database, clock: Clock, web: DemoWeb, write_sites: Write
) -> None:
    config = write_sites(source=f"{web.url}/nowhere/feed.xml")
    await night(config, database, clock)
    assert others_are_published(config)
    assert ((await how(database))["step"], (await how(database))["status"]) == ("read", "dead")


async def test_a_budget_that_is_spent_stops_no_other_site(
    database: Database, clock: Clock, write_sites: Write, claude: FakeModels
) -> None:
    config = write_sites(
        "usd_per_day = 0\n", writing=f"rewrites = 0\nanthropic = {{ base_url = '{claude.url}' }}"
    )
    await night(config, database, clock)
    assert others_are_published(config)
    held = await how(database)
    assert (held["step"], held["status"], held["outcome"]) == ("brief", "queued", "held")
    assert "budget set site:broken" in held["error"]


async def test_a_switch_that_is_off_stops_no_other_site(
    database: Database, clock: Clock, web: DemoWeb, write_sites: Write
) -> None:
    config = write_sites()
    await switches.pause(database, "key:broken", reason="look first")
    await night(config, database, clock)
    assert others_are_published(config)
    assert web.requests[PAGES["broken"]] == 0


async def test_a_folder_that_cannot_be_written_stops_no_other_site(
    database: Database, clock: Clock, write_sites: Write
) -> None:
    config = write_sites()
    folder = config.folder(config.find("broken"))
    folder.parent.mkdir()
    folder.write_text("a file, and no folder", "utf-8")
    await night(config, database, clock)
    assert others_are_published(config)
    dead = await how(database)
    assert (dead["step"], dead["status"]) == ("publish", "dead")
    assert "cannot be written" in dead["error"]


async def test_a_ping_that_fails_stops_no_other_site(
    database: Database, clock: Clock, web: DemoWeb, write_sites: Write
) -> None:
    config = write_sites(
        broken=f"ping = {{ endpoint = '{web.url}/nowhere', key = 'key-of-broken' }}\n"
    )
    await night(config, database, clock)
    assert [len(slugs) for slugs in published(config).values()] == [1] * len(PAGES)
    assert sorted(ping["host"] for ping in web.pings) == [f"{name}.example" for name in OTHERS]
    assert ((await how(database))["step"], (await how(database))["status"]) == ("ping", "dead")
