"""`contentstudio search`: the hits of a query, what they cost, and whether they were stored."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from search_engines import Server, answer, refused, result

from contentstudio.cli.main import cli
from contentstudio.config import Config
from contentstudio.model import Snapshot
from contentstudio.store.snapshots import Snapshots
from overnight.operations.switches import pause
from overnight.store.database import Database
from overnight.testing import alerts, dead_letters

Ask = Callable[..., Result]
TEXT = "Tomato seeds keep for four years in a dry jar."


@pytest.fixture
def brave(httpserver: HTTPServer) -> Server:
    server = Server("brave", httpserver.url_for("/brave"))
    httpserver.expect_request("/brave/web/search").respond_with_handler(server.respond)
    server.answers = [answer("brave", [result("brave", "https://b.example/", "Jars", "Dry jars")])]
    return server


@pytest.fixture
async def ask(
    database: Database,
    brave: Server,
    write_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Ask:
    """Calls the command, with a text about tomato seeds in the archive."""
    engines = f"engine = ['archive', 'brave']\nbrave = {{ base_url = '{brave.url}' }}"
    write_config(["https://a.example/"], extra=f"[search]\n{engines}")
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    sha256 = hashlib.sha256(TEXT.encode()).hexdigest()
    page = Snapshot(url="https://a.example/", title="Seeds", text=TEXT, sha256=sha256)
    await Snapshots(database).keep(page)
    file = str(tmp_path / "contentstudio.toml")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["--config", file, "search", *arguments])

    return run


async def test_a_script_gets_hits_costs_and_what_was_stored(ask: Ask) -> None:
    told = await asyncio.to_thread(ask, "tomato seeds", "--json")
    data = json.loads(told.stdout)
    assert [hit["url"] for hit in data["hits"]] == ["https://a.example/", "https://b.example/"]
    assert (data["site"], float(data["cost_usd"])) == ("garden", 0.005)
    assert [(call["engine"], call["cached"]) for call in data["calls"]] == [("brave", False)]
    told = await asyncio.to_thread(ask, "tomato seeds", "--json")
    data = json.loads(told.stdout)
    assert (float(data["cost_usd"]), data["calls"][0]["cached"]) == (0, True)


async def test_a_person_sees_them_in_a_table(ask: Ask) -> None:
    told = await asyncio.to_thread(ask, "tomato seeds")
    for words in ("https://a.example/", TEXT, "2. Jars", "brave: $0.0050", "cost: $0.0050"):
        assert words in told.stdout


async def test_one_engine_is_asked_alone(ask: Ask, brave: Server) -> None:
    told = await asyncio.to_thread(ask, "tomato seeds", "--json", "--engine", "archive")
    assert [hit["url"] for hit in json.loads(told.stdout)["hits"]] == ["https://a.example/"]
    assert brave.requests == []


async def test_a_failure_is_one_sentence_and_wakes_nobody(
    ask: Ask, brave: Server, database: Database
) -> None:
    brave.answers = [refused(401, {"error": {"detail": "no such key"}})]
    told = await asyncio.to_thread(ask, "tomato seeds", "--engine", "brave")
    assert str(told.exception) == "the search failed: brave answered 401: no such key"
    assert await dead_letters(database) == []
    assert await alerts(database) == []


async def test_a_pause_holds_the_search(ask: Ask, brave: Server, database: Database) -> None:
    await pause(database, "pipeline:search", reason="too dear")
    told = await asyncio.to_thread(ask, "tomato seeds")
    assert str(told.exception) == "the search did not begin: pipeline:search is paused"
    assert brave.requests == []
    (run,) = await database.fetch("select status from runs")
    assert run["status"] == "cancelled"


async def test_a_budget_holds_the_search(
    ask: Ask, brave: Server, tmp_path: Path, database: Database
) -> None:
    file = tmp_path / "contentstudio.toml"
    file.write_text(file.read_text() + "\n[budget]\nusd_per_day = 0.001\n")
    told = await asyncio.to_thread(ask, "tomato seeds")
    assert "more than the whole $0.0010 a day" in str(told.exception)
    assert brave.requests == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((" ",), "name what to search for"),
        (("seeds", "--engine", "brve"), "names no engine “brve”; there are: archive, brave; did"),
        (("seeds", "--site", "gardn"), "there is no site “gardn”; there are: garden"),
    ],
)
async def test_bad_input_is_one_sentence(
    ask: Ask, arguments: tuple[str, ...], sentence: str
) -> None:
    told = await asyncio.to_thread(ask, *arguments)
    assert sentence in str(told.exception)
