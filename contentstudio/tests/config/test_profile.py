"""The profile of a site: a table or a Markdown file; what is wrong in it is one sentence."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contentstudio import config as settings
from contentstudio.config import Author, Config, InvalidConfig, Profile
from contentstudio.config.profile import MAX_CHARACTERS, MAX_EXAMPLE
from overnight.errors import ConfigError

SITE = """
[[site]]
name = "garden"
url = "https://garden.example/"
sources = ["https://a.example/feed.xml"]
"""
FILE = """\
---
audience: Beginners with a small garden
avoid: [game changer, hack]
countries:
  - NO
  - DE
authors:
  - name: Ana Petrović
    role: Editor
    links: [https://social.example/@ana]
---
Speak as a neighbour does.

Short sentences.
"""


def load(folder: Path, site: str, **files: str) -> Config:
    """The config of one site, with files beside it: their names have `__` for a dot."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")
    file = folder / "contentstudio.toml"
    file.write_text(site, "utf-8")
    return settings.load(file)


def profile_of(folder: Path, text: str) -> Profile:
    return load(folder, f"{SITE}profile = 'profile.md'\n", profile__md=text).site[0].profile


def test_a_site_without_a_profile_has_an_empty_one(tmp_path: Path) -> None:
    assert load(tmp_path, SITE).site[0].profile == Profile()


def test_tags_and_pillars_are_what_a_site_is_about(tmp_path: Path) -> None:
    text = f"{SITE}tags = ['Soil', 'Seed']\n[site.profile]\npillars = ['Watering', 'Soil']\n"
    assert load(tmp_path, text).site[0].subjects == ["Soil", "Seed", "Watering"]


def test_a_table_and_a_file_give_the_same_profile(tmp_path: Path) -> None:
    table = """
    [site.profile]
    audience = "Beginners with a small garden"
    avoid = ["game changer", "hack"]
    countries = ["NO", "DE"]
    voice = '''Speak as a neighbour does.

Short sentences.'''
    authors = [{ name = "Ana Petrović", role = "Editor", links = ["https://social.example/@ana"] }]
    """
    from_table = load(tmp_path, SITE + table).site[0].profile
    from_file = profile_of(tmp_path, FILE)
    assert from_table.model_dump() == from_file.model_dump()
    assert from_file.countries == ["NO", "DE"], "no value of YAML but text"
    assert from_file.voice == "Speak as a neighbour does.\n\nShort sentences."
    assert from_file.files == [tmp_path / "profile.md"] and from_table.files == []


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("Speak plainly.", "Speak plainly."),
        ("\ufeffSpeak plainly.\n", "Speak plainly."),
        ("# Voice\n\n---\n\nPlain.", "# Voice\n\n---\n\nPlain."),
        ("---\n---\nPlain.", "Plain."),
        ("---\naudience:\n---\nPlain.", "Plain."),
        ("---\r\nstyle: [Short.]\r\n---\r\nPlain.\r\n", "Plain."),
        ("---\nvoice: Plain.\n---\n", "Plain."),
        ("---\nvoice: Plain.\n---", "Plain."),
        ("", ""),
    ],
)
def test_the_text_below_the_front_matter_is_the_voice(
    tmp_path: Path, text: str, voice: str
) -> None:
    assert profile_of(tmp_path, text).voice == voice


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("---\naudience: [\n---\n", r"profile\.md, line 3: the front matter is no YAML"),
        ("---\na: b: c\n---\n", r"profile\.md, line 2: the front matter is no YAML"),
        ("---\naudience: x\n", r"profile\.md: the front matter that begins with --- has no line"),
        ("---\n- a\n---\n", r"profile\.md: the front matter has keys, .* not a list"),
        ("---\nwords\n---\n", r"profile\.md: the front matter has keys, .* not a text"),
        ("---\naudiance: x\n---\n", r"profile\.md: unknown key “audiance”; .*“audience”"),
        ("---\nstyle: Short.\n---\n", r"profile\.md: “style” .*list"),
        ("---\nauthors: [{role: x}]\n---\n", r"profile\.md: “authors\[1\]\.name” is missing"),
        ("---\nauthors: [{name: ' '}]\n---\n", r"“authors\[1\]\.name” is empty"),
        ("---\nauthors: [{name: A}, {name: A}]\n---\n", "two authors with the name A"),
        ("---\nauthors: [{name: A, url: a}]\n---\n", r"“authors\[1\]\.url” needs a whole URL"),
        ("---\ncountries: [Norway]\n---\n", r"“countries\[1\]” is a country in two capital"),
        ("---\ntitle: x\n---\n", r"unknown key “title”; .*belongs into \[\[site\]\]"),
        ("---\nvoice: x\n---\ny", r"profile\.md: the text below .* keep one of them"),
        ("---\nexamples: [a, b, c, d]\n---\n", r"profile\.md: “examples” .*at most 3"),
        ("a\0b", "control characters"),
        ("x" * (MAX_CHARACTERS + 1), r"8,004 characters .* 8,000 at most: shorten"),
        ("x" * 300_000, r"has more than 200,000 bytes"),
    ],
)
def test_a_broken_file_is_one_sentence_with_its_name(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        profile_of(tmp_path, text)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "profile.md").write_bytes(b"caf\xe9")
    with pytest.raises(ConfigError, match=r"profile\.md is not UTF-8"):
        load(tmp_path, f"{SITE}profile = 'profile.md'\n")


@pytest.mark.parametrize("name", ["none.md", ".", "", "none/../../x.md"])
def test_a_missing_file_is_named_with_its_key(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidConfig, match=r"toml: site garden has the profile “") as error:
        load(tmp_path, f"{SITE}profile = '{name}'\n")
    assert error.value.problems[0][0] == "profile of garden"


@pytest.mark.parametrize("value", ["3", "[]", "true"])
def test_what_is_neither_a_table_nor_a_file_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"“site\[1\]\.profile” is a table .* Markdown file"):
        load(tmp_path, f"{SITE}profile = {value}\n")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("audience = 'Beginners'", r"it belongs into \[site\.profile\]"),
        ("[site.profile]\naudience = 3", r"“site\[1\]\.profile\.audience” .*string"),
        ("[site.profile]\navoid = 'hack'", r"“site\[1\]\.profile\.avoid” .*list"),
        ("[site.profile]\navoid = ['']", r"“site\[1\]\.profile\.avoid\[1\]” is empty"),
        ("[site.profile]\nname = 'x'", r"unknown key “site\[1\]\.profile\.name”"),
        ('[site.profile]\nvoice = "a\\u0000b"', r"“site\[1\]\.profile\.voice” has control"),
    ],
)
def test_a_wrong_key_of_the_table_is_named(tmp_path: Path, key: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(tmp_path, f"{SITE}{key}\n")


def test_a_site_with_a_file_of_its_own_may_name_one(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    own = SITE.replace("[[site]]", "") + "profile = 'profile.md'\n"
    (tmp_path / "own/garden.toml").write_text(own, "utf-8")
    config = load(tmp_path, "sites = 'own/*.toml'\n", profile__md=FILE)
    assert config.site[0].profile.audience == "Beginners with a small garden"
    (tmp_path / "profile.md").unlink()
    with pytest.raises(ConfigError, match=r"own/garden\.toml: site garden has the profile"):
        load(tmp_path, "sites = 'own/*.toml'\n")


def test_texts_are_lines_but_for_the_voice(tmp_path: Path) -> None:
    profile = Profile(audience=" Beginners\n of  any age ", voice=" One.\n\n Two. ")
    assert profile.audience == "Beginners of any age"
    assert profile.voice == "One.\n\n Two."


def test_examples_are_files_or_addresses(tmp_path: Path) -> None:
    table = "[site.profile]\nexamples = ['one.md', 'https://garden.example/two/']\n"
    profile = load(tmp_path, SITE + table, one__md=f"One {'word ' * MAX_EXAMPLE}").site[0].profile
    (text,) = profile.example_texts
    assert MAX_EXAMPLE - 10 < len(text) <= MAX_EXAMPLE and text.endswith("word")
    assert profile.example_urls == ["https://garden.example/two/"]
    assert profile.files == [tmp_path / "one.md"]
    (tmp_path / "one.md").unlink()
    with pytest.raises(InvalidConfig, match=r"site garden has the example “one\.md”"):
        load(tmp_path, SITE + table)


def authors(*names: str) -> dict[str, Any]:
    return {"authors": [Author(name=name) for name in names]}


def test_authors_share_the_articles_and_keep_theirs() -> None:
    slugs = [f"article-{number}" for number in range(300)]

    def signed(*names: str) -> dict[str, str]:
        profile = Profile(**authors(*names))
        return {slug: found.name for slug in slugs if (found := profile.author_of(slug))}

    three, four = signed("Ana", "Ben", "Cem"), signed("Cem", "Ana", "Dea", "Ben")
    assert min(Counter(three.values()).values()) > 70
    assert {four[slug] for slug in slugs if four[slug] != three[slug]} == {"Dea"}
    assert set(signed("Ana").values()) == {"Ana"} and signed() == {}
