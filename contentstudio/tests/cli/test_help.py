"""What `--help` says fits the terminal."""

from __future__ import annotations

import click
import pytest

from contentstudio.cli.main import cli

GROUPS = [cli, *(command for command in cli.commands.values() if isinstance(command, click.Group))]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_no_sentence_of_a_help_is_cut_at_80_columns(group: click.Group) -> None:
    told = group.get_help(click.Context(group, terminal_width=80)).partition("Commands:")[2]
    assert [line for line in told.splitlines() if line.endswith("...")] == []
