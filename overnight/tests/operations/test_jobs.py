"""Jobs, one row each: where each stands, filtered by that, a page at a time."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from overnight.operations import queries
from overnight.store.database import Database
from overnight.store.records import Status
from overnight.store.sql import queries as sql

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
STEPS = ("research", "write", "publish")


async def add(database: Database, job: str, step: int, status: str, **columns: Any) -> None:
    """A run as it stands in the ledger."""
    row = {
        "pipeline": "article",
        "key": "",
        "priority": 0,
        "attempt": 1,
        "at": BEGIN,
        "cost": 0.5,
        **columns,
    }
    ended = row["at"] if status not in ("queued", "running") else None
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, attempt, priority, due_at, "
        "created_at, finished_at, cost_usd) values (%(job)s, %(step)s, %(pipeline)s, %(key)s, "
        "%(status)s, %(attempt)s, %(priority)s, %(at)s, %(at)s, %(ended)s, %(cost)s)",
        {**row, "job": job, "step": STEPS[step], "status": status, "ended": ended},
    )


async def fill(database: Database, seed: int) -> dict[str, dict[str, Any]]:
    """Forty jobs whose steps are made in turns; the last run of each by its job."""
    dice, last = random.Random(seed), dict[str, dict[str, Any]]()
    jobs = {
        f"job{n:02}": {
            "status": dice.choice(list(Status)),
            "steps": dice.randint(1, 3),
            "pipeline": dice.choice(["article", "letter"]),
            "key": dice.choice(["garden", "kitchen"]),
        }
        for n in range(40)
    }
    turns = [(job, step) for step in range(3) for job in jobs if step < jobs[job]["steps"]]
    turns.sort(key=lambda turn: (turn[1] * 10 + dice.randint(0, 15), turn))
    for number, (job, step) in enumerate(turns):
        if step > 0 and (job, step - 1) not in turns[:number]:
            continue  # a step that would come before the one before it
        entry = jobs[job]
        is_last = step == entry["steps"] - 1
        moment = BEGIN + timedelta(minutes=dice.randint(0, 50))
        columns = {"pipeline": entry["pipeline"], "key": entry["key"], "at": moment}
        columns["priority"] = dice.randint(0, 1)
        status = entry["status"] if is_last else "succeeded"
        await add(database, job, step, status, **columns)
        last[job] = {"status": status, "pipeline": entry["pipeline"], "key": entry["key"]}
    return last


async def every(database: Database, limit: int, **filters: Any) -> list[dict[str, Any]]:
    """All pages of the list."""
    rows, before = list[dict[str, Any]](), None
    while page := await queries.jobs(database, limit=limit, before=before, **filters):
        rows += page
        before = page[-1]["id"]
    return rows


@pytest.mark.parametrize("seed", range(3))
async def test_each_job_is_listed_once_by_the_state_of_its_last_step(
    database: Database, seed: int
) -> None:
    last = await fill(database, seed)
    filters: list[Mapping[str, str]] = [
        {},
        *({"status": status} for status in Status),
        {"pipeline": "letter"},
        {"key": "garden"},
        {"status": "succeeded", "key": "garden", "pipeline": "article"},
        {"key": "nobody"},
    ]
    for chosen in filters:
        expected = sorted(
            job for job, row in last.items() if all(row[n] == v for n, v in chosen.items())
        )
        rows = await every(database, 7, **chosen)
        assert sorted(row["job_id"] for row in rows) == expected, chosen
        whole = await queries.jobs(database, limit=100, **chosen)
        assert [row["job_id"] for row in whole] == [row["job_id"] for row in rows], chosen


async def test_a_job_has_its_steps_and_what_they_used_together(database: Database) -> None:
    await add(database, "one", 0, "succeeded", at=BEGIN, attempt=2)
    await add(database, "two", 0, "queued", attempt=0)
    await add(database, "one", 1, "dead", at=BEGIN + timedelta(minutes=5), attempt=3)
    one, two = await queries.jobs(database)
    assert (one["job_id"], one["status"], one["step"]) == ("one", "dead", "write")
    assert (one["attempts"], float(one["cost_usd"]), one["created_at"]) == (5, 1.0, BEGIN)
    assert one["steps"] == [
        {"step": "research", "status": "succeeded", "attempt": 2},
        {"step": "write", "status": "dead", "attempt": 3},
    ]
    assert (two["job_id"], [step["status"] for step in two["steps"]]) == ("two", ["queued"])


async def test_the_list_of_runs_still_has_each_step(database: Database) -> None:
    await add(database, "one", 0, "succeeded")
    await add(database, "one", 1, "dead")
    assert [row["step"] for row in await queries.runs(database)] == ["write", "research"]


@pytest.mark.parametrize(
    ("verb", "params", "index"),
    [
        ("runs_list", {"status": "dead", "jobs": True}, "runs_standing_jobs"),
        ("runs_list", {"status": "needs_review", "jobs": True}, "runs_standing_jobs"),
        ("runs_list", {"status": "dead", "jobs": True, "key": "k1"}, "runs_standing_jobs"),
        ("review_list", {}, "runs_standing"),
    ],
)
async def test_of_many_that_wait_for_a_person_one_page_is_read(
    database: Database, verb: str, params: Mapping[str, Any], index: str
) -> None:
    """Which of them are of the page is known by an index alone."""
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, lease_until, finished_at) "
        "select 'j' || n, 's', 'p', 'k' || n % 9, case n % 9 when 1 then 'dead' when 2 then "
        "'needs_review' else 'succeeded' end, null, ledger_now() - n * interval '1 minute' "
        "from generate_series(1, 20000) n"
    )
    await database.fetch("vacuum analyze runs")
    every = ("status", "pipeline", "key", "job_id", "before", "before_id", "before_at")
    lines = await database.fetch(
        f"explain {sql[verb]}",
        {**dict.fromkeys(every), "jobs": False, "limit": 50, **params},
        prepare=False,
    )
    plan = "\n".join(line["QUERY PLAN"] for line in lines)
    assert re.search(f"Index Only Scan (Backward )?using {index} on", plan), plan
    assert "Seq Scan on runs" not in plan
