"""The commands that every pipeline app has: what is going on, and the verbs of a person."""

from __future__ import annotations

import click

from overnight.commands.alerts import alerts
from overnight.commands.breakers import breaker, breakers
from overnight.commands.budgets import budget, budgets_command
from overnight.commands.decisions import approve, edit, reject, review
from overnight.commands.effects import effects
from overnight.commands.letters import letter_commands
from overnight.commands.look import runs_command, show_job, status
from overnight.commands.prune import prune
from overnight.commands.schedules import schedules
from overnight.commands.serve import serve
from overnight.commands.switches import pause, resume, switches


def add_to(group: click.Group, key_name: str = "key") -> None:
    """Give a command line all of them, with the app's word for a key."""
    for command in (
        *(status, runs_command(key_name), show_job, review, approve, edit, reject, prune),
        *letter_commands(key_name),
        *(pause, resume, switches, schedules, alerts, serve, budgets_command, budget, breakers, breaker, effects),
    ):
        group.add_command(command)
