"""Ideas: what may be written, and the buttons that add, approve and drop."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from contentstudio import calendar, ideas
from contentstudio.config import Config
from contentstudio.console.calendar import moves
from contentstudio.console.commands import AddIdea, Drop, MoveIdea, OrderIdea, Wish
from contentstudio.console.common import chosen, names
from overnight.console.extension import Context, Page, Values, Verb

NAMES = {
    "open": "to decide or planned",
    "undecided": "to decide",
    "planned": "planned",
    "published": "published",
    "unwanted": "dropped or rejected",
}
ORDERS = {
    "hand": "by hand, then best score",
    "score": "best score",
    "due": "due first",
    "new": "newest",
}


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
        "move-idea": Verb(
            partial(_move_idea, config),
            "An idea is due on another day, or on none.",
            MoveIdea,
            role="edit",
        ),
        "order-idea": Verb(
            partial(_order_idea, config),
            "An idea has another place in the order in which articles of its site begin.",
            OrderIdea,
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
    """A page of the ideas of a site, or of all."""
    site = chosen(config, values)
    show = values.get("show") if values.get("show") in ideas.SHOWS else ideas.SHOWS[0]
    order = values.get("order") if values.get("order") in ideas.ORDERS else ideas.ORDERS[0]
    assert show and order
    rows = await ideas.page(
        config, context.database, site, show=show, order=order, after=_after(values)
    )
    is_full = len(rows) == ideas.PAGE
    chosen_now = {"site": site, "show": show, "order": order}
    return {
        "rows": rows,
        "sites": names(config),
        "shows": NAMES,
        "orders": ORDERS,
        "chosen": chosen_now,
        "can_order": order == "hand" and show == "open" and (site or len(config.site) == 1),
        "more": _more(chosen_now, max(rows, key=_place)) if is_full else "",
        "moves": moves(await calendar.today_of(config, context.database)),
    }


def _after(values: Values) -> tuple[float, str, str] | None:
    """The last idea of the page before, as an address says it."""
    try:
        return float(values["rank"]), values["after_site"], values["after"]
    except (KeyError, ValueError):
        return None


def _place(row: Mapping[str, Any]) -> tuple[float, str, str]:
    return row["rank"], row["site"], row["slug"]


def _more(chosen_now: Mapping[str, str | None], last: Mapping[str, Any]) -> str:
    """The query of the page after an idea."""
    rank, site, slug = _place(last)
    place = {"rank": repr(rank), "after_site": site, "after": slug}
    return urlencode({**{name: value for name, value in chosen_now.items() if value}, **place})


async def _add_idea(config: Config, context: Context, command: AddIdea, who: str) -> str:
    """Keep what a person asks for, and begin its article."""
    return await ideas.add(
        *(context.app, config, context.database, command.site, command.question),
        urls=command.urls.split(),
        due=ideas.due_day(command.due),
        wish=command.brief,
        reason=command.reason,
        by=who,
    )


async def _approve_idea(config: Config, context: Context, wish: Wish, who: str) -> str:
    """Have an idea written."""
    return await ideas.approve(
        *(context.app, config, context.database, wish.site, wish.slug), reason=wish.reason, by=who
    )


async def _move_idea(config: Config, context: Context, command: MoveIdea, who: str) -> str:
    """Give an idea another due day."""
    return await ideas.move(
        *(context.app, config, context.database, command.site, command.slug),
        ideas.due_day(command.due),
        reason=command.reason,
        by=who,
    )


async def _order_idea(config: Config, context: Context, command: OrderIdea, who: str) -> str:
    """Give an idea its place in the order of its site."""
    return await ideas.put(
        *(config, context.database, command.site, command.slug, command.to),
        beside=command.beside,
        reason=command.reason,
        by=who,
    )


async def _drop_idea(config: Config, context: Context, wish: Drop, who: str) -> str:
    """Drop an idea."""
    return await ideas.drop(
        *(config, context.database, wish.site, wish.slug), reason=wish.reason, by=who
    )
