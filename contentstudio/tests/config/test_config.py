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
        (
            SITE + "allow_loopback = true\n",
            r"unknown key “site\[1\].allow_loopback”.*it belongs into \[fetch\]",
        ),
        (
            SITE + "per_day = 3\n",
            r"unknown key “site\[1\].per_day”.*it belongs into \[site.gates\]",
        ),
        (
            "[writing]\nusd_per_day = 3\n" + SITE,
            r"“writing.usd_per_day”.*it belongs into \[budget\] or \[\[site\]\]",
        ),
        (
            "[research]\nping = 3\n" + SITE,
            r"unknown key “research.ping”.*it belongs into \[\[site\]\]",
        ),
        (SITE + "colour = 'red'\n", r"unknown key “site\[1\].colour”; known here: .*sources"),
        (
            SITE + "[fetch]\nallow_lopback = true\n",
            "unknown key “fetch.allow_lopback”; known here: .*allow_loopback",
        ),
        ("file = 'x'\n" + SITE, "unknown key “file”"),
        (
            SITE.replace("https://a.example/feed.xml", "a.example/feed"),
            r"“site\[1\].sources\[1\]” needs a whole URL",
        ),
        (
            SITE.replace("https://garden.example/", "ftp://garden.example"),
            r"“site\[1\].url” needs a whole URL",
        ),
        (SITE + SITE, "two sites have the name garden"),
        (SITE.replace('"garden"', '"Garden Site"'), r"“site\[1\].name”"),
        (SITE.replace('["https://a.example/feed.xml"]', "[]"), r"“site\[1\].sources”"),
        (SITE + "[site.gates]\nmin_words = 'many'\n", r"“site\[1\].gates.min_words”"),
        (SITE + "[site.gates]\nmin_words = 100\nmax_words = 10\n", "no article could pass"),
        (
            SITE.replace("https://a.example/feed.xml", "http:// x y/"),
            r"“site\[1\].sources\[1\]” needs a whole URL",
        ),
        (
            SITE.replace("https://a.example/feed.xml", "http://x.example:99999/"),
            "needs a whole URL",
        ),
        (SITE + "ping = { endpoint = 'https://x.example/' }\n", "needs a key beside the endpoint"),
        (SITE.replace("[[site]]", "[[sites]]"), r"a site in this file begins with \[\[site\]\]"),
        ("[budget]\nusd_per_day = -1\n" + SITE, "“budget.usd_per_day”"),
        ("[budget]\nusd_per_day = nan\n" + SITE, "“budget.usd_per_day”"),
        (
            "[budget]\nusd_per_week = 1\n" + SITE,
            "unknown key “budget.usd_per_week”; known here: usd_per_day",
        ),
        (SITE + "usd_per_day = 'much'\n", r"“site\[1\].usd_per_day”"),
        (SITE + "'=feed' = 1\n", "unknown key “site\\[1\\].=feed”; known here: .*sources"),
        (SITE + "WordPress = 1\n", "unknown key “site\\[1\\].WordPress”; known here: .*sources"),
        (
            SITE.replace(
                '["https://a.example/feed.xml"]', '[{ page = "https://a.example/", feeds = 1 }]'
            ),
            r"unknown key “site\[1\].sources\[1\].feeds”; known here: page$",
        ),
        (
            SITE + "publish = { to = 'ghost', user = 'me' }\n",
            r"unknown key “site\[1\].publish.user”; known here: private, state, ",
        ),
        (
            SITE + "analytics = { kind = 'matomo', url = 'https://a.example', site_id = 0 }\n",
            r"“site\[1\].analytics.site_id” ",
        ),
        (
            "[writing.prices.own]\ninput = 1\noutput = -1\n" + SITE,
            "“writing.prices.own.output” ",
        ),
        (SITE.replace("[[site]]", "[site]"), r"write \[\[site\]\]"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(tmp_path, text)


def test_a_missing_file_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`contentstudio init` writes one"):
        settings.load(tmp_path / "contentstudio.toml")


def test_budgets_are_by_scope_and_the_scope_all_has_a_default(tmp_path: Path) -> None:
    for text in (SITE, "[budget]\n" + SITE):
        config = load(tmp_path, text)
        assert (config.budgets(), config.budget.is_default) == ({"all": 5}, True)
    assert not load(tmp_path, "[budget]\nusd_per_day = 5\n" + SITE).budget.is_default
    other = SITE.replace("garden", "sky") + "usd_per_day = 2.5\n"
    assert load(tmp_path, "[budget]\nusd_per_day = 20\n" + SITE + other).budgets() == {
        "all": 20,
        "key:sky": 2.5,
    }


def test_the_template_is_valid(tmp_path: Path) -> None:
    from importlib.resources import files

    config = load(tmp_path, (files("contentstudio") / "template.toml").read_text("utf-8"))
    assert [site.name for site in config.site] == ["my-site"]
    assert config.writing.model == settings.Writing().model


OWN = 'name = "sky"\nurl = "https://sky.example"\nsources = ["https://b.example/feed.xml"]\n'


def load_with(tmp_path: Path, main: str, **own: str) -> settings.Config:
    (tmp_path / "sites").mkdir()
    for name, text in own.items():
        (tmp_path / "sites" / f"{name}.toml").write_text(text, "utf-8")
    return load(tmp_path, main)


def test_sites_may_have_files_of_their_own_besides_the_config(tmp_path: Path) -> None:
    config = load_with(
        tmp_path, "sites = 'sites/*.toml'\n" + SITE, sky=OWN, moon=OWN.replace("sky", "moon")
    )
    assert [site.name for site in config.site] == ["garden", "moon", "sky"]
    assert config.file_of(config.find("sky")) == tmp_path / "sites" / "sky.toml"
    assert config.file_of(config.find("garden")) == tmp_path / "contentstudio.toml"
    assert config.folder(config.find("sky")) == tmp_path / "sites" / "sky"


def test_files_of_sites_suffice(tmp_path: Path) -> None:
    config = load_with(tmp_path, "sites = 'sites/*.toml'\n", sky=OWN + "usd_per_day = 2\n")
    assert config.budgets() == {"all": 5, "key:sky": 2}


@pytest.mark.parametrize(
    ("main", "own", "says"),
    [
        (
            "",
            OWN + "colour = 'red'\n",
            "sky.toml, line 4: unknown key “colour”; known here: .*sources",
        ),
        (
            "",
            OWN + "[gates]\nmin_flesch = 1\nmin_words = 'many'\n",
            "sky.toml, line 6: “gates.min_words” ",
        ),
        (
            "",
            OWN + "[gates]\nmin_words = 9\nmax_words = 1\n",
            "sky.toml, line 4: “gates” .*no article could pass",
        ),
        ("", OWN.replace("https://b", "b"), r"sky.toml, line 3: “sources\[1\]” needs a whole URL"),
        ("", OWN.replace("name", "title"), "sky.toml: “name” is missing"),
        ("", OWN + "usd_per_day = = 3\n", r"sky.toml is no valid TOML: .*line 4"),
        (
            "",
            SITE,
            r"sky.toml: this file is one site, so write its keys at the top, without \[\[site\]\]",
        ),
        ("", OWN + "sources = []\n", "sky.toml is no valid TOML"),
        (
            SITE,
            OWN.replace("sky", "garden"),
            "sky.toml: the site “garden” is in .*contentstudio.toml too",
        ),
        (
            "",
            OWN.replace('["https://b.example/feed.xml"]', '[{ keywords = "k.txt" }]'),
            "sky.toml: site sky reads “k.t",
        ),
    ],
)
def test_a_mistake_in_a_sites_file_is_named_with_its_line(
    tmp_path: Path, main: str, own: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        load_with(tmp_path, "sites = 'sites/*.toml'\n" + main, sky=own)


def test_two_files_of_one_site_are_both_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sky2.toml: the site “sky” is in .*sky.toml too"):
        load_with(tmp_path, "sites = 'sites/*.toml'\n", sky=OWN, sky2=OWN)


def test_a_pattern_that_fits_nothing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file fits “sites”, which is “site/\*.toml”"):
        load(tmp_path, "sites = 'site/*.toml'\n" + SITE)
    with pytest.raises(ConfigError, match="“sites” is a pattern"):
        load(tmp_path, "sites = '/etc/*.toml'\n" + SITE)


def test_a_misspelt_site_is_reported_with_the_similar_names(tmp_path: Path) -> None:
    config = load(tmp_path, "".join(SITE.replace("garden", f"garden-{n}") for n in range(40)))
    with pytest.raises(ConfigError, match="there is no site “gardn-7”, of 40; near it: garden-7"):
        config.find("gardn-7")
    with pytest.raises(ConfigError, match="of 40, and none is near it"):
        config.find("xyz")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "color = 'green'",
            r"“site\[1\].color” is a colour as six hexadecimal digits, such as #23674a",
        ),
        ("color = '#12'", "six hexadecimal digits"),
        ("pages = 'own'", "has the pages “own”, which is no folder beside contentstudio.toml"),
        ("pages = 'own'\npublish = { to = 'ghost' }", "has “pages”, which is for pages of ours"),
        ("tags = ['']", r"site\[1\].tags\[1\]"),
    ],
)
def test_what_belongs_to_the_pages_of_a_static_site_is_checked(
    tmp_path: Path, line: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        load(tmp_path, f"{SITE}{line}\n")
