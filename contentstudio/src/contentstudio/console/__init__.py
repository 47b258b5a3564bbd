"""What the studio adds to the console: the desk of those who own its sites."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from contentstudio.config import Config
from contentstudio.console import articles, calendar, home, ideas, results, review, sites
from overnight.console.extension import Console

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
