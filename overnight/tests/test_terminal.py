"""Texts that others wrote reach a terminal without control characters."""

from __future__ import annotations

import io
import json
import logging
import re
from functools import partial
from pathlib import Path

import click
import pytest
import structlog

import contentstudio
import overnight
from overnight import formatting, logs
from overnight.cli import output, runner
from overnight.errors import UserError
from overnight.terminal import escaped, plain

HOSTILE = [
    "\x1b]0;root@host\x07",  # the title of the window
    "\x1b[2J\x1b[H",  # clears the screen
    "\x1b[8mhidden\x1b[0m",
    "\x9b31mred",  # the same as one character
    "approved\rrejected",
    "no\b\byes",
    "\x00\x7f\x85",
    "\u202egpj.exe",  # turns the text around
    "\u2066a\u2069",
]
HARMLESS = ["a\nb\tc", "Как хранить", "كيف تحفظ", "冬の", "👩\u200d🌾", "a\u200eb", "…"]
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("text", HOSTILE)
def test_control_characters_are_shown_and_not_obeyed(text: str) -> None:
    assert not CONTROL.search(plain(text))
    assert len(plain(text)) == len(text)
    line = json.dumps({"text": text}, ensure_ascii=False)
    assert not CONTROL.search(escaped(line))
    assert json.loads(escaped(line)) == {"text": text}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_a_terminal_may_get_stays_as_it_is(text: str) -> None:
    assert plain(text) == escaped(text) == text


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", ["40", "120"])
def test_tables_and_lines_have_no_control_characters(
    text: str, width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    row = {"a": text, "b": {"in": [text]}, "c": f"{text} {text}"}
    output.table("", [row], {"a": "a", "b": "b", "c": "c"}, empty="")
    output.table("", [], {"a": "a"}, empty=f"Nothing is called “{text}”.")
    output.lines([("title", text)])
    output.echo(text)
    output.echo(text, err=True)
    print(formatting.as_json(row))
    shown = capsys.readouterr()
    assert not CONTROL.search(shown.out + shown.err)
    assert "\ufffd" in shown.out and "\ufffd" in shown.err


@pytest.mark.parametrize("text", HOSTILE)
def test_an_error_of_a_command_has_no_control_characters(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["program"])

    def fail(error: Exception) -> None:
        raise error

    for error in (UserError(text), RuntimeError(text), OSError(5, text)):
        group = click.Group("program", invoke_without_command=True)
        group.callback = partial(fail, error)
        with pytest.raises(SystemExit):
            runner.main(group, "program")
        shown = capsys.readouterr().err
        assert shown.startswith("program: ")
        assert not CONTROL.search(shown) and "\ufffd" in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_of_the_log_has_no_control_characters(text: str) -> None:
    stream = io.StringIO()
    logs.configure(stream, logging.INFO)
    try:
        logs.log.info("step", error=text)
    finally:
        structlog.reset_defaults()
    line = stream.getvalue()
    assert not CONTROL.search(line)
    assert json.loads(line)["error"] == text


def test_the_command_lines_print_in_one_place() -> None:
    folders = [Path(package.__file__).parent for package in (overnight, contentstudio)]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    printing = {
        str(file.relative_to(file.parents[1]))
        for file in files
        if re.search(r"click\.s?echo\(|(?<![\w.])print\(", file.read_text("utf-8"))
    }
    assert "cli/output.py" in printing
    assert printing - {"cli/output.py"} == set()
