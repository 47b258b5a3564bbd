"""A misspelt site is refused with what is near it, wherever one can be named; one that is gone has
its history yet.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from click.testing import Result

from overnight.store.database import Database

Ask = Callable[..., Result]


@pytest.fixture
async def ask(database: Database, call: Ask) -> Ask:
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status) values ('ab', 'read', "
        "'s', 'gone', 'dead')"
    )
    return call


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs", "--site", "gardn"),
        ("dead", "--site", "gardn"),
        ("replay", "--site", "gardn"),
        ("replay", "--site", "gardn", "--dry-run"),
        ("cancel", "--site", "gardn", "--reason", "x"),
        ("evidence", "--site", "gardn"),
        ("pause", "site:gardn", "--reason", "x"),
        ("budget", "set", "site:gardn", "1", "--reason", "x"),
    ],
)
async def test_a_misspelt_site_is_refused_with_what_there_is(
    ask: Ask, arguments: tuple[str, ...]
) -> None:
    told = await asyncio.to_thread(ask, *arguments)
    assert "there is no site “gardn”; there are: garden" in str(told.exception)


async def test_a_site_removed_from_the_config_keeps_its_history(ask: Ask) -> None:
    told = await asyncio.to_thread(ask, "runs", "--site", "gone", "--json")
    assert [row["job_id"] for row in json.loads(told.stdout)["runs"]] == ["ab"]
    told = await asyncio.to_thread(ask, "replay", "--site", "gone", "--dry-run", "--json")
    assert json.loads(told.stdout) == {"fitting": 1}
