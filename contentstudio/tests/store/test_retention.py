"""What the studio lets go when it is old, and what stays: whatever a published or unfinished
article stands on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from drafts import small_draft

from contentstudio import app as studio
from contentstudio.brief import Idea, Note, Research, SourcePage
from contentstudio.config import Config, Keep
from contentstudio.demo.web import HARD, DemoWeb
from contentstudio.model import Existing, Snapshot
from contentstudio.pictures import Picture
from contentstudio.review import gather
from contentstudio.store.judgements import Judgements
from contentstudio.store.notes import Notes
from contentstudio.store.pages import Pages
from contentstudio.store.pictures import Pictures
from contentstudio.store.publications import Publications
from contentstudio.store.snapshots import Snapshots
from contentstudio.verify.judgement import Finding
from overnight import App
from overnight.engine.maintenance import Maintenance
from overnight.operations import retention, reviews, runs
from overnight.operations.decisions import Reject
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.testing import Clock, run_until_idle

Write = Callable[..., Config]
PAGE = "/potting-shed/mulch.html"
DAY = 86_400.0
LONG = 200 * DAY


def text_of(words: str, url: str = "https://a.example/") -> Snapshot:
    return Snapshot(
        url=url, title="T", text=words, sha256=hashlib.sha256(words.encode()).hexdigest()
    )


async def counts(database: Database) -> dict[str, int]:
    row = await database.one(
        "select (select count(*) from snapshots) as snapshots, (select count(*) from "
        "evidence) as evidence, "
        "(select count(*) from verdicts) as verdicts, (select count(*) from cadence) as cadence, "
        "(select count(*) from page_snapshots) as page_snapshots, "
        "(select count(*) from notes) as notes"
    )
    assert row is not None
    return row


@pytest.fixture
async def after_a_night(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> tuple[Config, App, dict[str, Any]]:
    """A published article and one that waits for a person, long ago: the config, the app, and the
    two job ids.
    """
    config = write_config([web.url + PAGE, web.url + HARD])
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    rows = await database.fetch("select job_id, status from runs where step = 'gate'")
    await clock.move(LONG)
    return config, app, {row["status"]: row["job_id"] for row in rows}


def own_tables(app: App) -> retention.Prune:
    own = retention.own_tables(app)
    assert own is not None
    return own


async def pruned(database: Database, app: App) -> int:
    total = 0
    while gone := await own_tables(app).batch(database, 50):
        total += gone
    return total


async def test_what_a_published_and_a_waiting_article_stand_on_stays(
    database: Database, after_a_night: tuple[Config, App, dict[str, Any]]
) -> None:
    config, app, jobs = after_a_night
    before = {status: await gather(database, config, job) for status, job in jobs.items()}
    kept = await counts(database)
    await pruned(database, app)
    assert {status: await gather(database, config, job) for status, job in jobs.items()} == before
    after = await counts(database)
    assert (after["snapshots"], after["evidence"]) == (kept["snapshots"], kept["evidence"])
    assert after["notes"] == kept["notes"] > 0
    assert after["cadence"] == 0
    left = await database.fetch("select distinct job_id from verdicts")
    assert [row["job_id"] for row in left] == [jobs["needs_review"]]


async def test_the_evidence_of_what_was_turned_down_goes(
    database: Database, clock: Clock, after_a_night: tuple[Config, App, dict[str, Any]]
) -> None:
    config, app, jobs = after_a_night
    dossier = await gather(database, config, jobs["needs_review"])
    assert dossier is not None
    await reviews.decide(app, database, dossier.job_id, Reject(dossier.seal, "no"))
    for job in jobs.values():
        finding = Finding(text="It rots.", ruling="no_claim")
        await Judgements(database).keep(job, dossier.draft, {"key": finding})
    await clock.move(LONG)
    assert await own_tables(app).count(database) > 0
    await pruned(database, app)
    assert await own_tables(app).count(database) == 0
    assert await Judgements(database).read(jobs["needs_review"]) == {}
    assert len(await Judgements(database).read(jobs["succeeded"])) == 1
    left = await database.fetch("select distinct job_id from evidence")
    assert [row["job_id"] for row in left] == [jobs["succeeded"]]
    left = await database.fetch("select distinct job_id from notes")
    assert [row["job_id"] for row in left] == [jobs["succeeded"]]
    assert await database.fetch("select job_id from verdicts") == []


async def test_old_texts_of_a_page_go_and_its_latest_one_stays(
    database: Database, clock: Clock, write_config: Write
) -> None:
    app = studio.build(write_config(["https://a.example/"]))
    for words in ("first", "second", "third"):
        await Snapshots(database).keep(text_of(words))
        await clock.move(DAY)
    assert await pruned(database, app) == await own_tables(app).count(database) == 0
    await clock.move(LONG)
    assert await own_tables(app).count(database) == 2
    assert await pruned(database, app) == 4  # each text goes after its place in the history
    assert [row["text"] for row in await database.fetch("select text from snapshots")] == ["third"]
    assert await own_tables(app).count(database) == 0


async def test_what_a_note_rests_on_stays_as_long_as_the_note(
    database: Database, clock: Clock, write_config: Write
) -> None:
    app = studio.build(write_config(["https://a.example/"]))
    old, new = text_of("first"), text_of("second")
    await Snapshots(database).keep(old)
    await Pages(database).keep_reading("a-job", old.url, old)
    await clock.move(DAY)
    await Snapshots(database).keep(new)
    page = SourcePage(sha256=old.sha256, url=old.url, title=old.title)
    note = Note(
        id="n1", text="It is.", span="first", start=0, end=5, sha256=old.sha256, hosts=("a",)
    )
    idea = Idea(site="garden", slug="a", found_on=date(2026, 11, 23), title="A")
    await Notes(database).keep("a-job", Research(idea=idea, notes=(note,), pages=(page,)))
    await clock.move(LONG)
    assert await pruned(database, app) == 2  # the place in the history, and the reading
    assert len(await database.fetch("select text from snapshots")) == 2
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, input) "
        "values ('a-job', 'research', 'article', 'garden', 'cancelled', '{}')"
    )
    assert await own_tables(app).count(database) == 1
    assert await pruned(database, app) == 2  # the note, and then its text
    assert [row["text"] for row in await database.fetch("select text from snapshots")] == ["second"]


async def test_a_worker_prunes_by_itself_and_as_the_config_says(
    database: Database, clock: Clock, write_config: Write
) -> None:
    config = write_config(["https://a.example/"]).model_copy(update={"keep": Keep(days=10)})
    app = studio.build(config)
    for words in ("first", "second"):
        await Snapshots(database).keep(text_of(words))
        await clock.move(DAY)
    await clock.move(9 * DAY)
    await Maintenance(app, Ledger(database)).tick()
    assert [row["text"] for row in await database.fetch("select text from snapshots")] == ["second"]
    assert (await retention.count(database, app)).others == 0


async def test_many_at_once_lose_nothing_and_go_by_small_batches(
    database: Database, clock: Clock, write_config: Write
) -> None:
    app = studio.build(write_config(["https://a.example/"]))
    for number in range(12):
        await Snapshots(database).keep(text_of(f"text {number}"))
        await clock.move(1)
    await clock.move(LONG)
    assert await own_tables(app).batch(database, 5) == 5
    assert (await counts(database))["page_snapshots"] == 7


async def test_a_picture_stays_while_a_version_or_a_job_needs_it(
    database: Database, clock: Clock, write_config: Write
) -> None:
    app = studio.build(write_config(["https://a.example/"]))
    pictures, publications = Pictures(database), Publications(database)
    images = {}
    for slug in ("shown", "waiting", "gone"):
        article = small_draft(slug)
        images[slug] = await pictures.keep(article, slug, shot(slug))
    article = small_draft("shown", images=[images["shown"]])
    await publications.begin("garden", "shown", "x" * 64, "shown")
    existing = Existing(url="https://garden.example/shown/", sha256="x" * 64)
    await publications.keep("garden", article, "x" * 64, existing, "shown")
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status) "
        "values ('waiting', 'gate', 'article', 'garden', 'needs_review') returning id"
    )
    await clock.move(LONG)
    assert await own_tables(app).count(database) == 1
    assert await pruned(database, app) == 2  # that the article got it, and then the picture
    left = await pictures.read(shot(slug).sha256 for slug in images)
    assert set(left) == {shot("shown").sha256, shot("waiting").sha256}
    assert await own_tables(app).count(database) == 0


def shot(words: str) -> Picture:
    return Picture(
        data=words.encode(),
        media_type="image/webp",
        width=4,
        height=3,
        alt="A heap",
        origin=f"folder:{words}.jpg",
    )
