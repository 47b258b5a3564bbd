"""Tables and labelled lines on terminals of any width: nothing is cut."""

from __future__ import annotations

import os
import sys

import pytest
from rich.text import Text

from overnight.cli import output

JOB, WHY = "9544c39fb723eff4", "HTTP 502 Bad Gateway from the shop"
ROWS = [
    {"job": JOB, "step": "orders/fetch", "when": "2026-03-01 04:00:00", "why": WHY},
    {"job": "dba35ce2a87f321d", "step": "orders/ship", "when": "2026-03-01 04:00:01", "why": None},
]
COLUMNS = {"job": "job", "step": "step", "when": "when (UTC)", "why": "why"}


class Terminal:
    """A terminal of some width, and what is shown on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def of(self, width: int) -> None:
        self._monkeypatch.setenv("COLUMNS", str(width))

    def lines(self) -> list[str]:
        return [
            line.rstrip()
            for line in Text.from_ansi(self._capsys.readouterr().out).plain.splitlines()
        ]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(monkeypatch, capsys)


def test_a_wide_terminal_shows_every_column_on_one_line(terminal: Terminal) -> None:
    terminal.of(100)
    output.table("", ROWS, COLUMNS, empty="", spare=("when",))
    heading, first, second = terminal.lines()
    assert heading.split() == ["job", "step", "when", "(UTC)", "why"]
    assert first == f"{JOB}  orders/fetch  2026-03-01 04:00:00  {WHY}"
    assert second.endswith("04:00:01")


def test_a_narrow_terminal_shows_no_spare_column(terminal: Terminal) -> None:
    terminal.of(60)
    output.table("", ROWS, COLUMNS, empty="", spare=("when",))
    heading, first, *_ = terminal.lines()
    assert heading.split() == ["job", "step", "why"]
    assert first.split()[:3] == [JOB, "orders/fetch", "HTTP"]


@pytest.mark.parametrize("width", [50, 30, 20])
def test_a_last_column_without_room_stands_beneath_its_row(terminal: Terminal, width: int) -> None:
    terminal.of(width)
    output.table("the runs", ROWS, COLUMNS, empty="", spare=("when",))
    title, heading, first, *beneath, second = terminal.lines()
    assert (title, heading.split()) == ("the runs", ["job", "step"])
    assert first == f"{JOB}  orders/fetch"
    assert " ".join(line.strip() for line in beneath) == f"why: {WHY}"
    assert second == "dba35ce2a87f321d  orders/ship"


@pytest.mark.parametrize("width", [50, 30])
def test_a_moment_is_never_cut(terminal: Terminal, width: int) -> None:
    terminal.of(width)
    output.table("", ROWS, COLUMNS, empty="")
    assert "2026-03-01 04:00:00" in "\n".join(terminal.lines())


def test_a_long_value_wraps_under_itself(terminal: Terminal) -> None:
    terminal.of(30)
    output.lines([("now", "nothing"), ("needs you", "one to review, two dead letters")])
    assert terminal.lines() == [
        "now        nothing",
        "needs you  one to review, two",
        "           dead letters",
    ]


def test_a_reader_that_goes_away_ends_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with pytest.raises(BrokenPipeError):
            output.table("", ROWS, COLUMNS, empty="")
        os.dup2(os.open(os.devnull, os.O_WRONLY), write)  # what was not written is let go
