"""The commands that every pipeline app has: what is going on, and the verbs of a person."""

from __future__ import annotations

import click

from overnight.commands.decisions import approve, cancel, reject, review
from overnight.commands.letters import dead, replay
from overnight.commands.look import runs_command, show_job, status
from overnight.commands.schedules import schedules
from overnight.commands.switches import pause, resume, switches


def add_to(group: click.Group, key_name: str = "key") -> None:
    """Give a command line all of them, with the app's word for a key."""
    for command in (
        *(status, runs_command(key_name), show_job, dead, replay, review, approve, reject),
        *(cancel, pause, resume, switches, schedules),
    ):
        group.add_command(command)
