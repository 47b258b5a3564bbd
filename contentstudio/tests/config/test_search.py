"""The section [search]: which engines, their prices, and their keys from the environment."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from contentstudio import config as settings
from contentstudio.diagnostics import preflight
from contentstudio.search.connect import connect
from contentstudio.store.archive import Archive
from overnight.errors import ConfigError
from overnight.logs import redact
from overnight.store.database import Database

SITE = """
[[site]]
name = "garden"
url = "https://garden.example/"
sources = ["https://a.example/feed.xml"]
"""
HERE = 'searxng = { base_url = "http://127.0.0.1:8888" }'


def load(tmp_path: Path, text: str) -> settings.Config:
    file = tmp_path / "contentstudio.toml"
    file.write_text(text + SITE, "utf-8")
    return settings.load(file)


def test_without_a_section_the_archive_is_searched_for_nothing(tmp_path: Path) -> None:
    search = load(tmp_path, "").search
    assert (search.engine, search.usd_per_search("archive")) == (["archive"], 0)


def test_one_engine_or_a_list_of_them(tmp_path: Path) -> None:
    assert load(tmp_path, "[search]\nengine = 'brave'").search.engine == ["brave"]
    both = load(tmp_path, f"[search]\nengine = ['searxng', 'archive']\n{HERE}").search
    assert both.engine == ["searxng", "archive"]


@pytest.mark.parametrize(
    ("text", "engine", "usd"),
    [
        (HERE, "searxng", 0),
        ("", "brave", 0.005),
        ("brave = { usd_per_search = 0.003 }", "brave", 0.003),
        ("", "tavily", 0.008),
        ("tavily = { depth = 'advanced' }", "tavily", 0.016),
        ("tavily = { depth = 'advanced', usd_per_search = 0 }", "tavily", 0),
    ],
)
def test_a_search_has_the_listed_price_or_the_owners(
    tmp_path: Path, text: str, engine: settings.SearchEngine, usd: float
) -> None:
    assert load(tmp_path, f"[search]\n{text}").search.usd_per_search(engine) == usd


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("engine = 'brvae'", "“search.engine[1]” should be .*; did you mean “brave”"),
        ("engine = []", "“search.engine” needs at least one entry"),
        ("engine = ['brave', 'brave']", "“search” names an engine twice"),
        ("engine = 'searxng'", "“search” names the engine searxng and not where it is: write"),
        ("searxng = { base_url = 'localhost' }", "“search.searxng.base_url” needs a whole URL"),
        ("results = 100", "“search.results” should be less than or equal to 20"),
        ("brave = { country = 'germany' }", "“search.brave.country” takes two capital letters"),
        ("brave = { usd_per_search = -1 }", "“search.brave.usd_per_search” should be greater"),
        ("brave = { api_key = 'x' }", "unknown key “search.brave.api_key”; known here: base_url"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence.replace("[", r"\[")):
        load(tmp_path, f"[search]\n{text}")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "brave-key"
    file.write_text("brave-key-of-mine\n")
    file.chmod(0o600)
    return file


def checked(config: settings.Config) -> preflight.Check:
    (check,) = [check for check in preflight.static(config) if check.what == "search"]
    return check


def test_check_tells_the_prices(
    tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAVE_API_KEY_FILE", str(key_file))
    check = checked(load(tmp_path, "[search]\nengine = ['archive', 'brave']"))
    assert (check.ok, check.details) == (True, "archive, brave at $0.005 a search")


def test_a_key_file_that_others_can_read_is_refused(
    tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file.chmod(0o644)
    monkeypatch.setenv("BRAVE_API_KEY_FILE", str(key_file))
    check = checked(load(tmp_path, "[search]\nengine = 'brave'"))
    assert (check.ok, check.stops) == (False, True)
    assert check.todo.startswith("chmod 600")


def connected(config: settings.Config) -> Any:
    database = cast(Database, None)
    return connect(config.search, Archive(database), cast(Any, None), database, AsyncExitStack())


def test_the_engines_are_connected_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAVE_API_KEY", "brave-key-of-mine")
    text = f"[search]\nengine = ['brave', 'searxng', 'archive']\n{HERE}"
    assert connected(load(tmp_path, text)).name == "brave+searxng+archive"
    assert redact("a brave-key-of-mine") == "a •••"


def test_a_worker_does_not_begin_without_the_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tavily needs a key: put TAVILY_API_KEY into"):
        connected(load(tmp_path, "[search]\nengine = ['tavily']"))


def test_a_proxy_of_the_owner_may_have_the_key(tmp_path: Path) -> None:
    text = "[search]\nengine = 'brave'\nbrave = { base_url = 'http://127.0.0.1:9' }"
    assert connected(load(tmp_path, text)).name == "brave"
