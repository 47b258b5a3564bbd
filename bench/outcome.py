"""Where the figures of a bench go: a table or JSON on the screen, and a file that keeps those of a
whole run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


def tell(
    name: str, figures: Mapping[str, Any], tables: Sequence[Table], *, as_json: bool, whole: bool
) -> None:
    """Show them. Nothing but a whole run takes the place of what is kept in `results/NAME.json`."""
    if whole:
        RESULTS.mkdir(exist_ok=True)
        kept = {"date": datetime.now(UTC).isoformat(timespec="seconds"), **figures}
        (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    if as_json:
        print(json.dumps(figures))
    else:
        Console(highlight=False).print(*tables)


def table(*headings: str) -> Table:
    """Figures below one another, the first column says of what."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for number, heading in enumerate(headings):
        made.add_column(heading, justify="right" if number else "left", no_wrap=True)
    return made
