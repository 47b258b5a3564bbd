"""`contentstudio evidence`: the claims of a job or a site, for a person, a script and a
spreadsheet.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
from collections.abc import Callable
from functools import partial

import pytest
from click.testing import Result

from contentstudio.model import Draft, Reference, Section, Sentence, Snapshot
from contentstudio.store.evidence import COLUMNS, EvidenceLedger
from overnight.store.database import Database

TEXT = "Mulch keeps the soil moist in summer. Straw rots within one year."
SNAPSHOT = Snapshot(
    url="https://a.example/", title="M", text=TEXT, sha256=hashlib.sha256(TEXT.encode()).hexdigest()
)
JOB = "0123456789abcdef"

Ask = Callable[..., Result]


@pytest.fixture
async def ask(database: Database, call: Ask) -> Ask:
    """Calls the command on a ledger with one article of two claims."""
    claims = ["In summer mulch keeps the soil moist.", "Straw rots within 7 years."]
    draft = Draft(
        site="garden",
        slug="mulch",
        title="Mulch",
        description="",
        sections=[
            Section(
                heading="One", paragraphs=[[Sentence(text=text, source="s1") for text in claims]]
            )
        ],
        references=[Reference(id="s1", url=SNAPSHOT.url, title="M", sha256=SNAPSHOT.sha256)],
        writer="test",
    )
    await EvidenceLedger(database).keep(JOB, draft, [SNAPSHOT])
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status) "
        "values (%s, 'generate', 'article', 'garden', 'cancelled')",
        [JOB],
    )
    return partial(call, "evidence")


async def test_a_prefix_of_a_job_id_gives_a_script_all_its_columns(ask: Ask) -> None:
    told = await asyncio.to_thread(ask, "0123", "--json")
    rows = json.loads(told.stdout)["evidence"]
    assert [(row["claim"], row["verdict"]) for row in rows] == [
        (1, "supported"),
        (2, "number_mismatch"),
    ]
    assert rows[0]["passage"] == TEXT[rows[0]["span_start"] : rows[0]["span_end"]]
    assert set(rows[0]) == set(COLUMNS)


async def test_a_spreadsheet_gets_the_rows_of_a_site(ask: Ask) -> None:
    told = await asyncio.to_thread(ask, "--site", "garden", "--csv")
    rows = list(csv.DictReader(io.StringIO(told.stdout)))
    assert [row["verdict"] for row in rows] == ["supported", "number_mismatch"]
    assert tuple(rows[0]) == COLUMNS


async def test_a_person_sees_the_claim_beside_its_source(ask: Ask) -> None:
    told = (await asyncio.to_thread(ask, "0123")).stdout
    assert "number_mismatch" in told
    assert "↳ Straw rots" in told


async def test_no_cell_of_a_spreadsheet_is_a_formula(ask: Ask, database: Database) -> None:
    await database.fetch(
        "update evidence set text = '=HYPERLINK(1)', passage = '@SUM(1)' where claim = 1"
    )
    told = await asyncio.to_thread(ask, "0123", "--csv")
    first = next(csv.DictReader(io.StringIO(told.stdout)))
    assert (first["text"], first["passage"]) == ("'=HYPERLINK(1)", "'@SUM(1)")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name a job"),
        (("0123", "--site", "garden"), "name a job"),
        (("ffff",), "there is no job"),
        (("--site", "nowhere"), "there is no site “nowhere”; there are: garden"),
        (("0123", "--csv", "--json"), "choose one"),
    ],
)
async def test_what_cannot_be_told_is_one_sentence(
    ask: Ask, arguments: tuple[str, ...], says: str
) -> None:
    told = await asyncio.to_thread(ask, *arguments)
    assert says in str(told.exception)
