"""The config: a first one, and what would fail at night with it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
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
        output.echo()
    preflight.render(checks)
    wrong = sum(each.ok is False for each in checks)
    output.echo(f"\n{formatting.count(wrong, 'thing')} to fix." if wrong else "\nNothing to fix.")


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


QUESTIONS = {  # keys of [site.profile] that `init` asks for
    "audience": "Who reads the site",
    "purpose": "What it is for",
    "voice": "How it speaks to its readers",
    "authors": "Who signs its articles",
}


@click.command()
@click.option("--no-input", is_flag=True, help="Ask nothing, also on a terminal.")
@json_option
def init(no_input: bool, as_json: bool) -> None:
    """Write a contentstudio.toml to begin with.

    On a terminal it asks for the profile of the site: its readers, its purpose, its voice, and who
    signs the articles. What you leave empty stays an example in the file.
    """
    from importlib.resources import files

    file = context.file()
    if file.exists():
        raise UserError(_exists(file))
    asks = _is_terminal() and not (no_input or as_json)
    template = (files("contentstudio") / "template.toml").read_text("utf-8")
    text = _with_answers(template, _answers() if asks else {})
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UserError(_exists(file)) from None
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None
    text = f"wrote {file}; put your sites into it, then: {context.program()} up --once"
    tell(as_json, {"file": str(file)}, lambda: output.echo(text))


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _exists(file: Path) -> str:
    return f"{file} exists already, and was left as it is"


def _answers() -> dict[str, str]:
    """The keys that were answered, with their values as TOML."""
    output.echo("The profile tells a model of your site. Press Enter to answer later.", err=True)
    try:
        answers = {
            key: click.prompt(
                question, default="", show_default=False, value_proc=_Answer(key), err=True
            )
            for key, question in QUESTIONS.items()
        }
    except click.Abort:
        output.echo("\nnothing was written", err=True)
        raise
    return {key: value for key, value in answers.items() if value}


@dataclasses.dataclass(frozen=True)
class _Answer:
    """Reads the answer for a key. A wrong one is asked for again, with the reason."""

    key: str

    def __call__(self, text: str) -> str:
        from pydantic import ValidationError

        from contentstudio.config import Profile, explain

        value: Any = [{"name": text}] if self.key == "authors" else text
        try:
            Profile.model_validate({self.key: value} if text.strip() else {})
        except ValidationError as error:
            raise click.BadParameter(explain.first(error, Profile)) from None
        # What is valid has no control characters, so JSON's strings are TOML's.
        line = json.dumps(" ".join(text.split()), ensure_ascii=False)
        if not text.strip():
            return ""
        return f"[{{ name = {line} }}]" if self.key == "authors" else line


def _with_answers(template: str, answers: Mapping[str, str]) -> str:
    """The template with the answers in place of its examples."""
    for key, value in answers.items():
        line = f"{key} = {value}".replace("\\", "\\\\")
        template = re.sub(rf"(?m)^# {key} = .*$", line, template, count=1)
    return template


COMMANDS = (check_command, init)
