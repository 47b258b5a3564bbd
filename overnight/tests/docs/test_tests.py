"""Tests can be found and read: their folders are the rooms of the source, their names short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LONGEST = 60  # characters; a longer rule is not read at one glance
BESIDE = {  # folders that no room of the source stands for
    *("browser", "crash", "e2e", "fuzz", "generators", "model", "on_lambda", "wordpress"),  # kinds
    *("cases", "shared"),  # what tests read and use
    *("deploy", "docs", "upgrade"),  # of the repository, and of its versions
}


def folders(path: Path) -> set[str]:
    return {folder.name for folder in path.iterdir() if folder.is_dir() and folder.name[0] != "_"}


@pytest.mark.parametrize("package", ["overnight", "contentstudio"])
def test_each_folder_of_tests_is_a_room_of_the_source_or_a_kind(package: str) -> None:
    rooms = folders(ROOT / package / "src" / package)
    assert folders(ROOT / package / "tests") - rooms - BESIDE == set()


def test_the_name_of_a_test_is_one_short_rule() -> None:
    files = [*ROOT.glob("*/tests/**/test_*.py"), *ROOT.glob("deploy/aws/tests/test_*.py")]
    names = [
        name
        for file in files
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.M)
    ]
    assert len(names) > 2_000
    assert [name for name in names if len(name) > LONGEST] == []
