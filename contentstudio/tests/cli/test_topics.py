"""`contentstudio topics`: each topic with its factors and what was decided, for a person and a
script.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contentstudio.cli.main import cli
from contentstudio.config import Config
from contentstudio.research.topics import Choice
from contentstudio.store.topics import Topics
from overnight.store.database import Database
from overnight.testing import Clock

Ask = Callable[..., Result]


@pytest.fixture
async def ask(
    database: Database,
    write_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Ask:
    """Calls the command on a ledger with one skipped topic of the site `garden`."""
    write_config(["https://a.example/"])
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    why = "it is near “Mulch” (https://garden.example/mulch/), which is the owner's own"
    near = {"target": None, "near": "https://garden.example/mulch/", "likeness": 0.7}
    told = {
        "slug": "straw",
        "title": "Straw",
        "decision": "skip",
        "reason": why,
        "url": "https://a.example/",
        **near,
    }
    choice = Choice.model_validate(
        {**told, "score": 0.71, "factors": {"freshness": 0.9}, "snapshots": []}
    )
    await Topics(database).keep_choices("garden", date(2026, 11, 23), "job", [choice])

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(
            cli, ["--config", str(tmp_path / "contentstudio.toml"), "topics", *arguments]
        )

    return run


async def test_a_script_gets_the_factors_the_decision_and_the_reason(ask: Ask) -> None:
    told = await asyncio.to_thread(ask, "--json", "--site", "garden")
    (topic,) = json.loads(told.stdout)["topics"]
    assert (topic["slug"], topic["decision"], topic["near"]) == (
        "straw",
        "skip",
        "https://garden.example/mulch/",
    )
    assert (topic["factors"], topic["score"], topic["likeness"]) == ({"freshness": 0.9}, 0.71, 0.7)


async def test_a_person_sees_them_in_a_narrow_terminal(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    told = " ".join((await asyncio.to_thread(ask)).stdout.split())
    assert "skip" in told
    assert "which is the owner's own" in told
    assert "freshness 0.90" in told


async def test_what_is_older_is_not_told(ask: Ask, clock: Clock) -> None:
    await clock.move(8 * 86_400)
    assert "Nothing was found in the last 7 days." in (await asyncio.to_thread(ask)).stdout
    assert "Straw" in (await asyncio.to_thread(ask, "--days", "9")).stdout


async def test_a_site_that_is_not_there_is_a_sentence(ask: Ask) -> None:
    done = await asyncio.to_thread(ask, "--site", "nowhere")
    assert done.exit_code != 0
    assert "there is no site “nowhere”" in str(done.exception)
