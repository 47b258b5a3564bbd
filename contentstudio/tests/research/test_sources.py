"""The sources of a site in the config, the file of keywords, and the jobs that come of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from contentstudio import config as settings
from contentstudio.google.analytics import span
from contentstudio.model import Demand
from contentstudio.research.demands import BrokenKeywords, parse_keywords, read_keywords
from overnight.errors import ConfigError

ALL = """
    "https://a.example/",
    { feed = "https://a.example/feed.xml" },
    { page = "https://a.example/page" },
    { sitemap = "https://a.example/sitemap.xml", match = "/blog/", hosts = ["www.a.example"] },
    { keywords = "keywords.txt" },
    { search_console = "sc-domain:a.example" },
"""


def load(folder: Path, sources: str, head: str = "") -> settings.Config:
    (folder / "keywords.txt").write_text("compost\n", "utf-8")
    file = folder / "contentstudio.toml"
    file.write_text(
        f"{head}\n[[site]]\nname = 'garden'\nurl = 'https://g.example'\nsources = [{sources}]\n",
        "utf-8",
    )
    return settings.load(file)


def test_every_kind_of_source_becomes_a_job_of_its_own(tmp_path: Path) -> None:
    from contentstudio.pipelines import build
    from contentstudio.pipelines.discovering import jobs_of

    config = load(tmp_path, ALL)
    jobs = jobs_of(config.site[0], date(2026, 11, 23))
    assert [(p, getattr(job, "kind", None)) for p, job in jobs] == [
        ("memory", None),
        ("source", "any"),
        ("source", "feed"),
        ("source", "page"),
        ("source", "sitemap"),
        ("demand", None),
        ("demand", None),
        ("results", None),  # of the property whose queries are read
    ]
    pipelines = {pipeline.name: pipeline for pipeline in build(config)}
    runs = [pipelines[name].job(job) for name, job in jobs]
    assert len({run.job_id for run in runs}) == len(runs)
    assert {run.key for run in runs} == {"garden"}
    for run in runs:
        assert pipelines[run.pipeline].steps[run.step].load(run.input) in [job for _, job in jobs]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ('"a.example"', r"“site\[1\].sources\[1\]” needs a whole URL"),
        ('{ feed = "a.example" }', r"“site\[1\].sources\[1\].feed” needs a whole URL"),
        (
            '{ sitemap = "https://a.example/", only = "x" }',
            r"unknown key “site\[1\].sources\[1\].only”; known .*match",
        ),
        (
            '{ page = "https://a.example/", feed = "https://a.example/" }',
            "is a URL or a table with one of: feed, page",
        ),
        ("{ }", "is a URL or a table with one of"),
        ("7", "is a URL or a table with one of"),
        ('{ search_console = "a.example" }', r"“site\[1\].sources\[1\].search_console”"),
        ('{ search_console = "sc-domain:a.example", days = 0 }', r"“site\[1\].sources\[1\].days”"),
        (
            '{ keywords = "missing.txt" }',
            "site garden reads “missing.txt”, which is not beside contentstudio.toml",
        ),
    ],
)
def test_a_mistake_in_a_source_is_named_with_its_place(
    tmp_path: Path, source: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load(tmp_path, source)
    assert "\n" not in str(caught.value)
    assert "=" not in str(caught.value).split("known")[0].split("one of")[0]


def test_the_key_file_is_from_the_config_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    assert load(tmp_path, ALL).google_key_file() is None
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/keys/other.json")
    assert load(tmp_path, ALL).google_key_file() == Path("/keys/other.json")
    assert (
        load(tmp_path, ALL, "[google]\nkey_file = 'key.json'\n").google_key_file()
        == tmp_path / "key.json"
    )


def test_keywords_are_one_a_line_with_a_weight_behind_a_tab() -> None:
    text = (
        "\ufeff# what we are to be found by\nCompost  Heap\t2.5\r\n\nmulch\ncompost heap\t9\n!!!\n"
    )
    assert parse_keywords(text, "k.txt") == [
        Demand(query="compost heap", source="k.txt", weight=2.5),
        Demand(query="mulch", source="k.txt"),
    ]


@pytest.mark.parametrize("weight", ["much", "0", "-1", "nan", "inf"])
def test_a_weight_that_is_none_is_named_with_its_line(weight: str) -> None:
    with pytest.raises(BrokenKeywords, match=f"k.txt, line 2: “{weight}” is no weight"):
        parse_keywords(f"good\t1\nbad\t{weight}\n", "k.txt")


def test_a_file_of_keywords_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(BrokenKeywords, match="No such file"):
        read_keywords(tmp_path / "none.txt", "none.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(BrokenKeywords, match="not UTF-8"):
        read_keywords(tmp_path / "latin.txt", "latin.txt")


def test_search_console_is_asked_for_whole_days_that_are_final() -> None:
    assert span(date(2026, 11, 23), 28) == (date(2026, 10, 24), date(2026, 11, 20))
    assert span(date(2026, 3, 3), 1) == (date(2026, 2, 28), date(2026, 2, 28))
