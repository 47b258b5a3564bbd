"""What several pages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from overnight.console.extension import Context
from overnight.store.database import Row
from overnight.titles import with_titles

ROWS = 50  # of a list, before a page asks for more
HIGHEST_ID = 2**63 - 1


def number(text: str | None, otherwise: int, *, most: int) -> int:
    """What an address says, if it is a number; of a longer one than any that counts the first
    digits are enough.
    """
    return min(int(text[:20]), most) if text and text.isdecimal() and int(text[:20]) else otherwise


def older(rows: Sequence[Row], chosen: Mapping[str, str | None], limit: int = ROWS) -> str:
    """The query of the page after this one, with the same filter; empty where there is none."""
    if len(rows) < limit:
        return ""
    return urlencode({**{n: v for n, v in chosen.items() if v}, "before": rows[-1]["id"]})


def scopes_of(context: Context) -> dict[str, Any]:
    """What can be paused, or have a budget."""
    return {
        "pipelines": list(context.app.pipelines),
        "steps": [f"{pipeline}/{step}" for pipeline, step in context.app.steps()],
        "keys": context.app.keys(),
    }


async def titled(context: Context, rows: Sequence[Row]) -> list[Row]:
    """The rows with the `title` of their job, or None."""
    return await with_titles(context.app, context.database, rows)
