"""The pipelines of the README run as they stand, and its commands are there."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from overnight.cli.main import cli
from overnight.operations import runs
from overnight.standard import App, load_app
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.S | re.M)
SHELL = [block for language, block in BLOCKS if not language]
COMMANDS = {
    command
    for block in SHELL
    for command in re.findall(r"\bovernight (?:--app \S+ )?([a-z].*)", block)
}
CELLS = {
    code
    for row in re.findall(r"^\| .*\|$", TEXT.split("## The rooms")[0], re.M)
    for code in re.findall("`([a-z].*?)`", row)
}


def app_of(module_name: str) -> App:
    (code,) = [
        code for language, code in BLOCKS if language == "python" and f"# {module_name}.py" in code
    ]
    module = ModuleType(module_name)
    sys.modules[module_name] = module
    exec(compile(code, str(README), "exec", dont_inherit=True), module.__dict__)
    return load_app(f"{module_name}:app")


async def test_the_readmes_client_waits_for_its_job(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    app_of("shop")
    app = app_of("place_order")
    waiting = asyncio.create_task(sys.modules["place_order"].main())
    while not waiting.done() and not await database.fetch("select id from runs"):
        await asyncio.sleep(0)
    await run_until_idle(app, database, clock=clock)
    assert await waiting == "shipped 4"


async def test_the_readmes_first_pipeline_runs(database: Database) -> None:
    app = app_of("nightly")
    await runs.start(app, database, "report", {"slot": "by hand"})
    (*_, last) = await run_until_idle(app, database)
    assert last.output == '"the sum is 6"'


async def test_the_readmes_pipeline_with_policies_runs(database: Database, clock: Clock) -> None:
    app = app_of("shop")
    for euros in (20, 30):
        await runs.emit(
            app, database, "order.changed", {"customer": "bob", "number": 2, "euros": euros}
        )
    await runs.start(app, database, "orders", {"customer": "ann", "number": 1, "euros": 1500})
    endings = await run_until_idle(app, database, clock=clock)
    assert sorted((e.run.key, e.run.step, e.transition.outcome) for e in endings) == [
        ("ann", "check", "review"),
        ("bob", "check", "done"),
        ("bob", "ship", "done"),
    ]


@pytest.mark.parametrize("line", sorted(COMMANDS | CELLS))
def test_a_command_that_the_readme_names_is_there(line: str) -> None:
    group, words = cli, re.sub("[()&#].*", "", line).split()
    command: click.Command = group
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert command is not group or not words, f"there is no {line}"
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
