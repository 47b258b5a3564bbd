"""What the documents say of the tests is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = "\n".join(file.read_text() for file in ROOT.glob("*/tests/**/test_*.py"))
NAMED = sorted(set(re.findall(r"`(test_\w+)`", (ROOT / "docs/pains.md").read_text())))
PROOF = (ROOT / "docs/proof.md").read_text()


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_the_documents_name_exists(name: str) -> None:
    assert re.search(rf"def {name}\(", TESTS)


def test_each_pain_is_there_by_its_number() -> None:
    numbers = [
        int(n) for n in re.findall(r"^\| (\d+) \|", (ROOT / "docs/pains.md").read_text(), re.M)
    ]
    assert numbers == sorted(set(numbers))
    assert {1, 2, 3, 4, 5, 6, 9, 11, 12, 15, 17} <= set(numbers)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/]*test_\w+\.py)`", PROOF))))
def test_a_file_of_tests_that_the_proof_names_exists(name: str) -> None:
    assert list(ROOT.glob(f"*/tests/**/{Path(name).name}"))


def test_the_mutants_that_the_proof_names_are_tried() -> None:
    invariants = PROOF.partition("## The gates")[0]
    rows = [row for row in invariants.splitlines() if row.startswith("| ")][1:]
    cells = [row.strip("| ").split(" | ")[-1] for row in rows]
    named = [
        words
        for cell in cells
        for words in cell.split("; ")
        if not words.startswith(("not among", "and "))
    ]
    tried = (ROOT / "overnight/tests/model/mutants.py").read_text()
    assert len(named) > 20
    assert [words for words in named if f'"{words}"' not in tried] == []
