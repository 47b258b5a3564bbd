"""The file with the secrets of a service, as systemd or a person hands it over."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from overnight import secrets
from overnight.errors import ConfigError

NAMES = ("OVERNIGHT_TRIED_KEY", "OVERNIGHT_TRIED_URL")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of secrets that the environment names; afterwards the environment is as it was."""
    for name in NAMES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    made = tmp_path / "secrets.json"
    made.touch(0o600)
    monkeypatch.setenv(secrets.SECRETS_FILE, str(made))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return made


def test_its_members_become_variables_and_what_is_set_stays(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERNIGHT_TRIED_URL", "mine")
    file.write_text(json.dumps(dict.fromkeys(NAMES, "from the file")), "utf-8")
    secrets.load_file()
    assert [os.environ[name] for name in NAMES] == ["from the file", "mine"]


def test_a_file_that_others_can_read_is_refused(file: Path) -> None:
    file.write_text("{}", "utf-8")
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="others can read the secrets: chmod 600"):
        secrets.load_file()


def test_a_credential_of_systemd_may_have_a_group(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('{"OVERNIGHT_TRIED_KEY": "from the file"}', "utf-8")
    file.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(file.parent))
    secrets.load_file()
    assert os.environ["OVERNIGHT_TRIED_KEY"] == "from the file"
    file.chmod(0o444)
    with pytest.raises(ConfigError, match="others can read"):
        secrets.load_file()


@pytest.mark.parametrize("text", ["sk-secret", '["sk-secret"]', '{"OVERNIGHT_TRIED_KEY": 5}'])
def test_what_is_no_object_of_strings_is_refused_and_not_shown(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        secrets.load_file()
    assert "is not one JSON object whose values are strings" in str(refused.value)
    assert "sk-secret" not in str(refused.value)


def test_a_file_that_is_not_there_is_told_of(file: Path) -> None:
    file.unlink()
    with pytest.raises(ConfigError, match="cannot read OVERNIGHT_SECRETS_FILE"):
        secrets.load_file()
