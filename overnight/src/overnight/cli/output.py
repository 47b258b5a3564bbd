"""What commands print: tables that fit the terminal, and progress."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import click

from overnight.formatting import cell
from overnight.terminal import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from overnight.store.records import Ending

LAST_COLUMN = (
    24  # characters that the last column should have at least; with less it goes beneath its row
)
STYLES = {
    "succeeded": "green",
    "running": "cyan",
    "queued": "blue",
    "needs_review": "yellow",
    "dead": "red",
    "cancelled": "dim",
}


def echo(text: object = "", *, err: bool = False, fg: str | None = None) -> None:
    """Print a line, whoever wrote it: it has no control characters but ours."""
    click.echo(click.style(plain(str(text)), fg=fg) if fg else plain(str(text)), err=err)


def echo_styled(line: str) -> None:
    """Print a line with colours of ours. Its texts went through `plain` before."""
    click.echo(line)


def console(*, stderr: bool = False) -> Console:
    """A terminal, or a plain stream that is never coloured nor cut at 80 columns."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # the frame of the command line gives it its exit code

    terminal = Piped(stderr=stderr, highlight=False)
    return (
        terminal
        if terminal.is_terminal
        else Piped(stderr=stderr, highlight=False, width=max(terminal.width, 120))
    )


def table(
    title: str,
    rows: Sequence[dict[str, Any]],
    columns: dict[str, str],
    *,
    empty: str,
    spare: Sequence[str] = (),
    styles: Mapping[str, str] = STYLES,
) -> None:
    """Rows as a table: `columns` maps keys to headings. Without rows, the sentence that says what
    that means.

    The last column takes what room is left and wraps between words. Where that is too little, be it
    for one word that somebody may want to copy, such as an address, the `spare` columns go first,
    and where it still is, the last one goes beneath its row. No id, hash or address is ever broken
    in two.
    """
    from rich.table import Table
    from rich.text import Text

    terminal = console()
    if not rows:
        terminal.print(Text(plain(empty)))
        return
    cells = [{key: cell(row.get(key)) for key in columns} for row in rows]
    headings = _fitting(cells, columns, spare, terminal.width, _table_width)
    if _table_width(cells, headings) > terminal.width:
        _two_lines(
            terminal,
            title,
            cells,
            _fitting(cells, columns, spare, terminal.width, _first_line_width),
            styles,
        )
        return
    last = list(headings)[-1]
    grid = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for key, heading in headings.items():
        grid.add_column(heading, header_style="dim", no_wrap=key != last, overflow="fold")
    for row in cells:
        grid.add_row(*(Text(row[key], style=styles.get(row[key], "")) for key in headings))
    terminal.print(grid)


Cells = Sequence[dict[str, str]]


def _fitting(
    cells: Cells,
    columns: dict[str, str],
    spare: Sequence[str],
    width: int,
    needed: Callable[[Cells, dict[str, str]], int],
) -> dict[str, str]:
    """The columns without as many of the spare ones as it takes to fit; with none left out where
    that does not help.
    """
    headings = dict(columns)
    for key in spare:
        if needed(cells, headings) > width and len(headings) > 1:
            headings.pop(key, None)
    return headings


def _table_width(cells: Cells, headings: dict[str, str]) -> int:
    """Characters that a table of these columns takes at least, with the last one as narrow as it
    may be.
    """
    last = list(headings)[-1]
    longest = max(
        (_width(word) for row in cells for word in row[last].split() if is_whole(word)), default=0
    )
    least = max(min(_widths(cells, headings)[last], LAST_COLUMN), longest, _width(headings[last]))
    return _first_line_width(cells, headings) + least


def _first_line_width(cells: Cells, headings: dict[str, str]) -> int:
    """Characters that all columns but the last take."""
    *fixed, _ = _widths(cells, headings).values()
    return sum(fixed) + 2 * len(fixed)


def _widths(cells: Cells, headings: dict[str, str]) -> dict[str, int]:
    return {
        key: max(_width(headings[key]), *(_width(row[key]) for row in cells)) for key in headings
    }


def _width(text: str) -> int:
    """Places that a text takes on a terminal; of several lines the longest counts."""
    from rich.cells import cell_len

    return max(map(cell_len, text.splitlines()), default=0)


def _padded(text: str, width: int) -> str:
    return text + " " * max(width - _width(text), 0)


def _two_lines(
    terminal: Console, title: str, cells: Cells, headings: dict[str, str], styles: Mapping[str, str]
) -> None:
    """Each row on a line of its own, and what its last column says beneath it; nothing is cut."""
    from rich.text import Text

    *fixed, last = headings
    widths = _widths(cells, headings)
    if title:
        terminal.print(Text(title, style="bold"))
    for row in (headings, *cells):
        heading = "dim" if row is headings else ""
        parts = [
            (f"{_padded(row[key], widths[key])}  ", heading or styles.get(row[key], ""))
            for key in fixed
        ]
        if fixed:
            terminal.print(Text.assemble(*parts), soft_wrap=True)
        if row is not headings and row[last]:
            _beneath(terminal, headings[last], row[last])


def _beneath(terminal: Console, heading: str, text: str) -> None:
    """What a column says, on lines of its own."""
    from rich.text import Text

    label = f"{heading}:" if heading else ""
    for line in wrapped(f"{label} {text}".strip(), terminal.width - 2):
        value = line.removeprefix(label)
        label, before = "", label[: len(line) - len(value)]
        terminal.print(Text.assemble("  ", (before, "dim"), value), soft_wrap=True)


def is_whole(word: str) -> bool:
    """Whether a word must stay in one piece. Text of scripts that put no space between words may be
    broken anywhere.
    """
    return _width(word) == len(word) or any(mark in word for mark in "-_/:.@=")


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text on so many places; a longer word, such as an address, has a longer line
    of its own.
    """
    return [line for each in text.splitlines() for line in _wrapped_line(each, max(width, 1))] or [
        ""
    ]


def _wrapped_line(text: str, width: int) -> Iterator[str]:
    """One line by words. Its indent stays that of the first."""
    line = ""
    for word in re.findall(r"\s*\S+", text):
        if line and _width(line + word) > width:
            yield line
            line, word = "", word.lstrip()
        while not is_whole(word) and _width(line + word) > width:
            part = _fits(word, width)
            yield part
            word = word.removeprefix(part)
        line += word
    yield line


def _fits(text: str, width: int) -> str:
    """As much of a text as so many places hold, one character at least."""
    places = accumulate(map(_width, text))
    return text[: max(sum(place <= width for place in places), 1)]


def lines(pairs: Iterable[tuple[str, str]]) -> None:
    """Labelled lines, the labels aligned; a long value wraps under itself, and no word of it is
    broken.
    """
    from rich.text import Text

    terminal, pairs = console(), list(pairs)
    indent = max((_width(label) for label, _ in pairs), default=0) + 2
    for label, value in pairs:
        first, *more = wrapped(plain(value), terminal.width - indent)
        terminal.print(Text.assemble((_padded(label, indent), "dim"), first), soft_wrap=True)
        for line in more:
            terminal.print(Text(" " * indent + line), soft_wrap=True)


@contextmanager
def live_line(what: str) -> Iterator[Callable[[Ending], None]]:
    """A line on the terminal that counts endings as they come; what needs attention stays above it.
    Quiet elsewhere.
    """
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
                error = plain((ending.transition.error or "").split("\n")[0])
                progress.console.print(
                    f"  {outcome:<8} {ending.run.pipeline}/{ending.run.step}  {error}", markup=False
                )
            summary = ", ".join(f"{count} {name}" for name, count in counts.items())
            progress.update(
                task, description=f"{what}: {summary}; now {ending.run.pipeline}/{ending.run.step}"
            )

        yield note
