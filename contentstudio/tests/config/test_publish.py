"""Where a site is published is told in its section; what is wrong there is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from contentstudio import config as settings
from contentstudio import pipelines, publish
from contentstudio.config import Config
from overnight.errors import ConfigError


def loaded(folder: Path, publish_as: str) -> Config:
    file = folder / "contentstudio.toml"
    site = "[[site]]\nname = 'my-garden'\nurl = 'https://garden.example'\nsources = ['https://a.example']\n"
    file.write_text(f"{site}publish = {publish_as}\n", "utf-8")
    return settings.load(file)


def test_an_unknown_cms_is_told_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"is a table with to = one of: static, wordpress, ghost, git"
    ):
        loaded(tmp_path, "{ to = 'drupal' }")


def test_an_unknown_key_is_told_with_those_of_its_cms(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"unknown key “site\[1\]\.publish\.pass”; known here: category, private"
    ):
        loaded(tmp_path, "{ to = 'wordpress', user = 'studio', pass = 'x' }")


def test_a_missing_secret_is_told_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONTENTSTUDIO_SECRET_MY_GARDEN", raising=False)
    config = loaded(tmp_path, "{ to = 'wordpress', user = 'studio' }")
    with pytest.raises(ConfigError, match="put it into CONTENTSTUDIO_SECRET_MY_GARDEN"):
        publish.opened(config, config.site[0])


def test_a_password_is_not_sent_in_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_MY_GARDEN", "not to be seen")
    config = loaded(
        tmp_path, "{ to = 'wordpress', user = 'studio', url = 'http://garden.example' }"
    )
    with pytest.raises(ConfigError, match="in clear"):
        publish.opened(config, config.site[0])


async def test_a_private_address_is_asked_only_where_the_owner_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_MY_GARDEN", "not to be seen")
    config = loaded(tmp_path, "{ to = 'wordpress', user = 'studio', url = 'https://127.0.0.1:9' }")
    async with publish.opened(config, config.site[0]) as publisher:
        with pytest.raises(ConfigError, match="say private = true"):
            await publisher.find("compost")


@pytest.mark.parametrize(
    ("publish_as", "limits"),
    [("{ to = 'static' }", []), ("{ to = 'git', repository = '/nowhere' }", ["cms of {key}"])],
    ids=["static", "git"],
)
def test_each_cms_has_a_rate_limit_of_its_own_and_folders_none(
    tmp_path: Path, publish_as: str, limits: list[str]
) -> None:
    (article,) = [
        one for one in pipelines.build(loaded(tmp_path, publish_as)) if one.name == "article"
    ]
    assert [one.name for one in article.steps["publish"].guards if one.starts] == limits
