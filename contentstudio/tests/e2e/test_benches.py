"""The bench of writing in a small size, as somebody runs it who has just cloned the repository."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[3] / "bench"
SMALL = ("--articles", "20", "--at-once", "10", "--delay", "0.2")


def run(folder: Path, *options: str) -> str:
    told = subprocess.run(
        [sys.executable, str(BENCH / "writing.py"), *SMALL, *options],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


def kept() -> list[tuple[str, int]]:
    return [(file.name, file.stat().st_mtime_ns) for file in sorted((BENCH / "results").glob("*"))]


def test_the_bench_of_writing_tells_every_call_and_its_ratios_to_the_ideals(tmp_path: Path) -> None:
    before = kept()
    told = json.loads(run(tmp_path, "--json"))
    assert (told["articles"], told["calls"]) == (20, 20 * 8)
    assert 1 < told["most_at_once"] <= 10
    assert told["ideal_seconds"] == {"calls": 3.2, "waves": 2.4}
    for name, seconds in told["ideal_seconds"].items():  # both are rounded, each by itself
        assert told["times_ideal"][name] == pytest.approx(told["seconds"] / seconds, abs=0.02)
    assert kept() == before  # a small run takes no whole one's place


def test_the_bench_of_writing_shows_a_table(tmp_path: Path) -> None:
    told = run(tmp_path)
    assert "times the ideal of calls, 3.2 s" in told
    assert "≤ 1.3" in told
