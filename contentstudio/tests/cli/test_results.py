"""`contentstudio results`: what articles earned and cost, for a person and a script."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import month as sample
import pytest
from click.testing import CliRunner, Result

from contentstudio.cli.main import cli
from overnight.store.database import Database


async def ask(database: Database, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "100")
    file = Path(sample.HERE) / "contentstudio.toml"
    return await asyncio.to_thread(
        CliRunner().invoke, cli, ["--config", str(file), "results", *arguments]
    )


async def test_a_script_gets_costs_figures_and_advice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sample.fill(database)
    asked = await ask(database, monkeypatch, "--json")
    assert asked.exit_code == 0, asked.exception
    overview = json.loads(asked.stdout)
    assert {row["site"] for row in overview["sites"]} == {
        "green-balcony",
        "slow-kitchen",
        "city-bikes",
    }
    assert overview["totals"]["clicks"] == sum(
        row["clicks"] for row in overview["by_day"][-overview["days"] :]
    )
    one = json.loads((await ask(database, monkeypatch, "city-bikes", "--json")).stdout)
    assert {row["site"] for row in (*one["best"], *one["advice"], *one["sites"])} == {"city-bikes"}
    assert one["totals"]["clicks"] < overview["totals"]["clicks"]


async def test_a_person_reads_what_to_do_and_why(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sample.fill(database)
    text = " ".join((await ask(database, monkeypatch)).stdout.split())
    assert "better title" in text
    assert "clicks in 28 days" in text


async def test_a_ledger_without_figures_says_where_they_come_from(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(database, monkeypatch)
    assert (asked.exit_code, "search_console" in asked.stdout) == (0, True)
    assert json.loads((await ask(database, monkeypatch, "--json")).stdout)["until"] is None


async def test_an_unknown_site_is_one_sentence(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(database, monkeypatch, "city-bike")
    assert asked.exit_code != 0
    assert "city-bike" in str(asked.exception or asked.output)
