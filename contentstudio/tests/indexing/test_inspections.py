"""What becomes of pages: a sitemap submitted and pages inspected at a server that speaks Search
Console's API.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contentstudio import config as settings
from contentstudio import doctor
from contentstudio.app import build
from contentstudio.cli.main import cli
from contentstudio.config import Config
from contentstudio.store.index_status import IndexStatus
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.contract

PROPERTY = "sc-domain:garden.example"
KEY = rsa.generate_private_key(65_537, 2_048).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)


class Google:
    """`verdicts` are what is known of a URL; `told` are requests; `faults` are statuses given
    first, by method.
    """

    def __init__(self) -> None:
        self.verdicts: dict[str, dict[str, Any]] = {}
        self.told: list[str] = []
        self.faults: dict[str, list[int]] = {}
        google = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = google.answer(
                    self.command, unquote(self.path), self.headers["Authorization"], body
                )
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            do_GET = do_PUT = do_POST = do_any  # noqa: N815

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Google:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> tuple[int, Any]:
        if path == "/token":
            return 200, {"access_token": "the-token-2"}
        assert authorization == "Bearer the-token-2"
        asked = json.loads(body) if method == "POST" else {}
        self.told.append(asked.get("inspectionUrl") or f"{method} {path}")
        if faults := self.faults.get(method):
            return faults.pop(0), {"error": {"message": "no"}}
        if method != "POST":
            return 200, {}
        assert asked["siteUrl"] == PROPERTY
        found = self.verdicts.get(
            asked["inspectionUrl"], {"verdict": "NEUTRAL", "coverageState": "URL is unknown"}
        )
        return 200, {"inspectionResult": {"indexStatusResult": found}}


@pytest.fixture
def google() -> Iterator[Google]:
    with Google() as google:
        yield google


@pytest.fixture
def config(google: Google, tmp_path: Path) -> Config:
    key = {
        "client_email": "studio@project.example",
        "private_key": KEY.decode(),
        "token_uri": f"{google.url}/token",
    }
    (tmp_path / "key.json").write_text(json.dumps(key), "utf-8")
    (tmp_path / "key.json").chmod(0o600)
    file = tmp_path / "contentstudio.toml"
    file.write_text(
        f"[google]\nkey_file = 'key.json'\nendpoint = '{google.url}'\n[writing]\nwriter "
        "= 'offline'\n"
        f"offline_articles = 'publish'\n"
        "[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = ['https://a.example']\n"
        f"search_console = {{ name = '{PROPERTY}', inspections = 3 }}\n",
        "utf-8",
    )
    return settings.load(file)


def page(slug: str) -> str:
    return f"https://garden.example/{slug}/"


async def note(database: Database, *slugs: str) -> None:
    for slug in slugs:
        await IndexStatus(database).note_change("garden", slug, page(slug), f"job-{slug}")


async def day(config: Config, database: Database, clock: Clock, date: str) -> dict[str, Any]:
    """One day's inspection; how it ended."""
    app = build(config)
    await runs.start(app, database, "inspections", {"date": date, "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock, horizon=900)
    row = await database.one(
        "select status, output, error from runs where step = 'inspect' order by id desc limit 1"
    )
    assert row is not None
    return row


async def states(database: Database) -> dict[str, str]:
    return {one.slug: one.state for one in await IndexStatus(database).read("garden", 99)}


async def test_the_sitemap_is_submitted_only_after_a_change(
    database: Database, clock: Clock, google: Google, config: Config
) -> None:
    await note(database, "ants")
    await day(config, database, clock, "2026-11-23")
    submit = f"PUT /webmasters/v3/sites/{PROPERTY}/sitemaps/https://garden.example/sitemap.xml"
    assert google.told == [submit, page("ants")]
    assert await states(database) == {"ants": "submitted"}
    await clock.move(86_400)
    await day(config, database, clock, "2026-11-24")
    assert google.told == [submit, page("ants"), page("ants")]
    await clock.move(86_400)
    await note(database, "bees")
    await day(config, database, clock, "2026-11-25")
    assert google.told.count(submit) == 2


async def test_crawled_and_indexed_come_from_google_for_this_version(
    database: Database, clock: Clock, google: Google, config: Config
) -> None:
    await note(database, "ants", "bees", "cats")
    now = await clock.now()
    crawled = {"verdict": "NEUTRAL", "coverageState": "Crawled - currently not indexed"}
    google.verdicts = {
        page("ants"): {
            "verdict": "PASS",
            "coverageState": "Submitted and indexed",
            "lastCrawlTime": now.isoformat(),
        },
        page("bees"): crawled | {"lastCrawlTime": now.isoformat()},
        page("cats"): crawled | {"lastCrawlTime": "2020-01-01T00:00:00Z"},
    }
    ending = await day(config, database, clock, "2026-11-23")
    assert await states(database) == {"ants": "indexed", "bees": "crawled", "cats": "submitted"}
    assert ending["output"] == {
        **{"sitemap": "https://garden.example/sitemap.xml", "asked": 3, "indexed": [page("ants")]}
    }


async def test_a_day_asks_about_a_limited_number_longest_waiting_first(
    database: Database, clock: Clock, google: Google, config: Config
) -> None:
    await note(database, *(f"page-{n}" for n in range(5)))
    await day(config, database, clock, "2026-11-23")
    first = [told for told in google.told if told.startswith("https:")]
    assert len(first) == 3
    await clock.move(86_400)
    await day(config, database, clock, "2026-11-24")
    second = [told for told in google.told if told.startswith("https:")][3:]
    assert len(second) == 3
    assert len({*first, *second}) == 5


async def test_answers_before_a_fault_are_kept_and_not_asked_again(
    database: Database, clock: Clock, google: Google, config: Config
) -> None:
    await note(database, "ants", "bees")
    google.faults["POST"] = []
    answer = google.answer

    def once(method: str, path: str, authorization: str, body: bytes) -> tuple[int, Any]:
        if (
            method == "POST"
            and path != "/token"
            and page("bees") in body.decode()
            and not google.faults.get("told")
        ):
            google.faults["told"] = [1]
            return 503, {}
        return answer(method, path, authorization, body)

    google.answer = once  # type: ignore[method-assign]
    assert (await day(config, database, clock, "2026-11-23"))["status"] == "succeeded"
    assert google.told.count(page("ants")) == 1
    assert google.told.count(page("bees")) == 1


async def test_an_account_without_rights_says_what_to_do(
    database: Database, clock: Clock, google: Google, config: Config
) -> None:
    await note(database, "ants")
    google.faults["PUT"] = [403]
    ending = await day(config, database, clock, "2026-11-23")
    assert ending["status"] == "dead"
    assert "add that address to the property's users" in ending["error"]


async def test_the_pages_of_a_site_are_told_to_a_person_and_a_script(
    database: Database,
    clock: Clock,
    google: Google,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)

    async def ask(*arguments: str) -> Result:
        told = ["--config", str(config.file), "site", "pages", *arguments]
        return await asyncio.to_thread(CliRunner().invoke, cli, told)

    assert "published from here" in (await ask("garden")).stdout
    google.verdicts[page("ants")] = {"verdict": "PASS", "coverageState": "Submitted and indexed"}
    await note(database, "ants")
    await day(config, database, clock, "2026-11-23")
    monkeypatch.setenv("COLUMNS", "60")
    assert page("ants") in (await ask("garden")).stdout
    (row,) = json.loads((await ask("garden", "--json")).stdout)["pages"]
    assert (row["state"], row["url"], row["job_id"]) == ("indexed", page("ants"), "job-ants")
    assert row["verdict"] == "Submitted and indexed"
    assert "there are: garden" in str((await ask("gardn")).exception)


async def test_the_doctor_tells_whether_search_console_lets_us_in(
    config: Config, google: Google
) -> None:
    assert config.site[0].search_console is not None
    for faults, ok in (([], True), ([403], False), ([404], False)):
        google.faults["GET"] = faults
        (found,) = [
            one for one in await doctor.check(config, config.site[0]) if PROPERTY in one.what
        ]
        assert found.ok == ok
        assert ("add the service account" in found.mend) != ok
