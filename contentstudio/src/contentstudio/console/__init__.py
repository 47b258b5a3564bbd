"""What the studio adds to the console: the desk of those who own its sites."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from contentstudio.config import Config
from contentstudio.console import articles, calendar, home, ideas, results, review, sites
from contentstudio.store.nights import Nights
from overnight.console.extension import Console
from overnight.store.database import Database

HERE = Path(__file__).parent


def build(config: Config) -> Console:
    """The pages and the buttons for the sites of a config."""
    return Console(
        pages=(
            *home.pages(config),
            *articles.pages(config),
            *ideas.pages(config),
            *calendar.pages(config),
            *review.pages(config),
            *sites.pages(config),
            *results.pages(config),
        ),
        templates=(HERE / "templates",),
        night=_night,
        preview=partial(review.preview, config),
        job=partial(review.job, config),
        edited=partial(review.edited, config),
        verbs={
            **articles.verbs(config),
            **ideas.verbs(config),
            **review.verbs(config),
            **sites.verbs(config),
        },
        fragments=articles.fragments(config),
        static=HERE / "static",
        badges=articles.badges,
        search=articles.search,
    )


async def _night(database: Database, since: datetime) -> dict[str, Any]:
    """The nightly report since a moment."""
    return await Nights(database).since(since)
