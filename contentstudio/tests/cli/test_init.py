"""`init` writes a first config, and on a terminal asks for the profile of the site."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contentstudio import config as settings
from contentstudio.cli import check
from contentstudio.cli.main import cli
from contentstudio.config import Profile
from overnight.errors import UserError

PRESSES = 60  # of a key, a second apart, until the command has ended


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_is_terminal", lambda: True)


def call(folder: Path, *arguments: str, answers: str | None = None) -> Result:
    file = folder / "contentstudio.toml"
    return CliRunner().invoke(cli, ["--config", str(file), "init", *arguments], input=answers)


def profile_of(folder: Path) -> Profile:
    return settings.load(folder / "contentstudio.toml").site[0].profile


def test_without_a_terminal_the_profile_stays_an_example(tmp_path: Path) -> None:
    assert call(tmp_path, answers="never read\n" * 9).exit_code == 0
    assert profile_of(tmp_path) == Profile()
    assert '\n# audience = "' in (tmp_path / "contentstudio.toml").read_text("utf-8")


@pytest.mark.parametrize("option", ["--no-input", "--json"])
def test_a_script_on_a_terminal_is_not_asked(tmp_path: Path, terminal: None, option: str) -> None:
    assert call(tmp_path, option, answers="").exit_code == 0
    assert profile_of(tmp_path) == Profile()


@pytest.mark.parametrize(
    ("answers", "profile"),
    [
        ("\n\n\n\n", {}),
        ("Gärtner\n\n\nAna\n", {"audience": "Gärtner", "authors": [{"name": "Ana"}]}),
        (
            'Who "quotes" \\n # all\nwhy = 1\n\\1 plain\n  A.  "B" \n',
            {
                "audience": 'Who "quotes" \\n # all',
                "purpose": "why = 1",
                "voice": "\\1 plain",
                "authors": [{"name": 'A. "B"'}],
            },
        ),
    ],
    ids=["nothing", "some", "marks of TOML"],
)
def test_answers_stand_in_the_file_as_they_were_given(
    tmp_path: Path, terminal: None, answers: str, profile: dict[str, object]
) -> None:
    done = call(tmp_path, answers=answers)
    assert done.exit_code == 0, done.output
    assert profile_of(tmp_path) == Profile.model_validate(profile)
    text = (tmp_path / "contentstudio.toml").read_text("utf-8")
    for key in check.QUESTIONS.keys() - profile.keys():
        assert f"\n# {key} = " in text, "what was not answered stays an example"


@pytest.mark.parametrize(
    ("wrong", "says"), [("a\x07b", "control characters"), ("x" * 9_000, "8,000 at most")]
)
def test_a_wrong_answer_is_asked_for_again(
    tmp_path: Path, terminal: None, wrong: str, says: str
) -> None:
    done = call(tmp_path, answers=f"{wrong}\nBeginners\n\n\n\n")
    assert done.exit_code == 0 and says in done.output
    assert profile_of(tmp_path).audience == "Beginners"


def test_an_end_in_the_middle_writes_nothing(tmp_path: Path, terminal: None) -> None:
    done = call(tmp_path, answers="Beginners\n")
    assert done.exit_code == 1 and "nothing was written" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_asks_nothing_and_changes_nothing(tmp_path: Path, terminal: None) -> None:
    (tmp_path / "contentstudio.toml").write_text("# mine\n", "utf-8")
    done = call(tmp_path, answers="")
    assert isinstance(done.exception, UserError) and "left as it is" in str(done.exception)
    assert (tmp_path / "contentstudio.toml").read_text("utf-8") == "# mine\n"


def test_json_says_where_the_file_is(tmp_path: Path) -> None:
    told = json.loads(call(tmp_path, "--json").stdout)
    assert told == {"file": str(tmp_path / "contentstudio.toml")}


@pytest.mark.parametrize(
    ("keys", "code", "written"),
    [(b"Beginners\n\n\nAna\n", 0, True), (b"Beginners\n\x03", 130, False)],
    ids=["answers", "Ctrl-C"],
)
def test_a_real_terminal_is_asked(tmp_path: Path, keys: bytes, code: int, written: bool) -> None:
    ours, theirs = pty.openpty()
    # What a new session opens first becomes its controlling terminal, from which Ctrl-C comes.
    command = 'exec "$0" -m contentstudio.cli.main init <"$1" >"$1" 2>&1'
    process = subprocess.Popen(
        ["sh", "-c", command, sys.executable, os.ttyname(theirs)],
        cwd=tmp_path,
        start_new_session=True,
        # As a terminal starts it: what runs in the background of a script ignores Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for key in keys.splitlines(keepends=True):
        shown = b""
        while not shown.endswith(b": "):
            shown += os.read(ours, 1_000)
        os.write(ours, key)
    for _ in range(PRESSES):
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
            break
        # A signal between the prompt and the reading is lost on Python: one presses the key again.
        os.write(ours, keys[-1:])
    assert process.wait(timeout=1) == code
    os.close(ours)
    os.close(theirs)
    assert (tmp_path / "contentstudio.toml").exists() is written
    if written:
        assert [author.name for author in profile_of(tmp_path).authors] == ["Ana"]
