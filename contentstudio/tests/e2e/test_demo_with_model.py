"""The demo with its stand-in for a language model, as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

OWN = ("OVERNIGHT_", "ANTHROPIC_", "CONTENTSTUDIO_")


def call(*arguments: str | Path, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "contentstudio.cli.main", *map(str, arguments)],
        cwd=cwd,
        env={**{k: v for k, v in os.environ.items() if not k.startswith(OWN)}, **env},
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def demo(home: Path, **env: str) -> dict[str, Any]:
    arguments = ("demo", "--with-model", "--home", home, "--json")
    last = call(*arguments, cwd=home.parent, **env).splitlines()[-1]
    night: dict[str, Any] = json.loads(last)
    return night


def test_a_stand_in_writes_and_each_step_has_its_price(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    first = demo(home, ANTHROPIC_API_KEY="sk-ant-of-the-owner")
    assert (first["published"], first["needs_review"], first["with_model"]) == (8, 1, True)
    assert first["llm_calls"] > 50
    assert 0 < first["cost_usd"] < 1
    assert first["seconds"] < 60
    assert "of-the-owner" not in (home / "night.log").read_text("utf-8")

    config = ("--config", home / "contentstudio.toml")
    runs = json.loads(call(*config, "runs", "--json", cwd=home))["runs"]
    job = next(run["job_id"] for run in runs if run["pipeline"] == "article")
    steps = json.loads(call(*config, "cost", job, "--json", cwd=home))["costs"]
    booked = {step["step"]: step for step in steps}
    assert set(booked) == {"research", "brief", "generate", "gate"}
    for name in ("brief", "generate", "gate"):
        estimated, paid = (float(booked[name][f"{which}_usd"]) for which in ("estimated", "booked"))
        assert paid / 3 < estimated < 3 * paid

    second = demo(home)
    assert (second["published"], second["llm_calls"]) == (0, 0)


def test_what_stands_there_is_in_a_folder_of_its_own(tmp_path: Path) -> None:
    call("demo", "--with-model", cwd=tmp_path)
    assert (tmp_path / "contentstudio-demo-with-model" / "contentstudio.toml").is_file()
    assert not (tmp_path / "contentstudio-demo").exists()
