"""What is known of an article that was published: kept whatever breaks in between, forgotten when
readers lose it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from publishing_jobs import Jobs

from contentstudio.config import Config
from contentstudio.model import Draft, Section, Sentence
from contentstudio.store.index_status import IndexStatus
from contentstudio.store.publications import Publication, Publications
from overnight.errors import LedgerUnavailable
from overnight.operations import runs
from overnight.store.database import Database

Write = Callable[..., Config]


@pytest.fixture
def jobs(database: Database, write_config: Write, tmp_path: Path) -> Jobs:
    write_config(["https://a.example"])
    return Jobs(database, tmp_path / "contentstudio.toml")


def draft(text: str = "A heap is a start.") -> Draft:
    return Draft(
        site="garden",
        slug="compost",
        title="On compost",
        description="What to know of heaps.",
        sections=[Section(heading="Heaps", paragraphs=[[Sentence(text=text)]])],
        references=[],
        writer="offline",
    )


async def test_what_readers_see_no_more_is_no_longer_listed(jobs: Jobs) -> None:
    await jobs.publish("one", draft())
    (page,) = await IndexStatus(jobs.database).read("garden", 10)
    assert page.slug == "compost"
    await runs.start(
        jobs.app,
        jobs.database,
        "unpublish",
        {"site": "garden", "slug": "compost", "asked": "2026-11-23T12:00:00Z"},
    )
    await jobs.work()
    assert await IndexStatus(jobs.database).read("garden", 10) == []
    assert await Publications(jobs.database).read("garden", "compost") == Publication()
    await jobs.publish("two", draft())
    (page,) = await IndexStatus(jobs.database).read("garden", 10)
    assert page.job_id == "two"


async def test_a_published_version_left_unrecorded_is_found_by_a_retry(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, lost = Publications.keep, list[str]()

    async def once(*given: Any) -> None:
        if not lost:
            lost.append("one")
            raise LedgerUnavailable
        await keep(*given)

    monkeypatch.setattr(Publications, "keep", once)
    ending = await jobs.publish("one", draft())
    assert (ending["status"], ending["attempt"]) == ("succeeded", 2)
    known = await Publications(jobs.database).read("garden", "compost")
    assert known.existing is not None
    assert known.begun == ()
    (page,) = await IndexStatus(jobs.database).read("garden", 10)
    assert page.job_id == "one"
    assert len(await jobs.database.fetch("select sha256 from versions")) == 1
