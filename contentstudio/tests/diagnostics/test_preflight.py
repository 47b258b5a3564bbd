"""`check`, the preflight, and what `up` refuses to begin on; and cells that no spreadsheet runs."""

from __future__ import annotations

import asyncio
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image as Drawing
from pytest_httpserver import HTTPServer
from rich.console import Console

from contentstudio import config as settings
from contentstudio.cli.main import cli
from contentstudio.cli.review import defused
from contentstudio.cli.up import _check_sites
from contentstudio.diagnostics import preflight
from contentstudio.diagnostics.preflight import Check
from overnight.cli import output
from overnight.errors import ConfigError, UserError

SECRETS = (
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "CONTENTSTUDIO_SECRET_GARDEN",
    "CONTENTSTUDIO_SLACK_URL",
)
FEED = b"<rss version='2.0'><channel><title>t</title><item><title>i</title><link>https://a.example/1</link></item></channel></rss>"
SITE = 'name = "{0}"\nurl = "https://{0}.example"\nsources = ["https://a.example/"]\n'


def test_every_site_is_listed_with_the_file_that_it_is_in(tmp_path: Path) -> None:
    (tmp_path / "contentstudio.toml").write_text(
        "sites = '*.site'\n[[site]]\n" + SITE.format("garden"), "utf-8"
    )
    (tmp_path / "sky.site").write_text(
        SITE.format("sky") + "usd_per_day = 2\nactive = false\n", "utf-8"
    )
    call = ["--config", str(tmp_path / "contentstudio.toml"), "check", "--offline"]
    rows = json.loads(CliRunner().invoke(cli, [*call, "--json"]).stdout)["sites"]
    assert [
        (row["site"], Path(row["file"]).name, row["active"], row["usd_per_day"]) for row in rows
    ] == [
        ("garden", "contentstudio.toml", True, None),
        ("sky", "sky.site", False, 2),
    ]
    assert "sky.site" in CliRunner().invoke(cli, call).stdout


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("", "may cost $5.00 a day (UTC), by the default; [budget] usd_per_day sets another"),
        ("[budget]\nusd_per_day = 2.5\n", "may cost $2.50 a day (UTC), by [budget] usd_per_day"),
    ],
)
def test_check_tells_the_model_budget_and_if_it_is_the_default(
    tmp_path: Path, section: str, said: str
) -> None:
    (tmp_path / "contentstudio.toml").write_text(
        section + "[[site]]\n" + SITE.format("garden"), "utf-8"
    )
    call = ["--config", str(tmp_path / "contentstudio.toml"), "check", "--offline", "--json"]
    checks = json.loads(CliRunner().invoke(cli, call).stdout)["checks"]
    assert [said in each["details"] for each in checks if each["what"] == "budget"] == [True]


def test_a_site_whose_folder_cannot_be_written_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken").write_text("a file, and no folder", "utf-8")
    _check_sites([tmp_path / "broken", tmp_path / "well"])
    assert (tmp_path / "well").is_dir()
    assert f"cannot write to {tmp_path / 'broken'}" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="cannot write to"):
        _check_sites([tmp_path / "broken"])


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_begins_like_a_formula_is_defused(begin: str) -> None:
    assert defused(f"{begin}cmd|' /C calc'!A1") == f"'{begin}cmd|' /C calc'!A1"


def test_other_cells_stay_as_they_are() -> None:
    assert [defused(value) for value in ("a=b", "", None, -1.5, 7)] == ["a=b", "", None, -1.5, 7]


@pytest.fixture(autouse=True)
def _no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)


@pytest.fixture
def web(httpserver: HTTPServer) -> str:
    """A feed at /feed.xml, a page at /page, a CMS that lets nobody in; else 404."""
    httpserver.expect_request("/feed.xml").respond_with_data(
        FEED, content_type="application/rss+xml"
    )
    httpserver.expect_request("/page").respond_with_data("<p>Hello</p>", content_type="text/html")
    httpserver.expect_request(re.compile(".*/wp-json")).respond_with_json(
        {"code": "rest_not_logged_in", "message": "", "data": {"status": 401}}, 401
    )  # as WordPress refuses a password
    httpserver.expect_request(re.compile("")).respond_with_data("", 404)
    return httpserver.url_for("")


def write(folder: Path, top: str = "", site: str = "", source: str = "https://a.example/") -> Path:
    file = folder / "contentstudio.toml"
    named = f"name = 'garden'\nurl = 'https://garden.example'\nsources = ['{source}']\n"
    file.write_text(f"{top}\n[[site]]\n{named}{site}\n", "utf-8")
    return file


def run(file: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(file), *words])


def wrong(file: Path, *options: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and what must be mended: its details, and what to do."""
    told = run(file, "check", "--json", *options)
    data = json.loads(told.stdout)
    assert data["ok"] == (told.exit_code == 0)
    return told.exit_code, {
        c["what"]: (c["details"], c["todo"]) for c in data["checks"] if c["ok"] is False
    }


def test_a_config_that_is_well_has_nothing_to_mend(tmp_path: Path) -> None:
    file = write(tmp_path, "[writing]\nwriter = 'offline'")
    assert wrong(file, "--offline") == (0, {})
    assert "Nothing to fix." in run(file, "check", "--offline").stdout


@pytest.mark.parametrize(
    ("top", "site", "what", "details", "todo"),
    [
        ("[writing]\nwriter = 'anthropic'", "", "writing", "needs a key", "ANTHROPIC_API_KEY"),
        (
            "[writing]\nwriter = 'openai'\nmodel = 'gpt-5'",
            "",
            "writing",
            "needs a key",
            "OPENAI_API_KEY",
        ),
        (
            "[pictures]\nkind = 'openai'\nmodel = 'gpt-image-1'\nusd_per_picture = 0.06",
            "",
            "pictures",
            "key",
            "OPENAI_API",
        ),
        (
            "[pictures]\nkind = 'openai'\nmodel = 'x'\nbase_url = 'http://127.0.0.1:9/v1'",
            "",
            "pictures",
            "price",
            "usd_per_picture",
        ),
        (
            "",
            "pictures = { kind = 'folder', folder = 'nowhere' }",
            "pictures of garden",
            "is no folder",
            "beside the config",
        ),
        (
            "[memory]\nembeddings = { model = 'text-embedding-3-small' }",
            "",
            "memory.embeddings",
            "key",
            "OPENAI_API",
        ),
        ("[search]\nengine = ['archive', 'brave']", "", "search", "brave needs", "BRAVE_API_KEY"),
        ("[search]\nengine = 'tavily'", "", "search", "tavily needs", "TAVILY_API_KEY"),
        (
            "",
            "publish = { to = 'wordpress', user = 'me' }",
            "CMS of garden",
            "secret",
            "CONTENTSTUDIO_SECRET_GARDEN",
        ),
        (
            "",
            "publish = { to = 'ghost' }",
            "CMS of garden",
            "secret",
            "CONTENTSTUDIO_SECRET_GARDEN",
        ),
        ("[alerts]\nchannels = ['slack']", "", "alerts", "slack", "CONTENTSTUDIO_SLACK_URL"),
        (
            "",
            "search_console = { name = 'sc-domain:garden.example' }",
            "google",
            "no key file",
            "google.key_file",
        ),
        (
            "[google]\nkey_file = 'k.json'",
            "search_console = { name = 'sc-domain:a.b' }",
            "google",
            "k.json",
            "key_file",
        ),
    ],
)
def test_what_the_environment_lacks_is_found_and_refused_by_up(
    tmp_path: Path, top: str, site: str, what: str, details: str, todo: str
) -> None:
    file = write(tmp_path, top, site)
    code, found = wrong(file, "--offline")
    assert code == 1
    assert set(found) == {what}
    assert details in found[what][0]
    assert todo in found[what][1]
    refused = run(file, "up", "--once").exception
    assert isinstance(refused, UserError)
    assert todo in str(refused)
    assert not (tmp_path / ".overnight" / "data").exists()


def test_an_inactive_site_needs_no_secret(tmp_path: Path) -> None:
    site = "active = false\npublish = { to = 'ghost' }"
    assert wrong(write(tmp_path, "", site), "--offline") == (0, {})


@pytest.mark.parametrize(
    ("model", "near"),
    [("claude-sonet-5", "did you mean “claude-sonnet-5”?"), ("zzz", "is not known")],
)
def test_a_model_without_a_price_is_found_with_the_likely_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, near: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")
    _, found = wrong(write(tmp_path, f"[writing]\nmodel = '{model}'"), "--offline")
    assert near in found["writing"][0]
    assert "writing.prices" in found["writing"][1]
    priced = f"[writing]\nmodel = '{model}'\nprices = {{ {model} = {{ input = 1, output = 2 }} }}"
    assert wrong(write(tmp_path, priced), "--offline") == (0, {})


@pytest.mark.parametrize("command", [["up", "--once"], ["check", "--offline"], ["morning"]])
def test_a_command_reads_the_config_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    read = []
    load = settings.load
    monkeypatch.setattr(settings, "load", lambda file: read.append(file) or load(file))
    file = write(tmp_path, "[writing]\nwriter = 'anthropic'")
    assert run(file, *command).exit_code > 0
    assert read == [file]


@pytest.mark.parametrize(
    "source", ["http://127.0.0.1:8080/feed", "http://localhost/feed", "http://[::1]/feed"]
)
def test_a_source_on_this_machine_needs_allow_loopback(tmp_path: Path, source: str) -> None:
    _, found = wrong(write(tmp_path, source=source), "--offline")
    assert "fetch.allow_loopback" in found["sources of garden"][1]
    assert wrong(write(tmp_path, "[fetch]\nallow_loopback = true", source=source), "--offline") == (
        0,
        {},
    )


@pytest.mark.parametrize(("language", "noted"), [("en", False), ("xx", True)])
def test_a_language_that_a_gate_cannot_measure_is_worth_a_note(
    tmp_path: Path, language: str, noted: bool
) -> None:
    file = write(tmp_path, site=f"language = '{language}'")
    checks = json.loads(run(file, "check", "--offline", "--json").stdout)["checks"]
    notes = [check for check in checks if check["what"] == "gates of garden"]
    assert [check["ok"] for check in notes] == [None] * noted
    assert all("readability" in check["details"] for check in notes)


@pytest.mark.parametrize(
    ("top", "site", "says"),
    [
        ("[research]\ncron = '4am'", "", "research.cron"),
        ("[refresh]\ncron = '0 25 * * *'", "", "refresh.cron"),
        ("[research]\ntimezone = 'Berlin'", "", "did you mean “Europe/Berlin”?"),
        ("[morning]\ntimezone = 'Europe/Begrade'", "", "did you mean “Europe/Belgrade”?"),
        ("[morning]\nat = '7.30'", "", "write it as 07:30"),
        ("[alerts]\nquiet = ['22', '07:00']", "", "alerts.quiet[1]"),
        ("[alerts.urgency]\ndead_leter = 'now'", "", "did you mean “dead_letter”?"),
        ("[writing]\nwriter = 'antropic'", "", "did you mean “anthropic”?"),
        ("[reserch]\ncron = '0 4 * * *'", "", "did you mean “research”?"),
        ("", "langauge = 'de'", "did you mean “language”?"),
        ("", "language = 'english'", "two lower-case letters"),
        ("", "publish = { to = 'wordpres' }", "did you mean “wordpress”?"),
        ("", "window = { hours = ['8', '18:00'] }", "two times of day"),
        ("", "window = { days = ['monday'] }", "did you mean “mon”?"),
    ],
)
def test_a_misspelt_or_unreadable_key_is_shown_with_its_remedy(
    tmp_path: Path, top: str, site: str, says: str
) -> None:
    file = write(tmp_path, top, site)
    told = run(file, "check", "--json")
    data = json.loads(told.stdout)
    assert (told.exit_code, data["ok"], len(data["checks"])) == (1, False, 1)
    assert says in data["checks"][0]["details"]
    with pytest.raises(ConfigError) as refused:  # as every other command says it
        settings.load(file)
    assert says in str(refused.value)


def test_keywords_that_are_not_there_are_told_in_the_table(tmp_path: Path) -> None:
    file = tmp_path / "contentstudio.toml"
    file.write_text(
        "[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = [{ "
        "keywords = 'k.txt' }]\n",
        "utf-8",
    )
    code, found = wrong(file)
    assert (code, list(found)) == (1, ["sources of garden"])
    assert "k.txt" in found["sources of garden"][0]


def test_everything_that_is_wrong_in_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = write(tmp_path, "[research]\ncron = '4am'\ntimezone = 'Berlin'", "language = 'english'")
    data = json.loads(run(file, "check", "--json").stdout)
    assert [check["what"] for check in data["checks"]] == [
        "research.cron",
        "research.timezone",
        "site[1].language",
    ]


def test_the_network_is_asked_for_every_source_and_every_login(
    tmp_path: Path, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", "abcd efgh")
    file = tmp_path / "contentstudio.toml"
    file.write_text(
        "[fetch]\nallow_loopback = true\ntimeout_seconds = 5\n[writing]\nwriter = "
        "'offline'\n[[site]]\n"
        f"name = 'garden'\nurl = 'https://garden.example'\nsources = ['{web}/feed.xml', "
        f"'{web}/page', '{web}/gone',"
        f" {{ feed = '{web}/page' }}]\npublish = {{ to = 'wordpress', user = 'me', url = "
        f"'{web}', private = true }}\n",
        "utf-8",
    )
    told = run(file, "check", "--json")
    checks = [Check(**each) for each in json.loads(told.stdout)["checks"]]
    sources = [
        (each.ok, each.details.rpartition("/")[2])
        for each in checks
        if each.what == "source of garden"
    ]
    assert sources[:2] == [(True, "feed.xml: 1 entries"), (True, "page")]
    assert (sources[2][0], "404" in sources[2][1]) == (False, True)
    assert [each.ok for each in checks if each.what == "feed of garden"] == [False]
    assert [(each.ok, each.stops) for each in checks if each.what == "CMS of garden"] == [
        (False, True)
    ]
    refused = run(file, "up", "--once").exception
    assert isinstance(refused, UserError)
    assert "CMS of garden" in str(refused)
    assert "CONTENTSTUDIO_SECRET_GARDEN" in str(refused)


def test_a_cms_that_is_down_for_a_while_does_not_stop_a_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "CONTENTSTUDIO_SECRET_GARDEN", "6748592f4b9b7700010f6564:" + "0123456789abcdef" * 4
    )
    config = settings.load(
        write(
            tmp_path, "", "publish = { to = 'ghost', url = 'http://127.0.0.1:9', private = true }"
        )
    )
    (found,) = asyncio.run(preflight.logins(config))
    assert (found.ok, found.stops) == (False, False)
    assert "url in the site's publish" in found.todo
    assert "key" not in found.todo  # what does not answer has refused none
    preflight.refuse([found], "contentstudio")


def test_one_sentence_has_the_first_fault_and_the_way_to_others(tmp_path: Path) -> None:
    checks = [Check(f"what {n}", False, "is wrong", "mend it", True) for n in (1, 2, 2, 3)]
    with pytest.raises(
        UserError, match=r"^what 1: is wrong: mend it \(2 more: contentstudio check shows all\)$"
    ):
        preflight.refuse(checks, "contentstudio")


def test_the_table_fits_80_columns_but_for_what_is_copied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "console", lambda: Console(width=80))
    address = "https://" + "b" * 100
    preflight.render(
        [Check(f"CMS of {'a' * 63}", ok, "word " * 30, address) for ok in (True, False, None)]
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines if len(line.rstrip()) > 80] == [address] * 3
    assert lines[0].split() == ["what", "OK?"]


def test_a_narrow_terminal_loses_no_advice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "console", lambda: Console(width=60))
    preflight.render(
        [Check("alerts", None, "no channel: nobody is told", "name one in alerts.channels")]
    )
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 60
    assert "alerts.channels" in told


def checked(tmp_path: Path, what: str) -> dict[str, Any]:
    call = ["--config", str(tmp_path / "contentstudio.toml"), "check", "--offline", "--json"]
    [found] = [
        each
        for each in json.loads(CliRunner().invoke(cli, call).stdout)["checks"]
        if each["what"] == what
    ]
    return dict(found)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The folder of a static site's own pages, with an about page."""
    (tmp_path / "contentstudio.toml").write_text(
        "[[site]]\n" + SITE.format("garden") + "pages = 'own'\n", "utf-8"
    )
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "about.md").write_text("# About\n\nWe grow.\n", "utf-8")
    return tmp_path / "own"


def test_check_names_the_own_pages_of_a_site(own: Path) -> None:
    assert (
        checked(own.parent, "pages of garden")["ok"],
        checked(own.parent, "pages of garden")["details"],
    ) == (
        True,
        "/about/",
    )


def test_check_finds_an_own_page_at_the_address_of_an_article(own: Path) -> None:
    moment = "2026-01-02T03:04:05Z"
    page = {
        "title": "A",
        "description": "B",
        "sha256": "",
        "published_at": moment,
        "updated_at": moment,
    }
    folder = own.parent / "sites" / "garden"
    folder.mkdir(parents=True)
    (folder / ".contentstudio.json").write_text(
        json.dumps({"site": "garden", "pages": {"about": page}}), "utf-8"
    )
    found = checked(own.parent, "pages of garden")
    assert (found["ok"], found["stops"]) == (False, True)
    assert found["details"] == "the page about.md and an article have one address, /about/"
    assert found["todo"].startswith("rename the file")


def test_check_finds_own_pages_that_collide_or_are_missing(own: Path) -> None:
    (own / "About.md").write_text("x", "utf-8")
    assert checked(own.parent, "pages of garden")["todo"] == "rename one"
    for path in own.iterdir():
        path.unlink()
    assert checked(own.parent, "pages of garden")["ok"] is None


def test_each_picture_that_cannot_serve_is_told_of(tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    shots.mkdir()
    for name, data in (("good", b""), ("large", bytes(50_000_000)), ("words", b"words")):
        written = io.BytesIO()
        Drawing.new("RGB", (300, 200)).save(written, "PNG")
        (shots / f"{name}.png").write_bytes(data or written.getvalue())
        (shots / f"{name}.toml").write_text('alt = "A heap"')
    (shots / "bare.jpg").write_bytes(b"")
    (tmp_path / "contentstudio.toml").write_text(
        "[pictures]\nkind = 'folder'\nfolder = 'shots'\n[[site]]\n" + SITE.format("garden"), "utf-8"
    )
    found = preflight.static(settings.load(tmp_path / "contentstudio.toml"))
    pictures = [(each.ok, each.details, each.stops) for each in found if each.what == "pictures"]
    assert [(ok, stops) for ok, _, stops in pictures] == [(False, False)] * 3 + [(True, False)]
    told = [details for _, details, _ in pictures]
    assert told[0] == "bare.jpg has no bare.toml beside it: write one with alt = “…”"
    assert told[1].startswith("large.png has 50 MB, more than 20")
    assert told[2].startswith("words.png is no picture that can be read")
    assert told[3].endswith("shots: 1 picture")
