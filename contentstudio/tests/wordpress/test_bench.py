"""The bench of publishing in a small size: three WordPress sites of its own, and the rate of each
is held.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[3] / "bench" / "publishing.py"


def test_the_publishing_bench_reports_each_site_and_the_rate(
    tmp_path: Path,
) -> None:
    told = subprocess.run(
        [sys.executable, str(BENCH), "--articles", "9", "--per-second", "1", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["posts"] == {"ants": 3, "bees": 3, "cats": 3}
    assert found["statuses"] == {"succeeded": 9}
    assert found["ideal_seconds"] == 3
    assert abs(found["times_ideal"] - found["seconds"] / 3) < 0.01
    assert found["limit_held"]
    assert [site["most_in_a_second"] for site in found["sites"].values()] == [1, 1, 1]
