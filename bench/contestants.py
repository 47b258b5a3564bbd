"""The contestants: who they are, and one measurement of one of them in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overnight.errors import UserError
from server import Server

HERE = Path(__file__).parent
ENVS = HERE / ".envs"
TIMEOUT = 300.0  # seconds for one measurement


@dataclass(frozen=True)
class Contestant:
    """`folder` holds the pins of its own environment; None runs it in ours."""

    name: str
    script: Path
    folder: Path | None = None

    def python(self) -> Path:
        """The interpreter it runs with; its environment is built when its pins have changed. Raises
        `UserError`.
        """
        if self.folder is None:
            return Path(sys.executable)
        pins = self.folder / "requirements.txt"
        place = ENVS / self.name
        python, built = place / "bin" / "python", place / "built"
        wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
        if not built.exists() or built.read_text() != wanted:
            venv.create(place, clear=True, with_pip=True)
            install: list[str | Path] = [
                python,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
            ]
            done = subprocess.run(
                [*install, "--requirement", pins], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise UserError(
                    f"the environment of {self.name} cannot be built: {_last(done.stderr)}"
                )
            built.write_text(wanted)
        return python

    def measure(self, server: Server, workload: str, count: int) -> dict[str, Any]:
        """What it answers on an empty database. Raises `UserError` when it fails or takes longer
        than 300 s.
        """
        python = self.python()
        with server.database() as dsn:
            try:
                done = subprocess.run(
                    [python, self.script, dsn, workload, str(count)],
                    env={**os.environ, "PYTHONPATH": str(HERE)},
                    capture_output=True,
                    text=True,
                    timeout=TIMEOUT,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise UserError(
                    f"{self.name} did not end {workload} within {TIMEOUT:.0f} s"
                ) from None
        if done.returncode:
            raise UserError(f"{self.name} failed at {workload}: {_last(done.stderr)}")
        return dict(json.loads(done.stdout.splitlines()[-1]))


def _last(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def _peer(name: str) -> Contestant:
    folder = HERE / "peers" / name
    return Contestant(name, folder / "run.py", folder)


OURS = Contestant("overnight", HERE / "ours.py")
LIMIT = Contestant("limit", HERE / "limit.py")
STATEMENTS = Contestant("statements", HERE / "statements.py")
PEERS = [_peer("pgqueuer"), _peer("dbos"), _peer("procrastinate")]
