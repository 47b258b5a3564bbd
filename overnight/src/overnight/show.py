"""How things are shown to a person: tables that fit the terminal, moments and durations people read, a live line."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from overnight.model import Ending

LAST_COLUMN = 24  # characters that the last column should have at least; with less it goes beneath its row

STYLES = {
    "succeeded": "green",
    "running": "cyan",
    "queued": "blue",
    "needs_review": "yellow",
    "dead": "red",
    "cancelled": "dim",
}


def console(*, stderr: bool = False) -> Console:
    """A terminal, or a plain stream that is never coloured nor cut at 80 columns."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # the frame of the command line gives it its exit code

    made = Piped(stderr=stderr, highlight=False)
    return made if made.is_terminal else Piped(stderr=stderr, highlight=False, width=max(made.width, 120))


def as_json(data: Any) -> str:
    """One line of JSON: moments as ISO 8601, money as a number."""
    return json.dumps(data, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def table(
    title: str, rows: Sequence[dict[str, Any]], columns: dict[str, str], *, empty: str, spare: Sequence[str] = ()
) -> None:
    """Rows as a table: `columns` maps keys to headings. Without rows, the sentence that says what that means.

    The last column takes what room is left and wraps; where that is too little, the `spare` columns go first, and where
    it still is, the last one goes beneath its row.
    """
    from rich.table import Table
    from rich.text import Text

    terminal = console()
    if not rows:
        terminal.print(Text(empty))
        return
    cells = [{key: cell(row.get(key)) for key in columns} for row in rows]
    shown = _fitting(cells, columns, spare, terminal.width)
    if _room(cells, shown, terminal.width) < 0:
        _two_lines(terminal, title, cells, shown)
        return
    last = list(shown)[-1]
    made = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for key, heading in shown.items():
        made.add_column(heading, header_style="dim", no_wrap=key != last, overflow="fold")
    for row in cells:
        made.add_row(*(Text(row[key], style=STYLES.get(row[key], "")) for key in shown))
    terminal.print(made)


def _fitting(
    cells: Sequence[dict[str, str]], columns: dict[str, str], spare: Sequence[str], width: int
) -> dict[str, str]:
    """The columns without as many of the spare ones as it takes to fit."""
    shown = dict(columns)
    for key in spare:
        if _room(cells, shown, width) < 0:
            shown.pop(key, None)
    return shown


def _room(cells: Sequence[dict[str, str]], shown: dict[str, str], width: int) -> int:
    """Characters that are left over when the last column has what it should; negative: that many are missing."""
    *fixed, last = _widths(cells, shown).values()
    return width - sum(fixed) - 2 * len(fixed) - min(last, LAST_COLUMN)


def _widths(cells: Sequence[dict[str, str]], shown: dict[str, str]) -> dict[str, int]:
    return {key: max(len(shown[key]), *(len(row[key]) for row in cells)) for key in shown}


def _two_lines(terminal: Console, title: str, cells: Sequence[dict[str, str]], shown: dict[str, str]) -> None:
    """Each row on a line of its own, and what its last column says beneath it; nothing is cut."""
    from rich.padding import Padding
    from rich.text import Text

    *fixed, last = shown
    widths = _widths(cells, shown)
    if title:
        terminal.print(Text(title, style="bold"))
    for row in (shown, *cells):
        heading = "dim" if row is shown else ""
        line = [(f"{row[key]:<{widths[key]}}  ", heading or STYLES.get(row[key], "")) for key in fixed]
        terminal.print(Text.assemble(*line), soft_wrap=True)
        if row is not shown and row[last]:
            terminal.print(Padding(Text.assemble((f"{shown[last]}: ", "dim"), row[last]), (0, 0, 0, 2)))


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return dollars(value)
    if isinstance(value, float):
        return f"{value:.2f}"
    return value if isinstance(value, str) else json.dumps(value, default=_plain, ensure_ascii=False)


def dollars(value: Decimal | float) -> str:
    """Money with as many digits as it needs: whole cents, or fractions of one."""
    return f"${value:.2f}" if value == 0 or value >= 1 else f"${value:.4f}"


def count(number: int, thing: str) -> str:
    """So many things, in plain English."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def duration(seconds: float) -> str:
    """A span as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def lines(pairs: Iterable[tuple[str, str]]) -> None:
    """Labelled lines, the labels aligned; a long value wraps under itself."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for label, value in pairs:
        made.add_row(label, Text(value))
    console().print(made)


@contextmanager
def live_line(what: str) -> Iterator[Callable[[Ending], None]]:
    """A line on the terminal that counts endings as they come; what needs attention stays above it. Quiet elsewhere."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    terminal = console(stderr=True)
    if not sys.stderr.isatty():
        yield lambda ending: None
        return
    counts: Counter[str] = Counter()
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True) as progress:
        task = progress.add_task(what)

        def note(ending: Ending) -> None:
            outcome = ending.transition.outcome
            counts["steps" if outcome in ("done", "no_work") else outcome] += 1
            if outcome not in ("done", "no_work"):
                error = (ending.transition.error or "").split("\n")[0]
                progress.console.print(f"  {outcome:<8} {ending.run.pipeline}/{ending.run.step}  {error}", markup=False)
            told = ", ".join(f"{count} {name}" for name, count in counts.items())
            progress.update(task, description=f"{what}: {told}; now {ending.run.pipeline}/{ending.run.step}")

        yield note
