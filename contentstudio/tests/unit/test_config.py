"""Whatever is wrong in the config is one sentence that names the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from contentstudio import config as settings
from overnight.errors import ConfigError

SITE = """
[[site]]
name = "garden"
url = "https://garden.example/"
sources = ["https://a.example/feed.xml"]
"""


def load(tmp_path: Path, text: str) -> settings.Config:
    file = tmp_path / "contentstudio.toml"
    file.write_text(text, "utf-8")
    return settings.load(file)


def test_the_defaults_are_the_missions(tmp_path: Path) -> None:
    config = load(tmp_path, SITE)
    assert config.publishing.debounce_seconds == 90
    assert (config.research.cron, config.research.timezone) == ("0 4 * * *", "UTC")
    assert config.site[0].url == "https://garden.example"
    assert not config.fetch.allow_loopback
    assert config.folder(config.site[0]) == tmp_path / "sites" / "garden"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[site]\n", "is no valid TOML"),
        ("", "“site” is missing"),
        (SITE + "colour = 'red'\n", r"unknown key “site\[1\].colour”; known here: .*sources"),
        (SITE + "[fetch]\nallow_lopback = true\n", "unknown key “fetch.allow_lopback”; known here: .*allow_loopback"),
        ("file = 'x'\n" + SITE, "unknown key “file”"),
        (SITE.replace("https://a.example/feed.xml", "a.example/feed"), r"“site\[1\].sources\[1\]” needs a whole URL"),
        (SITE.replace("https://garden.example/", "ftp://garden.example"), r"“site\[1\].url” needs a whole URL"),
        (SITE + SITE, "two sites have the name garden"),
        (SITE.replace('"garden"', '"Garden Site"'), r"“site\[1\].name”"),
        (SITE.replace('["https://a.example/feed.xml"]', "[]"), r"“site\[1\].sources”"),
        (SITE + "[site.gates]\nmin_words = 'many'\n", r"“site\[1\].gates.min_words”"),
        (SITE + "[site.gates]\nmin_words = 100\nmax_words = 10\n", "no article could pass"),
        (SITE.replace("https://a.example/feed.xml", "http:// x y/"), r"“site\[1\].sources\[1\]” needs a whole URL"),
        (SITE.replace("https://a.example/feed.xml", "http://x.example:99999/"), "needs a whole URL"),
        (SITE + "ping = { endpoint = 'https://x.example/' }\n", "needs a key beside the endpoint"),
        (SITE.replace("[[site]]", "[[sites]]"), "unknown key “sites”; known here: .*site"),
        ("[budget]\nusd_per_day = -1\n" + SITE, "“budget.usd_per_day”"),
        ("[budget]\nusd_per_day = nan\n" + SITE, "“budget.usd_per_day”"),
        ("[budget]\nusd_per_week = 1\n" + SITE, "unknown key “budget.usd_per_week”; known here: usd_per_day"),
        (SITE + "usd_per_day = 'much'\n", r"“site\[1\].usd_per_day”"),
        (SITE.replace("[[site]]", "[site]"), r"write \[\[site\]\]"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(tmp_path, text)


def test_a_missing_file_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`contentstudio init` writes one"):
        settings.load(tmp_path / "contentstudio.toml")


def test_budgets_are_told_by_scope_and_only_where_they_are_set(tmp_path: Path) -> None:
    assert load(tmp_path, SITE).budgets() == {}
    other = SITE.replace("garden", "sky") + "usd_per_day = 2.5\n"
    assert load(tmp_path, "[budget]\nusd_per_day = 20\n" + SITE + other).budgets() == {"all": 20, "key:sky": 2.5}


def test_the_template_is_valid(tmp_path: Path) -> None:
    from importlib.resources import files

    config = load(tmp_path, (files("contentstudio") / "template.toml").read_text("utf-8"))
    assert [site.name for site in config.site] == ["my-site"]
    assert config.writing.model == settings.Writing().model
