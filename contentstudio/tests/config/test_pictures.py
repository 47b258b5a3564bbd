"""Where pictures come from: what is taken, and a sentence for what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from contentstudio import config as settings
from overnight.errors import ConfigError

SITE = "[[site]]\nname = 'garden'\nurl = 'https://g.example'\nsources = ['https://a.example']\n"


def loaded(folder: Path, section: str = "", site: str = "") -> settings.Config:
    file = folder / "contentstudio.toml"
    file.write_text(f"{section}\n{SITE}{site}\n", "utf-8")
    return settings.load(file)


def test_without_a_word_articles_have_cards(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert config.pictures_of(config.site[0]) == settings.Pictures(kind="card")


def test_a_site_may_have_a_source_of_its_own(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, "[pictures]\nkind = 'none'", "pictures = { kind = 'folder', folder = 'shots' }"
    )
    assert config.pictures_of(config.site[0]).folder == Path("shots")


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("kind = 'folder'", 'needs a folder beside kind = "folder"'),
        ("kind = 'openai'", 'needs a model beside kind = "openai"'),
        ("folder = 'x'", 'names a folder, which is for kind = "folder"'),
        ("model = 'x'", 'names a model, which is for kind = "openai"'),
        ("kind = 'foldr'", "did you mean.*folder|folder"),
        ("kind = 'openai'\nmodel = 'x'\nsize = 'large'", "“pictures.size”"),
        ("kind = 'openai'\nmodel = 'x'\nusd_per_picture = -1", "usd_per_picture"),
        ("prise = 3", "unknown key “pictures.prise”"),
    ],
)
def test_what_is_wrong_gets_one_sentence(tmp_path: Path, section: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as fault:
        loaded(tmp_path, f"[pictures]\n{section}")
    assert "\n" not in str(fault.value)


def test_the_colour_of_cards_is_for_every_publisher(tmp_path: Path) -> None:
    config = loaded(tmp_path, site="color = '#aa2266'\npublish = { to = 'wordpress', user = 'me' }")
    assert config.site[0].color == "#aa2266"
