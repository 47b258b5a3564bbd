"""The benches of writing and judging in a small size, as somebody runs them who has just cloned the
repository.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[3] / "bench"
SMALL = ("--articles", "20", "--at-once", "10", "--delay", "0.2")


LABELLED = """
[[article]]
name = "owls"
language = "en"
[article.source.s1]
url = "https://birds.example/"
text = "Owls hunt at night. Nobody has counted them."
[[article.line]]
text = "Owls hunt at night."
source = "s1"
verdict = "supported"
[[article.line]]
text = "At night owls hunt."
source = "s1"
verdict = "supported"
[[article.line]]
text = "Owls hunt by day."
source = "s1"
verdict = "contradicted"
[[article.line]]
text = "Owls are counted at night."
source = "s1"
verdict = "not_found"
[[article.line]]
text = "Owls like jazz."
verdict = "not_found"
[[article.line]]
text = "Who counts?"
verdict = "no_claim"
"""


def run(folder: Path, *options: str, bench: str = "writing.py") -> str:
    told = subprocess.run(
        [sys.executable, str(BENCH / bench), *(SMALL if bench == "writing.py" else ()), *options],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


def kept() -> list[tuple[str, int]]:
    return [(file.name, file.stat().st_mtime_ns) for file in sorted((BENCH / "results").glob("*"))]


def test_the_writing_bench_reports_all_calls_and_its_ratios(tmp_path: Path) -> None:
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


def test_the_bench_of_judging_compares_a_judge_with_a_person(tmp_path: Path) -> None:
    """Its stand-in knows what stands in a source word for word, and nothing else."""
    file = tmp_path / "labelled.toml"
    file.write_text(LABELLED, "utf-8")
    told = json.loads(run(tmp_path, str(file), "--json", bench="judging.py"))
    assert (told["articles"], told["judged"], told["lines"], told["void"]) == (1, 1, 6, 0)
    assert told["verdicts"] == {
        "supported": {"labelled": 2, "judged": 1, "precision": 1.0, "recall": 0.5},
        "contradicted": {"labelled": 1, "judged": 0, "precision": None, "recall": 0.0},
        "not_found": {"labelled": 2, "judged": 3, "precision": 0.333, "recall": 0.5},
        "no_claim": {"labelled": 1, "judged": 2, "precision": 0.5, "recall": 1.0},
    }
    assert (told["false_lines"], told["false_lines_that_pass"]) == (3, 1)
    assert told["agreement"] == 0.5
    table = run(tmp_path, str(file), bench="judging.py")
    assert re.search(r"false lines that would pass +1 of 3", table)


def test_a_labelled_verdict_that_there_is_not_is_named(tmp_path: Path) -> None:
    file = tmp_path / "labelled.toml"
    file.write_text(LABELLED.replace('"no_claim"', '"maybe"'), "utf-8")
    told = subprocess.run(
        [sys.executable, str(BENCH / "judging.py"), str(file)], capture_output=True, text=True
    )
    assert told.returncode == 1
    assert "owls: “maybe” is no verdict: supported, contradicted" in told.stderr
