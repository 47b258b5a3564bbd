"""The commands that every pipeline app has: what is going on, and the verbs of a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from overnight.cli.commands.alerts import alerts
from overnight.cli.commands.audit import audit
from overnight.cli.commands.breakers import breaker, breakers
from overnight.cli.commands.budgets import budget, budgets_command
from overnight.cli.commands.calls import calls, prompt
from overnight.cli.commands.console import console_command, token
from overnight.cli.commands.dead_letters import dead_letter_commands
from overnight.cli.commands.decisions import approve, edit, reject, review
from overnight.cli.commands.effects import effects
from overnight.cli.commands.failures import failures
from overnight.cli.commands.find import find_command
from overnight.cli.commands.jobs import jobs_command, runs_command, show_job, status
from overnight.cli.commands.prune import prune
from overnight.cli.commands.schedules import schedules
from overnight.cli.commands.serve import serve
from overnight.cli.commands.signals import signals
from overnight.cli.commands.start import emit, start
from overnight.cli.commands.switches import pause, resume, switches

if TYPE_CHECKING:
    from overnight.console.extension import Console


def add_to(
    group: click.Group, key_name: str = "key", console: Callable[[], Console] | None = None
) -> None:
    """Give a command line all of them, with the app's word for a key and what it adds to the
    console.
    """
    for command in (
        *(status, signals, jobs_command(key_name), runs_command(key_name), show_job),
        *(review, approve, edit, reject, prune, failures),
        *dead_letter_commands(key_name),
        *(start, emit),
        *(console_command(console), find_command(console), token),
        *(
            pause,
            resume,
            switches,
            schedules,
            alerts,
            audit,
            serve,
            budgets_command,
            budget,
            breakers,
            breaker,
            effects,
            calls,
            prompt,
        ),
    ):
        group.add_command(command)
