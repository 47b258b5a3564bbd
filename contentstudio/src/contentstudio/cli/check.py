"""The config: a first one, and what would fail at night with it."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import click

from contentstudio.cli import context
from overnight import formatting
from overnight.cli import output
from overnight.cli.runner import json_option, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from contentstudio.config import Config
    from contentstudio.diagnostics.preflight import Check


@click.command("check")
@click.option(
    "--offline",
    is_flag=True,
    help="Leave out what needs the network: sources, and the login at each CMS.",
)
@json_option
@click.pass_context
def check_command(current: click.Context, offline: bool, as_json: bool) -> None:
    """Look for what would fail at night; changes nothing. Exit code 1: fix something.

    It looks at the schedules, the model, its key and price, secrets, alerts, what gates cannot
    measure, and over the network at each source and at the login of each CMS. `up` refuses to begin
    on what it can know at once.
    """
    settings, checks = _checks(offline)
    ok = all(each.ok is not False for each in checks)
    sites = _listed_sites(settings) if settings else []
    data = {"ok": ok, "sites": sites, "checks": [dataclasses.asdict(each) for each in checks]}
    if settings is not None:
        data["budget"] = {
            "usd_per_day": settings.budget.usd_per_day,
            "is_default": settings.budget.is_default,
        }
    tell(as_json, data, lambda: _render(sites, checks))
    if not ok:
        current.exit(1)


def _checks(offline: bool) -> tuple[Config | None, list[Check]]:
    """The config, if it is valid, and what was looked at."""
    from contentstudio.config import InvalidConfig
    from contentstudio.diagnostics import preflight

    try:
        settings = context.config()
    except InvalidConfig as error:
        return None, preflight.invalid(error)
    checks = [*preflight.static(settings), *preflight.folders(settings)]
    if not offline:
        checks = preflight.unique([*checks, *asyncio.run(preflight.network(settings))])
    return settings, checks


def _render(sites: list[dict[str, Any]], checks: list[Check]) -> None:
    from contentstudio.diagnostics import preflight

    columns = {
        "site": "site",
        "active": "active",
        "sources": "sources",
        "usd_per_day": "$ a day",
        "url": "address",
        "file": "file",
    }
    if sites:
        output.table("", sites, columns, empty="", spare=("sources", "usd_per_day", "active"))
        click.echo()
    preflight.render(checks)
    wrong = sum(each.ok is False for each in checks)
    click.echo(f"\n{formatting.count(wrong, 'thing')} to fix." if wrong else "\nNothing to fix.")


def _listed_sites(settings: Config) -> list[dict[str, Any]]:
    return [
        {
            "site": site.name,
            "active": site.active,
            "sources": len(site.sources),
            "usd_per_day": site.usd_per_day,
            "url": site.url,
            "file": str(settings.file_of(site)),
        }
        for site in settings.site
    ]


@click.command()
@json_option
def init(as_json: bool) -> None:
    """Write a contentstudio.toml to begin with."""
    from importlib.resources import files

    file = context.file()
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write((files("contentstudio") / "template.toml").read_text("utf-8"))
    except FileExistsError:
        raise UserError(f"{file} exists already, and was left as it is") from None
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None
    text = f"wrote {file}; put your sites into it, then: {context.program()} up --once"
    tell(as_json, {"file": str(file)}, lambda: click.echo(text))


COMMANDS = (check_command, init)
