"""What `--help` says fits the terminal."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from overnight.cli.main import cli

GROUPS = [cli, *(command for command in cli.commands.values() if isinstance(command, click.Group))]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_no_sentence_of_a_help_is_cut_at_80_columns(group: click.Group) -> None:
    told = group.get_help(click.Context(group, terminal_width=80)).partition("Commands:")[2]
    assert [line for line in told.splitlines() if line.endswith("...")] == []


def test_the_command_line_starts_without_what_is_heavy() -> None:
    heavy = {"anthropic", "psycopg", "pydantic", "rich", "starlette", "structlog"}
    program = f"import overnight.cli.main, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
