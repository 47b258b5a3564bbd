"""Every query is prepared against the real schema, so that a misspelt column fails here and not at
night.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import psycopg
import pytest

import overnight
from overnight.errors import ConfigError
from overnight.store.database import Database
from overnight.store.migrations import migrate
from overnight.store.sql import SqlFolder, queries
from overnight.testing import numbered

NOT_PREPARABLE = {"migrations_table"}  # CREATE TABLE cannot be prepared


ROOT = Path(overnight.__file__).parent
SQL = ROOT / "store/sql"
FILES = [path for path in SQL.glob("*/*.sql") if path.parent.name != "schema"]
BY_NAME = {path.stem: path.parent.name for path in FILES}
# Who asks what is another room's: (query, module). A pair goes as soon as the room has a function.
# names of columns, roles, actions and claims, too: only `queries["…"]` asks them
WORDS = {"approve", "claim", "edit", "replay", "running"}
BORROWED = {
    # the ledger is to be the engine's only door, and what watches is to be a room of its own
    ("alert_keep", "engine/maintenance.py"),
    ("alert_keep", "llm/client.py"),
    ("alert_watch", "engine/maintenance.py"),
    ("beat", "engine/heartbeat.py"),
    ("effect_done", "engine/effects.py"),
    ("effect_intend", "engine/effects.py"),
    ("effect_note", "engine/effects.py"),
    ("enqueue", "engine/wakeups.py"),
    ("late_jobs_and_parked", "store/ledger.py"),
    ("schedule_advise", "store/ledger.py"),
    ("slot_missed", "store/ledger.py"),
    ("worker_await", "engine/rescuer.py"),
    ("worker_bye", "engine/heartbeat.py"),
    ("worker_hello", "engine/heartbeat.py"),
    # budgets of a person, and lists of jobs, are to be operations
    ("budget_remove", "llm/budgets.py"),
    ("budget_set", "llm/budgets.py"),
    *(
        (query, "observability/report.py")
        for query, room in BY_NAME.items()
        if room == "operations"
    ),
    # the counts of the status page are the charts' own
    ("signals_calls", "operations/queries.py"),
}


def asked() -> set[tuple[str, str]]:
    """Which module names which query in a string."""
    names = "|".join(sorted(BY_NAME, key=len, reverse=True))
    return {
        (query, str(path.relative_to(ROOT)))
        for path in ROOT.rglob("*.py")
        if re.search(
            r"from overnight\.store\.sql import .*queries", text := path.read_text("utf-8")
        )
        for before, query in re.findall(rf"""(queries\[)?["']({names})["']""", text)
        if before or query not in WORDS
    }


def test_each_query_is_asked_by_its_own_room() -> None:
    """The folder `engine` has the ledger's verbs: `store` asks them, for all rooms above it. What
    is in `store` is for everybody.
    """
    rooms = {"engine": "store"}
    strangers = {
        (query, module)
        for query, module in asked()
        if (room := BY_NAME[query]) != "store" and rooms.get(room, room) != module.split("/")[0]
    }
    assert strangers - BORROWED == set()


def test_each_query_is_asked_by_somebody() -> None:
    texts = "".join(path.read_text("utf-8") for path in ROOT.rglob("*.py"))
    assert [name for name in BY_NAME if f'"{name}"' not in texts and f"'{name}'" not in texts] == []


def test_what_several_statements_do_stands_in_one_function() -> None:
    texts = {path.name: path.read_text("utf-8") for path in SQL.glob("*/*.sql")}
    # The one of 22 that begins runs is for the workers of the code before.
    for statement, files in (
        ("insert into runs", {"0022_functions.sql", "0025_rows_to_begin.sql"}),
        ("insert into alerts", {"0022_functions.sql"}),
    ):
        assert {name for name, text in texts.items() if statement in text} == files


async def test_workers_of_the_code_before_still_begin_runs(database: Database) -> None:
    """As the statements of migration 22 do: an array for each column."""
    before = (
        "select job_id, step from begin_runs(array['a'], array['s'], array['p'], array[''], "
        "array['1'::jsonb], array['h'], array[0], array[0.0], array[null]::float8[])"
    )
    assert await database.fetch(before) == [{"job_id": "a", "step": "s"}]
    assert await database.fetch(before) == []


def test_two_queries_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ("a", "b"):
        (tmp_path / "twice/sql" / room).mkdir(parents=True)
        (tmp_path / "twice/sql" / room / "same.sql").write_text("select 1", "utf-8")
    (tmp_path / "twice/__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="have one name"):
        SqlFolder("twice").verbs()


async def test_every_query_fits_the_schema(database: Database) -> None:
    faults = {}
    async with await database.connect() as connection:
        for number, verb in enumerate(sorted({*queries.verbs()} - NOT_PREPARABLE)):
            try:
                await connection.execute(f"prepare q{number} as {numbered(queries[verb])}")
            except psycopg.Error as fault:
                faults[verb] = str(fault)
    assert faults == {}


async def test_three_starters_apply_each_migration_once(server_url: str) -> None:
    from overnight.testing import _at

    async with await Database(server_url).connect() as admin:
        await admin.execute("create database three_starters")
        try:
            url = _at(server_url, "three_starters")
            applied = await asyncio.gather(*(migrate(Database(url)) for _ in range(3)))
        finally:
            await admin.execute("drop database three_starters with (force)")
    total = len(list(queries.migrations()))
    assert sorted(len(names) for names in applied) == [0, 0, total]


async def test_a_migration_changed_after_it_was_applied_is_an_error(database: Database) -> None:
    class Changed(SqlFolder):
        def migrations(self):  # type: ignore[no-untyped-def]
            yield 1, "ledger", "select 1"

    with pytest.raises(ConfigError, match="was changed after it was applied"):
        await migrate(database, Changed("overnight"))
