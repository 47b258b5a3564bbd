"""`jobs`, `failures` and the incidents of `status` on the command line."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from click.testing import CliRunner

from overnight.cli.main import cli
from overnight.store.database import Database

FAILED = """
    insert into runs (job_id, step, pipeline, key, status, attempt, failures, error, error_class,
                      cost_usd, finished_at)
    select 'job' || n, 'write', 'article', 'garden', 'dead', 2, 2, 'item ' || n || ' is locked',
           'transient', 0.25, ledger_now()
    from generate_series(1, 3) n
"""


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command; its output."""
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "160")

    async def run(*words: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, cli, words)
        assert result.exit_code == 0, (result.output, result.exception)
        return " ".join(result.output.split())

    return run


async def test_equal_failures_are_one_line_and_one_replay(run: Any, database: Database) -> None:
    assert "No failed jobs." in await run("failures")
    await database.fetch(FAILED)
    text = await run("failures")
    (group,) = json.loads(await run("failures", "--json"))["failures"]
    assert (group["count"], group["cost_usd"]) == (3, 0.75)
    assert f"{group['group']} article/write 3" in text
    assert f"replay --group {group['group']}" in text
    assert json.loads(await run("dead", "--group", group["group"], "--json"))["dead"][2]
    assert "3 failed jobs started again" in await run("replay", "--group", group["group"])
    assert "No failed jobs." in await run("failures")


async def test_jobs_are_listed_one_row_each(run: Any, database: Database) -> None:
    assert "No job matches." in await run("jobs")
    await database.fetch(FAILED)
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, attempt, finished_at, cost_usd) "
        "values ('job4', 'write', 'article', 'garden', 'succeeded', 1, ledger_now(), 1), "
        "('job4', 'publish', 'article', 'garden', 'needs_review', 1, ledger_now(), 1)"
    )
    rows = json.loads(await run("jobs", "--json"))["jobs"]
    assert [row["job_id"] for row in rows] == ["job4", "job3", "job2", "job1"]
    assert (rows[0]["step"], rows[0]["attempts"], rows[0]["cost_usd"]) == ("publish", 2, 2.0)
    assert "job4 article/publish needs_review garden" in await run("jobs", "--limit", "1")
    assert len(json.loads(await run("jobs", "--status", "dead", "--json"))["jobs"]) == 3
    assert json.loads(await run("jobs", "--status", "succeeded", "--json"))["jobs"] == []


async def test_the_status_says_what_hinders_and_what_to_type(run: Any) -> None:
    text = await run("status")
    assert "No worker is running. Nothing starts until one runs." in text
    assert "Next: worker" in text
    (incident,) = json.loads(await run("status", "--json"))["incidents"]
    assert (incident["kind"], incident["level"]) == ("worker", "act")
