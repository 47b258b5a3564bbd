"""The command line of one site, on the test's ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contentstudio.cli.main import cli
from contentstudio.config import Config
from overnight.store.database import Database

Call = Callable[..., Result]


@pytest.fixture
def call(
    database: Database,
    write_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Call:
    """Calls the command line with these words."""
    write_config(["https://a.example/"])
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)

    def call(*words: str) -> Result:
        return CliRunner().invoke(cli, ["--config", str(tmp_path / "contentstudio.toml"), *words])

    return call
