"""Retention by hand: see what is past its time, or delete it at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from overnight import formatting
from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from overnight.operations.retention import Pruned
    from overnight.store.database import Database


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@json_option
@pass_session
def prune(session: Session, dry_run: bool, as_json: bool) -> None:
    """Delete what ended long ago: retention, by the app's `keep`.

    Workers do the same by themselves, bit by bit.
    """
    from overnight.operations import retention

    app = session.needed_app()

    async def work(database: Database) -> Pruned:
        due = await retention.count(database, app)
        if dry_run:
            return due
        await retention.declare(database, app)
        with _progress(due.total) as on_batch:
            return await retention.prune(database, on_batch, own=retention.own_tables(app))

    pruned = session.run(work)
    text = _dry(pruned) if dry_run else _done(pruned)
    tell(as_json, {"dry_run": dry_run, **asdict(pruned)}, lambda: output.echo(text))


def _dry(due: Pruned) -> str:
    if not due.total:
        return "nothing is past its time"
    jobs = (
        f"{formatting.count(due.emptied, 'job')} would lose their payloads, "
        f"{formatting.count(due.gone, 'job')} would go"
    )
    return f"{jobs}, and {formatting.count(due.others, 'other row')}"


def _done(pruned: Pruned) -> str:
    if not pruned.total:
        return "nothing was past its time"
    jobs = (
        f"{formatting.count(pruned.emptied, 'job')} lost their payloads, "
        f"{formatting.count(pruned.gone, 'job')} went"
    )
    return f"{jobs}, and {formatting.count(pruned.others, 'other row')}"


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Pruned], None]]:
    """A bar on a terminal; quiet elsewhere."""
    from rich.progress import Progress

    if not sys.stderr.isatty():
        yield lambda pruned: None
        return
    with Progress(console=output.console(stderr=True), transient=True) as progress:
        task = progress.add_task("pruning", total=total)
        yield lambda pruned: progress.advance(task, pruned.total)
