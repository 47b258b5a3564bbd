"""Every command that shows a table, on terminals from 40 places on: what is copied from it is never
broken in two.

Each command is called once; what it gives its tables is then shown on each width, for a call takes
a while.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

import contentstudio
import overnight
from contentstudio.model import Draft, Section, Sentence
from overnight import formatting
from overnight.cli import output
from overnight.store.database import Database

JOB = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
SLUG = "what-a-gardener-should-know-of-compost-heaps-in-a-very-dry-summer"
URL = f"https://garden.example/2026/11/{SLUG}/?utm_source=a&utm_medium=b#heaps"
WHY = f"GET {URL} was answered 502: “{SLUG}” of job {JOB} is tried again"
DRAFT = Draft(
    site="garden",
    slug=SLUG,
    title="On compost",
    description="",
    sections=[Section(heading="One", paragraphs=[[Sentence(text="A heap is a start.")]])],
    references=[],
    writer="offline",
)
ROWS = (
    "insert into runs (job_id, step, pipeline, key, status, outcome, attempt, failures, "
    "input, output, error,"
    " error_class, started_at, finished_at, lease_until)"
    " select %(job)s || number, step, 'article', 'garden', status, 'error', 3, 2, '{}',"
    " jsonb_build_object('url', %(url)s::text, 'action', 'left'), %(why)s, 'transient', "
    "ledger_now(), ledger_now(),"
    " null"
    " from (values (1, 'publish', 'dead'), (2, 'publish', 'needs_review'), (3, 'gate', "
    "'succeeded'))"
    " as r (number, step, status)",
    "insert into attempts (run_id, attempt, outcome, error, started_at)"
    " select id, 1, 'retry', %(why)s, ledger_now() from runs",
    "insert into effects (job_id, name, content_hash, run_id, attempt, status, result, done_at)"
    " select job_id, 'create ' || %(slug)s, 'x', id, 1, 'done', "
    "jsonb_build_object('url', %(url)s::text), ledger_now()"
    " from runs",
    "insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, "
    "model, request_hash, status, error,"
    " finished_at) select id, job_id, step, pipeline, key, 1, 'anthropic', "
    "'claude-a-model-with-a-long-name-20260101',"
    " 'x', 'failed', %(why)s, ledger_now() from runs",
    "insert into actions (verb, target, step, reason, by) select 'edit', job_id, step, "
    "%(why)s, 'eva' from runs",
    "insert into alerts (kind, subject, text, job_id) values ('dead_letter', "
    "'article/publish', %(why)s, %(job)s || 1)",
    "insert into channels (app, name, kind) values ('contentstudio', 'slack', 'slack')",
    "insert into deliveries (app, channel, message, error) values"
    " ('contentstudio', 'slack', jsonb_build_object('title', %(why)s::text), %(why)s)",
    "insert into switches (scope, enabled, reason, changed_by) values ('key:garden', "
    "false, %(why)s, 'eva')",
    "insert into actions (verb, target, reason, by) values ('pause', 'key:garden', %(why)s, 'eva')",
    "insert into breakers (name, key, failures, open_until, probe_run, error)"
    " select 'cms garden', 'garden', 5, ledger_now(), max(id), %(why)s from runs",
    "insert into budgets (scope, person_usd, person) values ('key:garden', 5, 'eva')",
    "insert into console_tokens (name, hash, role, created_by) values (%(slug)s, 'x', "
    "'view', 'eva')",
    "insert into publications (site, slug, job_id, existing) values"
    " ('garden', %(slug)s, %(job)s, jsonb_build_object('url', %(url)s::text, 'state', "
    "'published'))",
    "insert into versions (site, slug, sha256, draft, job_id) values ('garden', "
    "%(slug)s, 'x', %(draft)s, %(job)s)",
    "insert into listings (site, slug, url, job_id, verdict) values ('garden', %(slug)s, "
    "%(url)s, %(job)s, 'Indexed')",
    "insert into choices (site, slug, chosen_by, found_on, title, decision, reason, "
    "score, factors, url, snapshots)"
    " values ('garden', %(slug)s, %(job)s, '2026-11-23', 'On compost', 'skip', %(why)s, "
    "0.5, '{\"demand\": 0.5}',"
    " %(url)s, '{}')",
    "insert into evidence (job_id, text_sha256, site, slug, claim, text, source, "
    "snapshot, url, passage, similarity,"
    " quoted, verdict) values (%(job)s || 3, 'x', 'garden', %(slug)s, 1, %(why)s, 's1', "
    "%(job)s, %(url)s, %(why)s, 0.5,"
    " false, 'supported')",
)
COMMANDS = (
    *(
        "status",
        "runs",
        "dead",
        "review",
        "effects",
        "alerts --all",
        "switches",
        "switches site:garden",
        "breakers",
    ),
    *(
        "budgets",
        "schedules",
        "token list",
        "signals",
        "articles",
        f"articles garden {SLUG}",
        "idea list",
        "calendar",
    ),
    *("site pages garden", "site check garden", "evidence --site garden", "check --offline"),
    *(f"show {JOB}1", f"dead {JOB}1", f"review {JOB}2"),
)
COPIED = re.compile(
    r"[0-9a-f]{16,}|https?://\S+|\S*-\S*-\S*-\S*|/\S+/\S+"
)  # ids and hashes, addresses, slugs, paths
# The plan for AWS names no job and no article; it takes a built Lambda, and has tests of its own.
ELSEWHERE = {"deploy.py"}

Ask = Callable[[str], Any]


@pytest.fixture
async def ask(database: Database, call: Ask) -> Ask:
    """The command line, on a ledger that has something long in every table."""
    values = {"job": JOB, "slug": SLUG, "url": URL, "why": WHY, "draft": DRAFT.model_dump_json()}
    for sql in ROWS:
        await database.fetch(sql, values)
    return lambda words: call(*words.split())


def calls() -> set[str]:
    """The places of the two packages that show a table or labelled lines, as `file:line`."""
    found = set()
    for package in (overnight, contentstudio):
        assert package.__file__ is not None
        for file in Path(package.__file__).parent.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                    "show.table",
                    "show.lines",
                ):
                    found.add(f"{file.name}:{node.lineno}")
    return {each for each in found if each.split(":")[0] not in ELSEWHERE}


async def test_cells_to_copy_are_whole_in_every_table_at_any_width(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[tuple[str, Callable[[], None], list[str]]] = []
    places: set[str] = set()
    table, lines = output.table, output.lines

    def place() -> None:
        frame = sys._getframe(2)
        places.add(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")

    def note_table(title: str, rows: Any, columns: dict[str, str], **options: Any) -> None:
        place()
        kept = [key for key in columns if key not in options.get("spare", ())]
        cells = [formatting.cell(row.get(key)) for row in rows for key in kept]
        shown.append((command, lambda: table(title, rows, columns, **options), cells))

    def note_lines(pairs: Any) -> None:
        place()
        pairs = list(pairs)
        shown.append((command, lambda: lines(pairs), [value for _, value in pairs]))

    monkeypatch.setattr(output, "table", note_table)
    monkeypatch.setattr(output, "lines", note_lines)
    for command in COMMANDS:
        told = await asyncio.to_thread(ask, command)
        assert told.exception is None or isinstance(told.exception, SystemExit), (
            f"{command}: {told.exception!r}"
        )
    assert {each for each in calls() if each not in places} == set()
    assert sum(len(COPIED.findall(text)) for _, _, cells in shown for text in cells) > 2 * len(
        COMMANDS
    )
    for width in (*range(40, 201, 20), "pipe"):
        monkeypatch.setenv("FORCE_COLOR", "" if width == "pipe" else "1")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "80" if width == "pipe" else str(width))
        for command, again, cells in shown:
            capsys.readouterr()
            again()
            out = Text.from_ansi(capsys.readouterr().out).plain
            broken = [word for text in cells for word in COPIED.findall(text) if word not in out]
            assert broken == [], f"{command}, {width}: {json.dumps(broken)}\n{out}"
