"""Sites: the list, and one site with its sources, its publishing target, limits and results."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict

from contentstudio import sites
from contentstudio.config import Config
from contentstudio.console.commands import Name, Text
from overnight.console.extension import Context, Page, Values, Verb
from overnight.errors import ConfigError, NotFound
from overnight.llm import budgets
from overnight.operations import queries

DAYS = 7  # that the list counts


class CheckSite(BaseModel):
    """What it takes to have a worker look at a site."""

    model_config = ConfigDict(extra="forbid", strict=True)
    site: Name
    reason: Text = ""


def pages(config: Config) -> tuple[Page, ...]:
    return (
        Page("/sites", "sites.html", partial(_sites, config), "Sites", "w", "desk", "site"),
        Page("/sites/{site}", "site.html", partial(_site, config), part="desk", under="/sites"),
    )


def verbs(config: Config) -> dict[str, Verb]:
    return {
        "check-site": Verb(
            partial(_check, config),
            "A worker looks at a site: whether we can publish there, and search engines find it.",
            CheckSite,
        )
    }


async def _sites(config: Config, context: Context, _: Values) -> dict[str, Any]:
    """The sites, with what the last days brought them."""
    off = await paused(context)
    rows = await sites.listed(config, context.database, DAYS)
    return {"rows": [{**row, "off": row["site"].name in off} for row in rows], "days": DAYS}


async def _site(config: Config, context: Context, values: Values) -> dict[str, Any]:
    """All about one site."""
    name = values["site"]
    try:
        shown = await sites.read(context.app, config, context.database, name)
    except ConfigError as error:
        raise NotFound(str(error)) from None
    limits = [row for row in await budgets.read(context.database) if row["scope"] == f"key:{name}"]
    return {
        **shown,
        "off": (await paused(context)).get(name),
        "budget": next(iter(limits), None),
        "nights": sites.NIGHTS,
        "result_days": sites.RESULT_DAYS,
    }


async def paused(context: Context) -> dict[str, Any]:
    """The sites that are paused, each with who paused it, when and why."""
    return {
        row["scope"].removeprefix("key:"): row
        for row in await queries.switches(context.database)
        if row["scope"].startswith("key:") and not row["enabled"]
    }


async def _check(config: Config, context: Context, command: CheckSite, who: str) -> str:
    """Have a worker look at a site."""
    return await sites.check(
        *(context.app, config, context.database, command.site), reason=command.reason, by=who
    )
