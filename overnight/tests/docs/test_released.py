"""A released migration is never edited: databases that applied it would not get the change."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[3]
RELEASED = Path(__file__).with_name("released.sha256")  # as sha256sum writes it


def test_a_released_migration_is_never_edited() -> None:
    """A new one is added to the list when it is released, with what `sha256sum` says of it."""
    listed = {file: sha256 for sha256, file in map(str.split, RELEASED.read_text().splitlines())}
    there = {
        str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in ROOT.glob("*/src/*/store/sql/schema/*.sql")
    }
    assert there == listed
