"""The diagram in docs/lifecycle.md is the table of the database."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from overnight.store.database import Database

DOCS = Path(__file__).parents[3] / "docs"


async def test_the_diagram_shows_the_transitions_of_the_database(database: Database) -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    rows = await database.fetch("select from_status, to_status, verb from transitions")
    assert generate.diagram([tuple(row.values()) for row in rows]) in (
        DOCS / "lifecycle.md"
    ).read_text("utf-8")


async def test_a_run_begins_as_the_diagram_says(database: Database) -> None:
    (row,) = await database.fetch(
        "insert into runs (job_id, step) values ('j', 's') returning status"
    )
    assert f"[*] --> {row['status']}" in (DOCS / "lifecycle.md").read_text("utf-8")
