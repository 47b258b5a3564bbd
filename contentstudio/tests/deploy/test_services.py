"""What systemd and Compose are told of the studio agrees with what the studio is."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from contentstudio.cli.main import cli
from overnight.engine.runner import WRITE_GRACE
from overnight.engine.worker import GRACE
from overnight.http import STOP_GRACE

DEPLOY = Path(__file__).parents[3] / "deploy"
UNITS = ["contentstudio-worker@.service", "contentstudio-console.service"]
LONGEST = {
    "worker": GRACE + WRITE_GRACE,
    "console": float(STOP_GRACE),
}  # seconds that each takes to stop by itself


def unit(name: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(DEPLOY / "systemd" / name)
    return parser["Service"]


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return read


def check_command(words: list[str]) -> None:
    """The command exists, and takes these options."""
    command = cli.commands[words[0]]
    command.make_context(words[0], words[1:], parent=click.Context(cli), resilient_parsing=False)


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_calls_an_existing_command_and_lets_it_stop(name: str) -> None:
    service = unit(name)
    words = service["ExecStart"].split()
    assert words[:3] == [
        "/opt/contentstudio/bin/contentstudio",
        "--config",
        "/etc/contentstudio/contentstudio.toml",
    ]
    check_command(words[3:])
    assert float(service["TimeoutStopSec"]) >= LONGEST[words[3]] + 5


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_comes_back_where_postgres_was_not_up_yet_at_boot(name: str, tmp_path: Path) -> None:
    service = unit(name)
    file = tmp_path / "contentstudio.toml"
    file.write_text(
        '[[site]]\nname = "a"\nurl = "https://a.example"\nsources = ["https://b.example/"]\n',
        "utf-8",
    )
    command = [
        sys.executable,
        "-m",
        "contentstudio.cli.main",
        "--config",
        str(file),
        *service["ExecStart"].split()[3:],
    ]
    nowhere = {
        "OVERNIGHT_DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "OVERNIGHT_CONSOLE_PASSWORD": "any of them",
    }
    ended = subprocess.run(
        command, cwd=tmp_path, env=os.environ | nowhere, capture_output=True, text=True
    )
    assert "cannot reach the database" in ended.stderr
    assert service["Restart"] == "always"
    assert str(ended.returncode) not in service.get("RestartPreventExitStatus", "").split()
    assert float(service["RestartSec"]) * 5 > 10, (
        "systemd gives up at five starts within ten seconds"
    )


@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_a_unit_and_finds_it_closed(name: str, tmp_path: Path) -> None:
    """With a program that is there, in the place of one that is there after the installation."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    text = (
        (DEPLOY / "systemd" / name)
        .read_text("utf-8")
        .replace("/opt/contentstudio/bin/contentstudio", sys.executable)
    )
    file = tmp_path / name.replace("@", "@1")
    file.write_text(text, "utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    asked = [
        "systemd-analyze",
        "security",
        "--offline=yes",
        "--threshold=20",
        "--no-pager",
        str(file),
    ]
    rated = subprocess.run(asked, capture_output=True, text=True)
    assert rated.returncode == 0, rated.stdout.splitlines()[-1:]


def test_compose_calls_existing_commands_and_lets_them_stop() -> None:
    services = compose()["services"]
    for name in ("worker", "console"):
        check_command(services[name]["command"])
        assert float(services[name]["stop_grace_period"].removesuffix("s")) >= LONGEST[name] + 5
    check_command(services["worker"]["healthcheck"]["test"][2:])
    assert services["worker"]["deploy"]["replicas"] == 2


def test_compose_names_what_it_declares_and_keeps_no_secret() -> None:
    read = compose()
    for service in read["services"].values():
        assert set(service.get("depends_on", ())) <= set(read["services"])
        named = {volume.split(":")[0] for volume in service["volumes"]}
        assert {name for name in named if not name.startswith(".")} <= set(read["volumes"])
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    values = re.findall(r"PASSWORD: (.*)", (DEPLOY / "compose.yaml").read_text("utf-8"))
    assert values and all(value.startswith("${") for value in values)
    assert (
        "overnight:${POSTGRES_PASSWORD"
        in read["services"]["worker"]["environment"]["OVERNIGHT_DATABASE_URL"]
    )


def test_nothing_but_this_machine_reaches_the_console_of_compose() -> None:
    assert compose()["services"]["console"]["ports"] == ["127.0.0.1:8400:8400"]
    assert "ports" not in compose()["services"]["postgres"]
