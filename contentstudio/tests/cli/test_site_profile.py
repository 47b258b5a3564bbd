"""`site profile` shows what a model is told, word for word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contentstudio import config as settings
from contentstudio.cli.main import cli
from contentstudio.llm import prompts
from overnight.errors import ConfigError

SITE = """
[[site]]
name = "garden"
url = "https://garden.example/"
sources = ["https://a.example/feed.xml"]
"""
PROFILE = """
[site.profile]
voice = "As a neighbour."
avoid = ["hack"]
disclosure = "Written with the help of a machine."
authors = [{ name = "Ana Petrović", role = "Editor", url = "https://ana.example/" }]
"""


def call(folder: Path, text: str, *arguments: str) -> Result:
    file = folder / "contentstudio.toml"
    file.write_text(text, "utf-8")
    return CliRunner().invoke(cli, ["--config", str(file), "site", "profile", *arguments])


def test_the_prompt_is_shown_word_for_word(tmp_path: Path) -> None:
    shown = call(tmp_path, SITE + PROFILE, "garden")
    told = prompts.profile(settings.load(tmp_path / "contentstudio.toml").site[0])
    assert shown.exit_code == 0 and shown.stdout.startswith(told.rstrip())
    for text in ("Voice: As a neighbour.", "Ana Petrović", "https://ana.example/", "Disclosure: W"):
        assert text in shown.stdout


def test_json_has_the_prompt_and_what_no_model_is_told(tmp_path: Path) -> None:
    shown = json.loads(call(tmp_path, SITE + PROFILE, "garden", "--json").stdout)
    told = prompts.profile(settings.load(tmp_path / "contentstudio.toml").site[0])
    assert (shown["prompt"], shown["characters"]) == (told, len(told))
    assert [author["name"] for author in shown["authors"]] == ["Ana Petrović"]
    assert shown["disclosure"] == "Written with the help of a machine."


def test_a_site_without_a_profile_says_that_nobody_signs(tmp_path: Path) -> None:
    shown = call(tmp_path, SITE, "garden").stdout
    assert "Site: garden\nLanguage: en" in shown and "No author signs the articles." in shown


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        (SITE, "gardn", "there is no site “gardn”"),
        (f"{SITE}profile = 'none.md'\n", "garden", "which is no file beside contentstudio.toml"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, text: str, name: str, says: str) -> None:
    error = call(tmp_path, text, name).exception
    assert isinstance(error, ConfigError) and says in str(error)
