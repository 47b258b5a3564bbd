"""`contentstudio notes`: what research found, for a person and a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial

import pytest
from click.testing import Result

from contentstudio.brief import Idea, Note, Research, SourcePage
from contentstudio.store.notes import Notes
from contentstudio.store.pages import Pages
from overnight.errors import UserError
from overnight.store.database import Database

JOB = "0123456789abcdef"
RESEARCH = Research(
    idea=Idea(site="garden", slug="seeds", found_on=date(2026, 11, 23), title="Seeds"),
    notes=(
        Note(
            id="n1",
            text="Seeds of tomatoes keep for four years.",
            span="Tomato seeds\nkeep for four years.",
            start=3,
            end=36,
            sha256="1" * 64,
            hosts=("a.example", "b.example"),
            contradicts=("n2",),
        ),
        Note(
            id="n2",
            text="Tomato seeds keep for ten years.",
            span="Tomato seeds keep for ten years.",
            start=0,
            end=32,
            sha256="2" * 64,
            hosts=("c.example",),
            contradicts=("n1",),
        ),
    ),
    pages=(
        SourcePage(
            sha256="1" * 64,
            url="https://a.example/seeds",
            title="On seeds",
            published_at=datetime(2026, 11, 20, tzinfo=UTC),
            author="Anna Berg",
        ),
        SourcePage(sha256="2" * 64, url="https://c.example/", title="Keeping"),
    ),
)

Ask = Callable[..., Result]


@pytest.fixture
async def ask(database: Database, call: Ask) -> Ask:
    """Calls the command on a ledger with the notes of one job."""
    await Notes(database).keep(JOB, RESEARCH)
    await Pages(database).keep_reading(JOB, "https://down.example/", "It answers 502.")
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status) "
        "values (%s, 'research', 'article', 'garden', 'succeeded')",
        [JOB],
    )
    return partial(call, "notes")


async def test_a_script_gets_each_note_with_its_place_and_source(ask: Ask) -> None:
    told = json.loads((await asyncio.to_thread(ask, "0123", "--json")).stdout)
    first, second = told["notes"]
    assert (first["id"], first["span_start"], first["span_end"]) == ("n1", 3, 36)
    assert (first["url"], first["author"]) == ("https://a.example/seeds", "Anna Berg")
    assert first["published_at"].startswith("2026-11-20")
    assert (first["hosts"], first["contradicts"]) == (["a.example", "b.example"], ["n2"])
    assert (second["published_at"], second["span"]) == (None, "Tomato seeds keep for ten years.")
    assert told["unread"] == [{"url": "https://down.example/", "fault": "It answers 502."}]


async def test_a_person_sees_passages_dates_hosts_and_contradictions(ask: Ask) -> None:
    result = await asyncio.to_thread(ask, "0123")
    text = " ".join(result.stdout.split())
    assert result.exit_code == 0
    assert "↳ “Tomato seeds keep for four years.”" in text
    assert "Anna Berg, of 2026-11-20, https://a.example/seeds" in text
    assert "↳" not in text.split("n2 ", 1)[1]
    assert "n2 “Tomato seeds keep for ten years.”" in text
    assert "1 other host: b.example" in text
    assert "contradicts n2" in text
    assert "without a date, https://c.example/" in text
    assert "not read: https://down.example/: It answers 502." in text


async def test_a_job_that_there_is_not_is_an_error_of_the_user(ask: Ask) -> None:
    result = await asyncio.to_thread(ask, "ffff")
    assert isinstance(result.exception, UserError)
    assert str(result.exception) == "there is no job “ffff”"


async def test_notes_of_an_earlier_attempt_are_replaced(database: Database) -> None:
    notes = Notes(database)
    await notes.keep(JOB, RESEARCH)
    one = RESEARCH.notes[1].model_copy(update={"id": "n1", "contradicts": ()})
    await notes.keep(JOB, RESEARCH.model_copy(update={"notes": (one,)}))
    await notes.keep("another", RESEARCH)
    rows = await notes.of_job(JOB)
    assert [(row["id"], row["text"], row["hosts"]) for row in rows] == [
        ("n1", "Tomato seeds keep for ten years.", ["c.example"])
    ]
    assert len(await notes.of_job("another")) == 2
