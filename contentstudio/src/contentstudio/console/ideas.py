"""Ideas: what may be written, and the buttons that add, approve and drop."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from contentstudio import ideas
from contentstudio.config import Config
from contentstudio.console.commands import AddIdea, Drop, Wish
from contentstudio.console.common import chosen, names
from overnight.console.extension import Context, Page, Values, Verb
from overnight.errors import UserError

DAYS = 7  # of ideas that the page shows


def pages(config: Config) -> tuple[Page, ...]:
    return (Page("/ideas", "ideas.html", partial(_ideas, config), "Ideas", "i", "desk", "idea"),)


def verbs(config: Config) -> dict[str, Verb]:
    return {
        "add-idea": Verb(
            partial(_add_idea, config),
            "An article is written on what readers ask.",
            AddIdea,
            role="edit",
        ),
        "approve-idea": Verb(
            partial(_approve_idea, config),
            "An idea that was passed over, dropped or not written is written.",
            Wish,
            role="edit",
        ),
        "drop-idea": Verb(
            partial(_drop_idea, config),
            "An idea is dropped, and stories that are near it with it.",
            Drop,
            role="edit",
        ),
    }


async def _ideas(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """The ideas of a site, or of all."""
    site = chosen(config, values)
    return {
        "rows": await ideas.listed(config, context.database, site, DAYS),
        "sites": names(config),
        "days": DAYS,
    }


async def _add_idea(config: Config, context: Context, command: AddIdea, who: str) -> str:
    """Keep what a person asks for, and begin its article."""
    try:
        due = date.fromisoformat(command.due) if command.due else None
    except ValueError:
        raise UserError(f"“{command.due}” is no day: write it as 2026-12-24") from None
    return await ideas.add(
        *(context.app, config, context.database, command.site, command.question),
        urls=command.urls.split(),
        due=due,
        wish=command.brief,
        reason=command.reason,
        by=who,
    )


async def _approve_idea(config: Config, context: Context, wish: Wish, who: str) -> str:
    """Have an idea written."""
    return await ideas.approve(
        *(context.app, config, context.database, wish.site, wish.slug), reason=wish.reason, by=who
    )


async def _drop_idea(config: Config, context: Context, wish: Drop, who: str) -> str:
    """Drop an idea."""
    return await ideas.drop(
        *(config, context.database, wish.site, wish.slug), reason=wish.reason, by=who
    )
