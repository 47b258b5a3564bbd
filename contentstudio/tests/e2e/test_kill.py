"""kill -9 at random moments of a real night: every job ends, nothing is published twice, no
finished step runs again.

The moments come from a seed, which a failing run prints; OVERNIGHT_SEED repeats it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contentstudio.demo.web import FEEDS, GONE, INDEXNOW, KEYS, DemoWeb
from overnight.postgres.server import running

SEED = int(os.environ.get("OVERNIGHT_SEED", random.SystemRandom().randrange(10**6)))
ENDED = {"succeeded", "cancelled", "needs_review", "dead"}
LONGEST = 1.6  # seconds; a night without a kill takes about two

Row = dict[str, Any]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A config over the demo's web. Its first page answers 502 once, so that there is a retry to be
    killed in.
    """
    with DemoWeb(datetime.now(UTC).date()) as web:
        sources = ", ".join(f'"{web.url}{path}"' for path in (*FEEDS, GONE))
        (tmp_path / "contentstudio.toml").write_text(
            "[fetch]\nallow_loopback = true\n[research]\nsettle_seconds = 0.5\n"
            "[writing]\nwriter = 'offline'\noffline_articles = "
            "'publish'\n[publishing]\ndebounce_seconds = 0.5\n"
            f"[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = [{sources}]\n"
            f'ping = {{ endpoint = "{web.url}{INDEXNOW}", key = "test-key-1", apart_seconds = 1, '
            f'key_url = "{web.url}{KEYS}test-key-1.txt" }}\n',
            "utf-8",
        )
        yield tmp_path


def begin(home: Path) -> subprocess.Popen[bytes]:
    """The night, in a process of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OVERNIGHT_", "ANTHROPIC_"))}
    with (home / "log.jsonl").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "contentstudio.cli.main", "up", "--once", "--json"],
            cwd=home,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )


def finish(home: Path) -> None:
    process = begin(home)
    assert process.wait(90) == 0, (home / "log.jsonl").read_text("utf-8")[-3000:]


def ledger(
    home: Path, sql: str = "select id, job_id, pipeline, step, status, attempt from runs"
) -> list[Row]:
    with (
        running(home / ".overnight") as server,
        psycopg.connect(server.url, row_factory=psycopg.rows.dict_row) as c,
    ):
        try:
            return c.execute(sql).fetchall()
        except psycopg.errors.UndefinedTable:  # killed before the first migration
            return []


def finished(rows: list[Row]) -> dict[int, Row]:
    return {row["id"]: row for row in rows if row["status"] in ("succeeded", "cancelled")}


def check(home: Path, finished_before: list[dict[int, Row]]) -> None:
    """The invariants, after the night has come to its end."""
    rows = ledger(home)
    assert {row["status"] for row in rows} <= ENDED
    assert sum(row["pipeline"] == "source" for row in rows) == 13
    now = {row["id"]: row for row in rows}
    for earlier in finished_before:
        for run_id, row in earlier.items():
            assert now[run_id] == row, "a finished step was run again"
    effects = ledger(
        home,
        "select job_id, count(*) as n from effects where name = 'publish' and status = "
        "'done' group by 1",
    )
    assert len(effects) == 8
    assert {row["n"] for row in effects} == {1}
    manifest = json.loads((home / "sites" / "garden" / ".contentstudio.json").read_text("utf-8"))
    assert len(manifest["pages"]) == 8
    for slug, page in manifest["pages"].items():
        assert page["published_at"] == page["updated_at"], f"{slug} was published twice"
    states = [
        r["output"]["action"]
        for r in ledger(home, "select output from runs where step = 'publish'")
    ]
    assert states == ["created"] * 8
    assert (home / "sites" / "garden" / "sitemap.xml").read_text("utf-8").count("<loc>") == 9
    assert sum(row["status"] == "needs_review" for row in rows) == 1
    assert sum(row["status"] == "dead" for row in rows) == 1


def postmaster(home: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        return int(
            (home / ".overnight" / "pgdata" / "postmaster.pid").read_text("utf-8").split("\n")[0]
        )
    return None


def kill_postgres(home: Path) -> None:
    pid = postmaster(home)
    with suppress(ProcessLookupError, FileNotFoundError):
        if pid is not None and b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)


def test_the_worker_killed_at_random_moments(home: Path) -> None:
    print(f"OVERNIGHT_SEED={SEED}")
    rng = random.Random(SEED)
    before = []
    for _ in range(8):
        process = begin(home)
        time.sleep(rng.uniform(0.3, LONGEST))  # the moment itself is what is tried
        process.kill()
        process.wait(10)
        before.append(finished(ledger(home)))
    finish(home)
    check(home, before)


def test_postgres_killed_at_random_moments(home: Path) -> None:
    print(f"OVERNIGHT_SEED={SEED}")
    rng = random.Random(SEED)
    process = begin(home)
    for _ in range(6):
        time.sleep(rng.uniform(0.3, LONGEST))
        if process.poll() is None:
            kill_postgres(home)
    assert process.wait(90) == 0, (home / "log.jsonl").read_text("utf-8")[-3000:]
    finish(home)
    check(home, [])


def test_both_killed_together(home: Path) -> None:
    print(f"OVERNIGHT_SEED={SEED}")
    rng = random.Random(SEED)
    before = []
    for _ in range(4):
        process = begin(home)
        time.sleep(rng.uniform(0.3, LONGEST))
        kill_postgres(home)
        process.kill()
        process.wait(10)
        before.append(finished(ledger(home)))
    finish(home)
    check(home, before)
